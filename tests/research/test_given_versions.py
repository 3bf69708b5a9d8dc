"""`score --tables` over tables that say when they were read, or that bring their versions with them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.tables import TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.errors import TablesRefused
from customer_research.record_tables import LAKE_TABLES
from customer_research.research.portfolio.measurement import measure
from customer_research.research.sync.given_tables import check_tables
from customer_research.settings import Settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PATIENCE = timedelta(days=2)


def given(folder: Path, table: str, rows: Sequence[dict[str, Any]], extra: Sequence[str] = ()) -> None:
    """A CSV of a table with every column, and these besides."""
    names = [*LAKE_TABLES[table].column_names, *extra]
    folder.mkdir(exist_ok=True)
    with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


def ticket(number: int, **values: Any) -> dict[str, Any]:
    return {
        "operator_id": "a1",
        "ticket_id": f"t{number}",
        "is_open": "true",
        "is_done": "false",
        "is_certain": "true",
        "is_commitment": "false",
        "created_at": "2026-06-01T00:00:00Z",
        "edited_at": "2026-06-02T00:00:00Z",
        **values,
    }


@pytest.fixture
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


def checked(tmp_path: Path) -> TableSet:
    return check_tables(tmp_path / "given", tmp_path / "scratch", Settings(), lambda: NOW)  # type: ignore[call-arg]


def open_tickets(engine: DuckDB, tables: TableSet, at: datetime) -> int | None:
    then = tables.at(at, PATIENCE)
    measure(engine, then, at)
    (row,) = engine.run(f"SELECT open_tickets FROM {ACCOUNT_TABLE}")
    found: int | None = row["open_tickets"]
    return found


def test_a_date_picks_the_versions_that_stood_then(tmp_path: Path, engine: DuckDB) -> None:
    times = ("valid_from", "valid_to")
    rows = [
        ticket(1, valid_to="2026-08-01T00:00:00Z"),
        ticket(1, is_open="false", valid_from="2026-08-01T00:00:00Z", valid_to="2026-09-01T00:00:00Z"),
        ticket(1, valid_from="2026-09-01T00:00:00Z", valid_to="9999-12-31T00:00:00Z"),
        ticket(2, valid_from="2026-08-15T00:00:00Z"),
        ticket(3, valid_to="2026-08-20T00:00:00Z"),
    ]
    given(tmp_path / "given", "ticket", rows, times)
    tables = checked(tmp_path)
    found = {
        day: open_tickets(engine, tables, datetime.fromisoformat(f"2026-{day}T00:00:00+00:00"))
        for day in ("07-31", "08-01", "08-15", "08-20", "09-01", "11-01")
    }
    assert found == {"07-31": 2, "08-01": 1, "08-15": 2, "08-20": 1, "09-01": 2, "11-01": 2}
    one, other = (tables.at(NOW - days * DAY, PATIENCE).digest for days in (90, 70))
    assert one != other
    assert tables.at(NOW - 90 * DAY, PATIENCE).rewound == {}


def test_tables_are_read_when_they_say_so_else_when_they_tell_of_their_last_record(
    tmp_path: Path, engine: DuckDB
) -> None:
    given(tmp_path / "given", "ticket", [ticket(1)])
    assert open_tickets(engine, checked(tmp_path), datetime(2026, 6, 2, tzinfo=UTC)) == 1
    assert open_tickets(engine, checked(tmp_path), datetime(2026, 6, 1, 12, tzinfo=UTC)) is None
    given(tmp_path / "given", "ticket", [ticket(1, observed_at="2026-10-01T00:00:00Z")], ("observed_at",))
    assert open_tickets(engine, checked(tmp_path), datetime(2026, 10, 1, tzinfo=UTC)) == 1
    assert open_tickets(engine, checked(tmp_path), datetime(2026, 9, 30, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("rows", "times", "said"),
    [
        ([ticket(1, valid_from="2026-08-01")], ("valid_from",), "valid_to"),
        ([ticket(1, valid_from="2026-08-02", valid_to="2026-08-01")], ("valid_from", "valid_to"), "is not after"),
        (
            [ticket(1, valid_to="2026-08-03"), ticket(1, valid_from="2026-08-02")],
            ("valid_from", "valid_to"),
            "of each instant there is one",
        ),
        ([ticket(1), ticket(1, valid_from="2026-08-02")], ("valid_from", "valid_to"), "of each instant there is one"),
        ([ticket(1), ticket(1)], ("observed_at",), "the key"),
    ],
)
def test_versions_that_contradict_each_other_are_refused(
    tmp_path: Path, rows: list[dict[str, Any]], times: tuple[str, ...], said: str
) -> None:
    given(tmp_path / "given", "ticket", rows, times)
    with pytest.raises(TablesRefused) as caught:
        checked(tmp_path)
    assert any(said in str(fault) for fault in caught.value.faults)


@pytest.mark.parametrize("begins", [None, "2026-08-01", "2026-08-02T00:00:00+02:00"])
@pytest.mark.parametrize("ends", [None, "2026-08-01", "2026-08-02T00:00:00+02:00"])
def test_a_version_stands_for_some_time_or_is_refused(tmp_path: Path, begins: str | None, ends: str | None) -> None:
    times = {name: at for name, at in (("valid_from", begins), ("valid_to", ends)) if at is not None}
    given(tmp_path / "given", "ticket", [ticket(1, **times)], ("valid_from", "valid_to"))
    since, until = (at and datetime.fromisoformat(at if "T" in at else f"{at}T00:00:00Z") for at in (begins, ends))
    if since is None or until is None or since < until:  # type: ignore[operator]
        assert set(checked(tmp_path).files) == {"ticket"}
        return
    with pytest.raises(TablesRefused) as caught:
        checked(tmp_path)
    assert ["is not after valid_from" in str(fault) for fault in caught.value.faults] == [True]
