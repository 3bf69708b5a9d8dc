"""What rules say of readings: drops between known readings, limits, findings, gaps of sources; the unknown says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pytest
from alert_cases import CARD, reading, rules_of, shipped, snapshot
from scored_accounts import ENDING, NAMES, account

from customer_research.domain.alert import AlertState
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Gap
from customer_research.domain.health import Band
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.health.alerts.alert_memory import AlertMemory
from customer_research.health.alerts.alert_words import AlertWords
from customer_research.health.alerts.declared import AlertRules
from customer_research.health.alerts.rule_states import Judgement, WatchRows, states_of, watch_sql
from customer_research.health.findings import findings_sql, load_findings
from customer_research.metrics.queries import account_columns

DROP = 'id = "drop"\nkind = "score_drop"\ndays = 30\nraise_at = -10\nclear_at = -5'
BAND = 'id = "band"\nkind = "band_drop"\nto = ["monitor", "at_risk"]\ndays = 30\npoints = 3'
SOURCE = 'id = "source"\nkind = "source_gap"\ndays = 30\nraise_at = 0.2\nclear_at = 0.05'
LOW = 'id = "low"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 29\nclear_at = 40'
OUT = Gap("lago", "unavailable", "Lago did not answer within 12 s.")
UNSET = Gap("notion", "not_configured", "No token for Notion is set.")


def judged(*readings: Reading, gaps: Mapping[int, Sequence[Gap]] | None = None) -> Judgement:
    """The last instant of the readings, judged against those before."""
    before = AlertMemory(30)
    days = sorted({(r.as_of - reading(0).as_of).days for r in readings})
    for number in days:
        at = snapshot(number, gaps=(gaps or {}).get(number, ()))
        judgement = Judgement(at, [r for r in readings if r.as_of == at.as_of], before, card=CARD)
        if number != days[-1]:
            judgement.remember()
    return judgement


def state(rule: str, *readings: Reading, subject: str = "op-1", **how: Any) -> AlertState:
    return judged(*readings, **how).states(rules_of(rule).rules[0])[subject]


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        (80, 70, "holds"),
        (80, 71, "between"),
        (80, 74, "between"),
        (80, 75, "clears"),
        (80, 95, "clears"),
        (None, 50, "unknown"),
        (80, None, "unknown"),
    ],
)
def test_a_score_drop_compares_two_known_readings(then: int | None, now: int | None, expected: str) -> None:
    assert state(DROP, reading(0, then), reading(30, now)) == expected


@pytest.mark.parametrize(("days", "expected"), [(29, "unknown"), (30, "holds"), (37, "holds"), (38, "unknown")])
def test_the_score_before_is_thirty_days_old_or_a_week_more(days: int, expected: str) -> None:
    assert state(DROP, reading(0, 80), reading(days, 60)) == expected


def test_of_several_scores_before_the_nearest_counts() -> None:
    assert state(DROP, reading(0, 90), reading(4, 70), reading(35, 68)) == "clears"


@pytest.mark.parametrize(
    "now",
    [
        reading(30, 40, dimensions={"payment": 40, "engagement": None}),
        reading(30, 40, unknown=("reservation",)),
    ],
)
@pytest.mark.parametrize("rule", [DROP, BAND])
def test_a_source_that_fails_is_no_decline_and_none_when_it_is_back(rule: str, now: Reading) -> None:
    healthy, back = reading(0, 85), reading(30, 85)
    assert state(rule, healthy, now) == "unknown"
    outage = reading(0, now.score, dimensions=now.dimensions, unknown=now.unknown)
    assert state(rule, outage, back) == "unknown"
    between = reading(7, now.score, dimensions=now.dimensions, unknown=now.unknown)
    assert state(rule, healthy, between, back) == "clears"


def test_readings_under_another_scorecard_are_not_compared() -> None:
    before = AlertMemory(30)
    Judgement(snapshot(0, digest="old"), [reading(0, 90)], before).remember()
    for rule in rules_of(DROP, BAND).rules:
        assert Judgement(snapshot(30), [reading(30, 50)], before, card=CARD).states(rule)["op-1"] == "unknown"


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([85], reading(7, 70), "holds"),
        ([85, 70], reading(14, 70), "holds"),  # the best band of 30 days is what counts
        ([81], reading(7, 79), "between"),  # jitter at the cut
        ([81], reading(7, 79, band="at_risk", gates=("active_dispute",)), "holds"),
        ([85], reading(7, 90), "clears"),
        ([70], reading(7, 70), "clears"),
        ([85], reading(7, 20), "clears"),  # fell, but not to a band that this rule names
        ([None], reading(7, 20), "unknown"),
    ],
)
def test_a_band_drop_looks_at_the_best_band_of_the_days_before(
    before: list[int | None], now: Reading, expected: str
) -> None:
    assert state(BAND, *(reading(7 * n, score) for n, score in enumerate(before)), now) == expected


@pytest.mark.parametrize("status", ["churned", "never_started"])
def test_a_rule_is_over_for_a_status_that_it_does_not_concern(status: Any) -> None:
    assert state(DROP, reading(0, 80), reading(30, 20, status=status)) == "over"


@pytest.mark.parametrize(
    ("gap", "unknown", "expected"),
    [
        (OUT, (), "unknown"),
        (None, ("subscription",), "unknown"),
        (Gap("lago", "not_configured", "No key for Lago is set."), (), "holds"),
        (None, (), "holds"),
    ],
)
def test_while_billing_is_out_nobody_is_taken_for_active(
    gap: Gap | None, unknown: tuple[str, ...], expected: str
) -> None:
    """Without billing a reading says "active" of those who left, too."""
    gaps = {0: [gap] if gap else []}
    assert state(LOW, reading(0, 20, unknown=unknown), gaps=gaps) == expected


def test_a_dimension_without_a_score_is_unknown() -> None:
    rule = 'id = "p"\nkind = "dimension"\ndimension = "payment"\nside = "low"\nraise_at = 39\nclear_at = 60'
    for score, expected in ((39, "holds"), (40, "between"), (60, "clears"), (None, "unknown")):
        assert state(rule, reading(0, 50, dimensions={"payment": score})) == expected


def test_a_rule_for_some_bands_is_over_in_the_others() -> None:
    rule = 'id = "p"\nkind = "dimension"\ndimension = "payment"\nside = "low"\nraise_at = 39\nclear_at = 60\nbands = ["critical"]'
    bands: tuple[tuple[Band, AlertState], ...] = (
        ("critical", "holds"),
        ("healthy", "over"),
        ("insufficient", "unknown"),
    )
    for band, expected in bands:
        assert state(rule, reading(0, 50, dimensions={"payment": 10}, band=band)) == expected


# --- sources -----------------------------------------------------------------------------------------------------------


def test_an_outage_is_one_alert_about_the_source() -> None:
    fleet = [reading(7, 85, operator=f"op-{n}", unknown=("invoice",)) for n in range(50)]
    states = judged(*fleet, gaps={7: [OUT]}).states(rules_of(SOURCE).rules[0])
    assert [subject for subject, state in states.items() if state == "holds"] == ["source:lago"]


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ({0: [OUT]}, "holds"),  # the very first snapshot
        ({0: [UNSET]}, "between"),  # never set up: nothing new
        ({0: [], 7: [UNSET]}, "holds"),
        ({0: [UNSET], 7: [UNSET]}, "between"),
        ({0: [OUT], 7: []}, "clears"),
        ({0: [OUT], 7: [OUT]}, "holds"),
    ],
)
def test_a_gap_of_everybody_is_raised_when_it_is_new_or_an_outage(gaps: dict[int, list[Gap]], expected: str) -> None:
    source = next(gap.source for found in gaps.values() for gap in found)
    readings = [reading(days) for days in gaps]
    assert state(SOURCE, *readings, gaps=gaps, subject=f"source:{source}") == expected


@pytest.mark.parametrize(("lacking", "expected"), [(1, "clears"), (3, "between"), (5, "holds")])
def test_a_gap_of_many_is_raised_when_their_share_rises(lacking: int, expected: str) -> None:
    """One of 20 lacks HubSpot all along, and more of them later."""
    before = [reading(0, operator=f"op-{n}", unknown=("company",) if n < 1 else ()) for n in range(20)]
    now = [reading(7, operator=f"op-{n}", unknown=("company",) if n < lacking else ()) for n in range(20)]
    assert state(SOURCE, *before, *now, subject="source:hubspot") == expected


# --- metrics and findings ----------------------------------------------------------------------------------------------


def watched(rules: AlertRules, *accounts: dict[str, Any], unknown: Sequence[str] = ()) -> WatchRows:
    """The rows that the rules' own SQL gives over made-up accounts."""
    columns = account_columns()
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            f"CREATE TABLE account_metrics ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
        )
        for row in accounts:
            values = [row.get(name) for name in columns]
            connection.execute(f"INSERT INTO account_metrics VALUES ({', '.join('?' * len(values))})", values)
        found = []
        for sql in (watch_sql(rules.rules), findings_sql(load_findings(NAMES))):
            result = connection.execute(sql)
            names = [column[0] for column in result.description or ()]
            rows = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
            found.append({row["operator_id"]: row for row in rows})
    tables = {metric.name: metric.tables for metric in METRICS.values()}
    return WatchRows(found[0], found[1], tables, unknown_of={"op": frozenset(unknown)})


def states(rules: AlertRules, row: dict[str, Any], **of_reading: Any) -> dict[str, AlertState]:
    judgement = Judgement(
        snapshot(0),
        [reading(0, operator="op", **of_reading)],
        AlertMemory(30),
        watched=watched(rules, row, unknown=of_reading.get("unknown", ())),
    )
    return {rule: of_rule.get("op", "unknown") for rule, of_rule in states_of(judgement, rules.rules).items()}


def holding(**changes: Any) -> set[str]:
    findings = changes.pop("findings", ())
    return {
        rule for rule, state in states(shipped(), account(**changes), findings=findings).items() if state == "holds"
    }


def test_a_quiet_account_raises_nothing() -> None:
    assert holding() == set()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"segment": "SMB", "days_to_renewal": 45}, {"renewal_window"}),
        ({"segment": "SMB", "days_to_renewal": 46}, set()),
        ({"segment": "Enterprise", "days_to_renewal": 120}, {"renewal_window"}),
        ({"segment": "Enterprise", "days_to_renewal": 60}, {"renewal_final"}),
        ({"segment": "Mid-Market", "days_to_renewal": 91}, set()),
        ({"segment": "SMB", "days_to_renewal": -1}, set()),
        (dict(ENDING), {"pending_cancellation"}),
        ({"segment": "Enterprise", "open_tickets": 3}, {"enterprise_tickets"}),
        ({"segment": "SMB", "open_tickets": 9}, set()),
        (
            {"status": "onboarding", "tenure_days": 14, "subscription_age_days": 14, "reservations_ever": 0},
            {"onboarding_stuck"},
        ),
        ({"tenure_days": 13, "subscription_age_days": 13, "reservations_ever": 0}, set()),
        ({"reservations_90d": 250, "trend_90d": 0.25, "reservations_prev_90d": 200}, {"growth"}),
        ({"reservations_90d": 60, "trend_90d": 0.2, "reservations_prev_90d": 50}, set()),  # chance: ten of fifty
        ({"usage_trend": -0.3, "reservations_30d": 7, "reservations_prev_30d": 10}, set()),
        ({"charge_attempts_90d": 20, "charge_success_rate": 0.75}, {"R8"}),
        ({"charge_attempts_90d": 20, "charge_success_rate": 0.9}, set()),
        ({"charge_attempts_90d": 2000, "charge_success_rate": 0.93}, {"R8"}),
        ({"reservations_30d": 0, "reservations_30d_year_ago": 9}, {"usage_stopped"}),
        ({"reservations_30d": 0, "findings": ("R15",)}, {"R1"}),
        ({"days_since_activity": 60}, {"usage_gone"}),
        ({"active_disputes": 1, "open_tickets": 1}, {"R6"}),
    ],
)
def test_shipped_rules_hold_where_they_should(changes: dict[str, Any], expected: set[str]) -> None:
    assert holding(**changes) == expected


@pytest.mark.parametrize(
    ("segment", "trend", "raised"),
    [
        ("SMB", -0.49, False),
        ("SMB", -0.5, True),
        ("Mid-Market", -0.29, False),
        ("Mid-Market", -0.3, True),
        ("Enterprise", -0.2, True),
        (None, -0.25, True),
        (None, -0.24, False),
    ],
)
def test_a_usage_drop_has_limits_of_its_segment(segment: str | None, trend: float, raised: bool) -> None:
    counts = {"reservations_prev_30d": 1000, "reservations_30d": 500}  # far more than chance
    assert ("usage_drop" in holding(segment=segment, usage_trend=trend, **counts)) is raised


def test_what_cannot_be_told_is_unknown_with_a_gap_and_over_without() -> None:
    """No answer to a survey (R10), no trend: with all tables known there is nothing to judge."""
    row = account(("usage_trend", "reservations_30d", "days_to_renewal", "nps_latest"), open_tickets=3)
    known, out = states(shipped(), row), states(shipped(), row, unknown=("reservation", "survey", "company"))
    for rule in ("usage_drop", "renewal_window", "R10"):
        assert (known[rule], out[rule]) == ("clears", "unknown")
    assert known["enterprise_tickets"] == out["enterprise_tickets"] == "over"  # of another segment


def test_what_does_not_apply_is_not_unknown() -> None:
    """Of who takes no cards charges are a gap, too; that keeps no rule from clearing."""
    row = account(("charge_success_rate", "charge_attempts_90d", "active_disputes"))
    with_cards = Judgement(
        snapshot(0),
        [reading(0, operator="op", unknown=("charge", "dispute"))],
        AlertMemory(30),
        watched=watched(shipped(), row),
    )
    assert {states_of(with_cards, shipped().rules)[rule]["op"] for rule in ("R6", "R8", "signals")} == {"clears"}


def test_without_the_metrics_only_what_the_reading_keeps_is_known() -> None:
    rules = shipped()
    bare = Judgement(snapshot(0), [reading(0, findings=("R1", "R3"))], AlertMemory(30))
    gapped = Judgement(snapshot(0), [reading(0, unknown=("ticket",))], AlertMemory(30))
    found = {rule.id: bare.states(rule).get("op-1") for rule in rules.rules}
    assert (found["R3"], found["R2"], found["growth"]) == ("holds", "clears", "unknown")
    assert found["R1"] == "unknown"  # whether the fall is more than chance, nobody can tell
    assert {rule.id: gapped.states(rule).get("op-1") for rule in rules.rules}["R1"] == "unknown"


def test_what_a_graver_alert_covers_is_not_raised_beside_it() -> None:
    falling: dict[str, Any] = {
        "reservations_30d": 20,
        "usage_trend": -0.6,
        "trend_30d": -0.6,
        "trend_30d_seasonal": -0.6,
    }
    assert holding(segment="SMB", **falling) == {"usage_drop"}  # not R1
    assert holding(segment="SMB", mrr_usd=20_000, **falling) == {"R2"}
    shipped_states = states(shipped(), account(segment="SMB", **falling))
    assert (shipped_states["usage_drop"], shipped_states["R1"]) == ("holds", "between")


def test_a_rule_that_is_switched_off_covers_nothing() -> None:
    tables = [LOW.replace("low", "first", 1), LOW.replace("low", "second", 1) + '\ncovered_by = ["first"]']
    for extra, expected in (("", "between"), ("\nenabled = false", "holds")):
        rules = rules_of(tables[0] + extra, tables[1]).rules
        assert states_of(judged(reading(0, 20)), rules)["second"]["op-1"] == expected


def test_several_findings_at_once_are_a_signal() -> None:
    row = account(
        active_disputes=1,
        open_tickets=1,
        tenure_days=80,
        highest_risk_charges_90d=3,
        contacts_active=0,
        contacts_left=2,
    )
    assert {"R6", "R7", "R11", "signals"} <= {r for r, s in states(shipped(), row).items() if s == "holds"}


# --- words -------------------------------------------------------------------------------------------------------------


def test_the_words_say_what_fell_from_where() -> None:
    rules = rules_of(DROP, BAND).rules
    words = AlertWords(judged(reading(0, 84), reading(30, 71, gates=("active_dispute",))), lambda _: {})
    drop, band = (words.told(rule, "op-1") for rule in rules)
    assert drop.because == "13 points lost in 30 days: 71 after 84."
    assert drop.facts == {"health_score": 71, "health_score_before": 84}
    assert band.because == "From Healthy (84 on 2026-01-05) to Monitor (71); new: active dispute."


def test_the_words_of_a_source_say_why_it_is_unknown() -> None:
    rule = rules_of(SOURCE).rules[0]
    words = AlertWords(judged(reading(7), gaps={7: [OUT]}), lambda _: {})
    assert words.told(rule, "source:lago").because == (
        "Unknown of every operator (unavailable): Lago did not answer within 12 s."
    )
    assert words.name("source:lago") == "lago"


def test_the_words_of_an_alert_that_is_over() -> None:
    (rule,) = rules_of(DROP).rules
    gone = judged(reading(0, 80), reading(30, 20, status="churned"))
    assert AlertWords(gone, lambda _: {}).cleared(rule, "op-1").startswith("The operator's status is now churned")
    better = judged(reading(0, 80), reading(30, 82))
    assert (
        AlertWords(better, lambda _: {}).cleared(rule, "op-1") == "The score is 82 (Healthy), no drop within 30 days."
    )


def test_snapshots_are_forgotten_in_time_and_a_second_of_one_instant_replaces_the_first() -> None:
    before = AlertMemory(30)
    for days, score in ((0, 90), (10, 50), (10, 88), (60, 87)):
        at: Snapshot = snapshot(days)
        Judgement(at, [reading(days, score)], before).remember()
    assert Judgement(snapshot(61), [reading(61, 60)], before, card=CARD).states(rules_of(DROP).rules[0]) == {
        "op-1": "unknown"
    }
    assert before.levels("lago", snapshot(61).as_of, 365)[0].share == 0.0
    assert len(before.levels("lago", snapshot(61).as_of, 365)) == 1


def test_a_finding_under_a_condition_is_raised_only_with_it_and_not_cleared_without() -> None:
    """S02 falls from 60 to 20; a fall from 3 to none may be chance, though the finding says the same."""
    fall: dict[str, Any] = {"usage_trend": -0.6, "days_since_contact": 70}
    shown = states(shipped(), account(**fall, reservations_30d=20, reservations_prev_30d=60), findings=("R9",))
    chance = states(
        shipped(), account(**fall, reservations_30d=0, reservations_prev_30d=3, future_trips_30d=0), findings=("R9",)
    )
    assert (shown["R9"], chance["R9"]) == ("holds", "between")


def test_a_band_drop_without_gates_goes_by_points_alone() -> None:
    body = 'id = "{}"\nkind = "band_drop"\nto = ["at_risk"]\ndays = 30\npoints = 5\nby_gate = {}'
    rules = rules_of(body.format("gates", "true"), body.format("points", "false")).rules
    gated = judged(reading(0, 84), reading(7, 83, band="at_risk", gates=("active_dispute",)))
    assert [gated.states(rule)["op-1"] for rule in rules] == ["holds", "between"]
