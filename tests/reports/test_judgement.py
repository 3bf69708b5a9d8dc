"""What reports say of the score: provisional bands, neutral dimensions, sources that did not answer, operators that were guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from report_accounts import (
    ACCOUNT_KINDS,
    AS_OF,
    candidate,
    evidence,
    figure,
    full,
    gap_of,
    nothing,
    receipt,
    score,
)

from customer_research.documents.formats import json_, markdown, terminal
from customer_research.domain.account import Account
from customer_research.domain.evidence import Evidence, Fact, Gap, GapReason
from customer_research.domain.health import BAND_LABELS, Contribution, Dimension, UnjudgedGate, UnjudgedRule
from customer_research.domain.identity import Match
from customer_research.domain.report import Freshness, Table, Text
from customer_research.reports import judgement
from customer_research.reports.kinds import KINDS
from customer_research.reports.rule_evidence import evidence_table

UNJUDGED = UnjudgedGate("usage_falling", "monitor", gap_of("warehouse"))
WORDS = "Healthy, provisional: “usage falling” may cap it and could not be checked (the warehouse did not answer)"


def scored(*unjudged: UnjudgedGate, band: Any = "healthy") -> Account:
    made = replace(score(90, band), gates=(), unjudged_gates=unjudged)
    return replace(full(), scores=(made,))


def text_of(account: Account, kind: str) -> str:
    return terminal.render(KINDS[kind].build(account), width=400)


# -- provisional bands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(set(ACCOUNT_KINDS) - {"quick"}))
def test_every_report_says_that_a_band_is_provisional_and_why(kind: str) -> None:
    for render in (lambda r: terminal.render(r, width=400), markdown.render, json_.render):
        assert WORDS in render(KINDS[kind].build(scored(UNJUDGED)))
        assert "provisional" not in render(KINDS[kind].build(scored()))


def test_one_line_says_it_in_a_word_and_its_json_in_full() -> None:
    report = KINDS["quick"].build(scored(UNJUDGED))
    assert "health 90 Healthy, provisional ·" in terminal.render(report)
    assert WORDS in json.loads(json_.render(report))["headline"]["text"]


def test_a_provisional_band_is_not_plainly_good() -> None:
    assert judgement.headline(scored()).tone == "good"
    assert judgement.headline(scored(UNJUDGED)).tone == "watch"
    assert judgement.headline(scored(UnjudgedGate("x", "at_risk", gap_of("lago")), band="critical")).tone == "bad"


def test_a_gate_that_could_not_lower_the_band_leaves_it_as_it_is() -> None:
    account = scored(UNJUDGED, band="monitor")
    assert account.score is not None
    assert judgement.band_words(account.score) == "Monitor"
    assert "Usage falling may cap the band at Monitor; that could not be checked" in text_of(account, "health")


def test_gates_are_told_by_cause() -> None:
    denied = Gap("lago", "denied", "401")
    gates = (
        UNJUDGED,
        UnjudgedGate("usage_stopped", "at_risk", gap_of("warehouse")),
        UnjudgedGate("x", "at_risk", denied),
    )
    account = scored(*gates)
    assert account.score is not None
    assert judgement.band_words(account.score) == (
        "Healthy, provisional: “usage falling”, “usage stopped” may cap it and could not be checked (the warehouse did not answer); "
        "“x” may cap it and could not be checked (Lago refused the credential)"
    )


# -- dimensions -------------------------------------------------------------------------------------------------------------


def dimension(base: int, found: int, band: Any, *lines: Contribution) -> Dimension:
    return Dimension("growth", 0.15, base, found, band, lines)


def test_a_dimension_at_its_base_is_neutral_unless_its_base_is_healthy() -> None:
    assert judgement.standing(dimension(50, 50, "at_risk")) == Text("Neutral", "neutral")
    assert judgement.standing(dimension(100, 100, "healthy")) == Text("Healthy", "good")
    line = replace(score().contributions[0], points=-10)
    assert judgement.standing(dimension(50, 40, "at_risk", line)) == Text(BAND_LABELS["at_risk"], "bad")
    balanced = (replace(line, points=-10), replace(line, points=10))
    assert judgement.standing(dimension(50, 50, "at_risk", *balanced)).text == BAND_LABELS["at_risk"]


def test_the_neutral_dimension_stands_in_the_table_with_its_base() -> None:
    account = scored()
    assert account.score is not None
    made = replace(account.score, dimensions=(dimension(50, 50, "at_risk"),))
    table = judgement.dimension_table(account, made)
    assert table is not None
    assert [getattr(table.rows[0][at], "value", "") for at in (2, 4)] == ["Neutral", "no rule applied; base 50"]


# -- sources ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "words", "partly"),
    [
        ("unavailable", "did not answer", "did not answer the rest"),
        ("denied", "refused the credential", "refused the credential for the rest"),
        ("not_configured", "is not configured", "is not configured for the rest"),
        ("truncated", "cut its answer", "cut its answer"),
        ("stale", "is too old to use", "is too old to use for the rest"),
    ],
)
def test_what_a_source_did_instead_of_answering(reason: GapReason, words: str, partly: str) -> None:
    gaps = (Gap("hubspot", reason, "why"),)
    missing = replace(full(), freshness=(Freshness("hubspot", "missing", None, None, gaps),))
    text = text_of(missing, "profile")
    assert f"Act: HubSpot {words}: its figures are named as gaps." in text
    assert f"- HubSpot: {words}\n" in text
    part = replace(full(), freshness=(Freshness("hubspot", "partial", AS_OF, None, gaps),))
    assert f"- HubSpot: answered in part, {partly}; read" in text_of(part, "profile")


def test_the_rules_that_one_missing_source_left_unjudged_are_one_entry() -> None:
    down = gap_of("warehouse")
    account = scored()
    assert account.score is not None
    unjudged = tuple(UnjudgedRule(rule, "engagement", down) for rule in ("E1", "E2", "E3"))
    made = replace(
        account.score, dimensions=(Dimension("engagement", 0.25, 100, None, "insufficient", (), unjudged, down),)
    )
    envelope = json.loads(json_.render(KINDS["health"].build(replace(account, scores=(made,)))))
    (entry,) = [gap for gap in envelope["gaps"] if gap["source"] == "warehouse"]
    assert entry["detail"] == down.detail
    assert entry["concerns"][:4] == ["Dimension Engagement", "Rule E1", "Rule E2", "Rule E3"]


# -- records behind a line --------------------------------------------------------------------------------------------------


def records_of(shown: Evidence, metric: str) -> Any:
    line = Contribution("X", "support", -10, "So.", figure(metric, 3), shown, "now")
    account = scored()
    assert account.score is not None
    made = replace(account.score, dimensions=(dimension(100, 90, "healthy", line),))
    table = judgement.contribution_table(account, made)
    assert isinstance(table, Table)
    return table.rows[0][5]


def test_a_figure_of_the_warehouse_is_not_said_to_rest_on_one_record() -> None:
    aggregate = Evidence(("reservations_30d",), ((3,),), 1, (receipt("warehouse", "usage"),))
    assert records_of(aggregate, "reservations_30d") == Text("in the warehouse")
    found = records_of(evidence(), "overdue_not_failed")
    assert isinstance(found, Fact)
    assert found.value == 2


def test_lists_of_vendors_are_words() -> None:
    columns, rows = ("ticket_id", "types"), (("t1", "|Bug|"), ("t2", "|Bug|Request|"))
    line = Contribution(
        "S1",
        "support",
        -10,
        "So.",
        figure("open_tickets", 2),
        Evidence(columns, rows, 2, (receipt("notion", "tickets"),)),
    )
    table = evidence_table(line)
    assert isinstance(table, Table)
    assert [getattr(row[1], "value", None) for row in table.rows] == ["Bug", "Bug, Request"]


# -- the head ---------------------------------------------------------------------------------------------------------------


def test_one_instant_is_said_once_and_the_box_keeps_one_line() -> None:
    once = terminal.render(KINDS["profile"].build(replace(full(), generated_at=AS_OF)), width=100)
    assert "As of 2026-11-01 00:00 UTC. " in once
    assert "made" not in once.partition("╰")[0]
    later = terminal.render(
        KINDS["profile"].build(replace(full(), generated_at=AS_OF + timedelta(minutes=1))), width=100
    )
    assert "As of 2026-11-01 00:00 UTC, made 00:01 UTC. " in later
    next_day = markdown.render(KINDS["profile"].build(replace(full(), generated_at=AS_OF + timedelta(days=1))))
    assert "As of 2026-11-01 00:00 UTC, made 2026-11-02 00:00 UTC." in next_day


GUESS = "Matched by name: it is similar to the term (93%)."


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
@pytest.mark.parametrize("how", ["name_similar", "name_prefix", "name_part", "name_words"])
def test_every_report_says_that_the_operator_was_guessed(kind: str, how: str) -> None:
    account = replace(full(), match=Match(candidate(), how, GUESS, 0.56))
    report = KINDS[kind].build(account)
    assert report.warnings[0].text == f"Taken for Alder Chauffeurs. {GUESS}"
    assert GUESS.rstrip(".") in terminal.render(report, width=400)
    assert GUESS in json_.render(report)


@pytest.mark.parametrize("how", ["name_exact", "operator_id", "email"])
def test_a_sure_match_needs_no_word(how: str) -> None:
    account = replace(full(), match=Match(candidate(), how, "Matched by it.", 0.95))
    assert "Matched by it" not in text_of(account, "profile")
    assert "Matched by it" not in text_of(account, "quick")


def test_a_dimension_of_a_scorecards_own_rests_on_every_source_and_no_sentence_contradicts_its_share() -> None:
    own = replace(score(100), dimensions=(Dimension("loyalty", 1.0, 100, 100, "healthy", ()),), coverage=1.0, gates=())
    told = judgement.score_figure(full(), own)
    assert isinstance(told, Fact)
    assert {one.source for one in told.basis} >= {"lago", "warehouse"}
    for account, scored in ((nothing(), own), (nothing(), replace(own, score=None, coverage=0.3))):
        gap = judgement.score_figure(account, scored)
        assert isinstance(gap, Gap)
        assert ("too little to score" in gap.detail) is (scored.score is None)
