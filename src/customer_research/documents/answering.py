"""How sources answered, in words: in full, in part, or what they did instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from customer_research.documents.present import source_title
from customer_research.domain.evidence import Gap
from customer_research.domain.report import Freshness

_UNABLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "unavailable": ("did not answer", "did not answer the rest"),
        "denied": ("refused the credential", "refused the credential for the rest"),
        "not_permitted": ("was not asked, since you may not see it", "was not asked for what you may not see"),
        "not_configured": ("is not configured", "is not configured for the rest"),
        "stale": ("is too old to use", "is too old to use for the rest"),
        "truncated": ("cut its answer", "cut its answer"),
    }
)
"""What a source that is missing, or missing in part, did: by gap reason, gravest first."""


def unable_words(gaps: Iterable[Gap], *, partly: bool = False) -> str:
    """What a source did instead of answering, or instead of answering in full: `refused the credential`."""
    reasons = {gap.reason for gap in gaps}
    told = [words[partly] for reason, words in _UNABLE.items() if reason in reasons]
    return " and ".join(told) or _UNABLE["unavailable"][partly]


def cause_words(gap: Gap) -> str:
    """A missing source as a clause: `the warehouse did not answer`."""
    title = "the warehouse" if gap.source == "warehouse" else source_title(gap.source)
    return f"{title} {unable_words((gap,))}"


def answer_words(item: Freshness) -> str:
    """How a source answered: in full, in part, or what it did instead."""
    if item.state == "ok":
        return "answered in full"
    if item.state == "partial":
        return f"answered in part, {unable_words(item.gaps, partly=True)}"
    return unable_words(item.gaps)
