"""What was fetched for one operator: canonical rows, warehouse answers and listings, each known or a gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customer_research.connect.sql import SqlAnswer
from customer_research.domain.account import Records, TwoCounts
from customer_research.domain.evidence import Gap, Receipt, each_once
from customer_research.record_tables import TABLES
from customer_research.research.one.second import Offer

MEMORY_TABLES = tuple(name for name, table in TABLES.items() if not table.bound)
BOUND_TABLES = tuple(name for name, table in TABLES.items() if table.bound)


@dataclass(slots=True)
class Dossier:
    """The answers of all sources about one operator at `as_of`.

    `records` holds the memory tables; `answers` the warehouse subjects' rows or the gap that stands for them;
    `bound_gaps` the bound tables that are unknown though their subject answered (an optional table that is absent);
    `listings` the details that a report asked for; `notes` remarks on how a table was reached (the charge path);
    `measured` the rows of subjects' queries in memory that were run before everything had arrived. Without `finance` what the
    operator pays and is paid is kept back (`withheld`).

    Of bound tables with a second source `offered` has what that gave, `counted` how many records the home has, and `given`
    the rows that count in the home's place (`second.choose`). `tried` has the rows of subjects' queries over what was offered before it was
    known whether that counts, with the tables that were offered.
    """

    operator_id: str
    as_of: datetime
    records: dict[str, Records] = field(default_factory=dict)
    answers: dict[str, SqlAnswer | Gap] = field(default_factory=dict)
    bound_gaps: dict[str, Gap] = field(default_factory=dict)
    listings: dict[str, Records] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    measured: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    finance: bool = True
    offered: dict[str, Offer] = field(default_factory=dict)
    counted: dict[str, SqlAnswer | Gap] = field(default_factory=dict)
    given: dict[str, Records] = field(default_factory=dict)
    tried: dict[str, tuple[frozenset[str], list[dict[str, Any]]]] = field(default_factory=dict)
    differences: tuple[TwoCounts, ...] = ()

    def table_gap(self, table: str, subject: str) -> Gap | None:
        """Why a table is not known to a subject's metrics, or None when it is."""
        if table in self.given:
            return None
        if table in BOUND_TABLES:
            answer = self.answers.get(subject)
            if answer is None:
                return Gap("warehouse", "not_applicable", "This figure was not asked for in this report.")
            return answer if isinstance(answer, Gap) else self.bound_gaps.get(table)
        records = self.records.get(table)
        if records is None:
            return Gap(TABLES[table].home, "not_applicable", "This figure was not asked for in this report.")
        return records.gap

    def basis(self, tables: tuple[str, ...], subject: str) -> tuple[Receipt, ...]:
        """The receipts of the known tables a figure was made from, each once."""
        known = (table for table in tables if self.table_gap(table, subject) is None)
        return each_once(receipt for table in known for receipt in self._receipts(table, subject))

    def _receipts(self, table: str, subject: str) -> tuple[Receipt, ...]:
        if table in self.given:
            return self.given[table].receipts
        answer = self.answers.get(subject) if table in BOUND_TABLES else None
        return (answer.receipt,) if isinstance(answer, SqlAnswer) else self.records[table].receipts

    def is_given(self, tables: Collection[str]) -> bool:
        """Whether the rows of all these tables are a second source's."""
        return bool(tables) and all(table in self.given for table in tables)

    def rows(self, subject: str) -> list[Mapping[str, Any]]:
        """The rows a warehouse subject gave (none when it is a gap)."""
        answer = self.answers.get(subject)
        return list(answer.rows) if isinstance(answer, SqlAnswer) else []
