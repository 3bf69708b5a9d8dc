"""One operator at a time out of all sources: found, its records fetched, measured, judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from customer_research.connect.concurrent import both
from customer_research.connect.source import Clock, Subject
from customer_research.domain.account import Account, Records
from customer_research.domain.evidence import Gap
from customer_research.domain.firm import KEPT
from customer_research.domain.rates import Rates
from customer_research.domain.review import REVIEW
from customer_research.engines.duckdb import Memory
from customer_research.errors import BadAnswer, ConfigError, CustomerResearchError, OperatorNotFound
from customer_research.metrics.queries import LISTINGS
from customer_research.record_tables import TABLES
from customer_research.reports.kind import Kind
from customer_research.research.connections import Connections, Shared
from customer_research.research.exchange import exchange_rates
from customer_research.research.firm_facts import with_company_facts
from customer_research.research.kept_reviews import with_reviews
from customer_research.research.one.dossier import Dossier
from customer_research.research.one.figures import Measurement, measure_arrived
from customer_research.research.one.figures import prepare as prepare_measuring
from customer_research.research.one.freshness import freshness
from customer_research.research.one.gather import CSM, Gatherer, Progress, silent
from customer_research.research.one.judge import advised, judge, with_levers
from customer_research.research.one.judge import prepare as prepare_judging
from customer_research.research.one.peer_groups import peers_of
from customer_research.research.one.resolve import Resolution, Resolver, operator_id_of
from customer_research.research.one.track_record import track_of
from customer_research.research.one.withheld import gap_of, marked
from customer_research.settings import Settings
from customer_research.sources.notion.settings import NotionSettings

ALL_TABLES = frozenset(TABLES)

_ADDED = {KEPT: with_company_facts, REVIEW: with_reviews}
"""What the store keeps of others' words → how an account is given it."""


def system_clock() -> datetime:
    """The real present instant, UTC."""
    return datetime.now(UTC)


class Operators:
    """Finds operators and reads all that is known of one, measured and judged; what every use case about operators rests on.

    Use as an async context manager; one instance may serve many operators.

    Args:
        settings: the settings tree.
        clock: gives the present instant; the settings' fixed clock when there is one, else the real time.
        progress: told of each stream's start and end.
        shared: the connections of the process; None: its own.
        finance: whether what operators pay and are paid is read (`withheld`).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        progress: Progress = silent,
        shared: Shared | None = None,
        finance: bool = True,
    ) -> None:
        self.settings = settings
        self._clock = clock or ((lambda: settings.clock or system_clock()) if settings.clock else system_clock)
        self._connections = Connections(settings, self._clock, shared)
        self._resolver = Resolver(self._connections)
        self._progress = progress
        self._finance = finance
        self._rates: tuple[Rates | None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()

    async def account_for(
        self, kind: Kind[Any], term: str, *, scorecard: str | None = None, facts: bool = False
    ) -> Account:
        """All that a kind of report reads of the one operator that the term names; see `report` for errors.

        With `facts` also what is kept of its firm, and reviews: for who reads the report now, since what others told must be forgotten
        one day.
        """
        account = await self.account(
            term, listings=kind.needs, scorecard=scorecard, also=kind.scorecards, past=kind.past, levers=kind.levers
        )
        for kept, added in _ADDED.items() if facts else ():
            if kept in kind.needs:
                account = await asyncio.to_thread(added, account, self.settings)
        return account

    async def account(
        self,
        term: str,
        *,
        tables: frozenset[str] = ALL_TABLES,
        listings: Collection[str] = (),
        scorecard: str | None = None,
        also: Sequence[str] = (),
        past: bool = False,
        levers: bool = False,
    ) -> Account:
        """Everything known of the one operator that the term names; see `report` for errors.

        Args:
            term: any identifier or name.
            tables: the canonical tables that are read.
            listings: the details that are read (`metrics.queries.LISTINGS`; other names are left out).
            scorecard: the scorecard of its score; the settings' without.
            also: further scorecards to judge by.
            past: whether earlier scores and alerts are read from the store, and similar operators from the lake.
            levers: whether it is worked out what each sign moves.
        """
        self.ask_again()
        account, _ = await self.measured(
            term, tables=tables, listings=listings, scorecard=scorecard, also=also, past=past, levers=levers
        )
        return account

    def ask_again(self) -> None:
        """Ask also those sources again that did not answer a moment ago."""
        self._connections.forget()

    @property
    def _withheld(self) -> Gap | None:
        """What stands for an operator's MRR that is kept back; None where nothing is."""
        return None if self._finance else gap_of("warehouse")

    def now(self) -> datetime:
        """The present instant, which a use case about several operators takes once for all of them."""
        return self._clock()

    async def identify(self, term: str) -> str:
        """The operator id that the term names; one that is an operator id already is not looked up.

        Raises:
            UsageError: as `report`.
        """
        return operator_id_of(term) or (await self._resolver.resolve(term)).match.operator_id

    async def measured(
        self,
        term: str,
        *,
        tables: frozenset[str] = ALL_TABLES,
        listings: Collection[str] = (),
        scorecard: str | None = None,
        as_of: datetime | None = None,
        also: Sequence[str] = (),
        past: bool = False,
        levers: bool = False,
    ) -> tuple[Account, Measurement]:
        """The account with its tables in memory, which hold only until the caller awaits something else.

        Unlike `account` it leaves sources alone that did not answer a moment ago (`ask_again`), and several may run at once.
        """
        dossier, resolution = await self._gather(term, tables, frozenset(listings) & LISTINGS.keys(), as_of)
        measurement = Measurement(await self._memory(), dossier)
        card = scorecard or self.settings.scorecard
        scores, findings = judge(measurement, card, also)
        if levers:
            scores = (with_levers(measurement, scores[0], card), *scores[1:])
        account = replace(
            self._account(dossier, resolution, measurement),
            scores=scores,
            findings=findings,
            track=track_of(self.settings.lake_folder, scores[0].digest),
        )
        if past and not self._finance:
            account = replace(account, history=gap_of("score history"), alerts=gap_of("alerts"))
        elif past:
            from customer_research.research.one.earlier import with_past  # noqa: PLC0415 - start-up time

            account = with_past(account, self.settings, card)
        if past:
            account = replace(account, peers=peers_of(self.settings.lake_folder, account.figures))
        return advised(measurement, account, self.settings.playbook), measurement

    async def looked_up(self, term: str, tables: frozenset[str]) -> tuple[Resolution, Account | None]:
        """Who answers to a term, and how the one that stands alone is measured over some tables, without score, findings and advice.

        None for nobody, or where it cannot be measured: who it is stands without it. A term that is an operator id is looked up
        while everything else is asked for already.

        Raises:
            UsageError: the term cannot be looked up.
        """
        looking = asyncio.ensure_future(self._resolver.resolve(term))
        try:
            operator_id = operator_id_of(term)
            if operator_id is None:
                found = await looking
                operator_id = found.answer.best.operator_id if found.answer.best is not None else None
            account = None
            if operator_id is not None:
                with suppress(CustomerResearchError):
                    account = await self._unjudged(operator_id, tables, looking)
            found = await looking
            return found, account if found.answer.best is not None else None
        finally:
            looking.cancel()

    async def _unjudged(self, operator_id: str, tables: frozenset[str], looking: Awaitable[Resolution]) -> Account:
        dossier, found = await self._gather(operator_id, tables, frozenset(), looking=looking)
        return self._account(dossier, found, Measurement(await self._memory(), dossier))

    def _account(self, dossier: Dossier, resolution: Resolution, measurement: Measurement) -> Account:
        """The account as it is measured, before anybody judges it."""
        return Account(
            operator_id=dossier.operator_id,
            name=name_of(dossier, resolution),
            as_of=dossier.as_of,
            generated_at=self._clock(),
            match=resolution.match,
            figures=measurement.figures,
            records={**(dossier.records if self._finance else marked(dossier.records)), **dossier.listings},
            freshness=freshness(dossier, self._connections.sources.values()),
            links=self.settings.links,
            rates=self._rates_around(dossier.as_of),
            differences=dossier.differences,
        )

    def _rates_around(self, as_of: datetime) -> Rates | None:
        """The exchange rates that a report as of that instant may use; the files are read once."""
        if self._rates is None:
            self._rates = (exchange_rates(self.settings, self._clock()),)
        (rates,) = self._rates
        return rates.around(as_of.astimezone(UTC).date()) if rates is not None else None

    async def _memory(self) -> Memory:
        """The memory with its tables and planned queries: made in a thread while sources answer, kept for later accounts.

        Accounts that are fetched at the same time share it, since nothing is awaited between measuring and judging.
        """
        return await self._connections.shared.memory.get(self._prepared)

    def _prepared(self) -> Awaitable[Memory]:
        return asyncio.to_thread(_memory, self.settings)

    def _measure_arrived(self, wanted: Collection[str], dossier: Dossier) -> None:
        """Use the time of waiting: once the memory is there, measure what has arrived."""
        memory = self._connections.shared.memory.value
        if memory is not None:
            measure_arrived(memory, dossier, wanted)

    async def _gather(
        self,
        term: str,
        tables: frozenset[str],
        listings: frozenset[str],
        as_of: datetime | None = None,
        *,
        looking: Awaitable[Resolution] | None = None,
    ) -> tuple[Dossier, Resolution]:
        """Everything wanted of the operator; a term that is its id need not be looked up before the sources are asked.

        `looking` is the resolution of an id, where somebody looks it up already.
        """
        self._connections.shared.memory.begin(self._prepared)
        resolution, operator_id = None, operator_id_of(term) if looking is None else term
        if operator_id is None:
            resolution = await self._resolver.resolve(term)
            operator_id = resolution.match.operator_id
        dossier = Dossier(operator_id, as_of or self._clock(), finance=self._finance)
        gatherer = Gatherer(self._connections, dossier, self._progress, partial(self._measure_arrived, {*tables, CSM}))
        known = looking if resolution is None else _at_once(resolution)
        found, _ = await both(self._identify(term, known, gatherer, dossier), gatherer.run(tables, listings))
        _refuse_nobody(dossier, found)
        return dossier, found

    async def _identify(
        self, term: str, known: Awaitable[Resolution] | None, gatherer: Gatherer, dossier: Dossier
    ) -> Resolution:
        """Find out the operator's ids in the other systems, which the CSM rows tell."""
        found = await (asyncio.shield(known) if known is not None else self._resolver.resolve(term))
        if found.match.operator_id != dossier.operator_id:
            raise BadAnswer("The sources answered with another operator.", source="warehouse", stream=CSM)
        if found.csm is not None:
            gatherer.accept((CSM,), found.csm)
        else:
            await gatherer.csm()
        gatherer.identified(subject_of(dossier, found, self.settings))
        return found


async def _at_once(resolution: Resolution) -> Resolution:
    return resolution


def _memory(settings: Settings) -> Memory:
    """A memory in which measuring and judging need only run."""
    memory = Memory()
    prepare_measuring(memory)
    with suppress(ConfigError):  # judging says so when it is this scorecard that is asked for
        prepare_judging(memory, settings.scorecard, settings.playbook)
    return memory


def _current(dossier: Dossier) -> Mapping[str, Any]:
    """The CSM row that stands for the operator."""
    return next((row for row in dossier.records[CSM].rows if row["is_current"]), {})


def subject_of(dossier: Dossier, resolution: Resolution, settings: Settings) -> Subject:
    """The operator's ids in every system, as far as the CSM view and the match tell."""
    row, candidate = _current(dossier), resolution.match.candidate
    names = [name for name in (row.get("name"), candidate.name) if name]
    return Subject(
        operator_id=dossier.operator_id,
        as_of=dossier.as_of,
        names=tuple(dict.fromkeys(map(str, names))),
        aliases=tuple(settings.of(NotionSettings).aliases.get(dossier.operator_id, ())),
        email=_text(row.get("email")) or candidate.email,
        stripe_account=_text(row.get("stripe_account")) or candidate.stripe_account,
        hubspot_company_id=_text(row.get("hubspot_company_id")) or candidate.hubspot_id,
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


def name_of(dossier: Dossier, resolution: Resolution) -> str:
    """The operator's name: the CSM view's, else what the match, billing or the CRM call it, else the id."""
    names = [_current(dossier).get("name"), resolution.match.candidate.name]
    names += [row["name"] for table in ("customer", "company") for row in _rows(dossier, table)]
    return next((str(name) for name in names if name), dossier.operator_id)


def _rows(dossier: Dossier, table: str) -> tuple[Mapping[str, Any], ...]:
    return dossier.records.get(table, Records(table, (), ())).rows


def _refuse_nobody(dossier: Dossier, resolution: Resolution) -> None:
    """An id that only stands for itself and that no source knows is nobody's."""
    if resolution.match.candidate.name or any(records.rows for records in dossier.records.values()):
        return
    raise OperatorNotFound(f"No source knows the operator {dossier.operator_id}.", hint="Check the id.")
