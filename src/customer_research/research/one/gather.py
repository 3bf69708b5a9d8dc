"""Fetching everything about one operator at the same time, each source on its own: a failure leaves a gap, nothing more."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from customer_research.connect.concurrent import together
from customer_research.connect.source import Batch, Source, Stream, Subject
from customer_research.connect.sql import SqlAnswer
from customer_research.domain.account import Records
from customer_research.domain.catalogue import SUBJECTS
from customer_research.domain.evidence import Gap, Receipt
from customer_research.errors import CustomerResearchError, StoreError
from customer_research.metrics.queries import LISTINGS, subject_sql
from customer_research.record_tables import MATCHED, TABLES
from customer_research.research.connections import Connections
from customer_research.research.match_decisions import MatchDecisions, as_decided, decisions, unread
from customer_research.research.off import off_tables
from customer_research.research.one.dossier import BOUND_TABLES, Dossier
from customer_research.research.one.second import Offer, choose
from customer_research.research.one.withheld import FINANCE, gap_of, without_amounts
from customer_research.research.second_sources import counting_sql, second_of
from customer_research.sources.lago.live import BILLING_TABLES, unknown_to_billing

BILLED = frozenset({"active", "pending"})
"""Statuses in the CSM view of a subscription that Lago must know."""

Progress = Callable[[str, str], None]
"""Called with a stream's name and "started", "done" or a gap's reason."""

CSM = "csm"
CARD_TABLES = frozenset({"charge", "dispute"})
DECIDING = "card"
"""The card subject decides by which path charges are reached, so it is asked with every card listing."""
COUNTS, CARD_COUNTS = "counts", "counts.card"
"""The queries that count the records of tables that have a second source: one for all whose records the id is enough to find, one for
those that are found by the card account."""


def silent(stream: str, state: str) -> None:
    """No progress display."""
    del stream, state


class Gatherer:
    """Fetches the canonical tables, warehouse subjects and listings that are wanted of one operator.

    The operator's id is known from the start; its ids in the other systems become known on the way (`identified`), and only
    what needs them waits for them. `arrived` is called after each stream, with its tables (or their gaps) in `Dossier`.
    """

    def __init__(
        self,
        connections: Connections,
        dossier: Dossier,
        progress: Progress = silent,
        arrived: Callable[[Dossier], None] = lambda _dossier: None,
    ) -> None:
        self._connections = connections
        self._dossier = dossier
        self._progress = progress
        self._arrived = arrived
        self._by_id = Subject(dossier.operator_id, dossier.as_of)
        self._whole = self._by_id
        self._identified = asyncio.Event()
        self._counting: Mapping[str, tuple[str, ...]] = {}

    def identified(self, subject: Subject) -> None:
        """Let everything go on that waits for the operator's ids in the other systems."""
        self._whole = subject
        self._identified.set()

    async def _subject(self) -> Subject:
        await self._identified.wait()
        return self._whole

    async def run(self, tables: frozenset[str], listings: frozenset[str]) -> None:
        """Fetch what the wanted tables and listings need, all streams at once; answers and gaps land in `Dossier`.

        The CSM view is not among them: who identifies the operator fetches it.
        """
        if not self._dossier.finance:
            for table in tables & FINANCE - set(BOUND_TABLES):
                self.refuse((table,), gap_of(TABLES[table].home))
            tables -= FINANCE
        for table, gap in off_tables(self._connections.settings).items():
            self.refuse((table,), gap)
        asked = tables | self._listed(listings)
        streams = [
            (source, stream)
            for source in self._connections.sources.values()
            for stream in source.streams
            if asked & set(stream.tables) and CSM not in stream.tables
        ]
        both = frozenset(
            table for source, stream in streams for table in stream.tables if second_of(table) == source.name
        )
        await together(*(self._stream(*one) for one in streams), *self._warehouse(tables, listings, both))
        self._contradicted()
        choose(self._dossier)

    def _listed(self, listings: Collection[str]) -> frozenset[str]:
        """The tables that listings read, but those that are kept back."""
        read = frozenset(table for name in listings for table in LISTINGS[name].tables)
        return read if self._dossier.finance else read - FINANCE

    def _contradicted(self) -> None:
        """Nothing from billing where the CSM view says that it bills the operator is a gap, no operator without subscription."""
        found = [self._dossier.records.get(table) for table in ("subscription", "customer")]
        silent = all(records is None or (records.gap is None and not records.rows) for records in found)
        views = self._dossier.records.get(CSM)
        billed = {row["status"] for row in views.rows if row["is_current"]} if views is not None else set()
        if found[0] is None or not silent or not billed & BILLED:
            return
        gap = unknown_to_billing(self._dossier.operator_id)
        for table in BILLING_TABLES:
            records = self._dossier.records.get(table)
            if records is not None and records.gap is None and not records.rows:
                self._dossier.records[table] = replace(records, gap=gap)

    async def csm(self) -> None:
        """Fetch the CSM view's rows of the operator, which tell its ids in the other systems."""
        for source in self._connections.sources.values():
            for stream in source.streams:
                if CSM in stream.tables:
                    await self._stream(source, stream)

    async def _stream(self, source: Source, stream: Stream) -> None:
        """Fetch one stream into `Dossier`: its rows, or the gap it leaves."""
        name = f"{source.name}.{stream.name}"
        self._progress(name, "started")
        try:
            if stream.learn is not None:
                await stream.learn(self._connections.session(source.name))
            known = await self._known(stream)
            subject = self._by_id if stream.by_id else await self._subject()
            subject = replace(subject, ruled=known.ruled(stream.decided))
            session = self._connections.session(source.name)  # it may have proved out of reach meanwhile
            self.accept(stream.tables, await stream.fetch(session, subject))
            await self._decide(stream.tables)
            self._prove(stream.tables, known.receipts(stream.decided))
            self._connections.shared.heard(source.name)
            self._progress(name, "done")
        except StoreError as error:  # which records are the operator's is not known: nothing is guessed
            self.refuse(stream.tables, unread(error))
            self._progress(name, "failed")
        except CustomerResearchError as error:
            self.refuse(stream.tables, self._connections.failed(source.name, error))
            self._progress(name, "failed")
        self._arrived(self._dossier)

    def accept(self, tables: Sequence[str], batch: Batch) -> None:
        """Take a stream's batch: rows, the receipts that brought them, and the gaps it states itself."""
        for table in tables:
            rows: tuple[Mapping[str, Any], ...] = tuple(batch.tables.get(table, ()))
            if not self._dossier.finance:
                if table in FINANCE:
                    self.refuse((table,), gap_of(TABLES[table].home))
                    continue
                rows = without_amounts(table, rows)
            ids = {row.get("fetch_id") for row in rows}  # bound tables have none
            receipts = tuple(receipt for receipt in batch.receipts if receipt.id in ids) or batch.receipts
            self._file(Records(table, rows, receipts, batch.gaps.get(table)), tables)

    async def _known(self, stream: Stream) -> MatchDecisions:
        """What people decided of the records that tell what else of a stream is the operator's."""
        if not stream.decided:
            return MatchDecisions()
        dossier = self._dossier
        return await asyncio.to_thread(decisions, self._connections.settings, dossier.operator_id, dossier.as_of)

    def _prove(self, tables: Sequence[str], receipts: Sequence[Receipt]) -> None:
        for records in [self._dossier.records[table] for table in tables] if receipts else ():
            self._dossier.records[records.table] = replace(records, receipts=(*records.receipts, *receipts))

    async def _decide(self, tables: Sequence[str]) -> None:
        """Leave of a stream's probable records what people decided of them; who has none opens no store for it."""
        settings, dossier = self._connections.settings, self._dossier
        for records in [dossier.records[table] for table in tables if table in MATCHED]:
            if records.rows:
                made = asyncio.to_thread(as_decided, settings, dossier.operator_id, dossier.as_of, records)
                dossier.records[records.table] = await made

    def refuse(self, tables: Sequence[str], gap: Gap) -> None:
        """Note that tables are unknown."""
        for table in tables:
            self._file(Records(table, (), (), gap), tables)

    def _file(self, records: Records, together: Sequence[str]) -> None:
        """Keep a table's rows, or its gap; what a second source says is an offer until all have spoken."""
        second = second_of(records.table)
        if second is None:
            self._dossier.records[records.table] = records
        else:
            self._dossier.offered[records.table] = Offer(second, tuple(together), records)

    def _warehouse(
        self, tables: frozenset[str], listings: frozenset[str], both: frozenset[str]
    ) -> list[Coroutine[Any, Any, None]]:
        wanted = tables & set(BOUND_TABLES)
        queries = {s.name: (s.tables, subject_sql(s.name)) for s in SUBJECTS.values() if wanted & set(s.tables)}
        queries |= {name: (LISTINGS[name].tables, LISTINGS[name].sql) for name in sorted(listings)}
        counted = {COUNTS: both - CARD_TABLES, CARD_COUNTS: both & CARD_TABLES}
        self._counting = {name: tuple(sorted(read)) for name, read in counted.items() if read}
        queries |= {name: (read, counting_sql(read)) for name, read in self._counting.items()}
        cards = {name: sql for name, (read, sql) in queries.items() if CARD_TABLES & set(read)}
        work = [self._query(name, *query) for name, query in queries.items() if name not in cards]
        if not self._dossier.finance:
            for name in cards:
                self._keep(name, gap_of("warehouse"))
        elif cards:
            work.append(self._cards({DECIDING: subject_sql(DECIDING), **cards}))
        return work

    async def _query(self, name: str, tables: Sequence[str], sql: str) -> None:
        self._progress(f"warehouse.{name}", "started")
        try:
            session = self._connections.session("warehouse")
            found = await session.query(sql, tables=tuple(tables), subject=self._by_id, stream=name)
            self._keep(name, found.answer)
            self._dossier.bound_gaps.update(found.gaps)
            self._progress(f"warehouse.{name}", "done")
        except CustomerResearchError as error:
            self._keep(name, self._connections.failed("warehouse", error))
            self._progress(f"warehouse.{name}", "failed")

    async def _cards(self, sqls: Mapping[str, str]) -> None:
        self._progress("warehouse.card", "started")
        try:
            subject = await self._subject()
            cards = await self._connections.session("warehouse").card_query(sqls, subject)
        except CustomerResearchError as error:
            gap = self._connections.failed("warehouse", error)
            for name in sqls:
                self._keep(name, gap)
            self._progress("warehouse.card", "failed")
            return
        for name in sqls:
            self._keep(name, self._card_answer(name, cards))
        self._dossier.bound_gaps.update(cards.gaps)
        self._dossier.notes.update(dict.fromkeys(CARD_TABLES, cards.path.note))
        self._progress("warehouse.card", "done")

    def _card_answer(self, name: str, cards: Any) -> SqlAnswer | Gap:
        """One card query's answer, its failure as a gap, or the gap of an operator that takes no cards."""
        if cards.gap is not None:
            gap: Gap = cards.gap
            return gap
        if name in cards.errors:
            return self._connections.failed("warehouse", cards.errors[name])
        answer: SqlAnswer = cards.answers[name]
        return answer

    def _keep(self, name: str, answer: SqlAnswer | Gap) -> None:
        """File an answer as a subject's or as a listing's rows, or as what a second source is compared with."""
        if name in self._counting:
            self._dossier.counted.update(dict.fromkeys(self._counting[name], answer))
        elif name in SUBJECTS:
            self._dossier.answers[name] = answer
        elif isinstance(answer, Gap):
            self._dossier.listings[name] = Records(name, (), (), answer)
        else:
            rows = tuple(
                {key: None if _no_number(value) else value for key, value in row.items()} for row in answer.rows
            )
            self._dossier.listings[name] = Records(name, rows, (answer.receipt,))


def _no_number(value: Any) -> bool:
    """Whether a value is not-a-number or infinity, which a list shows as not recorded."""
    return isinstance(value, float) and not math.isfinite(value)
