"""The audit: who asked for what of whom, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.access import NotedCall
from customer_research.domain.evidence import Receipt
from customer_research.domain.report import Block, Cell, Personal, Prose, Text, Tone
from customer_research.reports.blocks import Proof, grid
from customer_research.reports.kind import Head, Outline, section

_OUTCOMES: Mapping[str, str] = {
    "NotAllowed": "refused",
    "Busy": "too busy",
    "Overdue": "took too long",
    "UsageError": "could not be understood",
    "OperatorNotFound": "nobody found",
    "AmbiguousOperator": "several found",
}
"""Errors by what they mean for who asked; others stand as they are called."""


@dataclass(frozen=True, slots=True)
class CallList:
    """The calls chosen, the newest first; `of`: how many there are; the names of operators by id, as far as known."""

    calls: tuple[NotedCall, ...]
    of: int
    names: Mapping[str, str]
    receipt: Receipt
    now: datetime


def _listed(found: CallList) -> Iterator[Block]:
    proof = Proof((found.receipt,), found.now)
    table = grid(
        "When | Who | By | Asked for | Operator | Outcome | >Receipts | >Characters | >Seconds",
        (_row(call, proof, found.names) for call in found.calls),
        (found.receipt,),
        total=found.of,
    )
    yield table or Prose("No such call has been noted.")


def _row(call: NotedCall, proof: Proof, names: Mapping[str, str]) -> tuple[Cell, ...]:
    refused: Tone = "watch" if call.outcome == "NotAllowed" else "neutral"
    whom = names.get(call.operator_id, call.operator_id)
    return (
        proof.fact(call.at, "timestamp"),
        proof.fact(Personal(call.actor, "email" if "@" in call.actor else "person"), "text"),
        proof.stated(call.surface),
        proof.stated(call.name),
        proof.stated(whom) if whom else Text("nobody alone", "unknown"),
        proof.stated(_OUTCOMES.get(call.outcome, call.outcome.replace("_", " ")), refused),
        proof.fact(len(call.receipts)),
        proof.fact(call.size),
        proof.fact(round(call.seconds, 1), "number"),
    )


REPORT = Outline(
    "audit", "Who asked for whom", lambda found: Head(found.now, found.now), (section("calls", "Calls", _listed),)
)
