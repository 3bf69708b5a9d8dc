"""The stream `conversations`: the support conversations of one operator, each with the path that matched it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from customer_research.connect.concurrent import together
from customer_research.connect.reading import SURELY, each, unread_gap
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Batch, Row, Subject
from customer_research.domain.evidence import Gap
from customer_research.domain.values import LEGACY, operator_key
from customer_research.errors import SchemaChanged
from customer_research.sources.intercom import normalise
from customer_research.sources.intercom.matching import Tie, match
from customer_research.sources.intercom.records import TABLES
from customer_research.sources.intercom.session import IntercomSession, Record, any_of

TABLE = "conversation"

TRUNCATED = Gap(
    normalise.SOURCE_NAME,
    "truncated",
    "Intercom says that there are more records than it gave.",
    "Run the same command again; if it persists, look at the conversations in Intercom.",
)


async def fetch(session: IntercomSession, subject: Subject) -> Batch:
    """All conversations of the operator's people; no company is an answer (empty and complete).

    Raises:
        SourceError: Intercom cannot be read, or no conversation is what the contract says (`SchemaChanged`).
    """
    log = session.log(normalise.STREAM)
    ties, since, whole = await _ties(session, subject, log)
    answers = await together(
        *(session.search("conversations", query, log) for query in any_of("contact_ids", list(ties)))
    )
    found = {str(record.get("id")): record for answer in answers for record in answer.records}
    whole = whole and all(answer.whole for answer in answers)
    rows, wrong = rows_of(list(found.values()), subject.operator_id, ties, since, session.workspace)
    return _batch(rows, log, unread(wrong[0].message if wrong else "", len(wrong)) if whole else TRUNCATED)


async def _ties(
    session: IntercomSession, subject: Subject, log: RequestLog
) -> tuple[Mapping[str, Tie], datetime | None, bool]:
    """The contacts of the operator's companies, since when the first of these is there, and whether these are all."""
    companies, contacts, whole = await _of_company(session, subject.operator_id, log)
    ties = {}
    for contact in contacts:
        refs, all_refs = normalise.company_refs(contact)
        ties[normalise.identifier(contact, "contact")] = Tie(alone=all_refs and set(refs) <= set(companies))
    return dict(sorted(ties.items())), normalise.since(companies.values()), whole


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


def rows_of(
    conversations: Sequence[Record], operator_id: str, ties: Mapping[str, Tie], since: datetime | None, workspace: str
) -> tuple[list[Row], list[SchemaChanged]]:
    """The rows of the conversations that are the operator's, and what is wrong with those that cannot be read.

    Raises:
        SchemaChanged: of several none can be read.
    """

    def read(record: Record) -> list[Row]:
        company, contacts = normalise.company_key(record), normalise.contact_ids(record)
        how = match(operator_id, company, contacts, ties)
        return [] if how is None else [matched(normalise.conversation_row(record, workspace), operator_id, how, since)]

    told = each(conversations, read, surely=SURELY)
    return told.rows, [error for _, error in told.unread]


def matched(row: Row, operator_id: str, how: tuple[str, bool], since: datetime | None) -> Row:
    """The `conversation` row: whose it is, by which path, whether that is certain, and since when their company is there."""
    owner = {"operator_id": operator_id, "matched_by": how[0], "is_certain": how[1], "company_since": since}
    whole = {**row, **owner}
    return {name: whole[name] for name in TABLES[TABLE].column_names if name in whole}


def unread(fault: str, count: int) -> Gap | None:
    """The gap of conversations that cannot be read, with what is wrong with the first; None when all can."""
    return unread_gap(normalise.changed(fault), count, title="Intercom", what="conversation") if count else None


def _batch(rows: list[Row], log: RequestLog, gap: Gap | None) -> Batch:
    receipt = log.receipt(rows, truncated=gap is TRUNCATED)
    return Batch({TABLE: stamp(rows, receipt)}, (receipt,), {} if gap is None else {TABLE: gap})
