"""Makers of blocks: figures, tables of records, shares, sums; never a zero for the unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from report_accounts import AS_OF, empty, figure, full, gap_of, nothing, receipt, row

from customer_research.domain.account import Records
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.money import Money
from customer_research.domain.report import Missing, Personal, Prose, Statement, Table, Text
from customer_research.errors import RenderError
from customer_research.reports import build

RECEIPT = receipt("lago", "invoice")


def test_a_metric_that_is_not_of_the_catalogue_is_a_mistake_of_ours() -> None:
    with pytest.raises(RenderError, match="no metric 'nonsense'"):
        build.figure(full(), "nonsense")


def test_shares_merge_receipts_and_keep_gaps() -> None:
    found = build.share(full(), "completed_12m", "trips_12m")
    assert isinstance(found, Fact)
    assert found.value == pytest.approx(0.875)
    assert isinstance(build.share(nothing(), "completed_12m", "trips_12m"), Gap)
    none = build.share(full(trips_12m=0), "completed_12m", "trips_12m")
    assert isinstance(none, Gap)
    assert none.reason == "none_found"


def test_a_table_that_was_not_read_is_a_gap() -> None:
    account = replace(full(), records={})
    assert build.records(account, "usage_monthly").gap == Gap(
        "warehouse", "unavailable", "usage_monthly was not read for this report", "Run the report again."
    )
    assert build.records(account, "invoice").gap is not None


def test_rows_of_the_future_are_not_known_yet() -> None:
    later = row("invoice", invoice_id="later", created_at=AS_OF)
    earlier = row("invoice", invoice_id="earlier", created_at=AS_OF - timedelta(seconds=1))
    undated = row("invoice", invoice_id="undated", created_at=None)
    account = replace(full(), records={"invoice": Records("invoice", (later, earlier, undated), (RECEIPT,))})
    assert [found["invoice_id"] for found in build.known_rows(account, "invoice")] == ["earlier", "undated"]


def told(value: Any) -> Statement[Any]:
    return Statement(value, "text", (RECEIPT,), AS_OF)


@pytest.mark.parametrize(
    ("values", "kind", "cell"),
    [
        ({"f": None}, "money", Text("not recorded", "unknown")),
        ({"f": 0, "currency": "USD"}, "money", Fact(Money("USD", 0), "money", (RECEIPT,), AS_OF)),
        ({"f": 5, "currency": None}, "money", Text("currency not recorded", "unknown")),
        ({"f": 0}, "count", Fact(0, "count", (RECEIPT,), AS_OF)),
        ({"f": False}, "boolean", Fact(False, "boolean", (RECEIPT,), AS_OF)),
        ({"f": date(2026, 10, 1)}, "month", told("2026-10")),
        ({"f": "2026-10"}, "month", told("2026-10")),
        ({"f": datetime(2026, 10, 1, 23, tzinfo=UTC)}, "day", Fact(date(2026, 10, 1), "date", (RECEIPT,), AS_OF)),
        ({"f": "Dana"}, "person", told(Personal("Dana", "person"))),
        ({"f": "|Bug|Issue|"}, "text", told("Bug, Issue")),
        ({"f": "|alone"}, "text", told("|alone")),
    ],
)
def test_cells_of_records(values: Any, kind: Any, cell: Any) -> None:
    assert build.record_cell(values, build.Column("f", "F", kind), (RECEIPT,), AS_OF) == cell


def test_tables_are_rows_or_a_gap_or_a_sentence() -> None:
    columns = (build.Column("number", "Number"),)
    account = full()
    made = build.table(account, "Invoices", account.records["invoice"], columns, most=2, empty="None.")
    assert isinstance(made, Table)
    assert (len(made.rows), made.total) == (2, 7)
    gap = gap_of("lago")
    unknown = build.table(account, "Invoices", Records("invoice", (), (), gap), columns, empty="None.")
    assert unknown == Missing("Invoices", gap)
    none = build.table(account, "Invoices", Records("invoice", (), (RECEIPT,)), columns, empty="None.")
    assert isinstance(none, Prose)
    assert none.text == "None."
    assert none.facts[0].basis == (RECEIPT,)


def test_a_gap_hides_rows_that_are_only_a_part() -> None:
    columns = (build.Column("number", "Number"),)
    part = Records("invoice", (row("invoice", number="A"),), (RECEIPT,), gap_of("lago"))
    assert isinstance(build.table(full(), "Invoices", part, columns, empty="None."), Missing)
    assert isinstance(build.amounts(full(), part, part.rows, "total_minor"), Gap)
    assert isinstance(build.count(full(), part, part.rows), Gap)
    assert build.known_rows(replace(full(), records={"invoice": part}), "invoice") == ()


def test_fields_of_the_one_record() -> None:
    known = build.field_figure(full(), "customer", "net_payment_term", "days")
    assert isinstance(known, Fact)
    assert known.value == 0
    blank = build.field_figure(full(), "company", "industry")
    assert isinstance(blank, Gap)
    assert blank.detail == "not filled in"
    absent = build.field_figure(empty(), "customer", "name")
    assert isinstance(absent, Gap)
    assert absent.reason == "none_found"
    down = build.field_figure(nothing(), "customer", "name")
    assert isinstance(down, Gap)
    assert down.reason == "unavailable"


def test_the_first_known_figure_is_taken_and_a_hole_outweighs_an_answer() -> None:
    fact, answer, hole = figure("vehicles", 3), Gap("lago", "none_found", "no"), gap_of("hubspot")
    assert build.first_known(answer, fact) is fact
    assert build.first_known(answer, hole) is hole
    assert build.first_known(answer) is answer


def test_sums_keep_currencies_apart_and_tell_what_was_left_out() -> None:
    rows = (
        row("deal", amount_minor=100, currency="USD"),
        row("deal", amount_minor=200, currency="USD"),
        row("deal", amount_minor=700, currency="JPY"),
        row("deal", amount_minor=None, currency="USD"),
    )
    found = build.amounts(full(), Records("deal", rows, (RECEIPT,)), rows, "amount_minor")
    assert isinstance(found, Fact)
    assert found.value == (Money("JPY", 700), Money("USD", 300))
    assert found.note == "1 without an amount left out"
    unpriced = build.amounts(full(), Records("deal", rows, (RECEIPT,)), rows[3:], "amount_minor")
    assert isinstance(unpriced, Gap)


def test_newest_first_with_ties_by_key_and_undated_last() -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "day": None},
        {"id": "b", "day": date(2026, 1, 1)},
        {"id": "c", "day": date(2026, 1, 2)},
        {"id": "d", "day": date(2026, 1, 2)},
    ]
    assert [found["id"] for found in build.newest(rows, "day", "id")] == ["d", "c", "b", "a"]
    assert build.newest(list(reversed(rows)), "day", "id") == build.newest(rows, "day", "id")


def test_a_section_without_blocks_is_no_section() -> None:
    assert build.section("Empty", None, id="x") is None
    assert build.sections(None, None) == ()
