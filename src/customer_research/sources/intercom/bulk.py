"""Everybody's conversations, with the contacts and companies that tell whose they are; a link decides that afterwards.

Intercom compares instants of a search by the calendar day of the workspace in some places and to the second in others. So what
changed is asked for from two days before the mark on, which holds either way, and the records' own instants say how far it came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from customer_research.connect.concurrent import chunks, together
from customer_research.connect.paging import Bookmark, Stretch
from customer_research.connect.reading import SURELY, each
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Ask, BulkStream, LandingTable, Link, Pull, Row, Slice
from customer_research.domain import values
from customer_research.domain.records import literal
from customer_research.domain.values import operator_key
from customer_research.errors import SchemaChanged
from customer_research.sources.intercom import live, normalise
from customer_research.sources.intercom.matching import Tie, match
from customer_research.sources.intercom.records import TABLES
from customer_research.sources.intercom.session import IntercomSession, Query, Record, condition

STREAM = normalise.STREAM

LOOK_BACK = timedelta(days=2)
"""How far a pull of changes reaches back: `>` may begin only with the day after the one that it names, in the workspace's zone."""

REQUESTS = 5
"""Pages of one slice, one after the other under one deadline."""

STEP_AFTER_OPEN = 4
"""The step that reads what is no longer open, by its number among `_Run.slices`."""

AT_ONCE = 50
"""Conversations that are read one by one within one slice."""

ROWS_AT_ONCE = 10_000
"""Landed conversations that are matched at a time."""

COMPANY = LandingTable("intercom_company", ("company_ref",), {"company_ref": "text", "company_id": "text"})
"""Companies: Intercom's id, and the one that the app has given."""
CONTACT_TABLE = LandingTable(
    "intercom_contact",
    ("contact_id",),
    {"contact_id": "text", "company_refs": "texts", "refs_whole": "boolean", "fetch_id": "text"},
)
"""Contacts: their companies, and whether these are all of them."""
MERGE = LandingTable("intercom_merge", ("old_id",), {"old_id": "text", "contact_id": "text"})
"""Ids of contacts that were merged into another one."""
CONVERSATION = LandingTable(
    "intercom_conversation",
    ("conversation_id",),
    {
        **TABLES[live.TABLE].types("operator_id", "matched_by", "is_certain"),
        "company_key": "text",
        "contact_ids": "texts",
    },
)
"""Conversations, with what tells whose they are."""

EVERYTHING = (COMPANY, CONTACT_TABLE, MERGE, CONVERSATION)


@dataclass(frozen=True, slots=True)
class _Position(Bookmark):
    """Where a pull is: its step and the page in it, the last change seen of a conversation, whether nothing was left out.

    `resumed` says that this step was cut off once, so that it cannot be counted.
    """

    step: int = 0
    page: str | None = None
    latest: int = 0
    whole: bool = True
    resumed: bool = False


class _Run:
    """One pull of one workspace."""

    def __init__(self, session: IntercomSession, asked: Pull) -> None:
        self._session = session
        self._asked = asked
        self._since = values.instant(asked.since) if asked.since else None
        self._at = _Position.of(asked.resume)
        if asked.resume:
            self._at = replace(self._at, resumed=True)
        if self._at.step == STEP_AFTER_OPEN:  # what came is known to the step before alone
            self._at = replace(self._at, step=STEP_AFTER_OPEN - 1, page=None)
        self._done = 0
        self._wrong: list[SchemaChanged] = []
        self._read: set[str] = set()
        """Conversations that this pull has read."""

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
            self._at = replace(self._at, step=number + 1, page=None, resumed=False)
        yield self._last()

    def _begin(self) -> int:
        """From when on changes are asked for, Unix seconds; 0: from the beginning."""
        return 0 if self._since is None else int((self._since - LOOK_BACK).timestamp())

    def _changed(self) -> Query:
        return condition("updated_at", ">", self._begin())

    # -- the steps ----------------------------------------------------------------------------------------------------

    async def _companies(self) -> AsyncIterator[Slice]:
        """Every company: a scroll cannot be taken up again, so this step begins anew when it was cut off."""
        async for stretch in self._session.scroll(lambda: self._session.log(STREAM)):
            rows = [
                {
                    "company_ref": normalise.identifier(one, "company"),
                    "company_id": values.text(one.get("company_id")),
                }
                for one in stretch.records
            ]
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
        """What is held as open and did not come, one by one."""
        if self._since is None:
            return
        held = self._asked.held(f"SELECT conversation_id FROM {CONVERSATION.name} WHERE is_open ORDER BY 1")  # noqa: S608
        left = [one for row in held if (one := str(row["conversation_id"])) not in self._read]
        for ids in chunks(left, AT_ONCE):
            log = self._session.log(STREAM)
            found = await together(*(self._session.conversation(one, log) for one in ids))
            gone = {CONVERSATION.name: [(one,) for one, record in zip(ids, found, strict=True) if record is None]}
            yield self._conversation_slice([record for record in found if record is not None], log, gone)

    async def _deleted(self) -> AsyncIterator[Slice]:
        """What was deleted since the mark, newest first; a whole pull brings what there is."""
        if self._since is None:
            return
        page, goes_on = 1, True
        while goes_on:
            log = self._session.log(STREAM)
            records, goes_on = await self._session.deleted(page, log)
            moments = [normalise.moment(one.get("deleted_at"), "deleted_at") for one in records]
            ids = [normalise.identifier(one, "deleted conversation") for one in records]
            yield self._slice({}, log, [{"id": one} for one in ids], {CONVERSATION.name: [(one,) for one in ids]})
            goes_on = goes_on and bool(records) and self._goes_back(moments)
            page += 1

    def _goes_back(self, moments: Sequence[datetime | None]) -> bool:
        """Whether the page before may hold something newer than the mark."""
        assert self._since is not None
        begin = self._since - LOOK_BACK
        return all(one is None or one >= begin for one in moments)

    # -- what they share ----------------------------------------------------------------------------------------------

    async def _searched(self, kind: str, query: Query) -> AsyncIterator[Stretch]:
        """A search from where the pull is; what came is held against the count that was announced."""
        announced, seen = list[int](), set[str]()
        found = self._session.searched(kind, query, STREAM, start=self._at.page, pages=REQUESTS, announced=announced)
        async for stretch in found:
            seen |= {str(one.get("id")) for one in stretch.records}
            ended = stretch.cursor is None
            short = ended and not self._at.resumed and len(seen) < min(announced, default=0)
            whole = self._at.whole and stretch.whole and not short
            self._at = replace(self._at, page=stretch.cursor, whole=whole, step=self._at.step + ended)
            yield stretch

    def _conversation_slice(
        self, records: Sequence[Record], log: RequestLog, gone: Mapping[str, list[tuple[Any, ...]]] | None = None
    ) -> Slice:
        workspace = self._session.workspace
        told = each(records, lambda one: [_conversation(one, workspace)], surely=SURELY)
        self._wrong += [error for _, error in told.unread]
        self._read |= {str(one.get("id")) for one in records}
        latest = max((int(row["updated_at"].timestamp()) for row in told.rows), default=0)
        self._at = replace(self._at, latest=max(self._at.latest, latest))
        return self._slice({CONVERSATION.name: told.rows}, log, told.rows, gone)

    def _slice(
        self,
        tables: Mapping[str, list[Row]],
        log: RequestLog,
        rows: Sequence[Row],
        gone: Mapping[str, list[tuple[Any, ...]]] | None = None,
    ) -> Slice:
        self._done += len(rows)
        receipt = log.receipt(rows, truncated=not self._at.whole)
        kept = {
            name: stamp(found, receipt) if name in {CONVERSATION.name, CONTACT_TABLE.name} else found
            for name, found in tables.items()
        }
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
        everything = EVERYTHING if whole and self._since is None else (COMPANY,)
        return Slice(
            {},
            (),
            self._at.cursor,
            done=self._done,
            mark=mark if whole else self._asked.since or "",
            whole=tuple(table.name for table in everything),
            gaps={} if whole else {CONVERSATION.name: live.TRUNCATED},
            unread=live.unread(self._wrong),
        )


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
    return {
        **normalise.conversation_row(conversation, workspace),
        "company_key": normalise.company_key(conversation),
        "contact_ids": values.listed(normalise.contact_ids(conversation)),
    }


# -- whose they are -------------------------------------------------------------------------------------------------------


class _Ties:
    """Who is whose: contacts by the companies that they belong to."""

    def __init__(self, ask: Ask) -> None:
        self._known = {str(row["operator_id"]) for row in ask("SELECT operator_id FROM operator")}
        companies = ask(f"SELECT company_ref, company_id FROM {COMPANY.name}")  # noqa: S608
        owner = {str(row["company_ref"]): operator_key(row["company_id"]) for row in companies}
        self._merged = {str(r["old_id"]): str(r["contact_id"]) for r in ask(f"SELECT * FROM {MERGE.name}")}  # noqa: S608
        self._ties: dict[str, dict[str, Tie]] = {}
        for row in ask(f"SELECT contact_id, company_refs, refs_whole FROM {CONTACT_TABLE.name}"):  # noqa: S608
            owners = [owner.get(ref) for ref in _names(row["company_refs"])]
            alone = bool(row["refs_whole"]) and len(set(owners)) == 1
            ties = {one: Tie(alone) for one in owners if one in self._known}
            if ties:
                self._ties[str(row["contact_id"])] = ties

    def matches(self, company: str | None, contacts: Iterable[str]) -> Iterator[tuple[str, tuple[str, bool]]]:
        """The operators whose a conversation is, each with how and whether certainly."""
        ids = [self._merged.get(one, one) for one in contacts]
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
            for operator_id, how in ties.matches(row["company_key"], _names(row["contact_ids"])):
                yield live.matched(row, operator_id, how)


_SOME = (
    f"SELECT * FROM {CONVERSATION.name} WHERE conversation_id > {{last}} ORDER BY conversation_id LIMIT {ROWS_AT_ONCE}"  # noqa: S608
)


def _names(texts: str | None) -> tuple[str, ...]:
    """The names of a list as the tables hold it."""
    return tuple(texts.strip("|").split("|")) if texts else ()


BULK = (BulkStream(STREAM, "Support conversations", EVERYTHING, lambda session, asked: _Run(session, asked).slices()),)

LINKS = (Link(live.TABLE, ("operator", *(table.name for table in EVERYTHING)), rows=conversations),)
