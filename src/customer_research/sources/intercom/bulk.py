"""Everybody's conversations, with the contacts and companies that tell whose they are; a link decides that afterwards.

Intercom compares instants of a search by the calendar day of the workspace in some places and to the second in others. So what
changed is asked for from two days before the mark on, which holds either way, and the records' own instants say how far it came.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from customer_research.connect.concurrent import chunks, together
from customer_research.connect.paging import Bookmark, Stretch, Trail, followed, ids_of
from customer_research.connect.reading import SURELY, Readout, each
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Ask, BulkStream, LandingTable, Link, Pull, Row, Slice, gap_row
from customer_research.domain import values
from customer_research.domain.records import literal
from customer_research.domain.values import names_of, operator_key
from customer_research.sources.intercom import live, normalise
from customer_research.sources.intercom.matching import Tie, match
from customer_research.sources.intercom.records import TABLES
from customer_research.sources.intercom.session import IntercomSession, Query, Record, condition

STREAM = normalise.STREAM

LOOK_BACK = timedelta(days=2)
"""How far a pull of changes reaches back: `>` may begin only with the day after the one that it names, in the workspace's zone."""

NAMELESS = "without id: "
"""What the name of a conversation without an id begins with; it cannot be asked for."""

REQUESTS = 5
"""Pages of one slice, one after the other under one deadline."""

AT_ONCE = 50
"""Conversations that are read one by one within one slice."""

ROWS_AT_ONCE = 10_000
"""Landed conversations that are matched at a time."""

COMPANY = LandingTable(
    "intercom_company", ("company_ref",), {"company_ref": "text", "company_id": "text", "created_at": "timestamp"}
)
"""Companies: Intercom's id, the one that the app has given, and when they came to Intercom."""
CONTACT_TABLE = LandingTable(
    "intercom_contact",
    ("contact_id",),
    {"contact_id": "text", "company_refs": "texts", "refs_whole": "boolean"},
)
"""Contacts: their companies, and whether these are all of them."""
MERGE = LandingTable("intercom_merge", ("old_id",), {"old_id": "text", "contact_id": "text"})
"""Ids of contacts that were merged into another one."""
CONVERSATION = LandingTable(
    "intercom_conversation",
    ("conversation_id",),
    {
        **TABLES[live.TABLE].types("operator_id", "matched_by", "is_certain", "company_since"),
        "company_key": "text",
        "contact_ids": "texts",
    },
)
"""Conversations, with what tells whose they are."""
UNREAD = LandingTable(
    "intercom_unread",
    ("conversation_id",),
    {"conversation_id": "text", "company_key": "text", "contact_ids": "texts", "detail": "text"},
)
"""Conversations that cannot be read, with what tells whose they are: of these operators nothing is counted."""

EVERYTHING = (COMPANY, CONTACT_TABLE, CONVERSATION, UNREAD)
"""What a whole pull brings to the last record. Merges are kept: of a contact that was merged twice only the last one is told."""

LANDED = (*EVERYTHING, MERGE)


@dataclass(frozen=True, slots=True)
class _Position(Bookmark):
    """Where a pull is: its step and the page in it, the last change seen of a conversation, whether nothing was left out.

    `before` counts the records of this step that came, `announced` the fewest that an answer of it told. `unread` are the
    conversations that cannot be read, `fault` says what is wrong with the first.
    """

    step: int = 0
    page: str | None = None
    before: int = 0
    announced: int | None = None
    latest: int = 0
    whole: bool = True
    unread: Sequence[str] = ()
    fault: str = ""

    def enter(self, step: int) -> _Position:
        """At the beginning of a step."""
        return replace(self, step=step, page=None, before=0, announced=None)


class _Run:
    """One pull of one workspace."""

    def __init__(self, session: IntercomSession, asked: Pull) -> None:
        self._session = session
        self._asked = asked
        self._since = values.instant(asked.since) if asked.since else None
        self._at = _Position.of(asked.resume)
        self._done = 0
        self._held_unread = frozenset(self._ids(UNREAD)) if asked.since else frozenset[str]()
        self._read: set[str] = set()
        """Conversations that this pull has read since it was cut off last; what came before then is read once more."""

    async def slices(self) -> AsyncIterator[Slice]:
        """The whole pull.

        Raises:
            SourceError: Intercom failed; the slices before stand.
        """
        steps = (self._companies, self._contacts, self._conversations, self._open, self._no_longer_open, self._deleted)
        for number, step in enumerate(steps):
            if number < self._at.step:
                continue
            async for piece in step():
                yield piece
            self._at = self._at.enter(number + 1)
        yield self._last()

    def _ids(self, table: LandingTable, where: str = "TRUE") -> list[str]:
        """Ids of conversations that have landed."""
        rows = self._asked.held(f"SELECT conversation_id FROM {table.name} WHERE {where} ORDER BY 1")  # noqa: S608
        return [str(row["conversation_id"]) for row in rows]

    def _begin(self) -> int:
        """From when on changes are asked for, Unix seconds; 0: from the beginning."""
        return 0 if self._since is None else int((self._since - LOOK_BACK).timestamp())

    def _changed(self) -> Query:
        return condition("updated_at", ">", self._begin())

    # -- the steps ----------------------------------------------------------------------------------------------------

    async def _companies(self) -> AsyncIterator[Slice]:
        """Every company: a scroll cannot be taken up again, so this step begins anew when it was cut off."""
        async for stretch in self._session.scroll(STREAM):
            rows = [normalise.company(one) for one in stretch.records]
            self._left_out(not stretch.whole)
            if stretch.cursor is None:
                self._at = self._at.enter(self._at.step + 1)
            yield self._slice({COMPANY.name: rows}, stretch.log, rows)

    async def _contacts(self) -> AsyncIterator[Slice]:
        async for stretch in self._searched("contacts", self._changed()):
            rows = [_contact(one) for one in stretch.records]
            merged = [row for one in stretch.records for row in _merged(one)]
            gone = {CONTACT_TABLE.name: [(row["old_id"],) for row in merged]}
            yield self._slice({CONTACT_TABLE.name: rows, MERGE.name: merged}, stretch.log, rows, gone)

    async def _conversations(self) -> AsyncIterator[Slice]:
        async for stretch in self._searched("conversations", self._changed()):
            yield self._conversation_slice(stretch.records, stretch.log)

    async def _open(self) -> AsyncIterator[Slice]:
        """What is open now, whenever it changed: a search by change is known to miss closures."""
        if self._since is not None:
            async for stretch in self._searched("conversations", condition("open", "=", True)):
                yield self._conversation_slice(stretch.records, stretch.log)

    async def _no_longer_open(self) -> AsyncIterator[Slice]:
        """What is held as open, or could not be read, and did not come, one by one."""
        if self._since is None:
            return
        held = {*self._ids(CONVERSATION, "is_open"), *self._held_unread} - self._read
        for ids in chunks(sorted(one for one in held if not one.startswith(NAMELESS)), AT_ONCE):
            log = self._session.log(STREAM)
            found = await together(*(self._session.conversation(one, log) for one in ids))
            gone = [one for one, record in zip(ids, found, strict=True) if record is None]
            there = [record for record in found if record is not None]
            # Those that could not be read before prove nothing of the contract, however many are still so.
            yield self._conversation_slice(there, log, gone, surely=sys.maxsize)

    async def _deleted(self) -> AsyncIterator[Slice]:
        """What was deleted since the mark, newest first; a whole pull brings what there is."""
        if self._since is None:
            return
        page, goes_on, trail, seen, announced = 1, True, Trail(self._session.http, STREAM), set[str](), list[int]()
        while goes_on:
            log = self._session.log(STREAM)
            records, more, counted = await self._session.deleted(page, log)
            moments = [normalise.moment(one.get("deleted_at"), "deleted_at") for one in records]
            ids = [normalise.identifier(one, "deleted conversation") for one in records]
            seen, announced, is_late = seen | set(ids), [*announced, counted], self._goes_back(moments)
            goes_on = more and is_late
            is_new = trail.follow(ids, goes_on=goes_on)
            ended = is_late and not goes_on
            self._left_out(not is_new or (ended and len(seen) < min(announced)))
            yield self._slice({}, log, [{"id": one} for one in ids], _gone(ids))
            page += 1

    def _goes_back(self, moments: Sequence[datetime | None]) -> bool:
        """Whether the page before may hold something newer than the mark."""
        assert self._since is not None
        begin = self._since - LOOK_BACK
        return all(one is None or one >= begin for one in moments)

    # -- what they share ----------------------------------------------------------------------------------------------

    def _left_out(self, is_so: bool) -> None:  # noqa: FBT001 - what is told, as it is
        """Note that something was left out: then this pull is not whole."""
        self._at = replace(self._at, whole=self._at.whole and not is_so)

    async def _searched(self, kind: str, query: Query) -> AsyncIterator[Stretch]:
        """A search from where the pull is; what came is held against the fewest that any of its answers announced."""
        announced, seen, begin = list[int](), set[str](), self._at
        ask = self._session.asking(kind, query, announced)
        async for stretch in followed(self._session.http, STREAM, ask, start=begin.page, pages=REQUESTS):
            seen |= set(ids_of(stretch.records))
            ended, came = stretch.cursor is None, begin.before + len(seen)
            fewest = min([*announced, *([] if begin.announced is None else [begin.announced])])
            self._left_out(not stretch.whole or (ended and came < fewest))
            self._at = replace(self._at, page=stretch.cursor, before=came, announced=fewest)
            if ended:
                self._at = self._at.enter(self._at.step + 1)
            yield stretch

    def _conversation_slice(
        self, records: Sequence[Record], log: RequestLog, gone: Sequence[str] = (), *, surely: int = SURELY
    ) -> Slice:
        workspace = self._session.workspace
        told = each(records, lambda one: [_conversation(one, workspace)], surely=surely)
        came = set(map(_name, records))
        self._read |= came
        latest = max((int(row["updated_at"].timestamp()) for row in told.rows), default=0)
        self._at = replace(self._at, latest=max(self._at.latest, latest))
        unread = self._unread(told)
        readable = sorted(came & self._held_unread - {row["conversation_id"] for row in unread})
        lost = _gone(gone)
        lost[UNREAD.name] += [(one,) for one in readable]
        return self._slice({CONVERSATION.name: told.rows, UNREAD.name: unread}, log, told.rows, lost)

    def _unread(self, told: Readout[Record, Row]) -> list[Row]:
        """The rows that say whose the conversations are that cannot be read.

        Raises:
            SchemaChanged: they are too many to be single records.
        """
        rows = [{**_whose(one), "conversation_id": _name(one), "detail": error.message} for one, error in told.unread]
        if rows:
            names = sorted({*self._at.unread, *(row["conversation_id"] for row in rows)})
            self._at = replace(self._at, unread=names, fault=self._at.fault or rows[0]["detail"])
            if len(names) > self._session.http.bounds.bad_records:
                raise told.unread[0][1]
        return rows

    def _slice(
        self,
        tables: Mapping[str, list[Row]],
        log: RequestLog,
        rows: Sequence[Row],
        gone: Mapping[str, list[tuple[Any, ...]]] | None = None,
    ) -> Slice:
        self._done += len(rows)
        receipt = log.receipt(rows, truncated=not self._at.whole)
        kept = {name: stamp(found, receipt) if name == CONVERSATION.name else found for name, found in tables.items()}
        return Slice(kept, (receipt,), self._at.cursor, gone or {}, self._done)

    def _last(self) -> Slice:
        """The end: the next pull asks from the last change seen, by Intercom's own time; not from behind this one's begin."""
        latest = int(self._asked.until.timestamp())
        if self._at.latest:
            latest = min(self._at.latest, latest)
        if self._since is not None:
            latest = max(latest, int(self._since.timestamp()))
        mark = datetime.fromtimestamp(latest, UTC).isoformat()
        whole = self._at.whole
        everything = () if not whole else (COMPANY,) if self._since is not None else EVERYTHING
        return Slice(
            {},
            (),
            self._at.cursor,
            done=self._done,
            mark=mark if whole else self._asked.since or "",
            whole=tuple(table.name for table in everything),
            gaps={} if whole else {CONVERSATION.name: live.TRUNCATED},
            unread=live.unread(self._at.fault, len(self._at.unread)),
        )


def _name(conversation: Record) -> str:
    """A conversation's own id; of one that has none a name that only the same one has."""
    return values.text(conversation.get("id")) or NAMELESS + sha256(repr(conversation).encode()).hexdigest()


def _gone(ids: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Conversations that are no more, by the tables that may hold them."""
    return {table.name: [(one,) for one in ids] for table in (CONVERSATION, UNREAD)}


def _contact(contact: Record) -> Row:
    refs, whole = normalise.company_refs(contact)
    return {
        "contact_id": normalise.identifier(contact, "contact"),
        "company_refs": values.listed(refs),
        "refs_whole": whole,
    }


def _merged(contact: Record) -> Iterator[Row]:
    """The ids that were merged into a contact, where its history came with it."""
    history = contact.get("merge_history")
    for one in history if isinstance(history, list) else ():
        old = values.text(one.get("source_contact_id")) if isinstance(one, Mapping) else None
        if old is not None:
            yield {"old_id": old, "contact_id": normalise.identifier(contact, "contact")}


def _conversation(conversation: Record, workspace: str) -> Row:
    return {**normalise.conversation_row(conversation, workspace), **_whose(conversation)}


def _whose(conversation: Record) -> Row:
    """What tells whose a conversation is."""
    return {
        "company_key": normalise.company_key(conversation),
        "contact_ids": values.listed(normalise.contact_ids(conversation)),
    }


# -- whose they are -------------------------------------------------------------------------------------------------------


class _Ties:
    """Who is whose: contacts by the companies that they belong to."""

    def __init__(self, ask: Ask) -> None:
        self._known = {str(row["operator_id"]) for row in ask("SELECT operator_id FROM operator")}
        companies, owner = dict[str, list[Row]](), dict[str, str | None]()
        for row in ask(f"SELECT * FROM {COMPANY.name}"):  # noqa: S608
            key = owner[str(row["company_ref"])] = operator_key(row["company_id"])
            companies.setdefault(key or "", []).append(row)
        self.since = {key: normalise.since(rows) for key, rows in companies.items()}
        """Operator → since when the first of its companies is there."""
        self._merged = {str(r["old_id"]): str(r["contact_id"]) for r in ask(f"SELECT * FROM {MERGE.name}")}  # noqa: S608
        self._ties: dict[str, dict[str, Tie]] = {}
        for row in ask(f"SELECT contact_id, company_refs, refs_whole FROM {CONTACT_TABLE.name}"):  # noqa: S608
            owners = [owner.get(ref) for ref in names_of(row["company_refs"])]
            alone = bool(row["refs_whole"]) and len(set(owners)) == 1
            ties = {one: Tie(alone) for one in owners if one in self._known}
            if ties:
                self._ties[str(row["contact_id"])] = ties

    def _now(self, contact: str) -> str:
        """The contact that one has become by merges, however many there were."""
        passed = set[str]()
        while contact in self._merged and contact not in passed:
            passed.add(contact)
            contact = self._merged[contact]
        return contact

    def matches(self, row: Row) -> Iterator[tuple[str, tuple[str, bool]]]:
        """The operators whose a landed conversation is, each with how and whether certainly."""
        company = row["company_key"]
        ids = list(dict.fromkeys(map(self._now, names_of(row["contact_ids"]))))
        named = operator_key(company)
        if named is not None:
            candidates = [named] if named in self._known else []
        else:
            candidates = sorted({one for contact in ids for one in self._ties.get(contact, ())})
        for operator_id in candidates:
            own = {
                contact: ties[operator_id] for contact in ids if operator_id in (ties := self._ties.get(contact, {}))
            }
            how = match(operator_id, company, ids, own)
            if how is not None:
                yield operator_id, how


def conversations(ask: Ask) -> Iterator[Row]:
    """The `conversation` rows of all operators, as the live stream tells them."""
    ties, last = _Ties(ask), ""
    while rows := ask(_SOME.format(last=literal(last))):
        last = str(rows[-1]["conversation_id"])
        for row in rows:
            for operator_id, how in ties.matches(row):
                yield live.matched(row, operator_id, how, ties.since.get(operator_id))


def unread_gaps(ask: Ask) -> Iterator[Row]:
    """The gaps of operators of whose conversations some cannot be read, as the live stream tells them."""
    ties, found = _Ties(ask), dict[str, list[Row]]()
    for row in ask(f"SELECT * FROM {UNREAD.name} ORDER BY conversation_id"):  # noqa: S608
        for operator_id, _ in ties.matches(row):
            found.setdefault(operator_id, []).append(row)
    for operator_id, rows in sorted(found.items()):
        gap = live.unread(rows[0]["detail"], len(rows))
        if gap is not None:
            yield gap_row(gap, operator_id=operator_id, table_name=live.TABLE, source=gap.source)


_SOME = (
    f"SELECT * FROM {CONVERSATION.name} WHERE conversation_id > {{last}} ORDER BY conversation_id LIMIT {ROWS_AT_ONCE}"  # noqa: S608
)


BULK = (BulkStream(STREAM, "Support conversations", LANDED, lambda session, asked: _Run(session, asked).slices()),)

_NEEDS = ("operator", *(table.name for table in LANDED))

LINKS = (Link(live.TABLE, _NEEDS, rows=conversations), Link("gap", _NEEDS, rows=unread_gaps))
