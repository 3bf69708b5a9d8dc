"""Tickets of the support chat, computed by hand: what is open, how old it is, and what a conversation stands for already."""

from __future__ import annotations

from typing import Any

import pytest
from measuring import INSTANT, T, ago, numbered, rows_of

TICKET = {"is_certain": True, "is_open": True, "created_at": ago(9), "conversation_ids": ""}
CHAT = {
    "conversation_id": "c-1",
    "is_certain": True,
    "is_open": True,
    "state": "open",
    "begun_by": "contact",
    "asked_at": ago(20),
    "created_at": ago(20),
}


def figures(tickets: list[dict[str, Any]], *chats: dict[str, Any]) -> tuple[Any, Any]:
    told = rows_of("chat_tickets", T, chat_ticket=numbered("ticket_id", tickets), conversation=chats)
    return (told[0]["chat_tickets_open"], told[0]["chat_oldest_ticket_days"]) if told else (None, None)


def test_what_is_open_and_the_oldest_of_it() -> None:
    others: list[dict[str, Any]] = [{"is_open": False}, {"is_certain": False}, {"is_certain": None}, {"is_open": None}]
    none = [{**TICKET, "created_at": ago(99), **one} for one in others]
    later = {**TICKET, "created_at": ago(0)}
    assert figures([TICKET, {**TICKET, "created_at": ago(12) - INSTANT}, later, *none]) == (2, 12)
    assert figures(none) == (0, None)
    assert figures([later]) == (None, None)


@pytest.mark.parametrize(
    ("ids", "chat", "found"),
    [
        ("|c-1|", {}, 0),
        ("|c-0|c-1|", {}, 0),
        ("|c-10|", {}, 1),
        (None, {}, 1),
        ("|c-1|", {"is_open": False, "state": "closed"}, 1),
        ("|c-1|", {"is_certain": False}, 1),
        ("|c-1|", {"begun_by": "us", "asked_at": None}, 1),
        ("|c-1|", {"begun_by": None, "asked_at": None}, 1),
        ("|c-1|", {"operator_id": "op-2"}, 1),
    ],
)
def test_a_ticket_of_a_conversation_that_counts_as_open_is_not_counted_twice(
    ids: str | None, chat: dict[str, Any], found: int
) -> None:
    assert figures([{**TICKET, "conversation_ids": ids}], {**CHAT, **chat})[0] == found
