"""Where a figure comes from: `Receipt`, `Fact` and `Gap`.

A figure is a `Fact` (a value with at least one receipt) or a `Gap` (a stated reason why there is no value). There is no
third way: `None`, `0` and `[]` never stand for the unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from customer_research.errors import RenderError

T_co = TypeVar("T_co", covariant=True)

GapReason = Literal[
    "unavailable",
    "denied",
    "not_permitted",
    "not_configured",
    "none_found",
    "not_applicable",
    "stale",
    "truncated",
    "past",
    "not_comparable",
]
"""Why there is no value.

unavailable: the source did not answer (outage, time-out, broken or unexpected answer); denied: the credential was refused;
not_permitted: whoever asks may not see it, so that nobody was asked;
not_configured: no credential or setting for the source; none_found: the source answered and has nothing to compute from;
not_applicable: the figure makes no sense for this operator; stale: too old to use; truncated: the source cut its answer;
past: what is told today does not say what it was at the date that is spoken of; not_comparable: two values are there, but not the
same was known of both.
"""

ANSWERS: frozenset[GapReason] = frozenset({"none_found", "not_applicable"})
"""Gap reasons that are answers: the source was read in full. All others are holes and are listed with their next step."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of one batch of requests (or one query) to one source.

    `query` is the request or SQL as sent, secrets removed, one line a request; `rows` the records it gave; `digest` the
    SHA-256 (hex) of the canonical JSON of these records, so that a replay can be compared; `place` is where it ran (base
    URL without credentials, or `memory` for a computation over other receipts' records).
    """

    id: str
    source: str
    stream: str
    query: str
    fetched_at: datetime
    rows: int
    digest: str
    truncated: bool = False
    requests: int = 1
    place: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Fact(Generic[T_co]):
    """A value with its receipts (`basis`, never empty), its unit and the instant it speaks of.

    Raises:
        RenderError: when made without a receipt.
    """

    value: T_co
    unit: str
    basis: tuple[Receipt, ...]
    as_of: datetime
    metric: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.basis:
            raise RenderError(
                f"The figure {self.metric or self.value!r} has no receipt.",
                hint="Make figures from metrics or fetched rows only; each carries the receipts of what it was made from.",
            )


@dataclass(frozen=True, slots=True)
class Gap:
    """A stated hole: which source, why, and what to do about it."""

    source: str
    reason: GapReason
    detail: str
    next_step: str = ""
    metric: str = ""


Figure = Fact[Any] | Gap
"""What every cell of a report is."""


def each_once(receipts: Iterable[Receipt]) -> tuple[Receipt, ...]:
    """Receipts, each once, in first-seen order."""
    seen: dict[str, Receipt] = {}
    for receipt in receipts:
        seen.setdefault(receipt.id, receipt)
    return tuple(seen.values())


def merge_basis(facts: Iterable[Fact[Any]]) -> tuple[Receipt, ...]:
    """The receipts of several facts, each once: the basis of a figure derived from them."""
    return each_once(receipt for fact in facts for receipt in fact.basis)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The records behind a figure: column names, rows, and how many there are in all (`total` may exceed `len(rows)`).

    `complete` is False when only a sample is shown. `receipts` prove the rows.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int
    receipts: tuple[Receipt, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether every record is shown."""
        return len(self.rows) == self.total
