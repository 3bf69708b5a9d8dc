"""Whose a conversation or a ticket is, by which path, and whether that is certain; pure, for the live stream and for `sync` alike.

1. The company that the conversation names decides, either way: its company id is the operator's id, or it is somebody else's.
2. Without one, its contacts: certain where every one of them belongs to this operator's company and to no other.

A ticket names no company; those of the conversations that it is of stand for it, and it is certain where they are one operator's.

An e-mail address alone tells nothing: owners of several operators use one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from customer_research.domain.values import operator_key

COMPANY, CONTACT = "company", "contact"


@dataclass(frozen=True, slots=True)
class Tie:
    """That a contact belongs to a company of the operator's; `alone`: and to no other."""

    alone: bool


def match(
    operator_id: str, company: str | None, contacts: Sequence[str], ties: Mapping[str, Tie]
) -> tuple[str, bool] | None:
    """How a conversation is the operator's, and whether that is certain; None if it is not.

    Args:
        operator_id: the operator.
        company: the company id that the conversation names.
        contacts: the ids of those who take part.
        ties: of these, those who belong to it.
    """
    if company is not None:
        return (COMPANY, True) if operator_key(company) == operator_id else None
    own = [ties[one] for one in contacts if one in ties]
    return (CONTACT, len(own) == len(contacts) and all(tie.alone for tie in own)) if own else None


def match_ticket(
    operator_id: str, companies: Sequence[str], contacts: Sequence[str], ties: Mapping[str, Tie]
) -> tuple[str, bool] | None:
    """How a ticket is the operator's, and whether that is certain; None if it is not.

    Args:
        operator_id: the operator.
        companies: the company ids that the conversations name which it was made of or is linked with.
        contacts: the ids of those whom it affects.
        ties: of these, those who belong to the operator's company.
    """
    named = {operator_key(one) for one in companies}
    if named:
        return (COMPANY, len(named) == 1) if operator_id in named else None
    return match(operator_id, None, contacts, ties)
