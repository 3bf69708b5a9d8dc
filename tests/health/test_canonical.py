"""The canonical scorecard, rule by rule and scenario by scenario, against points worked out by hand."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scored_accounts import (
    BILLING,
    CARD,
    ENDING,
    NAMES,
    SUPPORT,
    USAGE,
    account,
    dimension_scores,
    evidence,
    figures,
    fired,
    run,
    score,
    scorecard,
)

from customer_research.domain.catalogue import METRICS
from customer_research.domain.catalogue import SILENT as SILENT_COLUMN
from customer_research.domain.evidence import Gap
from customer_research.domain.health import BAND_ORDER, NO_BAND, STATUS_LABELS, HealthScore, Status, standing_label
from customer_research.health.assembly import assemble, status_of
from customer_research.health.scoring import long_sql, scoring_sql


def test_a_quiet_account_has_no_lines() -> None:
    result = score(account())
    assert fired(result) == {}
    assert dimension_scores(result) == {"payment": 100, "engagement": 100, "support": 100, "growth": 50}
    assert (result.score, result.band, result.coverage, result.gates) == (93, "healthy", 1.0, ())
    assert (result.scorecard, result.version) == ("canonical", "2")


def counts(before: int, now: int) -> dict[str, Any]:
    """Reservations of the 30 days before, and of the last 30."""
    share = (now - before) / before
    return {
        "reservations_prev_30d": before,
        "reservations_30d": now,
        "reservations_60d": before + now,
        "trend_30d": share,
    }


def quarters(before: int, now: int) -> dict[str, Any]:
    """Reservations of the 90 days before, and of the last 90."""
    return {"reservations_prev_90d": before, "reservations_90d": now}


# (id, changes to the quiet account, unknown metrics, the lines that must come out and no others)
RULES: list[tuple[str, dict[str, Any], dict[str, int]]] = [
    ("one overdue", {"overdue_invoices": 1, "overdue_not_failed": 1, "oldest_overdue_days": 20}, {"P1": -10}),
    ("three overdue", {"overdue_invoices": 3, "overdue_not_failed": 3, "oldest_overdue_days": 20}, {"P1": -30}),
    ("two failed", {"invoices_failed_90d": 2}, {"P2": -30}),
    ("failed and overdue is one (S05)", {"invoices_failed_90d": 1, "overdue_invoices": 1, "overdue_not_failed": 0}, {"P2": -15}),
    ("streak of 2", {"failure_streak": 2, "charge_attempts_90d": 50}, {}),
    ("streak of 3", {"failure_streak": 3, "charge_attempts_90d": 99}, {"P3": -15}),
    ("streak of 3 in 100", {"failure_streak": 3, "charge_attempts_90d": 100}, {}),
    ("streak of 4 in 3000 (S18)", {"failure_streak": 4, "charge_attempts_90d": 3000}, {}),
    ("streak of 5 in 3000", {"failure_streak": 5, "charge_attempts_90d": 3000}, {"P3": -15}),
    ("one failure of four (S19)", {"charges_failed_90d": 1, "charge_attempts_90d": 4, "charge_success_rate": 0.75, "failure_streak": 1}, {"P3n": 0}),
    ("one failure of 20", {"charges_failed_90d": 1, "charge_attempts_90d": 20, "charge_success_rate": 0.95, "payment_success_worst": 0.95, "failure_streak": 1}, {}),
    ("invoice rate 94 %", {"invoice_success_rate": 0.94, "payment_success_worst": 0.94}, {"P4": -10}),
    ("invoice rate exactly 95 %", {"invoice_success_rate": 0.95, "payment_success_worst": 0.95}, {}),
    ("invoice rate exactly 80 %", {"invoice_success_rate": 0.8, "payment_success_worst": 0.8}, {"P4": -10}),
    ("invoice rate 79 %", {"invoice_success_rate": 0.79, "payment_success_worst": 0.79}, {"P4": -10, "P4b": -25}),
    ("invoice rate of two invoices", {"invoice_success_rate": 0.5, "invoices_due": 2}, {}),
    ("charge rate 90 %", {"charge_success_rate": 0.9, "payment_success_worst": 0.9}, {"P4": -10}),
    ("both rates low count once", {"charge_success_rate": 0.9, "invoice_success_rate": 0.92, "payment_success_worst": 0.9}, {"P4": -10}),
    ("paid a week late", {"avg_days_to_pay": 14.0}, {"P5": -10}),
    ("paid less than a week late", {"avg_days_to_pay": 13.9}, {}),
    ("two bills paid late", {"avg_days_to_pay": 60.0, "invoices_paid": 2}, {}),
    ("unknown days to pay", {"avg_days_to_pay": None}, {}),
    ("no activity", {"days_since_last_invoice": 91, "charge_attempts_90d": 0, "charge_success_rate": None}, {"P6": -20}),
    ("invoice on day 90", {"days_since_last_invoice": 90, "charge_attempts_90d": 0, "charge_success_rate": None}, {}),
    ("no invoice but charges", {"days_since_last_invoice": 300}, {}),
    ("annual payer (S11)", {"days_since_last_invoice": 200, "billing_interval_days": 365, "charge_attempts_90d": 0, "charge_success_rate": None}, {}),
    ("annual payer gone", {"days_since_last_invoice": 396, "billing_interval_days": 365, "charge_attempts_90d": 0, "charge_success_rate": None}, {"P6": -20}),
    ("charges only, long ago", {"invoices_finalized": 0, "invoices_due": 0, "invoice_success_rate": None, "days_since_last_invoice": None, "charge_attempts_90d": 0, "charge_success_rate": None, "payment_success_worst": None, "days_since_last_charge": 91}, {"P6": -20}),
    ("two disputes", {"active_disputes": 2}, {"P7": -20}),
    ("two highest", {"highest_risk_charges_90d": 2}, {}),
    ("three highest", {"highest_risk_charges_90d": 3}, {"P8": -10}),
    ("3 of 10 rated, of 20 charges", {"high_risk_share": 0.3, "high_risk_charges_90d": 3, "scored_charges_90d": 10, "charge_attempts_90d": 20}, {"P8": -10}),
    ("3 of 10 rated, of 19 charges", {"high_risk_share": 0.3, "high_risk_charges_90d": 3, "scored_charges_90d": 10, "charge_attempts_90d": 19}, {}),
    ("2 of 100", {"high_risk_share": 0.02, "high_risk_charges_90d": 2}, {}),
    ("average 50", {"avg_risk_score": 50.0}, {}),
    ("average 50.1", {"avg_risk_score": 50.1}, {"P8": -10}),
    ("average of two charges", {"avg_risk_score": 90.0, "charge_attempts_90d": 2}, {}),
    ("none in 30 days", {"reservations_30d": 0, "reservations_60d": 50, "trend_30d": -1.0, "usage_trend": -1.0, "trend_90d": -0.4, "trend_90d_year": -0.4}, {"E1": -20}),
    ("none in 60 days (S03)", {"reservations_30d": 0, "reservations_60d": 0, "reservations_prev_30d": 0, "usage_trend": None, "trend_90d": -0.6, "trend_90d_year": -0.6}, {"E1": -20, "E2": -30}),
    ("a fall of 25 %", {**counts(120, 90), "usage_trend": -0.25}, {"E3": -15}),
    ("a fall of 25 % that may be chance", {**counts(60, 45), "usage_trend": -0.25}, {}),
    ("a fall by two standard errors", {**counts(20, 8), "usage_trend": -0.6}, {"E3": -15}),
    ("a fall by less", {**counts(20, 10), "usage_trend": -0.5}, {}),
    ("a fall of 24 %", {**counts(200, 152), "usage_trend": -0.24}, {}),
    ("19 after 19, whatever the season says", {**counts(19, 19), "usage_trend": -0.273}, {}),
    ("13 after 11, whatever the season says", {**counts(11, 13), "usage_trend": -0.278}, {}),
    ("38 to 30 is no growth, whatever the season says", {**counts(38, 30), "usage_trend": 0.3}, {}),
    ("a fall from 9", {"usage_trend": -0.9, "reservations_prev_30d": 9, "reservations_30d": 1}, {}),
    ("a fall that is last year's (S22)", {**counts(100, 55), "trend_30d": -0.45, "usage_trend": 0.0}, {}),
    ("a rise of 20 %", {**counts(220, 264), "usage_trend": 0.2}, {"E5": 10}),
    ("a rise of 20 % that may be chance", {**counts(50, 60), "usage_trend": 0.2}, {}),
    ("a rise from 9", {"usage_trend": 0.9, "reservations_prev_30d": 9}, {}),
    ("collection 79 %", {"collection_rate_90d": 0.79}, {"E4": -10}),
    ("collection 0 % of 4 trips", {"collection_rate_90d": 0.0, "completed_90d": 4}, {}),
    ("collection 0 %", {"collection_rate_90d": 0.0}, {"E4": -10}),
    ("collection 96 %", {"collection_rate_90d": 0.96}, {"E6": 10}),
    ("app 51 %", {"driver_app_rate": 0.51}, {"E7": 5}),
    ("bonuses do not hide a fall", {**counts(60, 20), "usage_trend": -2 / 3, "collection_rate_90d": 1.0, "driver_app_rate": 0.9}, {"E3": -15}),
    ("nor a stop", {**counts(60, 0), "usage_trend": -1.0, "collection_rate_90d": 1.0, "driver_app_rate": 0.9}, {"E1": -20}),
    ("app exactly half", {"driver_app_rate": 0.5}, {}),
    ("old tickets (S34)", {"open_tickets": 3, "open_tickets_over_7d": 1, "open_tickets_over_30d": 1, "high_priority_open": 1}, {"S1": -10, "S2": -20, "S3": -15}),
    ("NPS 6", {"nps_latest": 6}, {"S4": -20}),
    ("NPS 0", {"nps_latest": 0}, {"S4": -20}),
    ("NPS 7", {"nps_latest": 7}, {}),
    ("NPS 9", {"nps_latest": 9}, {"S6": 10}),
    ("CSAT 2", {"csat_latest": 2}, {"S4": -20}),
    ("CSAT 3", {"csat_latest": 3}, {}),
    ("CSAT 4", {"csat_latest": 4}, {"S6": 10}),
    ("NPS 9 but CSAT 1", {"nps_latest": 9, "csat_latest": 1}, {"S4": -20}),
    ("resolved in a week", {"resolved_90d": 1, "median_resolution_days": 7.0}, {"S5": 5}),
    ("resolved in 8 days", {"resolved_90d": 1, "median_resolution_days": 8.0}, {}),
    ("upgrade (S08)", {"upgraded_180d": True}, {"G1": 20}),
    ("quarter up", {**quarters(400, 460), "trend_90d": 0.15}, {"G2": 15}),
    ("quarter up by chance", {**quarters(100, 115), "trend_90d": 0.15}, {}),
    ("quarter down", {**quarters(400, 340), "trend_90d": -0.15, "trend_90d_year": None}, {"G6": -15}),
    ("quarter down by chance, 60 to 51", {**quarters(60, 51), "trend_90d": -0.15, "trend_90d_year": None}, {}),
    ("quarter down by chance, 10 to 8", {**quarters(10, 8), "trend_90d": -0.2, "trend_90d_year": None}, {}),
    ("quarter down as last year", {**quarters(200, 100), "trend_90d": -0.5, "trend_90d_year": 0.0, "reservations_90d_year_ago": 100}, {}),
    ("quarter down as last year's few", {**quarters(200, 19), "trend_90d": -0.905, "trend_90d_year": 0.0, "reservations_90d_year_ago": 19}, {"G6": -15}),
    ("quarter down but E3", {**counts(60, 20), **quarters(200, 100), "trend_90d": -0.5, "trend_90d_year": -0.5, "usage_trend": -0.5}, {"E3": -15}),
    ("quarter down from 9", {**quarters(9, 0), "trend_90d": -0.5, "trend_90d_year": None}, {}),
    ("a member more", {"members_added_90d": 1}, {"G3": 10}),
    ("a driver more", {"drivers_added_90d": 1}, {"G3": 10}),
    ("a member less", {"members_added_90d": -2}, {}),
    ("expansion deals", {"expansion_deals_open": 2}, {"G4": 15}),
    ("downgrade", {"downgraded_180d": True}, {"G5": -20}),
    ("cancellation pending", dict(ENDING), {"G7": -30}),
    ("cancellation mentioned", {"cancellation_mentioned": True}, {"G7": -30}),
    ("cancellation pending and mentioned", {**ENDING, "cancellation_mentioned": True}, {"G7": -30}),
]  # fmt: skip


def test_rules() -> None:
    rows = [account(**changes) | {"operator_id": name} for name, changes, _ in RULES]
    results = {row["operator_id"]: row for row in run(scoring_sql(scorecard()), rows)}
    for row, (name, _, lines) in zip(rows, RULES, strict=True):
        result = assemble(scorecard(), results[name], figures(row), evidence)
        assert fired(result) == lines, name
        assert_adds_up(result)


def assert_adds_up(result: HealthScore) -> None:
    """Base and lines, clamp included, are the dimension's score; the weighted mean, half up, under its caps is the score."""
    for dimension in result.dimensions:
        if dimension.score is not None:
            assert dimension.base + sum(line.points for line in dimension.contributions) == dimension.score
            assert 0 <= dimension.score <= 100
        else:
            assert dimension.contributions == ()
            assert dimension.gap is not None
    known = [dimension for dimension in result.dimensions if dimension.score is not None]
    present = round(1000 * sum(dimension.weight for dimension in known))
    assert result.coverage == pytest.approx(present / 1000)
    if present < 500:
        assert result.score is None
    else:
        weighted = sum(round(1000 * d.weight) * d.score for d in known if d.score is not None)
        mean = (2 * weighted + present) // (2 * present)
        caps = [{"monitor": 79, "at_risk": 59}[gate.cap] for gate in result.gates]
        assert result.score == min([mean, *caps])
        assert result.uncapped == (None if result.score == mean else mean)
    outside = result.status in scorecard().outside
    assert result.band == ("outside" if outside else scorecard().band(result.score))


SCENARIOS: list[tuple[str, dict[str, Any], dict[str, int], int, str, tuple[str, ...]]] = [
    ("S01", {"reservations_30d": 60, "reservations_prev_30d": 48, "usage_trend": 0.25, "trend_90d": 0.083, "collection_rate_90d": 1.0, "driver_app_rate": 0.81}, {"payment": 100, "engagement": 100, "support": 100, "growth": 50}, 93, "healthy", ()),
    ("S02", {"reservations_30d": 20, "reservations_prev_30d": 60, "usage_trend": -2 / 3, "trend_30d": -2 / 3, "trend_90d": -0.22, "trend_90d_year": -0.22, "days_since_contact": 70}, {"payment": 100, "engagement": 85, "support": 100, "growth": 50}, 79, "monitor", ("usage_falling",)),
    ("S03", {"reservations_30d": 0, "reservations_60d": 0, "reservations_prev_30d": 0, "usage_trend": None, "future_trips_30d": 0, "trend_90d": -0.8, "trend_90d_year": -0.8}, {"payment": 100, "engagement": 50, "support": 100, "growth": 50}, 59, "at_risk", ("usage_stopped",)),
    ("S04", {"invoices_failed_90d": 2, "overdue_invoices": 2, "overdue_not_failed": 1, "oldest_overdue_days": 20, "invoices_due": 25, "invoice_success_rate": 0.88, "payment_success_worst": 0.88, "usage_trend": 0.25}, {"payment": 50, "engagement": 100, "support": 100, "growth": 50}, 73, "monitor", ()),
    ("S20", {"active_disputes": 1, "open_tickets": 1}, {"payment": 80, "engagement": 100, "support": 100, "growth": 50}, 59, "at_risk", ("active_dispute",)),
    ("S24", {"reservations_ever": 0, "reservations_30d": 0, "reservations_60d": 0, "reservations_prev_30d": 0, "reservations_90d": 0, "reservations_prev_90d": 0, "usage_trend": None, "trend_90d": None, "trend_90d_year": None, "future_trips_30d": 0, "collection_rate_90d": None, "completed_90d": 0, "driver_trips_90d": 0, "driver_app_rate": None, "subscription_age_days": 90}, {"payment": 100, "engagement": 50, "support": 100, "growth": 50}, 59, "at_risk", ("usage_stopped",)),
    ("S34", {"open_tickets": 3, "open_tickets_over_7d": 1, "open_tickets_over_30d": 1, "high_priority_open": 1}, {"payment": 100, "engagement": 100, "support": 55, "growth": 50}, 84, "healthy", ()),
    ("S36", {"reservations_30d": 0, "reservations_prev_30d": 40, "reservations_60d": 40, "usage_trend": -1.0, "trend_30d": -1.0, "future_trips_30d": 40, "trend_90d": -0.3}, {"payment": 100, "engagement": 80, "support": 100, "growth": 50}, 88, "healthy", ()),
    ("S39", {"charge_attempts_90d": 25, "charges_succeeded_90d": 0, "charges_failed_90d": 25, "charge_success_rate": 0.0, "failure_streak": 25, "payment_success_worst": 0.0}, {"payment": 50, "engagement": 100, "support": 100, "growth": 50}, 59, "at_risk", ("charge_success",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "dimensions", "total", "band", "gates"),
    [case[1:] for case in SCENARIOS],
    ids=[case[0] for case in SCENARIOS],
)
def test_scenario(
    changes: dict[str, Any], dimensions: dict[str, int], total: int, band: str, gates: tuple[str, ...]
) -> None:
    result = score(account(**changes))
    assert dimension_scores(result) == dimensions
    assert (result.score, result.band) == (total, band)
    assert tuple(gate.name for gate in result.gates) == gates
    assert_adds_up(result)


def test_s17_no_card_processing_leaves_payment_to_the_invoices() -> None:
    result = score(account(CARD))
    payment = result.dimensions[0]
    assert payment.score == 100
    assert {"P3", "P7", "P8"} <= {missing.rule for missing in payment.unevaluated}


def test_s21_s23_newcomers_are_not_blamed_for_silence() -> None:
    never: dict[str, Any] = {
        "reservations_ever": 0,
        "reservations_30d": 0,
        "reservations_60d": 0,
        "reservations_prev_30d": 0,
        "usage_trend": None,
    }
    result = score(account(status="onboarding", tenure_days=12, **never))
    assert result.status == "onboarding"
    assert fired(result) == {}
    assert result.gates == ()
    falling = score(
        account(status="onboarding", **counts(60, 6), usage_trend=-0.9, trend_90d=-0.9, trend_90d_year=None)
    )
    assert fired(falling) == {}
    risky = score(account(status="onboarding", highest_risk_charges_90d=3))
    assert fired(risky) == {"P8": -10}


def test_s35_unknown_is_neither_zero_nor_good() -> None:
    gap = Gap("notion", "unavailable", "Notion did not answer.", "Try again later.")
    result = score(account(SUPPORT), gaps=dict.fromkeys(SUPPORT, gap))
    support = result.dimensions[2]
    assert (support.score, support.band) == (None, "insufficient")
    assert support.gap is not None
    assert support.gap.reason == "unavailable"
    assert support.gap.detail == "Notion did not answer."
    assert result.coverage == pytest.approx(0.8)
    # with support at 100 it is the quiet account's 93; at 0 it is 73, which support in its own critical band caps at 59
    assert (result.score, result.highest, result.band) == (59, 93, "unsettled")
    assert support.gap in result.gaps


def test_who_has_no_such_source_is_scored_without_it() -> None:
    gap = Gap("notion", "not_configured", "Notion is not set up.")
    result = score(account(SUPPORT), gaps=dict.fromkeys(SUPPORT, gap))
    assert (result.score, result.highest, result.band) == (91, None, "healthy")  # (40 x 100 + 25 x 100 + 15 x 50) / 80
    assert result.coverage == pytest.approx(0.8)


def test_the_passengers_cards_do_not_say_whether_the_operator_pays() -> None:
    gap = Gap("lago", "unavailable", "Lago did not answer.")
    told = score(account(BILLING, invoices_failed_90d=2), gaps=dict.fromkeys(BILLING, gap))
    payment = told.dimensions[0]
    assert (payment.score, payment.band) == (None, "insufficient")
    # engagement 25, support 20, and of growth's 15 the 55 of 125 points of G2, G3, G4 and G6: the others need the subscription
    assert told.coverage == pytest.approx(0.516)
    # with payment and growth at 0 it is 45; with payment at 100 and growth at 70 (G1) it is 95.5
    assert (told.score, told.highest, told.band) == (45, 96, "unsettled")


SILENT: dict[str, Any] = {
    "reservations_30d": 0, "reservations_60d": 0, "reservations_prev_30d": 0, "usage_trend": None, "future_trips_30d": 0,
}  # fmt: skip


def test_a_status_stands_outside_the_bands() -> None:
    for status in get_args(Status):
        found = score(account(status=status, active_disputes=1))
        outside = status not in ("active", "unknown")
        assert (found.band, found.score) == ("outside" if outside else "at_risk", 59)
        assert (standing_label(found.band, found.status) == STATUS_LABELS[status].capitalize()) is outside


def test_who_has_given_notice_is_told_with_the_day() -> None:
    found = score(account(**ENDING))
    assert {line.because for line in found.contributions} == {"The subscription is set to end on 2026-12-01."}
    assert [gate.because for gate in found.gates] == ["The subscription is set to end on 2026-12-01."]
    passed = score(account(**{**ENDING, "subscription_ends_on": date(2026, 10, 1), "days_to_end": -31}))
    assert [gate.because for gate in passed.gates] == [
        "The subscription was to end on 2026-10-01; Lago still calls it active."
    ]


@pytest.mark.parametrize("status", ["onboarding", "churned", "never_started"])
def test_who_does_not_ride_with_us_has_not_stopped(status: str) -> None:
    assert [gate.name for gate in score(account(status="active", **SILENT)).gates] == ["usage_stopped"]
    assert score(account(status=status, **SILENT)).gates == ()
    assert score(account(status=status, **counts(60, 30), usage_trend=-0.5)).gates == ()


def test_a_fall_is_from_something() -> None:
    lines = score(account(**SILENT)).contributions
    assert [line.because for line in lines if line.rule == "E1"] == [
        "No reservation in 30 days, nor in the 30 days before."
    ]
    fallen = score(account(**{**SILENT, "reservations_60d": 30, "reservations_prev_30d": 30}))
    assert [(gate.name, gate.because) for gate in fallen.gates] == [
        ("usage_falling", "No reservation in 30 days, after 30 in the 30 days before.")
    ]


def unjudged(result: HealthScore) -> list[str]:
    return [gate.name for gate in result.unjudged_gates]


def test_a_gate_that_a_missing_source_keeps_from_being_judged_leaves_the_band_open() -> None:
    down = Gap("warehouse", "unavailable", "Metabase did not answer within 10 s.")
    falling: dict[str, Any] = {"usage_trend": -0.66, **counts(60, 20)}
    known = score(account(**falling))
    assert (known.band, known.provisional, unjudged(known)) == ("monitor", (), [])
    result = score(account(USAGE, **falling), gaps=dict.fromkeys(USAGE, down))
    assert (result.score, result.highest, result.band) == (59, 95, "unsettled")
    assert unjudged(result) == ["usage_stopped", "usage_falling", "engagement_critical"]
    capped = score(account(USAGE, active_disputes=1), gaps=dict.fromkeys(USAGE, down))
    assert (capped.score, capped.highest, capped.band, capped.provisional) == (59, None, "at_risk", ())
    assert unjudged(capped) == ["usage_stopped", "usage_falling", "engagement_critical"]


@pytest.mark.parametrize("reason", ["not_applicable", "none_found"])
def test_a_gate_that_does_not_apply_is_no_reason_to_doubt_the_band(reason: Any) -> None:
    result = score(account(CARD), gaps=dict.fromkeys(CARD, Gap("warehouse", reason, "No Stripe account.")))
    assert (result.band, result.provisional, result.unjudged_gates) == ("healthy", (), ())


def test_without_a_score_nothing_is_provisional() -> None:
    gone = USAGE | BILLING | CARD
    result = score(account(gone), gaps=dict.fromkeys(gone, Gap("warehouse", "denied", "refused.")))
    assert (result.band, result.provisional) == ("insufficient", ())
    assert result.unjudged_gates


def test_what_has_one_cause_is_told_in_one_wording() -> None:
    down = Gap("warehouse", "unavailable", "Metabase did not answer within 10 s.", "Try again.")
    engagement = score(account(USAGE), gaps=dict.fromkeys(USAGE, down)).dimensions[1]
    assert len(engagement.unevaluated) >= 5
    assert {missing.gap for missing in engagement.unevaluated} == {down} == {engagement.gap}


def test_tickets_of_7_to_30_days_are_told_as_such() -> None:
    lines = score(account(open_tickets_over_7d=2)).contributions
    assert [line.because for line in lines] == ["2 tickets have been open for 7 to 30 days."]


def test_below_the_minimum_coverage_there_is_no_score() -> None:
    usage_and_billing = USAGE | BILLING | CARD
    result = score(account(usage_and_billing))
    assert (result.score, result.band) == (None, "insufficient")
    assert result.coverage == pytest.approx(0.35)
    half = score(
        account(USAGE | SUPPORT | BILLING | CARD | {"members_added_90d", "drivers_added_90d", "expansion_deals_open"})
    )
    assert half.coverage == 0.0
    assert half.score is None


def test_stale_truncated_and_denied_sources_are_told_apart() -> None:
    for reason in ("stale", "truncated", "denied", "not_configured"):
        gap = Gap("warehouse", reason, f"{reason}.")
        result = score(account(USAGE), gaps=dict.fromkeys(USAGE, gap))
        assert result.dimensions[1].gap is not None
        assert result.dimensions[1].gap.reason == reason


def test_the_gravest_gap_speaks() -> None:
    gaps = {name: Gap("a", "none_found", "none.") for name in USAGE} | {
        "reservations_30d": Gap("b", "unavailable", "down.")
    }
    missing = next(m for m in score(account(USAGE), gaps=gaps).dimensions[1].unevaluated if m.rule == "E1")
    assert (missing.gap.source, missing.gap.reason) == ("b", "unavailable")


WORST: dict[str, Any] = {
    "overdue_invoices": 9, "overdue_not_failed": 9, "oldest_overdue_days": 90, "invoices_failed_90d": 9, "failure_streak": 9,
    "invoice_success_rate": 0.0, "charge_success_rate": 0.0, "payment_success_worst": 0.0, "charges_failed_90d": 100,
    "avg_days_to_pay": 90.0, "active_disputes": 9, "highest_risk_charges_90d": 9, "reservations_30d": 0, "reservations_60d": 0,
    "reservations_prev_30d": 0, "usage_trend": None, "trend_90d": -1.0, "trend_90d_year": -1.0, "collection_rate_90d": 0.0,
    "future_trips_30d": 0, "open_tickets": 9, "open_tickets_over_7d": 9, "open_tickets_over_30d": 9, "high_priority_open": 9,
    "nps_latest": 0, "downgraded_180d": True, **ENDING, "cancellation_mentioned": True,
}  # fmt: skip


def test_the_worst_account_is_critical() -> None:
    result = score(account(**WORST))
    assert dimension_scores(result) == {"payment": 0, "engagement": 40, "support": 0, "growth": 0}
    assert (result.score, result.band) == (10, "critical")
    assert_adds_up(result)
    assert {line.rule for line in result.contributions} >= {"clamp", "P1", "P2", "P3", "P4", "P4b", "P5", "P7", "P8"}


@pytest.mark.parametrize(
    "changes",
    [
        {"invoices_failed_90d": 4},
        {"reservations_30d": 0, "reservations_60d": 0, "reservations_prev_30d": 0, "collection_rate_90d": 0.1},
        {"open_tickets_over_30d": 4},
        dict(ENDING),
    ],
)
def test_every_dimension_can_move_the_band(changes: dict[str, Any]) -> None:
    assert score(account()).band == "healthy"
    assert score(account(**changes)).band != "healthy"


def test_a_dimension_in_its_own_critical_band_caps_the_band() -> None:
    result = score(account(open_tickets_over_30d=4))
    assert (result.uncapped, result.score, result.band) == (77, 59, "at_risk")
    (gate,) = result.gates
    assert (gate.name, gate.cap) == ("support_critical", "at_risk")
    assert "20 of 100" in gate.because
    assert gate.fact.basis


def test_gates_never_lift_a_band_and_hold_the_score_at_the_top_of_it() -> None:
    result = score(account(**WORST))
    assert result.band == "critical"
    assert result.gates
    disputed = score(account(active_disputes=1))
    assert (disputed.uncapped, disputed.score) == (85, 59)


def test_growth_alone_makes_no_risk() -> None:
    result = score(account(downgraded_180d=True))
    assert (dimension_scores(result)["growth"], result.score, result.band, result.gates) == (30, 90, "healthy", ())


def test_a_charge_rate_of_few_charges_is_no_gate() -> None:
    assert score(account(charge_attempts_90d=4, charges_failed_90d=1, charge_success_rate=0.75)).gates == ()


def test_sentences_facts_and_evidence() -> None:
    result = score(
        account(
            overdue_invoices=2,
            overdue_not_failed=1,
            oldest_overdue_days=20,
            charge_success_rate=0.9,
            payment_success_worst=0.9,
        )
    )
    overdue, rate = result.contributions
    assert overdue.because == "1 invoice is overdue, not counting those whose payment failed in 90 days."
    assert overdue.fact.metric == "overdue_not_failed"
    assert overdue.evidence.rows == (("overdue_not_failed",),)
    assert rate.because == "Only 90% of 100 charge attempts succeeded (95% expected)."
    assert rate.fact.metric == "charge_success_rate"


def test_a_clamp_is_a_line_of_its_own() -> None:
    result = score(account(**counts(200, 260), usage_trend=0.3, collection_rate_90d=1.0, driver_app_rate=0.9))
    lines = result.dimensions[1].contributions
    assert [(line.rule, line.points) for line in lines] == [("E5", 10), ("E6", 10), ("E7", 5), ("clamp", -25)]
    assert lines[-1].because == "The lines come to 125; a dimension has never more than 100."
    assert lines[-1].fact.value == 125
    assert lines[-1].evidence.total == 3


def values(name: str) -> st.SearchStrategy[Any]:
    """Plausible and extreme values of a metric, null among them."""
    unit = METRICS[name].unit
    plain: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "ratio": st.sampled_from(
            [-1.0, -0.5, -0.25, -0.15, 0.0, 0.01, 0.2, 0.5, 0.79, 0.8, 0.94, 0.95, 0.96, 1.0, 3.0]
        ),
        "number": st.sampled_from([0.0, 20.0, 50.0, 99.5]),
        "text": st.none(),
        "date": st.none(),
        "timestamp": st.none(),
    }
    if name == "status":
        return st.sampled_from(["active", "onboarding", "churned", "never_started", "no_subscription", None])
    return st.none() | plain.get(unit, st.sampled_from([0, 1, 2, 3, 5, 7, 9, 10, 19, 20, 30, 60, 91, 100, 365, 5000]))


@given(st.lists(st.fixed_dictionaries({name: values(name) for name in sorted(NAMES)}), min_size=1, max_size=3))
@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_any_account_adds_up_and_a_portfolio_scores_as_its_members(rows: list[dict[str, Any]]) -> None:
    portfolio = [{**row, "operator_id": f"op{number}"} for number, row in enumerate(rows)]
    together = run(scoring_sql(scorecard()), portfolio)
    alone = [run(scoring_sql(scorecard()), [row])[0] for row in portfolio]
    assert sorted(together, key=str) == sorted(alone, key=str)
    for row, scored in zip(portfolio, alone, strict=True):
        assert_adds_up(assemble(scorecard(), scored, figures(row), evidence))


def test_long_forms_agree_with_the_wide_row() -> None:
    scored = scoring_sql(scorecard())
    queries = long_sql(scorecard(), f"({scored}) AS scored")
    rows = [
        account(**WORST) | {"operator_id": "w"},
        account(SUPPORT, **counts(60, 30), usage_trend=-0.5) | {"operator_id": "x"},
    ]
    wide = {row["operator_id"]: row for row in run(scored, rows)}
    for line in run(queries["contributions"], rows):
        assert line["points"] == (
            None if line["case_number"] is None else wide[line["operator_id"]][f"points_{line['rule'].lower()}"]
        )
    dimensions = run(queries["dimensions"], rows)
    assert {(d["operator_id"], d["dimension"]): d["score"] for d in dimensions if d["operator_id"] == "x"} == {
        ("x", "payment"): 100, ("x", "engagement"): 85, ("x", "support"): None, ("x", "growth"): 50,
    }  # fmt: skip
    assert not [
        line
        for line in run(queries["contributions"], rows)
        if line["operator_id"] == "x" and line["dimension"] == "support"
    ]
    assert {(g["operator_id"], g["gate"]) for g in run(queries["gates"], rows)} == {
        ("w", "active_dispute"), ("w", "pending_cancellation"), ("w", "charge_success"), ("w", "usage_stopped"),
        ("w", "payment_critical"), ("w", "support_critical"), ("x", "usage_falling"),
    }  # fmt: skip


def silenced(row: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """The row when the source of these tables is silent: what needs one of them is unknown."""
    lost = [name for name in NAMES if hidden.intersection(METRICS[name].tables)]
    return row | dict.fromkeys(lost) | {SILENT_COLUMN: "".join(f" {name} " for name in lost)}


HIDDEN = {
    "lago": frozenset({"customer", "subscription", "coupon", "invoice", "payment", "credit_note", "plan"}),
    "hubspot": frozenset({"company", "contact", "deal", "engagement"}),
    "notion": frozenset({"ticket"}),
    "warehouse": frozenset({"csm", "reservation", "charge", "dispute", "member", "driver", "survey"}),
}


def made_up(random: Random) -> dict[str, Any]:
    """An account with some of its figures changed to any of the values that rules ask about."""
    ratios, numbers = (-1.0, -0.5, -0.25, 0.0, 0.2, 0.5, 0.79, 0.94, 0.96, 1.0), (0, 1, 2, 3, 7, 9, 20, 60, 91, 400)
    kinds = {"boolean": (False, True), "ratio": ratios, "count": numbers, "days": numbers, "points": numbers}
    told = account()
    for name in random.sample(sorted(NAMES), 40):
        told[name] = random.choice((None, *kinds.get(METRICS[name].unit, (told[name],))))
    return told | {"status": random.choice(("active", "onboarding", "churned", "no_subscription"))}


def test_a_silent_source_never_makes_a_score_or_a_band_better() -> None:
    random = Random(9)
    rows = [account(), account(**WORST), *(made_up(random) for _ in range(298))]
    told = [{**row, "operator_id": f"op{number}"} for number, row in enumerate(rows)]
    query = scoring_sql(scorecard())
    before = {row["operator_id"]: row for row in run(query, told)}
    for hidden in HIDDEN.values():
        for after in run(query, [silenced(row, hidden) for row in told]):
            real = before[after["operator_id"]]
            if after["score"] is None:
                continue
            assert after["score"] <= after["score_high"]
            if real["score"] is not None:
                assert after["score"] <= real["score"]
            if after["band"] not in NO_BAND and real["band"] not in NO_BAND:
                assert BAND_ORDER.index(after["band"]) >= BAND_ORDER.index(real["band"])


def test_a_status_is_read_as_itself_and_an_unknown_one_as_unknown() -> None:
    assert [status_of(name) for name in get_args(Status)] == list(get_args(Status))
    assert [status_of(unknown) for unknown in (None, "", "paused", "Churned")] == ["unknown"] * 4
