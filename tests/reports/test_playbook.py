"""The playbook: what it refuses, what raises advice, for whom it differs, and that nothing comes without evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_accounts import contribution, figure, findings, full, score
from report_past import history, past_score

from customer_research.domain.account import NO_HISTORY
from customer_research.domain.advice import Advice
from customer_research.domain.catalogue import METRICS
from customer_research.domain.health import Dimension
from customer_research.domain.report import Prose
from customer_research.errors import ConfigError
from customer_research.health.playbook import Playbook, Situation, advise, load_playbook, read_playbook
from customer_research.reports.kinds import KINDS

SHIPPED = load_playbook(None, METRICS)
ONE = """
version = "1"
[[plays]]
id = "own"
area = "call"
owner = { default = "CSM", Enterprise = "CSM lead" }
action = "Call."
also = { Enterprise = "Bring the sponsor." }
reason = "proposed"
"""


def known(row: dict[str, Any] | None = None, **values: Any) -> Situation:
    """An account without findings, score or past, with these figures."""
    return Situation(row or {}, {name: figure(name, value) for name, value in values.items()}, None, (), NO_HISTORY)


def book(text: str) -> Playbook:
    """A playbook of this text."""
    return read_playbook(text, "the test's playbook", frozenset(METRICS))


def only(playbook: Playbook, account: Situation) -> Advice:
    """The one piece of advice there is."""
    (found,) = advise(playbook, account)
    return found


# -- reading -------------------------------------------------------------------------------------------------------------


def test_every_shipped_play_says_what_raises_it_who_acts_and_where_it_comes_from() -> None:
    for play in SHIPPED.plays:
        assert play.trigger
        assert play.owner.default
        assert play.reason.startswith(("procedure", "proposed")), play.id
        assert not play.action or play.action.endswith("."), play.id


def test_the_triggers_of_the_notes_are_there() -> None:
    assert {
        "save_call",
        "outreach",
        "band_fell",
        "many_signals",
        "bookings_fall",
        "no_first_trip",
        "renewal_opens",
        "renewal_closes",
        "enterprise_tickets",
        "expand",
        "bookings_stopped",
    } <= {play.id for play in SHIPPED.plays}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("", "nothing raises it"),
        ('raised_by = ["P1"]\nbogus = 1', "unknown key 'bogus'"),
        ('bands = ["red"]', "'bands' names 'red'; known: healthy"),
        ('raised_by = ["P1"]\nmeetings = ["lunch"]', "'meetings' names 'lunch'; known: check-in"),
        ('raised_by = ["P1"]\nsegments = ["Huge"]', "'segments' names 'Huge'; known: Free"),
        ('when = "no_such_metric > 1"\nbecause = "X."\nfact = "mrr_usd"', "no_such_metric"),
        ('when = "mrr_usd > 1"\nbecause = "{nobody}."\nfact = "mrr_usd"', "'nobody' is not a metric"),
        ('raised_by = ["P1"]\npriority = "urgent"', "'urgent' is not known"),
    ],
)
def test_a_wrong_play_is_refused_with_its_place(change: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        book(ONE + change)
    assert "own" in caught.value.message
    assert caught.value.setting == "playbook"


def test_a_wrong_value_by_segment_is_refused() -> None:
    with pytest.raises(ConfigError, match="'owner': 'Huge' is not a segment"):
        book(ONE.replace('Enterprise = "CSM lead"', 'Huge = "CSM lead"') + 'raised_by = ["P1"]')


def test_a_play_without_an_action_is_for_findings_only() -> None:
    text = ONE.replace('action = "Call."\n', "")
    assert book(text + 'raised_by = ["R1"]').plays[0].action == ""
    with pytest.raises(ConfigError, match="'action' is missing"):
        book(text + 'raised_by = ["P1"]')


def test_a_file_of_ones_own_changes_shipped_plays_by_id(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('base = "shipped"\n[[plays]]\nid = "overdue"\nowner = "Collections"\n', encoding="utf-8")
    own = {play.id: play for play in load_playbook(file, METRICS).plays}
    assert len(own) == len(SHIPPED.plays)
    assert own["overdue"].owner.default == "Collections"
    assert own["overdue"].action.startswith("Ask when the overdue invoices")


@pytest.mark.parametrize("text", ["not = [toml", 'base = "other"\n', 'version = "1"\nplays = 3\n'])
def test_a_broken_file_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        load_playbook(file, METRICS)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_playbook(tmp_path / "none.toml", METRICS)


# -- advising ------------------------------------------------------------------------------------------------------------

CONDITION = (
    ONE + 'when = "open_tickets >= 3"\nbecause = "{open_tickets|ticket is|tickets are} open."\nfact = "open_tickets"'
)


def test_a_condition_raises_advice_with_its_sentence_and_fact() -> None:
    found = only(book(CONDITION), known({"case_0": 1}, open_tickets=3, segment="SMB", status="active"))
    assert (found.source, found.because, found.owner) == ("own", "3 tickets are open.", "CSM")
    assert found.facts[0].value == 3
    assert found.priority == "medium"


def test_advice_differs_by_segment() -> None:
    found = only(book(CONDITION), known({"case_0": 1}, open_tickets=3, segment="Enterprise", status="active"))
    assert (found.owner, found.action) == ("CSM lead", "Call. Bring the sponsor.")


@pytest.mark.parametrize("case", [0, None])
def test_a_condition_that_does_not_hold_or_is_unknown_raises_nothing(case: int | None) -> None:
    assert advise(book(CONDITION), known({"case_0": case}, open_tickets=3, segment="SMB", status="active")) == ()


def test_those_who_left_are_not_asked_for_more() -> None:
    assert advise(book(CONDITION), known({"case_0": 1}, open_tickets=3, status="churned")) == ()


def test_a_condition_without_its_fact_raises_nothing() -> None:
    assert advise(book(CONDITION), known({"case_0": 1}, status="active")) == ()


def test_the_band_raises_advice_that_rests_on_what_took_points() -> None:
    account = full()
    critical = replace(account.scores[0], score=22, band="critical")
    found = advise(SHIPPED, Situation({}, account.figures, critical, (), NO_HISTORY))
    assert (found[0].play, found[0].priority) == ("save_call", "critical")
    assert found[0].facts[0].basis


def test_a_fall_of_the_band_needs_both_readings() -> None:
    account = full()
    now = replace(account.scores[0], score=66, band="monitor")
    past = history(past_score(91, 90), past_score(30, 92), past_score(7, 80, "monitor"))
    found = advise(SHIPPED, Situation({}, account.figures, now, (), past))
    assert [one.because for one in found if one.play == "band_fell"] == [
        "The band fell from Healthy on 2026-10-02 to Monitor."
    ]
    assert not [
        one for one in advise(SHIPPED, Situation({}, account.figures, now, (), NO_HISTORY)) if one.play == "band_fell"
    ]


def test_several_risks_at_once_are_taken_to_the_meeting() -> None:
    account = full()
    three = tuple(replace(findings()[0], rule=rule) for rule in ("R1", "R2", "R9"))
    found = advise(SHIPPED, Situation({}, account.figures, None, three, NO_HISTORY))
    (many,) = [one for one in found if one.play == "many_signals"]
    assert many.because.startswith("3 risks hold at once: ")


def test_rules_that_a_play_names_are_not_answered_twice() -> None:
    own = contribution("X9", "payment", -25, "Own rule.", "overdue_invoices")
    named = contribution("P1", "payment", -10, "Overdue.", "overdue_invoices")
    made = replace(score(), dimensions=(Dimension("payment", 0.4, 100, 65, "monitor", (named, own)),))
    found = advise(SHIPPED, Situation({}, full().figures, replace(made, band="monitor"), (), NO_HISTORY))
    assert [(one.play, one.source, one.priority) for one in found] == [
        ("other_payment", "X9", "high"),
        ("overdue", "P1", "medium"),
    ]


def test_the_sql_has_a_column_for_each_play_with_a_condition() -> None:
    conditional = [at for at, play in enumerate(SHIPPED.plays) if play.cases]
    assert all(f"AS case_{at}" in SHIPPED.sql for at in conditional)
    assert SHIPPED.sql.count(" AS case_") == len(conditional)


def test_that_nothing_is_to_be_done_is_said_where_there_is_no_advice_alone() -> None:
    """Of the whole account, and of the part that concerns a report's own dimensions."""
    account = full(overdue_invoices=1)
    assert account.advice
    for kind in ("profile", "billing"):
        for advice in (account.advice, ()):
            report = KINDS[kind].build(replace(account, advice=advice))
            (part,) = (one for one in report.sections if one.id == "recommendations")
            said = [block.text for block in part.blocks if isinstance(block, Prose)]
            assert any(text.startswith("Nothing in the figures known") for text in said) is not bool(advice)
