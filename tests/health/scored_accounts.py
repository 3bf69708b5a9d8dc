"""Hand-made rows of `account_metrics`, scored by the real SQL in a real DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS, SILENT, SUBJECTS
from customer_research.domain.evidence import Evidence, Fact, Figure, Gap, Receipt
from customer_research.domain.health import Finding, HealthScore
from customer_research.engines.duckdb import Memory
from customer_research.health.assembly import assemble
from customer_research.health.findings import assemble_findings, findings_sql, load_findings
from customer_research.health.scorecard import Scorecard, load_scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.metrics.queries import ANSWERED, account_columns

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
RECEIPT = Receipt("r1", "lago", "invoices", "GET /invoices", AS_OF, 3, "0" * 64)
NAMES = frozenset(name for name, metric in METRICS.items() if SUBJECTS[metric.subject].grain == "operator")

ENDING: Mapping[str, Any] = {
    # what is known of who has given notice
    "pending_cancellation": True,
    "subscription_ends_on": date(2026, 12, 1),
    "days_to_end": 30,
}

QUIET: Mapping[str, Any] = {
    # an operator of 500 days that pays every bill, books 50 trips a month, and of whom nothing else is to be said
    "status": "active",
    "active_subscriptions": 1,
    "pending_subscriptions": 0,
    "subscriptions_ever": 1,
    "base_plan_code": "pro-monthly",
    "segment": "Mid-Market",
    "subscription_age_days": 500,
    "tenure_days": 500,
    "mrr_usd": 19_900,
    "pending_cancellation": False,
    "subscription_ends_on": None,
    "days_to_end": None,
    "upgraded_180d": False,
    "downgraded_180d": False,
    "billing_interval_days": 30,
    "net_payment_term": 7,
    "avg_days_to_pay": 2.0,
    "invoices_finalized": 16,
    "invoices_due": 16,
    "invoices_paid": 16,
    "invoices_failed_90d": 0,
    "overdue_invoices": 0,
    "overdue_not_failed": 0,
    "invoice_success_rate": 1.0,
    "payment_success_worst": 1.0,
    "days_since_last_invoice": 12,
    "charge_attempts_90d": 100,
    "charges_succeeded_90d": 100,
    "charges_failed_90d": 0,
    "charge_success_rate": 1.0,
    "failure_streak": 0,
    "active_disputes": 0,
    "scored_charges_90d": 100,
    "high_risk_charges_90d": 0,
    "highest_risk_charges_90d": 0,
    "high_risk_share": 0.0,
    "avg_risk_score": 12.0,
    "days_since_last_charge": 1,
    "reservations_ever": 800,
    "reservations_30d": 50,
    "reservations_prev_30d": 50,
    "reservations_60d": 100,
    "reservations_90d": 150,
    "reservations_prev_90d": 150,
    "reservations_30d_year_ago": 50,
    "reservations_prev_30d_year_ago": 50,
    "trend_30d": 0.0,
    "trend_30d_seasonal": 0.0,
    "usage_trend": 0.0,
    "trend_90d": 0.0,
    "trend_90d_year": 0.0,
    "future_trips_30d": 5,
    "completed_90d": 130,
    "collection_rate_90d": 0.9,
    "driver_trips_90d": 130,
    "driver_app_rate": 0.3,
    "open_tickets": 0,
    "open_tickets_over_7d": 0,
    "open_tickets_over_30d": 0,
    "high_priority_open": 0,
    "tickets_30d": 0,
    "resolved_90d": 0,
    "members_added_90d": 0,
    "drivers_added_90d": 0,
    "members_now": 4,
    "vehicles": 8,
    "drivers": 9,
    "expansion_deals_open": 0,
    "cancellation_mentioned": False,
    "champion_left_noted": False,
    "contacts": 2,
    "contacts_left": 0,
    "contacts_active": 2,
    "days_since_contact": 12,
    "engagements_90d": 3,
    "churn_conflict": False,
}

USAGE = frozenset(name for name, metric in METRICS.items() if metric.subject == "usage") | {"usage_trend"}
CARD = frozenset(name for name, metric in METRICS.items() if metric.subject == "card")
SUPPORT = frozenset(name for name, metric in METRICS.items() if metric.subject == "support")
BILLING = frozenset(name for name, metric in METRICS.items() if metric.subject == "billing")


def account(unknown: Sequence[str] | frozenset[str] = (), **changes: Any) -> dict[str, Any]:
    """A quiet account with changes; metrics in `unknown` are null."""
    return dict.fromkeys(NAMES) | {"operator_id": "op"} | dict(QUIET) | changes | dict.fromkeys(unknown)


@cache
def scorecard(name: str = "canonical", *options: str) -> Scorecard:
    return load_scorecard(name, NAMES, options=options)


@cache
def _memory() -> Memory:
    return Memory()


def run(sql: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The query over a table `account_metrics` of these rows."""
    columns = account_columns()
    _memory().create(ACCOUNT_TABLE, columns, [{name: row.get(name) for name in columns} for row in rows])
    return _memory().run(sql)


def figures(row: Mapping[str, Any], gaps: Mapping[str, Gap] | None = None) -> dict[str, Figure]:
    """Facts of the row's values; nulls are gaps, "none_found" unless told otherwise."""
    found: dict[str, Figure] = {}
    for name, metric in METRICS.items():
        value = row.get(name)
        if value is None:
            found[name] = (gaps or {}).get(name) or Gap(metric.tables[0], "none_found", "there is none.", metric=name)
        else:
            found[name] = Fact(value, metric.unit, (RECEIPT,), AS_OF, metric=name)
    return found


def evidence(metric: str) -> Evidence:
    return Evidence(("metric",), ((metric,),), 1, (RECEIPT,))


def score(row: Mapping[str, Any], card: Scorecard | None = None, gaps: Mapping[str, Gap] | None = None) -> HealthScore:
    """The health score of one row."""
    card = card or scorecard()
    told = figures(row, gaps)
    unheard = (name for name, found in told.items() if isinstance(found, Gap) and found.reason not in ANSWERED)
    (scored,) = run(scoring_sql(card), [{**row, SILENT: "".join(f" {name} " for name in unheard)}])
    return assemble(card, scored, told, evidence)


def dimension_scores(result: HealthScore) -> dict[str, int | None]:
    return {dimension.name: dimension.score for dimension in result.dimensions}


def fired(result: HealthScore) -> dict[str, int]:
    """Rule → points of the lines, without clamps."""
    return {line.rule: line.points for line in result.contributions if line.rule != "clamp"}


def findings(row: Mapping[str, Any]) -> tuple[Finding, ...]:
    rules = load_findings(NAMES)
    (held,) = run(findings_sql(rules), [row])
    return assemble_findings(rules, held, figures(row))
