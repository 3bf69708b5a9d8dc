"""XLSX: a workbook of real values, a sheet for the summary, all figures, each table and chart, texts, gaps, sources, receipts.

Numbers are numbers (money in major units with the decimals of its currency, shares as percents, days as dates), tables are
Excel's own with filters under a frozen header, and what is unknown stands as its reason in words. Text is written as text: nothing
of a vendor becomes a formula or a link.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from customer_research.documents.answering import freshness_words
from customer_research.documents.charts import as_table
from customer_research.documents.fonts.measure import em
from customer_research.documents.formats.csv_ import amounts_of
from customer_research.documents.formats.wording import (
    caption_beside,
    note_runs,
    receipt_words,
    receipts_of_chart,
    title_words,
)
from customer_research.documents.present import GAP_WORDS, Presenter, Shown, gap_words, note_words, source_title
from customer_research.domain.evidence import Fact, Gap, Receipt, merge_basis
from customer_research.domain.money import Money, digits
from customer_research.domain.report import (
    Bullets,
    Cell,
    Chart,
    Figures,
    Missing,
    Personal,
    Prose,
    Report,
    Section,
    Table,
    Tone,
)
from customer_research.domain.words import dated_words, is_change
from customer_research.errors import ExtraMissing, RenderError

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_MOST_ROWS, _MOST_SIGNS, _LONGEST_LINK, _MOST_LINKS = 1_048_575, 32_767, 2_079, 65_000  # what a sheet of Excel takes
_SHEET_NAME = 31
_NAME_UNSAFE = re.compile(r"[\[\]:*?/\\']")
_CURRENCY = re.compile(r"[A-Z]{3}")
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
        ExtraMissing: XlsxWriter is not installed.
    """
    try:
        import xlsxwriter  # noqa: PLC0415 - heavy, and an extra
    except ImportError:
        raise ExtraMissing("A workbook needs XlsxWriter", "documents") from None
    presenter = Presenter(report, show_personal=show_personal)
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(out, options)
    workbook.set_properties(
        {
            "title": title_words(presenter),
            "author": "customer-research",
            "comments": dated_words(report.as_of, report.as_of),
            "created": report.generated_at.astimezone(UTC).replace(tzinfo=None),
        }
    )
    book = _Book(workbook, presenter)
    for sheet in _sheets(presenter):
        book.add(sheet)
    workbook.close()
    return out.getvalue()


# -- what stands in the sheets -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Value:
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
    rows: Sequence[Sequence[_Value]]
    caption: str = ""
    note: str = ""


def _said(text: str, tone: Tone = "neutral") -> _Value:
    return _Value(text, tone=tone, text=text)


def _sheets(presenter: Presenter) -> Iterator[_Sheet]:
    """All sheets that hold something, the summary first."""
    parts = [sheet for sheet in _parts(presenter) if sheet.rows]
    yield _summary(presenter, parts)
    yield from parts


def _parts(presenter: Presenter) -> Iterator[_Sheet]:
    yield _figures(presenter)
    for section in presenter.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                yield _table(presenter, section, block)
            elif isinstance(block, Chart):
                yield _chart(presenter, section, block)
    yield _texts(presenter)
    yield _Sheet(
        "Gaps",
        ("Source", "Reason", "Detail", "Missing", "Next step"),
        [
            [
                _said(source_title(hole.gap.source)),
                _said(GAP_WORDS[hole.gap.reason], "unknown"),
                _said(presenter.text(hole.gap.detail)),
                _said("; ".join(hole.concerns)),
                _said(presenter.text(hole.gap.next_step)),
            ]
            for hole in presenter.holes
        ],
    )
    sources = [[_said(name), _said(words, tone)] for name, words, tone in freshness_words(presenter)]
    yield _Sheet("Sources", ("Source", "How it answered"), sources)
    yield _Sheet(
        "Receipts",
        ("Number", "Source", "Stream", "Rows", "Requests", "Fetched at", "Cut short", "Receipt", "Query"),
        [_receipt(presenter, number, one) for number, one in enumerate(presenter.receipts, 1)],
    )


def _receipt(presenter: Presenter, number: int, receipt: Receipt) -> list[_Value]:
    return [
        _Value(number, "0"),
        _said(source_title(receipt.source)),
        _said(presenter.text(receipt.stream)),
        _Value(receipt.rows, "#,##0"),
        _Value(receipt.requests, "#,##0"),
        _Value(receipt.fetched_at, _NUMBERS["timestamp"]),
        _Value(receipt.truncated),
        _said(presenter.text(receipt.id)),
        _said(receipt_words(presenter, receipt)[1]),
    ]


def _summary(presenter: Presenter, parts: Sequence[_Sheet]) -> _Sheet:
    report = presenter.report
    rows = [
        [_said("Report"), _said(title_words(presenter))],
        *([[_said("Operator"), _said(presenter.text(report.operator_id))]] if report.operator_id else []),
        [_said("As of"), _Value(report.as_of, _NUMBERS["timestamp"])],
        [_said("Made"), _Value(report.generated_at, _NUMBERS["timestamp"])],
        [_said("For"), _said(report.audience)],
    ]
    if presenter.headline:
        rows.append([_said("Headline"), _said(presenter.text(presenter.headline.text), presenter.headline.tone)])
    rows += [[_said("Warning"), _said(presenter.text(one.text), one.tone)] for one in presenter.warnings]
    rows += [[_said("Note"), _said(f"{note}: {'; '.join(labels)}.")] for note, labels in presenter.notes]
    named = zip(_names(["Summary", *(part.name for part in parts)])[1:], parts, strict=True)
    for name, part in named:
        rows.append([_said(f"Sheet {name}"), _said(": ".join(word for word in (part.caption, part.note) if word))])
    return _Sheet("Summary", ("What", "Words"), rows)


def _figures(presenter: Presenter) -> _Sheet:
    headers = ("Section", "Figure", "Value", "Unit", "Assessment", "Note or reason", "Receipts")
    rows: list[list[_Value]] = []
    for section in presenter.sections:
        for block in section.blocks:
            for line in block.lines if isinstance(block, Figures) else ():
                shown = presenter.line(line)
                lead = [_said(presenter.text(section.title)), _said(presenter.text(line.label))]
                if isinstance(line.figure, Gap):
                    why = presenter.text(gap_words(line.figure))
                    rows.append([*lead, _said(shown.text, "unknown"), _said(""), _said(""), _said(why), _said("")])
                    continue
                rest = [_said(shown.tone_word, line.tone), _said(presenter.text(note_words(line.figure)))]
                proofs = _said(_numbers(presenter, line.figure.basis))
                for value, unit in _values(presenter, line.figure, shown, line.tone):
                    rows.append([*lead, value, _said(unit), *rest, proofs])
    return _Sheet("Figures", headers, rows, "Every labelled figure")


def _texts(presenter: Presenter) -> _Sheet:
    rows: list[list[_Value]] = []
    for section in presenter.sections:
        title = presenter.text(section.title)
        for block in section.blocks:
            if isinstance(block, Missing):
                why = presenter.text(gap_words(block.gap))
                rows.append([_said(title), _said(f"{presenter.text(block.what)}: {why}", "unknown"), _said("")])
            for prose in (block,) if isinstance(block, Prose) else block.items if isinstance(block, Bullets) else ():
                proofs = _numbers(presenter, merge_basis(prose.facts))
                rows.append([_said(title), _said(presenter.text(prose.text), prose.tone), _said(proofs)])
    return _Sheet("Texts", ("Section", "Words", "Receipts"), rows, "Every sentence")


def _chart(presenter: Presenter, section: Section, chart: Chart) -> _Sheet:
    made = _table(presenter, section, as_table(chart), receipts_of_chart(chart))
    says = presenter.text(chart.says.text)
    events = "; ".join(f"{event.on.isoformat()}: {presenter.text(event.what.text)}" for event in chart.events)
    number = "yyyy-mm" if chart.form == "months" else _NUMBERS["date"]
    rows = [
        [_Value(mark.at, number), *row[1:]] if isinstance(mark.at, date) else row
        for mark, row in zip(chart.marks, made.rows, strict=True)
    ]
    return _Sheet(made.name, made.headers, rows, presenter.text(chart.title), f"{says} {events}".strip())


def _table(presenter: Presenter, section: Section, table: Table, basis: tuple[Receipt, ...] | None = None) -> _Sheet:
    """A table's rows; beside columns of money their currency, beside notes the notes, last the receipts of each row."""
    proven = table.basis if basis is None else basis
    title = presenter.text(table.caption) or presenter.text(section.title) or "Table"
    columns = [
        _column(presenter, presenter.text(header), [row[at] for row in table.rows], table.basis)
        for at, header in enumerate(table.headers)
    ]
    headers = [header for column in columns for header in column]
    parts = [values for column in columns for values in column.values()]
    proofs = [_said(_numbers(presenter, _proofs(row, proven))) for row in table.rows]
    rows = [list(row) for row in zip(*parts, proofs, strict=True)]
    return _Sheet(title, (*headers, "Receipts"), rows, title, caption_beside(table))


def _proofs(row: Sequence[Cell], basis: tuple[Receipt, ...]) -> tuple[Receipt, ...]:
    own = merge_basis([cell for cell in row if isinstance(cell, Fact)])
    return own or basis


def _column(
    presenter: Presenter, header: str, cells: Sequence[Cell], basis: tuple[Receipt, ...]
) -> dict[str, list[_Value]]:
    """One column, and those that belong to it."""
    name = header or "Column"
    shown = [presenter.cell(cell, proven=basis) for cell in cells]
    told = [_single(presenter, cell, one) for cell, one in zip(cells, shown, strict=True)]
    found = {name: [value for value, _ in told]}
    if any(unit for _, unit in told):
        found[f"{name} (currency)"] = [_said(unit) for _, unit in told]
    if any(one.note for one in shown):
        found[f"{name} (note)"] = [_said(one.note) for one in shown]
    return found


def _single(presenter: Presenter, cell: Cell, shown: Shown) -> tuple[_Value, str]:
    """A cell's value and its currency; amounts in several currencies stay words, since a cell holds one number."""
    if not isinstance(cell, Fact):
        return _Value(shown.text, tone=shown.tone, link=shown.link, text=shown.text), ""
    values = list(_values(presenter, cell, shown, shown.tone))
    if len(values) != 1:
        return _Value(shown.text, tone=shown.tone, text=shown.text), ""
    value, unit = values[0]
    return value, unit if amounts_of(cell) else ""


def _values(presenter: Presenter, fact: Fact[Any], shown: Shown, tone: Tone) -> Iterator[tuple[_Value, str]]:
    """A fact as values with their units, one a currency."""
    if fact.unit in {"money", "usd_minor"}:
        amounts = tuple(amounts_of(fact))
        for money in amounts:
            currency = presenter.text(money.currency)
            yield _Value(float(money.major), _money_format(money), tone, shown.link, shown.text), currency
        if not amounts:
            yield _Value(0, "0", tone, shown.link, shown.text), ""
        return
    value = shown.text if isinstance(fact.value, str | Personal) else fact.value
    yield _Value(value, _number_format(fact), tone, shown.link, shown.text), "" if fact.unit == "text" else fact.unit


def _money_format(money: Money) -> str:
    decimals = digits(money.currency)
    number = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    if not _CURRENCY.fullmatch(money.currency):
        return number
    return f"[${money.currency}] {number};-[${money.currency}] {number}"


def _number_format(fact: Fact[Any]) -> str:
    if fact.unit == "days":
        return _DAYS[fact.value != int(fact.value)]
    number = _NUMBERS.get(fact.unit, "")
    return f"+{number};-{number};{number}" if number and is_change(fact.metric) else number


def _numbers(presenter: Presenter, receipts: Sequence[Receipt]) -> str:
    return ", ".join(words for _, words in note_runs(presenter.numbers(receipts)))


# -- the workbook ------------------------------------------------------------------------------------------------------


def _names(wanted: Sequence[str]) -> list[str]:
    """Names that Excel takes for sheets: short, without its signs, each once whatever the case."""
    found: list[str] = []
    for name in wanted:
        plain = _NAME_UNSAFE.sub(" ", name).strip() or "Table"
        plain = "History of" if plain.lower() == "history" else plain  # Excel keeps that name for itself
        candidate, number = plain[:_SHEET_NAME].strip(), 1
        while candidate.lower() in {one.lower() for one in found}:
            number += 1
            candidate = f"{plain[: _SHEET_NAME - len(str(number)) - 1].strip()} {number}"
        found.append(candidate)
    return found


def _unique(headers: Sequence[str]) -> list[str]:
    """Headers that a table of Excel takes: each once, whatever the case."""
    found: list[str] = []
    for header in headers:
        candidate, number = header, 1
        while candidate.lower() in {one.lower() for one in found}:
            number += 1
            candidate = f"{header} {number}"
        found.append(candidate)
    return found


class _Book:
    """Writes sheets into a workbook."""

    def __init__(self, workbook: Workbook, presenter: Presenter) -> None:
        self._workbook = workbook
        self._presenter = presenter
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
        columns = [{"header": header, "header_format": self._header()} for header in headers]
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

    def _write(self, page: Worksheet, row: int, column: int, value: _Value) -> None:
        found = value.value
        if isinstance(found, bool):
            page.write_boolean(row, column, found, self._format("", value.tone))
        elif isinstance(found, datetime):
            plain = found.astimezone(UTC).replace(tzinfo=None)
            page.write_datetime(row, column, plain, self._format(value.number, value.tone))
        elif isinstance(found, date):
            page.write_datetime(row, column, found, self._format(value.number, value.tone))
        elif isinstance(found, str):
            self._words(page, row, column, value)
        else:
            page.write_number(row, column, float(found), self._format(value.number, value.tone))

    def _words(self, page: Worksheet, row: int, column: int, value: _Value) -> None:
        text = str(value.value)
        if len(text) > _MOST_SIGNS:
            told = f"… ({len(text)} characters; the JSON report has all)"
            text = text[: _MOST_SIGNS - len(told)] + told
        if value.link and len(value.link) <= _LONGEST_LINK and self._links < _MOST_LINKS:
            self._links += 1
            page.write_url(row, column, value.link, self._format("", value.tone, linked=True), text)
            return
        page.write_string(row, column, text, self._format("", value.tone))

    def _header(self) -> Format:
        return self._format("header", "neutral")

    def _format(self, number: str, tone: Tone, *, linked: bool = False) -> Format:
        key = (number, tone, linked)
        if key not in self._formats:
            look: dict[str, Any] = {"valign": "top", "text_wrap": not number}
            if number == "header":
                look = {
                    "bold": True,
                    "bg_color": "#1F4E79",
                    "font_color": "#FFFFFF",
                    "valign": "top",
                    "text_wrap": True,
                }
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


def _worded(value: _Value) -> str:
    return value.text or str(value.value)


def _lines(text: str, width: float) -> int:
    """How many lines a text takes in a column."""
    return ceil(em(text) * _SIGNS_PER_EM / (width - 2)) if len(text) > width / 2 else 1


def _width(texts: Sequence[str]) -> float:
    """A column's width in signs: as wide as its widest cell, within bounds."""
    return float(max(_NARROWEST, min(max(ceil(em(text) * _SIGNS_PER_EM) for text in texts) + 4, _WIDEST)))
