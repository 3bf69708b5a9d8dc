"""From rows to figures: the metric queries run where the rows are, and every metric becomes a fact or a gap."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from customer_research.domain.account import Records
from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS, SILENT, SUBJECTS, Metric
from customer_research.domain.evidence import Evidence, Fact, Figure, Gap, Receipt, each_once
from customer_research.domain.money import Money, totals
from customer_research.engines.duckdb import Memory
from customer_research.metrics.queries import (
    ANSWERED,
    EVIDENCE,
    LISTINGS,
    account_columns,
    derived_sql,
    evidence_sql,
    subject_sql,
)
from customer_research.record_tables import SECOND, TABLES
from customer_research.research.gaps import nothing_of
from customer_research.research.one.dossier import BOUND_TABLES, MEMORY_TABLES, Dossier
from customer_research.research.one.withheld import gap_of, is_money

EVIDENCE_SHOWN = 20

WIDE_METRICS = tuple(metric for metric in METRICS.values() if SUBJECTS[metric.subject].grain == "operator")
"""The metrics that are columns of the wide table: all but amounts per currency."""


MEMORY_SUBJECTS = tuple(s for s in SUBJECTS.values() if s.tables and not set(s.tables) & set(BOUND_TABLES))
"""The subjects whose queries run in memory, over fetched records."""


SECOND_SUBJECTS = tuple(s for s in SUBJECTS.values() if set(s.tables) & SECOND.keys())
"""The subjects whose queries run in memory where a second source gave the records."""


def prepare(memory: Memory) -> None:
    """Make the tables and plan the queries that every measurement runs, so that a later one only runs them."""
    for table in (*MEMORY_TABLES, *SECOND):
        memory.load(table, ())
    memory.create(ACCOUNT_TABLE, account_columns(), ())
    for subject in MEMORY_SUBJECTS:
        memory.prepare(subject_sql(subject.name))
    memory.prepare(derived_sql())


def measure_arrived(memory: Memory, dossier: Dossier, wanted: Collection[str]) -> None:
    """Run the queries whose wanted tables have all arrived, while other sources are awaited; `Measurement` takes their rows.

    What second sources gave is measured as well, before their home has said whether it counts: most often it does.
    """
    offered = {table: offer.records for table, offer in dossier.offered.items() if offer.records.known}
    tables = _Tables(memory, dossier, offered)
    for subject in MEMORY_SUBJECTS:
        if subject.name not in dossier.measured and dossier.records.keys() >= {*subject.tables} & {*wanted}:
            dossier.measured[subject.name] = tables.subject_rows(subject.name)
    for subject in SECOND_SUBJECTS:
        read = frozenset(offered).intersection(subject.tables)
        complete = dossier.offered.keys() >= SECOND.keys() & {*subject.tables} & {*wanted}
        if subject.name not in dossier.tried and read and complete:
            dossier.tried[subject.name] = read, tables.subject_rows(subject.name)


class _Tables:
    """One operator's tables in memory, each loaded when a query first reads it.

    Others may use the memory before and after, not in between: nothing may be awaited while they are in use.
    """

    def __init__(self, memory: Memory, dossier: Dossier, given: Mapping[str, Records]) -> None:
        self._memory = memory
        self._dossier = dossier
        self._given = given
        self._parameters = {"as_of": dossier.as_of}
        self._loaded: set[str] = set()

    def subject_rows(self, subject: str) -> list[dict[str, Any]]:
        """The operator's rows of a subject's query."""
        rows = self.run(subject_sql(subject), SUBJECTS[subject].tables)
        return [row for row in rows if row["operator_id"] == self._dossier.operator_id]

    def run(self, sql: str, tables: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The rows of a query that reads these canonical tables (or the wide table)."""
        for table in tables:
            if table not in self._loaded:
                records = self._given.get(table) or self._dossier.records.get(table)
                self._memory.load(table, records.rows if records is not None and records.known else ())
                self._loaded.add(table)
        self._memory.prepare(sql)
        return self._memory.run(sql, self._parameters)


class Measurement:
    """One operator's tables in memory, measured once; also answers for the records behind a figure."""

    def __init__(self, memory: Memory, dossier: Dossier) -> None:
        self._memory = memory
        self._dossier = dossier
        self.figures: dict[str, Figure] = {}
        self._tables = _Tables(memory, dossier, dossier.given)
        self._measure()
        self._list_given()

    def _measure(self) -> None:
        for subject in SUBJECTS.values():
            if subject.name == "derived":
                continue
            rows = self._subject_rows(subject.name, subject.tables)
            given = self._given_rows(subject.name, subject.tables)
            for metric in METRICS.values():
                if metric.subject == subject.name:
                    own = self._dossier.is_given(metric.tables)
                    self.figures[metric.name] = self._figure(metric, given if own else rows)
        self._derive()

    def _list_given(self) -> None:
        """Make the listings of tables that a second source gave of its rows."""
        for name in self._dossier.listings:
            tables = LISTINGS[name].tables
            if self._dossier.is_given(tables):
                receipts = each_once(receipt for table in tables for receipt in self._dossier.given[table].receipts)
                rows = self._tables.run(LISTINGS[name].sql, tables)
                self._dossier.listings[name] = Records(name, tuple(rows), receipts)

    def _subject_rows(self, subject: str, tables: tuple[str, ...]) -> Sequence[Mapping[str, Any]]:
        if any(table in BOUND_TABLES for table in tables):
            return self._dossier.rows(subject)
        early = self._dossier.measured.get(subject)
        return self._tables.subject_rows(subject) if early is None else early

    def _given_rows(self, subject: str, tables: tuple[str, ...]) -> Sequence[Mapping[str, Any]]:
        """A subject's rows over what second sources gave; none where they gave nothing of it that counts."""
        read = self._dossier.given.keys() & {*tables}
        if not read:
            return ()
        tried, rows = self._dossier.tried.get(subject, (frozenset(), []))
        return rows if tried == read else self._tables.subject_rows(subject)

    def _figure(self, metric: Metric, rows: Sequence[Mapping[str, Any]]) -> Figure:
        if not self._dossier.finance and is_money(metric):
            return gap_of(TABLES[metric.tables[0]].home, metric.name)
        gaps = (self._dossier.table_gap(table, metric.subject) for table in metric.tables)
        if (gap := next(filter(None, gaps), None)) is not None:
            return replace(gap, metric=metric.name)
        row = rows[0] if rows else {}
        value = _amounts(metric, rows) if metric.unit == "money" else row[metric.name] if rows else metric.empty
        notes = (self._dossier.notes[table] for table in metric.tables if table in self._dossier.notes)
        basis = self._dossier.basis(metric.tables, metric.subject)
        return self._known(metric, value, basis, row, "; ".join(dict.fromkeys(notes)))

    def _known(
        self, metric: Metric, value: Any, basis: tuple[Receipt, ...], row: Mapping[str, Any], note: str
    ) -> Figure:
        """The figure of a metric whose tables are known: a gap where there is no value, or none that is a number."""
        source = basis[0].source if basis else "sources"
        if value is None:
            return nothing_of(metric, source, row)
        if isinstance(value, float) and not math.isfinite(value):
            detail = f"The answer holds {value} where a number is expected."
            step = "Look for such values in the records that the figure is made of."
            return Gap(source, "unavailable", detail, step, metric.name)
        return Fact(value, metric.unit, basis, self._dossier.as_of, metric.name, note)

    def wide_row(self) -> dict[str, Any]:
        """The operator's row of the wide table: unknown metrics are NULL."""
        row: dict[str, Any] = {"operator_id": self._dossier.operator_id}
        for metric in WIDE_METRICS:
            figure = self.figures.get(metric.name)
            row[metric.name] = figure.value if isinstance(figure, Fact) else None
        return row | {SILENT: "".join(f" {metric.name} " for metric in WIDE_METRICS if self._is_silent(metric))}

    def _is_silent(self, metric: Metric) -> bool:
        """Whether a metric is unknown, and one of its tables is for want of a source."""
        derived = metric.subject == "derived"
        gaps = (
            self._dossier.table_gap(table, _subject_of(table) if derived else metric.subject) for table in metric.tables
        )
        silent = any(gap is not None and gap.reason not in ANSWERED for gap in gaps)
        return silent and not isinstance(self.figures.get(metric.name), Fact)

    def _write_wide(self) -> None:
        self._memory.create(ACCOUNT_TABLE, account_columns(), [self.wide_row()])

    def suppose(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Put a supposed row in the place of the operator's own in the wide table, and give its derived metrics.

        What is run next is run over it; the figures stay those of the operator.
        """
        self._memory.create(ACCOUNT_TABLE, account_columns(), [row])
        return self.run(derived_sql())[0]

    def over(
        self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], sql: str
    ) -> list[dict[str, Any]]:
        """Run a query over a table made for it; the wide table stays as it is."""
        self._memory.create(table, columns, rows)
        return self.run(sql)

    def _derive(self) -> None:
        self._write_wide()
        row = {**self.wide_row(), **next(iter(self.run(derived_sql())), {})}
        for metric in METRICS.values():
            if metric.subject == "derived":
                self.figures[metric.name] = self._derived_figure(metric, row)
        self._write_wide()

    def _derived_figure(self, metric: Metric, row: Mapping[str, Any]) -> Figure:
        missing = {table: gap for table in metric.tables if (gap := self._table_gap(table)) is not None}
        basis = self._derived_basis(metric)
        value = row.get(metric.name) if basis else None
        if missing and (not metric.partly or value is None):
            return replace(next(iter(missing.values())), metric=metric.name)
        return self._known(metric, value, basis, row, f"Without {' and '.join(missing)}." if missing else "")

    def _table_gap(self, table: str) -> Gap | None:
        return self._dossier.table_gap(table, _subject_of(table))

    def _derived_basis(self, metric: Metric) -> tuple[Receipt, ...]:
        own = (self._dossier.basis((table,), _subject_of(table)) for table in metric.tables)
        return each_once(receipt for receipts in own for receipt in receipts)

    def evidence(self, metric_name: str, shown: int = EVIDENCE_SHOWN) -> Evidence:
        """The records behind a metric, newest first: of the tables in memory, or the warehouse's aggregate row."""
        metric = METRICS[metric_name]
        tables = EVIDENCE.get(metric.evidence, ())
        figure = self.figures[metric_name]
        receipts = figure.basis if isinstance(figure, Fact) else ()
        if any(table in BOUND_TABLES for table in tables):
            return self._aggregate_evidence(metric, receipts)
        return self._records(metric, receipts, shown)

    def given_records(self, metric: Metric, shown: int) -> Evidence | None:
        """The records behind a metric where they are a second source's, newest first; None: they lie in the warehouse."""
        tables, figure = EVIDENCE.get(metric.evidence, ()), self.figures[metric.name]
        if not self._dossier.is_given(tables) or not isinstance(figure, Fact):
            return None
        return self._records(metric, figure.basis, shown)

    def _records(self, metric: Metric, receipts: tuple[Receipt, ...], shown: int) -> Evidence:
        tables = EVIDENCE.get(metric.evidence, ())
        rows = self._tables.run(evidence_sql(metric.evidence), tables)
        rows = [row for row in rows if row.get("operator_id", self._dossier.operator_id) == self._dossier.operator_id]
        columns = tuple(name for name in (rows[0] if rows else {}) if name != "operator_id")
        return Evidence(columns, tuple(tuple(row[c] for c in columns) for row in rows[:shown]), len(rows), receipts)

    def _aggregate_evidence(self, metric: Metric, receipts: tuple[Receipt, ...]) -> Evidence:
        peers = [m.name for m in METRICS.values() if m.subject == metric.subject and m.evidence == metric.evidence]
        names = tuple(dict.fromkeys([metric.name, *peers]))
        row = tuple(f.value if isinstance(f := self.figures[name], Fact) else None for name in names)
        return Evidence(names, (row,), 1, receipts)

    def run(self, sql: str) -> list[dict[str, Any]]:
        """Run a query (rules, findings) over the wide table."""
        return self._tables.run(sql)


def _subject_of(table: str) -> str:
    """The first subject that reads a table (its answer tells whether a bound table is known)."""
    return next(subject.name for subject in SUBJECTS.values() if table in subject.tables)


def _amounts(metric: Metric, rows: Sequence[Mapping[str, Any]]) -> Any:
    """Amounts per currency; no rows: an empty total for sums, unknown for averages."""
    told = [row for row in rows if row[metric.name] is not None]
    strange = next((row[metric.name] for row in told if isinstance(row[metric.name], float)), None)
    if strange is not None:
        return strange
    found = [Money(row["currency"], row[metric.name]) for row in told]
    if not found and metric.empty is None:
        return None
    return totals(found)
