"""Everybody's conversations and tickets, with the contacts and companies that tell whose they are; links decide that afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from customer_research.connect.paging import Trail
from customer_research.connect.source import Ask, BulkStream, LandingTable, Link, Row, Slice, gap_row
from customer_research.domain import values
from customer_research.domain.records import literal
from customer_research.domain.values import names_of, operator_key
from customer_research.sources.intercom import live, normalise
from customer_research.sources.intercom.matching import Tie, match, match_ticket
from customer_research.sources.intercom.pulling import LOOK_BACK, Kind, Run, Step, pulls
from customer_research.sources.intercom.records import TABLES
from customer_research.sources.intercom.session import Record, condition

STREAM = normalise.STREAM

ROWS_AT_ONCE = 10_000
"""Landed records that are matched at a time."""

Match = tuple[str, tuple[str, bool]]
"""An operator, and how a record is its: by which path, and whether that is certain."""

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

TICKET = LandingTable(
    "intercom_ticket",
    ("ticket_id",),
    {
        **TABLES[live.TICKET].types("operator_id", "matched_by", "is_certain"),
        "telling_ids": "texts",
        "contact_ids": "texts",
    },
)
"""Tickets, with the conversations and contacts that tell whose they are."""
TICKET_UNREAD = LandingTable(
    "intercom_ticket_unread",
    ("ticket_id",),
    {"ticket_id": "text", "telling_ids": "texts", "contact_ids": "texts", "detail": "text"},
)
"""Tickets that cannot be read, likewise."""

EVERYTHING = (COMPANY, CONTACT_TABLE, CONVERSATION, UNREAD)
"""What a whole pull brings to the last record. Merges are kept: of a contact that was merged twice only the last one is told."""

LANDED = (*EVERYTHING, MERGE)


class _Conversations(Run):
    """A pull of conversations, of contacts and of companies."""

    def steps(self) -> tuple[Step, ...]:
        """First who they are, then what they said, last what is no more."""
        return self._companies, self._contacts, *super().steps(), self._deleted

    async def _companies(self) -> AsyncIterator[Slice]:
        """Every company: a scroll cannot be taken up again, so this step begins anew when it was cut off."""
        async for stretch in self.session.scroll(STREAM):
            rows = [normalise.company(one) for one in stretch.records]
            self.left_out(not stretch.whole)
            if stretch.cursor is None:
                self.entered()
            yield self.slice({COMPANY.name: rows}, stretch.log, rows)

    async def _contacts(self) -> AsyncIterator[Slice]:
        async for stretch in self.searched("contacts", condition("updated_at", ">", self.begin())):
            rows = [_contact(one) for one in stretch.records]
            merged = [row for one in stretch.records for row in _merged(one)]
            gone = {CONTACT_TABLE.name: [(row["old_id"],) for row in merged]}
            yield self.slice({CONTACT_TABLE.name: rows, MERGE.name: merged}, stretch.log, rows, gone)

    async def _deleted(self) -> AsyncIterator[Slice]:
        """What was deleted since the mark, newest first; a whole pull brings what there is."""
        if self.since is None:
            return
        page, goes_on, trail, seen, announced = 1, True, Trail(self.session.http, STREAM), set[str](), list[int]()
        while goes_on:
            log = self.session.log(STREAM)
            records, more, counted = await self.session.deleted(page, log)
            moments = [normalise.moment(one.get("deleted_at"), "deleted_at") for one in records]
            ids = [normalise.identifier(one, "deleted conversation") for one in records]
            seen, announced, is_late = seen | set(ids), [*announced, counted], self._goes_back(moments)
            goes_on = more and is_late
            is_new = trail.follow(ids, goes_on=goes_on)
            ended = is_late and not goes_on
            self.left_out(not is_new or (ended and len(seen) < min(announced)))
            yield self.slice({}, log, [{"id": one} for one in ids], self.gone(ids))
            page += 1

    def _goes_back(self, moments: Sequence[datetime | None]) -> bool:
        """Whether the page before may hold something newer than the mark."""
        assert self.since is not None
        begin = self.since - LOOK_BACK
        return all(one is None or one >= begin for one in moments)


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


def _ticket(ticket: Record, workspace: str) -> Row:
    return {**normalise.ticket_row(ticket, workspace), **_whose_ticket(ticket)}


def _whose_ticket(ticket: Record) -> Row:
    """What tells whose a ticket is."""
    return {
        "telling_ids": values.listed(live.telling(ticket)),
        "contact_ids": values.listed(normalise.contact_ids(ticket)),
    }


_CONVERSATIONS = Kind(STREAM, "conversation", CONVERSATION, UNREAD, _conversation, _whose, EVERYTHING, (COMPANY,))
_TICKETS = Kind("tickets", "ticket", TICKET, TICKET_UNREAD, _ticket, _whose_ticket, (TICKET, TICKET_UNREAD))


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

    def _own(self, operator_id: str, ids: Sequence[str]) -> dict[str, Tie]:
        """The ties of those of these contacts who belong to the operator's company."""
        return {one: ties[operator_id] for one in ids if operator_id in (ties := self._ties.get(one, {}))}

    def _people(self, row: Row) -> list[str]:
        """The contacts of a landed record, as they are now."""
        return list(dict.fromkeys(map(self._now, names_of(row["contact_ids"]))))

    def _candidates(self, named: Iterable[str | None], ids: Sequence[str]) -> list[str]:
        """Whose a record may be: of the companies that are named, else of its contacts."""
        operators = {operator_key(one) for one in named}
        if operators:
            return sorted(self._known & operators)
        return sorted({one for contact in ids for one in self._ties.get(contact, ())})

    def matches(self, row: Row) -> Iterator[Match]:
        """The operators whose a landed conversation is, each with how and whether certainly."""
        company, ids = row["company_key"], self._people(row)
        for operator_id in self._candidates([] if company is None else [company], ids):
            how = match(operator_id, company, ids, self._own(operator_id, ids))
            if how is not None:
                yield operator_id, how

    def matches_of_ticket(self, row: Row, companies: Mapping[str, str | None]) -> Iterator[Match]:
        """The operators whose a landed ticket is, by what conversations name, each with how and whether certainly."""
        named, ids = live.named_by(names_of(row["telling_ids"]), companies), self._people(row)
        for operator_id in self._candidates(named, ids):
            how = match_ticket(operator_id, named, ids, self._own(operator_id, ids))
            if how is not None:
                yield operator_id, how


def conversations(ask: Ask) -> Iterator[Row]:
    """The `conversation` rows of all operators, as the live stream tells them."""
    ties = _Ties(ask)
    for rows in _some(ask, CONVERSATION):
        for row in rows:
            for operator_id, how in ties.matches(row):
                yield live.matched(row, operator_id, how, ties.since.get(operator_id))


def tickets(ask: Ask) -> Iterator[Row]:
    """The `chat_ticket` rows of all operators, as the live stream tells them."""
    ties = _Ties(ask)
    for rows in _some(ask, TICKET):
        companies = _companies(ask, rows)
        for row in rows:
            for operator_id, how in ties.matches_of_ticket(row, companies):
                yield live.matched_ticket(row, operator_id, how)


def _some(ask: Ask, table: LandingTable) -> Iterator[list[Row]]:
    """The rows of a landing table, some at a time."""
    key, last = table.key[0], ""
    sql = f"SELECT * FROM {table.name} WHERE {key} > {{last}} ORDER BY {key} LIMIT {ROWS_AT_ONCE}"  # noqa: S608
    while rows := ask(sql.format(last=literal(last))):
        last = str(rows[-1][key])
        yield rows


def _companies(ask: Ask, rows: Sequence[Row]) -> Mapping[str, str | None]:
    """The company ids that conversations name of which these tickets are, by the conversation's id."""
    ids = ", ".join(sorted({literal(own) for row in rows for own in names_of(row["telling_ids"])}))
    if not ids:
        return {}
    among = f"conversation_id, company_key FROM {{table}} WHERE conversation_id IN ({ids})"
    sql = " UNION ALL ".join(f"SELECT {among.format(table=one.name)}" for one in (UNREAD, CONVERSATION))
    return {str(row["conversation_id"]): row["company_key"] for row in ask(sql)}


def unread_gaps(ask: Ask) -> Iterator[Row]:
    """The gaps of operators of whose conversations some cannot be read, as the live stream tells them."""
    ties = _Ties(ask)
    for rows in _some(ask, UNREAD):
        found = [(operator_id, row) for row in rows for operator_id, _ in ties.matches(row)]
        yield from _gaps(found, live.TABLE, "conversation")


def unread_ticket_gaps(ask: Ask) -> Iterator[Row]:
    """Those of operators of whose tickets some cannot be read."""
    ties = _Ties(ask)
    for rows in _some(ask, TICKET_UNREAD):
        companies = _companies(ask, rows)
        found = [(operator_id, row) for row in rows for operator_id, _ in ties.matches_of_ticket(row, companies)]
        yield from _gaps(found, live.TICKET, "ticket")


def _gaps(unread: Iterable[tuple[str, Row]], table: str, what: str) -> Iterator[Row]:
    """A gap for each operator with records that cannot be read; these are few (`bounds.bad_records`)."""
    found = dict[str, list[Row]]()
    for operator_id, row in unread:
        found.setdefault(operator_id, []).append(row)
    for operator_id, rows in sorted(found.items()):
        gap = live.unread(rows[0]["detail"], len(rows), what)
        if gap is not None:
            yield gap_row(gap, operator_id=operator_id, table_name=table, source=gap.source)


BULK = (
    BulkStream(
        STREAM,
        "Support conversations",
        LANDED,
        lambda session, asked: _Conversations(_CONVERSATIONS, session, asked).slices(),
    ),
    BulkStream("tickets", "Support tickets", (TICKET, TICKET_UNREAD), pulls(_TICKETS)),
)

_NEEDS = ("operator", *(table.name for table in LANDED))
_NEEDS_OF_TICKETS = (*_NEEDS, TICKET.name, TICKET_UNREAD.name)

LINKS = (
    Link(live.TABLE, _NEEDS, rows=conversations),
    Link("gap", _NEEDS, rows=unread_gaps),
    Link(live.TICKET, _NEEDS_OF_TICKETS, rows=tickets),
    Link("gap", _NEEDS_OF_TICKETS, rows=unread_ticket_gaps),
)
