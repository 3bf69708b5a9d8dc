"""With a source silent nobody in the demo stands better than with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from scored_demo import Scored, taken

from customer_research.documents.formats import markdown
from customer_research.domain.catalogue import METRICS
from customer_research.domain.health import BAND_ORDER, NO_BAND
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.metrics.queries import account_columns
from customer_research.record_tables import TABLES
from customer_research.reports.kinds import portfolio as portfolio_report
from customer_research.research.portfolio import selection
from customer_research.research.portfolio.book_lines import FileListing
from customer_research.research.portfolio.listing import portfolio
from customer_research.research.portfolio.requests import Selection
from customer_research.research.portfolio.snapshot_view import SnapshotView
from customer_research.settings import Settings, load_settings

T = TypeVar("T")


@pytest.fixture(scope="module")
def scored(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    return taken(portfolio_settings, "canonical", tmp_path_factory.mktemp("snapshots"))


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
