"""What an answer knows in numbers: its labelled figures, and the numbers of its own sentences, each with its citations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from customer_research.drafts.claims import Claim, claims_of
from customer_research.drafts.topics import topics

BESIDE = 60
"""Characters on each side of a number in a sentence of ours that tell what it speaks of."""


@dataclass(frozen=True, slots=True)
class Known:
    """A number that an answer gives: of which label or sentence, what it says, with which citations.

    `unknown` marks a figure that could not be read: no number is supported by it, none least of all.
    """

    label: str
    words: str
    claim: Claim | None
    topics: frozenset[str]
    citations: tuple[int, ...] = ()
    unknown: bool = False
    windows: frozenset[Decimal] = frozenset()

    @property
    def told(self) -> str:
        """It in a few words: `Reservations, 30 days: 20`."""
        return f"{self.label}: {self.words}" if self.words else self.label


def of_figure(
    label: str, words: str, citations: Iterable[int] = (), *, row: str = "", unknown: bool = False
) -> tuple[Known, ...]:
    """What a labelled figure says; one of several currencies says several numbers.

    A figure of a table is also about its `row`, named in full: a draft that does not name the row is not contradicted by it.
    """
    cited, about = tuple(citations), frozenset((*topics(label), *((row.casefold(),) if row else ())))
    if unknown:
        return (Known(label, words, None, about, cited, True),)
    windows = frozenset(claim.quantity.number for claim in claims_of(label) if claim.quantity.kind == "days")
    return tuple(Known(label, words, claim, about, cited, windows=windows) for claim in claims_of(words))


def of_sentence(sentence: str, citations: Iterable[int] = (), *, about: str = "") -> tuple[Known, ...]:
    """The numbers that a sentence of ours says."""
    cited = tuple(citations)
    return tuple(
        Known(
            sentence,
            "",
            claim,
            frozenset(topics(f"{claim.before[-BESIDE:]} {claim.text} {claim.after[:BESIDE]} {about}")),
            cited,
            windows=frozenset((claim.window,) if claim.window else ()),
        )
        for claim in claims_of(sentence)
    )
