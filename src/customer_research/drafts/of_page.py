"""What a laid-out report knows in numbers: its labelled figures, the cells of its tables, and the numbers of its sentences."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.documents.page import Grid, Line, List, Node, Page, Pairs, Paragraph
from customer_research.documents.present import Value
from customer_research.domain.evidence import ANSWERS, Gap
from customer_research.drafts.known import Known, of_figure, of_sentence

_REPEATED = "glance"
"""The part whose lines put figures together that stand by themselves further on: there each has its own label."""


def known_of(page: Page) -> tuple[Known, ...]:
    """Every number of a report."""
    return tuple(_known(page))


def _known(page: Page) -> Iterator[Known]:
    lines = (*((page.headline,) if page.headline else ()), *page.warnings, *page.notes)
    yield from _of_lines(lines)
    yield from of_sentence(page.dated)
    for part in page.parts:
        if part.heading.id == _REPEATED:
            continue
        for node in part.nodes:
            yield from _of_node(node, part.heading.text)


def _of_node(node: Node, title: str) -> Iterator[Known]:
    if isinstance(node, Paragraph):
        yield from _of_lines((node.line,), title)
    elif isinstance(node, List):
        yield from _of_lines(node.lines, title)
    elif isinstance(node, Pairs):
        for label, value in node.pairs:
            yield from _of_value(label, value)
    elif isinstance(node, Grid):
        for row in node.rows:
            for header, value in zip(node.headers[1:], row[1:], strict=True):
                yield from _of_value(f"{row[0].text} {header}", value, row[0].text)
            yield from _of_value(node.headers[0], row[0])
    else:
        yield from _of_lines((node.says, *node.events.lines), title)


def _of_lines(lines: tuple[Line, ...], title: str = "") -> Iterator[Known]:
    for line in lines:
        yield from of_sentence(line.whole, line.notes, about=title)


def _of_value(label: str, value: Value, row: str = "") -> Iterator[Known]:
    gap = value.cell if isinstance(value.cell, Gap) else None
    if gap is not None and gap.reason in ANSWERS:
        yield from of_figure(label, "0" if gap.reason == "none_found" else "", value.notes, row=row)
    else:
        yield from of_figure(label, f"{value.text} {value.note}".strip(), value.notes, row=row, unknown=gap is not None)
