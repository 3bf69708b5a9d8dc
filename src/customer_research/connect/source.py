"""What a source declares: its streams, how it is opened, and the checks that `doctor` runs on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from customer_research.connect.settings import SettingsTree
from customer_research.domain.check import Diagnosis
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.domain.match import Ruling
from customer_research.domain.records import ColumnType

Row = dict[str, Any]
"""One canonical row: every column of its table (`record_tables`), Python values, UTC-aware datetimes."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The operator a stream is asked about: its id in every system, as far as known, and the instant.

    `names` are the operator's known names and ticket-tag aliases; `stripe_account` and `hubspot_company_id` come from the
    CSM view (None: it has none). `ruled` is what people decided of the records that a stream says to be decided
    (`Stream.decided`), by their ids.
    """

    operator_id: str
    as_of: datetime
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    email: str | None = None
    stripe_account: str | None = None
    hubspot_company_id: str | None = None
    ruled: Mapping[str, Ruling] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Stream:
    """One unit of fetching: `fetch(session, subject)` gives the rows of `tables` or raises a `SourceError`.

    `by_id` says that it needs nothing of the subject but operator id and instant, so that it need not wait for the rest.
    `learn(session)` gets what the stream needs before it can ask about any operator (raising as `fetch`); it does not wait
    either. `decided` is the table whose records tell what else is the operator's: what people decided of them is known to `fetch`
    (`Subject.ruled`), and without that it is not asked.

    The `tables` are the source's own, or those that it is the second source of (`SourceRecords.instead_of`), not both: of
    the latter all count, or none does. A gap that `fetch` gives for one of them (or raises) leaves them to their home.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    fetch: Callable[[Any, Subject], Awaitable[Batch]]
    by_id: bool = False
    learn: Callable[[Any], Awaitable[None]] | None = None
    decided: str = ""


DECIDED = "decided_"
"""Begins the name of what people decided of a table's records, which a link may need: record_id, operator_id, ruling, all texts."""

Ask = Callable[[str], list[Row]]
"""Runs SQL in DuckDB's dialect over the lake's landing tables and the canonical tables made so far; gives the rows."""


@dataclass(frozen=True, slots=True)
class LandingTable:
    """A source's records of one kind as a bulk pull lands them: the vendor's own key, each record once.

    One that bears the name and the columns of a canonical table *is* that table; any other is turned into canonical rows by
    a `Link` (which operator a record belongs to may depend on other sources, and change later). A second source lands under
    names of its own and links.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, ColumnType]


def gap_row(gap: Gap, **key: Any) -> Row:
    """A gap as a row: its key's columns, and why with what to do."""
    return {**key, "reason": gap.reason, "detail": gap.detail, "next_step": gap.next_step}


@dataclass(frozen=True, slots=True)
class Pull:
    """What a bulk stream is asked for.

    `since` is the mark of the last complete pull (None: everything is wanted); `overlap` how far to reach back behind it;
    `resume` the cursor of the last slice that was kept of a pull that was cut off (None: begin); `until` the sync's instant;
    `held` asks what has landed so far.
    """

    until: datetime
    since: str | None
    resume: str | None
    overlap: timedelta
    held: Ask


@dataclass(frozen=True, slots=True)
class Slice:
    """One step of a bulk pull; one that comes twice changes nothing.

    It is kept before the next one is, and before `Pull.held` answers. Rows replace landed rows of the same key; `gone` lists
    keys of records that are no more (deleted, merged away). `cursor` is handed back as `Pull.resume` to go on behind this
    slice. `done` and `total` count records, for the progress display. On a pull's last slice only: `mark` is the `since` of
    the next pull (empty: that one is to ask for everything), and `whole` names the landing tables of which this pull brought
    every record there is, so that landed rows it did not bring are gone. `gaps` name landing tables that came only in part,
    `unread` says that single records could not be read (whose they are, rows of the stream tell).
    """

    rows: Mapping[str, list[Row]]
    receipts: tuple[Receipt, ...]
    cursor: str
    gone: Mapping[str, Sequence[tuple[Any, ...]]] = field(default_factory=dict)
    done: int = 0
    total: int | None = None
    mark: str | None = None
    whole: tuple[str, ...] = ()
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    unread: Gap | None = None


@dataclass(frozen=True, slots=True)
class BulkStream:
    """Pulls records of all operators: whole, or what changed since a mark.

    `pull` raises a `SourceError` when the source fails; the slices before stand. The last slice has a `mark`.
    """

    name: str
    title: str
    tables: tuple[LandingTable, ...]
    pull: Callable[[Any, Pull], AsyncIterator[Slice]]


@dataclass(frozen=True, slots=True)
class Link:
    """How canonical rows come about from landed ones: `sql` over landing and earlier canonical tables, or `rows`.

    `table` is a canonical table (`record_tables.LAKE_TABLES`); several links may add rows to `operator` and `gap`. `needs`
    are the landing and canonical tables it reads: links run in an order that has them ready, and not at all while one of
    them was never pulled. Of a table that has a second source the links of one of the two run; rows of `gap` that the other
    adds about that table are left out. An operator of whom the second source says in `gap` that it does not tell, or of whom it
    lacks the home's newest, has the home's rows and gaps.
    """

    table: str
    needs: tuple[str, ...]
    sql: str = ""
    rows: Callable[[Ask], Iterable[Row]] | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Operators that a source knows by an identifier, and the receipts behind them."""

    candidates: tuple[Candidate, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class RecordOwners:
    """Operators whose record a term names, each with how it does (`invoice`, `ticket`, `contact_name`), and the receipts."""

    owners: tuple[tuple[str, str], ...] = ()
    receipts: tuple[Receipt, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One question of `doctor` about this source alone; `applies` says whether it makes sense with these settings."""

    name: str
    question: str
    run: Callable[[Any, Subject | None], Awaitable[Diagnosis]]
    applies: Callable[[SettingsTree], bool] = lambda _settings: True


@dataclass(frozen=True, slots=True)
class Source:
    """A vendor: `open(settings, clock)` gives a session; `missing(settings)` tells what is not configured.

    `scopes` names the permissions the credential needs, for the docs and doctor. `find(session, readings)` finds operators
    when the lookup directory is out of reach, `whose(session, readings, directory)` those whose record (an invoice, a ticket, a
    contact) the term names, when the directory knows nobody by it (None: this source cannot tell). `bulk` and `links` serve `sync`.
    """

    name: str
    title: str
    streams: tuple[Stream, ...]
    open: Callable[[SettingsTree, Clock], Any]
    missing: Callable[[SettingsTree], Gap | None]
    checks: tuple[Check, ...] = ()
    scopes: tuple[str, ...] = ()
    find: Callable[[Any, tuple[Interpretation, ...]], Awaitable[Candidates]] | None = None
    whose: Callable[[Any, tuple[Interpretation, ...], Sequence[Candidate]], Awaitable[RecordOwners]] | None = None
    bulk: tuple[BulkStream, ...] = ()
    links: tuple[Link, ...] = ()
