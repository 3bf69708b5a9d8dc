"""Hand-made accounts: figures for every metric of the catalogue, records of every table and listing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from customer_research.domain.account import Account, Records
from customer_research.domain.catalogue import METRICS, SUBJECTS
from customer_research.domain.evidence import Evidence, Fact, Figure, Gap, Receipt
from customer_research.domain.health import (
    Band,
    Contribution,
    Dimension,
    Finding,
    Gate,
    HealthScore,
    Status,
    UnjudgedRule,
)
from customer_research.domain.identity import Candidate, Interpretation, LookupAnswer, Match
from customer_research.domain.money import Money
from customer_research.domain.report import Freshness
from customer_research.health.playbook import Situation, advise, load_playbook
from customer_research.health.urgency import Circumstances, load_causes, urgency
from customer_research.record_tables import TABLES
from customer_research.reports.kinds import OPERATOR_KINDS

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
OPERATOR = "3f0c2a10-7d11-11ef-9a00-0242ac120002"

HOSTILE = {
    "pipe": "Ace | Limo | [x](javascript:alert(1))",
    "script": "<script>alert('x')</script> & <b>Co</b>",
    "formula": "=cmd|' /C calc'!A0",
    "ticks": "Tick `rm -rf` ``two`` *star* _under_ # head",
    "ansi": "Red\x1b[31m Limo\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x9b2J\r\nnext",
    "bidi": "Safe\u202egnp.exe\u2066 Limo\u200f\u2069 \u200bzero",
    "long": "L" * 200,
    "rtl": "لیموزین شمال ירוק 🚐 Ñandú",
}


def receipt(source: str, stream: str, rows: int = 3) -> Receipt:
    return Receipt(
        id=f"{source}-{stream}",
        source=source,
        stream=stream,
        query=f"GET /{stream}?operator={OPERATOR}&page=1",
        fetched_at=AS_OF + timedelta(seconds=4),
        rows=rows,
        digest="ab" * 32,
        place="memory",
    )


HOMES = {
    "billing": ("lago", "invoices"),
    "billing_money": ("lago", "invoices"),
    "csm": ("warehouse", "csm"),
    "usage": ("warehouse", "usage"),
    "card": ("warehouse", "card"),
    "card_money": ("warehouse", "card_money"),
    "people": ("warehouse", "people"),
    "support": ("notion", "tickets"),
    "chat": ("intercom", "conversations"),
    "chat_tickets": ("intercom", "conversations"),
    "crm": ("hubspot", "relationship"),
    "derived": ("memory", "derived"),
}
SAMPLES: dict[str, Any] = {
    "count": 12,
    "ratio": 0.971,
    "days": 14,
    "money": (Money("USD", 14900),),
    "usd_minor": 14900,
    "date": date(2026, 11, 20),
    "timestamp": datetime(2026, 10, 30, 15, 45, tzinfo=UTC),
    "text": "standard",
    "boolean": False,
    "points": 25,
    "number": 18.25,
}
CARD_NOTE = "Asked by the Stripe account of the CSM view, from the charge model"
VALUES: dict[str, Any] = {
    "segment": "SMB",
    "size_tier": "250k-1M",
    "base_plan_name": "Starter",
    "base_plan_code": "standard-monthly",
    "base_plan_interval": "monthly",
    "status": "active",
    "trend_30d": -0.42,
    "usage_trend": -0.42,
    "mrr_difference": 0,
    "overdue_invoices": 0,
    "invoices_failed_90d": 0,
    "outstanding": (Money("USD", 0),),
    "open_tickets": 1,
    "reservations_30d": 31,
    "reservations_prev_30d": 53,
    "trips_12m": 480,
    "completed_12m": 420,
    "lifecycle_stage": "customer",
    "given_back_amount": (Money("USD", 0),),
}


def figure(metric: str, value: Any) -> Fact[Any]:
    entry = METRICS[metric]
    source, stream = HOMES[entry.subject]
    note = CARD_NOTE if entry.subject.startswith("card") else ""
    return Fact(value, entry.unit, (receipt(source, stream),), AS_OF, metric, note)


def figures(**values: Any) -> dict[str, Figure]:
    return {name: figure(name, {**VALUES, **values}.get(name, SAMPLES[entry.unit])) for name, entry in METRICS.items()}


def row(table: str, **values: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(TABLES[table].column_names)
    return {**blank, "operator_id": OPERATOR, "created_at": AS_OF - timedelta(days=20), **values}


def canonical() -> dict[str, tuple[dict[str, Any], ...]]:
    day, when = date(2026, 10, 12), datetime(2026, 10, 12, 9, tzinfo=UTC)
    invoice = {"status": "finalized", "payment_status": "succeeded", "currency": "USD", "total_minor": 14900}
    return {
        "customer": (
            row(
                "customer",
                lago_id="lago-1",
                name="Alder Chauffeurs",
                legal_name="Alder Chauffeurs LLC",
                email="dana.roe@alder.example.com",
                phone="+1 555 010 2030",
                currency="USD",
                net_payment_term=0,
                city="Portland",
                country="US",
                payment_provider="stripe",
            ),
        ),
        "plan": (),
        "subscription": (
            row(
                "subscription",
                subscription_id="s1",
                plan_code="standard-monthly",
                plan_name="Starter",
                interval="monthly",
                status="active",
                amount_minor=14900,
                monthly_minor=14900,
                currency="USD",
                started_at=when,
                period_start=when,
                period_end=datetime(2026, 11, 11, 23, 59, 59, tzinfo=UTC),
            ),
            row("subscription", subscription_id="s0", plan_code="old", status="terminated", terminated_at=when),
        ),
        "invoice": (
            row("invoice", invoice_id="i1", number="MOO-1", issuing_date=day, **invoice),
            row("invoice", invoice_id="i2", number="MOO-2", issuing_date=date(2026, 9, 12), **invoice),
            row("invoice", invoice_id="i3", number="MOO-3", issuing_date=day, **{**invoice, "status": "voided"}),
            row(
                "invoice", invoice_id="i4", number="MOO-4", issuing_date=day, **{**invoice, "payment_status": "pending"}
            ),
            row("invoice", invoice_id="i5", number="MOO-5", issuing_date=day, **{**invoice, "total_minor": -1200}),
            row("invoice", invoice_id="i6", number="MOO-6", issuing_date=day, **{**invoice, "status": "draft"}),
            row(
                "invoice", invoice_id="i7", number="MOO-7", issuing_date=day, **{**invoice, "payment_status": "failed"}
            ),
        ),
        "payment": (
            row(
                "payment",
                payment_id="p1",
                invoice_id="i1",
                amount_minor=14900,
                currency="USD",
                status="succeeded",
                paid_at=when,
            ),
        ),
        "credit_note": (),
        "coupon": (),
        "company": (
            row(
                "company",
                company_id="77001",
                name="Alder",
                city="Portland",
                state="OR",
                website="https://alder.example.com",
            ),
        ),
        "contact": (
            row(
                "contact",
                contact_id="c1",
                name="Dana Roe",
                email="dana.roe@alder.example.com",
                phone="555-010-2030",
                job_title="Owner",
                is_primary=True,
                has_left=False,
            ),
        ),
        "deal": (
            row(
                "deal",
                deal_id="d1",
                name="Alder add-on",
                amount_minor=49900,
                currency="USD",
                is_open=True,
                is_won=False,
            ),
            row("deal", deal_id="d2", name="Alder", is_open=False, is_won=True),
        ),
        "engagement": (row("engagement", engagement_id="e1", type="call", title="Check-in", occurred_at=when),),
        "ticket": (
            row(
                "ticket",
                ticket_id="00000000-aaaa-bbbb-cccc-000000000001",
                number="DOOM-7",
                title="Pickup times shift",
                status="In progress",
                is_open=True,
                matched_by="operator_id",
                is_certain=True,
                url="https://tickets.example.com/7",
            ),
        ),
        "csm": (
            row("csm", name="Alder Chauffeurs", stripe_account="acct_1AbCdEfGhIjKlMnO", hubspot_company_id="77001"),
        ),
    }


def listings() -> dict[str, tuple[dict[str, Any], ...]]:
    when = datetime(2026, 10, 30, 8, tzinfo=UTC)
    month = {"month": date(2026, 10, 1), "currency": "USD"}
    return {
        "usage_monthly": ({**month, "trips": 31, "completed": 28, "cancelled": 2, "revenue_minor": 420000},),
        "usage_daily": tuple(
            {
                "day": date(2026, 10, 31) - timedelta(days=back),
                "booked": 2 if back < 90 else 1,
                "trips": 2,
                "completed": 1,
                "cancelled": 0,
                "revenue_minor": 15000,
                "driver_trips": 1,
                "app_trips": back % 2,
                "currency": "USD",
            }
            for back in range(500)
        ),
        "usage_types": (
            {"trip_type": "one-way", "order_type": None, "trips": 31, "revenue_minor": 420000, "currency": "USD"},
        ),
        "usage_statuses": ({"status": "completed", "trips": 28, "total_minor": 420000, "currency": "USD"},),
        "usage_recent": (
            {
                "confirmation_number": "AL-101",
                "created_at": when,
                "pickup_at": when,
                "status": "completed",
                "total_minor": 15000,
                "paid_minor": None,
                "currency": "USD",
            },
        ),
        "usage_companies": ({"company_name": "Birch Bank", "trips": 9, "revenue_minor": 90000, "currency": "USD"},),
        "usage_drivers": ({"driver_name": "Kim Park", "trips": 9, "app_trips": 0},),
        "usage_farmouts": (),
        "card_monthly": (
            {**month, "attempts": 20, "succeeded": 19, "failed": 1, "charged_minor": 1000, "refunded_minor": 0},
        ),
        "card_failures": (
            {
                "created_at": when,
                "charge_id": "ch_1",
                "amount_minor": 5000,
                "currency": "USD",
                "failure_reason": "insufficient_funds",
                "cardholder": "Robin Vale",
                "card_id": "card_1",
            },
        ),
        "card_disputes": (),
        "team": (
            {"name": "Dana Roe", "role": "owner", "last_login_at": when, "removed_at": None},
            {"name": "Kit Marlow", "role": "dispatcher", "last_login_at": None, "removed_at": None},
            {"name": "Lee Onan", "role": "driver_manager", "last_login_at": when, "removed_at": when},
        ),
    }


STREAM_OF = {table: (TABLES[table].home, table) for table in TABLES}


def all_records() -> dict[str, Records]:
    tables = {name: Records(name, rows, (receipt(*STREAM_OF[name]),)) for name, rows in canonical().items()}
    lists = {name: Records(name, rows, (receipt("warehouse", name),)) for name, rows in listings().items()}
    return {**tables, **lists}


def evidence() -> Evidence:
    columns = ("invoice_id", "number", "issuing_date", "total_minor", "currency", "cardholder", "operator_id")
    rows = (("i7", "MOO-7", date(2026, 10, 12), 14900, "USD", "Robin Vale", OPERATOR),)
    return Evidence(columns, rows, 2, (receipt("lago", "invoices"),))


def contribution(rule: str, dimension: str, points: int, because: str, metric: str) -> Contribution:
    return Contribution(
        rule, dimension, points, because, figure(metric, SAMPLES[METRICS[metric].unit]), evidence(), "90 days"
    )


def score(
    number: int | None = 66, band: Band = "at_risk", status: Status = "active", coverage: float = 1.0
) -> HealthScore:
    failed = contribution("P2", "payment", -15, "1 invoice failed in 90 days.", "invoices_failed_90d")
    falling = contribution("E3", "engagement", -15, "Reservations fell by 42 %.", "trend_30d")
    upgraded = contribution("G1", "growth", 20, "The plan was upgraded in 6 months.", "upgraded_180d")
    gap = Gap("notion", "unavailable", "timed out", "Try again later.", "nps_latest")
    return HealthScore(
        score=number,
        band=band,
        status=status,
        coverage=coverage,
        dimensions=(
            Dimension("payment", 0.4, 100, 85, "healthy", (failed,)),
            Dimension("engagement", 0.25, 100, 85, "healthy", (falling,)),
            Dimension("support", 0.2, 100, 100, "healthy", (), (UnjudgedRule("S4", "support", gap),)),
            Dimension("growth", 0.15, 50, 70, "monitor", (upgraded,)),
        ),
        gates=(Gate("active_dispute", "at_risk", "1 dispute is active.", figure("active_disputes", 1)),),
        gaps=(),
        scorecard="canonical",
        version="1",
        digest="cd" * 32,
    )


def findings() -> tuple[Finding, ...]:
    trend, tickets = figure("trend_30d", -0.42), figure("open_tickets", 1)
    return (
        Finding(
            "R1",
            "Silent churn",
            "risk",
            "high",
            "Payments are good, trips fall.",
            "Call before the next bill.",
            (trend,),
        ),
        Finding("R16", "Upgrade", "opportunity", "low", "Fleet over the limit.", "Propose Pro.", (tickets,)),
        Finding("R18", "Churn flags differ", "conflict", "medium", "HubSpot says churn.", "Correct HubSpot.", (trend,)),
    )


def fresh(state: Any = "ok") -> tuple[Freshness, ...]:
    when = AS_OF + timedelta(seconds=4)
    return tuple(Freshness(source, state, when, when) for source in ("lago", "hubspot", "warehouse", "notion"))


LINKS: Mapping[str, str] = {
    "lago_customer": "https://billing.example.com/customer/{id}",
    "lago_invoice": "https://billing.example.com/invoice/{id}",
    "hubspot_company": "https://crm.example.com/company/{id}",
    "metabase_card": "https://bi.example.com/question/{id}",
    "notion_page": "https://notes.example.com/{id}",
}


def full(name: str = "Alder Chauffeurs", **values: Any) -> Account:
    """Everything is known."""
    return advised(
        Account(
            OPERATOR,
            name,
            AS_OF,
            AS_OF + timedelta(seconds=5),
            None,
            figures(**values),
            all_records(),
            fresh(),
            (score(),),
            findings(),
            LINKS,
        )
    )


def advised(account: Account) -> Account:
    """The account with what the shipped playbook says of its score and findings."""
    known = Situation({}, account.figures, account.score, account.findings, account.history)
    return urgent(replace(account, advice=advise(load_playbook(None, METRICS), known)))


def urgent(account: Account) -> Account:
    """The account with how soon to act, by its band and findings: no condition over the metrics holds."""
    causes = load_causes(METRICS)
    row = dict.fromkeys((f"cause_{at}" for at in range(len(causes))), False)
    standing = Circumstances(row, account.figures, account.score, account.findings, account.as_of)
    return replace(account, urgency=urgency(causes, standing))


def gap_of(source: str, metric: str = "") -> Gap:
    return Gap(source, "unavailable", f"{source} did not answer in 15 s", f"Check {source}, then run again.", metric)


def nothing() -> Account:
    """Every source is down: each figure and table is a gap."""
    gaps: dict[str, Figure] = {name: gap_of(HOMES[entry.subject][0], name) for name, entry in METRICS.items()}
    tables = {name: Records(name, (), (), gap_of(found.receipts[0].source)) for name, found in all_records().items()}
    empty = HealthScore(None, "insufficient", "active", 0.0, (), (), (), "canonical", "1", "cd" * 32)
    unknown = tuple(
        Freshness(source, "missing", None, None, (gap_of(source),))
        for source in ("lago", "hubspot", "warehouse", "notion")
    )
    lost = replace(full(), figures=gaps, records=tables, freshness=unknown, scores=(empty,), findings=(), advice=())
    return urgent(lost)


def empty() -> Account:
    """Every source answered, and has nothing."""
    made: dict[str, Figure] = {}
    for name, entry in METRICS.items():
        source = HOMES[entry.subject][0]
        if entry.empty is None:
            made[name] = Gap(source, "none_found", "no rows to compute from", "", name)
        else:
            made[name] = figure(name, () if entry.unit == "money" else 0)
    made["status"] = figure("status", "no_subscription")
    tables = {name: Records(name, (), found.receipts) for name, found in all_records().items()}
    return urgent(replace(full(), figures=made, records=tables, scores=(), findings=(), advice=()))


def churned() -> Account:
    return advised(
        replace(
            full(status="churned", churned_on=date(2026, 8, 15)),
            scores=(score(31, "critical", "churned"),),
            findings=(),
        )
    )


def without(source: str) -> Account:
    """One source is down."""
    account = full()
    made = {
        name: gap_of(source, name) if HOMES[METRICS[name].subject][0] == source else found
        for name, found in account.figures.items()
    }
    tables = {
        name: Records(name, (), (), gap_of(source)) if found.receipts[0].source == source else found
        for name, found in account.records.items()
    }
    marks = tuple(
        Freshness(source, "missing", None, None, (gap_of(source),)) if item.source == source else item
        for item in account.freshness
    )
    return replace(account, figures=made, records=tables, freshness=marks)


def hostile() -> Account:
    """Vendor text in every field is hostile."""
    bad = " ".join(HOSTILE.values())
    tables = {}
    for name, found in all_records().items():
        rows = tuple({key: _spoil(key, value, bad) for key, value in row.items()} for row in found.rows)
        tables[name] = replace(found, rows=rows)
    texts = {name: bad for name, entry in METRICS.items() if entry.unit == "text" and name != "status"}
    return replace(full(bad, **texts), records=tables)


KEPT = {"operator_id", "status", "payment_status", "currency", "matched_by", "period"}


def _spoil(key: str, value: Any, bad: str) -> Any:
    return bad if isinstance(value, str) and key not in KEPT else value


def money_account() -> Account:
    """Two currencies, one of them without minor digits."""
    both = (Money("CAD", -1250), Money("JPY", 120000))
    account = full(mrr=both, total_paid=both, outstanding=(Money("JPY", 0),))
    invoice = {"status": "finalized", "payment_status": "succeeded", "issuing_date": date(2026, 10, 1)}
    rows = (
        row("invoice", invoice_id="a", number="A", total_minor=1250, currency="CAD", **invoice),
        row("invoice", invoice_id="b", number="B", total_minor=120000, currency="JPY", **invoice),
    )
    records = {**account.records, "invoice": replace(account.records["invoice"], rows=rows)}
    return replace(account, records=records)


ACCOUNTS: dict[str, Callable[[], Account]] = {
    "full": full,
    "nothing": nothing,
    "empty": empty,
    "churned": churned,
    "hostile": hostile,
    "money": money_account,
    "no_hubspot": lambda: without("hubspot"),
}
ACCOUNT_KINDS = tuple(OPERATOR_KINDS)


def candidate(number: int = 1, **values: Any) -> Candidate:
    known = {
        "operator_id": f"3f0c2a1{number}-7d11-11ef-9a00-0242ac120002",
        "name": f"Summit Cars {number}",
        "email": "dana.roe@summit.example.com",
        "plan_name": "Pro",
        "status": "active",
        "mrr_minor": 19900,
        "city": "Denver",
    }
    return Candidate(**{**known, **values})


def answer(matches: int = 1) -> LookupAnswer:
    found = tuple(Match(candidate(n), "name", "The name matches.", 0.9) for n in range(1, matches + 1))
    reading = Interpretation("name", "summit")
    nothing = not found
    return LookupAnswer(
        "summit",
        (reading,),
        found,
        found[0] if matches == 1 else None,
        matches,
        reasons=("It may have churned.",) if nothing else (),
        next_steps=("Try the operator id.",) if nothing else (),
    )


assert set(HOMES) == set(SUBJECTS)
