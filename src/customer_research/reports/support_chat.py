"""Support conversations with the operator's people, and tickets of them, as a section of a report. Where no support chat is set up there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from customer_research.domain.account import Account
from customer_research.domain.report import Block, Text
from customer_research.domain.values import names_of
from customer_research.record_tables import is_off
from customer_research.reports.figure_lines import figures
from customer_research.reports.record_rows import Row, known_rows, newest, table
from customer_research.reports.shared_tables import match_words

CONVERSATION, TICKET = "conversation", "chat_ticket"

_FIGURES = """
conversations_open conversations_waiting chat_longest_wait_hours conversations_30d conversations_prev_30d
chat_first_reply_hours chat_first_reply_office_hours chat_reply_office_hours
conversations_reopened_90d chat_rating_90d chat_ratings_90d chat_low_ratings_90d chat_ai_share_90d
conversations_per_100_trips conversations_per_100_trips_prev
conversations_probable: Probable conversations (not counted)
"""
_TICKET_FIGURES = "chat_tickets_open chat_oldest_ticket_days"

_lines, _ticket_lines = figures(_FIGURES), figures(_TICKET_FIGURES)
"""With those of which there are none: that nobody waits is an answer."""


def _link(_account: Account, row: Row) -> str:
    return str(row.get("url") or "")


_newest = table(
    CONVERSATION,
    "Newest conversations",
    "subject About, created_at:day Begun, begun_by Begun by, state:word, waiting_since:day Waits since, rating:number, "
    "reopens:number Reopened, match Matched by",
    rows=lambda account: _matched(newest(known_rows(account, CONVERSATION), "created_at", "conversation_id")),
    links={"subject": _link},
    most=10,
    empty="No conversation in Intercom.",
)


_tickets = table(
    TICKET,
    "Tickets of the chat",
    "number Ticket, title About, category:word Kind, state:word State, is_open Open, created_at:day Created, of Of a conversation, "
    "match Matched by",
    rows=lambda account: list(_told_tickets(account)),
    links={"number": _link},
    most=10,
    empty="No ticket in Intercom.",
)

_BEGUN_BY = {"contact": Text("the operator"), "us": Text("us")}
_NONE = {"subject": Text("no subject"), "waiting_since": Text("nobody waits"), "rating": Text("not rated")}
"""What an empty field of a conversation means: an answer, and nothing that is not recorded."""


def _matched(rows: Iterable[Row]) -> list[Row]:
    """Conversations with how surely they are the operator's, and what is empty in words."""
    return [{**row, **_told(row), "match": match_words(row)} for row in rows]


def _told(row: Row) -> Row:
    """What of a conversation is told in words; that of one that is not open nobody waits."""
    waits = row.get("waiting_since") if row.get("state") == "open" else None
    shown = {**row, "waiting_since": waits}
    none = {name: words for name, words in _NONE.items() if shown.get(name) is None}
    return {"waiting_since": waits, "begun_by": _BEGUN_BY.get(str(row.get("begun_by"))), **none}


def _told_tickets(account: Account) -> Iterator[Row]:
    """Tickets, open ones first and the newest first among them, with the conversation that each is of and how it was matched."""
    chats = {str(row["conversation_id"]) for row in known_rows(account, CONVERSATION)}
    rows = newest(known_rows(account, TICKET), "created_at", "ticket_id")
    for row in sorted(rows, key=lambda one: not one["is_open"]):
        shown = any(own in chats for own in names_of(row["conversation_ids"]))
        titled = {} if row["title"] is not None else {"title": Text("no title")}
        yield {**row, **titled, "of": Text("yes" if shown else "no"), "match": match_words(row)}


def support_chat(account: Account) -> Iterator[Block | None]:
    """Figures, the newest conversations and tickets; nothing where Intercom is not set up, or was not asked."""
    parts = ((CONVERSATION, _lines, _newest), (TICKET, _ticket_lines, _tickets))
    for name, lines, listed in parts:
        found = account.records.get(name)
        if found is None or (found.gap is not None and is_off(found.gap)):
            continue
        if found.gap is not None or found.rows:
            yield lines(account)
        yield listed(account)
