"""Refunds of passengers' charges with their dates, as a block of a report. Where no source tells them there is none."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.report import Block
from customer_research.record_tables import is_off
from customer_research.reports.record_rows import known_rows, newest, table

REFUND = "refund"

_newest = table(
    REFUND,
    "Last 10 refunds",
    "created_at:timestamp Given back, charge_id Charge, amount_minor:money, status:word, reason:word",
    rows=lambda account: newest(known_rows(account, REFUND), "created_at", "refund_id"),
    most=10,
    empty="No charge was given back.",
)


def card_refunds(account: Account) -> Block | None:
    """The newest refunds; nothing where Stripe is not set up, or was not asked."""
    found = account.records.get(REFUND)
    return None if found is None or (found.gap is not None and is_off(found.gap)) else _newest(account)
