"""How numbers are written in English: patterns, and what each match says.

The order of `PATTERNS` decides where two would take the same place: dates before amounts, spans before counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from customer_research.drafts.quantities import Quantity

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
        )
    )
}  # fmt: skip
SHARE_WORDS = {
    "a quarter": 25, "one quarter": 25, "three quarters": 75, "a third": 33, "one third": 33, "two thirds": 67,
    "half": 50, "one half": 50,
}  # fmt: skip
_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "US$": "USD", "CA$": "CAD", "A$": "AUD", "$": "$"}
_CODES = "USD|EUR|GBP|CAD|AUD|NZD|CHF|JPY|SEK|NOK|DKK|MXN|SGD|HKD|INR|BRL|ZAR|AED"
_NUM = r"[+\-\u2212]?\d+(?:,\d{3})*(?:\.\d+)?"
_SCALE = r"(?:\s?(?:k|K|m|M|thousand|million)\b)?"
_NAMES = {"DOLLARS": "$", "EUROS": "EUR", "POUNDS": "GBP"}
_SCALES = {"": 1, "k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365, "hour": 0, "minute": 0, "min": 0}

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("skip", (r"https?://\S+|[\w.+-]+@[\w-]+\.[\w.]+|\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\b|^\s*\d{1,2}[.)](?=\s|$)|\bQ[1-4]\b|24/7"
            r"|\+\d[\d\s().-]{7,}\d|\(\d{3}\)\s?\d{3}-\d{4}|\b\d{3}-\d{3}-\d{4}\b")),
        ("citation", r"\[\d+(?:\s*[,;]\s*\d+)*\]|\((?:[^()]*?\b(?:receipts?|citations?|sources?)\s+\d+[^()]*)\)"),
        ("iso", r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
        ("day", rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<mon>{_MONTH})\b(?:\.?,?\s+(?P<y>\d{{4}}))?"),
        ("day", rf"\b(?P<mon>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*%)(?:,?\s+(?P<y>\d{{4}}))?"),
        ("month", rf"\b(?:{_MONTH})\s+(?P<y>\d{{4}})\b"),
        ("slashed", r"\b\d{1,4}/\d{1,2}/\d{1,4}\b"),
        ("money", rf"(?P<neg>[\-\u2212])?(?P<sign>US\$|CA\$|A\$|[$€£¥])\s?(?P<n>{_NUM})(?P<k>{_SCALE})(?:\s?(?P<code>{_CODES})\b)?"),
        ("money", rf"\b(?P<code>{_CODES})\s?(?P<n>{_NUM})(?P<k>{_SCALE})"),
        ("money", rf"(?P<n>(?<![\w.]){_NUM})(?P<k>{_SCALE})\s?(?P<code>{_CODES}|dollars|euros|pounds)\b"),
        ("share", rf"(?P<n>(?<![\w.]){_NUM})\s?(?:%|percent\b|per cent\b)"),
        ("identifier", r"\b(?!\d+-[A-Za-z]+\b(?!-))(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z_])(?:[A-Za-z0-9]+[-_])+[A-Za-z0-9]+\b|\b[0-9a-f]{16,}\b|\b\d{6,}-\d+\b|#\d+\b"),
        ("days", rf"(?P<n>(?<![\w.]){_NUM}|\b(?:{'|'.join(_NUMBER_WORDS)})\b)[\s-](?P<unit>days?|weeks?|months?|years?|hours?|minutes?|mins?)\b"),
        ("days", rf"(?<=\bthe )(?P<n>{_NUM})(?=\s+(?:before|prior|earlier)\b)"),
        ("points", rf"(?P<n>(?<![\w.]){_NUM})(?:\s?/\s?100\b|\s+(?:out\s+)?of\s+100\b|\s+points?\b)"),
        ("year", r"(?<![\w.,])(?:19|20)\d{2}(?![\w,]|\.\d)"),
        ("count", rf"(?P<n>(?<![\w.]){_NUM})(?P<k>(?:k|K|m|M)\b|\s(?:thousand|million)\b)?(?![\w])"),
        ("share word", rf"\b(?:two thirds|three quarters)\b|\b(?:{'|'.join(SHARE_WORDS)})\b(?=\s+(?:of|the|fewer|less|more|as)\b)|(?<=\bby )(?:{'|'.join(SHARE_WORDS)})\b"),
        ("count", rf"\b(?P<n>{'|'.join(word for word in _NUMBER_WORDS if word != 'one')})\b(?!-)"),
        ("none", r"\b(?:no(?!\s+(?:fewer|less|more|longer|later|sooner|doubt))|zero|without(?: any)?|not (?:a single|any|one)|nothing|none|never)\b"),
    )
)  # fmt: skip


def quantity(name: str, match: re.Match[str]) -> Quantity | None:
    """What a match of the pattern of this name says; None where it is no claim (a citation, a time of day)."""
    reader = _READERS.get(name)
    return None if reader is None else reader(match)


def _count(match: re.Match[str]) -> Quantity:
    value, step = _number(match["n"], match.groupdict().get("k") or "")
    return Quantity("count", value, step=step)


def _share(match: re.Match[str]) -> Quantity:
    value, step = _number(match["n"])
    return Quantity("share", value, step=step)


def _points(match: re.Match[str]) -> Quantity:
    value, step = _number(match["n"])
    return Quantity("points", value, step=step)


def _span(match: re.Match[str]) -> Quantity | None:
    value, _ = _number(match["n"])
    each = _DAYS[(match.groupdict().get("unit") or "day").casefold().rstrip("s")]
    return Quantity("days", value * each, step=Decimal(each) / 2) if each else None


def _money(match: re.Match[str]) -> Quantity:
    parts = match.groupdict()
    value, step = _number(parts["n"], parts["k"] or "")
    code = (parts.get("code") or "").upper()
    currency = _NAMES.get(code, code) or _SIGNS[(parts.get("sign") or "$").upper()]
    return Quantity("money", -value if parts.get("neg") else value, currency, step)


def _day(match: re.Match[str]) -> Quantity:
    """A day; without a year it is of the year 1, and of any year. What no calendar has is an identifier."""
    parts = match.groupdict()
    month = _MONTHS[str(parts["mon"]).casefold()] if parts.get("mon") else int(str(parts["m"]))
    try:
        return Quantity("date", date(int(parts["y"] or 1), month, int(parts["d"])))
    except ValueError:
        return Quantity("identifier", match[0])


def _number(written: str, scale: str = "") -> tuple[Decimal, Decimal]:
    """A number, and half of its last written place (of its thousands or millions where it has such a scale)."""
    word = written.casefold()
    if word in _NUMBER_WORDS:
        return Decimal(_NUMBER_WORDS[word]), Decimal(0)
    plain = Decimal(written.replace(",", "").replace("\u2212", "-").replace("+", ""))
    factor = _SCALES[scale.strip().casefold()]
    exponent = plain.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return plain * factor, Decimal(1).scaleb(-places) * factor / 2


_READERS: Mapping[str, Callable[[re.Match[str]], Quantity | None]] = {
    "iso": _day,
    "day": _day,
    "slashed": lambda match: Quantity("identifier", match[0]),
    "identifier": lambda match: Quantity("identifier", match[0].lstrip("#")),
    "money": _money,
    "share": _share,
    "days": _span,
    "points": _points,
    "year": lambda match: Quantity("year", Decimal(match[0])),
    "count": _count,
    "share word": lambda match: Quantity("share", Decimal(SHARE_WORDS[match[0].casefold()]), step=Decimal(2)),
    "none": lambda _match: Quantity("count", Decimal(0)),
}
