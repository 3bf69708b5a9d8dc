"""Random figures, asked again with their receipts' own requests, are the same."""

from __future__ import annotations

import random
from typing import Any

from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Gap
from customer_research.research import Research
from customer_research_sandbox.scenarios import scenario_id
from customer_research_sandbox.serve import Sandbox

OPERATORS, FIGURES = 12, 36


def _sample(sandbox: Sandbox) -> list[tuple[str, list[str]]]:
    """Twelve operators of the world, scenarios among them, with three metrics each; the same in every run."""
    choice = random.Random(20)
    ids = sorted(row["external_id"] for row in sandbox.dataset.lago.customers)
    generated = [i for i in ids if not i.startswith("00000000-5ce0")]
    operators = choice.sample(generated, OPERATORS - 6) + [scenario_id(n) for n in (2, 4, 12, 16, 20, 34)]
    return [(operator, choice.sample(sorted(METRICS), FIGURES // OPERATORS)) for operator in operators]


def test_random_figures_of_a_dozen_operators_replay_to_the_same_value(clean_sandbox: Sandbox, research: Any) -> None:
    sample = _sample(clean_sandbox)

    async def replay(opened: Research) -> list[str]:
        different = []
        for operator, metrics in sample:
            first = await opened.account(operator)
            for metric in metrics:
                explained = await opened.why(operator, metric, replay=True)
                assert explained.replayed is not None
                if not explained.replayed.same or not _alike(first.figures[metric], explained.figure):
                    different.append(f"{operator} {metric}: {explained.replayed.differences}")
        return different

    assert sum(len(metrics) for _, metrics in sample) == FIGURES
    assert research(replay) == []


def _alike(of_profile: object, of_why: object) -> bool:
    """The figure that `why` takes apart is the one that the report shows."""
    if isinstance(of_profile, Fact) and isinstance(of_why, Fact):
        return bool(of_profile.value == of_why.value)
    return isinstance(of_profile, Gap) and isinstance(of_why, Gap) and of_profile.reason == of_why.reason
