"""What the score history's readings say: a change of the score as a figure, and what proves a reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.domain.evidence import Fact, Figure, Receipt

if TYPE_CHECKING:
    from customer_research.domain.history import Change, Past


def change_figure(change: Change, basis: tuple[Receipt, ...], now: Past) -> Figure:
    """A change of the score, signed; the gap that says why there is none."""
    if change.gap is not None:
        return change.gap
    assert change.then is not None
    note = f"from {change.then.reading.score} on {change.then.snapshot.as_of:%Y-%m-%d}"
    return Fact(change.difference, "points", basis, now.snapshot.as_of, "score_change", note)


def scorings(past: Past) -> tuple[Receipt, ...]:
    """The receipt of the scoring behind a reading."""
    return tuple(receipt for receipt in past.snapshot.receipts if receipt.source == "portfolio")
