"""All tickets at once, as they are; whose they are is told by a link, since names of operators come from other sources.

Pages come in the order of their last edit, so that a pull can go on, and the next one begin, at the last edit seen
(README.md, *Bulk*).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from customer_research.connect.paging import Bookmark, followed
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Ask, BulkStream, LandingTable, Link, Pull, Row, Slice
from customer_research.domain.evidence import Gap
from customer_research.domain.records import ColumnType
from customer_research.domain.values import listed, names_of
from customer_research.errors import SchemaChanged
from customer_research.sources.notion import live, normalise
from customer_research.sources.notion.index import KeyIndex
from customer_research.sources.notion.matching import TicketKeys
from customer_research.sources.notion.records import TABLES
from customer_research.sources.notion.session import DATABASES_ONLY, PAGE_SIZE, Body, NotionSession, Place

PAGE = "notion_page"
ALIAS = "notion_alias"

REQUESTS = 5
"""Requests of one slice, one after the other under one deadline."""

OVERLAP = timedelta(minutes=2)
"""How far a pull reaches back behind the last edit seen: Notion rounds edits to the minute."""

PAGES_AT_ONCE = 10_000
"""Landed pages that are matched at a time."""

_TICKET = TABLES[live.TABLE].types("operator_id", "matched_by", "is_certain")
_CLUES: Mapping[str, ColumnType] = MappingProxyType({"operator_ids": "texts", "description": "text", "summary": "text"})
"""What tells whose a page is, besides its title and tags."""


BEGINNING = "1970-01-01T00:00:00Z"
"""The mark behind a whole pull that lacked pages: the next one asks for everything again."""


@dataclass(frozen=True, slots=True)
class _Position(Bookmark):
    """Where a pull is: the place by its number, whether in its bin, and the last edits seen there and of any ticket.

    `whole` says that nothing was left out so far.
    """

    place: int = 0
    in_bin: bool = False
    edited: str | None = None
    latest: str | None = None
    whole: bool = True

    def enter(self, place: int, *, in_bin: bool) -> _Position:
        """At the beginning of a place or its bin, unless it is there already."""
        if (place, in_bin) == (self.place, self.in_bin):
            return self
        return replace(self, place=place, in_bin=in_bin, edited=None)

    def behind(self, pages: Sequence[Body]) -> _Position:
        """Behind these pages, which came in the order of their edits."""
        edited = _latest(self.edited, *(page.get("last_edited_time") for page in pages))
        return replace(self, edited=edited, latest=self.latest if self.in_bin else _latest(self.latest, edited))


def _moment(edit: str | None) -> datetime:
    return normalise.instant(edit) or datetime.min.replace(tzinfo=UTC)


def _latest(*edits: str | None) -> str | None:
    return max((edit for edit in edits if edit), key=_moment, default=None)


@dataclass(frozen=True, slots=True)
class _Step:
    """Some pages of a sweep, the requests that brought them, and where the pull is behind them."""

    pages: list[Body]
    log: RequestLog
    at: _Position


async def pull(session: NotionSession, asked: Pull) -> AsyncIterator[Slice]:
    """The pages edited since the mark, or all; those in the bin are gone.

    Raises:
        SourceError: Notion cannot be read, or a property that the figures need is gone (`SchemaChanged`).
    """
    learning = session.http.log(normalise.STREAM)
    places = await session.places(learning)
    at, done, wrong = _Position.of(asked.resume), 0, list[SchemaChanged]()
    # A whole pull brings what there is, so that what it does not bring is gone; the older generation shows no bin.
    bins = (False, True) if asked.since is not None and session.version != DATABASES_ONLY else (False,)
    for number, binned in ((number, binned) for number in range(len(places)) for binned in bins):
        if (number, binned) < (at.place, at.in_bin):
            continue
        async for step in _sweep(session, places[number], at.enter(number, in_bin=binned), asked):
            at, done = step.at, done + len(step.pages)
            yield _slice(step, places[number].schema, done, wrong)
    yield replace(
        _last(session, asked, at, live.not_told(places, session.left_out)),
        receipts=(learning.receipt([]),) if learning.requests else (),
        done=done,
        unread=live.unread(wrong),
    )


async def _sweep(session: NotionSession, place: Place, at: _Position, asked: Pull) -> AsyncIterator[_Step]:
    """The pages of one place or of its bin in the order of their edits.

    A query that ends too early (Notion gives 10,000 results at most) is asked again from the last edit seen, as long as that
    leads on.
    """
    start = at.edited or (None if at.in_bin else _begin(asked))
    again = True
    while again:
        whole, ask = True, session.asking(place, _body(start, in_bin=at.in_bin))
        async for some in followed(session.http, normalise.STREAM, ask, pages=REQUESTS):
            at, whole = at.behind(some.records), whole and some.whole
            again = not whole and _moment(at.edited) > _moment(start)
            if some.cursor is None and not (whole or again):
                at = replace(at, whole=False)
            yield _Step(some.records, some.log, at)
        start = at.edited


def _begin(asked: Pull) -> str | None:
    """The edit from which a pull of changes asks, a little before its mark."""
    since = normalise.instant(asked.since)
    return None if since is None else (since - OVERLAP).isoformat().replace("+00:00", "Z")


def _body(start: str | None, *, in_bin: bool) -> Body:
    sorts = [{"timestamp": "last_edited_time", "direction": "ascending"}]
    body: dict[str, Any] = {"sorts": sorts, "page_size": PAGE_SIZE}
    if start is not None:
        body["filter"] = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": start}}
    return {**body, "in_trash": True} if in_bin else body


def _slice(step: _Step, schema: normalise.Schema, done: int, wrong: list[SchemaChanged]) -> Slice:
    """The slice of a step; what cannot be read is added to *wrong*."""
    gone = [(str(page.get("id")),) for page in step.pages if live.in_bin(page)]
    tickets, errors = live.readable([page for page in step.pages if not live.in_bin(page)], schema)
    wrong += errors
    rows = {ticket.page_id: _row(ticket) for ticket in tickets}
    receipt = step.log.receipt(list(rows.values()), truncated=not step.at.whole)
    return Slice({PAGE: stamp(rows.values(), receipt)}, (receipt,), step.at.cursor, {PAGE: gone}, done)


def _last(session: NotionSession, asked: Pull, at: _Position, gap: Gap | None) -> Slice:
    """The end of a pull, with the tags that the settings give operators."""
    aliases = [
        {"operator_id": operator_id, "tag": tag}
        for operator_id, tags in session.aliases.items()
        for tag in dict.fromkeys(tags)
    ]
    # What could not be read may be readable the next time, and was not edited for it: then everything is asked for again.
    before = BEGINNING if gap is not None else asked.since or BEGINNING
    # Notion's own clock says how far the edits have come; not further than the beginning of this pull, which may be long.
    seen = min(_latest(at.latest, asked.since) or asked.until.isoformat(), asked.until.isoformat(), key=_moment)
    return Slice(
        {ALIAS: aliases},
        (),
        at.cursor,
        mark=seen if at.whole and gap is None else before,
        whole=(PAGE, ALIAS) if at.whole and asked.since is None else (ALIAS,),
        gaps={PAGE: live.TRUNCATED} if not at.whole else {} if gap is None else {PAGE: gap},
    )


def _row(ticket: normalise.Ticket) -> Row:
    return {
        **normalise.page_row(ticket),
        "operator_ids": listed(ticket.names("operator_id")),
        "description": ticket.text("description"),
        "summary": ticket.text("summary"),
    }


def tickets(ask: Ask) -> Iterator[Row]:
    """The `ticket` rows of all operators: every landed page judged as the live stream judges it, for whom it may be."""
    aliases: dict[str, list[str]] = {}
    for row in ask(f"SELECT operator_id, tag FROM {ALIAS} ORDER BY operator_id, tag"):  # noqa: S608
        aliases.setdefault(row["operator_id"], []).append(row["tag"])
    index = KeyIndex(
        TicketKeys.of(row["operator_id"], (row["name"],) if row["name"] else (), aliases.get(row["operator_id"], ()))
        for row in ask("SELECT operator_id, name FROM operator ORDER BY operator_id")
    )
    last = ""
    while pages := ask(_SOME_PAGES.format(last=last.replace("'", "''"))):
        last = pages[-1]["ticket_id"]
        for page in pages:
            for operator_id, (matched_by, is_certain) in index.matches(_ticket(page)):
                yield normalise.matched(page, operator_id, matched_by=matched_by, is_certain=is_certain)


_SOME_PAGES = f"SELECT * FROM {PAGE} WHERE ticket_id > '{{last}}' ORDER BY ticket_id LIMIT {PAGES_AT_ONCE}"  # noqa: S608


def _ticket(page: Row) -> normalise.Ticket:
    """A landed page as far as it tells whose it is."""
    values = {
        "operator_id": names_of(page["operator_ids"]),
        "tags": names_of(page["tags"]),
        "title": page["title"],
        "description": page["description"],
        "summary": page["summary"],
    }
    return normalise.Ticket(page["ticket_id"], values, None, None, None)


BULK = (
    BulkStream(
        normalise.STREAM,
        "Tickets",
        (
            LandingTable(PAGE, ("ticket_id",), {**_TICKET, **_CLUES}),
            LandingTable(ALIAS, ("operator_id", "tag"), {"operator_id": "text", "tag": "text"}),
        ),
        pull,
    ),
)

LINKS = (
    Link(live.TABLE, (PAGE, ALIAS, "operator"), rows=tickets),
    Link(
        "gap",
        (live.TABLE,),
        f"""SELECT operator_id, '{live.TABLE}' AS table_name, 'notion' AS source, 'unavailable' AS reason,
            COALESCE('{live.UNKNOWN_STATUS}: ' || STRING_AGG(DISTINCT status, ', ' ORDER BY status) || '.',
                'Tickets came from Notion without all that figures need.') AS detail,
            '{live.CORRECT_SCHEMA}' AS next_step
        FROM {live.TABLE} WHERE is_open IS NULL GROUP BY operator_id""",  # noqa: S608 - text of our own
    ),
)
