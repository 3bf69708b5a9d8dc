"""Notion's own Markdown: what a page of a report is written in, in pieces that its limits allow.

Source of the syntax: Notion's reference of enhanced Markdown (API version 2026-03-11): which characters are escaped, tables as
`<table>`, blocks apart by a blank line. There are no footnotes, so receipts are numbered in brackets and listed at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from customer_research.documents.formats import markdown
from customer_research.documents.page import Footnote, Grid, Page
from customer_research.domain.report import Report

MOST_BLOCKS = 900
"""Blocks in one request; Notion's limit is 1,000."""

MOST_BYTES = 400_000
"""Bytes in one request; Notion's limit is 500 KB for the whole body, in which a line break is two."""

_SPECIAL = re.compile(r"[\\*~`$\[\]<>{}|^]")
_LEADING = re.compile(r"^(?:[-+#:]|\d+(?=[.)]))", re.MULTILINE)


def escape(text: str) -> str:
    """Text that Notion shows as it is."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", text)


def pages(report: Report, *, show_personal: bool = False) -> tuple[str, ...]:
    """A report in pieces, each small enough for one request; there is one at least.

    Raises:
        RenderError: a figure without a receipt.
    """
    pieces: list[list[str]] = [[]]
    blocks = size = 0
    writer = _Writer(Page(report, show_personal=show_personal))
    for block in chain.from_iterable(part.split("\n\n") for part in writer.parts()):
        more, longer = _blocks(block), len(block.encode()) + block.count("\n") + 4
        if pieces[-1] and (blocks + more > MOST_BLOCKS or size + longer > MOST_BYTES):
            pieces.append([])
            blocks = size = 0
        pieces[-1].append(block)
        blocks, size = blocks + more, size + longer
    return tuple("\n\n".join(piece) for piece in pieces)


def _blocks(block: str) -> int:
    """How many of Notion's blocks a part becomes: a table and each of its rows, else one."""
    return block.count("<tr>") + 1


def escape_start(text: str) -> str:
    """Escaped text that begins a block: no list or heading comes of its first characters."""
    return _LEADING.sub(lambda found: f"{found[0]}\\" if found[0][0].isdigit() else f"\\{found[0]}", text)


class _Writer(markdown.Writer):
    """Writes a report in Notion's dialect."""

    escape = staticmethod(escape)
    escape_start = staticmethod(escape_start)

    def _head(self) -> Iterator[str]:
        yield f"{self.escape(self._page.title)}. {self._page.dated}"
        yield from self._headline()
        yield from (f"> {self._line(warning)}" for warning in self._page.warnings)

    def parts(self) -> Iterator[str]:
        """The blocks of the page, each apart by a blank line from the next."""
        return (_apart(part) for part in super().parts())

    def _marks(self, notes: tuple[int, ...]) -> str:
        return rf" \[{','.join(map(str, notes))}\]" if notes else ""

    def _footnote(self, note: Footnote) -> str:
        return super()._footnote(note).replace(f"[^{note.number}]:", rf"\[{note.number}\]", 1)

    def grid(self, node: Grid) -> str:
        """Rows of the longest allowed table, and further tables for the rest."""
        headers = "".join(f"\t\t<td>{self.escape(header)}</td>\n" for header in node.headers)
        rows = ["".join(f"\t\t<td>{self._value(value)}</td>\n" for value in row) for row in node.rows]
        drawn = [
            '<table header-row="true">\n' + "".join(f"\t<tr>\n{row}\t</tr>\n" for row in (headers, *some)) + "</table>"
            for some in _portions(rows)
        ]
        return "\n\n".join(filter(None, (self._caption(node), *drawn)))


def _portions(rows: list[str]) -> Iterator[list[str]]:
    """Rows in portions that fit a request each; one portion at least."""
    portion: list[str] = []
    size = 0
    for row in rows:
        if portion and (len(portion) >= MOST_BLOCKS // 2 or size + len(row.encode()) > MOST_BYTES // 2):
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += len(row.encode())
    yield portion


def _apart(part: str) -> str:
    """A list's or a group's lines as blocks of their own; a table's stay together."""
    if "<table" in part:
        return part
    return re.sub(r"\n+", "\n\n", part)
