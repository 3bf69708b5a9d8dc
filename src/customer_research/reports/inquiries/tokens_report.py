"""The API tokens: what each is for, what it grants, how it stands. Secrets are in no report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.access import Token
from customer_research.domain.evidence import Receipt
from customer_research.domain.report import Block, Cell, Personal, Prose, Text
from customer_research.reports.blocks import Proof, grid
from customer_research.reports.kind import Head, Outline, section


@dataclass(frozen=True, slots=True)
class TokenList:
    """The tokens, the newest first, and the receipt of what the store gave."""

    tokens: tuple[Token, ...]
    receipt: Receipt
    now: datetime


def _listed(found: TokenList) -> Iterator[Block]:
    proof = Proof((found.receipt,), found.now)
    rows = (_row(one, proof, found.now) for one in found.tokens)
    table = grid(
        "Id | Name | For | Permissions | Book | State | Created | By | Expires | Last used", rows, (found.receipt,)
    )
    yield table or Prose("No token has been made.")


def _row(token: Token, proof: Proof, now: datetime) -> tuple[Cell, ...]:
    state = token.state(now)
    return (
        Text(token.id),
        proof.stated(token.name),
        proof.fact(Personal(token.email, "email"), "text"),
        proof.stated(", ".join(token.permissions)),
        proof.stated(f"owner {token.owner_id}" if token.owner_id else "everybody's"),
        proof.stated(state, "neutral" if state == "valid" else "watch"),
        proof.fact(token.created_at.date(), "date"),
        proof.stated(token.created_by),
        proof.fact(token.expires_at.date(), "date"),
        Text("never", "unknown") if token.used_at is None else proof.fact(token.used_at, "timestamp"),
    )


REPORT = Outline(
    "tokens", "API tokens", lambda found: Head(found.now, found.now), (section("tokens", "Tokens", _listed),)
)
