"""Values as vendors write them, each kind read in one place: words, operator ids, numbers, instants and days.

Null, blank and nothing but blanks say nothing: None. What says something that cannot be read raises `UnreadableError` with
the true reason; it is never read as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

T = TypeVar("T")

SHOWN = 40
"""Characters of an unreadable value that its reason shows."""

LEGACY = "legacy:"
"""The mark of an operator id of the old or test style, a number (`legacy:12345`), never a UUID; vendors have it without."""

SAFE_INTEGER = 2**53
"""Up to here a number that a program read as a binary fraction is still the one that was meant."""

_HEX = re.compile(r"[0-9a-f]{32}")
_AROUND_ID = re.compile(rf"^(?:urn:uuid:|operator[_-]|op[_-]|{LEGACY})")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_LONG_DAY = re.compile(r"[A-Z][a-z]+ \d{1,2}, \d{4}")
_LONG_FORMS = ("%B %d, %Y, %I:%M %p", "%B %d, %Y, %I:%M:%S %p", "%B %d, %Y, %H:%M", "%B %d, %Y")
"""How Metabase writes instants and days for people where it does not leave them as they are (its default style)."""


class UnreadableError(ValueError):
    """A value that is there and cannot be read; the text says what it is and what was expected."""


def text(value: Any) -> str | None:
    """A text without blanks around it; None when it says nothing."""
    return None if value is None else str(value).strip() or None


def enumerated(value: Any) -> str | None:
    """A code word of a vocabulary in the one spelling that is compared: lower case, no blanks around it."""
    word = text(value)
    return None if word is None else word.casefold()


def spelt(value: Any, vocabulary: Iterable[str]) -> str | None:
    """A name as its vocabulary spells it, whatever its case and the blanks around it; one that is not in it as it is."""
    word = text(value)
    if word is None:
        return None
    return next((known for known in vocabulary if known.casefold() == word.casefold()), word)


def operator_id(value: Any) -> str | None:
    """An operator id in canonical form, however it is written; None when it is none.

    A UUID may be in any case, without dashes, in braces or behind `op_`; an old-style number may be a float of an export
    (`12345.0`, `1.2345E4`) and gets its mark, `legacy:12345`.
    """
    word = enumerated(value)
    if word is None:
        return None
    bare = _AROUND_ID.sub("", word.strip("{}<>\"'`"))
    digits = bare.replace("-", "")
    if _HEX.fullmatch(digits):
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    number = bare if bare.isascii() and bare.isdigit() else number_id(bare)
    return None if number is None else f"{LEGACY}{number}"


def operator_key(value: Any) -> str | None:
    """The operator that a record belongs to: as `operator_id`, and an id of another form in lower case."""
    return operator_id(value) or enumerated(value)


def number_id(value: Any) -> str | None:
    """A numeric id that exports turn into a float (`1.2345678901E10`, `123.0`) as digits; None when it is none.

    A number beyond 2**53 may have been a float, has then lost digits, and tells no id.
    """
    try:
        found = whole(value)
    except UnreadableError:
        return None
    return str(found) if found is not None and 0 < found <= SAFE_INTEGER else None


def number(value: Any) -> Decimal | None:
    """A finite number: of a number or of a text (`12`, `1.5E3`, `1,234.50`).

    Raises:
        UnreadableError: it is none, or not finite (NaN, Infinity).
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    shown = str(value).strip()
    try:
        found = Decimal(shown.replace(",", "") if _GROUPED.fullmatch(shown) else shown)
    except InvalidOperation:
        found = None
    if found is None or isinstance(value, bool):
        raise _unreadable(value, "number")
    if not found.is_finite():
        raise _unreadable(value, "finite number")
    return found


def whole(value: Any) -> int | None:
    """A whole number (`12`, `12.0`, `"12"`).

    Raises:
        UnreadableError: it is none.
    """
    found = number(value)
    if found is None:
        return None
    if found != found.to_integral_value():
        raise _unreadable(value, "whole number")
    return int(found)


def instant(value: Any) -> datetime | None:
    """An instant in UTC: ISO 8601 (a time without zone is UTC, a day its midnight), or Metabase's long English form.

    Raises:
        UnreadableError: it is none. Days of slashes are none either: which number is the month is not told.
    """
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone is set below
    else:
        shown = value if type(value) is str else text(value)
        if not shown or shown.isspace():
            return None
        found = _moment(shown)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def day(value: Any) -> date | None:
    """A calendar day, as written (never shifted by a zone).

    Raises:
        UnreadableError: as `instant`.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    shown = text(value)
    return None if shown is None else _moment(shown).date()


def flag(value: Any) -> bool | None:
    """A truth value: true, t, yes, 1 or false, f, no, 0 in any case.

    Raises:
        UnreadableError: it is none.
    """
    word = enumerated(value)
    if word is None:
        return None
    if word in {"true", "t", "yes", "1", "1.0"}:
        return True
    if word in {"false", "f", "no", "0", "0.0"}:
        return False
    raise _unreadable(value, "truth value")


def bucket(value: Any) -> str | None:
    """The name of a range of numbers; `1.0`, which an export made of it, is `1`."""
    word = text(value)
    return None if word is None else re.sub(r"\A(\d+)\.0+\Z", r"\1", word)


def lenient(read: Callable[[Any], T | None]) -> Callable[[Any], T | None]:
    """A reader to which what cannot be read is nothing: for what people type into a field of their own."""

    def reading(value: Any) -> T | None:
        try:
            return read(value)
        except UnreadableError:
            return None

    return reading


def by_name(read: Callable[[str], T], names: str) -> dict[str, T]:
    """What is called the same at a vendor and here, read by its name; names are parted by blanks."""
    return {name: read(name) for name in names.split()}


def listed(names: Iterable[str]) -> str:
    """A list of texts as one, as the canonical tables hold it: `|a|b|`, empty for none (a bar inside becomes a slash)."""
    parts = [name.replace("|", "/") for name in names]
    return f"|{'|'.join(parts)}|" if parts else ""


def names_of(texts: str | None) -> tuple[str, ...]:
    """The texts of such a list."""
    return tuple(texts.strip("|").split("|")) if texts else ()


def _moment(given: str) -> datetime:
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        shown = given.strip()
    try:
        return datetime.fromisoformat(shown)
    except ValueError:
        pass
    if _LONG_DAY.match(shown):
        for form in _LONG_FORMS:
            try:
                return datetime.strptime(shown, form)  # noqa: DTZ007 - the caller sets the zone
            except ValueError:
                continue
    raise _unreadable(shown, "instant (YYYY-MM-DD, with or without a time)")


def _unreadable(value: Any, expected: str) -> UnreadableError:
    shown = str(value).strip()
    cut = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
    return UnreadableError(f"{cut!r} is no {expected}")
