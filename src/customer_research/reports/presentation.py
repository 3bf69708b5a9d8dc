"""How a figure looks and who may see it: the one place for display by unit, cleaning, masking, audience and footnotes.

Every renderer takes its words from here, so that a value reads the same on all of them. A `Presenter` is made for one report
and one reader; it gives each receipt its number, refuses a figure without a receipt, masks personal data and strips from
every text what could command a terminal or turn it around. Renderers only escape for their own syntax and lay out.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.money import Money, digits
from customer_research.domain.report import (
    Block,
    Bullets,
    Cell,
    Chart,
    FigureLine,
    Figures,
    Missing,
    Personal,
    Prose,
    Report,
    Section,
    Table,
    Text,
    Tone,
)
from customer_research.errors import RenderError
from customer_research.reports.audience import INTERNAL_SECTIONS

LOCALE = "en_US"

TONE_WORDS: Mapping[str, str] = MappingProxyType(
    {"good": "good", "watch": "watch", "bad": "act", "neutral": "", "unknown": ""}
)
"""The word that carries a tone where colour cannot (an unknown figure already says so in its own words)."""

GAP_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "unavailable": "not available",
        "denied": "access refused",
        "not_configured": "not configured",
        "none_found": "none found",
        "not_applicable": "does not apply",
        "stale": "too old to use",
        "truncated": "cut short",
    }
)
"""Each gap reason in words."""

ANSWERS = frozenset({"none_found", "not_applicable"})
"""Gap reasons that are answers: the source was read in full. All others are holes and are listed with their next step."""

SIGNED = frozenset(
    {
        "trend_30d",
        "trend_90d",
        "trend_90d_year",
        "trend_30d_seasonal",
        "usage_trend",
        "mrr_difference",
        "members_added_90d",
        "drivers_added_90d",
        "contribution_points",
        "score_change",
        "change",
    }
)
"""Metrics that are changes: shown with a plus sign when positive."""

SOURCE_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "lago": "Lago",
        "hubspot": "HubSpot",
        "notion": "Notion",
        "warehouse": "Warehouse",
        "metabase": "Metabase",
        "memory": "Computed",
        "file": "File",
        "health": "Health",
        "score history": "Score history",
        "assumption": "Assumption",
        "rates": "Exchange rates",
        "snapshot": "Account snapshot",
    }
)

_SEQUENCES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)
_JOINERS = "\u200c\u200d"  # carry meaning in Persian, Indic scripts and emoji; they reorder nothing
_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]+)@((?:[\w-]+\.)+[A-Za-z]{2,})")
_PHONE = re.compile(r"(?<![\w-])(?:\+\d[\d\s().-]{7,16}\d|\(?\d{3}\)?[-.\s]\d{3}[-.]\d{4})(?![\w-])")
_CURRENCY = re.compile(r"[A-Z]{3}")
_URL_SAFE = "/:?&=%@+,;~#!"
_LETTERED = re.compile(r"([A-Z]{3})(?=\d)")


def clean(text: str) -> str:
    """A text on one line, without terminal sequences, control characters, bidi controls or lone surrogates."""
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


def source_title(source: str) -> str:
    """A source's name as readers know it."""
    return SOURCE_TITLES.get(source, clean(source))


def list_words(text: str) -> str:
    """A text; a `|a|b|` list as `a, b`."""
    is_list = text.startswith("|") and text.endswith("|") and len(text) > 1
    return ", ".join(part for part in text.split("|") if part) if is_list else text


def _number(value: float | Decimal, pattern: str) -> str:
    from babel.numbers import format_decimal  # noqa: PLC0415 - start-up time

    return str(format_decimal(value, format=pattern, locale=LOCALE))


def money_words(money: Money) -> str:
    """An amount in its currency, with as many decimals as ISO 4217 gives it: `$1,234.50`, `¥1,200`, `-CA$12.00`."""
    from babel.numbers import format_currency  # noqa: PLC0415 - start-up time

    decimals = "0" * digits(money.currency)
    number = "#,##0" + (f".{decimals}" if decimals else "")
    if not _CURRENCY.fullmatch(money.currency):
        return f"{_number(money.major, number)} {clean(money.currency)}"
    text = format_currency(money.major, money.currency, format=f"¤{number}", locale=LOCALE, currency_digits=False)
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
    return _number(_integer(value), "#,##0")


def _ratio(value: Any) -> str:
    """Percent with one decimal; a value close to 0 or 100 % is never rounded into it."""
    share = _real(value)
    percent = round(abs(float(share)) * 100, 1)
    if percent == 0 and share != 0:
        return f"{'between -0.1% and 0%' if share < 0 else 'under 0.1%'}"
    if percent == 100 and 0 < share < 1:  # noqa: PLR2004 - 100 %
        return "over 99.9%"
    return f"{'-' if share < 0 else ''}{_number(Decimal(str(percent)), '#,##0.#')}%"


def _days(value: Any) -> str:
    days = _real(value)
    text = _number(round(Decimal(str(days)), 1), "#,##0.#")
    return f"{text} day" if days == 1 else f"{text} days"


def _amounts(value: Any) -> str:
    """Totals side by side, never added; a currency with nothing is left out beside one with something."""
    amounts = (value,) if isinstance(value, Money) else tuple(value)
    if not all(isinstance(money, Money) for money in amounts):
        raise TypeError
    telling = [money for money in amounts if money.minor] or amounts
    return " and ".join(money_words(money) for money in telling) or "0"


def _date(value: Any) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError
    return value.isoformat()


def instant_words(value: datetime) -> str:
    """An instant in UTC, to the minute: `2026-11-01 09:30 UTC`."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def dated_words(as_of: datetime, made: datetime) -> str:
    """Of when a report speaks, and when it was made where that is another minute."""
    spoken, told = instant_words(as_of), instant_words(made)
    if spoken == told:
        return f"As of {spoken}."
    same_day = spoken.partition(" ")[0] == told.partition(" ")[0]
    return f"As of {spoken}, made {told.partition(' ')[2] if same_day else told}."


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
        if not isinstance(value, Estimate):
            raise TypeError
        told = one(value.value)
        if value.low is None or value.high is None:
            return f"{told} (interval not known)"
        return f"{told} [{one(value.low)}{joint}{one(value.high)}]"

    return words


def _decimals(pattern: str) -> Callable[[float], str]:
    return lambda value: _number(Decimal(str(_real(value))), pattern)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return clean(value) or "(blank)"


DISPLAYS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "count": _count,
        "ratio": _ratio,
        "days": _days,
        "money": _amounts,
        "usd_minor": lambda value: money_words(Money("USD", _integer(value))),
        "date": _date,
        "timestamp": _timestamp,
        "text": _text,
        "boolean": _boolean,
        "points": _count,
        "number": lambda value: _number(round(Decimal(str(_real(value))), 1), "#,##0.#"),
        "measure": lambda value: _number(round(Decimal(str(_real(value))), 3), "#,##0.000"),
        "precise": lambda value: _number(round(Decimal(str(_real(value))), 5), "#,##0.00000"),
        "estimate": _estimate(_decimals("0.000"), " to "),
        "estimate_ratio": _estimate(_ratio),
        "estimate_number": _estimate(_decimals("#,##0.0")),
        "estimate_days": _estimate(_decimals("#,##0")),
    }
)
"""Unit → words. Each raises `TypeError` (or a relative) for a value that the unit cannot hold, `None` above all."""


def _signed(fact: Fact[Any]) -> bool:
    return fact.metric in SIGNED and not isinstance(fact.value, bool) and fact.value > 0


def value_words(fact: Fact[Any]) -> str:
    """A fact's value in words, by its unit; personal values are not for this function.

    Raises:
        RenderError: the unit is unknown, the value is not of the unit, or the fact has no receipt.
    """
    receipts_of(fact)
    display = DISPLAYS.get(fact.unit)
    if display is None:
        raise RenderError(f"The figure {fact.metric or fact.value!r} has the unknown unit {fact.unit!r}.")
    try:
        words = display(fact.value)
    except (TypeError, ValueError, ArithmeticError):
        name = fact.metric or "without a name"
        raise RenderError(
            f"The figure {name} holds {fact.value!r}, which is not a value of unit {fact.unit!r}.",
            hint="An unknown value is a Gap with its reason, never None.",
        ) from None
    if not _signed(fact):
        return words
    return words.replace("under ", "under +") if words.startswith("under") else f"+{words}"


def receipts_of(fact: Fact[Any]) -> tuple[Receipt, ...]:
    """The receipts of a fact.

    Raises:
        RenderError: there is none.
    """
    if not fact.basis:
        raise RenderError(
            f"The figure {fact.metric or fact.value!r} has no receipt and is not drawn.",
            hint="Make figures from metrics or fetched rows only.",
        )
    return fact.basis


def gap_words(gap: Gap, *, detailed: bool = True) -> str:
    """Why there is no value: `not available (Lago): the connection timed out`."""
    words = f"{GAP_WORDS[gap.reason]} ({source_title(gap.source)})"
    return f"{words}: {clean(gap.detail)}" if detailed and gap.detail else words


def note_words(fact: Fact[Any]) -> str:
    """A fact's note; one that was joined from several facts (`a; b; a`) says each part once."""
    return "; ".join(dict.fromkeys(part.strip() for part in fact.note.split(";") if part.strip()))


def _mask_word(word: str) -> str:
    return f"{word[0]}•••" if word else "•••"


def mask(personal: Personal) -> str:
    """Personal text as strangers may see it: enough to recognise, not to reach."""
    text = clean(personal.text)
    if personal.kind == "email":
        local, at, domain = text.partition("@")
        return f"{_mask_word(local)}@{domain}" if at else "•••"
    if personal.kind == "phone":
        tail = [char for char in text if char.isdigit()][-2:]
        return "•••" + "".join(tail)
    if personal.kind == "person":
        return " ".join(_mask_word(word) for word in text.split()) or "•••"
    return "(address hidden)"


def counted(number: int, word: str) -> str:
    """A number of things: `1 row`, `2 rows`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def mask_text(text: str) -> str:
    """A running text with the e-mail addresses and phone numbers in it masked."""
    text = _EMAIL.sub(lambda found: f"{_mask_word(found[1])}@{found[2]}", text)
    return _PHONE.sub(lambda found: mask(Personal(found[0], "phone")), text)


def safe_link(url: str) -> str:
    """A link fit to be followed: http or https with a host, percent-encoded; an empty string for anything else."""
    if not url or clean(url) != url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return quote(url, safe=_URL_SAFE) if parts.scheme in {"http", "https"} and host else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell ready to be escaped: its words, its tone (and the tone's word), its link and its footnote numbers."""

    text: str
    tone: Tone = "neutral"
    link: str = ""
    notes: tuple[int, ...] = ()
    note: str = ""

    @property
    def tone_word(self) -> str:
        """The tone in a word, empty when it says nothing."""
        return TONE_WORDS[self.tone]


@dataclass(frozen=True, slots=True)
class Hole:
    """Gaps with one cause: what it is, and all that is missing because of it."""

    gap: Gap
    concerns: tuple[str, ...]


def _cells(block: Block) -> Iterator[Cell]:
    if isinstance(block, Figures):
        yield from (line.figure for line in block.lines)
    elif isinstance(block, Table):
        yield from chain(*block.rows)
    elif isinstance(block, Prose):
        yield from block.facts
    elif isinstance(block, Bullets):
        yield from chain(*(item.facts for item in block.items))
    elif isinstance(block, Chart):
        yield from _cells_of_chart(block)


def _cells_of_chart(chart: Chart) -> Iterator[Cell]:
    yield from chart.says.facts
    for mark in chart.marks:
        yield mark.figure
        if isinstance(mark.at, Fact | Gap):
            yield mark.at
    for event in chart.events:
        yield from event.what.facts


def _receipts(block: Block) -> Iterator[Receipt]:
    if isinstance(block, Table):
        yield from block.basis
    for cell in _cells(block):
        if isinstance(cell, Fact):
            yield from receipts_of(cell)


def _check(block: Block) -> None:
    for cell in _cells(block):
        if not isinstance(cell, Fact | Gap | Text | Personal):
            raise RenderError(f"{cell!r} is a bare value without a receipt and is not drawn.")
    if isinstance(block, Table) and not block.basis and any(isinstance(cell, Personal) for cell in _cells(block)):
        raise RenderError(f"Table {block.caption!r} shows personal records without a receipt.")


class Presenter:
    """One report for one reader.

    Args:
        report: what to show; sections that are not for its audience are left out.
        show_personal: whether personal data is shown; a report for the customer never shows it.

    Raises:
        RenderError: a figure without a receipt, or a bare value where a figure belongs.
    """

    def __init__(self, report: Report, *, show_personal: bool = False) -> None:
        self.report = report
        self.show_personal = show_personal and report.audience == "internal"
        self.sections = tuple(section for section in report.sections if self._visible(section))
        for block in self._blocks():
            _check(block)
        self.receipts = tuple(self._numbered())
        self._single = [section.id for section in self.sections] == ["line"]
        self._repeated = {} if self._single else self._repeated_notes()
        self._numbers = {receipt.id: number for number, receipt in enumerate(self.receipts, 1)}

    def _visible(self, section: Section) -> bool:
        return self.report.audience == "internal" or section.id not in INTERNAL_SECTIONS

    def _blocks(self) -> Iterator[Block]:
        if self.headline:
            yield self.headline
        yield from self.warnings
        for section in self.sections:
            yield from section.blocks

    def _numbered(self) -> Iterable[Receipt]:
        seen: dict[str, Receipt] = {}
        for block in self._blocks():
            for receipt in _receipts(block):
                seen.setdefault(receipt.id, receipt)
        return seen.values()

    def _repeated_notes(self) -> Mapping[str, tuple[str, ...]]:
        concerned: dict[str, list[str]] = {}
        for block in self._blocks():
            for line in block.lines if isinstance(block, Figures) else ():
                if isinstance(line.figure, Fact) and line.figure.note:
                    concerned.setdefault(note_words(line.figure), []).append(line.label)
                elif isinstance(line.figure, Gap) and line.figure.reason in ANSWERS:
                    concerned.setdefault(gap_words(line.figure), []).append(line.label)
        return {note: tuple(dict.fromkeys(labels)) for note, labels in concerned.items() if len(labels) > 1}

    def _told(self, note: str) -> bool:
        return any(isinstance(block, Prose) and note.rstrip(".") in block.text for block in self._blocks())

    @property
    def notes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Notes and reasons that several figures share, each with their labels: told once instead of beside each."""
        told_once = ((note, labels) for note, labels in self._repeated.items() if not self._told(note))
        return tuple((self.text(note).rstrip("."), labels) for note, labels in told_once)

    @property
    def headline(self) -> Prose | None:
        """The headline; internal only, since it speaks of the health score."""
        return self.report.headline if self.report.audience == "internal" else None

    @property
    def warnings(self) -> tuple[Prose, ...]:
        """The warnings; internal only."""
        return self.report.warnings if self.report.audience == "internal" else ()

    def text(self, text: str) -> str:
        """Words, cleaned and (unless personal data is shown) with addresses and numbers masked."""
        plain = clean(text)
        return plain if self.show_personal else mask_text(plain)

    def numbers(self, receipts: Iterable[Receipt]) -> tuple[int, ...]:
        """The footnote numbers of receipts, ascending."""
        return tuple(sorted({self._numbers[receipt.id] for receipt in receipts}))

    def facts(self, facts: Iterable[Fact[Any]]) -> tuple[int, ...]:
        """The footnote numbers of what a sentence rests on."""
        return self.numbers(receipt for fact in facts for receipt in receipts_of(fact))

    def personal(self, personal: Personal) -> str:
        """Personal text, masked unless it may be shown."""
        return clean(personal.text) or "(blank)" if self.show_personal else mask(personal)

    def value(self, fact: Fact[Any]) -> str:
        """A fact's value in words."""
        if isinstance(fact.value, Personal):
            receipts_of(fact)
            return self.personal(fact.value)
        return self.text(value_words(fact)) if fact.unit == "text" else value_words(fact)

    def cell(self, cell: Cell, *, proven: tuple[Receipt, ...] = ()) -> Shown:
        """A cell in words; `proven` are receipts its table already names, which are not repeated on it."""
        if isinstance(cell, Gap):
            return Shown(self.text(gap_words(cell, detailed=False)), "unknown")
        if isinstance(cell, Personal):
            return Shown(self.personal(cell))
        if isinstance(cell, Text):
            return Shown(self.text(cell.text), cell.tone, safe_link(cell.link))
        known = {receipt.id for receipt in proven}
        extra = [receipt for receipt in receipts_of(cell) if receipt.id not in known]
        words = note_words(cell)
        note = "" if words in self._repeated else self.text(words)
        return Shown(self.value(cell), notes=self.numbers(extra), note=note)

    def line(self, line: FigureLine) -> Shown:
        """A labelled figure's value in words; a reason that several lines share is told once, at the end."""
        if isinstance(line.figure, Gap):
            told_once = self._single or gap_words(line.figure) in self._repeated
            detailed = line.figure.reason in ANSWERS and not told_once
            return Shown(self.text(gap_words(line.figure, detailed=detailed)), "unknown", safe_link(line.link))
        return replace(self.cell(line.figure), tone=line.tone, link=safe_link(line.link))

    def query(self, receipt: Receipt) -> str:
        """A receipt's requests on one line, masked; a reader outside is told the source only."""
        if self.report.audience != "internal":
            return ""
        parts = receipt.query.splitlines() if receipt.requests > 1 else [receipt.query]
        return " ; ".join(self.text(part) for part in parts)

    @property
    def holes(self) -> tuple[Hole, ...]:
        """All gaps that are no answers, one entry a cause, with what is missing because of it."""
        found: dict[tuple[str, str, str, str], tuple[Gap, dict[str, None]]] = {}
        for gap, concern in self._gaps():
            if gap.reason not in ANSWERS:
                key = (gap.source, gap.reason, gap.detail, gap.next_step)
                found.setdefault(key, (gap, {}))[1].setdefault(concern)
        return tuple(Hole(gap, tuple(name for name in names if name)) for gap, names in found.values())

    def _gaps(self) -> Iterator[tuple[Gap, str]]:
        for freshness in self.report.freshness:
            for gap in freshness.gaps:
                yield gap, ""
        for section in self.sections:
            for block in section.blocks:
                yield from self._gaps_of(block)

    def _gaps_of(self, block: Block) -> Iterator[tuple[Gap, str]]:
        if isinstance(block, Missing):
            yield block.gap, self.text(block.what)
        elif isinstance(block, Figures):
            yield from self._holed((line.figure, line.label) for line in block.lines)
        elif isinstance(block, Table):
            for row in block.rows:
                subject = row[0].text if isinstance(row[0], Text) else ""
                yield from self._holed((cell, f"{block.headers[0]} {subject}") for cell in row)
        elif isinstance(block, Chart):
            yield from self._holed((mark.figure, block.title) for mark in block.marks)

    def _holed(self, told: Iterable[tuple[Cell, str]]) -> Iterator[tuple[Gap, str]]:
        return ((cell, self.text(concern)) for cell, concern in told if isinstance(cell, Gap))


def one_line(presenter: Presenter) -> str | None:
    """The report as a single line when it is made for that (its only section has the id `line`), else None."""
    if [section.id for section in presenter.sections] != ["line"]:
        return None
    parts = []
    for block in presenter.sections[0].blocks:
        if isinstance(block, Figures):
            parts += [f"{line.label} {presenter.line(line).text}".strip() for line in block.lines]
    return " · ".join(parts)
