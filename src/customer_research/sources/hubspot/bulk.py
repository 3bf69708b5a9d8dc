"""HubSpot's records of all companies: everything, or what was changed since a mark.

Companies are listed, their associations read for 1,000 at a time and the associated records for 100. Afterwards the search
tells, by the date of the last change and oldest first, which records were changed: their companies' associations are read
again. What was deleted is in the lists of archived records, what was merged is told by the company that came of it. Of what is
new or changed the history of a few properties is read, too, 50 records at a time (`states.FOLLOWED`).

Which company is whose the links tell, later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from customer_research.connect.concurrent import chunks
from customer_research.connect.paging import Trail, ids_of
from customer_research.connect.reading import SURELY, each
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import BulkStream, LandingTable, Pull, Row, Slice, gap_row
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.records import ColumnType, literal
from customer_research.errors import BadAnswer, Denied, SchemaChanged, Truncated
from customer_research.sources.hubspot import normalise
from customer_research.sources.hubspot.live import lost, no_property
from customer_research.sources.hubspot.records import TABLES
from customer_research.sources.hubspot.session import SEARCH_SIZE, HubSpotSession
from customer_research.sources.hubspot.states import FOLLOWED, HISTORY, history_rows

STREAM = "bulk"
Record = Mapping[str, Any]
Key = tuple[Any, ...]
T = TypeVar("T")

OVERLAP = timedelta(hours=1)
"""How far an incremental pull reaches back: every change has its date, and the search knows of it within seconds."""

PAGES = 10
"""Pages of a slice of the list: their companies fit into one request for associations."""

AT_ONCE = 1_000
"""Records that are read within one log, whose time is bounded."""

SEARCH_MOST = 10_000
"""Results of a search that can be paged through."""

COMPARE = "Run the same command again; if it stays, compare with HubSpot's own screen."

MERGED = "hs_merged_object_ids"


def _texts(*names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names, "text")


PORTAL = LandingTable("hubspot_portal", ("operator_property",), _texts("operator_property", "detail", "next_step"))
"""The property that holds the operator id; empty, with the reason, where the portal has none."""
OWNER = LandingTable("hubspot_owner", ("owner_id",), _texts("owner_id", "name"))
STAGE = LandingTable("hubspot_stage", ("id",), {**_texts("id", "label"), "is_open": "boolean", "is_won": "boolean"})
"""Deal stages with what a deal in them is, and pipelines."""
COMPANY = LandingTable(
    "hubspot_company",
    ("company_id",),
    {**TABLES["company"].types("operator_id", "linked_by", "owner_name"), "operator_property": "text"},
)
"""Companies; `operator_property` is the operator whose search finds the company."""
MERGE = LandingTable("hubspot_merge", ("old_id",), _texts("old_id", "company_id"))
"""Ids that a company had before it was merged into another."""
ASSOCIATION = LandingTable(
    "hubspot_association",
    ("company_id", "type", "id"),
    {**_texts("company_id", "type", "id"), "position": "integer"},
)
"""A company's associations in HubSpot's order; `type` is the other's object type."""
CONTACT = LandingTable("hubspot_contact", ("contact_id",), TABLES["contact"].types("operator_id", "is_primary"))
DEAL = LandingTable("hubspot_deal", ("deal_id",), _texts("deal_id", *normalise.DEAL_PROPERTIES, "fetch_id"))
"""Deals as HubSpot has them: what a stage means may depend on its label."""
ENGAGEMENT = LandingTable("hubspot_engagement", ("type", "engagement_id"), TABLES["engagement"].types("operator_id"))
GAP = LandingTable("hubspot_gap", ("object_type",), _texts("object_type", "reason", "detail", "next_step"))
"""Object types that could not be read, and why."""

TOLD = (PORTAL, OWNER, STAGE, GAP)
"""What every pull brings whole."""
RECORDS = (COMPANY, MERGE, ASSOCIATION, CONTACT, DEAL, ENGAGEMENT, HISTORY)


@dataclass(frozen=True, slots=True)
class Kind:
    """An object type that companies are associated with: its properties, where it lands, and how."""

    name: str
    properties: tuple[str, ...]
    table: LandingTable
    row: Callable[[Record], Row]
    key: Callable[[str], Key]


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _contact(record: Record) -> Row:
    return _without(normalise.contact_row(record, "", is_primary=False), "operator_id", "is_primary")


def _deal(record: Record) -> Row:
    given = normalise.properties_of(record, "deals")
    return {"deal_id": str(record["id"]), **{name: given.get(name) for name in normalise.DEAL_PROPERTIES}}


def _engagement(kind: str) -> Kind:
    def row(record: Record) -> Row:
        return _without(normalise.engagement_row(record, "", object_type=kind), "operator_id")

    single = kind.removesuffix("s")
    return Kind(kind, normalise.ENGAGEMENT_PROPERTIES[kind], ENGAGEMENT, row, lambda identifier: (single, identifier))


KINDS: Mapping[str, Kind] = {
    "contacts": Kind("contacts", normalise.CONTACT_PROPERTIES, CONTACT, _contact, lambda identifier: (identifier,)),
    "deals": Kind("deals", normalise.DEAL_PROPERTIES, DEAL, _deal, lambda identifier: (identifier,)),
    **{kind: _engagement(kind) for kind in normalise.ENGAGEMENT_PROPERTIES},
}


class SliceDraft:
    """What one slice gathers: rows and keys that are gone by table, and the receipts."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.gone: dict[str, list[Key]] = {}
        self.receipts: list[Receipt] = []

    def add(self, table: LandingTable, rows: Iterable[Row], log: RequestLog | None = None) -> None:
        """Take rows; with the log that brought them they get its receipt."""
        found = list(rows)
        if log is not None:
            receipt = log.receipt(found)
            self.receipts.append(receipt)
            found = stamp(found, receipt) if "fetch_id" in table.columns else found
        self.rows.setdefault(table.name, []).extend(found)

    def lose(self, table: LandingTable, keys: Iterable[Key]) -> None:
        """Note keys that are no more."""
        self.gone.setdefault(table.name, []).extend(keys)

    def slice(self, cursor: str, *, done: int = 0, total: int | None = None) -> Slice:
        """The slice, not the last one."""
        return Slice(dict(self.rows), tuple(self.receipts), cursor, dict(self.gone), done, total)


class Portal:
    """One pull of one portal.

    Args:
        session: the open connection.
        pull: what is asked for.
    """

    def __init__(self, session: HubSpotSession, pull: Pull) -> None:
        self._session = session
        self._pull = pull
        self._held = pull.held
        self._property: str | None = None
        self._lost: dict[str, Gap] = {}
        self._without_history: set[str] = set()
        """Types of which HubSpot refuses the history: their past is unknown, and nothing else."""
        self._refreshed: set[str] = set()
        self._uncounted = 0
        """Companies that the search counts beyond those that HubSpot lists."""
        self._lacking: Counter[str] = Counter()
        """Records by type that companies are associated with and that did not come, or cannot be read."""
        self._stale = False
        """Whether records of some type could not be read before this pull was cut off."""

    async def slices(self) -> AsyncIterator[Slice]:
        """The whole pull.

        Raises:
            SourceError: HubSpot failed; the slices before stand.
        """
        told = await self._told()
        since = self._since()
        self._stale = self._pull.resume is not None and bool(self._held("SELECT object_type FROM hubspot_gap"))
        steps = self._everything() if since is None else self._changes(since)
        async for piece in steps:
            yield piece
        told.add(GAP, self._gaps())
        last = told.slice("end")
        whole = TOLD if since is not None else (*TOLD, *RECORDS)
        yield Slice(
            last.rows,
            last.receipts,
            last.cursor,
            mark="" if self._lost or self._stale else self._pull.until.isoformat(),
            whole=tuple(table.name for table in whole),
            unread=self._single(),
        )

    def _since(self) -> datetime | None:
        """From when on changes are asked for; None: everything, also when another property holds the operator id now."""
        resume, mark = self._pull.resume or "", normalise.instant(self._pull.since)
        if mark is None or resume.startswith("list"):
            return None
        known = [row["operator_property"] for row in self._held("SELECT operator_property FROM hubspot_portal")]
        if not resume and known != [self._property or ""]:
            return None
        return mark - min(self._pull.overlap, OVERLAP)

    def _gaps(self) -> list[Row]:
        return [gap_row(gap, object_type=kind) for kind, gap in self._lost.items()]

    # -- what the portal tells of itself ------------------------------------------------------------------------------

    async def _told(self) -> SliceDraft:
        found = SliceDraft()
        log = self._session.log(STREAM)
        self._property = await self._session.operator_property(log)
        gap = no_property(self._session.operator_properties) if self._property is None else None
        why = {"detail": gap.detail if gap else None, "next_step": gap.next_step if gap else None}
        found.add(PORTAL, [{"operator_property": self._property or "", **why}])
        owners = await self._unless_refused(self._session.owners, log)
        found.add(OWNER, ({"owner_id": identifier, "name": name} for identifier, name in owners.items()))
        stages = await self._unless_refused(self._session.stages, log)
        found.add(STAGE, ({"id": identifier, **asdict(stage)} for identifier, stage in stages.items()))
        found.receipts.append(log.receipt([row for rows in found.rows.values() for row in rows]))
        return found

    @staticmethod
    async def _unless_refused(
        ask: Callable[[RequestLog], Awaitable[Mapping[str, T]]], log: RequestLog
    ) -> Mapping[str, T]:
        """Names and meanings of ids, without which the ids are shown."""
        try:
            return await ask(log)
        except Denied:
            return {}

    @property
    def _company_properties(self) -> tuple[str, ...]:
        return (*normalise.COMPANY_PROPERTIES, *([self._property] if self._property else []), MERGED)

    # -- everything ---------------------------------------------------------------------------------------------------

    async def _everything(self) -> AsyncIterator[Slice]:
        """Every company with all that is associated; the search's count proves that the list was whole."""
        place, _, counted = (self._pull.resume or "").removeprefix("list ").partition(" ")
        after, done = (place, int(counted)) if counted else (None, 0)
        if self._pull.resume == "end" or after == "end":
            return
        total, resumed, seen = await self._number(), after is not None, set[str]()
        listed = self._session.listed("companies", self._company_properties, STREAM, after, pages=PAGES)
        async for stretch in listed:
            each_once = dict(zip(ids_of(stretch.records), stretch.records, strict=True))
            companies = [row for own, row in each_once.items() if own not in seen]
            seen |= each_once.keys()
            after = stretch.cursor or "end"
            found = SliceDraft()
            self._take_companies(found, companies, stretch.log)
            await self._take_history(found, "companies", ids_of(companies))
            await self._take_associated(found, ids_of(companies), new_only=False)
            done += len(companies)
            if after == "end":
                await self._require_all(done, total, set() if resumed else seen)
            found.add(GAP, self._gaps())
            yield found.slice(f"list {after} {done}", done=done, total=total)

    async def _number(self) -> int | None:
        """How many companies there are, as the search counts them; None when it does not say."""
        return (await self._session.search("companies", self._session.log(STREAM), limit=1))[1]

    async def _require_all(self, done: int, before: int | None, listed: set[str]) -> None:
        """Prove that the list was whole: by the search's count, else by the search's own pages, cut otherwise.

        The index behind the search may lag and count companies that are archived; then both ways give the same ones.
        """
        now = await self._number()
        if before is None or now is None or done >= min(before, now):
            return
        size = min(max(len(listed) // 3, 1), SEARCH_SIZE)
        log = self._session.log(STREAM)
        counted = min(before, now)
        if counted > SEARCH_MOST or await self._session.searched("companies", size, log) != listed:
            sentence = f"HubSpot has {counted} companies, {done} came."
            raise self._session.http.error(Truncated, sentence, STREAM, "Run the same command again.")
        self._uncounted = counted - done

    def _take_companies(self, found: SliceDraft, companies: Sequence[Record], log: RequestLog) -> None:
        rows, merged = [], []
        for company in companies:
            given = normalise.properties_of(company, "companies")
            row = _without(
                normalise.company_row(company, "", linked_by="", owner_name=None),
                "operator_id",
                "linked_by",
                "owner_name",
            )
            rows.append({**row, "operator_property": normalise.searchable_operator_id(given.get(self._property or ""))})
            old = (normalise.text(one) for one in (given.get(MERGED) or "").split(";"))
            merged += [{"old_id": one, "company_id": row["company_id"]} for one in old if one is not None]
        found.add(COMPANY, rows, log)
        found.add(MERGE, merged)

    async def _take_associated(self, found: SliceDraft, companies: Sequence[str], *, new_only: bool) -> None:
        """The associations of companies and the records behind them; `new_only` leaves out those that have landed."""
        for ids in chunks(companies, AT_ONCE):
            for kind in KINDS.values():
                await self._take_kind(found, kind, ids, new_only=new_only)
        self._refreshed.update(companies)

    async def _take_kind(self, found: SliceDraft, kind: Kind, companies: Sequence[str], *, new_only: bool) -> None:
        log = self._session.log(STREAM)
        try:
            linked = await self._session.associations("companies", kind.name, companies, log)
        except (Denied, SchemaChanged) as error:
            self._lost[kind.name] = lost(error)
            return
        rows: list[Row] = [
            {"company_id": company, "type": kind.name, "id": identifier, "position": position}
            for company, listed in linked.items()
            for position, identifier in enumerate(listed)
        ]
        found.add(ASSOCIATION, rows, log)
        ids = list(dict.fromkeys(row["id"] for row in rows))
        if new_only:
            now = {(row["company_id"], row["type"], row["id"]) for row in rows}
            held = self._associations(f"type = '{kind.name}' AND {_among('company_id', companies)}")
            found.lose(ASSOCIATION, [key for key in held if key not in now])
            landed = self._landed(kind, ids)
            ids = [identifier for identifier in ids if identifier not in landed]
        await self._take_records(found, kind, ids)

    async def _take_records(self, found: SliceDraft, kind: Kind, ids: Sequence[str]) -> None:
        """The records of these ids; that they may not be read is noted."""
        try:
            for some in chunks(ids, AT_ONCE):
                log = self._session.log(STREAM)
                records = await self._session.read_all(kind.name, some, kind.properties, log)
                read = each(records, lambda record: [kind.row(record)], surely=SURELY)
                found.add(kind.table, read.rows, log)
                await self._take_history(found, kind.name, _with_past(kind.name, records, read.rows))
                # Whose they are the links tell: an association stands without its record.
                self._lacking[kind.name] += len(set(some)) - len(read.rows)
        except (Denied, SchemaChanged) as error:
            self._lost[kind.name] = lost(error)

    async def _take_history(self, found: SliceDraft, kind: str, ids: Sequence[str]) -> None:
        """What the followed properties of these records have been; where that is refused, what was known of it goes, too."""
        if kind not in FOLLOWED:
            return
        for some in chunks(ids, AT_ONCE):
            rows: list[Row] = []
            if kind not in self._without_history:
                log = self._session.log(STREAM)
                try:
                    records = await self._session.histories(kind, some, FOLLOWED[kind], log)
                    rows = [row for record in records for row in history_rows(kind, record)]
                    found.add(HISTORY, rows, log)
                except (Denied, SchemaChanged, BadAnswer):
                    self._without_history.add(kind)
            if self._pull.since is not None:
                now = {tuple(row[name] for name in HISTORY.key) for row in rows}
                found.lose(HISTORY, [key for key in self._histories(kind, some) if key not in now])

    def _keys(self, table: LandingTable, condition: str) -> list[Key]:
        """The keys of what has landed in a table and meets a condition."""
        sql = f"SELECT {', '.join(table.key)} FROM {table.name} WHERE {condition}"  # noqa: S608 - text of our own
        return [tuple(row[name] for name in table.key) for row in self._held(sql)]

    def _histories(self, kind: str, ids: Sequence[str]) -> list[Key]:
        return self._keys(HISTORY, f"type = '{kind}' AND {_among('id', ids)}")

    def _single(self) -> Gap | None:
        """What the sync says of single records that are missing, though all others of their type came."""
        said = [f"HubSpot's search counts {self._uncounted} more companies than HubSpot lists."] * bool(self._uncounted)
        lacking = ", ".join(f"{count} {kind}" for kind, count in self._lacking.items() if count > 0)
        if lacking:
            said.append(f"HubSpot did not give all that companies are associated with ({lacking}).")
        return Gap(normalise.SOURCE_NAME, "truncated", " ".join(said), COMPARE) if said else None

    def _landed(self, kind: Kind, ids: Sequence[str]) -> set[str]:
        own = f" AND type = '{kind.name.removesuffix('s')}'" if kind.table is ENGAGEMENT else ""
        return {key[-1] for key in self._keys(kind.table, _among(kind.table.key[-1], ids) + own)}

    def _associations(self, condition: str) -> list[Key]:
        return self._keys(ASSOCIATION, condition)

    # -- what was changed ---------------------------------------------------------------------------------------------

    async def _changes(self, since: datetime) -> AsyncIterator[Slice]:
        """What was changed, type by type, then what was deleted."""
        order = ["companies", *KINDS]
        step, _, rest = (self._pull.resume or f"changed {order[0]}").partition(" ")
        if step == "changed":
            name, _, place = rest.partition(" ")
            for kind in order[order.index(name) :]:
                async for piece in self._lenient(kind, self._changed(kind, since, place if kind == name else "")):
                    yield piece
            name, place = order[0], ""
        elif step == "deleted":
            name, _, place = rest.partition(" ")
        else:
            return
        for kind in order[order.index(name) :]:
            async for piece in self._lenient(kind, self._deleted(kind, place if kind == name else "")):
                yield piece

    async def _lenient(self, kind: str, slices: AsyncIterator[Slice]) -> AsyncIterator[Slice]:
        """The slices of a type; a type other than companies that may not be read is a gap of its own."""
        try:
            async for piece in slices:
                yield piece
        except (Denied, SchemaChanged) as error:
            if kind == "companies":
                raise
            self._lost[kind] = lost(error)

    async def _changed(self, kind: str, since: datetime, place: str) -> AsyncIterator[Slice]:
        """Records of a type by the date of their last change: each page begins where the one before ended.

        A record that is changed meanwhile comes once more at the end, and none is passed over.
        """
        moment, _, passed = place.partition(" ")
        begin, offset = normalise.instant(moment) or since, int(passed or 0)
        seen, done = set[tuple[str, str | None]](), 0
        trail = Trail(self._session.http, STREAM)
        while place != "end":
            log = self._session.log(STREAM)
            records, total = await self._session.changed(kind, begin, offset, self._asked(kind), log)
            fresh = [record for record in records if self._version(kind, record) not in seen]
            seen.update(self._version(kind, record) for record in records)
            done += len(fresh)
            found = SliceDraft()
            await self._take_changed(found, kind, fresh, log)
            offset += len(records)
            ended = not records or offset >= total
            trail.follow((self._version(kind, record) for record in records), goes_on=not ended)
            if not ended:
                begin, offset = self._following(kind, records[-1], begin, offset)
            place = "end" if ended else f"{begin.isoformat()} {offset}"
            found.add(GAP, self._gaps())
            yield found.slice(f"changed {kind} {place}", done=done)

    def _asked(self, kind: str) -> tuple[str, ...]:
        own = self._company_properties if kind == "companies" else KINDS[kind].properties
        return (*own, normalise.modified_property(kind))

    @staticmethod
    def _version(kind: str, record: Record) -> tuple[str, str | None]:
        return str(record.get("id")), (record.get("properties") or {}).get(normalise.modified_property(kind))

    def _following(self, kind: str, record: Record, begin: datetime, offset: int) -> tuple[datetime, int]:
        last = normalise.instant(self._version(kind, record)[1])
        if last is not None and last > begin:
            return last, 0
        if offset + SEARCH_SIZE > SEARCH_MOST:
            sentence = f"More than {SEARCH_MOST} of HubSpot's {kind} were changed in one instant."
            raise self._session.http.error(Truncated, sentence, STREAM, "Run `customer-research sync hubspot --full`.")
        return begin, offset

    async def _take_changed(self, found: SliceDraft, kind: str, records: Sequence[Record], log: RequestLog) -> None:
        if kind == "companies":
            self._take_companies(found, records, log)
            await self._take_history(found, kind, ids_of(records))
            await self._take_associated(found, ids_of(records), new_only=True)
            self._forget(found, [row["old_id"] for row in found.rows.get(MERGE.name, ())])
            return
        rows = [KINDS[kind].row(record) for record in records]
        found.add(KINDS[kind].table, rows, log)
        await self._take_history(found, kind, _with_past(kind, records, rows))
        if records:
            own = self._session.log(STREAM)
            ids = ids_of(records)
            linked = await self._session.associations(kind, "companies", ids, own)
            companies = dict.fromkeys(company for listed in linked.values() for company in listed)
            found.receipts.append(own.receipt([{"id": company} for company in companies]))
            again = [company for company in companies if company not in self._refreshed]
            await self._take_associated(found, again, new_only=True)

    async def _deleted(self, kind: str, after: str) -> AsyncIterator[Slice]:
        """What has landed and is in the list of archived records."""
        if after == "end":
            return
        async for stretch in self._session.listed(kind, (), STREAM, after or None, pages=PAGES, archived=True):
            ids = [str(row["id"]) for row in stretch.records]
            found = SliceDraft()
            found.receipts.append(stretch.log.receipt([{"id": identifier} for identifier in ids]))
            if kind == "companies":
                self._forget(found, ids)
            elif ids:
                landed = self._landed(KINDS[kind], ids)
                found.lose(
                    KINDS[kind].table, [KINDS[kind].key(identifier) for identifier in ids if identifier in landed]
                )
                found.lose(ASSOCIATION, self._associations(f"type = '{kind}' AND {_among('id', ids)}"))
                found.lose(HISTORY, self._histories(kind, ids))
            found.add(GAP, self._gaps())
            yield found.slice(f"deleted {kind} {stretch.cursor or 'end'}")

    def _forget(self, found: SliceDraft, companies: Sequence[str]) -> None:
        """Companies that are no more, with their associations."""
        if companies:
            found.lose(COMPANY, self._keys(COMPANY, _among("company_id", companies)))
            found.lose(ASSOCIATION, self._associations(_among("company_id", companies)))
            found.lose(HISTORY, self._histories("companies", companies))


def _with_past(kind: str, records: Iterable[Record], rows: Sequence[Row]) -> list[str]:
    """The ids of records whose history can tell something: of contacts none, where the portal does not mark who has left."""
    told = kind != "contacts" or any(row["has_left"] is not None for row in rows)
    return list(dict.fromkeys(ids_of(records))) if told else []


def _among(column: str, ids: Iterable[str]) -> str:
    """A condition on ids, which are texts from outside."""
    listed = ", ".join(map(literal, ids))
    return f"{column} IN ({listed})" if listed else "1 = 0"


BULK = (
    BulkStream(
        "relationship",
        "Companies, contacts, deals and engagements",
        (*TOLD, *RECORDS),
        lambda session, pull: Portal(session, pull).slices(),
    ),
)
