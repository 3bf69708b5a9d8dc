"""Landing tables: parts and what they come to, against a dictionary that is told the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_research.connect.source import LandingTable, Row
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.errors import EngineError
from customer_research.research.sync import landing

TABLE = LandingTable("thing", ("id", "kind"), {"kind": "text", "id": "integer", "value": "text", "fetch_id": "text"})

Key = tuple[int, str | None]
Told = tuple[list[tuple[Key, str | None]], list[Key]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDB]:
    with DuckDB(Room(500, 1, tmp_path, (tmp_path,))) as opened:
        yield opened


keys = st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", "", None]))
slices = st.tuples(st.lists(st.tuples(keys, st.sampled_from(["x", "y", None])), max_size=5), st.lists(keys, max_size=2))
pulls = st.tuples(st.lists(slices, max_size=4), st.booleans(), st.booleans())


def row(key: Key, value: str | None, number: int) -> Row:
    return {"id": key[0], "kind": key[1], "value": value, "fetch_id": f"r{number}"}


@given(told=st.lists(pulls, min_size=1, max_size=4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_landed_is_what_was_told(
    engine: DuckDB, tmp_path: Path, told: list[tuple[list[Told], bool, bool]]
) -> None:
    stood, model, digests = None, dict[Key, str | None](), dict[tuple[Any, ...], str]()
    for number, (pull, whole, merging) in enumerate(told):
        parts, now = [], dict[Key, str | None]() if whole else dict(model)
        for step, (rows, gone) in enumerate(pull):
            parts.append(tmp_path / f"{number}-{step}.parquet")
            written = [row(key, value, step) for key, value in rows]
            landing.write_part(engine, TABLE, written, gone, path=parts[-1], number=number * 100 + step)
            now |= dict(rows)
            now = {key: value for key, value in now.items() if key not in gone}
        if merging and parts:
            merged = tmp_path / f"{number}-merged.parquet"
            landing.merge_parts(engine, TABLE, parts, merged)
            parts = [merged]
        path = tmp_path / f"{number}.parquet"
        made = landing.compact(engine, TABLE, stood, parts, path, whole=whole, fetch_id=f"receipt{number}")
        found = engine.run("SELECT * FROM thing")
        assert {(one["id"], one["kind"]): one["value"] for one in found} == now
        assert made.rows == len(found) == len(now)
        assert made.gone == len(model.keys() - now.keys())
        content = tuple(sorted(now.items(), key=repr))
        assert digests.setdefault(content, made.digest) == made.digest
        assert len(set(digests.values())) == len(digests)
        assert {one["fetch_id"] for one in found} <= {f"receipt{earlier}" for earlier in range(number + 1)}
        stood, model = path, now


def test_values_land_as_they_are(engine: DuckDB, tmp_path: Path) -> None:
    table = LandingTable(
        "kinds",
        ("id",),
        {
            "id": "text",
            "whole": "integer",
            "number": "number",
            "flag": "boolean",
            "day": "date",
            "moment": "timestamp",
            "names": "texts",
        },
    )
    given_rows: list[Row] = [
        {
            "id": "\u00e9\U0001f699 \"quoted\", 'quoted'\n\0",
            "whole": 2**62 + 1,
            "number": 0.1 + 0.2,
            "flag": False,
            "day": date(2024, 2, 29),
            "moment": datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
            "names": "|a|b|",
        },
        {"id": "", "number": 7, "moment": datetime(1969, 12, 31, tzinfo=UTC)},
    ]
    path = tmp_path / "kinds.parquet"
    landing.write_part(engine, table, given_rows, (), path=path, number=1)
    landing.expose(engine, table, None, [path])
    first, second = engine.run("SELECT * FROM kinds ORDER BY id DESC")
    assert first == given_rows[0]
    assert second == {**dict.fromkeys(table.columns), **given_rows[1]}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"whole": 1.5}, "'whole' holds whole numbers"),
        ({"whole": "many"}, "many"),
        ({"other": 1}, "'other'"),
        ({"moment": datetime(2026, 1, 1)}, "no time zone"),  # noqa: DTZ001
        ({"moment": {1}}, "a set"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_and_nothing_is_written(
    engine: DuckDB, tmp_path: Path, value: Row, said: str
) -> None:
    table = LandingTable("kinds", ("id",), {"id": "text", "whole": "integer", "moment": "timestamp"})
    with pytest.raises(EngineError, match=said):
        landing.write_part(engine, table, [{"id": "a", **value}], (), path=tmp_path / "k.parquet", number=1)
    assert not (tmp_path / "k.parquet").exists()
    assert list(engine.scratch.iterdir()) == []


def test_a_row_of_millions_of_characters_lands(engine: DuckDB, tmp_path: Path) -> None:
    """However short the rows beside it are."""
    rows = [{"id": at, "kind": "a", "value": "x" * count} for at, count in enumerate((1, 20_000_000, 2))]
    landing.write_part(engine, TABLE, rows, (), path=tmp_path / "long.parquet", number=1)
    landing.expose(engine, TABLE, tmp_path / "long.parquet")
    assert engine.run("SELECT LENGTH(value) AS long FROM thing ORDER BY id") == [
        {"long": 1},
        {"long": 20_000_000},
        {"long": 2},
    ]


def test_decimals_and_half_a_surrogate_pair_land(engine: DuckDB, tmp_path: Path) -> None:
    rows = [{"id": 1, "kind": "\ud83d", "value": Decimal("1.50")}]
    landing.write_part(engine, TABLE, rows, (), path=tmp_path / "d.parquet", number=1)
    landing.expose(engine, TABLE, tmp_path / "d.parquet")
    assert engine.run("SELECT kind, value FROM thing") == [{"kind": "?", "value": "1.50"}]
