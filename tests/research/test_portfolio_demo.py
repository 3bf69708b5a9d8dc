"""The demo's portfolio: synced over real HTTP, scored, and equal to what the live path says; the scenarios' findings hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from portfolio_cases import Row, reading_of, said, unequal
from scenario_judge import EXPECTED, plain, same

from customer_research.documents.formats import markdown
from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Gap
from customer_research.domain.health import BAND_LABELS, BAND_ORDER, NO_BAND
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.domain.tables import TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.lake import Lake
from customer_research.metrics.queries import account_columns
from customer_research.record_tables import TABLES
from customer_research.reports.kinds import portfolio as portfolio_report
from customer_research.research import Research
from customer_research.research.portfolio import selection
from customer_research.research.portfolio.book_lines import FileListing
from customer_research.research.portfolio.choice import Selection
from customer_research.research.portfolio.listing import portfolio
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.snapshot_view import SnapshotView
from customer_research.research.portfolio.snapshots import accounts, readings
from customer_research.settings import Settings, load_settings

T = TypeVar("T")

AT_ONCE = 8
EVERY = 40
"""Of the operators without a scenario, one in so many is fetched live; `./dev bench live 447` compares everybody."""

_WITH_FAULT = {name for name, scenario in EXPECTED.items() if "fault" in scenario["expect"]}
"""Scenarios in which a source fails while it is asked; the lake was filled without faults."""


@dataclass(frozen=True)
class Scored:
    """The demo's snapshot: each operator's reading and metric row."""

    folder: Path
    snapshot: Snapshot
    readings: Mapping[str, Reading]
    rows: Mapping[str, Row]


def taken(settings: Settings, scorecard: str, out: Path, silent: str = "") -> Scored:
    moment = settings.clock
    assert moment is not None
    with DuckDB(Room(reach=(settings.lake_folder, out))) as engine:
        tables = without(Lake(settings.lake_folder).tables(), silent)
        snapshot = score(engine, tables, moment, scorecard, folder=out, clock=lambda: moment)
    place = out / snapshot.id
    found = {one.operator_id: one for one in readings(place, snapshot)}
    return Scored(place, snapshot, found, {row["operator_id"]: row for row in accounts(place)})


def without(tables: TableSet, source: str) -> TableSet:
    """The tables as they are when a source has never answered (none: as they are)."""
    lost = {name: table for name, table in TABLES.items() if table.home == source}
    gaps = {name: Gap(source, "unavailable", "It did not answer.") for name in lost}
    files = {name: file for name, file in tables.files.items() if name not in lost}
    return replace(tables, files=files, gaps={**tables.gaps, **gaps})


@pytest.fixture(scope="module")
def scored(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    return taken(portfolio_settings, "canonical", tmp_path_factory.mktemp("snapshots"))


@pytest.fixture(scope="module")
def live(scored: Scored, portfolio_settings: Settings) -> Mapping[str, tuple[Account, Row]]:
    """Accounts of the live path with their wide rows: every scenario's, and some of the others'."""
    own = {scenario["operator_id"] for scenario in EXPECTED.values()}
    others = sorted(set(scored.readings) - own)
    chosen = [*sorted(own & set(scored.readings)), *others[::EVERY]]

    patient = portfolio_settings.model_copy(update={"deadline_seconds": 120.0})  # many are asked for at once here

    async def session() -> dict[str, tuple[Account, Row]]:
        room = asyncio.Semaphore(AT_ONCE)
        async with Research(patient) as research:

            async def one(operator_id: str) -> tuple[Account, Row]:
                async with room:
                    account, measuring = await research.measured(operator_id)
                    return account, measuring.wide_row()

            return dict(zip(chosen, await asyncio.gather(*map(one, chosen)), strict=True))

    return asyncio.run(session())


def test_the_portfolio_says_of_each_operator_what_the_live_path_says(
    scored: Scored, live: Mapping[str, tuple[Account, Row]]
) -> None:
    assert scored.snapshot.gaps == ()
    assert len(live) > len(EXPECTED)
    for operator_id, (account, row) in live.items():
        reading, there = scored.readings[operator_id], dict(scored.rows[operator_id])
        assert there.pop("name") == account.name
        assert unequal(row, {name: there[name] for name in row}) == []
        assert account.score is not None
        assert said(reading) == reading_of(account.score, [finding.rule for finding in account.findings])


def test_score_and_band_are_one(scored: Scored) -> None:
    bands = {"healthy": range(80, 101), "monitor": range(60, 80), "at_risk": range(40, 60), "critical": range(40)}
    for told in scored.readings.values():
        assert told.band in NO_BAND or told.score in bands[told.band], told
        assert (told.band == "outside") is (
            told.status in {"onboarding", "churned", "never_started", "no_subscription"}
        )


@pytest.mark.parametrize("source", ["lago", "hubspot", "notion", "warehouse"])
def test_with_a_source_silent_nobody_stands_better(
    source: str, scored: Scored, portfolio_settings: Settings, tmp_path: Path
) -> None:
    silent = taken(portfolio_settings, "canonical", tmp_path, source)
    found = silent.readings
    assert len(found) >= 400
    for operator_id, told in found.items():
        true = scored.readings[operator_id]
        if told.score is not None and true.score is not None:
            assert told.score <= true.score, told
        if told.band not in NO_BAND and true.band not in NO_BAND:
            assert BAND_ORDER.index(told.band) >= BAND_ORDER.index(true.band), told
        assert told.status in {true.status, "unknown"}
    attention, risk = places(silent), risks_of(silent)
    assert {one for one, level in places(scored).items() if attention[one] < level} == set()
    assert {one for one, known in risks_of(scored).items() if risk.get(one, 100) < known} == set()
    assert [
        (row["operator_id"], name) for row in silent.rows.values() for name in told_by(source) if row[name] is not None
    ] == []
    with asked(silent, portfolio) as (shown, _):
        report = portfolio_report.KIND.build(shown)
    assert report.partial
    assert source != "lago" or "$0" not in markdown.render(report, show_personal=False)


@contextmanager
def asked(scored: Scored, ask: Callable[..., T]) -> Iterator[tuple[T, DuckDB]]:
    """What a question about the portfolio finds, and the engine with the tables that it left."""
    with DuckDB(Room(reach=(scored.folder,))) as engine:
        view = SnapshotView(load_settings(), engine, scored.folder, scored.snapshot, scored.snapshot.as_of)
        yield ask(FileListing(view), Selection(limit=0)), engine


def places(scored: Scored) -> Mapping[str, int]:
    """How urgent each operator is in the list: 0 to 3."""
    with asked(scored, lambda listing, _: listing.everybody()) as (everybody, _):
        return {one.operator_id: one.attention for one in everybody}


def risks_of(scored: Scored) -> Mapping[str, int]:
    """The risk by which each operator is ranked; the most that there is where it is not known."""
    with asked(scored, selection.risks) as (_, engine):
        rows = engine.run("SELECT operator_id, COALESCE(risk, 100) AS risk FROM ranked")
    return {row["operator_id"]: row["risk"] for row in rows}


def told_by(source: str) -> list[str]:
    """The metrics of the wide table that rest on one source alone."""
    wide = account_columns()
    homes = {name: {TABLES[table].home for table in metric.tables} for name, metric in METRICS.items() if name in wide}
    return [name for name, found in homes.items() if found == {source} and METRICS[name].subject != "derived"]


def test_everybody_whom_a_source_knows_is_there(scored: Scored) -> None:
    listed = {scenario["operator_id"] for scenario in EXPECTED.values()}
    assert listed <= set(scored.readings)
    assert scored.snapshot.operators == len(scored.readings) >= 400


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - _WITH_FAULT))
def test_a_scenario_holds_in_the_portfolio(name: str, scored: Scored) -> None:
    scenario = EXPECTED[name]
    operator_id, expect = scenario["operator_id"], scenario["expect"]
    assert list(_mismatches(scored.readings[operator_id], scored.rows[operator_id], expect)) == []


def _mismatches(reading: Reading, row: Row, expect: Mapping[str, Any]) -> Iterator[str]:
    columns = account_columns()
    for metric, wanted in expect["metrics"].items():
        if metric in columns and not same(plain(row[metric]), wanted):
            yield f"metric {metric}: expected {wanted!r}, found {row[metric]!r}"
        assert metric in METRICS
    yield from (f"{metric} should be unknown" for metric in expect.get("unknown", ()) if row.get(metric) is not None)
    fired = {rule for rule, points in reading.contributions.items() if points is not None}
    yield from (f"rule {rule} should fire" for rule in expect["rules"]["fired"] if rule not in fired)
    yield from (f"rule {rule} should not fire" for rule in expect["rules"]["not_fired"] if rule in fired)
    for dimension, wanted in expect["dimensions"].items():
        if reading.dimensions[dimension] != wanted:
            yield f"dimension {dimension}: expected {wanted}, found {reading.dimensions[dimension]}"
    band = BAND_LABELS[reading.band]
    if expect.get("score", reading.score) != reading.score or expect.get("band", band) != band:
        yield f"score {reading.score}, band {band}"
    if expect.get("not_band") == band:
        yield f"band must not be {band}"
    if reading.status != expect["status"]:
        yield f"status {reading.status}"
    yield from _finding_mismatches(set(reading.findings), expect)


def _finding_mismatches(held: set[str], expect: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{rule} should hold" for rule in expect.get("correlations", ()) if rule not in held)
    yield from (f"{rule} should not hold" for rule in expect.get("correlations_not", ()) if rule in held)
    some = set(expect.get("correlations_any", ()))
    if some and not held & some:
        yield f"one of {sorted(some)} should hold"


def test_other_scorecards_judge_the_same_rows(portfolio_settings: Settings, scored: Scored, tmp_path: Path) -> None:
    billing, guide = (taken(portfolio_settings, card, tmp_path) for card in ("billing_guide", "guide"))
    assert billing.rows == guide.rows == scored.rows
    failed_and_overdue, big = EXPECTED["S05"], EXPECTED["S18"]
    payment = billing.readings[failed_and_overdue["operator_id"]].dimensions["payment"]
    assert payment == failed_and_overdue["expect"]["billing_guide"]["payment"]
    punished = guide.readings[big["operator_id"]].dimensions["payment"]
    assert punished is not None
    assert punished <= big["expect"]["guide"]["payment_at_most"]
