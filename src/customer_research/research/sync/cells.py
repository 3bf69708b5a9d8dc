"""The SQL that reads one column of somebody's file as the canonical type, and finds the cells that cannot be read so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from customer_research.domain.records import Column, ColumnType

Check = tuple[str, str]
"""What is wrong, in words, and the condition (SQL) of a row in which it is."""

_WHOLE = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]
)
_BROKEN = frozenset(("DOUBLE", "FLOAT", "DECIMAL"))
_INSTANTS = frozenset(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"))
_ZONED = "TIMESTAMP WITH TIME ZONE"

_ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
_DAY = r"\d{4}-\d{2}-\d{2}"
_INSTANT = rf"{_DAY}([ T]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?({_ZONE})?)?"
_MIDNIGHT = rf"{_DAY}([ T]00:00(:00(\.0+)?)?)?"
_INTEGER = r"[+-]?\d+(\.0*)?"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"


@dataclass(frozen=True, slots=True)
class Cells:
    """How a column is read: `source` (the file's column), its canonical `value` (SQL), and what may be wrong with cells.

    `plain`: a cast reads it as well, so that the file can stay as it is. `mixed` are two conditions of which a column may
    show either one, never both: instants with a time zone, and without. `respelt`: words in a spelling of their own, so that
    the file can stay only where every cell has it already.
    """

    source: str
    value: str
    checks: tuple[Check, ...] = ()
    plain: bool = True
    mixed: tuple[str, str] | None = None
    respelt: bool = False


def cells(column: Column, source: str, kind: str) -> Cells | None:
    """How to read a file's column (`source`, quoted) of a DuckDB type as a canonical column; None: not at all."""
    return _READERS[column.type](source, kind.partition("(")[0] if kind.startswith("DECIMAL") else kind)


def _text(source: str, kind: str) -> Cells | None:
    if kind == "VARCHAR":
        return Cells(source, source)
    return Cells(source, f"CAST({source} AS VARCHAR)") if kind in {*_WHOLE, "UUID"} or kind.startswith("ENUM") else None


def _texts(source: str, kind: str) -> Cells | None:
    if kind == "VARCHAR[]":
        barred = f"ARRAY_TO_STRING({source}, '') LIKE '%|%'"
        value = f"CASE WHEN LEN({source}) = 0 THEN '' ELSE '|' || ARRAY_TO_STRING({source}, '|') || '|' END"
        return Cells(source, value, (("a text of the list has a bar (|) in it", barred),), plain=False)
    bare = f"{source} <> '' AND NOT ({source} LIKE '|%|' AND LENGTH({source}) > 1)"
    return Cells(source, source, (("not a list of the form |a|b|", bare),)) if kind == "VARCHAR" else None


def _integer(source: str, kind: str) -> Cells | None:
    told = "not a whole number"
    if kind in _WHOLE:
        return Cells(source, source, (("too large a number", _uncast(source, "BIGINT")),))
    if kind in _BROKEN:
        number = f"CAST({source} AS DOUBLE)"
        wrong = f"NOT ISFINITE({number}) OR {source} <> ROUND({source}) OR TRY_CAST({source} AS BIGINT) IS NULL"
        return Cells(source, source, ((told, wrong),))
    if kind == "VARCHAR":
        text = _given(source)
        value = rf"TRY_CAST(REGEXP_REPLACE({text}, '\.0*$', '') AS BIGINT)"
        return Cells(source, value, ((told, _unlike(text, _INTEGER, value)),), plain=False)
    return None


def _number(source: str, kind: str) -> Cells | None:
    told = "not a number"
    if kind in _WHOLE | {"DECIMAL"}:
        return Cells(source, source)
    if kind in _BROKEN:
        return Cells(source, source, ((told, f"NOT ISFINITE({source})"),))
    if kind == "VARCHAR":
        text = _given(source)
        value = f"TRY_CAST({text} AS DOUBLE)"
        wrong = f"{_unlike(text, _NUMBER, value)} OR NOT ISFINITE({value})"
        return Cells(source, value, ((told, wrong),), plain=False)
    return None


def _boolean(source: str, kind: str) -> Cells | None:
    told = "neither true nor false"
    if kind == "BOOLEAN":
        return Cells(source, source)
    if kind in _WHOLE:
        return Cells(source, source, ((told, f"{source} NOT IN (0, 1)"),))
    if kind == "VARCHAR":
        text = f"LOWER({_given(source)})"
        value = f"({text} IN ('true', 't', '1'))"
        return Cells(source, value, ((told, f"{text} NOT IN ('true', 't', '1', 'false', 'f', '0')"),), plain=False)
    return None


def _date(source: str, kind: str) -> Cells | None:
    if kind == "DATE":
        return Cells(source, source)
    if kind in _INSTANTS or kind == _ZONED:
        instant = f"({source} AT TIME ZONE 'UTC')" if kind == _ZONED else source
        return Cells(source, source, (("a day with a time", f"{instant} <> DATE_TRUNC('day', {instant})"),))
    if kind == "VARCHAR":
        text = _given(source)
        value = f"TRY_CAST(LEFT({text}, 10) AS DATE)"
        return Cells(source, value, (("not a day (YYYY-MM-DD)", _unlike(text, _MIDNIGHT, value)),), plain=False)
    return None


def _timestamp(source: str, kind: str) -> Cells | None:
    if kind in _INSTANTS or kind == _ZONED:
        return Cells(source, source)
    if kind == "VARCHAR":
        text = _given(source)
        value = f"(TRY_CAST({text} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC')"
        zoned = f"REGEXP_FULL_MATCH({text}, '.*:.*{_ZONE}')"
        told = "not an instant (YYYY-MM-DD HH:MM:SS in UTC, or with Z or +HH:MM)"
        check = (told, _unlike(text, _INSTANT, value))
        return Cells(source, value, (check,), plain=False, mixed=(zoned, f"LENGTH({text}) > 10 AND NOT {zoned}"))
    return None


_READERS: Mapping[ColumnType, Callable[[str, str], Cells | None]] = {
    "text": _text,
    "texts": _texts,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}


def _given(source: str) -> str:
    """A text that says something; blanks around it, and a text of nothing else, say nothing."""
    return f"NULLIF(TRIM({source}), '')"


def _uncast(source: str, kind: str) -> str:
    return f"{source} IS NOT NULL AND TRY_CAST({source} AS {kind}) IS NULL"


def _unlike(text: str, form: str, value: str) -> str:
    """A text that there is, but not of this form, or without a value."""
    return f"{text} IS NOT NULL AND (NOT REGEXP_FULL_MATCH({text}, '{form}') OR {value} IS NULL)"
