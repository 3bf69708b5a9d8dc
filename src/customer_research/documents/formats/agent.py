"""The agent's small answer of a report: compact JSON of at most 8,000 characters; vendor text only as quotations, links left out.

It says what weighs most in the report; `left_out` counts the rest by part. Numbers of citations are those of the report's receipts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from customer_research.documents.charts import as_table, months_table
from customer_research.documents.page import Grid, Line, List, Node, Page, Pairs, Paragraph, Pen, Picture
from customer_research.documents.present import GAP_WORDS, WORDED, Value, leaves
from customer_research.documents.quoting import Quotes
from customer_research.documents.small_answer import AnswerState, PartOfAnswer, SmallAnswer, Statement, compact
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import ANSWERS, Fact, Gap, Receipt
from customer_research.domain.report import Figures, Freshness, Personal, Report, Table, Text
from customer_research.domain.report import Statement as Stated
from customer_research.domain.words import instant_text

DIGEST = 12
"""So many characters of a digest tell two answers apart."""

HEADLINE, NOTES = "headline", "notes"
"""The parts of every answer: what matters most with the warnings, and what is said of several figures at once."""

_HEAVIEST, _LIGHTEST, _APART = 100, 1, 2
"""What the headline weighs, which nothing comes before; notes and the figures of charts, where they are
shown at all; and by how much sections weigh more than those."""

CHART = ".chart"
"""Behind the name of a part: the figures that its charts draw, beside the sentence that says what they show."""


def render(report: Report, *, show_personal: bool = False) -> str:
    """A report's small answer as JSON text, ending in a newline.

    Raises:
        RenderError: a figure without a receipt.
    """
    return compact(small_answer(report, show_personal=show_personal).fitted()) + "\n"


def small_answer(
    report: Report, *, show_personal: bool = False, status: AnswerState | None = None, next_cursor: str = ""
) -> SmallAnswer:
    """All that a report says, ready to be fitted; `status` where more is known of it than the report tells."""
    return _Writer(Page(report, show_personal=show_personal, cited=True)).answer(status, next_cursor)


def citation(number: int, receipt: Receipt) -> Mapping[str, Any]:
    """A receipt in short: what was read, when, and the digest of its records."""
    stream = {"stream": receipt.stream} if receipt.stream else {}  # a customer's form does not name it
    told = {"source": receipt.source, **stream, "time": instant_text(receipt.fetched_at)}
    return {"number": number, **told, "digest": receipt.digest[:DIGEST]}


def gap_told(gap: Gap, detail: str, step: str, concerns: Sequence[str] = ()) -> Mapping[str, Any]:
    """A gap: whose, why, what to do, and what is missing because of it."""
    return {"source": gap.source, "reason": gap.reason, "detail": detail, "next": step, "missing": tuple(concerns)}


def source_told(item: Freshness, warning: str) -> Mapping[str, Any]:
    """How a source answered."""
    told = {
        "source": item.source,
        "state": item.state,
        "read": instant_text(item.fetched_at) if item.fetched_at else "",
        "newest": instant_text(item.latest_record_at) if item.latest_record_at else "",
        "warning": warning,
    }
    return {name: value for name, value in told.items() if value}


def _status(report: Report) -> AnswerState:
    """How complete it is; of a lookup, whether it found the one operator: one that is only like it is found, two are not."""
    found = {section.id: section for section in report.sections}
    if report.kind != "lookup" or "best" in found or "question" not in found:
        return "partial" if report.partial else "ok"
    rows = (
        sum(len(block.rows) for block in found["matches"].blocks if isinstance(block, Table))
        if "matches" in found
        else 0
    )
    if rows == 1:
        return "partial" if report.partial else "ok"
    return "ambiguous" if rows else "not_found"


class _Writer(Pen[Iterator[Statement]]):
    """Writes each node as statements."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._quotes = Quotes(_theirs(page))
        self._part = HEADLINE
        self._charts: list[Statement] = []

    def answer(self, status: AnswerState | None, next_cursor: str) -> SmallAnswer:
        page, report = self._page, self._page.report
        named = {"id": page.operator, "name": self._quotes.words(page.name, "")}
        return SmallAnswer(
            status or _status(report),
            self._quotes.sentence(page.title),
            named if page.operator else {},
            instant_text(report.as_of),
            tuple(part for part in self._parts() if part.statements),
            self._quotes,
            tuple(self._gap(hole.gap, hole.concerns) for hole in page.holes),
            tuple(source_told(item, self._words(item.warning)) for item in report.freshness),
            {note.number: citation(note.number, note.receipt) for note in page.footnotes},
            next_cursor,
        )

    def _parts(self) -> Iterator[PartOfAnswer]:
        page = self._page
        head = (*((page.headline,) if page.headline else ()), *page.warnings)
        yield PartOfAnswer(HEADLINE, tuple(map(self._line, head)), _HEAVIEST)
        for part in page.parts:
            self._part = part.heading.id or part.heading.text
            charts = len(self._charts)
            yield PartOfAnswer(self._part, tuple(self._nodes(part.nodes)), part.weight * _APART)
            for chart in self._charts[charts:]:
                yield PartOfAnswer(chart.part, (chart,), min(part.weight, _LIGHTEST))
        self._part = NOTES
        yield PartOfAnswer(NOTES, tuple(map(self._line, page.notes)), _LIGHTEST)

    def _nodes(self, nodes: Sequence[Node]) -> Iterator[Statement]:
        """Nodes as statements; a paragraph that only names the list below it is that list's title."""
        title = ""
        for node in nodes:
            names = isinstance(node, Paragraph) and node.line.text.endswith(":")
            if title and isinstance(node, List):
                yield self._titled(title, node)
            elif not names:
                yield from self.draw(node)
            title = self._quotes.sentence(node.line.whole).rstrip(":") if names and isinstance(node, Paragraph) else ""

    def _words(self, text: str) -> str:
        return self._quotes.sentence(self._page.presenter.text(text))

    def _gap(self, gap: Gap, concerns: Iterable[str]) -> Mapping[str, Any]:
        return gap_told(
            gap, self._words(gap.detail), self._words(self._page.step(gap)), [*map(self._quotes.sentence, concerns)]
        )

    def _said(self, told: Mapping[str, Any], cites: Iterable[int] = ()) -> Statement:
        return Statement(self._part, {name: text for name, text in told.items() if text}, tuple(cites))

    def _line(self, line: Line) -> Statement:
        return self._said({"text": self._quotes.sentence(line.whole)}, line.notes)

    def paragraph(self, node: Paragraph) -> Iterator[Statement]:
        gap = node.line.gap
        if gap is None or gap.reason in ANSWERS:  # what is not known stands with the gaps
            yield self._line(node.line)

    def list(self, node: List) -> Iterator[Statement]:
        yield from map(self._line, node.lines)

    def _titled(self, title: str, node: List) -> Statement:
        """A list under its title."""
        rows = tuple((self._quotes.sentence(line.whole),) for line in node.lines)
        return self._rows({"label": title, "columns": ["text"]}, rows, [line.notes for line in node.lines])

    def pairs(self, node: Pairs) -> Iterator[Statement]:
        """Figures, each with its unit and its metric; what is not known stands with the gaps."""
        shown = [(label, value) for label, value in node.pairs if not _is_hole(value)]
        if shown:
            columns = {"columns": ["figure", "value", "unit", "metric"]}
            yield self._rows(columns, [self._figure(*pair) for pair in shown], [value.notes for _, value in shown])

    def _figure(self, label: str, value: Value) -> tuple[str, ...]:
        cell = value.cell
        if isinstance(cell, Gap):
            return (label, GAP_WORDS[cell.reason], "", cell.metric)
        note = f" ({self._quotes.sentence(value.note)})" if value.note else ""
        unit, metric = ("" if cell.unit in WORDED else cell.unit, cell.metric) if isinstance(cell, Fact) else ("", "")
        return (label, f"{self._cell(value)}{note}", unit, metric)

    def grid(self, node: Grid) -> Iterator[Statement]:
        yield self._table(node)

    def _table(self, node: Grid) -> Statement:
        """A table: with the id of the operator that a row is about."""
        whose = [_operator(row) for row in node.rows]
        ids = ("operator id",) if any(whose) else ()
        label = {"label": self._quotes.sentence(node.caption)} if node.caption else {}
        rows = [
            (*((owner,) if ids else ()), *map(self._cell, row)) for owner, row in zip(whose, node.rows, strict=True)
        ]
        cites = [tuple(number for value in row for number in value.notes) for row in node.rows]
        return self._rows(
            {**label, "columns": [*ids, *map(self._quotes.sentence, node.headers)]}, rows, cites, node.notes, node.total
        )

    def _rows(
        self,
        told: Mapping[str, Any],
        rows: Sequence[tuple[str, ...]],
        row_cites: Sequence[tuple[int, ...]],
        cites: tuple[int, ...] = (),
        total: int = 0,
    ) -> Statement:
        return Statement(self._part, told, cites, tuple(rows), tuple(row_cites), max(total, len(rows)))

    def picture(self, node: Picture) -> Iterator[Statement]:
        """What a chart says, what happened meanwhile, and its figures as a table."""
        says = self._quotes.sentence(node.says.whole)
        yield self._said({"text": f"{self._quotes.sentence(node.title)}: {says}"}, node.says.notes)
        yield from map(self._line, node.events.lines)
        months = node.chart.form == "months"
        table = self._table(self._page.grid(months_table(node.chart) if months else as_table(node.chart)))
        if table.rows:
            self._charts.append(replace(table, part=f"{self._part}{CHART}"))

    def _cell(self, value: Value) -> str:
        """A cell's words: those of records as they may stand, or as a quotation."""
        cell = value.cell
        if isinstance(cell, Text):
            return self._quotes.words(value.text, "") if cell.operator else self._quotes.sentence(value.text)
        if not isinstance(cell, Fact) or cell.unit not in WORDED:
            return value.text
        if isinstance(cell.value, Personal):
            return value.text if value.text != cell.value.text else self._quotes.words(value.text, _source(cell))
        if _is_theirs(cell):
            return self._quotes.words(value.text, _source(cell))
        return self._quotes.sentence(value.text, _source(cell))


def _operator(row: Sequence[Value]) -> str:
    return next((value.cell.operator for value in row if isinstance(value.cell, Text) and value.cell.operator), "")


def _source(fact: Fact[Any]) -> str:
    return fact.basis[0].source


def _is_theirs(fact: Fact[Any]) -> bool:
    """Whether a text is a record's own: a field of a record, or a metric that is one."""
    if isinstance(fact, Stated):
        return fact.theirs
    return not fact.metric or fact.metric in METRICS


def _is_hole(value: Value) -> bool:
    return isinstance(value.cell, Gap) and value.cell.reason not in ANSWERS


def _theirs(page: Page) -> Iterator[tuple[str, str]]:
    """Words of records that sentences of the report may have taken in, with their sources: those of its cells, and of what sentences name."""
    report, text = page.report, page.presenter.text
    blocks = (block for section in page.presenter.sections for block in section.blocks)
    yield page.name, ""
    yield from ((text(words), "") for words in {*report.theirs()})
    for block in (*((report.headline,) if report.headline else ()), *report.warnings, *blocks):
        cells = isinstance(block, Figures | Table)
        for leaf in leaves(block):
            if isinstance(leaf, Text) and leaf.operator:
                yield text(leaf.text), ""
            elif not isinstance(leaf, Fact) or not isinstance(leaf.value, str) or not _is_theirs(leaf):
                continue
            elif cells or leaf.metric or isinstance(leaf, Stated):
                yield text(leaf.value), _source(leaf)
