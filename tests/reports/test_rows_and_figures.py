"""Makers of blocks: figures, tables of records, shares, sums; never a zero for the unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from report_accounts import AS_OF, empty, full, gap_of, nothing, receipt, row
from report_accounts import figure as given
from report_past import history

from customer_research.domain.account import Account, Records
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.history import ScoreChange
from customer_research.domain.money import Money
from customer_research.domain.report import Absence, Personal, Prose, Statement, Table, Text
from customer_research.errors import RenderError
from customer_research.reports.figure_lines import field_figure, figure, first_known, share
from customer_research.reports.kind import SectionPlan, section
from customer_research.reports.progress import change_figure
from customer_research.reports.record_rows import (
    Column,
    amounts,
    columns,
    count,
    known_rows,
    newest,
    record_cell,
    records,
    table,
)

RECEIPT = receipt("lago", "invoice")


def test_a_metric_that_is_not_of_the_catalogue_is_a_mistake_of_ours() -> None:
    with pytest.raises(RenderError, match="no metric 'nonsense'"):
        figure(full(), "nonsense")


def test_shares_merge_receipts_and_keep_gaps() -> None:
    found = share(full(), "completed_12m", "trips_12m")
    assert isinstance(found, Fact)
    assert found.value == pytest.approx(0.875)
    assert isinstance(share(nothing(), "completed_12m", "trips_12m"), Gap)
    none = share(full(trips_12m=0), "completed_12m", "trips_12m")
    assert isinstance(none, Gap)
    assert none.reason == "none_found"


def test_a_table_that_was_not_read_is_a_gap() -> None:
    account = replace(full(), records={})
    assert records(account, "usage_monthly").gap == Gap(
        "warehouse", "unavailable", "usage_monthly was not read for this report", "Run the report again."
    )
    assert records(account, "invoice").gap is not None


def test_rows_of_the_future_are_not_known_yet() -> None:
    later = row("invoice", invoice_id="later", created_at=AS_OF)
    earlier = row("invoice", invoice_id="earlier", created_at=AS_OF - timedelta(seconds=1))
    undated = row("invoice", invoice_id="undated", created_at=None)
    account = replace(full(), records={"invoice": Records("invoice", (later, earlier, undated), (RECEIPT,))})
    assert [found["invoice_id"] for found in known_rows(account, "invoice")] == ["earlier", "undated"]


def told(value: Any) -> Statement[Any]:
    return Statement(value, "text", (RECEIPT,), AS_OF)


def theirs(value: str) -> Statement[str]:
    return replace(told(value), theirs=True)


@pytest.mark.parametrize(
    ("values", "kind", "cell"),
    [
        ({"f": None}, "money", Text("not recorded", "unknown")),
        ({"f": 0, "currency": "USD"}, "money", Fact(Money("USD", 0), "money", (RECEIPT,), AS_OF)),
        ({"f": 5, "currency": None}, "money", Text("currency not recorded", "unknown")),
        ({"f": 0}, "count", Fact(0, "count", (RECEIPT,), AS_OF)),
        ({"f": False}, "boolean", Fact(False, "boolean", (RECEIPT,), AS_OF)),
        ({"f": date(2026, 10, 1)}, "month", theirs("2026-10")),
        ({"f": "2026-10"}, "month", theirs("2026-10")),
        ({"f": datetime(2026, 10, 1, 23, tzinfo=UTC)}, "day", Fact(date(2026, 10, 1), "date", (RECEIPT,), AS_OF)),
        ({"f": "Dana"}, "person", told(Personal("Dana", "person"))),
        ({"f": "|Bug|Issue|"}, "text", theirs("Bug, Issue")),
        ({"f": "|alone"}, "text", theirs("|alone")),
    ],
)
def test_cells_of_records(values: Any, kind: Any, cell: Any) -> None:
    assert record_cell(full(), values, Column("f", "F", kind), (RECEIPT,)) == cell


def of_invoices(found: Records) -> Account:
    return replace(full(), records={"invoice": found})


def test_tables_are_rows_or_a_gap_or_a_sentence() -> None:
    invoices = table("invoice", "Invoices", "number", most=2, empty="None.")
    made = invoices(full())
    assert isinstance(made, Table)
    assert (made.headers, len(made.rows), made.total) == (("Number",), 2, 7)
    gap = gap_of("lago")
    assert invoices(of_invoices(Records("invoice", (), (), gap))) == Absence("Invoices", gap)
    none = invoices(of_invoices(Records("invoice", (), (RECEIPT,))))
    assert isinstance(none, Prose)
    assert none.text == "None."
    assert none.facts[0].basis == (RECEIPT,)


def test_columns_are_declared_in_a_line() -> None:
    declared = columns("paid_at:day Day, amount_minor:money, is_open:boolean Open now", {})
    assert declared == (
        Column("paid_at", "Day", "day"),
        Column("amount_minor", "Amount", "money"),
        Column("is_open", "Open now", "boolean"),
    )
    with pytest.raises(AssertionError, match="paid_at:dya"):
        columns("paid_at:dya Day", {})


def test_a_gap_hides_rows_that_are_only_a_part() -> None:
    part = Records("invoice", (row("invoice", number="A"),), (RECEIPT,), gap_of("lago"))
    assert isinstance(table("invoice", "Invoices", "number", empty="None.")(of_invoices(part)), Absence)
    assert isinstance(amounts(full(), part, part.rows, "total_minor"), Gap)
    assert isinstance(count(full(), part, part.rows), Gap)
    assert known_rows(replace(full(), records={"invoice": part}), "invoice") == ()


def test_fields_of_the_one_record() -> None:
    known = field_figure(full(), "customer", "net_payment_term", "days")
    assert isinstance(known, Fact)
    assert known.value == 0
    blank = field_figure(full(), "company", "industry")
    assert isinstance(blank, Gap)
    assert blank.detail == "not filled in"
    absent = field_figure(empty(), "customer", "name")
    assert isinstance(absent, Gap)
    assert absent.reason == "none_found"
    down = field_figure(nothing(), "customer", "name")
    assert isinstance(down, Gap)
    assert down.reason == "unavailable"


def test_the_first_known_figure_is_taken_and_a_hole_outweighs_an_answer() -> None:
    fact, answer, hole = given("vehicles", 3), Gap("lago", "none_found", "no"), gap_of("hubspot")
    assert first_known(answer, fact) is fact
    assert first_known(answer, hole) is hole
    assert first_known(answer) is answer


def test_sums_keep_currencies_apart_and_tell_what_was_left_out() -> None:
    rows = (
        row("deal", amount_minor=100, currency="USD"),
        row("deal", amount_minor=200, currency="USD"),
        row("deal", amount_minor=700, currency="JPY"),
        row("deal", amount_minor=None, currency="USD"),
    )
    found = amounts(full(), Records("deal", rows, (RECEIPT,)), rows, "amount_minor")
    assert isinstance(found, Fact)
    assert found.value == (Money("JPY", 700), Money("USD", 300))
    assert found.note == "1 without an amount left out"
    unpriced = amounts(full(), Records("deal", rows, (RECEIPT,)), rows[3:], "amount_minor")
    assert isinstance(unpriced, Gap)


def test_newest_first_with_ties_by_key_and_undated_last() -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "day": None},
        {"id": "b", "day": date(2026, 1, 1)},
        {"id": "c", "day": date(2026, 1, 2)},
        {"id": "d", "day": date(2026, 1, 2)},
    ]
    assert [found["id"] for found in newest(rows, "day", "id")] == ["d", "c", "b", "a"]
    assert newest(list(reversed(rows)), "day", "id") == newest(rows, "day", "id")


def test_a_section_without_blocks_is_no_section() -> None:
    plan: SectionPlan[Account] = section("x", "Empty", lambda _: None, lambda _: ())
    assert plan.made(full()) is None


def test_a_change_without_a_fair_comparison_is_a_gap_even_where_its_day_is_known() -> None:
    account = replace(full(), history=history())
    known = change_figure(account, ScoreChange(30, AS_OF, 80, -5))
    assert isinstance(known, Fact)
    assert known.value == -5
    for change in (
        ScoreChange(30, AS_OF, 80, None),
        ScoreChange(30, None, None, -5),
        ScoreChange(30, None, None, None),
    ):
        assert isinstance(change_figure(account, change), Gap)
