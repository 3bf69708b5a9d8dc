"""The CSM view's row and the figures derived from other metrics, computed by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from measuring import INSTANT, T, ago, derive, measure, numbered, rows_of


def row_of(status: str | None = "active", event: str | None = "new", **more: Any) -> dict[str, Any]:
    return {
        "status": status,
        "waterfall_event": event,
        "event_date": date(2025, 6, 1),
        "plan_code": "pro-monthly",
        "mrr_minor": 19_900,
        "started_at": ago(300),
        "created_at": ago(301),
        **more,
    }


def csm(*rows: dict[str, Any], as_of: datetime = T) -> dict[str, Any]:
    return measure("csm", as_of, csm=numbered("subscription_id", rows))


# -- the CSM view -------------------------------------------------------------------------------------------------------


def test_rows_collapse_to_the_active_one_and_mrr_is_summed_over_active_rows() -> None:
    row = csm(
        row_of("terminated", "plan_change", plan_code="standard-monthly", vehicles=1),
        row_of("active", "expansion_moovs", plan_code="pro-monthly", vehicles=4, started_at=ago(100)),
        row_of("active", "new", plan_code="vip-monthly", vehicles=9, started_at=ago(200), mrr_minor=100),
        row_of("canceled", "churn", plan_code="pro-legacy", started_at=None),
    )
    assert (row["csm_status"], row["csm_plan_code"], row["csm_mrr"], row["vehicles"]) == (
        "active",
        "pro-monthly",
        20_000,
        4,
    )
    assert row["csm_churned"] is False


@pytest.mark.parametrize(
    ("statuses", "first"),
    [
        ([("terminated", "churn"), ("pending", "new")], "pending"),
        ([("canceled", "churn"), ("terminated", "churn")], "terminated"),
        ([("terminated", "churn"), ("terminated", "plan_change")], "terminated"),
    ],
)
def test_the_order_of_the_collapse(statuses: list[tuple[str, str]], first: str) -> None:
    rows = [row_of(status, event, app_plan=event) for status, event in statuses]
    found = csm(*rows)
    assert found["csm_status"] == first
    assert found["app_plan"] == statuses[1][1]


def test_what_happened_to_a_row_after_t_does_not_put_it_first() -> None:
    """A change of plan that the view dates after T was not known then: of two ended rows the later start stands."""
    changed = row_of(
        "terminated", "plan_change", app_plan="changed", terminated_at=ago(50), event_date=date(2030, 1, 1)
    )
    later = row_of("terminated", "churn", app_plan="later", terminated_at=ago(40), started_at=ago(200))
    assert csm(changed, later)["app_plan"] == "later"
    assert csm({**changed, "event_date": ago(50).date()}, later)["app_plan"] == "changed"


def test_equal_rows_collapse_by_latest_start_then_higher_mrr() -> None:
    assert csm(row_of(vehicles=1), row_of(vehicles=2, started_at=ago(10)))["vehicles"] == 2
    assert csm(row_of(vehicles=1), row_of(vehicles=2, mrr_minor=99_900))["vehicles"] == 2


def test_churn_is_no_active_or_pending_row_and_a_last_event_of_churn() -> None:
    gone = row_of("terminated", "churn", event_date=date(2026, 1, 31), terminated_at=ago(43))
    moved = row_of("terminated", "plan_change", event_date=date(2026, 2, 15), terminated_at=ago(28))
    assert (csm(gone)["csm_churned"], csm(gone)["csm_churned_on"]) == (True, date(2026, 1, 31))
    assert csm(gone, row_of("pending", "new"))["csm_churned"] is False
    assert csm(gone, moved)["csm_churned"] is False
    assert (csm(gone, moved)["csm_last_event"], csm(gone, moved)["csm_churned_on"]) == ("plan_change", None)


def test_canceled_before_the_start_is_not_churn() -> None:
    canceled = row_of("canceled", "churn", started_at=None)
    assert csm(canceled)["csm_churned"] is False
    gone = row_of("terminated", "churn", event_date=date(2025, 1, 1))
    assert (csm(canceled, gone)["csm_churned"], csm(canceled, gone)["csm_churned_on"]) == (True, date(2025, 1, 1))


def test_an_end_at_t_has_happened_and_a_later_one_has_not() -> None:
    midnight = datetime(2026, 3, 15, tzinfo=UTC)
    ends = row_of("terminated", "churn", event_date=date(2026, 3, 15), terminated_at=midnight)
    found = csm(ends, as_of=midnight)
    assert (found["csm_status"], found["csm_churned"], found["csm_mrr"], found["csm_last_event"]) == (
        "terminated",
        True,
        0,
        "churn",
    )
    found = csm(ends, as_of=midnight - INSTANT)
    assert (found["csm_status"], found["csm_churned"], found["csm_mrr"], found["csm_last_event"]) == (
        "active",
        False,
        19_900,
        None,
    )
    assert rows_of("csm", csm=[row_of(created_at=T)]) == []


def test_an_operator_without_a_subscription_is_kept() -> None:
    row = csm(row_of(None, None, event_date=None, created_at=None, started_at=None, mrr_minor=None, app_plan="free"))
    assert (row["csm_status"], row["csm_mrr"], row["csm_churned"], row["app_plan"]) == (None, 0, False, "free")


def test_reactivated_is_an_active_row_with_that_event() -> None:
    back = row_of("active", "reactivation")
    assert csm(row_of("terminated", "churn"), back)["reactivated"] is True
    assert csm(row_of("terminated", "reactivation"), row_of())["reactivated"] is False


def test_zeros_are_values_and_nulls_are_not() -> None:
    row = csm(row_of(setup_score=0, vehicles=0, drivers=0, members=0, reservations_total=None))
    assert (row["setup_score"], row["setup_completion"], row["vehicles"], row["drivers"]) == (0, 0.0, 0, 0)
    assert row["lifetime_reservations_csm"] == 0
    assert (csm(row_of())["setup_completion"], csm(row_of())["trip_revenue_12m_csm"]) == (None, None)


@pytest.mark.parametrize(
    ("cents", "tier"),
    [
        (0, "<50k"),
        (4_999_999, "<50k"),
        (5_000_000, "50k-250k"),
        (25_000_000, "250k-1M"),
        (100_000_000, "250k-1M"),
        (100_000_001, ">1M"),
        (None, None),
    ],
)
def test_size_tier_by_trip_revenue(cents: int | None, tier: str | None) -> None:
    assert csm(row_of(reservation_amount_12m_minor=cents))["size_tier"] == tier


def test_days_from_dates_and_instants() -> None:
    row = csm(row_of(signed_up_on=date(2024, 2, 29), last_assignment_at=ago(20) + INSTANT))
    assert (row["tenure_days"], row["days_since_assignment"]) == (745, 19)
    assert csm(row_of(last_assignment_at=T))["days_since_assignment"] is None


# -- derived figures ----------------------------------------------------------------------------------------------------

SUBSCRIBED: dict[str, Any] = {
    "active_subscriptions": 1,
    "pending_subscriptions": 0,
    "never_started": False,
    "csm_churned": False,
    "tenure_days": 400,
    "reservations_ever": 50,
}
ENDED: dict[str, Any] = {**SUBSCRIBED, "active_subscriptions": 0}


@pytest.mark.parametrize(
    ("metrics", "status"),
    [
        (SUBSCRIBED, "active"),
        ({**SUBSCRIBED, "csm_churned": True}, "active"),
        ({**ENDED, "pending_subscriptions": 1, "csm_churned": True}, "active"),
        ({**ENDED, "csm_churned": True}, "churned"),
        ({**ENDED, "csm_churned": None, "subscription_ended_at": ago(9)}, "churned"),
        ({**ENDED, "csm_churned": True, "tenure_days": 5}, "churned"),
        ({**ENDED, "never_started": True}, "never_started"),
        (ENDED, "no_subscription"),
        ({**ENDED, "never_started": None, "tenure_days": 5}, "onboarding"),
        ({**SUBSCRIBED, "tenure_days": 29}, "onboarding"),
        ({**SUBSCRIBED, "tenure_days": 30}, "active"),
        ({**SUBSCRIBED, "tenure_days": 59, "reservations_ever": 0}, "onboarding"),
        ({**SUBSCRIBED, "tenure_days": 60, "reservations_ever": 0}, "active"),
        ({**SUBSCRIBED, "tenure_days": 59, "reservations_ever": None, "lifetime_reservations_csm": 0}, "onboarding"),
        ({**SUBSCRIBED, "tenure_days": None, "subscription_age_days": 3}, "onboarding"),
        ({**SUBSCRIBED, "active_subscriptions": None}, None),
        ({}, None),
    ],
)
def test_status(metrics: dict[str, Any], status: str | None) -> None:
    assert derive(**metrics)["status"] == status


def test_churned_on_is_lagos_end_then_the_views() -> None:
    end = datetime(2026, 1, 31, 23, tzinfo=UTC)
    gone = {**ENDED, "csm_churned": True, "csm_churned_on": date(2026, 2, 2)}
    assert derive(**gone)["churned_on"] == date(2026, 2, 2)
    assert derive(**gone, subscription_ended_at=end)["churned_on"] == date(2026, 1, 31)
    assert derive(**SUBSCRIBED, subscription_ended_at=end)["churned_on"] is None


def test_segment_is_free_without_an_active_base_plan_and_unknown_without_an_answer() -> None:
    assert derive(**SUBSCRIBED, plan_segment="Enterprise")["segment"] == "Enterprise"
    assert derive(**ENDED)["segment"] == "Free"
    assert derive()["segment"] is None


def test_renewal_precedence() -> None:
    known: dict[str, Any] = {
        "contract_end_date": date(2026, 3, 20),
        "contract_renewal_date": date(2026, 6, 1),
        "yearly_period_end": date(2026, 9, 30),
    }
    found = derive(**known)
    assert (found["renewal_date"], found["days_to_renewal"]) == (date(2026, 3, 20), 5)
    assert derive(**{**known, "contract_end_date": None})["renewal_date"] == date(2026, 6, 1)
    yearly = derive(yearly_period_end=known["yearly_period_end"])
    assert (yearly["renewal_date"], yearly["days_to_renewal"]) == (date(2026, 9, 30), 199)
    assert derive()["renewal_date"] is None
    assert derive(contract_end_date=date(2026, 3, 1))["days_to_renewal"] == -14


def test_customer_since_is_the_earlier() -> None:
    signed, first = date(2025, 3, 1), datetime(2024, 12, 31, 22, tzinfo=UTC)
    assert derive(signed_up_on=signed, first_subscribed_at=first)["customer_since"] == date(2024, 12, 31)
    assert derive(signed_up_on=signed, first_subscribed_at=ago(0))["customer_since"] == signed
    assert derive(signed_up_on=signed)["customer_since"] == signed
    assert derive(first_subscribed_at=first)["customer_since"] == date(2024, 12, 31)


@pytest.mark.parametrize(
    ("invoices", "charges", "worst"),
    [
        ((3, 0.9), (20, 0.8), 0.8),
        ((3, 0.7), (20, 0.8), 0.7),
        ((2, 0.1), (20, 0.8), 0.8),
        ((3, 0.9), (19, 0.1), 0.9),
        ((3, 0.9), (20, 0.0), 0.0),
        ((2, 0.1), (19, 0.1), None),
        ((3, 0.9), (None, None), 0.9),
        ((None, None), (20, 0.8), 0.8),
    ],
)
def test_worse_success_rate_needs_a_sample(
    invoices: tuple[int | None, float | None], charges: tuple[int | None, float | None], worst: float | None
) -> None:
    found = derive(
        invoices_due=invoices[0],
        invoice_success_rate=invoices[1],
        charge_attempts_90d=charges[0],
        charge_success_rate=charges[1],
    )
    assert found["payment_success_worst"] == worst


def test_usage_trend_prefers_the_season() -> None:
    assert derive(trend_30d=-0.6, trend_30d_seasonal=0.0)["usage_trend"] == 0.0
    assert derive(trend_30d=-0.6)["usage_trend"] == -0.6
    assert derive()["usage_trend"] is None


@pytest.mark.parametrize(
    ("lago", "view", "difference"),
    [
        (96_000, 120_000, -24_000),
        (19_900, 19_900, 0),
        (1_000, 1_100, 0),
        (1_000, 1_101, -101),
        (100_000, 102_000, 0),
        (100_000, 102_001, -2_001),
        (0, 14_900, -14_900),
        (14_900, 0, 14_900),
        (None, 14_900, None),
        (14_900, None, None),
    ],
)
def test_mrr_difference_beyond_a_dollar_and_two_percent(
    lago: int | None, view: int | None, difference: int | None
) -> None:
    assert derive(mrr_usd=lago, csm_mrr=view)["mrr_difference"] == difference


@pytest.mark.parametrize(
    ("metrics", "conflict"),
    [
        (SUBSCRIBED, False),
        ({**SUBSCRIBED, "csm_churned": True}, True),
        ({**SUBSCRIBED, "hubspot_churn_hint": "Churn"}, True),
        ({**ENDED, "csm_churned": True, "hubspot_churn_hint": "Churn"}, False),
        ({**SUBSCRIBED, "csm_churned": None}, None),
        ({"csm_churned": True}, None),
    ],
)
def test_churn_conflict(metrics: dict[str, Any], conflict: bool | None) -> None:
    assert derive(**metrics)["churn_conflict"] is conflict
