"""Each named scenario is there, and its hand-written figures are true of the raw records.

The figures are recomputed here in plain Python straight from the vendors' records, apart from the product's SQL: an
expectation that the set-up does not bear out fails here, not in the product.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from customer_research_sandbox.dataset import Dataset, Row
from customer_research_sandbox.scenarios import SCENARIOS, expectations, scenario_id
from customer_research_sandbox.vocabulary import PLANS
from customer_research_sandbox.world import DEFAULT_AS_OF, generate

T = DEFAULT_AS_OF
EXPECTED = expectations()
RULES = {f"{letter}{n}" for letter, last in (("P", 8), ("E", 7), ("S", 6), ("G", 7)) for n in range(1, last + 1)} | {
    "P3n",
    "P4b",
}
CAPS = {79, 59}
"""The tops of Monitor and At Risk: what a gate caps a score at."""
CORRELATIONS = {f"R{n}" for n in range(1, 19)}
ACTIVE_DISPUTES = {"warning_needs_response", "warning_under_review", "needs_response", "under_review"}
CLOSED_TICKETS = {"Done", "Archived", "Not doing anymore"}


@cache
def world() -> Dataset:
    return generate(n_operators=0, scenarios=True)


@cache
def grouped(kind: str) -> dict[str, list[Row]]:
    """Records by operator id: warehouse tables by their column, Lago's by external_customer_id."""
    rows: dict[str, list[Row]] = defaultdict(list)
    if kind.startswith("lago."):
        for row in getattr(world().lago, kind.removeprefix("lago.")):
            rows[row["external_customer_id"]].append(row)
        return rows
    column = "LAGO_EXTERNAL_CUSTOMER_ID" if kind == "MOOVS.CSM_MOOVS" else "OPERATOR_ID"
    for row in world().warehouse[kind].rows:
        rows[row[column]].append(row)
    return rows


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ago(days: float) -> datetime:
    return T - timedelta(days=days)


class Facts:
    """What the raw records say of one operator."""

    def __init__(self, operator_id: str) -> None:
        self.id = operator_id
        self.trips = grouped("FACT.MOOVS_OPERATOR_RESERVATIONS")[operator_id]
        self.invoices = [row for row in grouped("lago.invoices")[operator_id] if row["status"] == "finalized"]
        self.owed = [row for row in self.invoices if row["total_amount_cents"] > 0]
        self.subscriptions = grouped("lago.subscriptions")[operator_id]
        self.csm = grouped("MOOVS.CSM_MOOVS")[operator_id]
        (self.app,) = grouped("POSTGRES_SWOOP.OPERATOR")[operator_id]
        account = self.csm[0]["P_STRIPE_ACCOUNT_ID"] if self.csm else self.app["STRIPE_ACCOUNT"]
        raw = world().warehouse["STRIPE_MOOVS.CHARGE"].rows
        charges = [row for row in raw if account is not None and row["CONNECTED_ACCOUNT_ID"] == account]
        self.charges = sorted(charges, key=lambda row: row["CREATED"])
        self.charges_90d = [row for row in self.charges if ago(90) <= row["CREATED"] < T]
        self.disputes = [
            row for row in world().warehouse["STRIPE_MOOVS.DISPUTE"].rows if row["CONNECTED_ACCOUNT_ID"] == account
        ]
        self.company = next(
            (
                row
                for row in world().hubspot.objects["companies"]
                if row["properties"]["moovs_operator_id"] == operator_id
            ),
            None,
        )

    # usage

    def created(self, older: float, newer: float) -> int:
        return sum(ago(older) <= row["CREATED_AT"] < ago(newer) for row in self.trips)

    def picked_up(self, days: float) -> list[Row]:
        return [row for row in self.trips if ago(days) <= row["PICKUP_DATE_TIME"] < T]

    def completed(self, days: float) -> list[Row]:
        return [row for row in self.picked_up(days) if row["STATUS_SLUG"] == "completed"]

    def change(self, recent: tuple[float, float], before: tuple[float, float]) -> float | None:
        base = self.created(*before)
        return self.created(*recent) / base - 1 if base >= 10 else None

    def history_months(self) -> int:
        first = min(row["CREATED_AT"] for row in self.trips)
        return int((T - first).total_seconds() / 86_400 / 30.4375)

    def season(self) -> float:
        return self.created(395, 365) / self.created(425, 395)

    def usage_trend(self) -> float | None:
        if self.history_months() >= 15:
            return self.created(30, 0) / (self.created(60, 30) * self.season()) - 1
        return self.change((30, 0), (60, 30))

    def future(self, days: float) -> int:
        return sum(
            row["PICKUP_DATE_TIME"] >= T and row["PICKUP_DATE_TIME"] < ago(-days) and row["STATUS_SLUG"] != "cancelled"
            for row in self.trips
        )

    def collection(self, days: float) -> float:
        rides = self.completed(days)
        return float(sum(row["AMOUNT_PAID"] for row in rides) / sum(row["TOTAL_AMOUNT"] for row in rides))

    def app_rate(self) -> float:
        driven = [row for row in self.picked_up(90) if row["DRIVER_FULL_NAME"] is not None]
        return sum(bool(row["DRIVER_APP_USED"]) for row in driven) / len(driven)

    def cents(self, column: str, days: float) -> int:
        return sum(round(row[column] * 100) for row in self.completed(days))

    # billing

    def money(self, rows: list[Row]) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for row in rows:
            sums[row["currency"]] += row["total_amount_cents"]
        return dict(sums)

    def unpaid(self) -> list[Row]:
        return [row for row in self.owed if row["payment_status"] != "succeeded"]

    def failed(self, days: float = 10_000) -> list[Row]:
        since = ago(days).date().isoformat()
        return [row for row in self.owed if row["payment_status"] == "failed" and row["issuing_date"] >= since]

    def overdue(self) -> list[Row]:
        return [row for row in self.unpaid() if row["payment_due_date"] < T.date().isoformat()]

    def paid(self) -> list[Row]:
        return [row for row in self.owed if row["payment_status"] == "succeeded"]

    def due(self) -> list[Row]:
        today = T.date().isoformat()
        return [row for row in self.owed if row["payment_status"] == "succeeded" or row["payment_due_date"] < today]

    def days_to_pay(self) -> float:
        issued = {row["lago_id"]: date.fromisoformat(row["issuing_date"]) for row in self.owed}
        waits = [
            (at(row["created_at"]) - datetime.combine(issued[row["invoice_ids"][0]], datetime.min.time(), UTC)).days
            for row in grouped("lago.payments")[self.id]
            if row["status"] == "succeeded"
        ]
        return sum(waits) / len(waits)

    def active(self) -> list[Row]:
        return [row for row in self.subscriptions if row["status"] == "active"]

    def base(self) -> Row:
        return next(row for row in self.active() if PLANS[row["plan_code"]].base)

    def mrr(self, *, coupons: bool = True) -> dict[str, int]:
        off = sum(float(row["percentage_rate"]) for row in grouped("lago.applied_coupons")[self.id]) if coupons else 0
        sums: Counter[str] = Counter()
        for row in self.active():
            monthly = row["plan_amount_cents"] / PLANS[row["plan_code"]].months
            sums[row["plan_amount_currency"]] += round(monthly * (1 - off / 100))
        return dict(sums)

    def mrr_usd(self) -> int | None:
        mrr = self.mrr()
        return None if set(mrr) - {"USD"} else mrr.get("USD", 0)

    def csm_mrr(self) -> int:
        dollars: float = sum(row["CALCULATED_MRR"] for row in self.csm if row["LAGO_STATUS"] == "active")
        return round(dollars * 100)

    def mrr_difference(self) -> int | None:
        own, seen = self.mrr_usd(), self.csm_mrr()
        if own is None:
            return None
        return own - seen if abs(own - seen) > max(100, 0.02 * seen) else 0

    def subscribed_days(self) -> int:
        """Days since the start of the unbroken chain of base subscriptions that leads to today."""
        spans = sorted(
            (at(row["started_at"]), at(row["terminated_at"]) if row["terminated_at"] else T)
            for row in self.subscriptions
            if row["started_at"] and PLANS[row["plan_code"]].base
        )
        begin: datetime = spans[-1][0]
        for start, end in reversed(spans[:-1]):
            if begin - end > timedelta(days=7):
                break
            begin = start
        return (T - begin).days

    def changed_plan(self, sign: int) -> bool:
        ended = {
            row["terminated_at"]: row["plan_amount_cents"] / PLANS[row["plan_code"]].months
            for row in self.subscriptions
            if row["terminated_at"] and at(row["terminated_at"]) >= ago(180)
        }
        starts = {row["started_at"]: row["plan_amount_cents"] / PLANS[row["plan_code"]].months for row in self.active()}
        return any((starts[moment] - price) * sign > 0 for moment, price in ended.items() if moment in starts)

    def csm_churned(self) -> bool:
        if any(row["LAGO_STATUS"] in {"active", "pending"} for row in self.csm):
            return False
        return bool(max(self.csm, key=lambda row: row["LAGO_EVENT_DATE"])["LAGO_WATERFALL_EVENT"] == "churn")

    # cards

    def charge_share(self, status: str) -> float | None:
        counts = Counter(row["STATUS"] for row in self.charges_90d)
        tried = counts["succeeded"] + counts["failed"]
        return counts[status] / tried if tried else None

    def streak(self) -> int:
        longest, cards = 0, set[str]()
        for row in self.charges_90d:
            cards = cards | {row["CARD_ID"]} if row["STATUS"] == "failed" else set()
            longest = max(longest, len(cards))
        return longest

    def charged(self) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for row in self.charges_90d:
            if row["STATUS"] == "succeeded":
                sums[row["CURRENCY"].upper()] += row["AMOUNT"]
        return dict(sums)

    def disputed(self) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for row in self.disputes:
            if row["STATUS"] in ACTIVE_DISPUTES:
                sums[row["CURRENCY"].upper()] += row["AMOUNT"]
        return dict(sums)

    # tickets and people

    def tickets(self, *paths: str) -> list[Row]:
        return [ticket for ticket in world().notion.tickets if self.path(ticket) in paths]

    def path(self, ticket: Row) -> str | None:
        name = self.app["NAME"]
        if ticket["operator_id"] == self.id:
            return "operator_id"
        if name in ticket["tags"]:
            return "tag"
        if name in ticket["title"]:
            return "title"
        return "text" if self.id in ticket["description"] or name in ticket["description"] else None

    def open(self) -> list[Row]:
        return [row for row in self.tickets("operator_id", "tag") if row["status"] not in CLOSED_TICKETS]

    def open_since(self, older: float, newer: float) -> int:
        return sum(ago(older) <= at(row["created_time"]) < ago(newer) for row in self.open())

    def people(self) -> list[Row]:
        assert self.company is not None
        ids = set(self.company["associations"]["contacts"])
        return [row["properties"] for row in world().hubspot.objects["contacts"] if row["id"] in ids]

    def last_talk(self) -> int:
        assert self.company is not None
        talks = [
            at(row["properties"]["hs_timestamp"])
            for kind in ("notes", "emails", "calls", "meetings")
            for row in world().hubspot.objects[kind]
            if row["id"] in self.company["associations"].get(kind, ())
        ]
        return (T - max(talks)).days


METRICS: dict[str, Callable[[Facts], Any]] = {
    "reservations_ever": lambda f: len(f.trips),
    "reservations_30d": lambda f: f.created(30, 0),
    "reservations_prev_30d": lambda f: f.created(60, 30),
    "reservations_60d": lambda f: f.created(60, 0),
    "reservations_12m": lambda f: f.created(365, 0),
    "reservations_30d_year_ago": lambda f: f.created(395, 365),
    "reservations_prev_30d_year_ago": lambda f: f.created(425, 395),
    "trend_30d": lambda f: f.change((30, 0), (60, 30)),
    "trend_90d": lambda f: f.change((90, 0), (180, 90)),
    "seasonal_factor_30d": Facts.season,
    "trend_30d_seasonal": Facts.usage_trend,
    "usage_trend": Facts.usage_trend,
    "history_months": Facts.history_months,
    "days_since_activity": lambda f: (T - max(row["CREATED_AT"] for row in f.trips)).days,
    "future_trips": lambda f: f.future(10_000),
    "future_trips_30d": lambda f: f.future(30),
    "trips_12m": lambda f: len(f.picked_up(365)),
    "revenue_12m": lambda f: f.cents("TOTAL_AMOUNT", 365),
    "collected_12m": lambda f: f.cents("AMOUNT_PAID", 365),
    "avg_trip_value": lambda f: f.cents("TOTAL_AMOUNT", 365) / len(f.completed(365)),
    "collection_rate_90d": lambda f: f.collection(90),
    "driver_app_rate": Facts.app_rate,
    "size_tier": lambda f: ">1M" if f.csm[0]["R_T12M_TOTAL_AMOUNT"] > 1e6 else "smaller",
    "overdue_invoices": lambda f: len(f.overdue()),
    "overdue_not_failed": lambda f: len([row for row in f.overdue() if row not in f.failed(90)]),
    "oldest_overdue_days": lambda f: max(
        (T.date() - date.fromisoformat(row["payment_due_date"])).days for row in f.overdue()
    ),
    "invoices_failed_90d": lambda f: len(f.failed(90)),
    "invoices_due": lambda f: len(f.due()),
    "invoices_paid": lambda f: len(f.paid()),
    "invoices_finalized": lambda f: len(f.invoices),
    "invoices_voided": lambda f: sum(row["status"] == "voided" for row in grouped("lago.invoices")[f.id]),
    "invoice_success_rate": lambda f: len(f.paid()) / len(f.due()),
    "invoice_currencies": lambda f: len({row["currency"] for row in f.invoices}),
    "avg_days_to_pay": Facts.days_to_pay,
    "days_since_last_invoice": lambda f: (
        (T.date() - date.fromisoformat(max(row["issuing_date"] for row in f.invoices))).days
    ),
    "outstanding": lambda f: f.money(f.unpaid()),
    "overdue_amount": lambda f: f.money(f.overdue()),
    "failed_amount": lambda f: f.money(f.failed()),
    "total_invoiced": lambda f: f.money(f.owed),
    "total_paid": lambda f: f.money(f.paid()),
    "average_invoice": lambda f: {code: total / len(f.owed) for code, total in f.money(f.owed).items()},
    "credits": lambda f: f.money([row for row in f.invoices if row["total_amount_cents"] < 0]),
    "voided_amount": lambda f: f.money([row for row in grouped("lago.invoices")[f.id] if row["status"] == "voided"]),
    "mrr": Facts.mrr,
    "list_mrr": lambda f: f.mrr(coupons=False),
    "mrr_usd": Facts.mrr_usd,
    "csm_mrr": Facts.csm_mrr,
    "mrr_difference": Facts.mrr_difference,
    "active_subscriptions": lambda f: len(f.active()),
    "subscriptions_ever": lambda f: len(f.subscriptions),
    "never_started": lambda f: all(row["status"] == "canceled" for row in f.subscriptions),
    "base_plan_code": lambda f: f.base()["plan_code"],
    "base_plan_interval": lambda f: PLANS[f.base()["plan_code"]].interval,
    "billing_interval_days": lambda f: 365 if PLANS[f.base()["plan_code"]].months == 12 else 30,
    "segment": lambda f: {"standard": "SMB", "pro": "Mid-Market", "vip": "Enterprise", "free": "Free"}[f.app["PLAN"]],
    "subscription_age_days": Facts.subscribed_days,
    "upgraded_180d": lambda f: f.changed_plan(1),
    "downgraded_180d": lambda f: f.changed_plan(-1),
    "renewal_date": lambda f: f.base()["current_billing_period_ending_at"][:10],
    "next_bill_date": lambda f: str(at(f.base()["current_billing_period_ending_at"]).date() + timedelta(days=1)),
    "days_to_renewal": lambda f: (at(f.base()["current_billing_period_ending_at"]).date() - T.date()).days,
    "csm_churned": Facts.csm_churned,
    "csm_status": lambda f: f.csm[0]["LAGO_STATUS"],
    "reactivated": lambda f: any(
        (row["LAGO_STATUS"], row["LAGO_WATERFALL_EVENT"]) == ("active", "reactivation") for row in f.csm
    ),
    "hubspot_churn_hint": lambda f: f.csm[0]["HS_D_CHURN_STATUS"],
    "churn_conflict": lambda f: f.csm[0]["HS_D_CHURN_STATUS"] == "Churn" and bool(f.active()),
    "tenure_days": lambda f: (T.date() - f.csm[0]["P_CREATED_DATE"]).days,
    "charge_attempts_90d": lambda f: len(f.charges_90d),
    "charges_succeeded_90d": lambda f: sum(row["STATUS"] == "succeeded" for row in f.charges_90d),
    "charges_failed_90d": lambda f: sum(row["STATUS"] == "failed" for row in f.charges_90d),
    "charge_success_rate": lambda f: f.charge_share("succeeded"),
    "payment_success_worst": lambda f: f.charge_share("succeeded"),
    "failure_streak": Facts.streak,
    "charge_volume_90d": Facts.charged,
    "average_charge_90d": lambda f: {code: total / len(f.charges_90d) for code, total in f.charged().items()},
    "active_disputes": lambda f: sum(row["STATUS"] in ACTIVE_DISPUTES for row in f.disputes),
    "disputes_ever": lambda f: len(f.disputes),
    "disputed_amount": Facts.disputed,
    "dispute_rate": lambda f: (
        sum(row["DISPUTED"] for row in f.charges_90d) / sum(row["STATUS"] == "succeeded" for row in f.charges_90d)
    ),
    "highest_risk_charges_90d": lambda f: sum(row["OUTCOME_RISK_LEVEL"] == "highest" for row in f.charges_90d),
    "high_risk_share": lambda f: (
        sum(row["OUTCOME_RISK_LEVEL"] == "highest" for row in f.charges_90d) / len(f.charges_90d)
    ),
    "avg_risk_score": lambda f: sum(row["OUTCOME_RISK_SCORE"] for row in f.charges_90d) / len(f.charges_90d),
    "open_tickets": lambda f: len(f.open()),
    "open_tickets_over_7d": lambda f: f.open_since(30, 7),
    "open_tickets_over_30d": lambda f: f.open_since(10_000, 30),
    "high_priority_open": lambda f: sum(row["priority"] == "High" for row in f.open()),
    "oldest_open_days": lambda f: max((T - at(row["created_time"])).days for row in f.open()),
    "probable_tickets": lambda f: len(f.tickets("title", "text")),
    "contacts": lambda f: len(f.people()),
    "contacts_left": lambda f: sum(row["contact_status"] == "left" for row in f.people()),
    "contacts_active": lambda f: sum(row["contact_status"] != "left" for row in f.people()),
    "champion_left_noted": lambda f: any(
        "has left" in (row["properties"]["hs_note_body"] or "")
        for row in world().hubspot.objects["notes"]
        if f.company is not None and row["associations"]["companies"] == [f.company["id"]]
    ),
    "days_since_contact": Facts.last_talk,
}


def test_all_42_scenarios_are_built_and_expected() -> None:
    assert list(EXPECTED) == [f"S{n:02d}" for n in range(1, 43)] == list(SCENARIOS)


@pytest.mark.parametrize("key", EXPECTED)
def test_a_scenario_has_its_reserved_id_its_name_and_a_lookup_term(key: str) -> None:
    case = EXPECTED[key]
    (operator,) = grouped("POSTGRES_SWOOP.OPERATOR")[case["operator_id"]]
    assert case["operator_id"] == scenario_id(int(key[1:])) == f"00000000-5ce0-11f0-a000-0000000000{key[1:]}"
    assert operator["NAME"] == case["name"]
    assert case["term"]
    assert case["expect"]["findings"]


@pytest.mark.parametrize("key", EXPECTED)
def test_expected_figures_are_true_of_the_raw_records(key: str) -> None:
    facts = Facts(EXPECTED[key]["operator_id"])
    for name, expected in EXPECTED[key]["expect"]["metrics"].items():
        found = METRICS[name](facts)
        if isinstance(expected, float):
            assert found == pytest.approx(expected, abs=1e-9), name
        else:
            assert found == expected, name


@pytest.mark.parametrize("key", EXPECTED)
def test_rules_and_scores_are_consistent(key: str) -> None:
    expect = EXPECTED[key]["expect"]
    fired, not_fired = set(expect["rules"]["fired"]), set(expect["rules"]["not_fired"])
    assert fired | not_fired <= RULES
    assert not fired & not_fired
    for name in ("correlations", "correlations_any", "correlations_not"):
        assert set(expect.get(name, ())) <= CORRELATIONS
    dimensions = expect["dimensions"]
    if "score" in expect:
        weights = {"payment": 40, "engagement": 25, "support": 20, "growth": 15}
        hundredths = sum(weight * dimensions[name] for name, weight in weights.items())
        points = (hundredths + 50) // 100
        assert expect["score"] in {points, *(cap for cap in CAPS if cap < points)}


@pytest.mark.parametrize("key", [key for key, case in EXPECTED.items() if "csm_rows" in case["expect"]])
def test_rows_in_the_csm_view(key: str) -> None:
    assert len(grouped("MOOVS.CSM_MOOVS")[EXPECTED[key]["operator_id"]]) == EXPECTED[key]["expect"]["csm_rows"]


@pytest.mark.parametrize("key", [key for key, case in EXPECTED.items() if "charge_path" in case["expect"]])
def test_where_the_charges_are_found(key: str) -> None:
    facts = Facts(EXPECTED[key]["operator_id"])
    account = facts.csm[0]["P_STRIPE_ACCOUNT_ID"]
    model = [
        row
        for row in world().warehouse["MOZART_NEW.MOOVS_PLATFORM_CHARGES"].rows
        if row["STRIPE_ACCOUNT_ID"] == account
    ]
    path = "none" if account is None else "direct" if model else "raw"
    assert path == EXPECTED[key]["expect"]["charge_path"]


def test_lookup_targets_exist_and_twins_differ_in_case_only() -> None:
    known = set(grouped("POSTGRES_SWOOP.OPERATOR"))
    for case in EXPECTED.values():
        for lookup in case.get("lookup", ()):
            assert {lookup.get("best"), *lookup.get("matches", ())} - {None} <= known
    accounts = [Facts(scenario_id(28, variant)).app["STRIPE_ACCOUNT"] for variant in (0, 1)]
    assert accounts[0] != accounts[1]
    assert accounts[0].lower() == accounts[1].lower()


def test_identity_traps_are_set() -> None:
    assert Facts(scenario_id(30)).csm[0]["HS_C_ID"] == "1.2345678901E10"
    assert "12345678901" in {row["id"] for row in world().hubspot.objects["companies"]}
    summits = [
        row["NAME"] for rows in grouped("POSTGRES_SWOOP.OPERATOR").values() for row in rows if "Summit" in row["NAME"]
    ]
    assert len(summits) == 3
    assert Facts(scenario_id(25, 2)).csm_churned()
    domains = [row["properties"]["domain"] for row in world().hubspot.objects["companies"]]
    assert domains.count("gmail.com") == 2
    assert Facts(scenario_id(15)).app["STRIPE_ACCOUNT"] is None
    assert 190 <= len(EXPECTED["S40"]["name"]) <= 200


def test_tickets_name_their_operator_by_every_path_and_the_generic_one_by_none() -> None:
    facts = Facts(scenario_id(33))
    paths = Counter(facts.path(ticket) for ticket in world().notion.tickets)
    del paths[None]
    assert paths == EXPECTED["S33"]["expect"]["ticket_paths"]


def test_scenarios_move_with_the_as_of() -> None:
    as_of = datetime(2027, 2, 14, 9, 30, tzinfo=UTC)
    (life,) = SCENARIOS["S02"](as_of)
    recent = [trip for trip in life.trips if as_of - timedelta(days=30) <= trip.created_at < as_of]
    assert (len(recent), life.engagements[-1].at) == (20, as_of - timedelta(days=70))
