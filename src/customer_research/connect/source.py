"""What a source declares: its streams, how it is opened, and the checks that `doctor` runs on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from customer_research.domain.check import CheckResult
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.settings import Settings

Row = dict[str, Any]
"""One canonical row: every column of its table (domain.records), Python values, UTC-aware datetimes."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The operator a stream is asked about: its id in every system, as far as known, and the instant.

    `names` are the operator's known names and ticket-tag aliases; `stripe_account` and `hubspot_company_id` come from the
    CSM view (None: it has none).
    """

    operator_id: str
    as_of: datetime
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    email: str | None = None
    stripe_account: str | None = None
    hubspot_company_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What a stream gave: canonical rows by table, the receipts behind them, and what is missing.

    A table named in `gaps` is only partly known (or not at all); a table of the stream that is in neither is empty and
    complete.
    """

    tables: Mapping[str, list[Row]]
    receipts: tuple[Receipt, ...]
    gaps: Mapping[str, Gap] = field(default_factory=dict)


Clock = Callable[[], datetime]
"""Gives the present instant, UTC-aware; injected everywhere."""


class Session(Protocol):
    """An open connection to one source; closed once."""

    async def close(self) -> None:
        """Release sockets."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One unit of fetching: `fetch(session, subject)` gives the rows of `tables` or raises a `SourceError`.

    `by_id` says that it needs nothing of the subject but operator id and instant, so that it need not wait for the rest.
    `learn(session)` gets what the stream needs before it can ask about any operator (raising as `fetch`); it does not wait
    either.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    fetch: Callable[[Any, Subject], Awaitable[Batch]]
    by_id: bool = False
    learn: Callable[[Any], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Operators that a source knows by an identifier, and the receipts behind them."""

    candidates: tuple[Candidate, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One question of `doctor` about this source alone; `online` ones send requests."""

    name: str
    question: str
    run: Callable[[Any, Subject | None], Awaitable[CheckResult]]


@dataclass(frozen=True, slots=True)
class Source:
    """A vendor: `open(settings, clock)` gives a session; `missing(settings)` tells what is not configured.

    `scopes` names the permissions the credential needs, for the docs and doctor. `find(session, readings)` finds operators
    when the lookup directory is out of reach (None: this source cannot tell).
    """

    name: str
    title: str
    streams: tuple[Stream, ...]
    open: Callable[[Settings, Clock], Any]
    missing: Callable[[Settings], Gap | None]
    checks: tuple[Check, ...] = ()
    scopes: tuple[str, ...] = ()
    find: Callable[[Any, tuple[Interpretation, ...]], Awaitable[Found]] | None = None
