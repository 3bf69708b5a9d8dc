"""CSM rows: column spelling, types, ids that exports turn into floats, and the collapse to one current row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_research.domain.money import to_minor
from customer_research.errors import SchemaChanged
from customer_research.record_tables import TABLES
from customer_research.sources.warehouse.normalise import (
    COLUMNS,
    DIRECTORY,
    DIRECTORY_COLUMNS,
    ValueFaults,
    absent_columns,
    cents,
    column_name,
    csm_row,
    csm_rows,
    fleet,
    moment,
    number_id,
)

ID = "0b7f3c1e-5ce0-11f0-a000-00000000a001"


def vendor(**values: Any) -> dict[str, Any]:
    return {"LAGO_EXTERNAL_CUSTOMER_ID": ID, "LAGO_ID": "s1", "LAGO_STATUS": "active", **values}


def test_a_row_has_exactly_the_canonical_columns() -> None:
    assert tuple(csm_row(vendor(), "f1")) == TABLES["csm"].column_names
    assert csm_row(vendor(), "f1")["fetch_id"] == "f1"


@pytest.mark.parametrize("name", ["P Company Name", "P_COMPANY_NAME", "p_company_name", " p company  name "])
def test_columns_are_known_in_any_case_and_with_blanks(name: str) -> None:
    assert column_name(name) == "P_COMPANY_NAME"
    assert csm_row(vendor(**{name: " Harbor Lantern "}), "f")["name"] == "Harbor Lantern"


def test_older_names_are_accepted_and_the_canonical_name_wins() -> None:
    old = {
        "lago_customer_status": "Terminated",
        "HS_COMPANY_ID": 1.2345678901e10,
        "STRIPE_CONNECT_ACCOUNT_ID": "acct_aB",
    }
    row = csm_row({"LAGO_EXTERNAL_CUSTOMER_ID": ID, **old}, "f")
    assert (row["status"], row["hubspot_company_id"], row["stripe_account"]) == ("terminated", "12345678901", "acct_aB")
    assert csm_row(vendor(LAGO_CUSTOMER_STATUS="terminated"), "f")["status"] == "active"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1.2345678901E10", "12345678901"),
        (12345678901.0, "12345678901"),
        (12345678901, "12345678901"),
        ("123.0", "123"),
        ("123.5", None),
        (2**53 + 1, None),
        ("", None),
        (None, None),
        ("abc", None),
        ("NaN", None),
        (True, None),
        (-5, None),
    ],
)
def test_hubspot_ids(given: Any, expected: str | None) -> None:
    assert number_id(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("1.0", "1"), ("1", "1"), ("2-4", "2-4"), ("0 / Broker", "0 / Broker"), (1.0, "1"), (None, None)],
)
def test_fleet_buckets(given: Any, expected: str | None) -> None:
    assert fleet(given) == expected


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (0, 0, (None, None)),
        ("0.0", "0.0", (None, None)),
        (0, 12.5, (0.0, 12.5)),
        ("41.5", "-87.25", (41.5, -87.25)),
        (41.5, None, (None, None)),
        (91, 10, (None, None)),
    ],
)
def test_coordinates(latitude: Any, longitude: Any, expected: tuple[float | None, float | None]) -> None:
    row = csm_row(vendor(LATITUDE=latitude, LONGITUDE=longitude), "f")
    assert (row["latitude"], row["longitude"]) == expected


def test_zero_is_a_value_and_null_is_none() -> None:
    row = csm_row(vendor(CALCULATED_MRR=0, P_VEHICLES_TOTAL=0, P_SETUP_SCORE=None), "f")
    assert (row["mrr_minor"], row["vehicles"], row["setup_score"], row["drivers"]) == (0, 0, None, None)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_dollars_become_cents_as_everywhere_else(amount: Any) -> None:
    assert cents(str(amount)) == to_minor(str(amount), "USD")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-10-31T10:00:00", datetime(2026, 10, 31, 10, tzinfo=UTC)),
        ("2026-10-31T10:00:00+02:00", datetime(2026, 10, 31, 8, tzinfo=UTC)),
        ("2026-10-31", datetime(2026, 10, 31, tzinfo=UTC)),
        (date(2026, 10, 31), datetime(2026, 10, 31, tzinfo=UTC)),
        (None, None),
    ],
)
def test_moments(given: Any, expected: datetime | None) -> None:
    assert moment(given) == expected


def states(*rows: dict[str, Any]) -> list[str]:
    made = csm_rows([vendor(LAGO_ID=str(n), **row) for n, row in enumerate(rows)], "f")
    return [row["subscription_id"] for row in made if row["is_current"]]


def test_status_decides_the_current_row_before_the_start() -> None:
    old, new = "2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    ordered = [
        {"LAGO_STATUS": "active", "LAGO_STARTED_AT": old},
        {"LAGO_STATUS": "pending", "LAGO_STARTED_AT": new},
        {"LAGO_STATUS": "terminated", "LAGO_WATERFALL_EVENT": "plan_change", "LAGO_STARTED_AT": old},
        {"LAGO_STATUS": "terminated", "LAGO_WATERFALL_EVENT": "churn", "LAGO_STARTED_AT": new},
        {"LAGO_STATUS": "canceled", "LAGO_STARTED_AT": new},
    ]
    for first in range(len(ordered)):
        assert states(*reversed(ordered[first:])) == [str(len(ordered) - first - 1)]


def test_then_the_latest_start_then_the_higher_mrr() -> None:
    early, late = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    assert states(
        {"LAGO_STARTED_AT": early, "CALCULATED_MRR": 900}, {"LAGO_STARTED_AT": late, "CALCULATED_MRR": 1}
    ) == ["1"]
    assert states({"LAGO_STARTED_AT": late, "CALCULATED_MRR": 900}, {"LAGO_STARTED_AT": late, "CALCULATED_MRR": 1}) == [
        "0"
    ]
    assert states({"CALCULATED_MRR": None}, {"CALCULATED_MRR": 0}) == ["1"]


def test_each_operator_has_one_current_row_and_rows_without_id_are_dropped() -> None:
    rows = csm_rows([vendor(), vendor(LAGO_ID="s2"), vendor(LAGO_EXTERNAL_CUSTOMER_ID="other"), {"LAGO_ID": "s9"}], "f")
    assert [row["is_current"] for row in rows].count(True) == 2
    assert len(rows) == 3


def test_absent_columns_are_found_in_any_spelling() -> None:
    assert absent_columns([name.lower().replace("_", " ") for name in COLUMNS]) == frozenset()
    assert absent_columns([name for name in COLUMNS if name != "P_SETUP_SCORE"]) == {"P_SETUP_SCORE"}


def test_the_directory_asks_for_columns_that_rows_are_made_from() -> None:
    assert set(DIRECTORY) <= set(TABLES["csm"].column_names)
    assert set(DIRECTORY_COLUMNS) <= COLUMNS


# -- what cannot be read ------------------------------------------------------------------------------------------------------


def test_a_column_in_an_unknown_form_is_refused_with_its_reason() -> None:
    unread = ValueFaults()
    given = [vendor(LAGO_STARTED_AT="31/10/2026")] * 3
    csm_rows(given, "f", unread)
    with pytest.raises(SchemaChanged, match=r"LAGO_STARTED_AT of csm .* in 3 of 3 rows: '31/10/2026' is no instant"):
        unread.refuse(given, "csm")


def test_one_value_that_cannot_be_read_is_null_and_told() -> None:
    unread = ValueFaults()
    given = [vendor(), vendor(), vendor(CALCULATED_MRR="NaN")]
    assert csm_rows(given, "f", unread)[2]["mrr_minor"] is None
    unread.refuse(given, "csm")
    assert unread.sentence == "CALCULATED_MRR: 'NaN' is no finite number"


def test_dates_and_numbers_as_metabase_writes_them_for_people_are_read() -> None:
    row = csm_row(vendor(LAGO_STARTED_AT="October 31, 2026, 12:30 PM", CALCULATED_MRR="1,234.50"), "f")
    assert (row["started_at"], row["mrr_minor"]) == (datetime(2026, 10, 31, 12, 30, tzinfo=UTC), 123_450)
