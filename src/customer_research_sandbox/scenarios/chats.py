"""Support conversations and tickets of the scenarios, by operator: few, and each by hand; who has no conversation is in no workspace.

`chats.json` says what has to be found, worked out from these set-ups by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from customer_research_sandbox.vocabulary import SCENARIO_IDS


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation: begun `days` before the as-of, answered `reply_hours` on the wall after the contact wrote (None: by nobody).

    `delivered_as` is how it came about, in Intercom's words; where we began it, the contact wrote after `contact_hours` (None:
    never). `waiting_days`: the contact waits since then; `named`: it names the company; `told`: Intercom has statistics of it;
    `ai_alone`: no person took part.
    """

    days: float
    topic: str
    reply_hours: float | None = None
    closed: bool = False
    snoozed: bool = False
    ai: bool = False
    ai_alone: bool = False
    reopens: int = 0
    rating: int | None = None
    waiting_days: float | None = None
    named: bool = True
    told: bool = True
    parts: int = 4
    delivered_as: str = "customer_initiated"
    contact_hours: float | None = None


@dataclass(frozen=True, slots=True)
class ChatTicket:
    """One ticket: created `days` before the as-of, in a `state` of that name.

    `made_of`: the operator's conversation (by its place) that was turned into this ticket, which bears its id; `linked`: those that it is
    linked with.
    """

    days: float
    title: str
    state: str = "submitted"
    category: str = "Customer"
    made_of: int | None = None
    linked: tuple[int, ...] = ()


def _id(number: int) -> str:
    return f"{SCENARIO_IDS}0000000000{number:02d}"


CHATS: Mapping[str, tuple[Chat, ...]] = MappingProxyType(
    {
        # S01: five conversations, all answered and closed; another, of 100 days ago, is of the quarter before; we began two more, one
        # of which was answered and replied to
        _id(1): (
            Chat(5, "Add a vehicle class", 3, closed=True, rating=5),
            Chat(20, "Price on the booking site", 6, closed=True),
            Chat(25, "Airport fee is missing", 9, closed=True, ai=True),
            Chat(40, "Calendar feed", 12, closed=True, rating=4, named=False),
            Chat(70, "How do I add a member?", 600, closed=True, ai=True, ai_alone=True),
            Chat(100, "Driver cannot sign in", 3, closed=True),
            Chat(50, "How was the season?", 4, closed=True, delivered_as="admin_initiated", contact_hours=24),
            Chat(30, "New: airport fees", closed=True, delivered_as="automated"),
        ),
        # S34, with old tickets: two wait for us, one is snoozed, one was rated low and opened again twice, one tells no statistics
        _id(34): (
            Chat(8, "Trip shows the wrong day", 24, waiting_days=6.5),
            Chat(1, "Refund to a card", None),
            Chat(12, "Invoice for last month", 48, snoozed=True),
            Chat(15, "Confirmation not received", 72, closed=True, reopens=2, rating=1, parts=620),
            Chat(33, "Driver cannot sign in", 6, closed=True, told=False),
        ),
        # S35: in the workspace, and has never written; what we sent is open
        _id(35): (Chat(10, "New: airport fees", delivered_as="operator_initiated"),),
    }
)


TICKETS: Mapping[str, tuple[ChatTicket, ...]] = MappingProxyType(
    {
        # S34: two tickets are of conversations that are open and count there; of a closed conversation the back office still works
        # on one, another is of no conversation, and one was resolved
        _id(34): (
            ChatTicket(8, "Wrong day on trips", "in_progress", made_of=0),
            ChatTicket(12, "Invoice to be made again", "submitted", "Back-office", linked=(2,)),
            ChatTicket(14.5, "Confirmations are not sent", "in_progress", "Back-office", linked=(3,)),
            ChatTicket(3, "New tablet for a driver", "waiting_on_customer"),
            ChatTicket(60, "Logo on receipts", "resolved"),
        ),
    }
)


def expected_chats() -> dict[str, dict[str, Any]]:
    """The hand-written figures by operator id, at the world's default as-of."""
    text = files(__package__).joinpath("chats.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded
