"""Reading what people write in files, settings and options: however odd it is, `ValueError` is all that can come of it."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import Any, TypeVar

D = TypeVar("D", bound=date)

EARLIEST = 1900
LATEST = 2999
"""The years that are reckoned with: further out, a window before or after an instant would leave the calendar."""


def toml(text: str) -> dict[str, Any]:
    """A TOML document.

    Raises:
        tomllib.TOMLDecodeError: it is none, or is nested too deeply.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from None


def json_value(text: str | bytes) -> Any:
    """A JSON document.

    Raises:
        ValueError: it is none, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def day(text: str) -> date:
    """A calendar day of the years that are reckoned with.

    Raises:
        ValueError: it is none.
    """
    return _reckoned(date.fromisoformat(text.strip()))


def instant(text: str) -> datetime:
    """A day (its midnight) or an instant, UTC unless it names its own zone; of the years that are reckoned with.

    Raises:
        ValueError: it is neither.
    """
    found = _reckoned(datetime.fromisoformat(text.strip()))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def is_reckoned(value: date) -> bool:
    """Whether a day or an instant lies in the years that are reckoned with."""
    return EARLIEST <= value.year <= LATEST


def _reckoned(value: D) -> D:
    if not is_reckoned(value):
        raise ValueError(f"the year {value.year} is not reckoned with")
    return value


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address is this machine's own, which nobody else reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
