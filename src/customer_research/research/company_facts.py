"""The use cases behind `facts`: ask providers about operators' firms, take files, list, tell what was spent, forget.

Nothing is bought by looking: providers are asked here alone. A paid one is asked only where somebody says so, within the month's
budget: each credit is reserved before the call that may take it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta

from customer_research.connect.concurrent import chunks
from customer_research.connect.source import Clock
from customer_research.domain.firm import FIELDS, Clues, FirmFact
from customer_research.domain.words import nearest
from customer_research.errors import Denied, RateLimited, SourceError, Unavailable, UsageError
from customer_research.firms import discover
from customer_research.firms.provider import Asking, Found, Limits, Miss, Provider, Reply
from customer_research.research import firm_facts
from customer_research.research.firm_clues import clues_of
from customer_research.research.one.resolve import of_lake
from customer_research.research.portfolio.books import looking
from customer_research.research.portfolio.owners import people_called
from customer_research.research.receipts import text_digest
from customer_research.settings import Settings
from customer_research.store.books import Books
from customer_research.store.database import open_store, open_to_read
from customer_research.store.firms import FirmBook, Holding, Spent

FAILURES = 3
"""So many failures one after another end a run: the provider is down."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: whose facts (an operator, an owner's, None and None: everybody's), of whom, and how far.

    `buy` asks a provider that is paid; `again` asks also about whom it told or did not know already; `most` operators are asked about at most.
    """

    provider: str
    term: str | None = None
    owner: str | None = None
    buy: bool = False
    again: bool = False
    most: int = 1_000


@dataclass(slots=True)
class Fetch:
    """What a run found and did.

    Of the operators wanted, `asking` are (to be) asked about; `kept` have facts that are good, `missed` were not known to the provider
    a while ago, `unknown` are not known well enough to be asked about, `over` are beyond `most`. `sent` says whether anybody was asked;
    `cut` what ended the run before its end.
    """

    provider: Provider
    limits: Limits
    miss_days: int
    asking: tuple[Clues, ...] = ()
    kept: int = 0
    missed: int = 0
    unknown: int = 0
    over: int = 0
    sent: bool = False
    found: dict[str, Found] = field(default_factory=dict)
    nothing: dict[str, Miss] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class Account:
    """What is kept of a provider, and what was spent on it in the month."""

    name: str
    title: str
    provider: Provider | None
    holding: Holding
    spent: Spent
    budget: int | None


async def fetch(settings: Settings, clock: Clock, order: Order) -> Fetch:
    """Ask a provider about operators' firms, and keep what it says.

    Raises:
        UsageError: there is no such provider; the lake is empty, or no such owner.
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several.
        ConfigError: the provider is not set up.
        StoreError: the store cannot be written to.
    """
    provider = provider_named(order.provider)
    now = clock()
    with open_store(settings.store_url) as store:
        book = FirmBook(store)
        book.erase(now)
        wanted = _wanted(settings, order, now)
        done = Fetch(provider, provider.limits(settings), settings.facts.miss_days)
        _plan(done, book, order, clues_of(settings, wanted, book, provider.name, now), now)
        if done.asking and (order.buy or not provider.paid):
            session = provider.open(settings, clock)
            try:
                await _asked(session, book, done, clock)
            finally:
                await session.close()
        done.spent = book.spent(provider.name, clock())
    return done


def provider_named(name: str) -> Provider:
    """A provider that can be asked.

    Raises:
        UsageError: there is none of that name.
    """
    known = discover()
    if name in known:
        return known[name]
    close = nearest(name, known)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise UsageError(f"No provider {name[:60]!r} can be asked.", hint=f"{hint}Providers: {', '.join(known)}.")


def _wanted(settings: Settings, order: Order, now: datetime) -> frozenset[str] | None:
    """Whose firms are asked about; None: everybody's."""
    if order.term is not None:
        return frozenset({of_lake(settings, order.term).operator_id})
    if order.owner is None:
        return None
    with looking(settings, now) as (store, ready):
        books = Books(store)
        return books.owned(ready, people_called(order.owner, books.people(ready)))


def _plan(done: Fetch, book: FirmBook, order: Order, known: Sequence[Clues], now: datetime) -> None:
    """Who is asked about, and why others are not."""
    provider = done.provider
    told = {one.operator_id for one in book.of() if one.provider == provider.name and not one.is_stale(now)}
    misses = book.misses(provider.name, now)
    asking: list[Clues] = []
    for clues in known:
        if not provider.can_ask(clues):
            done.unknown += 1
        elif not order.again and clues.operator_id in told:
            done.kept += 1
        elif not order.again and misses.get(clues.operator_id) == digest_of(clues):
            done.missed += 1
        else:
            asking.append(clues)
    done.asking, done.over = tuple(asking[: order.most]), max(len(asking) - order.most, 0)


def digest_of(clues: Clues) -> str:
    """What a firm is known by, as a digest: who is known by something else now is asked about again."""
    return text_digest("\x1f".join(astuple(clues)))


async def _asked(session: Asking, book: FirmBook, done: Fetch, clock: Clock) -> None:
    """Ask about all that are to be asked about, until the budget or the provider ends it."""
    provider, failures = done.provider, 0
    done.sent = True
    for some in chunks(done.asking, provider.at_once):
        now, number = clock(), len(some) if provider.paid else 0
        if number and not book.reserve(provider.name, now, number, done.limits.budget or 0):
            done.cut = f"The budget of {done.limits.budget:,} credits of this month is used up."
            return
        try:
            replies = await session.ask(some)
        except SourceError as error:
            if number:
                book.settle(provider.name, now, number, 0 if _was_free(error) else number)
            failures += 1
            done.failed.update({one.operator_id: error.message for one in some})
            if isinstance(error, (Denied, RateLimited)) or failures == FAILURES:
                done.cut = error.message
                return
            continue
        failures = 0
        for clues in some:
            _keep(book, done, clues, replies[clues.operator_id], now)
        if number:
            book.settle(provider.name, now, number, sum(one.credits for one in replies.values()))


def _was_free(error: SourceError) -> bool:
    """Whether a call that failed surely took no credit: refused, or never sent."""
    return isinstance(error, (Denied, RateLimited)) or (isinstance(error, Unavailable) and error.never_sent)


def _keep(book: FirmBook, done: Fetch, clues: Clues, reply: Reply, now: datetime) -> None:
    """Keep what a provider said of a firm, or that it did not know it."""
    name, operator_id = done.provider.name, clues.operator_id
    if isinstance(reply, Miss):
        done.nothing[operator_id] = reply
        until = now + timedelta(days=done.miss_days)
        book.miss(name, operator_id, digest_of(clues), reply.why, now=now, until=until)
        return
    done.found[operator_id] = reply
    book.keep(_facts(done, operator_id, reply, now), whole=((operator_id, name),))


def _facts(done: Fetch, operator_id: str, found: Found, now: datetime) -> tuple[FirmFact, ...]:
    provider = done.provider
    return tuple(
        FirmFact(
            operator_id=operator_id,
            field=name,
            value=value,
            unit=FIELDS[name].unit,
            provider=provider.name,
            provider_id=found.provider_id,
            licence=provider.licence,
            likelihood=found.likelihood,
            matched_by=found.matched_by,
            observed_at=found.observed_at,
            fetched_at=now,
            expires_at=now + timedelta(days=done.limits.keep_days),
            is_erased=provider.erases,
            receipt=found.receipt,
        )
        for name, value in found.values.items()
    )


def listed(settings: Settings, term: str, now: datetime) -> tuple[str, str, tuple[FirmFact, ...]]:
    """An operator's id and name, and all that is kept of its firm: also what is too old, and candidates.

    Raises:
        OperatorNotFound, AmbiguousOperator, UsageError: as `fetch`.
        StoreError: the store cannot be read.
    """
    operator = of_lake(settings, term)
    facts = firm_facts.kept(settings, operator.operator_id, now)
    order = list(FIELDS)
    told = sorted(facts, key=lambda one: (order.index(one.field), one.provider))
    return (
        operator.operator_id,
        operator.name,
        tuple(replace(one, value=None) if one.is_erased and one.is_stale(now) else one for one in told),
    )


def accounts(settings: Settings, now: datetime) -> tuple[Account, ...]:
    """What is kept of each provider, and what was spent on it this month: those that can be asked, and those that files came from.

    Raises:
        StoreError: the store cannot be read.
    """
    known = discover()
    with open_to_read(settings.store_url) as store:
        book = FirmBook(store)
        held = book.holdings()
        return tuple(
            Account(
                name,
                firm_facts.title_of(name),
                provider := known.get(name),
                held.get(name, Holding(0, 0, 0)),
                book.spent(name, now),
                provider.limits(settings).budget if provider is not None else None,
            )
            for name in (*known, *(name for name in held if name not in known))
        )


def forget(settings: Settings, name: str) -> Holding:
    """Remove all that a provider said: what was kept of it. It may be done again.

    Raises:
        StoreError: the store cannot be written to; StoreBusy: all is removed, and its files have to be written anew yet.
    """
    with open_store(settings.store_url) as store:
        return FirmBook(store).forget(name)
