"""XLSX: a workbook of real values, a sheet for the summary, all figures, each table and chart, texts, gaps, sources, receipts.

Numbers are numbers (money in major units with the decimals of its currency, shares as percents, days as dates), tables are
Excel's own with filters under a frozen header, and what is unknown stands as its reason in words. Text is written as text: nothing
of a vendor becomes a formula or a link.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from math import ceil
from typing import Any

import xlsxwriter
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from customer_research.documents.charts import as_table
from customer_research.documents.fonts.measure import em
from customer_research.documents.formats.wording import note_runs
from customer_research.documents.page import Footnote, Grid, List, Page, Pairs, Paragraph, Picture, facts_of
from customer_research.documents.present import GAP_WORDS, WORDED, Value, gap_words, note_words, source_title
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact, Gap, Receipt, merge_basis
from customer_research.domain.money import CURRENCY, Money, amounts_of, digits
from customer_research.domain.report import Personal, Report, Tone
from customer_research.domain.words import dated_words, is_change
from customer_research.errors import RenderError

_MOST_ROWS, _MOST_SIGNS, _LONGEST_LINK, _MOST_LINKS = 1_048_575, 32_767, 2_079, 65_000  # what a sheet of Excel takes
_SHEET_NAME = 31
_NAME_UNSAFE = re.compile(r"[\[\]:*?/\\']")
_WIDEST, _NARROWEST, _LOOKED_AT = 60, 9, 200
_SIGNS_PER_EM = 1.75  # a column is as wide as so many digits of the workbook's font
_LINE_HEIGHT, _HIGHEST = 15.0, 405.0  # points
_COLOURS: Mapping[Tone, str] = {"good": "#17603A", "watch": "#7A4F00", "bad": "#A1221B", "unknown": "#5F4B7D"}
_NUMBERS: Mapping[str, str] = {
    "count": "#,##0",
    "points": "#,##0",
    "ratio": "0.0%",
    "number": "#,##0.0",
    "date": "yyyy-mm-dd",
    "timestamp": 'yyyy-mm-dd hh:mm "UTC"',
}
_DAYS = ('#,##0 "days"', '#,##0.0 "days"')


def render(report: Report, *, show_personal: bool = False) -> bytes:
    """A report as an Excel workbook, the same bytes for the same report.

    Raises:
        RenderError: a figure without a receipt.
    """
    page = Page(report, show_personal=show_personal)
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(out, options)
    workbook.set_properties(
        {
            "title": page.heading,
            "author": "customer-research",
            "comments": dated_words(report.as_of, report.as_of),
            "created": report.generated_at.astimezone(UTC).replace(tzinfo=None),
        }
    )
    book = _Book(workbook)
    for sheet in _sheets(page):
        book.add(sheet)
    workbook.close()
    return out.getvalue()


# -- what stands in the sheets -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    """A cell: a number, date, truth value or text; how it is shown; its tone and link."""

    value: Any
    number: str = ""
    tone: Tone = "neutral"
    link: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet: its name, the headers, the rows; `shown` of `total` rows where not all are shown."""

    name: str
    headers: tuple[str, ...]
    rows: Sequence[Sequence[_Entry]]
    caption: str = ""
    note: str = ""


def _said(text: str, tone: Tone = "neutral") -> _Entry:
    return _Entry(text, tone=tone, text=text)


def _sheets(page: Page) -> Iterator[_Sheet]:
    """All sheets that hold something, the summary first."""
    parts = [sheet for sheet in _parts(page) if sheet.rows]
    yield _summary(page, parts)
    yield from parts


def _parts(page: Page) -> Iterator[_Sheet]:
    nodes = [(part.heading.text, node) for part in page.parts for node in part.nodes]
    pairs = [(title, *pair) for title, node in nodes if isinstance(node, Pairs) for pair in node.pairs]
    headers = ("Section", "Figure", "Value", "Unit", "Assessment", "Note or reason", "Receipts")
    figures = [row for title, label, value in pairs for row in _figure_rows(page, title, label, value)]
    yield _Sheet("Figures", headers, figures, "Every labelled figure")
    for title, node in nodes:
        if isinstance(node, Grid):
            yield _table(page, title, node, node.basis)
        elif isinstance(node, Picture):
            yield _chart(page, title, node)
    texts = [row for title, node in nodes if isinstance(node, Paragraph | List) for row in _texts(page, title, node)]
    yield _Sheet("Texts", ("Section", "Words", "Receipts"), texts, "Every sentence")
    yield _Sheet(
        "Gaps",
        ("Source", "Reason", "Detail", "Missing", "Next step"),
        [
            [
                _said(source_title(hole.gap.source)),
                _said(GAP_WORDS[hole.gap.reason], "unknown"),
                _said(page.presenter.text(hole.gap.detail)),
                _said("; ".join(hole.concerns)),
                _said(page.step(hole.gap)),
            ]
            for hole in page.holes
        ],
    )
    sources = [[_said(line.label), _said(line.text, line.tone)] for line in page.sources]
    yield _Sheet("Sources", ("Source", "How it answered"), sources)
    yield _Sheet(
        "Receipts",
        ("Number", "Source", "Stream", "Rows", "Fetched at", "Cut short", "Digest"),
        [_receipt(page, note) for note in page.footnotes],
    )


def _receipt(page: Page, note: Footnote) -> list[_Entry]:
    receipt = note.receipt
    return [
        _Entry(note.number, "0"),
        _said(source_title(receipt.source)),
        _said(page.presenter.text(receipt.stream)),
        _Entry(receipt.rows, "#,##0"),
        _Entry(receipt.fetched_at, _NUMBERS["timestamp"]),
        _Entry(receipt.truncated),
        _said(receipt.digest),
    ]


def _summary(page: Page, parts: Sequence[_Sheet]) -> _Sheet:
    report = page.report
    rows = [
        [_said("Report"), _said(page.heading)],
        *([[_said("Operator"), _said(page.operator)]] if page.operator else []),
        [_said("As of"), _Entry(report.as_of, _NUMBERS["timestamp"])],
        [_said("Made"), _Entry(report.generated_at, _NUMBERS["timestamp"])],
        [_said("For"), _said(report.audience)],
    ]
    headlines = (page.headline,) if page.headline else ()
    for what, lines in {"Headline": headlines, "Warning": page.warnings, "Note": page.notes}.items():
        rows += [[_said(what), _said(line.text, line.tone)] for line in lines]
    named = zip(_names(["Summary", *(part.name for part in parts)])[1:], parts, strict=True)
    for name, part in named:
        rows.append([_said(f"Sheet {name}"), _said(": ".join(word for word in (part.caption, part.note) if word))])
    return _Sheet("Summary", ("What", "Words"), rows)


def _figure_rows(page: Page, title: str, label: str, value: Value) -> Iterator[list[_Entry]]:
    """A labelled value: a row an amount."""
    lead, found, text = [_said(title), _said(label)], value.cell, page.presenter.text
    if not isinstance(found, Fact):
        why = text(gap_words(found)) if isinstance(found, Gap) else ""
        yield [*lead, _said(value.text, "unknown"), _said(""), _said(""), _said(why), _said("")]
        return
    rest = [_said(value.tone_word, value.tone), _said(text(note_words(found))), _said(_numbers(page, found.basis))]
    for entry, unit in _entries(page, found, value):
        yield [*lead, entry, _said(unit), *rest]


def _texts(page: Page, title: str, node: Paragraph | List) -> Iterator[list[_Entry]]:
    for line in (node.line,) if isinstance(node, Paragraph) else node.lines:
        words = _said(f"{line.lead}{line.text}", line.tone)
        yield [_said(title), words, _said(_numbers(page, merge_basis(line.facts)))]


def _chart(page: Page, title: str, node: Picture) -> _Sheet:
    made = _table(page, title, page.grid(as_table(node.chart)), node.basis)
    events = "; ".join(f"{event.lead}{event.text}" for event in node.events.lines)
    number = "yyyy-mm" if node.chart.form == "months" else _NUMBERS["date"]
    rows = [
        [_Entry(mark.at, number), *row[1:]] if isinstance(mark.at, date) else row
        for mark, row in zip(node.chart.marks, made.rows, strict=True)
    ]
    return _Sheet(made.name, made.headers, rows, node.title, f"{node.says.text} {events}".strip())


def _table(page: Page, title: str, node: Grid, basis: tuple[Receipt, ...]) -> _Sheet:
    """A table's rows; beside columns of money their currency, beside notes the notes, last the receipts of each row."""
    name = node.caption or title or "Table"
    columns = [_column(page, header, [row[at] for row in node.rows]) for at, header in enumerate(node.headers)]
    headers = [header for column in columns for header in column]
    parts = [entries for column in columns for entries in column.values()]
    proofs = [_said(_numbers(page, merge_basis(facts_of(row)) or basis)) for row in node.rows]
    rows = [list(row) for row in zip(*parts, proofs, strict=True)]
    return _Sheet(name, (*headers, "Receipts"), rows, name, node.beside)


def _column(page: Page, header: str, values: Sequence[Value]) -> dict[str, list[_Entry]]:
    """One column, and those that belong to it."""
    name = header or "Column"
    told = [_single(page, value) for value in values]
    found = {name: [entry for entry, _ in told]}
    if any(unit for _, unit in told):
        found[f"{name} (currency)"] = [_said(unit) for _, unit in told]
    if any(value.note for value in values):
        found[f"{name} (note)"] = [_said(value.note) for value in values]
    return found


def _single(page: Page, value: Value) -> tuple[_Entry, str]:
    """A cell's value and its currency; amounts in several currencies stay words, since a cell holds one number."""
    found = value.cell
    if not isinstance(found, Fact):
        return _Entry(value.text, tone=value.tone, link=value.link, text=value.text), ""
    entries = list(_entries(page, found, value))
    if len(entries) != 1:
        return _said(value.text, value.tone), ""
    entry, unit = entries[0]
    return entry, unit if amounts_of(found) else ""


def _entries(page: Page, fact: Fact[Any], value: Value) -> Iterator[tuple[_Entry, str]]:
    """A fact as entries with their units, one a currency."""
    shown = _Entry(0, "0", value.tone, value.link, value.text)
    if fact.unit in {"money", "usd_minor"}:
        amounts = tuple(amounts_of(fact))
        for money in amounts:
            currency = page.presenter.text(money.currency)
            yield replace(shown, value=float(money.major), number=_money_format(money)), currency
        if not amounts:
            yield shown, ""
        return
    plain = value.text if isinstance(fact.value, str | Personal | Estimate) else fact.value
    yield replace(shown, value=plain, number=_number_format(fact)), "" if fact.unit in WORDED else fact.unit


def _money_format(money: Money) -> str:
    decimals = digits(money.currency)
    number = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    if not CURRENCY.fullmatch(money.currency):
        return number
    return f"[${money.currency}] {number};-[${money.currency}] {number}"


def _number_format(fact: Fact[Any]) -> str:
    if fact.unit == "days":
        return _DAYS[fact.value != int(fact.value)]
    number = _NUMBERS.get(fact.unit, "")
    return f"+{number};-{number};{number}" if number and is_change(fact.metric) else number


def _numbers(page: Page, receipts: Sequence[Receipt]) -> str:
    return ", ".join(words for _, words in note_runs(page.presenter.numbers(receipts)))


# -- the workbook ------------------------------------------------------------------------------------------------------


def _names(wanted: Sequence[str]) -> list[str]:
    """Names that Excel takes for sheets: short, without its signs, each once whatever the case."""
    plain = (_NAME_UNSAFE.sub(" ", name).strip() or "Table" for name in wanted)
    own = ("History of" if name.lower() == "history" else name for name in plain)  # Excel keeps that name for itself
    return _unique(tuple(own), _SHEET_NAME)


def _unique(wanted: Sequence[str], longest: int | None = None) -> list[str]:
    """Words that Excel takes as names: each once, whatever the case."""
    found: list[str] = []
    for name in wanted:
        candidate, number = name[:longest].strip() if longest else name, 1
        while candidate.lower() in {one.lower() for one in found}:
            number += 1
            room = longest - len(str(number)) - 1 if longest else None
            candidate = f"{name[:room].strip() if longest else name} {number}"
        found.append(candidate)
    return found


class _Book:
    """Writes sheets into a workbook."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._formats: dict[tuple[str, Tone, bool], Format] = {}
        self._names: list[str] = []
        self._links = 0

    def add(self, sheet: _Sheet) -> None:
        """One sheet: a table with filters under a frozen header."""
        if len(sheet.rows) > _MOST_ROWS:
            raise RenderError(
                f"The table {sheet.name!r} has {len(sheet.rows):,} rows, more than a sheet of Excel holds.",
                hint="Take CSV.",
            )
        self._names = _names([*self._names, sheet.name])
        page = self._workbook.add_worksheet(self._names[-1])
        headers = _unique(sheet.headers)
        self._links = 0
        for row, values in enumerate(sheet.rows, 1):
            for column, value in enumerate(values):
                self._write(page, row, column, value)
        columns = [{"header": header, "header_format": self._format("header", "neutral")} for header in headers]
        options = {"columns": columns, "style": "Table Style Light 1", "name": f"Table{len(self._names)}"}
        page.add_table(0, 0, len(sheet.rows), len(headers) - 1, options)
        page.freeze_panes(1, 0)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        looked_at = sheet.rows[:_LOOKED_AT]
        widths = [_width([header, *(_worded(row[at]) for row in looked_at)]) for at, header in enumerate(headers)]
        for column, width in enumerate(widths):
            page.set_column(column, column, width)
        for number, values in enumerate(sheet.rows, 1):
            lines = max(_lines(_worded(value), width) for value, width in zip(values, widths, strict=True))
            if lines > 1:
                page.set_row(number, min(lines * _LINE_HEIGHT, _HIGHEST))

    def _write(self, page: Worksheet, row: int, column: int, value: _Entry) -> None:
        found = value.value
        if isinstance(found, str):
            self._words(page, row, column, value)
            return
        if isinstance(found, datetime):
            found = found.astimezone(UTC).replace(tzinfo=None)
        page.write(row, column, found, self._format(value.number, value.tone))

    def _words(self, page: Worksheet, row: int, column: int, value: _Entry) -> None:
        text = str(value.value)
        if len(text) > _MOST_SIGNS:
            told = f"… ({len(text)} characters; the JSON report has all)"
            text = text[: _MOST_SIGNS - len(told)] + told
        if value.link and len(value.link) <= _LONGEST_LINK and self._links < _MOST_LINKS:
            self._links += 1
            page.write_url(row, column, value.link, self._format("", value.tone, linked=True), text)
            return
        page.write_string(row, column, text, self._format("", value.tone))

    def _format(self, number: str, tone: Tone, *, linked: bool = False) -> Format:
        key = (number, tone, linked)
        if key not in self._formats:
            look: dict[str, Any] = {"valign": "top", "text_wrap": not number}
            if number == "header":
                look |= {"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", "text_wrap": True}
            elif number:
                look |= {"num_format": number, **({"align": "left", "indent": 1} if "yy" in number else {})}
            else:
                look |= {"align": "left", "indent": 1}
            if tone in _COLOURS:
                look |= {"font_color": _COLOURS[tone], "italic": tone == "unknown", "bold": tone == "bad"}
            if linked:
                look |= {"font_color": "#1F4E79", "underline": 1}
            self._formats[key] = self._workbook.add_format(look)
        return self._formats[key]


def _worded(value: _Entry) -> str:
    return value.text or str(value.value)


def _lines(text: str, width: float) -> int:
    """How many lines a text takes in a column."""
    return ceil(em(text) * _SIGNS_PER_EM / (width - 2)) if len(text) > width / 2 else 1


def _width(texts: Sequence[str]) -> float:
    """A column's width in signs: as wide as its widest cell, within bounds."""
    return float(max(_NARROWEST, min(max(ceil(em(text) * _SIGNS_PER_EM) for text in texts) + 4, _WIDEST)))
