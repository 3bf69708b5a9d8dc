"""The stream `conversations`: the support conversations and tickets of one operator, each with the path that matched it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from customer_research.connect.concurrent import together
from customer_research.connect.failures import gap_of
from customer_research.connect.reading import SURELY, each, unread_gap
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Batch, Row, Subject
from customer_research.domain.evidence import Gap
from customer_research.domain.values import LEGACY, operator_key
from customer_research.errors import BadAnswer, NotThere, SchemaChanged, SourceError
from customer_research.sources.intercom import normalise
from customer_research.sources.intercom.matching import Tie, match, match_ticket
from customer_research.sources.intercom.records import TABLES
from customer_research.sources.intercom.session import Found, IntercomSession, Record, any_of

TABLE, TICKET = "conversation", "chat_ticket"

TRUNCATED = Gap(
    normalise.SOURCE_NAME,
    "truncated",
    "Intercom says that there are more records than it gave.",
    "Run the same command again; if it persists, look at the conversations in Intercom.",
)


@dataclass(frozen=True, slots=True)
class People:
    """Whom an operator's records are searched by: contacts of its companies, since when the first of these is there."""

    operator_id: str
    ties: Mapping[str, Tie]
    since: datetime | None
    whole: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """The rows of a table, and what is missing of them."""

    rows: list[Row]
    gap: Gap | None = None


async def fetch(session: IntercomSession, subject: Subject) -> Batch:
    """All conversations and tickets of the operator's people; no company is an answer (empty and complete).

    Tickets that cannot be read are a gap of theirs alone: a token may be allowed to read conversations only.

    Raises:
        SourceError: Intercom cannot be read, or no conversation is what the contract says (`SchemaChanged`).
    """
    log = session.log(normalise.STREAM)
    people = await _people(session, subject, log)
    chats, found = await together(_search(session, "conversations", people, log), _tickets(session, people, log))
    assert isinstance(chats, Found)
    told = {
        TABLE: _conversations(session, people, chats),
        TICKET: await _of_tickets(session, people, chats, found, log),
    }
    return _batch(told, log)


async def _search(session: IntercomSession, kind: str, people: People, log: RequestLog) -> Found:
    """The records in which one of the people takes part."""
    queries = any_of("contact_ids", list(people.ties))
    answers = await together(*(session.search(kind, query, log) for query in queries))
    found = {str(record.get("id")): record for answer in answers for record in answer.records}
    return Found(list(found.values()), people.whole and all(answer.whole for answer in answers))


async def _people(session: IntercomSession, subject: Subject, log: RequestLog) -> People:
    """The contacts of the operator's companies, since when the first of these is there, and whether these are all."""
    companies, contacts, whole = await _of_company(session, subject.operator_id, log)
    ties = {}
    for contact in contacts:
        refs, all_refs = normalise.company_refs(contact)
        ties[normalise.identifier(contact, "contact")] = Tie(alone=all_refs and set(refs) <= set(companies))
    since = normalise.since(companies.values())
    return People(subject.operator_id, dict(sorted(ties.items())), since, whole)


async def _of_company(
    session: IntercomSession, operator_id: str, log: RequestLog
) -> tuple[Mapping[str, Row], list[Record], bool]:
    """The companies with the operator's id by Intercom's own, their contacts, and whether these are all."""
    found = await together(*(session.company(spelling, log) for spelling in spellings(operator_id)))
    rows = (normalise.company(record) for one in found for record in one.records)
    companies = {row["company_ref"]: row for row in rows if operator_key(row["company_id"]) == operator_id}
    lists = await together(*(session.contacts_of(ref, log) for ref in companies))
    whole = all(one.whole for one in (*found, *lists))
    return companies, [record for one in lists for record in one.records], whole


def spellings(operator_id: str) -> tuple[str, ...]:
    """How the app may have written the operator's id as a company id."""
    if operator_id.startswith(LEGACY):
        return (operator_id.removeprefix(LEGACY),)
    return operator_id, operator_id.replace("-", "")


# -- conversations --------------------------------------------------------------------------------------------------------


def _conversations(session: IntercomSession, people: People, found: Found) -> _Told:
    """Those that are the operator's.

    Raises:
        SchemaChanged: of several none can be read.
    """

    def read(record: Record) -> list[Row]:
        company, contacts = normalise.company_key(record), normalise.contact_ids(record)
        how = match(people.operator_id, company, contacts, people.ties)
        if how is None:
            return []
        return [matched(normalise.conversation_row(record, session.workspace), people.operator_id, how, people.since)]

    told = each(found.records, read, surely=SURELY)
    return _Told(told.rows, _lacking(found, [error for _, error in told.unread], "conversation"))


def matched(row: Row, operator_id: str, how: tuple[str, bool], since: datetime | None) -> Row:
    """The `conversation` row: whose it is, by which path, whether that is certain, and since when their company is there."""
    return _owned(TABLE, {**row, "company_since": since}, operator_id, how)


def _owned(table: str, row: Row, operator_id: str, how: tuple[str, bool]) -> Row:
    whole = {**row, "operator_id": operator_id, "matched_by": how[0], "is_certain": how[1]}
    return {name: whole[name] for name in TABLES[table].column_names if name in whole}


def _lacking(found: Found, wrong: Sequence[SchemaChanged], what: str) -> Gap | None:
    if not found.whole:
        return TRUNCATED
    return unread(wrong[0].message if wrong else "", len(wrong), what)


def unread(fault: str, count: int, what: str = "conversation") -> Gap | None:
    """The gap of records that cannot be read, with what is wrong with the first; None when all can."""
    return unread_gap(normalise.changed(fault), count, title="Intercom", what=what) if count else None


# -- tickets --------------------------------------------------------------------------------------------------------------


async def _tickets(session: IntercomSession, people: People, log: RequestLog) -> Found | Gap:
    """The tickets that affect the people, or why they cannot be read."""
    try:
        return await _search(session, "tickets", people, log)
    except SourceError as error:
        return _refused(session, error, log)


async def _of_tickets(
    session: IntercomSession, people: People, chats: Found, found: Found | Gap, log: RequestLog
) -> _Told:
    """Those that are the operator's; conversations that they are of and that did not come are read one by one."""
    if isinstance(found, Gap):
        return _Told([], found)
    try:
        companies = await _companies(session, chats, found, log)
        return _ticket_rows(session, people, companies, Found(found.records, found.whole and chats.whole))
    except SourceError as error:
        return _Told([], _refused(session, error, log))


async def _companies(
    session: IntercomSession, chats: Found, tickets: Found, log: RequestLog
) -> Mapping[str, str | None]:
    """The company ids that conversations name, by the conversation's id: of those that came, and that tickets are linked with."""
    known = {str(one.get("id")): one for one in chats.records}
    linked = {own for one in tickets.records for own in telling(one) if own != str(one.get("id"))}
    others = await together(*(session.one("conversations", own, log) for own in sorted(linked - known.keys())))
    told = [*known.values(), *(one for one in others if one is not None)]
    return {str(one.get("id")): normalise.company_key(one) for one in told}


def telling(ticket: Record) -> tuple[str, ...]:
    """The conversations whose company tells whose a ticket is: not those of a tracker, which are many operators'."""
    return () if normalise.category(ticket) == normalise.TRACKER else normalise.conversation_ids(ticket)


def _ticket_rows(session: IntercomSession, people: People, companies: Mapping[str, str | None], found: Found) -> _Told:
    """The rows.

    Raises:
        SchemaChanged: of several none can be read.
    """

    def read(record: Record) -> list[Row]:
        named = named_by(telling(record), companies)
        how = match_ticket(people.operator_id, named, normalise.contact_ids(record), people.ties)
        row = None if how is None else normalise.ticket_row(record, session.workspace)
        return [] if row is None or how is None else [matched_ticket(row, people.operator_id, how)]

    told = each(found.records, read, surely=SURELY)
    return _Told(told.rows, _lacking(found, [error for _, error in told.unread], "ticket"))


def named_by(conversations: Iterable[str], companies: Mapping[str, str | None]) -> list[str]:
    """The companies that these conversations name."""
    return [company for own in conversations if (company := companies.get(own)) is not None]


def matched_ticket(row: Row, operator_id: str, how: tuple[str, bool]) -> Row:
    """The `chat_ticket` row: whose it is, by which path, and whether that is certain."""
    return _owned(TICKET, row, operator_id, how)


def _refused(session: IntercomSession, error: SourceError, log: RequestLog) -> Gap:
    """Why tickets cannot be read; that their address is unknown says nothing of there being none."""
    if isinstance(error, NotThere):
        error = session.http.error(BadAnswer, error.message, log.stream, "Check that the workspace has tickets.")
    return gap_of(error, normalise.SOURCE_NAME)


def _batch(told: Mapping[str, _Told], log: RequestLog) -> Batch:
    """All tables under one receipt: one search by people is behind them."""
    gaps = {table: one.gap for table, one in told.items() if one.gap is not None}
    rows = [row for one in told.values() for row in one.rows]
    receipt = log.receipt(rows, truncated=TRUNCATED in gaps.values())
    return Batch({table: stamp(one.rows, receipt) for table, one in told.items()}, (receipt,), gaps)
