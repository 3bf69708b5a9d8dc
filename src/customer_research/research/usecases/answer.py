"""What a use case answers: a report, a table, lines, an explanation or a text; how complete it is; what is said beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from customer_research import private
from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report
from customer_research.errors import UsageError

State = Literal[
    "done", "partial", "different", "not_found", "not_configured", "failed",
    "proposed", "refused", "worse", "too_little", "drifted",
]  # fmt: skip
"""done: all of it; partial: a source is missing; different: what was compared is not the same; not_found: no one operator;
not_configured, failed: nothing could be shown, for want of a setting or since sources did not answer; proposed: a person has
to confirm it; refused: the evidence does not allow it; worse, too_little: the gate of a scorecard; drifted: to be refitted."""

EXIT_CODES: Mapping[State, int] = {
    "done": 0,
    "different": 1,
    "partial": 3,
    "not_found": 4,
    "not_configured": 5,
    "failed": 6,
    "proposed": 10,
    "refused": 11,
    "worse": 12,
    "too_little": 13,
    "drifted": 14,
}
"""What a program ends with that gives an answer of this state."""

Line = str | tuple[str, str]
"""A line of text, or a name and its text, which hangs under itself where there is no room."""


@dataclass(frozen=True, slots=True)
class Table:
    """A small table of words.

    Args:
        headers: of the columns.
        rows: a cell a column.
        right: the columns that are aligned there, as numbers are.
        state: the column that says how a row came out, and `styles` the style of it in each row; none: no row has one.
        before, after: lines above and below.
        last: a line of its own at the end, which is not folded.
        width: how wide it is where the place does not say.
        tight: whether its columns always stand close.
        narrow: what to show instead where there is no room for it.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: Collection[int] = ()
    state: int = 0
    styles: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    last: str = ""
    width: int = 100
    tight: bool = False
    narrow: Table | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is, in pieces where it is long: a CSV, a file's content, one large document."""

    pieces: Iterable[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Args:
        body: what was asked for.
        state: how complete it is, or how it came out.
        document: the same as plain values for programs, where `body` is lines or a table.
        beside: what is said beside it: what was written where, what to take care of.
    """

    body: Report | Explanation | Table | Text | tuple[Line, ...]
    state: State = "done"
    document: Any = None
    beside: tuple[str, ...] = field(default=())

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of an answer that has only these, as texts; of another none."""
        return tuple(map("".join, self.body)) if isinstance(self.body, tuple) else ()


def of_report(report: Report, *beside: str) -> Answer:
    """A report as an answer: partial where a source is missing in it."""
    return Answer(report, "partial" if report.partial else "done", beside=beside)


def lines(*said: Line, state: State = "done", document: Any = None, beside: tuple[str, ...] = ()) -> Answer:
    """Lines as an answer."""
    return Answer(said, state, document, beside)


def unlisted(rest: int) -> tuple[str, ...]:
    """The line below a list that says how many more there are; none where these are all."""
    return (f"{rest:,} more (--limit 0 lists all).",) if rest > 0 else ()


def written(target: Path | None, content: bytes) -> tuple[str, ...]:
    """Write what an answer leaves in a file, in one step, and what is said of it; nothing where no file is named.

    Raises:
        UsageError: it cannot be written.
    """
    if target is None:
        return ()
    try:
        private.write_over(target.resolve(), content)
    except OSError as error:
        raise UsageError(f"Cannot write {target}: {error.strerror}.", hint="Give another file.") from None
    return (f"Written: {target}",)
