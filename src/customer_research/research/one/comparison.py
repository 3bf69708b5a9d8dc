"""Several operators at once: fetched side by side within each vendor's limits, as of one instant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from customer_research.connect.concurrent import together
from customer_research.domain.account import Account
from customer_research.domain.report import Report
from customer_research.errors import UsageError
from customer_research.reports.kinds.comparison import KIND

if TYPE_CHECKING:
    from customer_research.research.one.operators import Operators

OPERATORS_AT_ONCE = 3
"""Operators fetched at the same time. All go through the same connections, so that a vendor's rate and concurrency hold
whatever this is; it is small because a request's wait for its turn counts against its deadline."""

FEWEST, MOST = 2, 10


async def compare(operators: Operators, terms: Sequence[str], *, scorecard: str | None = None) -> Report:
    """The comparison of the operators that the terms name, in their order (see `Research.compare`)."""
    if not FEWEST <= len(terms) <= MOST:
        raise UsageError(
            f"A comparison takes {FEWEST} to {MOST} operators, not {len(terms)}.",
            hint="For more, write them to a file, one a line, and use `batch`.",
        )
    operators.ask_again()
    ids = [await operators.identify(term) for term in terms]
    _refuse_twice(terms, ids)
    gate, as_of = asyncio.Semaphore(OPERATORS_AT_ONCE), operators.now()
    accounts = await together(*(_one(operators, gate, one, scorecard, as_of) for one in ids))
    people = sorted({name for account in accounts for name in account.people})
    return replace(KIND.build(accounts), people=tuple(people))


async def _one(
    operators: Operators, gate: asyncio.Semaphore, operator_id: str, scorecard: str | None, as_of: datetime
) -> Account:
    async with gate:
        account, _ = await operators.measured(operator_id, listings=KIND.needs, scorecard=scorecard, as_of=as_of)
    return account


def _refuse_twice(terms: Sequence[str], ids: Sequence[str]) -> None:
    for number, operator_id in enumerate(ids):
        if operator_id in ids[:number]:
            first, again = terms[ids.index(operator_id)], terms[number]
            raise UsageError(f"{first!r} and {again!r} are the same operator.", hint="Name each operator once.")
