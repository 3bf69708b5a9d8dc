"""How a value reads: the one formatter, by unit. Sentences, reports, alerts, charts and the command line all take their words here.

Numbers stand with commas between thousands, and what is rounded is rounded half away from zero, as people do it by hand. A
share close to 0 or 100 % is never rounded into it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from customer_research.domain.evidence import Fact
from customer_research.domain.money import CURRENCY, Money, digits
from customer_research.errors import RenderError

LOCALE = "en_US"

_CHANGES = frozenset({"contribution_points", "score_change", "change"})
_SEQUENCES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)
_SEPARATORS = re.compile(r"[\x1c-\x1f]")  # control characters that `split` takes for blanks
_DUST = Decimal("1e-12")  # a sum of binary fractions that makes the whole may miss it by this much
_JOINERS = "\u200c\u200d"  # carry meaning in Persian, Indic scripts and emoji; they reorder nothing
_LETTERED = re.compile(r"([A-Z]{3})(?=\d)")


def clean(text: str) -> str:
    """A text on one line, without terminal sequences, control characters, bidi controls or lone surrogates."""
    spaced = " ".join(text.split())
    if spaced.isprintable() and not _SEPARATORS.search(text):  # which none of those is; nearly every text
        return spaced
    return " ".join("".join(_harmless(char) for char in _SEQUENCES.sub("", text)).split())


def _harmless(char: str) -> str:
    kind = unicodedata.category(char)
    if char in _JOINERS:
        return char
    if kind in {"Zl", "Zp", "Zs"} or char in "\t\n\r\v\f\x85":
        return " "
    if kind == "Cs":
        return "\ufffd"
    return "" if kind.startswith("C") else char


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that are spelt most alike, three at most, whatever their case."""
    import difflib  # noqa: PLC0415 - only on a wrong name

    lowered = {one.lower(): one for one in known}
    return [lowered[one] for one in difflib.get_close_matches(name.lower(), lowered, n=3)]


def shortened(text: str, longest: int) -> str:
    """As much of a text as has room; where there was more, its end says so."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def list_words(text: str) -> str:
    """A text; a `|a|b|` list as `a, b`."""
    is_list = text.startswith("|") and text.endswith("|") and len(text) > 1
    return ", ".join(part for part in text.split("|") if part) if is_list else text


def instant_text(value: datetime, precision: str = "auto") -> str:
    """An instant as programs read it: ISO 8601, in UTC; with all of its digits, or cut to `seconds` or `milliseconds`."""
    return value.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def counted(number: int, word: str, words: str = "") -> str:
    """A number of things: `1 row`, `2,000 rows`; `words` is the plural that another letter s does not make."""
    return f"{number:,} {word if number == 1 else words or f'{word}s'}"


def _fixed(value: float | Decimal, places: int) -> str:
    return f"{Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0:,f}"


def _decimal(value: float | Decimal) -> str:
    """At most one decimal, none when it would be 0."""
    return _fixed(value, 1).removesuffix(".0")


def money_words(money: Money) -> str:
    """An amount in its currency, with as many decimals as ISO 4217 gives it: `$1,234.50`, `¥1,200`, `-CA$12.00`."""
    if money.currency == "USD":  # most amounts are, and no table of the world's currencies has to be read for them
        return f"{'-' * (money.minor < 0)}${_fixed(abs(money.major), 2)}"
    from babel.numbers import format_currency  # noqa: PLC0415 - start-up time

    places = digits(money.currency)
    if not CURRENCY.fullmatch(money.currency):
        return f"{_fixed(money.major, places)} {clean(money.currency)}"
    pattern = "¤#,##0" + (f".{'0' * places}" if places else "")
    text = format_currency(money.major, money.currency, format=pattern, locale=LOCALE, currency_digits=False)
    return _LETTERED.sub(r"\1 ", str(text).replace("\xa0", " "))


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != int(value):
        raise TypeError
    return int(value)


def _real(value: Any) -> float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise TypeError
    return value


def _count(value: Any) -> str:
    return f"{_integer(value):,}"


def share_words(value: Any) -> str:
    """Percent with one decimal; a share close to 0 or 100 % is never rounded into it: `under 0.1%`, `over 99.9%`.

    Raises:
        TypeError: the value is no finite number.
    """
    share = Decimal(str(_real(value)))
    if abs(share - 1) < _DUST:
        share = Decimal(1)
    percent = _fixed(abs(share) * 100, 1)
    if percent == "0.0" and share:
        return "between -0.1% and 0%" if share < 0 else "under 0.1%"
    if percent == "100.0" and 0 < share < 1:
        return "over 99.9%"
    return f"{'-' if share < 0 else ''}{percent.removesuffix('.0')}%"


def _days(value: Any) -> str:
    text = _decimal(_real(value))
    return f"{text} day" if text == "1" else f"{text} days"


def _amounts(value: Any) -> str:
    """Totals side by side, never added; a currency with nothing is left out beside one with something."""
    amounts = (value,) if isinstance(value, Money) else tuple(value)
    if not all(isinstance(money, Money) for money in amounts):
        raise TypeError
    shown = [money for money in amounts if money.minor] or amounts
    return " and ".join(money_words(money) for money in shown) or "0"


def _date(value: Any) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError
    return value.isoformat()


def instant_words(value: datetime) -> str:
    """An instant in UTC, to the minute: `2026-11-01 09:30 UTC`."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def dated_words(as_of: datetime, made: datetime) -> str:
    """Of when a report speaks, and when it was made where that is another minute."""
    spoken, dated = instant_words(as_of), instant_words(made)
    if spoken == dated:
        return f"As of {spoken}."
    same_day = spoken.partition(" ")[0] == dated.partition(" ")[0]
    return f"As of {spoken}, made {dated.partition(' ')[2] if same_day else dated}."


def _timestamp(value: Any) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError
    return instant_words(value)


def _boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise TypeError
    return "yes" if value else "no"


def _estimate(one: Callable[[float], str], joint: str = "-") -> Callable[[Any], str]:
    """An estimate and its 95 % interval, each figure by `one`: `4.2 [3.6-4.7]`; `joint` parts bounds that may be negative."""

    def words(value: Any) -> str:
        from customer_research.domain.calibration import Estimate  # noqa: PLC0415 - start-up time

        if not isinstance(value, Estimate):
            raise TypeError
        middle = one(value.value)
        if value.low is None or value.high is None:
            return f"{middle} (interval not known)"
        return f"{middle} [{one(value.low)}{joint}{one(value.high)}]"

    return words


def _places(places: int) -> Callable[[Any], str]:
    return lambda value: _fixed(_real(value), places)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return clean(value) or "(blank)"


def plain_word(text: str) -> str:
    """A vendor's word for a state as people write it: `needs_response` as `needs response`, `LOST_TO_RIVAL` as `lost to rival`."""
    return (text.lower() if text.isupper() and "_" in text else text).replace("_", " ")


DISPLAYS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "count": _count,
        "ratio": share_words,
        "days": _days,
        "money": _amounts,
        "usd_minor": lambda value: money_words(Money("USD", _integer(value))),
        "date": _date,
        "timestamp": _timestamp,
        "text": _text,
        "word": lambda value: plain_word(_text(value)),
        "boolean": _boolean,
        "points": _count,
        "number": lambda value: _decimal(_real(value)),
        "measure": _places(3),
        "precise": _places(5),
        "estimate": _estimate(_places(3), " to "),
        "estimate_ratio": _estimate(share_words),
        "estimate_number": _estimate(_places(1)),
        "estimate_days": _estimate(_places(0)),
    }
)
"""Unit → words. Each raises `TypeError` (or a relative) for a value that the unit cannot hold, `None` above all."""


@cache
def is_change(metric: str) -> bool:
    """Whether a figure is a change, which is shown with a plus sign when positive."""
    from customer_research.domain.catalogue import METRICS  # noqa: PLC0415 - start-up time

    return metric in _CHANGES or (metric in METRICS and METRICS[metric].sign == "change")


def unit_words(value: Any, unit: str, metric: str = "") -> str:
    """A value in words, by its unit; a metric that is a change has its plus sign.

    Raises:
        RenderError: the unit is unknown, or the value is not of the unit.
    """
    display = DISPLAYS.get(unit)
    if display is None:
        raise RenderError(f"The figure {metric or value!r} has the unknown unit {unit!r}.")
    try:
        words = display(value)
    except (TypeError, ValueError, ArithmeticError):
        raise RenderError(
            f"The figure {metric or 'without a name'} holds {value!r}, which is not a value of unit {unit!r}.",
            hint="An unknown value is a Gap with its reason, never None.",
        ) from None
    if not is_change(metric) or isinstance(value, bool) or value <= 0:
        return words
    return words.replace("under ", "under +") if words.startswith("under") else f"+{words}"


def value_words(fact: Fact[Any]) -> str:
    """A fact's value in words, by its unit; personal values are not for this function.

    Raises:
        RenderError: the unit is unknown, or the value is not of the unit.
    """
    return unit_words(fact.value, fact.unit, fact.metric)


def number_words(fact: Fact[Any]) -> str:
    """A fact's value without sign and without the noun of its unit, for a sentence that brings its own: `2.5` of 2.5 days.

    Raises:
        RenderError: the unit is unknown, or the value is not of the unit.
    """
    return unit_words(fact.value, "number" if fact.unit == "days" else fact.unit)
