"""Landing tables on the disk: parts as the slices bring them, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from customer_research import private
from customer_research.connect.source import LandingTable, Row
from customer_research.domain.records import SQL_TYPES, literal, quoted
from customer_research.engines.content import content_digest
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.rows import inward
from customer_research.errors import EngineError
from customer_research.lake import write_through
from customer_research.research.receipts import text_digest

FETCH_ID = "fetch_id"

_ROWS_AT_ONCE = 2_000
_KINDS = (str, int, float, bool, type(None), datetime, date, Decimal, list, tuple, dict)
"""What a row may hold."""

_ORDER = {"_part": "BIGINT", "_gone": "BOOLEAN"}
"""Columns of a part besides the table's own: the part's number, and whether the row says that the record is no more."""


_LINES = "SELECT * FROM READ_JSON({path}, format = 'newline_delimited', columns = {{{kinds}}}, maximum_object_size = {longest})"
_LEAST_BUFFER = 1 << 20
"""Bytes of the longest line that DuckDB is told to expect at least; it reads with buffers of twice as much, one a thread."""

_ALL = "SELECT * FROM {table}"
_LATEST = "SELECT * FROM {parts} QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY _part DESC) = 1"
_SAID = "SELECT {columns} FROM {latest} WHERE NOT _gone"
_STOOD = """
SELECT {columns} FROM {base} AS base WHERE NOT EXISTS (SELECT 1 FROM {latest} AS latest WHERE {same})
"""
_GONE = "SELECT COUNT(*) AS n FROM {base} AS base WHERE NOT EXISTS (SELECT 1 FROM {table} AS now WHERE {same})"


def shape(tables: Iterable[LandingTable]) -> str:
    """The digest of how landing tables are declared: rows landed under another shape are pulled anew."""
    told = [[table.name, list(table.key), sorted(table.columns.items())] for table in tables]
    return text_digest(json.dumps(told))[:16]


def sql_columns(table: LandingTable) -> dict[str, str]:
    """A landing table's columns: name → SQL type."""
    return {name: SQL_TYPES[kind] for name, kind in table.columns.items()}


def write_part(
    engine: DuckDB,
    table: LandingTable,
    rows: Sequence[Row],
    gone: Sequence[tuple[Any, ...]],
    *,
    path: Path,
    number: int,
) -> None:
    """Write what one slice says of one landing table; of a record that comes twice the last counts, and `gone` is final.

    Raises:
        EngineError: a row has a column that the table does not have, or a value of the wrong type.
    """
    keys = zip(*([row.get(name) for row in rows] for name in table.key), strict=True)
    said: dict[tuple[Any, ...], Row] = {
        key: {**row, "_part": number, "_gone": False} for key, row in zip(keys, rows, strict=True)
    }
    for key in gone:
        said[tuple(key)] = {**dict(zip(table.key, key, strict=True)), "_part": number, "_gone": True}
    write_rows(engine, list(said.values()), {**sql_columns(table), **_ORDER}, path)


def write_rows(engine: DuckDB, rows: Iterable[Row], columns: Mapping[str, str], path: Path) -> None:
    """Write any number of rows to a Parquet file, as they come; none is held longer than needed.

    They pass through a file of JSON lines, which is twice as fast as handing DuckDB the values.

    Raises:
        EngineError: as `write_part`.
    """
    lines = engine.scratch / f"{path.stem}.jsonl"
    kinds = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
    try:
        longest = _LEAST_BUFFER
        with private.open_file(lines, "wb") as file:
            for line in _json_lines(rows, columns):
                longest = max(longest, len(line))
                file.write(line)
        engine.export(_LINES.format(path=literal(str(lines)), kinds=kinds, longest=longest), path)
    finally:
        lines.unlink(missing_ok=True)


def _json_lines(rows: Iterable[Row], columns: Mapping[str, str]) -> Iterator[bytes]:
    """The rows as lines of JSON, read by columns, so many at a time."""
    left = iter(rows)
    while taken := list(islice(left, _ROWS_AT_ONCE)):
        for row in taken:
            if not row.keys() <= columns.keys():
                raise EngineError(
                    f"A row has a column {min(row.keys() - columns.keys())!r} that its table does not have."
                )
        values = [_writable(name, kind, [row.get(name) for row in taken]) for name, kind in columns.items()]
        for one in zip(*values, strict=True):
            yield _json_line(dict(zip(columns, one, strict=True)))


def _json_line(row: Row) -> bytes:
    try:
        return to_json(row) + b"\n"
    except ValueError:  # half a character, which no text in UTF-8 has
        return json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"


def _writable(name: str, kind: str, values: list[Any]) -> list[Any]:
    """A column's values as they are written: instants as naive UTC.

    Raises:
        EngineError: one is of a kind that no column holds, an instant without a time zone, or a fraction for a whole number.
    """
    kinds = set(map(type, values))
    strange = next((one for one in kinds if not issubclass(one, _KINDS)), None)
    if strange is not None:
        raise EngineError(f"A row holds a {strange.__name__}, which no column can hold.")
    if kind == "BIGINT" and any(issubclass(one, float) for one in kinds):  # DuckDB would round it
        raise EngineError(f"The column {name!r} holds whole numbers, and a row has a fraction there.")
    return [inward(value) for value in values] if datetime in kinds else values


def expose(
    engine: DuckDB, table: LandingTable, base: Path | None, parts: Sequence[Path] = (), *, fetch_id: str | None = None
) -> None:
    """Have the engine know a landing table by its name: what stood, changed by the parts that came since.

    With *fetch_id* the parts' rows name that receipt in place of each slice's own.
    """
    columns = sql_columns(table)
    if not parts:
        engine.attach(table.name, [base] if base is not None else [], columns)
        return
    _latest(engine, table, parts)
    selected = ", ".join(_column(name, fetch_id) for name in columns)
    said = _SAID.format(columns=selected, latest=_named("latest", table))
    if base is None:
        engine.bind(table.name, said)
        return
    engine.attach(f"base~{table.name}", [base], columns)
    stood = _STOOD.format(
        columns=", ".join(map(quoted, columns)),
        base=_named("base", table),
        latest=_named("latest", table),
        same=same_key(table.key, "latest", "base"),
    )
    engine.bind(table.name, f"{stood} UNION ALL {said}")


def _latest(engine: DuckDB, table: LandingTable, parts: Sequence[Path]) -> None:
    """`latest~TABLE`: of each record what the last part says of it."""
    engine.attach(f"parts~{table.name}", parts, {**sql_columns(table), **_ORDER})
    query = _ALL.format(table=_named("parts", table))
    if len(parts) > 1:
        query = _LATEST.format(parts=_named("parts", table), key=", ".join(map(quoted, table.key)))
    engine.bind(f"latest~{table.name}", query)


def merge_parts(engine: DuckDB, table: LandingTable, parts: Sequence[Path], path: Path) -> None:
    """Write one part that says what these say together."""
    _latest(engine, table, parts)
    engine.export(_ALL.format(table=_named("latest", table)), path)
    write_through(path)


@dataclass(frozen=True, slots=True)
class Compaction:
    """A landing table in one file: its rows, the digest of its content, and how many records that stood are no more."""

    rows: int
    digest: str
    gone: int


def compact(
    engine: DuckDB,
    table: LandingTable,
    stood: Path | None,
    parts: Sequence[Path],
    path: Path,
    *,
    whole: bool,
    fetch_id: str | None,
) -> Compaction:
    """Write a landing table in one file, each record once, sorted by operator and key.

    Args:
        engine: where it is computed.
        table: the landing table.
        stood: its file as it was before, if it was.
        parts: what came since, in its order.
        path: the file to write.
        whole: whether records that the parts do not bring are no more.
        fetch_id: the receipt that the parts' rows are to name (see `expose`).
    """
    expose(engine, table, None if whole else stood, parts, fetch_id=fetch_id)
    query = _ALL.format(table=quoted(table.name))
    rows = engine.export(f"{query} ORDER BY {sorting(table.columns, table.key)}", path)
    write_through(path)
    expose(engine, table, path)
    digest = content_digest(engine, table.name, [name for name in table.columns if name != FETCH_ID])
    return Compaction(rows, digest, _gone(engine, table, stood) if stood is not None else 0)


def _gone(engine: DuckDB, table: LandingTable, stood: Path) -> int:
    """How many records that stood the table no longer has."""
    engine.attach(f"base~{table.name}", [stood], sql_columns(table))
    same = same_key(table.key, "now", "base")
    (counted,) = engine.run(_GONE.format(base=_named("base", table), table=quoted(table.name), same=same))
    return int(counted["n"])


def sorting(columns: Iterable[str], key: Iterable[str]) -> str:
    """The order of a table's rows on the disk: by operator, where it has one, then by key."""
    lead = ["operator_id"] if "operator_id" in columns else []
    return ", ".join(f"{quoted(name)} NULLS FIRST" for name in dict.fromkeys([*lead, *key]))


def same_key(key: Iterable[str], one: str, other: str) -> str:
    """The condition that a row of one relation and a row of another are the same record's."""
    return " AND ".join(f"{one}.{quoted(name)} IS NOT DISTINCT FROM {other}.{quoted(name)}" for name in key)


def _column(name: str, fetch_id: str | None) -> str:
    if name != FETCH_ID or fetch_id is None:
        return quoted(name)
    return f"CASE WHEN {name} IS NOT NULL THEN '{fetch_id}' END AS {name}"


def _named(what: str, table: LandingTable) -> str:
    return quoted(f"{what}~{table.name}")
