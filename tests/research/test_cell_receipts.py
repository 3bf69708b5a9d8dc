"""Each cell of each table that states a fact has the receipt of its own record, and no row has more than that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest

from customer_research.documents.formats import json_
from customer_research.documents.present import Presenter
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.money import Money
from customer_research.domain.report import Cell, Figures, Personal, Report, Statement, Table, Text
from customer_research.errors import RenderError
from customer_research.reports.kinds import KINDS, comparison
from customer_research.research import Research
from customer_research.settings import Settings
from customer_research_sandbox.scenarios import scenario_id
from customer_research_sandbox.serve import Sandbox

OPERATORS = tuple(scenario_id(number) for number in (2, 20))
RECORDS = frozenset(
    {
        "Latest invoices",
        "Subscriptions",
        "Contacts in HubSpot",
        "Tickets",
        "Open tickets",
        "Deals",
        "Coupons",
        "Latest payments",
        "Latest credit notes",
    }
)
"""Tables with a row a record."""


@cache
def _words(value: Any) -> frozenset[str]:
    """How a record's field may stand in a cell."""
    found = {str(value)}
    if isinstance(value, datetime):
        found |= {value.astimezone(UTC).date().isoformat()}
    if isinstance(value, str):
        found |= {part for part in value.split("|") if part} | {value.replace("_", " ")}
    return frozenset(found)


def _holds(row: Mapping[str, Any], cell: Fact[Any]) -> bool:
    """Whether a record says what a cell says."""
    value = cell.value.text if isinstance(cell.value, Personal) else cell.value
    if value == "no end set":
        return not any(row[name] for name in ("terminated_at", "canceled_at", "ending_at", "next_plan_code"))
    if isinstance(value, Money):
        return any(row[name] == value.minor for name in row if name.endswith("_minor"))
    fields = [field for name, field in row.items() if field is not None and name != "fetch_id"]
    if isinstance(value, date | datetime):
        return any(str(value)[:10] in _words(field) for field in fields) or cell.unit == "date"
    if not isinstance(value, str):
        return value in fields
    return any(words and words in value for field in fields for words in _words(field))


def _tables(report: Report) -> Iterator[Table]:
    for section in report.sections:
        yield from (block for block in section.blocks if isinstance(block, Table))


def _facts(row: tuple[Cell, ...]) -> list[Fact[Any]]:
    return [cell for cell in row if isinstance(cell, Fact)]


def _fetches(account: Account) -> dict[str, list[Mapping[str, Any]]]:
    """The records that each fetch brought."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for records in account.records.values():
        for row in records.rows:
            found.setdefault(str(row.get("fetch_id")), []).append(row)
    return found


@pytest.fixture(scope="module")
def accounts(sandbox: Sandbox, settings: Settings) -> tuple[Account, ...]:
    """A few operators with what their profile reads."""
    sandbox.set_faults()

    found: list[Account] = []  # not a task's result: asyncio's debug mode would write all of it into a log line

    async def read() -> None:
        async with Research(settings) as opened:
            found.extend([await opened.account(one, listings=KINDS["profile"].needs) for one in OPERATORS])

    asyncio.run(read())
    return tuple(found)


def test_each_row_of_records_has_the_receipt_of_its_record_alone(accounts: tuple[Account, ...]) -> None:
    seen = set()
    for account in accounts:
        fetches = _fetches(account)
        for kind in KINDS.values():
            if kind.about != "operator":
                continue
            for table in _tables(kind.report(account)):
                if table.caption not in RECORDS:
                    continue
                seen.add(table.caption)
                for row in table.rows:
                    (proof,) = {receipt for cell in _facts(row) for receipt in cell.basis}
                    assert not any(isinstance(cell, Text) and cell.tone != "unknown" for cell in row)
                    records = fetches[proof.id]
                    for cell in _facts(row):
                        assert any(_holds(record, cell) for record in records), (kind.name, table.caption, cell)
    assert seen >= {"Latest invoices", "Subscriptions", "Contacts in HubSpot", "Tickets", "Deals"}


def test_an_event_has_the_receipt_of_what_happened(accounts: tuple[Account, ...]) -> None:
    sources = set()
    for account in accounts:
        fetches = _fetches(account)
        for table in _tables(KINDS["profile"].report(account)):
            if not table.caption.startswith("Events"):
                continue
            for day, what, detail in table.rows:
                (proof,) = {receipt for cell in _facts((day, what, detail)) for receipt in cell.basis}
                sources.add(proof.source)
                for cell in _facts((day, detail)):
                    assert any(_holds(record, cell) for record in fetches[proof.id])
    assert len(sources) > 2


def test_every_cell_of_every_kind_is_a_fact_a_gap_or_words_of_ours(accounts: tuple[Account, ...]) -> None:
    reports = [kind.report(one) for one in accounts for kind in KINDS.values() if kind.about == "operator"]
    reports.append(comparison.KIND.build(accounts))
    for report in reports:
        for table in _tables(report):
            known = {receipt.id for receipt in Presenter(report).receipts}
            for row in table.rows:
                for header, cell in zip(table.headers, row, strict=True):
                    if isinstance(cell, Fact):
                        assert cell.basis
                        assert {receipt.id for receipt in cell.basis} <= known
                    elif isinstance(cell, Text):
                        ours = header in {table.headers[0], *table.words} or cell.tone == "unknown" or not cell.text
                        assert ours, (report.kind, table.caption, header, cell)
                    else:
                        assert isinstance(cell, Gap)


def test_a_table_takes_no_bare_words_for_a_fact() -> None:
    with pytest.raises(RenderError, match="bare value without a receipt"):
        Table(("Plan", "Status"), ((Text("Pro"), Text("active")),))
    Table(("Plan", "Owner"), ((Text("Pro"), Text("support")),), words=("Owner",))
    with pytest.raises(RenderError, match="bare value without a receipt"):
        Table(("Name",), ((Personal("Dana Roe", "person"),),))  # type: ignore[arg-type]


def test_the_cells_of_json_have_their_receipts(accounts: tuple[Account, ...]) -> None:
    made = json_.envelope(KINDS["profile"].report(accounts[0]))
    tables = [b for s in made["sections"] for b in s["blocks"] if b["type"] == "table" and b["caption"] in RECORDS]
    assert tables
    for table in tables:
        for row in table["rows"]:
            told = [cell for cell in row if cell.get("tone") != "unknown"]
            assert told
            assert all(len(cell["receipts"]) == 1 for cell in told)


def test_a_lookup_tells_of_each_candidate_by_its_own_record(
    clean_sandbox: object, research: Callable[..., Any]
) -> None:
    report, answer = research(lambda opened: opened.lookup_report("limo"))
    assert len(answer.matches) > 1
    (table,) = _tables(report)
    for match, row in zip(answer.matches, table.rows, strict=True):
        assert {receipt.id for cell in _facts(row) for receipt in cell.basis} == set(match.candidate.proof)
        assert isinstance(row[1], Statement)
    assert all(warning.facts for warning in report.warnings)


def test_contacts_and_fields_of_one_record_have_its_receipt(accounts: tuple[Account, ...]) -> None:
    for account in accounts:
        ids = {row["fetch_id"] for name in ("customer", "company", "csm") for row in account.records[name].rows}
        sections = {section.id: section for section in KINDS["billing"].report(account).sections}
        (figures,) = [block for block in sections["customer"].blocks if isinstance(block, Figures)]
        for line in figures.lines[:-1]:
            if isinstance(line.figure, Fact):
                assert {receipt.id for receipt in line.figure.basis} <= ids
