"""The world is deterministic, whole, and shaped like the businesses it imitates."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from customer_research_sandbox import vocabulary
from customer_research_sandbox.dataset import Dataset, Row
from customer_research_sandbox.draws import Weighted, beta, poisson, stream
from customer_research_sandbox.months import add_months, month_edges, period_starts
from customer_research_sandbox.project_notion import NOISE_COUNT
from customer_research_sandbox.scenarios import SCENARIOS
from customer_research_sandbox.simulation import BASE_HAZARD, HAZARD
from customer_research_sandbox.world import DEFAULT_AS_OF, generate

ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d")
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
BRANDS = (
    "uber", "lyft", "blacklane", "carey", "hertz", "avis", "marriott", "hilton", "hyatt", "toyota", "cadillac", "mercedes",
    "lincoln", "chevrolet", "tesla", "google", "amazon", "apple", "microsoft", "delta", "american airlines", "southwest",
    "greyhound", "amtrak", "megabus", "supershuttle", "sixt", "enterprise rent", "bmw", "ford ",
)  # fmt: skip
PLANNED = re.compile(
    r"pickup|due|hs_meeting_|ending|contract|expir|downgrade|closedate|close_date|close_at", re.IGNORECASE
)
"""Fields that may lie after the as-of: rides, due dates, planned ends and expected closes."""


def tables(world: Dataset) -> Iterator[tuple[str, list[Row]]]:
    """Every table of every vendor, with its rows."""
    for name, relation in world.warehouse.items():
        yield name, list(relation.rows)
    for name in ("customers", "plans", "subscriptions", "invoices", "payments", "credit_notes", "applied_coupons"):
        yield f"lago.{name}", getattr(world.lago, name)
    for name, rows in world.hubspot.objects.items():
        yield f"hubspot.{name}", rows
    yield "hubspot.owners", world.hubspot.owners
    yield "notion.tickets", world.notion.tickets
    yield "truth", world.truth


def digest(rows: Any) -> str:
    """A digest of a record or of a table; of tables above 20,000 rows every 25th row is taken."""
    rows = rows[::25] if isinstance(rows, list) and len(rows) > 20_000 else rows
    return hashlib.sha256(json.dumps(rows, default=str, ensure_ascii=False).encode()).hexdigest()


@pytest.fixture(scope="module")
def world() -> Dataset:
    return generate(n_operators=120, scenarios=False)


@pytest.fixture(scope="module")
def calib() -> Dataset:
    return generate(n_operators=600, mode="calib", scenarios=False)


# -- determinism -------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the scenario of 60,000 trips, which are more than all others have together."""
    monkeypatch.delitem(SCENARIOS, "S37")


@pytest.mark.usefixtures("without_the_largest")
def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    first, again, other = (generate(seed=seed, n_operators=6, scenarios=True) for seed in (3, 3, 4))
    assert {name: digest(rows) for name, rows in tables(first)} == {name: digest(rows) for name, rows in tables(again)}
    assert digest(dict(tables(first))["MOOVS.CSM_MOOVS"]) != digest(dict(tables(other))["MOOVS.CSM_MOOVS"])


def test_an_operator_does_not_depend_on_how_many_others_there_are() -> None:
    few, many = (dict(tables(generate(seed=5, n_operators=count, scenarios=False))) for count in (3, 9))
    for name, rows in few.items():
        if name in {"hubspot.owners", "lago.plans"}:
            continue
        kept = {digest(row) for row in many[name]}
        assert all(digest(row) in kept for row in rows), name


@pytest.mark.usefixtures("without_the_largest")
def test_scenarios_do_not_change_the_simulated_operators() -> None:
    plain, staged = (dict(tables(generate(n_operators=4, scenarios=flag))) for flag in (False, True))
    for name in ("FACT.MOOVS_OPERATOR_RESERVATIONS", "MOOVS.CSM_MOOVS", "lago.invoices", "POSTGRES_SWOOP.OPERATOR"):
        assert staged[name][: len(plain[name])] == plain[name]
        assert len(staged[name]) > len(plain[name])


@pytest.mark.usefixtures("without_the_largest")
def test_the_as_of_is_injected_and_may_fall_inside_a_month() -> None:
    as_of = datetime(2026, 10, 17, 15, 30, tzinfo=UTC)
    world = generate(n_operators=30, months=12, as_of=as_of, scenarios=True)
    assert world.as_of == as_of
    assert latest(world) <= as_of


def test_bad_arguments_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="time zone"):
        generate(as_of=datetime(2026, 11, 1))  # noqa: DTZ001 - the naive instant is the point
    with pytest.raises(ValueError, match="at least six months"):
        generate(months=3)


# -- wholeness ---------------------------------------------------------------------------------------------------------


def instants(value: Any, field: str = "") -> Iterator[datetime]:
    """Every instant in a record that is not one of the planned ones."""
    if PLANNED.search(field):
        return
    if isinstance(value, dict):
        meeting = "hs_meeting_start_time" in value  # it may be planned: then so is the instant of the record
        for name, inner in value.items():
            if not (meeting and name == "hs_timestamp"):
                yield from instants(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from instants(inner, field)
    elif isinstance(value, datetime):
        yield value
    elif isinstance(value, date):
        yield datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, str) and ISO.match(value):
        yield datetime.fromisoformat(value)


def latest(world: Dataset) -> datetime:
    skipped = {"billing_periods", "subscriptions"}
    return max(
        instant
        for name, rows in tables(world)
        for row in rows[:: 1 + len(rows) // 20_000]
        if not (name == "lago.subscriptions" and row["status"] == "pending")
        and not (name == "MOOVS.CSM_MOOVS" and row["LAGO_STATUS"] == "pending")
        for key, value in row.items()
        if key not in skipped and name != "truth"
        for instant in instants(value, key)
    )


def test_nothing_lies_after_the_as_of_but_rides_due_dates_and_planned_ends(world: Dataset) -> None:
    assert latest(world) <= DEFAULT_AS_OF


def test_some_rides_do_lie_after_the_as_of(world: Dataset) -> None:
    rides = world.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows
    assert any(row["PICKUP_DATE_TIME"] >= DEFAULT_AS_OF for row in rides)
    assert all(row["CREATED_AT"] < DEFAULT_AS_OF for row in rides)


def test_every_relation_has_exactly_its_columns_and_types(world: Dataset) -> None:
    python: dict[str, tuple[type, ...]] = {
        "VARCHAR": (str,),
        "NUMBER(38,0)": (int,),
        "NUMBER(18,2)": (int, float),
        "FLOAT": (int, float),
        "BOOLEAN": (bool,),
        "DATE": (date,),
        "TIMESTAMP_NTZ": (datetime,),
    }
    for name, relation in world.warehouse.items():
        assert name == relation.qualified
        for row in relation.rows:
            assert tuple(row) == tuple(relation.columns), name
            for column, kind in relation.columns.items():
                value = row[column]
                assert value is None or isinstance(value, python[kind]), (name, column, value)
                assert not (kind == "DATE" and isinstance(value, datetime)), (name, column)
                assert not (kind != "BOOLEAN" and isinstance(value, bool)), (name, column)


def test_the_documented_relations_are_there_and_card_642_has_90_columns(world: Dataset) -> None:
    assert set(world.warehouse) == {
        "MOOVS.CSM_MOOVS", "FACT.MOOVS_OPERATOR_RESERVATIONS", "MOZART_NEW.MOOVS_PLATFORM_CHARGES", "STRIPE_MOOVS.CHARGE",
        "STRIPE_MOOVS.DISPUTE", "STRIPE_MOOVS.REFUND", "POSTGRES_SWOOP.OPERATOR", "POSTGRES_SWOOP.USER",
        "POSTGRES_SWOOP.DRIVER", "SWOOP.VEHICLE", "POSTGRES_SWOOP.SUBSCRIPTION_LOG", "MOOVS.HUBSPOT_ALL_DEALS",
        "SWOOP.NPS_SURVEY",
    }  # fmt: skip
    assert len(world.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].columns) >= 90


KEYS = {
    "FACT.MOOVS_OPERATOR_RESERVATIONS": "TRIP_ID",
    "MOZART_NEW.MOOVS_PLATFORM_CHARGES": "STRIPE_CHARGE_ID",
    "STRIPE_MOOVS.CHARGE": "ID",
    "STRIPE_MOOVS.DISPUTE": "ID",
    "STRIPE_MOOVS.REFUND": "ID",
    "POSTGRES_SWOOP.OPERATOR": "OPERATOR_ID",
    "POSTGRES_SWOOP.USER": "USER_ID",
    "POSTGRES_SWOOP.DRIVER": "DRIVER_ID",
    "SWOOP.VEHICLE": "VEHICLE_ID",
    "POSTGRES_SWOOP.SUBSCRIPTION_LOG": "SUBSCRIPTION_LOG_ID",
    "MOOVS.HUBSPOT_ALL_DEALS": "HS_D_DEAL_ID",
    "SWOOP.NPS_SURVEY": "NPS_SURVEY_ID",
    "MOOVS.CSM_MOOVS": "LAGO_ID",
    "notion.tickets": "page_id",
}


def test_no_id_occurs_twice(world: Dataset) -> None:
    for name, rows in tables(world):
        key = KEYS.get(name, "lago_id" if name.startswith("lago.") else "id" if name.startswith("hubspot.") else "")
        if key:
            ids = [row[key] for row in rows]
            assert len(ids) == len(set(ids)), name
    numbers = [ticket["number"] for ticket in world.notion.tickets]
    assert len(numbers) == len(set(numbers))
    confirmations = Counter(
        row["CONFIRMATION_NUMBER"] for row in world.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows
    )
    assert max(confirmations.values()) == 1


def test_operator_ids_resolve_everywhere(world: Dataset) -> None:
    known = {row["OPERATOR_ID"] for row in world.warehouse["POSTGRES_SWOOP.OPERATOR"].rows}
    assert all(UUID.match(operator_id) for operator_id in known)
    for name, relation in world.warehouse.items():
        column = "LAGO_EXTERNAL_CUSTOMER_ID" if name == "MOOVS.CSM_MOOVS" else "OPERATOR_ID"
        if column in relation.columns:
            assert {row[column] for row in relation.rows} <= known, name
    assert {row["external_id"] for row in world.lago.customers} == known
    for rows in (world.lago.subscriptions, world.lago.invoices, world.lago.payments, world.lago.applied_coupons):
        assert {row["external_customer_id"] for row in rows} <= known
    assert {ticket["operator_id"] for ticket in world.notion.tickets} - {None} <= known


def test_billing_references_resolve(world: Dataset) -> None:
    lago = world.lago
    plans = {plan["code"] for plan in lago.plans}
    subscriptions = {row["lago_id"] for row in lago.subscriptions}
    invoices = {row["lago_id"]: row for row in lago.invoices}
    assert {row["plan_code"] for row in lago.subscriptions} <= plans
    assert {row["LAGO_ID"] for row in world.warehouse["MOOVS.CSM_MOOVS"].rows} <= subscriptions
    for payment in lago.payments:
        invoice = invoices[payment["invoice_ids"][0]]
        assert payment["amount_cents"] == invoice["total_amount_cents"]
        assert payment["created_at"] >= invoice["created_at"]
    succeeded = Counter(row["invoice_ids"][0] for row in lago.payments if row["status"] == "succeeded")
    for lago_id, invoice in invoices.items():
        paid = invoice["payment_status"] == "succeeded" and invoice["total_amount_cents"] > 0
        assert succeeded[lago_id] == int(paid and invoice["invoice_type"] != "credit"), invoice
    assert {note["lago_invoice_id"] for note in lago.credit_notes} <= set(invoices)


def test_invoices_add_up_and_overdue_means_unpaid_and_past_due(world: Dataset) -> None:
    for invoice in world.lago.invoices:
        parts = invoice["fees_amount_cents"] - invoice["coupons_amount_cents"] + invoice["taxes_amount_cents"]
        assert invoice["total_amount_cents"] == parts
        late = invoice["payment_due_date"] < DEFAULT_AS_OF.date().isoformat()
        open_ = invoice["status"] == "finalized" and invoice["payment_status"] != "succeeded"
        assert invoice["payment_overdue"] == (late and open_)


def test_a_period_of_a_subscription_is_billed_once_and_while_it_runs(world: Dataset) -> None:
    runs = {row["lago_id"]: (row["started_at"], row["terminated_at"]) for row in world.lago.subscriptions}
    billed: Counter[tuple[str, str]] = Counter()
    for invoice in world.lago.invoices:
        for period in invoice["billing_periods"]:
            billed[period["lago_subscription_id"], period["subscription_from_datetime"]] += 1
    assert len(billed) > 1_000
    for (lago_id, start), count in billed.items():
        begun, ended = runs[lago_id]
        assert count == 1
        assert begun <= start
        assert ended is None or start < ended


def test_hubspot_is_associated_both_ways_and_ids_start_at_ten_thousand_million(world: Dataset) -> None:
    companies = {row["id"]: row for row in world.hubspot.objects["companies"]}
    assert min(map(int, companies)) >= 10_000_000_000
    for kind, rows in world.hubspot.objects.items():
        assert {definition["name"] for definition in world.hubspot.properties[kind]} >= set(rows[0]["properties"])
        if kind != "companies":
            for row in rows:
                (company,) = row["associations"]["companies"]
                assert row["id"] in companies[company]["associations"][kind]
    values = [value for rows in world.hubspot.objects.values() for row in rows for value in row["properties"].values()]
    assert all(value is None or isinstance(value, str) for value in values)


def test_hubspot_knows_the_operator_by_moovs_operator_id_only(world: Dataset) -> None:
    names = {definition["name"] for definition in world.hubspot.properties["companies"]}
    assert "moovs_operator_id" in names
    assert "operator_id" not in names
    filled = [row["properties"]["moovs_operator_id"] is not None for row in world.hubspot.objects["companies"]]
    assert 0.84 <= sum(filled) / len(filled) <= 0.99


def test_raw_and_model_charges_agree_but_for_lag_and_missing_accounts(world: Dataset) -> None:
    raw = {row["ID"]: row for row in world.warehouse["STRIPE_MOOVS.CHARGE"].rows}
    model = list(world.warehouse["MOZART_NEW.MOOVS_PLATFORM_CHARGES"].rows)
    for row in model:
        twin = raw[row["STRIPE_CHARGE_ID"]]
        scale = 1 if twin["CURRENCY"] == "jpy" else 100
        assert math.isclose(row["TOTAL_DOLLARS_CHARGED"] * scale, twin["AMOUNT"])
        assert twin["CREATED"] < DEFAULT_AS_OF - timedelta(days=1)
    assert 0.9 * len(raw) < len(model) < len(raw)


def test_disputes_and_refunds_belong_to_succeeded_charges(world: Dataset) -> None:
    raw = {row["ID"]: row for row in world.warehouse["STRIPE_MOOVS.CHARGE"].rows}
    disputes = world.warehouse["STRIPE_MOOVS.DISPUTE"].rows
    assert len(disputes) > 10
    for row in disputes:
        charge = raw[row["CHARGE_ID"]]
        assert charge["STATUS"] == "succeeded"
        assert timedelta(days=5) <= row["CREATED"] - charge["CREATED"] <= timedelta(days=60)
        young = row["CREATED"] > DEFAULT_AS_OF - timedelta(days=20)
        assert (row["STATUS"] in {"needs_response", "under_review"}) == young
    for row in world.warehouse["STRIPE_MOOVS.REFUND"].rows:
        assert raw[row["CHARGE_ID"]]["AMOUNT_REFUNDED"] == row["AMOUNT"] > 0


def test_the_csm_view_counts_the_reservation_rows(world: Dataset) -> None:
    counts: Counter[str] = Counter()
    recent: Counter[str] = Counter()
    for row in world.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows:
        counts[row["OPERATOR_ID"]] += 1
        recent[row["OPERATOR_ID"]] += row["CREATED_AT"] >= DEFAULT_AS_OF - timedelta(days=30)
    for row in world.warehouse["MOOVS.CSM_MOOVS"].rows:
        assert (row["R_TOTAL_RESERVATIONS_COUNT"] or 0) == counts[row["LAGO_EXTERNAL_CUSTOMER_ID"]]
        assert (row["R_LAST_30_DAYS_RESERVATIONS_COUNT"] or 0) == recent[row["LAGO_EXTERNAL_CUSTOMER_ID"]]


def test_notion_rows_use_the_schemas_options(world: Dataset) -> None:
    schema = world.notion.schema
    allowed = {
        field: {option["name"] for option in schema[name][schema[name]["type"]]["options"]}
        for field, name in (("status", "Status"), ("priority", "Priority"))
    }
    listed = {
        field: {option["name"] for option in schema[name]["multi_select"]["options"]}
        for field, name in (("stage", "Stage"), ("types", "Type"), ("tags", "Tags"), ("team", "Team"))
    }
    assert schema["operator_id"]["type"] == "rich_text"
    for ticket in world.notion.tickets:
        assert all(ticket[field] in names or ticket[field] is None for field, names in allowed.items())
        assert all(set(ticket[field]) <= names for field, names in listed.items())
    assert sum(ticket["number"] <= NOISE_COUNT for ticket in world.notion.tickets) == NOISE_COUNT


# -- nobody real -------------------------------------------------------------------------------------------------------


def test_no_brand_and_no_real_mail_or_telephone(world: Dataset) -> None:
    names = [row["NAME"].lower() for row in world.warehouse["POSTGRES_SWOOP.OPERATOR"].rows]
    names += [text.lower() for text in (*vocabulary.CORPORATE_CLIENTS, *vocabulary.FARM_PARTNERS)]
    names += [vocabulary.company_name(index, 0).lower() for index in range(4_000)]
    assert not [(name, brand) for name in names for brand in BRANDS if brand in name]
    mail = re.compile(r"[\w.+-]+@([\w.-]+)")
    for name, rows in tables(world):
        for match in mail.finditer(json.dumps(rows[:3_000], default=str)):
            assert re.search(r"\.example\.(com|org|net)$", match[1].rstrip(".")), (name, match[0])
    phones = [row["PHONE"] for row in world.warehouse["POSTGRES_SWOOP.OPERATOR"].rows]
    assert all(re.fullmatch(r"\+1 \d{3} 555-01\d\d", phone) for phone in phones)


def test_company_names_are_all_different() -> None:
    names = [vocabulary.company_name(index, 217) for index in range(5_000)]
    assert len(set(names)) == len(names)


# -- realism -----------------------------------------------------------------------------------------------------------


def csm_of(world: Dataset) -> list[Row]:
    return list(world.warehouse["MOOVS.CSM_MOOVS"].rows)


def test_status_and_event_pairs_are_those_that_occur(calib: Dataset) -> None:
    allowed = {
        ("active", "new"), ("active", "expansion_moovs"), ("active", "contraction_moovs"), ("active", "reactivation"),
        ("pending", "new"), ("pending", "contraction_moovs"), ("terminated", "churn"), ("terminated", "plan_change"),
        ("canceled", "churn"),
    }  # fmt: skip
    assert {(row["LAGO_STATUS"], row["LAGO_WATERFALL_EVENT"]) for row in csm_of(calib)} == allowed


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("P_STRIPE_ACCOUNT_ID", 0.0, 0.12),
        ("P_STRIPE_CUSTOMER", 0.74, 0.86),
        ("HS_C_ID", 0.05, 0.15),
        ("HS_C_PROPERTY_CUSTOMER_SEGMENT", 0.10, 0.24),
        ("HS_C_PROPERTY_MOOVS_FLEET_SIZE", 0.24, 0.38),
        ("LAGO_EXTERNAL_CUSTOMER_ID", 0.0, 0.0),
        ("P_SETUP_SCORE", 0.0, 0.0),
        ("HS_D_CHURN_STATUS", 0.65, 0.95),
    ],
)
def test_null_rates_of_the_csm_view(calib: Dataset, column: str, low: float, high: float) -> None:
    rows = csm_of(calib)
    assert low <= sum(row[column] is None for row in rows) / len(rows) <= high


def test_one_operator_in_six_or_seven_has_several_rows(calib: Dataset) -> None:
    rows = Counter(row["LAGO_EXTERNAL_CUSTOMER_ID"] for row in csm_of(calib))
    assert 0.10 <= sum(count > 1 for count in rows.values()) / len(rows) <= 0.22
    assert max(rows.values()) <= 4


def test_the_largest_tenth_holds_a_third_to_half_of_the_mrr(calib: Dataset) -> None:
    mrr: dict[str, float] = defaultdict(float)
    for row in csm_of(calib):
        if row["LAGO_STATUS"] == "active":
            mrr[row["LAGO_EXTERNAL_CUSTOMER_ID"]] += row["CALCULATED_MRR"]
    values = sorted(mrr.values(), reverse=True)
    assert 0.33 <= sum(values[: len(values) // 10]) / sum(values) <= 0.56


def test_usage_has_seasons(calib: Dataset) -> None:
    trips: Counter[int] = Counter()
    for row in calib.truth:
        if row["size"] in {"SMB", "Mid-Market"}:
            trips[row["month_start"].month] += row["trips"]
    assert trips[6] > 1.15 * trips[1]
    assert trips[5] > 1.1 * trips[2]


def test_setup_scores_step_by_five_and_rise_with_size(calib: Dataset) -> None:
    scores = {row["P_SETUP_SCORE"] for row in csm_of(calib)}
    assert scores <= {0, 5, 10, 15, 20, 25, 30}


def test_collection_and_cancellation_look_like_the_business(world: Dataset) -> None:
    rides = [
        row
        for row in world.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows
        if row["PICKUP_DATE_TIME"] < DEFAULT_AS_OF
    ]
    done = [row for row in rides if row["STATUS_SLUG"] == "completed"]
    assert 0.84 <= len(done) / len(rides) <= 0.94
    assert 0.90 <= sum(row["AMOUNT_PAID"] for row in done) / sum(row["TOTAL_AMOUNT"] for row in done) <= 0.97
    assert {row["STATUS_SLUG"] for row in rides} == {"completed", "cancelled", "pending", "in progress"}


# -- truth -------------------------------------------------------------------------------------------------------------


def test_truth_holds_every_covariate_and_the_hazard_they_make(calib: Dataset) -> None:
    at_risk = [row for row in calib.truth if row["hazard"] is not None]
    assert len(at_risk) > 5_000
    for row in at_risk[:500]:
        base = BASE_HAZARD[row["segment"]]
        logit = math.log(base / (1 - base)) + row["frailty"]
        logit += sum(coefficient * row[f"x_{name}"] for name, coefficient in HAZARD.items())
        assert math.isclose(row["hazard"], 1 / (1 + math.exp(-logit)), rel_tol=1e-9)


def test_more_hazard_is_more_churn_and_free_operators_never_churn(calib: Dataset) -> None:
    rows = sorted((row for row in calib.truth if row["hazard"] is not None), key=lambda row: row["hazard"])
    half = len(rows) // 2
    low, high = (sum(row["churned"] for row in part) for part in (rows[:half], rows[half:]))
    assert high > 2 * low > 0
    assert not any(row["churned"] for row in calib.truth if row["segment"] == "Free")


def test_churn_rates_by_segment_are_those_of_the_design(calib: Dataset) -> None:
    months: Counter[str] = Counter()
    churned: Counter[str] = Counter()
    for row in calib.truth:
        if row["hazard"] is not None:
            months[row["segment"]] += 1
            churned[row["segment"]] += row["churned"]
    assert 0.015 <= churned["SMB"] / months["SMB"] <= 0.032
    assert churned["SMB"] / months["SMB"] > churned["Mid-Market"] / months["Mid-Market"]


def test_a_churn_ends_the_subscription_at_the_end_of_the_paid_period(calib: Dataset) -> None:
    by_operator: dict[str, list[Row]] = defaultdict(list)
    for row in calib.lago.subscriptions:
        by_operator[row["external_customer_id"]].append(row)
    seen = 0
    for month in calib.truth:
        if not month["churned"]:
            continue
        effective = month["churn_effective_at"]
        if effective is None:
            continue
        ends = {row["ending_at"] for row in by_operator[month["operator_id"]]}
        assert f"{effective:%Y-%m-%dT%H:%M:%SZ}" in ends
        seen += 1
    assert seen > 50


def test_calibration_worlds_have_no_trip_rows_but_monthly_truth(calib: Dataset) -> None:
    assert len(calib.warehouse["FACT.MOOVS_OPERATOR_RESERVATIONS"].rows) == 0
    assert {row["scenario"] for row in calib.truth} == {None}
    assert sum(row["trips"] for row in calib.truth) > 100_000


# -- small parts -------------------------------------------------------------------------------------------------------


def test_month_arithmetic_keeps_the_day_or_the_months_last() -> None:
    start = datetime(2026, 1, 31, tzinfo=UTC)
    assert add_months(start, 1) == datetime(2026, 2, 28, tzinfo=UTC)
    assert add_months(start, -11) == datetime(2025, 2, 28, tzinfo=UTC)
    edges = month_edges(DEFAULT_AS_OF, 24)
    assert (edges[0], edges[-1], len(edges)) == (datetime(2024, 11, 1, tzinfo=UTC), DEFAULT_AS_OF, 25)
    assert period_starts(start, 1, datetime(2026, 3, 31, tzinfo=UTC))[-1] == datetime(2026, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize("mean", [0.0, 0.4, 6.0, 250.0])
def test_poisson_has_its_mean(mean: float) -> None:
    rng = stream(1, 1, "poisson")
    drawn = [poisson(rng, mean) for _ in range(4_000)]
    assert abs(sum(drawn) / len(drawn) - mean) <= 4 * math.sqrt(mean / len(drawn)) + 0.02 * mean


def test_weighted_and_beta_follow_their_parameters() -> None:
    rng = stream(1, 2, "weights")
    drawn = Counter(Weighted([("a", 3.0), ("b", 1.0)]).draw(rng) for _ in range(4_000))
    assert 0.70 <= drawn["a"] / 4_000 <= 0.80
    values = [beta(rng, 0.045, 0.02) for _ in range(4_000)]
    assert abs(sum(values) / len(values) - 0.045) < 0.002


def test_some_customers_have_a_meeting_planned_and_the_last_touch_is_none_of_them() -> None:
    world = generate(n_operators=120, scenarios=False)
    ahead = [
        row["properties"]
        for row in world.hubspot.objects["meetings"]
        if datetime.fromisoformat(row["properties"]["hs_timestamp"]) > world.as_of
    ]
    assert 3 <= len(ahead) <= 40
    for told in ahead:
        assert datetime.fromisoformat(told["hs_createdate"]) < world.as_of
        assert told["hs_meeting_title"]
    touched = [row["properties"].get("notes_last_updated") for row in world.hubspot.objects["companies"]]
    assert all(datetime.fromisoformat(at) <= world.as_of for at in touched if at)
