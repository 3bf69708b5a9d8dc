"""What Snowflake's SQL API sends and takes: columns with types, cells as texts, bindings with types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.snowflake_sql import SnowflakeError

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (wall times: that is what a TIMESTAMP_NTZ is)

_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_PLAIN = {"DOUBLE": "real", "FLOAT": "real", "BOOLEAN": "boolean", "DATE": "date", "TIME": "time", "VARCHAR": "text"}


class BindingError(Exception):
    """A binding that Snowflake does not take; the message is the one it gives."""


def column(name: str, kind: str) -> Row:
    """A column of DuckDB as `rowType` describes it."""
    shown: Row = {
        "name": name,
        "database": "",
        "schema": "",
        "table": "",
        "nullable": True,
        "precision": None,
        "scale": None,
    }
    if kind in _WHOLE:
        return shown | {"type": "fixed", "precision": 38, "scale": 0}
    if kind.startswith("DECIMAL"):
        precision, _, scale = kind.removeprefix("DECIMAL(").removesuffix(")").partition(",")
        return shown | {"type": "fixed", "precision": int(precision), "scale": int(scale)}
    if kind == "TIMESTAMP WITH TIME ZONE":
        return shown | {"type": "timestamp_ltz", "precision": 0, "scale": 9}
    if kind.startswith("TIMESTAMP"):
        return shown | {"type": "timestamp_ntz", "precision": 0, "scale": 9}
    return shown | {"type": _PLAIN.get(kind, "text" if kind.startswith("ENUM") else "variant")}


def cells(rows: Sequence[Sequence[Any]], *, nulls: bool) -> list[list[str | None]]:
    """The rows with every value as a text; where there is none, null or, without *nulls*, the word."""
    nothing = None if nulls else "null"
    return [[nothing if value is None else _cell(value) for value in row] for row in rows]


def _cell(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    writer = _WRITERS.get(kind)
    return writer(value) if writer is not None else json.dumps(value, default=str)


def _seconds(span: timedelta) -> str:
    total = (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
    whole, rest = divmod(abs(total), 1_000_000)
    return f"{'-' if total < 0 else ''}{whole}.{rest * 1000:09d}"


def _moment(value: datetime) -> str:
    plain = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    return _seconds(plain - _EPOCH)


_NOT_FINITE = {"nan": "NaN", "inf": "inf", "-inf": "-inf"}
_WRITERS: Mapping[type[Any], Callable[[Any], str]] = {
    int: str,
    float: lambda value: _NOT_FINITE.get(repr(value), repr(value)),
    Decimal: str,
    datetime: _moment,
    date: lambda value: str((value - _EPOCH.date()).days),
    time: lambda value: _seconds(datetime.combine(_EPOCH.date(), value) - _EPOCH),
}


# -- bindings ------------------------------------------------------------------------------------------------------------


def named(sql: str, bindings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A statement whose `?` are names that the engine binds, and their values.

    Raises:
        SnowflakeError: there are fewer bindings than `?`.
        BindingError: a binding is not a known type with a text that it can be.
    """
    try:
        tokens = list(Dialect.get_or_raise("snowflake").tokenize(sql))
    except SqlglotError:
        return sql, {}  # the engine refuses it in its own words
    places = [token.start for token in tokens if token.token_type is TokenType.PLACEHOLDER]
    pieces, begin = [], 0
    values: dict[str, Any] = {}
    for number, place in enumerate(places, 1):
        if str(number) not in bindings:
            raise SnowflakeError(f"SQL compilation error: error line 1 at position {place}\nBind variable ? not set.")
        values[f"b{number}"] = _bound(bindings[str(number)])
        pieces += [sql[begin:place], f":b{number}"]
        begin = place + 1
    return "".join([*pieces, sql[begin:]]), values


def _bound(binding: Any) -> Any:
    kind, text = (binding.get("type"), binding.get("value")) if isinstance(binding, dict) else (None, None)
    reader = _READERS.get(str(kind))
    if reader is None or (text is not None and not isinstance(text, str)):
        raise BindingError(f"{kind} value '{text}' is not recognized")
    try:
        return None if text is None else reader(text)
    except (ValueError, ArithmeticError):
        raise BindingError(f"{kind} value '{text}' is not recognized") from None


def _fixed(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _wall_time(text: str) -> datetime:
    """Nanoseconds since 1970."""
    return _EPOCH + timedelta(microseconds=int(text) // 1000)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "FIXED": _fixed,
    "REAL": float,
    "TEXT": str,
    "BOOLEAN": _flag,
    "DATE": lambda text: (_EPOCH + timedelta(milliseconds=int(text))).date(),
    "TIMESTAMP_NTZ": _wall_time,
}
