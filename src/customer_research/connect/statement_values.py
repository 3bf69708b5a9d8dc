"""Values as Snowflake's SQL API writes them: bindings with a type, and cells that are texts whatever their column's type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from customer_research.connect.sql import Parameter
from customer_research.errors import EngineError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.date()
_MICROSECONDS = 1_000_000
_NANOSECONDS = 1_000_000_000

_COUNTED = re.compile(r"-?\d+(\.\d+)?")

MOMENTS = frozenset({"TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"})

Cell = Callable[[str], Any]


def bound(value: Parameter) -> Mapping[str, str]:
    """A parameter as it is bound: its Snowflake type and its value as a text. An instant is bound as its wall time in UTC.

    Raises:
        EngineError: an instant has no time zone.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise EngineError("A moment given to a query needs a time zone.")
        since = value - _EPOCH
        whole = (since.days * 86_400 + since.seconds) * _NANOSECONDS + since.microseconds * 1_000
        return {"type": "TIMESTAMP_NTZ", "value": str(whole)}
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "value": str(value).lower()}
    if isinstance(value, int):
        return {"type": "FIXED", "value": str(value)}
    if isinstance(value, float):
        return {"type": "REAL", "value": repr(value)}
    return {"type": "TEXT", "value": value}


def reader(kind: str) -> Cell:
    """How cells of a column type are read; what is no number, day or time stays the text that it is.

    The values are those that Metabase gives of the same column: whole numbers as integers, others as floats; wall times as
    instants in UTC.
    """
    name = kind.upper()
    if name in MOMENTS:
        return _moment
    return _READERS.get(name, str)


def _number(text: str) -> int | float:
    """A number of any scale; the text has its point where it belongs."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if not found.is_finite():
        return float(found)
    return int(found) if found == found.to_integral_value() else float(found)


def _flag(text: str) -> bool:
    known = _FLAGS.get(text.lower())
    if known is None:
        raise ValueError(f"{text[:40]!r} is no truth value")
    return known


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _day(text: str) -> date:
    """A day, of the days since 1970; or as ISO 8601, where an account writes days and times for people."""
    return _FIRST_DAY + timedelta(days=int(text)) if _COUNTED.fullmatch(text) else date.fromisoformat(text)


def _time(text: str) -> str:
    """The time of a day, of the seconds since midnight."""
    return (_EPOCH + timedelta(microseconds=_microseconds(text))).time().isoformat()


def _moment(text: str) -> datetime:
    """An instant, of the seconds since 1970 with nine decimals; what stands behind a blank is the offset it was entered with.

    Or as ISO 8601, a wall time in UTC where it has no offset.
    """
    counted = _COUNTED.fullmatch(text.partition(" ")[0])
    if counted is not None:
        return _EPOCH + timedelta(microseconds=_microseconds(counted[0]))
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)


def _microseconds(text: str) -> int:
    try:
        return int((Decimal(text) * _MICROSECONDS).to_integral_value("ROUND_FLOOR"))
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no time") from None


_READERS: Mapping[str, Cell] = {
    "FIXED": _number,
    "NUMBER": _number,
    "REAL": float,
    "FLOAT": float,
    "BOOLEAN": _flag,
    "DATE": _day,
    "TIME": _time,
}
