"""The life of alerts over drawn histories: one open episode at a time, nothing twice, nothing from the unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from alert_cases import at, rules_of
from hypothesis import given
from hypothesis import strategies as st

from customer_research.domain.alert import AlertState, Change, Episode, Key, Observation
from customer_research.health.alerts.episodes import RETIRED, SILENT, advance, step

STATES: tuple[AlertState, ...] = ("holds", "clears", "over", "between", "unknown")
RULES = rules_of(
    *(
        f'id = "{name}"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 29\nclear_at = 40\n'
        f"quiet_days = {quiet}\ncool_down_days = {days}"
        for name, quiet, days in (("quick", 0, 0), ("slow", 0, 20), ("calm", 14, 0))
    )
).rules
SUBJECTS = ("op-1", "op-2", "source:lago")
WEEKS = st.lists(
    st.fixed_dictionaries(
        {rule.id: st.dictionaries(st.sampled_from(SUBJECTS), st.sampled_from(STATES)) for rule in RULES}
    ),
    max_size=14,
)
Week = dict[str, dict[str, AlertState]]


def lived(weeks: list[Week], last: dict[Key, Episode] | None = None) -> tuple[dict[Key, Episode], list[Change]]:
    """All weeks, one after the other."""
    last, changes = last or {}, []
    for number, states in enumerate(weeks):
        for change in list(advance(RULES, states, last, seen(number), SILENT)):
            last[change.episode.rule, change.episode.subject] = change.episode
            changes.append(change)
    return last, changes


def seen(week: int) -> Observation:
    return Observation(at(7 * week), f"snapshot {week}")


@given(WEEKS)
def test_episodes_of_one_rule_and_subject_follow_one_another(weeks: list[Week]) -> None:
    _, changes = lived(weeks)
    for rule in RULES:
        for subject in SUBJECTS:
            own = [c for c in changes if (c.episode.rule, c.episode.subject) == (rule.id, subject)]
            news = [c for c in own if c.what != "continued"]
            assert [c.what for c in news] == ["raised", "cleared"] * (len(news) // 2) + ["raised"] * (len(news) % 2)
            assert [c.episode.number for c in news[::2]] == list(range(1, len(news[::2]) + 1))
            for cleared, raised in zip(news[1::2], news[2::2], strict=False):
                assert cleared.episode.cleared is not None
                pause = raised.episode.raised.as_of - cleared.episode.cleared.as_of
                assert pause >= timedelta(days=rule.cool_down_days)


@given(WEEKS)
def test_the_same_history_gives_the_same_episodes(weeks: list[Week]) -> None:
    assert lived(weeks) == lived(weeks)


@given(WEEKS)
def test_the_same_week_again_makes_nothing_new(weeks: list[Week]) -> None:
    last, _ = lived(weeks)
    if weeks:
        again = list(advance(RULES, weeks[-1], last, seen(len(weeks) - 1), SILENT))
        assert {change.what for change in again} <= {"continued"}
        assert all(last[c.episode.rule, c.episode.subject] == c.episode for c in again)


@given(WEEKS, st.integers(0, 14), st.sampled_from(["unknown", "between"]))
def test_weeks_of_an_outage_change_nothing(weeks: list[Week], where: int, state: AlertState) -> None:
    """An outage before any week: as if that week had not been looked at (but later weeks keep their dates)."""
    blank: Week = {rule.id: dict.fromkeys(SUBJECTS, state) for rule in RULES}
    before = lived(weeks[:where])[0]
    assert lived([*weeks[:where], blank])[0] == before
    assert lived([*weeks[:where], {rule.id: {} for rule in RULES}])[0] == before


@given(WEEKS)
def test_an_older_snapshot_changes_nothing(weeks: list[Week]) -> None:
    last, _ = lived(weeks)
    newest = {key: e.cleared or e.held for key, e in last.items()}
    for (rule, subject), episode in last.items():
        old = Observation(newest[rule, subject].as_of - timedelta(days=1), "old")
        declared = next(r for r in RULES if r.id == rule)
        assert all(step(declared, subject, episode, state, old) is None for state in STATES)


@given(WEEKS)
def test_a_rule_that_is_gone_clears_what_is_open(weeks: list[Week]) -> None:
    last, _ = lived(weeks)
    changes = list(advance((), {}, last, seen(99), SILENT))
    assert {(c.episode.rule, c.episode.subject) for c in changes} == {key for key, e in last.items() if e.open}
    assert all(c.what == "cleared" and c.episode.cleared_because == RETIRED for c in changes)


@pytest.mark.parametrize(("days", "expected"), [(19, None), (20, "raised")])
def test_nothing_is_raised_in_the_cool_down(days: int, expected: str | None) -> None:
    rule = RULES[1]
    first = step(rule, "op-1", None, "holds", seen(0))
    assert first is not None
    cleared = step(rule, "op-1", first.episode, "clears", seen(1))
    assert cleared is not None
    again = step(rule, "op-1", cleared.episode, "holds", Observation(at(7 + days), "later"))
    assert (again and again.what) == expected


def test_an_alert_is_cleared_when_it_has_been_quiet_or_when_it_is_over() -> None:
    calm = RULES[2]
    first = step(calm, "op-1", None, "holds", seen(0))
    assert first is not None
    assert step(calm, "op-1", first.episode, "clears", seen(1)) is None
    assert (done := step(calm, "op-1", first.episode, "clears", seen(2))) is not None
    assert done.what == "cleared"
    assert (over := step(calm, "op-1", first.episode, "over", seen(1))) is not None
    assert over.what == "cleared"
    held = step(calm, "op-1", first.episode, "holds", seen(1))
    assert held is not None
    assert step(calm, "op-1", held.episode, "clears", seen(2)) is None


def test_a_snooze_that_has_not_run_out_and_the_assignee_pass_on() -> None:
    first = step(RULES[0], "op-1", None, "holds", seen(0))
    assert first is not None
    marked = replace(first.episode, snoozed_until=at(10), assignee="Kim", acknowledged_at=at(1), acknowledged_by="Kim")
    cleared = step(RULES[0], "op-1", marked, "clears", seen(1))
    assert cleared is not None
    for later, snoozed in ((9, at(10)), (11, None)):
        again = step(RULES[0], "op-1", cleared.episode, "holds", Observation(at(later), "later"))
        assert again is not None
        assert (again.episode.snoozed_until, again.episode.assignee) == (snoozed, "Kim")
        assert again.episode.acknowledged_at is None
        assert again.episode.id != first.episode.id


GRAVE, LESSER = rules_of(
    'id = "grave"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 29\nclear_at = 40\nquiet_days = 14',
    'id = "lesser"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 39\nclear_at = 50\n'
    'covered_by = ["grave"]',
).rules


def story(*weeks: tuple[AlertState, AlertState]) -> list[tuple[str, str]]:
    """What happens to one operator over weeks of states of the grave and the lesser rule."""
    last: dict[Key, Episode] = {}
    happened: list[tuple[str, str]] = []
    for number, (grave, lesser) in enumerate(weeks):
        states: Week = {"grave": {"op-1": grave}, "lesser": {"op-1": lesser}}
        for change in list(advance((GRAVE, LESSER), states, last, seen(number), SILENT)):
            last[change.episode.rule, change.episode.subject] = change.episode
            if change.what != "continued":
                happened.append((change.episode.rule, change.what))
    return happened


@pytest.mark.parametrize("state", ["unknown", "between", "clears"])
def test_no_lesser_alert_is_raised_while_the_grave_one_is_open(state: AlertState) -> None:
    assert story(("holds", "between"), (state, "holds")) == [("grave", "raised")]


def test_the_lesser_one_is_raised_when_the_grave_one_is_over_and_stays_when_that_comes_later() -> None:
    quiet: tuple[AlertState, AlertState] = ("clears", "holds")
    assert story(("holds", "between"), quiet, quiet) == [
        ("grave", "raised"),
        ("grave", "cleared"),
        ("lesser", "raised"),
    ]
    assert story(quiet, ("holds", "between"), ("between", "holds")) == [("lesser", "raised"), ("grave", "raised")]
