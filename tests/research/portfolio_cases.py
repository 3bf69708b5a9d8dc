"""Canonical tables as files for tests of the portfolio, and the same operators measured one by one."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from customer_research.connect.sql import SqlAnswer
from customer_research.domain.account import Records
from customer_research.domain.catalogue import ACCOUNT_TABLE, SUBJECTS
from customer_research.domain.essentials import ESSENTIALS
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.health import HealthScore
from customer_research.domain.snapshot import Reading
from customer_research.domain.tables import TableFile, TableSet
from customer_research.engines.content import content_digest
from customer_research.engines.duckdb import DuckDB, Memory
from customer_research.engines.rows import canonical_columns
from customer_research.metrics.queries import account_columns, subject_sql
from customer_research.record_tables import LAKE_TABLES, TABLES
from customer_research.research.one.dossier import BOUND_TABLES, MEMORY_TABLES, Dossier
from customer_research.research.one.figures import Measurement
from customer_research.research.past.history.calendar import Calendar
from customer_research.research.portfolio.measurement import measure

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
Gaps = Mapping[tuple[str | None, str], Gap]
"""(operator id, or None for everybody; table) → why it is unknown."""

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def receipt(name: str) -> Receipt:
    """The proof of a made-up table."""
    return Receipt(f"receipt-{name}", "test", name, "made up", NOW, 1, "0" * 64)


def gap(table: str) -> Gap:
    """A source that told nothing of a table."""
    return Gap(TABLES[table].home, "unavailable", f"{table} did not answer.", "Ask again.")


def drawn_gaps(operators: Sequence[str], seed: int) -> dict[tuple[str | None, str], Gap]:
    """Now and then a table that is unknown of an operator, seldom one that is unknown of everybody."""
    choose = random.Random(seed)
    found: dict[tuple[str | None, str], Gap] = {}
    for table in TABLES:
        if choose.random() < 0.05:
            found[None, table] = gap(table)
        found |= {(operator, table): gap(table) for operator in operators if choose.random() < 0.15}
    return found


def complete(tables: Tables) -> dict[str, list[Row]]:
    """The rows that tell what they must (`domain.essentials`); the others cost their operator a table, as a gap does."""
    with DuckDB() as engine:
        return {
            name: [row for row, lacks in zip(rows, _lacking(engine, name, rows), strict=True) if not lacks]
            for name, rows in tables.items()
        }


def _lacking(engine: DuckDB, table: str, rows: Sequence[Row]) -> list[bool]:
    conditions = ESSENTIALS.get(table)
    if not conditions or not rows:
        return [False] * len(rows)
    engine.create(
        "told", {**canonical_columns(table), "place": "BIGINT"}, [{**row, "place": n} for n, row in enumerate(rows)]
    )
    some = " OR ".join(f"({wrong})" for wrong in conditions.values())
    found = engine.run(f"SELECT COALESCE({some}, FALSE) AS lacks FROM told ORDER BY place")
    return [bool(row["lacks"]) for row in found]


def written(folder: Path, tables: Tables, gaps: Gaps | None = None, absent: Sequence[str] = ()) -> TableSet:
    """These rows as files; tables that are `absent` are gaps."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {**{name: tables.get(name, ()) for name in LAKE_TABLES}, "gap": _gap_rows(gaps or {})}
    files = {}
    with DuckDB() as engine:
        for name, table in LAKE_TABLES.items():
            if name in absent:
                continue
            path = folder / f"{name}.parquet"
            engine.load(name, rows[name])
            engine.export(f"SELECT * FROM {name}", path)
            digest = content_digest(engine, name, [column for column in table.column_names if column != "fetch_id"])
            files[name] = TableFile(name, (path,), len(rows[name]), digest, (receipt(name),))
    return TableSet(str(folder), files, {name: gap(name) for name in absent})


def _gap_rows(gaps: Gaps) -> list[Row]:
    return [
        {
            "operator_id": operator,
            "table_name": table,
            "source": one.source,
            "reason": one.reason,
            "detail": one.detail,
            "next_step": one.next_step,
        }
        for (operator, table), one in gaps.items()
    ]


def alone(memory: Memory, operator_id: str, as_of: datetime, tables: Tables, gaps: Gaps) -> Measurement:
    """One operator measured as the live path does it: its own records only, each table known or a gap."""
    own = {name: [row for row in tables.get(name, ()) if row.get("operator_id") == operator_id] for name in TABLES}
    unknown = {table: one for (who, table), one in gaps.items() if who is None or who == operator_id}
    gathered = Dossier(operator_id, as_of)
    for name in MEMORY_TABLES:
        gathered.records[name] = Records(name, tuple(own[name]), (receipt(name),), unknown.get(name))
    gathered.bound_gaps = {name: unknown[name] for name in BOUND_TABLES if name in unknown}
    for name in BOUND_TABLES:
        memory.load(name, own[name])
    for subject in SUBJECTS.values():
        if set(subject.tables) & set(BOUND_TABLES):
            rows = memory.run(subject_sql(subject.name), {"as_of": as_of})
            gathered.answers[subject.name] = SqlAnswer((), rows, receipt(subject.name))
    return Measurement(memory, gathered)


def reading_of(score: HealthScore, findings: Sequence[str]) -> Row:
    """What a reading says of an operator, from the score that the live path gives."""
    contributions: dict[str, int | None] = {
        unjudged.rule: None for one in score.dimensions if one.score is not None for unjudged in one.unevaluated
    }
    contributions |= {line.rule: line.points for line in score.contributions if line.rule != "clamp"}
    return {
        "status": score.status,
        "score": score.score,
        "band": score.band,
        "coverage": score.coverage,
        "dimensions": {one.name: one.score for one in score.dimensions},
        "contributions": contributions,
        "gates": sorted(one.name for one in score.gates),
        "findings": sorted(findings),
    }


def said(reading: Reading) -> Row:
    """The same of a snapshot's reading."""
    return {
        "status": reading.status,
        "score": reading.score,
        "band": reading.band,
        "coverage": reading.coverage,
        "dimensions": dict(reading.dimensions),
        "contributions": dict(reading.contributions),
        "gates": sorted(reading.gates),
        "findings": sorted(reading.findings),
    }


def unequal(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The cells that differ, ratios within 1e-9; a number of days may be whole on one side."""
    assert list(one) == list(other)
    if "silent" in one:
        one, other = ({**row, "silent": _unheard(row)} for row in (one, other))
    return [f"{one.get('operator_id')}.{n}: {one[n]!r} and {other[n]!r}" for n in one if not _same(one[n], other[n])]


def _unheard(row: Mapping[str, Any]) -> list[str]:
    """The unknown cells for which a source is silent: all that scorecards ask of the column."""
    return sorted({name for name in (row["silent"] or "").split() if row[name] is None})


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def differing_in_one_pass(engine: DuckDB, tables: TableSet, instants: Sequence[datetime]) -> list[str]:
    """The cells of a pass over several dates that are not those of each date alone."""
    calendar, together = Calendar(engine, tables, instants), {}
    wide = f"SELECT {', '.join(account_columns())} FROM {ACCOUNT_TABLE} ORDER BY operator_id"
    for instant in instants:
        calendar(engine, tables, instant)
        together[instant] = engine.run(wide)
    calendar.forget()
    found: list[str] = []
    for instant in instants:
        measure(engine, tables, instant)
        pairs = zip(engine.run(wide), together[instant], strict=True)
        found += [f"{instant}: {line}" for one, other in pairs for line in unequal(one, other)]
    return found
