"""The stream `tickets`: the tickets of one operator, each with the path that matched it and whether that is certain; and whose one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_research.connect.concurrent import together
from customer_research.connect.paging import Stretch
from customer_research.connect.reading import SURELY, each, unread_gap
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Batch, RecordOwners, Row, Subject
from customer_research.domain.evidence import Gap
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.errors import SchemaChanged
from customer_research.sources.notion import normalise
from customer_research.sources.notion.index import KeyIndex
from customer_research.sources.notion.matching import TicketKeys, filters, match
from customer_research.sources.notion.session import NotionSession, Place

TABLE = "ticket"
TRUNCATED = Gap(
    normalise.SOURCE_NAME,
    "truncated",
    "Notion says that there are more tickets than it gave.",
    "Run the same command again; if it persists, look at the tickets in Notion.",
)


UNKNOWN_STATUS = "Notion does not say of which group a status is that is not known here"
CORRECT_SCHEMA = "`customer-research doctor --online` names what to change in Notion."


NAME_PROPERTIES = (
    "Say in `notion.properties` what they are called there, or in `notion.other_data_sources` that it holds no tickets."
)


def cannot_be_read(names: Sequence[str]) -> Gap:
    """The gap of tickets whose properties are of a type that tells nothing."""
    detail = f"The tickets' {' and '.join(names)} cannot be read: Notion does not tell what it says."
    return Gap(normalise.SOURCE_NAME, "unavailable", detail, CORRECT_SCHEMA)


def not_told(places: Sequence[Place], left_out: Sequence[Place]) -> Gap | None:
    """Why the tickets of these places are known only in part, others being left out; None when all can be read."""
    names = tuple(dict.fromkeys(name for place in places for name in normalise.unreadable(place.schema)))
    if names:
        return cannot_be_read(names)
    if not left_out:
        return None
    lacks = "; ".join(f"“{place.name}” has no {', '.join(normalise.lacking(place.schema))}" for place in left_out)
    return Gap(
        normalise.SOURCE_NAME, "unavailable", f"Not all tickets are read: the data source {lacks}.", NAME_PROPERTIES
    )


async def learn(session: NotionSession) -> None:
    """Find out where the tickets are and what their properties are called.

    Raises:
        SourceError: as `fetch`.
    """
    await session.places(session.http.log(normalise.STREAM))


async def fetch(session: NotionSession, subject: Subject) -> Batch:
    """All tickets of the operator.

    Raises:
        SourceError: Notion cannot be read, or a property that the figures need is gone (`SchemaChanged`).
    """
    log = session.http.log(normalise.STREAM)
    places = await session.places(log)
    wanted = keys_of(session, subject)
    queries = [(place, condition) for place in places for condition in filters(wanted, place.schema)]
    answers = await together(*(session.query(place, condition, log) for place, condition in queries))
    rows, wrong = rows_of([(place, found) for (place, _), found in zip(queries, answers, strict=True)], wanted)
    gap = not_told(places, session.left_out) or unread(wrong) or _strange(rows)
    return _batch(rows, log, gap if all(found.whole for found in answers) else TRUNCATED)


def _strange(rows: Sequence[Row]) -> Gap | None:
    """The gap of tickets whose status nobody explains."""
    names = sorted({str(row["status"]) for row in rows if row["is_open"] is None})
    if not names:
        return None
    return Gap(normalise.SOURCE_NAME, "unavailable", f"{UNKNOWN_STATUS}: {', '.join(names)}.", CORRECT_SCHEMA)


def keys_of(session: NotionSession, subject: Subject) -> TicketKeys:
    """What identifies the operator in tickets: aliases come from the subject and from the settings."""
    configured = session.aliases.get(subject.operator_id, ())
    return TicketKeys.of(subject.operator_id, subject.names, (*subject.aliases, *configured))


def rows_of(answers: list[tuple[Place, Stretch]], wanted: TicketKeys) -> tuple[list[Row], list[SchemaChanged]]:
    """The rows of the pages that are the operator's, each page once, pages in the bin left out; and what cannot be read.

    Raises:
        SchemaChanged: no page of an answer can be read.
    """
    rows: dict[str, Row] = {}
    wrong: list[SchemaChanged] = []
    for place, found in answers:
        tickets, errors = readable([page for page in found.records if not in_bin(page)], place.schema)
        wrong += errors
        for ticket in tickets:
            how = None if ticket.page_id in rows else match(ticket, wanted)
            if how is not None:
                matched_by, certain = how
                rows[ticket.page_id] = normalise.ticket_row(
                    ticket, wanted.operator_id, matched_by=matched_by, is_certain=certain
                )
    return list(rows.values()), wrong


def readable(
    pages: Sequence[Mapping[str, Any]], schema: normalise.Schema
) -> tuple[list[normalise.Ticket], list[SchemaChanged]]:
    """The tickets of pages as far as they came, and what is wrong with those that did not come whole.

    A page without an id is no ticket. Of one that lacks a property it is unknown whether it is open.

    Raises:
        SchemaChanged: of several pages none came whole: that is not the fault of one page.
    """
    read = each(pages, lambda page: [normalise.whole(normalise.read_page(page, schema))], surely=SURELY)
    partly = [normalise.read_page(page, schema) for page, _ in read.unread if page.get("id")]
    return [*read.rows, *partly], [error for _, error in read.unread]


def unread(wrong: Sequence[SchemaChanged]) -> Gap | None:
    """The gap that tickets leave which cannot be read; None when all can."""
    return unread_gap(wrong[0], len(wrong), title="Notion", what="ticket") if wrong else None


def in_bin(page: Mapping[str, Any]) -> bool:
    """Whether a page was thrown away (`in_trash`; `archived` before 2026-03-11)."""
    return bool(page.get("in_trash") or page.get("archived"))


def _batch(rows: list[Row], log: RequestLog, gap: Gap | None) -> Batch:
    receipt = log.receipt(rows, truncated=gap is TRUNCATED)
    return Batch({TABLE: stamp(rows, receipt)}, (receipt,), {} if gap is None else {TABLE: gap})


async def whose(
    session: NotionSession, readings: tuple[Interpretation, ...], directory: Sequence[Candidate]
) -> RecordOwners:
    """The operators of *directory* whose ticket has this very number; those that a ticket surely names, where it names any.

    Raises:
        SourceError: Notion cannot be read.
    """
    number = next((reading.value for reading in readings if reading.kind == "ticket"), None)
    if number is None:
        return RecordOwners()
    log = session.http.log("find_ticket")
    places = [(place, held) for place in await session.places(log) if (held := place.schema.get("number"))]
    conditions = [
        {"property": held.name, "unique_id": {"equals": int(number.rpartition("-")[2])}} for _, held in places
    ]
    answers = await together(
        *(session.query(place, wanted, log) for (place, _), wanted in zip(places, conditions, strict=True))
    )
    tickets = [
        ticket
        for (place, _), found in zip(places, answers, strict=True)
        for ticket in readable([page for page in found.records if not in_bin(page)], place.schema)[0]
    ]
    named = [ticket for ticket in tickets if (ticket.text("number") or "").upper() == number]
    aliases = session.aliases
    index = KeyIndex(TicketKeys.of(c.operator_id, (c.name,), aliases.get(c.operator_id, ())) for c in directory)
    matches = [match for ticket in named for match in index.matches(ticket)]
    sure = [match for match in matches if match[1][1]] or matches
    owners = tuple(("ticket", one) for one in dict.fromkeys(operator_id for operator_id, _ in sure))
    return RecordOwners(owners, (log.receipt([{"number": number} for _ in named]),))
