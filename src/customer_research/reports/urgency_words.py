"""Urgency in a cell and in a sentence: how soon somebody must act, by which day, and why."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.evidence import merge_basis
from customer_research.domain.report import Cell, Prose, Text
from customer_research.domain.urgency import LEVELS
from customer_research.reports.blocks import stated
from customer_research.reports.tones import URGENCY_TONES


def urgency_cell(account: Account) -> Cell:
    """How soon to act, and by which day."""
    found = account.urgency
    if found is None or not found.facts or (found.open and found.level == "watch"):
        return Text("not known", "unknown")
    return stated(found.words, merge_basis(found.facts), account.as_of, URGENCY_TONES[found.level])


def urgency_rank(account: Account) -> int:
    """For an order, the most urgent first; who was not judged last."""
    return LEVELS.index(account.urgency.level) if account.urgency is not None else len(LEVELS)


def urgency_prose(account: Account) -> Prose | None:
    """How soon to act, by which day and why, in a sentence; nothing while nothing is due."""
    found = account.urgency
    if found is None or found.level == "watch":
        return None
    return Prose(f"Act {found.words}: {found.because}", found.facts, URGENCY_TONES[found.level])
