"""What is measured while other sources are awaited is what would be measured at the end, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from scenario_judge import EXPECTED

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.research import Research
from customer_research_sandbox.serve import Sandbox

Run = Callable[[Callable[[Research], Awaitable[Any]]], Any]
NAMES = ("S01", "S02", "S20", "S33", "S34")


def said(account: Account) -> dict[str, Any]:
    """All that was measured and judged of an account: values, or reasons why there are none."""
    values = {name: f.value if isinstance(f, Fact) else f.reason for name, f in account.figures.items()}
    assert account.score is not None
    points = [(c.rule, c.points, c.evidence.rows) for d in account.score.dimensions for c in d.contributions]
    return values | {"points": points, "findings": [finding.rule for finding in account.findings]}


def test_accounts_gathered_at_the_same_time_are_as_alone(clean_sandbox: Sandbox, research: Run) -> None:
    ids = [EXPECTED[name]["operator_id"] for name in NAMES]

    async def together(opened: Research) -> list[Account]:
        await opened.account(ids[0])  # from now on the memory is there, and used while sources are awaited
        return list(await asyncio.gather(*(opened.account(one) for one in ids)))

    at_once = research(together)

    for operator_id, account in zip(ids, at_once, strict=True):
        alone = research(partial(Research.account, term=operator_id))
        assert said(account) == said(alone)


def test_a_failed_source_is_unknown_to_what_is_measured_early_too(clean_sandbox: Sandbox, research: Run) -> None:
    operator_id = EXPECTED["S02"]["operator_id"]

    async def then_down(opened: Research) -> tuple[Account, Account]:
        before = await opened.account(operator_id)
        clean_sandbox.set_faults("lago:auth")
        return before, await opened.account(operator_id)

    before, after = research(then_down)

    billing = {name for name, figure in after.figures.items() if figure != before.figures[name]}
    assert {"invoices_overdue", "invoices_total"} & set(before.figures) <= billing
    assert all(records.rows == () for table, records in after.records.items() if table in {"invoice", "payment"})
