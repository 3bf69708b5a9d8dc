"""Urgency in a cell and in a sentence: how soon somebody must act, by which day, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.domain.evidence import merge_basis
from customer_research.domain.report import Cell, Prose, Text
from customer_research.domain.urgency import LEVELS, Urgency
from customer_research.reports.blocks import stated
from customer_research.reports.tones import URGENCY_TONES

if TYPE_CHECKING:
    from customer_research.domain.account import Account


def urgency_cell(account: Account) -> Cell:
    """How soon to act, and by which day."""
    found = account.urgency
    if found is None or not found.facts or _is_unknown(found):
        return Text("not known", "unknown")
    return stated(found.words, merge_basis(found.facts), account.as_of, URGENCY_TONES[found.level])


def urgency_rank(account: Account) -> int:
    """For an order, the most urgent first; who was not judged last. What a silent source leaves open is no reason to wait."""
    found = account.urgency
    if found is None:
        return len(LEVELS)
    return LEVELS.index("this_month" if _is_unknown(found) else found.level)


def urgency_prose(account: Account) -> Prose | None:
    """How soon to act, by which day and why, or that it is not known; nothing while nothing is due."""
    found = account.urgency
    if found is None or (found.level == "watch" and not found.open):
        return None
    if _is_unknown(found):
        return Prose(f"How soon to act is not known: {found.because[0].lower()}{found.because[1:]}", (), "unknown")
    return Prose(f"Act {found.words}: {found.because}", found.facts, URGENCY_TONES[found.level])


def _is_unknown(found: Urgency) -> bool:
    """Whether nothing known asks for an action, and a silent source may hide what does."""
    return found.open and found.level == "watch"
