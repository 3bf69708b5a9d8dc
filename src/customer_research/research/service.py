"""`Research`: every use case, and the only place that composes the parts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from customer_research.connect.concurrent import both
from customer_research.connect.source import Clock, Subject
from customer_research.domain.account import Account, Records, people_of
from customer_research.domain.check import CheckResult
from customer_research.domain.evidence import Evidence, Gap
from customer_research.domain.explanation import Explanation
from customer_research.domain.identity import LookupAnswer
from customer_research.domain.occasion import Occasion
from customer_research.domain.rates import Rates
from customer_research.domain.records import TABLES
from customer_research.domain.report import Report
from customer_research.engines.duckdb import Memory
from customer_research.errors import BadAnswer, ConfigError, CustomerResearchError, OperatorNotFound, UsageError
from customer_research.metrics.catalogue import Metric
from customer_research.metrics.queries import EVIDENCE, LISTINGS, evidence_sql
from customer_research.reports.build import INTERNALLY, Kind
from customer_research.reports.kinds import KINDS
from customer_research.reports.kinds import lookup as lookup_kind
from customer_research.reports.kinds.reason import build_reason
from customer_research.research import comparison, missing, whatif
from customer_research.research import doctor as checks
from customer_research.research.batch import Batch, Order, Row, Told
from customer_research.research.connections import Connections
from customer_research.research.entries import Entry
from customer_research.research.exchange import exchange_rates
from customer_research.research.figures import EVIDENCE_SHOWN, Measuring, measure_arrived
from customer_research.research.figures import prepare as prepare_measuring
from customer_research.research.freshness import freshness
from customer_research.research.gather import CSM, Gatherer, Progress, silent
from customer_research.research.gathered import Gathered
from customer_research.research.journal import Journal
from customer_research.research.judge import advised, card_named, judge
from customer_research.research.judge import prepare as prepare_judging
from customer_research.research.resolve import Resolution, Resolver, operator_id_of
from customer_research.research.track_record import track_of
from customer_research.research.why import compare, explain, metric_named, needed_tables, part_named, warehouse_evidence
from customer_research.settings import Settings

ALL_TABLES = frozenset(TABLES)


def system_clock() -> datetime:
    """The real present instant, UTC."""
    return datetime.now(UTC)


class Research:
    """Look operators up, gather everything about one, score it, report it, explain a figure, check the connections.

    Use as an async context manager; one instance may serve many operators, one use case at a time.

    Args:
        settings: the settings tree.
        clock: gives the present instant; the settings' fixed clock when there is one, else the real time.
        progress: told of each stream's start and end.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None, progress: Progress = silent) -> None:
        self.settings = settings
        self._clock = clock or ((lambda: settings.clock or system_clock()) if settings.clock else system_clock)
        self._connections = Connections(settings, self._clock)
        self._resolver = Resolver(self._connections)
        self._progress = progress
        self._memory: asyncio.Task[Memory] | None = None
        self._rates: tuple[Rates | None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()
        if self._memory is not None:
            (await self._memory).close()

    async def lookup(self, term: str) -> LookupAnswer:
        """All operators that answer to a term, ranked, with reasons.

        Raises:
            UsageError: the term cannot be looked up.
        """
        self._connections.forget()
        return (await self._resolver.resolve(term)).answer

    async def lookup_report(self, term: str) -> tuple[Report, LookupAnswer]:
        """The lookup as a report, and the answer itself."""
        self._connections.forget()
        found = await self._resolver.resolve(term)
        standing = await self._standing(found.answer)
        report = lookup_kind.build_lookup(
            found.answer, found.receipts, (*found.gaps, *found.unasked), self._clock(), standing
        )
        return report, found.answer

    async def _standing(self, answer: LookupAnswer) -> Account | None:
        """How the one operator found stands, measured as every report measures it; None where there is none to measure."""
        if answer.best is None:
            return None
        with suppress(CustomerResearchError):  # who it is stands without it
            account, _ = await self.measured(answer.best.operator_id, tables=lookup_kind.TABLES)
            return account
        return None

    async def report(
        self, kind: str, term: str, *, scorecard: str | None = None, occasion: Occasion = INTERNALLY
    ) -> Report:
        """One report about the one operator that the term names.

        Raises:
            UsageError: no such kind, one that is not for the occasion's audience, or the term cannot be looked up.
            OperatorNotFound: nothing answers to the term.
            AmbiguousOperator: several operators do.
            ConfigError: no such scorecard, or a wrong setting.
        """
        chosen = KINDS.get(kind)
        if chosen is None:
            raise UsageError(f"There is no report {kind!r}.", hint=f"Reports: {', '.join(KINDS)}.")
        chosen.admit(occasion)
        return chosen.report(await self.account_for(chosen, term, scorecard=scorecard), occasion)

    async def account_for(self, kind: Kind, term: str, *, scorecard: str | None = None) -> Account:
        """All that a kind of report reads of the one operator that the term names; see `report` for errors."""
        return await self.account(term, listings=kind.needs, scorecard=scorecard, also=kind.scorecards, past=kind.past)

    async def account(
        self,
        term: str,
        *,
        tables: frozenset[str] = ALL_TABLES,
        listings: Collection[str] = (),
        scorecard: str | None = None,
        also: Sequence[str] = (),
        past: bool = False,
    ) -> Account:
        """Everything known of the one operator that the term names; see `report` for errors.

        Args:
            term: any identifier or name.
            tables: the canonical tables that are read.
            listings: the details that are read (`metrics.queries.LISTINGS`; other names are left out).
            scorecard: the scorecard of its score; the settings' without.
            also: further scorecards to judge by.
            past: whether earlier scores and alerts are read from the store.
        """
        self.ask_again()
        account, _ = await self.measured(
            term, tables=tables, listings=listings, scorecard=scorecard, also=also, past=past
        )
        return account

    async def compare(self, terms: Sequence[str], *, scorecard: str | None = None) -> Report:
        """Two to ten operators side by side, as of one instant; see `report` for errors of each term.

        Raises:
            UsageError: too few, too many, or only one operator under several names.
        """
        return await comparison.compare(self, terms, scorecard=scorecard)

    async def batch(
        self, entries: Sequence[Entry], order: Order, *, folder: Path | None = None, told: Told | None = None
    ) -> tuple[Row, ...]:
        """One report of each entry's operator into the folder, and one row of each entry, in their order.

        What the folder's journal has from an earlier run is not done again. Without a folder nothing is written.

        Raises:
            ConfigError: a setting is wrong.
            UsageError: the folder cannot be used, or belongs to another batch.
        """
        hear = told or (lambda _row: None)
        if folder is None:
            return await Batch(self, order, None, hear).run(entries)
        with Journal(folder, order.about(self.settings.scorecard)) as journal:
            return await Batch(self, order, journal, hear).run(entries)

    async def whatif(self, term: str, assumptions: Sequence[str], *, scorecard: str | None = None) -> Report:
        """The operator's score beside the one it would have under assumptions (`metric=value`); see `report` for errors.

        Raises:
            UsageError: no such metric, or no value of its unit.
        """
        assumed = whatif.read_assumptions(assumptions)
        self.ask_again()
        return await whatif.whatif(self, term, assumed, scorecard=scorecard)

    async def missing(self, term: str, *, scorecard: str | None = None) -> Report:
        """Which unknown figure would move the operator's score most, and between which bounds; see `report` for errors."""
        self.ask_again()
        return await missing.missing(self, term, scorecard=scorecard)

    def ask_again(self) -> None:
        """Ask also those sources again that did not answer a moment ago."""
        self._connections.forget()

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
    ) -> tuple[Account, Measuring]:
        """The account with its tables in memory, which hold only until the caller awaits something else.

        Unlike `account` it leaves sources alone that did not answer a moment ago (`ask_again`), and several may run at once.
        """
        memory = self._opened_memory()
        gathered, resolution = await self._gather(term, tables, frozenset(listings) & LISTINGS.keys(), as_of)
        measuring = Measuring(await memory, gathered)
        card = scorecard or self.settings.scorecard
        scores, findings = judge(measuring, card, also)
        account = Account(
            operator_id=gathered.operator_id,
            name=_name(gathered, resolution),
            as_of=gathered.as_of,
            generated_at=self._clock(),
            match=resolution.match,
            figures=measuring.figures,
            records={**gathered.records, **gathered.listings},
            freshness=freshness(gathered, self._connections.sources.values()),
            scores=scores,
            findings=findings,
            links=self.settings.links,
            rates=self._rates_around(gathered.as_of),
            track=track_of(self.settings.lake_folder, scores[0].digest),
        )
        if past:
            from customer_research.research.history.past import with_past  # noqa: PLC0415 - start-up time

            account = with_past(account, self.settings, card)
        return advised(measuring, account, self.settings.playbook), measuring

    def _rates_around(self, as_of: datetime) -> Rates | None:
        """The exchange rates that a report as of that instant may use; the files are read once."""
        if self._rates is None:
            self._rates = (exchange_rates(self.settings, self._clock()),)
        (rates,) = self._rates
        return rates.around(as_of.astimezone(UTC).date()) if rates is not None else None

    def _opened_memory(self) -> asyncio.Task[Memory]:
        """The memory with its tables and planned queries: made in a thread while sources answer, kept for later accounts.

        Accounts that are gathered at the same time share it, since nothing is awaited between measuring and judging.
        """
        if self._memory is None:
            self._memory = asyncio.create_task(asyncio.to_thread(_memory, self.settings))
        return self._memory

    def _measure_arrived(self, gathered: Gathered) -> None:
        """Use the time of waiting: once the memory is there, measure what has arrived."""
        if self._memory is not None and self._memory.done():
            measure_arrived(self._memory.result(), gathered)

    async def why(
        self, term: str, metric_name: str, *, replay: bool = False, rows: int = EVIDENCE_SHOWN
    ) -> Explanation:
        """One figure taken apart; `replay` sends its requests again and compares.

        Raises:
            UsageError: no such metric; else as `report`.
        """
        metric = metric_named(metric_name)
        explained = await self._explained(term, metric, rows)
        if not replay:
            return explained
        again = await self._explained(explained.operator_id, metric, rows)
        return Explanation(
            **{name: getattr(explained, name) for name in Explanation.__slots__ if name != "replayed"},
            replayed=compare(explained.figure, again.figure),
        )

    async def reason(self, term: str, name: str) -> Report | None:
        """The score, a dimension or a rule of the settings' scorecard taken apart; None where the name is a metric's.

        Raises:
            UsageError: no such metric, dimension or rule; else as `report`.
        """
        asked = part_named(name, card_named(self.settings.scorecard))
        return None if asked is None else build_reason(await self.account(term), asked)

    async def _explained(self, term: str, metric: Metric, rows: int) -> Explanation:
        self._connections.forget()
        memory = self._opened_memory()
        gathered, resolution = await self._gather(term, needed_tables(metric), frozenset())
        measuring = Measuring(await memory, gathered)
        figure = measuring.figures[metric.name]
        if warehouse_evidence(metric):
            evidence, note = await self._warehouse_records(metric, _subject(gathered, resolution, self.settings), rows)
        elif isinstance(figure, Gap):
            evidence, note = Evidence((), (), 0), ""
        else:
            evidence, note = measuring.evidence(metric.name, rows), ""
        return explain(
            operator_id=gathered.operator_id,
            name=_name(gathered, resolution),
            metric=metric,
            figure=figure,
            evidence=evidence,
            note=note,
            people=people_of({name: found.rows for name, found in gathered.records.items()}),
        )

    async def _warehouse_records(self, metric: Metric, subject: Subject, shown: int) -> tuple[Evidence, str]:
        """The records behind a warehouse figure, newest first, counted where they are and cut there to what is shown."""
        sql = (
            f"SELECT e.*, COUNT(*) OVER () AS records_in_all FROM ({evidence_sql(metric.evidence)}) AS e LIMIT {shown}"  # noqa: S608
        )
        try:
            session = self._connections.session("warehouse")
            found = await session.query(
                sql, tables=EVIDENCE[metric.evidence], subject=subject, stream=f"evidence.{metric.evidence}"
            )
        except CustomerResearchError as error:
            gap = self._connections.failed("warehouse", error)
            return Evidence((), (), 0), f"The records could not be listed: {gap.detail}"
        answer = found.answer
        columns = tuple(name for name in answer.columns if name not in {"operator_id", "records_in_all"})
        total = answer.rows[0]["records_in_all"] if answer.rows else 0
        listed = tuple(tuple(row[name] for name in columns) for row in answer.rows)
        return Evidence(columns, listed, int(total), (answer.receipt,)), ""

    async def doctor(self, *, online: bool, sample: int = 20) -> tuple[CheckResult, ...]:
        """The checks of all sources, and the comparison of operator ids between them."""
        self._connections.forget()
        return await checks.run(self._connections, online=online, sample=sample)

    async def _gather(
        self, term: str, tables: frozenset[str], listings: frozenset[str], as_of: datetime | None = None
    ) -> tuple[Gathered, Resolution]:
        """Everything wanted of the operator; a term that is its id need not be looked up before the sources are asked."""
        operator_id, resolution = operator_id_of(term), None
        if operator_id is None:
            resolution = await self._resolver.resolve(term)
            operator_id = resolution.match.operator_id
        gathered = Gathered(operator_id, as_of or self._clock())
        gatherer = Gatherer(self._connections, gathered, self._progress, self._measure_arrived)
        found, _ = await both(self._identify(term, resolution, gatherer, gathered), gatherer.run(tables, listings))
        _refuse_nobody(gathered, found)
        return gathered, found

    async def _identify(
        self, term: str, resolution: Resolution | None, gatherer: Gatherer, gathered: Gathered
    ) -> Resolution:
        """Find out the operator's ids in the other systems, which the CSM rows tell."""
        found = resolution or await self._resolver.resolve(term)
        if found.match.operator_id != gathered.operator_id:
            raise BadAnswer("The sources answered with another operator.", source="warehouse", stream=CSM)
        if found.csm is not None:
            gatherer.accept((CSM,), found.csm)
        else:
            await gatherer.csm()
        gatherer.identified(_subject(gathered, found, self.settings))
        return found


def _memory(settings: Settings) -> Memory:
    """A memory in which measuring and judging need only run."""
    memory = Memory()
    prepare_measuring(memory)
    with suppress(ConfigError):  # judging says so when it is this scorecard that is asked for
        prepare_judging(memory, settings.scorecard, settings.playbook)
    return memory


def _current(gathered: Gathered) -> Mapping[str, Any]:
    """The CSM row that stands for the operator."""
    return next((row for row in gathered.records[CSM].rows if row["is_current"]), {})


def _subject(gathered: Gathered, resolution: Resolution, settings: Settings) -> Subject:
    """The operator's ids in every system, as far as the CSM view and the match tell."""
    row, candidate = _current(gathered), resolution.match.candidate
    names = [name for name in (row.get("name"), candidate.name) if name]
    return Subject(
        operator_id=gathered.operator_id,
        as_of=gathered.as_of,
        names=tuple(dict.fromkeys(map(str, names))),
        aliases=tuple(settings.notion.aliases.get(gathered.operator_id, ())),
        email=_text(row.get("email")) or candidate.email,
        stripe_account=_text(row.get("stripe_account")) or candidate.stripe_account,
        hubspot_company_id=_text(row.get("hubspot_company_id")) or candidate.hubspot_id,
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


def _name(gathered: Gathered, resolution: Resolution) -> str:
    """The operator's name: the CSM view's, else what the match, billing or the CRM call it, else the id."""
    names = [_current(gathered).get("name"), resolution.match.candidate.name]
    names += [row["name"] for table in ("customer", "company") for row in _rows(gathered, table)]
    return next((str(name) for name in names if name), gathered.operator_id)


def _rows(gathered: Gathered, table: str) -> tuple[Mapping[str, Any], ...]:
    return gathered.records.get(table, Records(table, (), ())).rows


def _refuse_nobody(gathered: Gathered, resolution: Resolution) -> None:
    """An id that only stands for itself and that no source knows is nobody's."""
    if resolution.match.candidate.name or any(records.rows for records in gathered.records.values()):
        return
    raise OperatorNotFound(f"No source knows the operator {gathered.operator_id}.", hint="Check the id.")
