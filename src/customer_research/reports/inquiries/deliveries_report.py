"""Deliveries: what is to be sent and was, and one of them with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.delivery import STATES, Address, Delivery, State
from customer_research.domain.evidence import Receipt
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Personal, Prose, Text, Tone
from customer_research.reports.blocks import Proof, grid
from customer_research.reports.kind import Head, Outline, section

KEY_SHOWN = 12
"""The digits of a key that a list shows: enough to name one."""

TONES: Mapping[State, Tone] = {"sent": "good", "unknown": "watch", "failed": "bad"}

MEANINGS: Mapping[State, str] = {
    "ready": "It waits for its time.",
    "sending": "A worker has it.",
    "sent": "It is there.",
    "unknown": "It may be there or not. Look, and have it sent again (`outbox retry`) or leave it (`outbox drop`).",
    "failed": "It is not there. Put right what its reason says, and have it sent again (`outbox retry`).",
    "dropped": "It is not sent.",
}


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """The deliveries chosen, those first that changed last; `of`: how many there are; `counts`: all there are by state."""

    deliveries: tuple[Delivery, ...]
    of: int
    counts: Mapping[State, int]
    receipt: Receipt
    now: datetime


@dataclass(frozen=True, slots=True)
class OneDelivery:
    """One delivery, and what it says as text (empty: that is no longer kept)."""

    delivery: Delivery
    text: str
    receipt: Receipt
    now: datetime


def _to(address: Address) -> Personal | str:
    """Where a message goes, masked where that is somebody's e-mail address."""
    return Personal(address.place, "email") if address.channel == "email" else address.place


def _standing(found: DeliveryList) -> Block:
    proof = Proof((found.receipt,), found.now)
    told = [state for state in STATES if found.counts.get(state)]
    if not told:
        return Prose("Nothing has been put into the outbox yet.", (proof.fact(0),))
    words = ", ".join(f"{found.counts[state]:,} {state}" for state in told)
    trouble = bool(found.counts.get("failed") or found.counts.get("unknown"))
    return Prose(
        f"{words}.", tuple(proof.fact(found.counts[state]) for state in told), "watch" if trouble else "neutral"
    )


def _listed(found: DeliveryList) -> Iterator[Block]:
    """Those that wait with the time when they are due, the others with that of their last change."""
    proof = Proof((found.receipt,), found.now)
    table = grid(
        "Key | State | When | What | To | Why",
        (_row(one, proof) for one in found.deliveries),
        (found.receipt,),
        total=found.of,
    )
    if table is not None:
        yield table
    elif found.counts:
        yield Prose("No delivery is like that.", (proof.fact(0),))


def _row(one: Delivery, proof: Proof) -> tuple[Cell, ...]:
    message = one.message
    return (
        proof.stated(one.key[:KEY_SHOWN]),
        proof.stated(one.state, TONES.get(one.state, "neutral")),
        proof.fact(one.due if one.state == "ready" else one.changed_at, "timestamp"),
        proof.stated(message.title, theirs=True),
        proof.fact(_to(message.address), "text", note=message.address.channel),
        proof.stated(one.reason) if one.reason else Text(""),
    )


def _told(found: OneDelivery) -> Iterator[Block]:
    one = found.delivery
    message, proof = one.message, Proof((found.receipt,), found.now)
    yield Prose(
        f"{one.state.capitalize()}. {MEANINGS[one.state]}",
        (proof.fact(one.state, "text"),),
        TONES.get(one.state, "neutral"),
    )
    if one.reason:
        yield Prose(one.reason, (proof.fact(one.reason, "text"),))
    lines = [
        FigureLine("Key", proof.fact(one.key, "text")),
        FigureLine("Kind", proof.fact(message.kind, "text")),
        FigureLine("About", proof.fact(message.subject, "text")),
        FigureLine("Occasion", proof.fact(message.occasion, "text")),
        FigureLine("By", proof.fact(message.address.channel, "text")),
        FigureLine("To", proof.fact(_to(message.address), "text")),
        FigureLine("Put", proof.fact(one.put_at, "timestamp")),
        FigureLine("Due", proof.fact(one.due, "timestamp")),
        FigureLine("Changed", proof.fact(one.changed_at, "timestamp")),
        FigureLine("Attempts", proof.fact(one.attempts)),
    ]
    optional = (
        ("Of use until", one.until and proof.fact(one.until, "timestamp")),
        ("Told elsewhere", message.elsewhere and proof.fact(_to(message.elsewhere), "text")),
        ("Continues", message.after and proof.fact(message.after, "text")),
        ("In place of", message.updates and proof.fact(message.updates, "text")),
        ("Called there", one.remote and proof.fact(one.remote, "text")),
        ("May be there since", one.begun_at and proof.fact(one.begun_at, "timestamp")),
    )
    yield Figures((*lines, *(FigureLine(label, fact) for label, fact in optional if fact)))


def _said(found: OneDelivery) -> Block:
    proof = Proof((found.receipt,), found.now)
    if not found.text:
        return Prose("What it said is no longer kept.", (), "unknown")
    rows = [(proof.stated(line, theirs=True),) for line in found.text.splitlines() if line.strip()]
    return grid("Line", rows, (found.receipt,), total=len(rows)) or Prose("It has no words.")


REPORT = Outline(
    "deliveries",
    "Deliveries",
    lambda found: Head(found.now, found.now),
    (section("standing", "All of them", _standing), section("deliveries", "Deliveries", _listed)),
)
ONE = Outline(
    "delivery",
    "Delivery",
    lambda found: Head(found.now, found.now, title=f"Delivery: {found.delivery.message.title}"),
    (section("delivery", "How it stands", _told), section("text", "What it says", _said)),
)
