"""Snapshots whose lines are kept ready: which one lists read, and its lines made where they are missing or old."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import customer_research
from customer_research.domain.line import READY_MOST, Line, Need, Standing
from customer_research.domain.snapshot import DESCRIPTION, SNAPSHOTS, Snapshot
from customer_research.errors import StoreError, UsageError
from customer_research.research.exchange import rates_around
from customer_research.store.books import Books, Ready
from customer_research.store.database import Store, is_there, open_store
from customer_research.store.history import History
from customer_research.store.weeks import Weekly, weekly

if TYPE_CHECKING:
    from customer_research.domain.rates import Rates
    from customer_research.research.portfolio.listing import Listing
    from customer_research.research.portfolio.owners import People
    from customer_research.settings import Settings


class StoreListing:
    """A snapshot as lists read it, from its lines in the store (see `listing.Listing`)."""

    def __init__(self, settings: Settings, books: Books, ready: Ready, now: datetime) -> None:
        self._settings, self._books, self._ready = settings, books, ready
        self.snapshot, self.freshness, self.now = ready.snapshot, ready.freshness, now

    @cached_property
    def rates(self) -> Rates | None:
        """The exchange rates of its day.

        Raises:
            ConfigError: the rates that the settings name cannot be read.
        """
        return rates_around(self._settings, self.now, self.snapshot.as_of)

    def everybody(self) -> tuple[Standing, ...]:
        """How everybody in it stands, customers or not."""
        return self._books.standings(self._ready)

    def lines(self, operator_ids: Collection[str]) -> Mapping[str, Line]:
        """The lines of these operators by id, in the order given; who is not in it is left out."""
        return self._books.named(self._ready, operator_ids)

    def needs(self, operator_ids: Collection[str]) -> Mapping[str, Need]:
        """How soon these operators need somebody, by id; who is not in it is left out."""
        return self._books.needs(self._ready, operator_ids)

    def people(self) -> People:
        """The account owners, HubSpot's id and the name, by name."""
        return self._books.people(self._ready)

    def owned(self, people: People) -> frozenset[str]:
        """The operators of these account owners, customers or not."""
        return self._books.owned(self._ready, people)


@contextmanager
def newest_listing(settings: Settings, now: datetime) -> Iterator[Listing]:
    """The newest snapshot of the lake as lists read it: from its lines where they say all, else from its files.

    Raises:
        UsageError: there is no snapshot yet, or its scorecard has changed since.
        ConfigError: the rates that the settings name cannot be read.
    """
    with ExitStack() as opened:
        kept = _kept(settings, now, opened)
        if kept is not None:
            yield kept
            return
        from customer_research.research.portfolio.book_lines import FileListing  # noqa: PLC0415 - start-up time
        from customer_research.research.portfolio.snapshot_view import newest_view  # noqa: PLC0415 - start-up time

        view = opened.enter_context(newest_view(settings, now))
        yield FileListing(view, _past(settings, view.snapshot))


def _past(settings: Settings, snapshot: Snapshot) -> Mapping[str, Weekly] | None:
    """The scores of the weeks before a snapshot; None where the store cannot tell."""
    if not is_there(settings.store_url):
        return None
    try:
        with open_store(settings.store_url) as store, store.read() as connection:
            return weekly(connection, snapshot)
    except StoreError:
        return None


def _kept(settings: Settings, now: datetime, opened: ExitStack) -> StoreListing | None:
    """The lines of the lake's newest snapshot; None where the store cannot give them, or another of the lake may be newer."""
    if not is_there(settings.store_url):
        return None
    try:
        store = opened.enter_context(open_store(settings.store_url))
        history = History(store)
        snapshot = history.latest(scorecard=settings.scorecard)
        if snapshot is None or snapshot.operators > READY_MOST:
            return None
        there = _in_lake(settings.lake_folder)
        if snapshot.id not in there or not there <= history.ids():
            return None
        ready = ready_of(store, settings, snapshot, now)
    except StoreError:  # the files say the same, and what needs the store says then that it is not there
        return None
    return StoreListing(settings, Books(store), ready, now) if ready is not None else None


def _in_lake(lake: Path) -> frozenset[str]:
    """The ids of the snapshots whose files are in the lake."""
    return frozenset(path.parent.name for path in (lake / SNAPSHOTS).glob(f"[!.]*/{DESCRIPTION}"))


def ready_of(store: Store, settings: Settings, snapshot: Snapshot, now: datetime) -> Ready | None:
    """A kept snapshot with its lines, made anew where the program or the settings have changed since; None: its files are gone.

    Raises:
        UsageError: its scorecard has changed since.
        ConfigError, StoreError, EngineError: as `book_lines.keep`.
    """
    ready, folder = Books(store).ready(snapshot), settings.lake_folder / snapshot.place
    if _fits(settings, ready) or not (folder / DESCRIPTION).is_file():
        return ready
    from customer_research.research.portfolio.book_lines import keep  # noqa: PLC0415 - start-up time

    keep(store, settings, folder, snapshot, now)
    return Books(store).ready(snapshot)


@contextmanager
def kept_listing(store: Store, settings: Settings, snapshot: Snapshot, now: datetime) -> Iterator[Listing | None]:
    """A kept snapshot as lists read it, whether it is the newest or not; None where its files are gone, or its scorecard has changed.

    Raises:
        ConfigError, StoreError, EngineError: as `snapshot_view.view_of`.
    """
    ready, folder = Books(store).ready(snapshot), settings.lake_folder / snapshot.place
    whole = _fits(settings, ready) and snapshot.operators <= READY_MOST
    if whole or not (folder / DESCRIPTION).is_file():
        yield StoreListing(settings, Books(store), ready, now) if ready is not None else None
        return
    from customer_research.research.portfolio.book_lines import FileListing  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.snapshot_view import view_of  # noqa: PLC0415 - start-up time

    with view_of(settings, folder, snapshot, now) as view:
        try:
            listing = FileListing(view, _past(settings, snapshot))
        except UsageError:
            listing = None
        yield listing


def _fits(settings: Settings, ready: Ready | None) -> bool:
    """Whether lines are there, and would be made no other way now."""
    return ready is not None and ready.made_with == made_with(settings)


def made_with(settings: Settings) -> str:
    """A digest of what else than the snapshot goes into its lines: program, scorecard, playbook, links, where rates come from."""
    rates, own = settings.rates, (settings.playbook, Path(settings.scorecard))
    told = (
        customer_research.__version__,
        sorted(settings.links.items()),
        (str(rates.file), str(rates.own), rates.currency),
        [path.read_bytes() if path is not None and path.is_file() else str(path) for path in own],
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()
