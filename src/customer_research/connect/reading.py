"""Records read one by one: one that cannot be read is a gap of its own, and the others stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from customer_research.domain.evidence import Gap
from customer_research.errors import SchemaChanged

T = TypeVar("T")
R = TypeVar("R")

SURELY = 3
"""Records, none of which can be read, that prove a change of the vendor's contract rather than a bad record."""

HINT = "Correct the record at {title}, or wait until it is finished; then run the same command again."


@dataclass(slots=True)
class Readout(Generic[T, R]):
    """The rows (`R`) of the records (`T`) that could be read, and the others, each with what is wrong with it."""

    rows: list[R] = field(default_factory=list)
    unread: list[tuple[T, SchemaChanged]] = field(default_factory=list)


def each(records: Iterable[T], read: Callable[[T], Sequence[R]], *, surely: int = 1) -> Readout[T, R]:
    """The rows of all records that can be read.

    Raises:
        SchemaChanged: of at least `surely` records none can be read: that is not the fault of one record.
    """
    found, count = Readout[T, R](), 0
    for record in records:
        count += 1
        try:
            found.rows += read(record)
        except SchemaChanged as error:
            found.unread.append((record, error))
    if found.unread and len(found.unread) == count >= surely:
        raise found.unread[0][1]
    return found


def unread_gap(error: SchemaChanged, count: int, *, title: str, what: str) -> Gap:
    """The gap that unreadable records leave: how many, and what is wrong with the first."""
    return Gap(
        source=error.source,
        reason="unavailable",
        detail=f"{count:,} {what} record{'s' if count > 1 else ''} cannot be read: {error.message}",
        next_step=HINT.format(title=title),
    )
