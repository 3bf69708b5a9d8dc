"""The sandbox's world: invented operators simulated forward month by month, projected into every vendor's records.

`generate` is deterministic: the same arguments give the same bytes, and an operator's records do not depend on how many
others there are. No wall clock is read; everything is relative to `as_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from customer_research_sandbox.activity import fill_activity
from customer_research_sandbox.crm import fill_crm
from customer_research_sandbox.dataset import Dataset, Row
from customer_research_sandbox.draws import stream
from customer_research_sandbox.months import month_edges
from customer_research_sandbox.planting import plant
from customer_research_sandbox.population import draw_profile
from customer_research_sandbox.project_hubspot import project_hubspot
from customer_research_sandbox.project_intercom import project_intercom
from customer_research_sandbox.project_lago import project_lago
from customer_research_sandbox.project_notion import project_notion
from customer_research_sandbox.project_warehouse import project_warehouse
from customer_research_sandbox.simulation import Simulation
from customer_research_sandbox.state import Month, OperatorLife

DEFAULT_AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
"""The demo's instant: the sandbox's settings file fixes the clock to it."""

Mode = Literal["demo", "calib"]


def generate(  # noqa: PLR0917 - the documented call of the world
    seed: int = 7,
    n_operators: int = 400,
    months: int = 24,
    as_of: datetime = DEFAULT_AS_OF,
    scenarios: bool = True,  # noqa: FBT001, FBT002 - as documented
    mode: Mode = "demo",
) -> Dataset:
    """Make a world.

    Args:
        seed: The world's number; every random draw follows from it.
        n_operators: Simulated operators, the named scenarios not counted.
        months: Length of the simulated window that ends at `as_of`.
        as_of: The world's present, timezone-aware; nothing but pickups, due dates and planned ends lies after it.
        scenarios: Whether the named scenarios S01 to S42 are added.
        mode: "demo" writes trips, charges, people and talk; "calib" only monthly truth and what billing and CRM know.

    Returns:
        The vendors' records and, under `truth`, one row per operator and month that no server serves.

    Raises:
        ValueError: for a naive `as_of`, a negative count or fewer than six months.
    """
    if as_of.tzinfo is None:
        raise ValueError(
            "The world's as_of needs a time zone: pass an aware datetime, e.g. datetime(2026, 11, 1, tzinfo=UTC)."
        )
    if n_operators < 0 or months < 6:
        raise ValueError("A world needs zero or more operators and at least six months.")
    as_of = as_of.astimezone(UTC).replace(microsecond=0)
    edges = month_edges(as_of, months)
    lives = [_life(seed, index, edges, mode) for index in range(n_operators)]
    if scenarios and mode == "demo":
        from customer_research_sandbox.scenarios import build_scenarios  # noqa: PLC0415 - only where they are asked for

        lives += build_scenarios(as_of)
    return _project(lives, seed, edges)


def _life(seed: int, index: int, edges: list[datetime], mode: Mode) -> OperatorLife:
    profile = draw_profile(seed, index, edges[-1], len(edges) - 1)
    story = Simulation(seed, profile, edges, rows=mode == "demo").run()
    if mode == "demo":
        fill_activity(seed, story, edges[-1])
        fill_crm(seed, story, edges[-1])
    plant(story.life, stream(seed, index, "plant"))
    return story.life


def _project(lives: Sequence[OperatorLife], seed: int, edges: list[datetime]) -> Dataset:
    as_of = edges[-1]
    return Dataset(
        seed=seed,
        as_of=as_of,
        warehouse=project_warehouse(lives, as_of),
        lago=project_lago(lives, as_of),
        hubspot=project_hubspot(lives, as_of),
        notion=project_notion(lives, seed, as_of, edges[0]),
        truth=[_truth(life, month) for life in lives for month in life.months],
        intercom=project_intercom(lives, seed, as_of),
    )


def _truth(life: OperatorLife, month: Month) -> Row:
    """One month of the truth: identity, covariates (`x_`), decoys (`decoy_`), hazard and outcome."""
    operator = life.operator
    row: Row = {
        "operator_id": operator.operator_id,
        "index": operator.index,
        "scenario": life.scenario,
        "segment": operator.segment,
        "size": operator.size,
        "stripe_account": operator.stripe_account,
        "hubspot_id": operator.hubspot_id,
        "lago_customer_id": operator.lago_customer_id,
        "frailty": life.frailty,
        "month_start": month.start,
        "month_end": month.end,
        "trips": month.trips,
        "rows": month.rows,
        "season": month.season,
        "regime": month.regime,
        "hazard": month.hazard,
        "churned": month.churned,
        "churn_effective_at": life.terminated_at if month.churned else None,
        "reason": month.reason,
        "involuntary": month.involuntary,
    }
    row.update((f"x_{name}", value) for name, value in month.covariates.items())
    row.update((f"decoy_{name}", value) for name, value in month.decoys.items())
    return row
