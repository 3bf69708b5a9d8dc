"""A snapshot: whole or not at all, the same for the same question, every figure with its receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from awkward_tables import MOMENTS, corpus
from portfolio_cases import NOW, complete, gap, written

from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.snapshot import DESCRIPTION, Snapshot
from customer_research.domain.tables import TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.errors import EngineError, UsageError
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.snapshots import (
    FILES,
    accounts,
    figure,
    read_snapshot,
    readings,
    snapshots_of,
)

AS_OF = MOMENTS[0]
Take = Callable[..., Snapshot]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> TableSet:
    return written(
        tmp_path_factory.mktemp("tables"), complete(corpus(AS_OF, rows=20)), {("op-1", "csm"): gap("csm")}, ("ticket",)
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


@pytest.fixture
def take(tmp_path: Path, engine: DuckDB, tables: TableSet) -> Take:
    """Scores into the test's own folder."""

    def run(**changed: Any) -> Snapshot:
        wanted: dict[str, Any] = {
            "engine": engine,
            "tables": tables,
            "as_of": AS_OF,
            "scorecard": "canonical",
            **changed,
        }
        positional = [wanted.pop(name) for name in ("engine", "tables", "as_of", "scorecard")]
        return score(*positional, folder=tmp_path / "snapshots", clock=lambda: NOW, **wanted)

    return run


def contents(folder: Path) -> Mapping[str, list[tuple[Any, ...]]]:
    """The rows of a snapshot's files, in their order."""
    with DuckDB() as opened:
        return {
            name: [tuple(row.values()) for row in opened.run(f"SELECT * FROM '{folder / name}.parquet'")]
            for name in FILES
        }


def test_what_is_unknown_of_everybody_is_told_in_its_own_words(tmp_path: Path, take: Take) -> None:
    told = {name: Gap("test", "unavailable", f"Nobody told {name}.", f"Ask for {name}.") for name in ("deal", "member")}
    made = complete(corpus(AS_OF, rows=3))
    snapshot = take(tables=written(tmp_path, made, {(None, name): one for name, one in told.items()}))
    assert set(told.values()) <= set(snapshot.gaps)


def test_a_snapshot_has_every_file_and_says_what_it_is(tmp_path: Path, take: Take, tables: TableSet) -> None:
    snapshot = take()
    folder = tmp_path / snapshot.place
    assert {path.name for path in folder.iterdir()} == {DESCRIPTION, *(f"{name}.parquet" for name in FILES)}
    assert [path.name for path in folder.parent.iterdir()] == [snapshot.id]
    assert read_snapshot(folder) == snapshot
    assert next(snapshots_of(tmp_path), None) == (folder, snapshot)
    assert (snapshot.as_of, snapshot.taken_at, snapshot.engine) == (AS_OF, NOW, "duckdb")
    assert snapshot.tables == tables.digest
    assert [one.source for one in snapshot.gaps] == ["notion"]
    with DuckDB() as opened:
        for name, columns in FILES.items():
            kinds = opened.kinds(f"FROM '{folder / name}.parquet'")
            assert {**columns, "as_of": "TIMESTAMP"}.items() <= kinds.items(), name
    found = contents(folder)
    assert len(found["accounts"]) == len(found["scores"]) == snapshot.operators
    assert {row[0] for rows in found.values() for row in rows} == {AS_OF}


def test_the_same_question_has_the_same_snapshot_and_is_not_computed_twice(tmp_path: Path, take: Take) -> None:
    first = take()
    folder = tmp_path / first.place
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    whole = contents(folder)
    assert take() == first
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert take(again=True) == first
    assert contents(folder) == whole
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} != before
    assert [path.name for path in folder.parent.iterdir()] == [first.id]
    earlier, guide = take(as_of=AS_OF - timedelta(days=7)), take(scorecard="guide")
    assert len({first.id, earlier.id, guide.id}) == 3
    assert [one.id for _, one in snapshots_of(tmp_path)][-1] == earlier.id


def test_a_snapshot_that_other_queries_made_is_made_anew(
    tmp_path: Path, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("customer_research.research.portfolio.score.SCORES", "old_scores")
        old = take()
    new = take()
    assert new.id == old.id
    assert new.scoring.query != old.scoring.query
    assert read_snapshot(tmp_path / new.place) == new


def test_a_damaged_description_is_told_and_a_new_scoring_mends_it(tmp_path: Path, take: Take) -> None:
    snapshot = take()
    folder = tmp_path / snapshot.place
    (folder / DESCRIPTION).write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        read_snapshot(folder)
    assert take() == snapshot == read_snapshot(folder)
    with pytest.raises(UsageError, match="no snapshot"):
        read_snapshot(tmp_path)


@pytest.mark.parametrize("file", FILES)
def test_what_fails_on_the_way_leaves_nothing_behind(
    tmp_path: Path, take: Take, engine: DuckDB, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    export = engine.export

    def failing(sql: str, path: Path, parameters: Mapping[str, Any] | None = None) -> int:
        if path.stem == file:
            raise EngineError("The disk is full.")
        return export(sql, path, parameters)

    monkeypatch.setattr(engine, "export", failing)
    with pytest.raises(EngineError, match="disk"):
        take()
    assert list((tmp_path / "snapshots").iterdir()) == []
    assert next(snapshots_of(tmp_path), None) is None


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path, take: Take) -> None:
    (tmp_path / "snapshots").write_text("a file")
    with pytest.raises(UsageError, match="cannot be written"):
        take()


def test_each_figure_rests_on_the_receipts_of_its_tables_and_of_the_scoring(tmp_path: Path, take: Take) -> None:
    snapshot = take()
    paid = figure(snapshot, METRICS["invoices_paid"], 3)
    assert isinstance(paid, Fact)
    assert [one.id for one in paid.basis] == ["receipt-invoice", snapshot.scoring.id]
    standing = figure(snapshot, METRICS["status"], "active")
    assert isinstance(standing, Fact)
    assert [one.id for one in standing.basis][:-1] == ["receipt-subscription", "receipt-csm"]
    assert isinstance(figure(snapshot, METRICS["invoices_paid"], None), Gap)
    told = snapshot.scoring
    assert told.rows == snapshot.operators
    assert ("as_of", AS_OF.isoformat()) in told.parameters
    assert "usage_metrics sha256:" in told.query


def test_readings_and_rows_come_by_operator(tmp_path: Path, take: Take) -> None:
    snapshot = take()
    folder = tmp_path / snapshot.place
    ids = [one.operator_id for one in readings(folder, snapshot)]
    assert ids == sorted(ids)
    rows = list(accounts(folder))
    assert [row["operator_id"] for row in rows] == ids
    assert set(rows[0]) == set(FILES["accounts"])
    unknown = {one.operator_id: one.unknown for one in readings(folder, snapshot) if one.unknown}
    assert unknown == {"op-1": ("csm",)}
