"""The support chat: companies and contacts of most operators, their conversations and tickets; of some scenarios every one by hand.

An office that is open from 9 to 17 in the workspace's zone answers: by its own clock a reply takes a third of the time that
passes on the wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random

from customer_research_sandbox.dataset import IntercomRecords, Row
from customer_research_sandbox.draws import instant_between, poisson, stream
from customer_research_sandbox.scenarios.chats import CHATS, TICKETS, Chat, ChatTicket
from customer_research_sandbox.state import OperatorLife
from customer_research_sandbox.vocabulary import SCENARIO_IDS

TOPICS = (
    "Price on the booking site", "Driver cannot sign in", "Refund to a card", "Trip shows the wrong day", "Add a vehicle class",
    "Invoice for last month", "Airport fee is missing", "How do I add a member?", "Calendar feed", "Confirmation not received",
)  # fmt: skip
_PEOPLE = (711, 712, 713)
"""Intercom ids of the teammates who answer."""

_WITHOUT = 0.12
"""The share of operators that nobody has added to the workspace."""

_OURS = 0.1
"""The share of conversations that we begin."""

_HEARD = 0.5
"""The share of these in which somebody writes back."""

_BEGUN_BY_US = ("operator_initiated", "automated", "admin_initiated")

_TICKETED = 0.15
"""The share of conversations that a ticket is made of or linked with."""

_EACH_MONTH = {"Free": 0.2, "SMB": 0.5, "Mid-Market": 1.2, "Enterprise": 3.0}
_MONTHS = 12
_TICKET_IDS = 215_480_000_000
_OFFICE_SHARE = 3


def project_intercom(lives: Iterable[OperatorLife], seed: int, as_of: datetime) -> IntercomRecords:
    """The workspace of the lives given."""
    found = IntercomRecords()
    for life in lives:
        rng = stream(seed, life.operator.index, "intercom")
        if life.operator.operator_id.startswith(SCENARIO_IDS):
            chats = CHATS.get(life.operator.operator_id)
        else:
            chats = None if rng.random() < _WITHOUT else tuple(_drawn(life, rng, as_of))
        if chats is not None:
            made = TICKETS.get(life.operator.operator_id, ())
            if not life.operator.operator_id.startswith(SCENARIO_IDS):
                made = tuple(_drawn_tickets(chats, stream(seed, life.operator.index, "intercom tickets")))
            _add(found, life, chats, made, as_of)
    found.conversations.sort(key=lambda row: row["created_at"])
    return found


def _drawn(life: OperatorLife, rng: Random, as_of: datetime) -> Iterable[Chat]:
    """What an operator's people asked in a year."""
    from_day = max(life.operator.signed_up, as_of - timedelta(days=30 * _MONTHS))
    mean = _EACH_MONTH.get(life.operator.segment, 0.3) * max((as_of - from_day).days, 0) / 30
    for _ in range(poisson(rng, mean)):
        begun = instant_between(rng, from_day, as_of)
        age_days = (as_of - begun).total_seconds() / 86_400
        reply = rng.expovariate(1 / 6.0)
        answered = reply / 24 < age_days
        ai, alone = rng.random() < 0.4, rng.random() < 0.3
        closed = answered and rng.random() < 0.93
        ours = rng.random() < _OURS
        yield Chat(
            days=age_days,
            topic=TOPICS[int(rng.random() * len(TOPICS))],
            reply_hours=reply if answered else None,
            closed=closed,
            ai=ai,
            ai_alone=ai and alone and closed,
            reopens=1 if closed and rng.random() < 0.08 else 0,
            rating=int(rng.random() * 2) + 4 if closed and rng.random() < 0.2 else None,
            named=rng.random() < 0.8,
            told=rng.random() < 0.95,
            delivered_as=_BEGUN_BY_US[int(rng.random() * len(_BEGUN_BY_US))] if ours else "customer_initiated",
            contact_hours=rng.random() * 4 if ours and rng.random() < _HEARD else None,
        )


def _drawn_tickets(chats: Sequence[Chat], rng: Random) -> Iterable[ChatTicket]:
    """Tickets of some conversations: made of them, or for the back office."""
    for place, chat in enumerate(chats):
        if rng.random() >= _TICKETED:
            continue
        state = "resolved" if chat.closed else ("submitted", "in_progress")[int(rng.random() * 2)]
        if rng.random() < 0.5:
            yield ChatTicket(chat.days, chat.topic, state, made_of=place)
        else:
            yield ChatTicket(chat.days * 0.9, chat.topic, state, "Back-office", linked=(place,))


def _add(
    found: IntercomRecords, life: OperatorLife, chats: Sequence[Chat], made: Iterable[ChatTicket], as_of: datetime
) -> None:
    """The operator's company, its people, their conversations and tickets."""
    operator, place = life.operator, len(found.companies)
    company = f"67{place:022x}"
    since = int(operator.signed_up.timestamp())
    found.companies.append(
        {
            "type": "company", "id": company, "company_id": operator.operator_id, "app_id": found.workspace,
            "name": operator.name, "created_at": since, "updated_at": since, "remote_created_at": since,
            "monthly_spend": 0, "session_count": 0, "user_count": 1, "custom_attributes": {}, "plan": {},
            "tags": {"type": "tag.list", "tags": []}, "segments": {"type": "segment.list", "segments": []},
        }
    )  # fmt: skip
    people = [(f"{one.first} {one.last}", one.email) for one in life.contacts] or [(operator.name, operator.email)]
    ids = [f"68{place:010x}{number:012x}" for number in range(len(people))]
    for own, (name, email) in zip(ids, people, strict=True):
        found.contacts.append(contact(own, name, email, (company,), since))
    for number, chat in enumerate(chats):
        who = ids[number % len(ids)]
        own = _chat_id(place, number)
        found.conversations.append(conversation(own, chat, who, company, as_of))
    for number, one in enumerate(made):
        of = one.linked if one.made_of is None else (one.made_of,)
        own = str(_TICKET_IDS + place * 10_000 + number) if one.made_of is None else _chat_id(place, one.made_of)
        who = ids[(of[0] if of else number) % len(ids)]
        found.tickets.append(ticket(own, one, who, [_chat_id(place, n) for n in one.linked], as_of))


def _chat_id(place: int, number: int) -> str:
    return str(215_470_000_000 + place * 10_000 + number)


def contact(own: str, name: str, email: str, companies: tuple[str, ...], since: int) -> Row:
    """A contact as the workspace holds it."""
    return {
        "id": own, "name": name, "email": email, "company_refs": list(companies), "merged": [],
        "created_at": since, "updated_at": since,
    }  # fmt: skip


def conversation(own: str, chat: Chat, who: str, company: str, as_of: datetime) -> Row:
    """A conversation as the workspace holds it."""
    begun = int((as_of - timedelta(days=chat.days)).timestamp())
    now = int(as_of.timestamp())
    asked = begun if chat.delivered_as == "customer_initiated" else None
    if chat.contact_hours is not None:
        asked = begun + int(chat.contact_hours * 3600)
    replied = None
    if asked is not None and chat.reply_hours is not None and not chat.ai_alone:
        replied = asked + int(chat.reply_hours * 3600)
    closed = (replied or begun + 600) + 1800 if chat.closed else None
    waits = now - int(chat.waiting_days * 86_400) if chat.waiting_days is not None else None
    if waits is None and replied is None and not chat.closed:
        waits = asked
    last = min(max(x for x in (begun, replied, closed, waits) if x is not None), now - 1)
    statistics = {
        "type": "conversation_statistics",
        "time_to_admin_reply": (replied - begun) // _OFFICE_SHARE if replied is not None else None,
        "median_time_to_reply": (replied - asked) // _OFFICE_SHARE if replied and asked else None,
        "time_to_first_close": (closed - begun) // _OFFICE_SHARE if closed is not None else None,
        "first_contact_reply_at": asked,
        "first_admin_reply_at": replied,
        "last_admin_reply_at": replied,
        "first_close_at": closed,
        "last_close_at": closed,
        "last_contact_reply_at": waits or asked,
        "count_reopens": chat.reopens,
        "count_conversation_parts": chat.parts,
    }
    return {
        "id": own, "delivered_as": chat.delivered_as, "asked_at": asked, "title": None, "subject": chat.topic, "created_at": begun, "updated_at": last,
        "waiting_since": waits, "state": "closed" if chat.closed else "snoozed" if chat.snoozed else "open",
        "priority": "none", "channel": "email" if chat.parts % 2 else "messenger",
        "admin_assignee_id": _PEOPLE[int(own) % len(_PEOPLE)] if replied is not None else None,
        "teammates": [_PEOPLE[int(own) % len(_PEOPLE)]] if replied is not None else [],
        "company_ref": company if chat.named else None, "contact_ids": [who],
        "rating": chat.rating, "rated_at": None if chat.rating is None or closed is None else min(closed + 300, now - 1),
        "ai": chat.ai, "statistics": {k: v for k, v in statistics.items() if v is not None} if chat.told else None,
    }  # fmt: skip


def ticket(own: str, told: ChatTicket, who: str, linked: Sequence[str], as_of: datetime) -> Row:
    """A ticket as the workspace holds it."""
    begun = int((as_of - timedelta(days=told.days)).timestamp())
    last = min(begun + 7200, int(as_of.timestamp()) - 1)
    return {
        "id": own, "number": str(int(own) % 1_000_000), "title": told.title, "category": told.category, "state": told.state,
        "is_open": told.state != "resolved", "contact_ids": [who], "conversation_ids": list(linked),
        "admin_assignee_id": _PEOPLE[int(own) % len(_PEOPLE)] if told.state != "submitted" else 0,
        "created_at": begun, "updated_at": last,
    }  # fmt: skip
