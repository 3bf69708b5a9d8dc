"""The port of providers of company facts: what one declares, what it is asked, what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.firm import Clues, FactValue


@dataclass(frozen=True, slots=True)
class Found:
    """A provider's record that is the firm's.

    `provider_id` names the record at the provider, `matched_by` how it was recognised (`domain.match.CONFIDENCE`), `likelihood`
    how sure the provider says it is, 0 to 1. `observed_at` is when the values were so, as far as it says. `credits` were taken for it.
    """

    provider_id: str
    matched_by: str
    values: Mapping[str, FactValue]
    receipt: Receipt
    observed_at: datetime | None = None
    likelihood: float | None = None
    credits: int = 0


@dataclass(frozen=True, slots=True)
class Miss:
    """No record of the firm: none there, or none that is surely enough its own; why, in words. `credits` were taken for the answer."""

    why: str
    credits: int = 0


Reply = Found | Miss


class Asking(Protocol):
    """An open connection to a provider."""

    async def ask(self, some: Sequence[Clues]) -> Mapping[str, Reply]:
        """What it tells of some firms, at most as many as one call takes, by operator id.

        Raises:
            SourceError: it did not tell.
        """

    async def close(self) -> None:
        """Release sockets."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a provider's values are kept, and what may be spent on it in a month: None: it is free."""

    keep_days: int
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """Who tells facts of firms.

    Args:
        name: the module's, and in the store.
        title: as readers know it.
        licence: under what its values may be used, in a few words.
        paid: whether a match takes a credit: nothing is asked then before somebody says so.
        fields: what it may tell (`domain.firm.FIELDS`).
        finds_by: how it finds a firm, in words.
        at_once: firms of one call.
        erases: whether its values are deleted on the day from which they are too old, as its licence asks.
        can_ask: whether a firm is known well enough to be asked for.
        open: a connection.
        missing: the gap that says what is not set up; None when all is.
        limits: what the settings say.
        check: asks whether it answers as it is read here, and buys nothing: what it found, in a sentence. None: another's checks do.
    """

    name: str
    title: str
    licence: str
    paid: bool
    fields: tuple[str, ...]
    finds_by: str
    at_once: int
    erases: bool
    can_ask: Callable[[Clues], bool]
    open: Callable[[SettingsTree, Clock], Asking]
    missing: Callable[[SettingsTree], Gap | None]
    limits: Callable[[SettingsTree], Limits]
    check: Callable[[SettingsTree, Clock], Awaitable[str]] | None = None
