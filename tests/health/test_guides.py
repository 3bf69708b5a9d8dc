"""The literal scorecards: what they deduct where the canonical one does not."""

from __future__ import annotations

import pytest
from scored_accounts import BILLING, account, dimension_scores, fired, score, scorecard

GUIDE = scorecard("guide")
BILLING_GUIDE = scorecard("billing_guide")


def test_s05_the_billing_guide_deducts_twice() -> None:
    row = account(invoices_failed_90d=1, overdue_invoices=1, overdue_not_failed=0, invoice_success_rate=0.958)
    assert fired(score(row, BILLING_GUIDE)) == {"P1": -10, "P2": -15}
    assert dimension_scores(score(row, BILLING_GUIDE)) == {"payment": 75}
    assert dimension_scores(score(row))["payment"] == 85


def test_billing_guide_rates_and_annual_payers() -> None:
    assert fired(score(account(invoice_success_rate=0.79), BILLING_GUIDE)) == {"P4": -10, "P4b": -25}
    annual = account(days_since_last_invoice=200, billing_interval_days=365)
    assert fired(score(annual, BILLING_GUIDE)) == {"P6": -20}
    assert score(account(charge_success_rate=0.0, active_disputes=3), BILLING_GUIDE).score == 100


def test_billing_guide_without_billing_has_no_score() -> None:
    result = score(account(BILLING), BILLING_GUIDE)
    assert (result.score, result.band, result.coverage) == (None, "insufficient", 0.0)


def test_s18_the_guide_blames_a_big_operator_for_volume() -> None:
    row = account(charge_attempts_90d=3000, charges_failed_90d=120, charge_success_rate=0.96, failure_streak=1)
    assert fired(score(row, GUIDE)) == {"P2": -15}
    assert fired(score(row)) == {}


def test_the_guide_counts_one_fall_twice_and_any_fall() -> None:
    row = account(reservations_30d=49, reservations_90d=149)
    assert fired(score(row, GUIDE)) == {"E3": -15, "G6": -15}
    stopped = account(reservations_30d=0, reservations_60d=0, reservations_prev_30d=10, reservations_90d=10)
    assert fired(score(stopped, GUIDE)) == {"E1": -20, "E2": -30, "E3": -15, "G6": -15}


def test_the_guide_has_no_gates() -> None:
    result = score(account(active_disputes=1), GUIDE)
    assert (result.score, result.band, result.gates) == (85, "healthy", ())


@pytest.mark.parametrize(("options", "points"), [((), -20), (("additive_tickets",), -30)])
def test_c17_additive_tickets_are_an_option(options: tuple[str, ...], points: int) -> None:
    card = scorecard("guide", *options)
    result = score(account(open_tickets=1, open_tickets_over_30d=1), card)
    assert sum(fired(result).values()) == points
    assert result.version == "+".join(("1", *options))


def test_options_change_the_digest() -> None:
    assert scorecard("guide").digest != scorecard("guide", "additive_tickets").digest
