"""The app's database beside the warehouse: the same figures by the same queries, in a profile as in the lake, and none less when it is down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from places import need_postgres
from worlds import Worlds

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact
from customer_research.lake import Lake
from customer_research.metrics.queries import LISTINGS
from customer_research.research.service import Research
from customer_research.research.sync import run
from customer_research.settings import LakeSettings, Settings, load_settings
from customer_research.sources.app_database.settings import AppDatabaseSettings
from customer_research_sandbox.serve import Sandbox

OPERATOR = "00000000-5ce0-11f0-a000-000000000005"
GIVEN = {"reservation", "member", "driver"}


@pytest.fixture(scope="module")
def served(worlds: Worlds) -> Iterator[Sandbox]:
    need_postgres()
    with worlds.running(also=("app-database",)) as running:
        yield running


@pytest.fixture(scope="module")
def with_it(served: Sandbox) -> Settings:
    return load_settings(served.config_path)


@pytest.fixture(scope="module")
def without(with_it: Settings) -> Settings:
    return with_it.model_copy(update={"app_database": AppDatabaseSettings.model_construct()})


def account(settings: Settings, operator: str = OPERATOR) -> Account:
    async def known() -> Account:
        now = settings.clock
        assert now is not None
        async with Research(settings, clock=lambda: now) as research:
            return await research.account(operator, listings=tuple(LISTINGS))

    return asyncio.run(known())


def values(account: Account) -> dict[str, Any]:
    return {name: one.value if isinstance(one, Fact) else one.reason for name, one in account.figures.items()}


def close(one: Any, other: Any) -> bool:
    """Whether two values are one: engines add up fractions in any order."""
    return bool(
        one == pytest.approx(other, rel=1e-9) if isinstance(one, float) and isinstance(other, float) else one == other
    )


@pytest.mark.parametrize("number", [5, 37])
def test_every_figure_and_listing_is_that_of_the_warehouse_and_names_its_source(
    with_it: Settings, without: Settings, number: int
) -> None:
    operator = f"00000000-5ce0-11f0-a000-{number:012d}"
    near, far = account(with_it, operator), account(without, operator)
    ours, theirs = values(near), values(far)
    assert {name: (ours[name], theirs[name]) for name in ours if not close(ours[name], theirs[name])} == {}
    for name in LISTINGS:
        assert [dict(row) for row in near.records[name].rows] == [dict(row) for row in far.records[name].rows], name
    told = {
        name: figure
        for name, figure in near.figures.items()
        if isinstance(figure, Fact) and METRICS[name].subject != "derived"
    }
    seen = set()
    for name, figure in told.items():
        tables = set(METRICS[name].tables)
        if tables & GIVEN:
            seen |= tables
            assert {receipt.source for receipt in figure.basis} == {"app_database"}, name
    assert seen == GIVEN
    assert near.score is not None
    assert far.score is not None
    assert (near.score.score, near.score.band) == (far.score.score, far.score.band)
    assert near.score.points_by_rule == far.score.points_by_rule
    assert [one.rule for one in near.findings] == [one.rule for one in far.findings]
    assert near.differences == ()
    lines = {line.source: line.state for line in near.freshness}
    assert lines["app_database"] == "ok"
    assert "app_database" not in {line.source for line in far.freshness}


def test_a_driver_that_only_the_app_has_is_told_under_disagreements_and_counted_once(
    served: Sandbox, with_it: Settings, without: Settings
) -> None:
    app = served.app_database
    assert app is not None
    with app.administrator() as connection:
        connection.execute(
            "INSERT INTO app.drivers (id, operator_id, created_at, updated_at) VALUES ('new', %s, '2026-10-31Z', '2026-10-31Z')",
            [OPERATOR],
        )
        try:
            near, far = account(with_it), account(without)
        finally:
            connection.execute("DELETE FROM app.drivers WHERE id = 'new'")
    assert values(near)["drivers_now"] == values(far)["drivers_now"] + 1
    (one,) = near.differences
    assert (one.table, one.second.value - one.home.value) == ("driver", 1)


def test_the_lake_has_the_same_rows_from_either(with_it: Settings, without: Settings, tmp_path: Path) -> None:
    def synced(settings: Settings, folder: Path, *sources: str) -> dict[str, list[tuple[Any, ...]]]:
        lake = LakeSettings(folder=folder)  # type: ignore[call-arg]
        own = settings.model_copy(update={"lake": lake})
        now = settings.clock
        assert now is not None
        results = run(own, lambda: now, sources=sources)
        assert {result.state for result in results if result.source == "app_database"} <= {"done"}
        files = Lake(folder).tables().files
        found = {}
        for table in GIVEN:
            paths = [str(path) for path in files[table].paths]
            found[table] = duckdb.execute(f"SELECT * FROM read_parquet({paths}) ORDER BY ALL").fetchall()
            sources_told = {receipt.source for receipt in files[table].receipts}
            assert sources_told == {"app_database" if "app_database" in sources else "warehouse"}
        return found

    near = synced(with_it, tmp_path / "near", "warehouse", "app_database")
    far = synced(without, tmp_path / "far", "warehouse")
    for table in GIVEN:
        assert near[table] == far[table]
        assert near[table]


def test_with_it_down_figures_and_score_are_those_of_before_and_the_gap_is_named(
    served: Sandbox, with_it: Settings, without: Settings
) -> None:
    """The last test of the file: the server ends."""
    far = account(without)
    app = served.app_database
    assert app is not None
    app.stop()
    down = account(with_it)
    assert down.figures == far.figures
    assert down.scores == far.scores
    assert down.findings == far.findings
    assert down.advice == far.advice
    assert down.records == far.records
    (line,) = [line for line in down.freshness if line.source == "app_database"]
    assert line.state == "missing"
    assert {gap.reason for gap in line.gaps} == {"unavailable"}
    assert all("app's database" in gap.detail for gap in line.gaps)
