"""What of the past the tables can still tell: every metric is either dated or named with what overwrites it."""

from __future__ import annotations

import pytest
import sqlglot

from customer_research.metrics.catalogue import METRICS
from customer_research.metrics.past import (
    IN_PLACE,
    OVERWRITTEN,
    RETOLD_BY,
    STANDING,
    Overwritten,
    retold,
    unclassified,
    unjudged,
)
from customer_research.metrics.wide import Untold, stages
from customer_research.record_tables import LAKE_TABLES, STATES, TABLES

DATED = frozenset(
    [
        "active_subscriptions",
        "pending_subscriptions",
        "subscriptions_ever",
        "never_started",
        "base_plan_code",
        "base_plan_name",
        "base_plan_interval",
        "first_subscribed_at",
        "subscription_started_at",
        "subscription_age_days",
        "subscription_ended_at",
        "upgraded_180d",
        "invoices_finalized",
        "invoices_draft",
        "last_invoice_on",
        "days_since_last_invoice",
        "billing_interval_days",
        "invoice_currencies",
        "list_mrr",
        "total_invoiced",
        "average_invoice",
        "signed_up_on",
        "tenure_days",
        "reservations_ever",
        "reservations_30d",
        "reservations_prev_30d",
        "reservations_60d",
        "reservations_90d",
        "reservations_prev_90d",
        "reservations_12m",
        "reservations_30d_year_ago",
        "reservations_prev_30d_year_ago",
        "reservations_90d_year_ago",
        "first_reservation_at",
        "last_activity_at",
        "days_since_activity",
        "history_months",
        "active_months_12m",
        "trips_per_month",
        "trend_30d",
        "trend_90d",
        "trend_90d_year",
        "seasonal_factor_30d",
        "trend_30d_seasonal",
        "completed_12m",
        "cancelled_12m",
        "pending_12m",
        "trips_12m",
        "cancellation_rate",
        "cancellation_rate_90d",
        "cancellation_rate_prev_90d",
        "completed_90d",
        "completed_prev_90d",
        "revenue_12m",
        "revenue_90d",
        "revenue_prev_90d",
        "booked_value_future",
        "future_trips",
        "future_trips_30d",
        "avg_trip_value",
        "driver_trips_90d",
        "driver_app_rate",
        "farm_out_rate_90d",
        "farm_out_rate_prev_90d",
        "own_completed_90d",
        "own_completed_prev_90d",
        "average_distance_miles",
        "average_duration_minutes",
        "charge_attempts",
        "charge_attempts_90d",
        "charges_succeeded_90d",
        "charges_failed_90d",
        "charge_success_rate",
        "failure_streak",
        "disputes_ever",
        "dispute_rate",
        "avg_risk_score",
        "scored_charges_90d",
        "high_risk_charges_90d",
        "highest_risk_charges_90d",
        "high_risk_share",
        "last_charge_at",
        "days_since_last_charge",
        "charge_currencies",
        "charge_volume_90d",
        "charge_volume_12m",
        "average_charge_90d",
        "members_now",
        "members_added_90d",
        "drivers_now",
        "drivers_added_90d",
        "nps_latest",
        "csat_latest",
        "survey_latest_at",
        "tickets_30d",
        "contacts",
        "champion_left_noted",
        "last_contact_type",
        "engagements_90d",
        "cancellation_mentioned",
        "status",
        "churned_on",
        "customer_since",
        "usage_trend",
        "trial_ends_at",
        "probable_tickets",
        "mrr_usd",
        "mrr",
        "mrr_by_currency",
    ]
)
"""Metrics over rows that have an instant of their own: a new metric is put here, or into `metrics.past`, on purpose."""


def test_every_metric_is_dated_or_named_as_overwritten() -> None:
    assert unclassified() == frozenset()
    assert frozenset(METRICS) - frozenset(IN_PLACE) - STANDING == DATED
    assert not DATED & frozenset(IN_PLACE)


@pytest.mark.parametrize("rebuilt", RETOLD_BY)
def test_no_rebuilt_stage_reads_a_record_but_as_it_stood(rebuilt: str) -> None:
    """It has a row for each way in which it stood, and of these the one of the instant is read."""
    told = [stage.sql for stage in stages(untold=Untold(rebuilt=frozenset([rebuilt])))]
    assert any("known_until" in sql for sql in told)
    for sql in told:
        query = sqlglot.parse_one(sql, read="duckdb")
        readers = [
            table.find_ancestor(sqlglot.exp.Select)
            for table in query.find_all(sqlglot.exp.Table)
            if table.name == rebuilt
        ]
        for reader in readers:
            assert reader is not None
            around = reader.find_ancestor(sqlglot.exp.Select) if rebuilt == "invoice" else reader
            assert around is not None
            assert {"known_since", "known_until"} <= {column.name for column in around.find_all(sqlglot.exp.Column)}


def test_payments_tell_again_what_invoices_were() -> None:
    with_payments, without = (
        unjudged({"invoice"}, retold({"payment": 1})),
        unjudged({"invoice"}, retold({"payment": 0})),
    )
    rebuilt = set(without) - set(with_payments)
    assert {"overdue_invoices", "invoices_failed_90d", "invoice_success_rate"} <= rebuilt
    assert "open_tickets" not in without
    assert "open_tickets" in unjudged({"ticket"}, {"invoice"})


@pytest.mark.parametrize(
    ("table", "metric"), [("deal", "deals_won"), ("contact", "contacts_left"), ("company", "owner_id")]
)
def test_states_tell_again_what_hubspots_records_were(table: str, metric: str) -> None:
    assert metric in unjudged({table}, retold({}))
    assert not unjudged({table}, retold({STATES[table]: 1}))
    state, changing = LAKE_TABLES[STATES[table]], {c for one in OVERWRITTEN if one.table == table for c in one.columns}
    own = set(state.column_names) - {"operator_id", "since", "fetch_id", *TABLES[table].key}
    assert own <= changing
    assert not any(column.personal for column in state.columns)


def test_a_renewal_is_judged_only_where_both_its_sources_are() -> None:
    """It comes of the HubSpot company's contract, else of the subscription's period, which is overwritten."""
    assert "days_to_renewal" in unjudged({"company", "subscription"}, retold({STATES["company"]: 1}))


@pytest.mark.parametrize("one", OVERWRITTEN, ids=lambda one: one.what)
def test_what_is_overwritten_is_named_as_the_table_has_it(one: Overwritten) -> None:
    assert set(one.columns) <= set(TABLES[one.table].column_names) - set(TABLES[one.table].key)
    assert not {column for column in one.columns if column == "created_at"}
