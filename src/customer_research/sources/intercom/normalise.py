"""Intercom's JSON as canonical rows; pure. Its instants are Unix seconds; a promised field that is absent is never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from customer_research.connect.source import Row
from customer_research.domain import values
from customer_research.domain.values import UnreadableError
from customer_research.errors import SchemaChanged

SOURCE_NAME = "intercom"
STREAM = "conversations"

STATES = ("open", "closed", "snoozed")
OPEN_STATES = frozenset({"open", "snoozed"})

CONTACT, US = "contact", "us"
BEGUN_BY = {
    "customer_initiated": CONTACT,
    "operator_initiated": US,
    "automated": US,
    "admin_initiated": US,
    "campaigns_initiated": US,
}
"""How Intercom says that a conversation came about → who began it. Intercom's "operator" is a bot of our own."""

CUSTOMER, TRACKER = "customer", "tracker"
TICKET_STATES = ("submitted", "in_progress", "waiting_on_customer", "resolved")

PAGE = "https://app.intercom.com/a/inbox/{workspace}/inbox/conversation/{id}"

_LATEST_SECONDS = 10_000_000_000
"""Beyond it a number is no Unix time in seconds (the year 2286), but one in milliseconds."""

Record = Mapping[str, Any]


def changed(sentence: str) -> SchemaChanged:
    """The failure of a record that is not what the contract says."""
    hint = "Report it, with what `customer-research doctor --online` says of Intercom."
    return SchemaChanged(sentence, source=SOURCE_NAME, stream=STREAM, hint=hint)


def moment(value: Any, name: str) -> datetime | None:
    """An instant of Unix seconds, UTC; None and 0 say that there is none.

    Raises:
        SchemaChanged: it is no such number.
    """
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST_SECONDS:
        raise changed(f"Intercom's {name} is no Unix time in seconds.")
    return datetime.fromtimestamp(value, UTC)


def whole(value: Any, name: str) -> int | None:
    """A whole number, or None.

    Raises:
        SchemaChanged: it is something else.
    """
    try:
        return values.whole(value)
    except UnreadableError as error:
        raise changed(f"Intercom's {name} is no whole number.") from error


def inside(record: Record, name: str) -> Record:
    """An object within a record; an empty one where it is null or absent."""
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def listed(record: Record, name: str, inner: str) -> list[Record]:
    """The records of a list within a record (`contacts.contacts`)."""
    found = inside(record, name).get(inner)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def identifier(record: Record, what: str) -> str:
    """The record's own id.

    Raises:
        SchemaChanged: it has none.
    """
    found = values.text(record.get("id"))
    if found is None:
        raise changed(f"A {what} came without id.")
    return found


def company_key(conversation: Record) -> str | None:
    """The company id (the app's, not Intercom's) that a conversation names; None: it names no company."""
    return values.text(inside(conversation, "company").get("company_id"))


def contact_ids(conversation: Record) -> tuple[str, ...]:
    """The ids of the contacts who take part."""
    ids = (values.text(one.get("id")) for one in listed(conversation, "contacts", "contacts"))
    return tuple(dict.fromkeys(one for one in ids if one is not None))


def since(companies: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When the first of an operator's companies came to Intercom; None: no company tells."""
    told = (one["created_at"] for one in companies)
    return min((at for at in told if at is not None), default=None)


def company(record: Record) -> Row:
    """A company: Intercom's id, the one that the app has given, and when it came to Intercom.

    Raises:
        SchemaChanged: it has no id, or that instant is none.
    """
    return {
        "company_ref": identifier(record, "company"),
        "company_id": values.text(record.get("company_id")),
        "created_at": moment(record.get("created_at"), "company.created_at"),
    }


def company_refs(contact: Record) -> tuple[tuple[str, ...], bool]:
    """Intercom's ids of a contact's companies as far as they came with it, and whether these are all."""
    companies = inside(contact, "companies")
    refs = tuple(ref for one in listed(contact, "companies", "data") if (ref := values.text(one.get("id"))) is not None)
    total = companies.get("total_count")
    whole_list = not companies.get("has_more") and (not isinstance(total, int) or total <= len(refs))
    return refs, whole_list


def conversation_row(conversation: Record, workspace: str = "") -> Row:
    """The columns of a `conversation` row that do not depend on whose it is.

    Raises:
        SchemaChanged: it lacks what the contract promises, or an instant is none.
    """
    own = identifier(conversation, "conversation")
    begun = BEGUN_BY.get(values.enumerated(inside(conversation, "source").get("delivered_as")) or "")
    state = values.enumerated(conversation.get("state"))
    created = moment(conversation.get("created_at"), "created_at")
    updated = moment(conversation.get("updated_at"), "updated_at")
    if state not in STATES:
        raise changed("A conversation came without a state that is known.")
    if created is None or updated is None:
        raise changed("A conversation came without created_at or updated_at.")
    asked = created if begun == CONTACT else _first_written(conversation)
    return {
        "conversation_id": own,
        "subject": subject(conversation),
        "state": state,
        "is_open": state in OPEN_STATES,
        "priority": values.enumerated(conversation.get("priority")),
        "channel": channel(conversation),
        "begun_by": begun,
        "asked_at": asked,
        "waiting_since": moment(conversation.get("waiting_since"), "waiting_since"),
        **_times(conversation, asked, begun),
        **_opinion(conversation),
        "sla_status": values.enumerated(inside(conversation, "sla_applied").get("sla_status")),
        "ai_participated": _flag(conversation.get("ai_agent_participated")),
        "assignee": _assignee(conversation.get("admin_assignee_id")),
        "url": PAGE.format(workspace=workspace, id=own) if workspace else None,
        "created_at": created,
        "updated_at": updated,
    }


def subject(conversation: Record) -> str | None:
    """What it is about, in a line: its title, else the subject of its first message. Bodies are not looked at."""
    return _plain(conversation.get("title")) or _plain(inside(conversation, "source").get("subject"))


def _plain(given: Any) -> str | None:
    """A subject without its markup: Intercom writes e-mails' subjects as HTML. None: nothing is left of it."""
    from html import unescape  # noqa: PLC0415 - start-up time
    from re import sub  # noqa: PLC0415 - start-up time

    text = values.text(given) or ""
    return values.text(" ".join(unescape(sub(r"</?[A-Za-z][^>]*>", " ", text)).split()))


def ticket_row(ticket: Record, workspace: str = "") -> Row:
    """The columns of a `chat_ticket` row that do not depend on whose it is.

    Raises:
        SchemaChanged: it lacks what the contract promises, or an instant is none.
    """
    own, is_open = identifier(ticket, "ticket"), _flag(ticket.get("open"))
    created = moment(ticket.get("created_at"), "created_at")
    updated = moment(ticket.get("updated_at"), "updated_at")
    if is_open is None or created is None or updated is None:
        raise changed("A ticket came without open, created_at or updated_at.")
    state = values.enumerated(inside(ticket, "ticket_state").get("category"))
    return {
        "ticket_id": own,
        "number": values.text(ticket.get("ticket_id")),
        "title": _plain(inside(ticket, "ticket_attributes").get("_default_title_")),
        "category": category(ticket),
        "state": state if state in TICKET_STATES else None,
        "is_open": is_open,
        "conversation_ids": values.listed(conversation_ids(ticket)),
        "assignee": _assignee(ticket.get("admin_assignee_id")),
        "url": PAGE.format(workspace=workspace, id=own) if workspace else None,
        "created_at": created,
        "updated_at": updated,
    }


def category(ticket: Record) -> str | None:
    """Of what kind a ticket is: a customer's, of the back office, or a tracker of several."""
    return values.enumerated(ticket.get("category"))


def conversation_ids(ticket: Record) -> tuple[str, ...]:
    """The conversations that a ticket is linked with; a customer's ticket bears the id of the conversation it was made of."""
    linked = [one for one in listed(ticket, "linked_objects", "data") if one.get("type") == "conversation"]
    ids = [values.text(one.get("id")) for one in linked]
    own = [values.text(ticket.get("id"))] if category(ticket) == CUSTOMER else []
    return tuple(dict.fromkeys(one for one in [*own, *ids] if one is not None))


def channel(conversation: Record) -> str | None:
    """How it was begun: its channel, else the type of its first message."""
    initial = values.enumerated(inside(conversation, "channel").get("initial"))
    return initial or values.enumerated(inside(conversation, "source").get("type"))


def _first_written(conversation: Record) -> datetime | None:
    """When a contact wrote first in a conversation that somebody else may have begun; None: none has."""
    first = moment(inside(conversation, "first_contact_reply").get("created_at"), "first_contact_reply.created_at")
    told = inside(conversation, "statistics").get("first_contact_reply_at")
    return first or moment(told, "statistics.first_contact_reply_at")


def _times(conversation: Record, asked: datetime | None, begun: str | None) -> Row:
    """When people of ours replied and closed, and what Intercom reckons of it; nothing where it tells no statistics.

    Where an AI agent took part it may be the agent that replied: then nothing is known of a person's reply. What we wrote before
    a contact did is no reply, and Intercom's seconds to the first one count from the beginning, which must be a contact's.
    """
    told = inside(conversation, "statistics")
    replied = {} if conversation.get("ai_agent_participated") is True else told
    first = moment(replied.get("first_admin_reply_at"), "statistics.first_admin_reply_at")
    seconds = whole(replied.get("time_to_admin_reply"), "statistics.time_to_admin_reply")
    return {
        "first_reply_at": None if first is None or asked is None or first < asked else first,
        "first_reply_s": seconds if begun == CONTACT else None,
        "median_reply_s": whole(replied.get("median_time_to_reply"), "statistics.median_time_to_reply"),
        "first_close_at": moment(told.get("first_close_at"), "statistics.first_close_at"),
        "first_close_s": whole(told.get("time_to_first_close"), "statistics.time_to_first_close"),
        "reopens": whole(told.get("count_reopens"), "statistics.count_reopens"),
        "parts": whole(told.get("count_conversation_parts"), "statistics.count_conversation_parts"),
    }


def _opinion(conversation: Record) -> Row:
    given = inside(conversation, "conversation_rating")
    rating = whole(given.get("rating"), "conversation_rating.rating")
    if rating is not None and not 1 <= rating <= 5:  # noqa: PLR2004 - the vendor's scale
        raise changed("A conversation's rating is not from 1 to 5.")
    at = given.get("updated_at") or given.get("created_at")
    return {
        "rating": rating,
        "rated_at": None if rating is None else moment(at, "conversation_rating.created_at"),
    }


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _assignee(value: Any) -> str | None:
    """The person's id; 0 stands for nobody."""
    return None if value in {None, 0, "0"} else values.text(value)
