"""What others say of an operator's firm, as a section of a report: each value with who says it, of when, and how sure the match is.

None of it takes points. Where nothing is kept there is no section.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.firm import KEPT
from customer_research.domain.names import text_key
from customer_research.domain.report import Absence, Block, Cell, Prose, Statement, Text
from customer_research.domain.words import clean
from customer_research.reports.blocks import NOT_KNOWN, bullets, grid
from customer_research.reports.record_rows import Row, day_of, proof_of

SECTION = "company-facts"
"""The section's id: what leaves the program by itself is sent without it."""

TITLE = "Company facts"
_WORDED = frozenset({"text", "word"})


def company_facts(account: Account) -> Iterator[Block | None]:
    """A line a fact and provider, those of one fact side by side, and on what providers disagree."""
    found = account.records.get(KEPT)
    if found is None:
        return
    if found.gap is not None:
        yield Absence(TITLE, found.gap)
        return
    rows = [_cells(account, row, found.receipts) for row in found.rows]
    yield grid("Fact|>Value|!Match|As of|Fetched|Good until", rows, found.receipts, "As others say; no points")
    yield bullets(_disagreements(found.rows))


def _cells(account: Account, row: Row, receipts: tuple[Receipt, ...]) -> tuple[Cell, ...]:
    basis = proof_of(row, receipts)

    def day(name: str) -> Cell:
        value = row[name]
        return Fact(day_of(value), "date", basis, account.as_of) if value is not None else NOT_KNOWN

    label = Text(f"{row['label']} ({clean(str(row['title']))})")
    days = map(day, ("observed_at", "fetched_at", "expires_at"))
    return label, _value(account, row, basis), Text(str(row["sureness"])), *days


def _value(account: Account, row: Row, basis: tuple[Receipt, ...]) -> Cell:
    value, unit = row["value"], str(row["unit"])
    if value is None:
        step = "`customer-research facts fetch` asks again; a file is imported again."
        return Gap(str(row["provider"]), "stale", "its day is over", step)
    if unit in _WORDED:
        return Statement(value, unit, basis, account.as_of, theirs=True)
    return Fact(value, unit, basis, account.as_of)


def _disagreements(rows: Iterable[Row]) -> Iterator[Prose]:
    for label, alike in groupby(rows, key=lambda row: row["label"]):
        told = [row for row in alike if row["value"] is not None]
        if len({text_key(str(row["value"])) for row in told}) > 1:
            names = ", ".join(clean(str(row["title"])) for row in told)
            yield Prose(f"{label}: the providers disagree ({names}).")
