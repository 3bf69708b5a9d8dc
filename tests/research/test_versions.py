"""What the lake keeps of what its tables were: every past instant gives the rows that it had then."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_vendor import NOW, Shelf, Vendor, canonical
from test_sync import World

from customer_research.connect.source import Row
from customer_research.domain.tables import Edition, TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.lake import Lake
from customer_research.research.portfolio.measurement import attach, reconstruction_of, unjudged_gaps
from customer_research.research.sync import versions

DAY = timedelta(days=1)
PATIENCE = timedelta(days=2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "lake")


@pytest.fixture
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


def ticket(number: int, **values: Any) -> Row:
    return {
        "operator_id": f"op-{number % 3}",
        "ticket_id": f"t{number}",
        "title": f"Ticket {number}",
        "is_open": True,
        "is_certain": True,
        "created_at": NOW - 100 * DAY,
        **values,
    }


def desk(*rows: Row, **options: Any) -> Vendor:
    shelf = Shelf(canonical("ticket"))
    shelf.put(*rows)
    return Vendor("notion", (shelf,), **options)


def stood(engine: DuckDB, tables: TableSet, at: datetime, table: str = "ticket") -> list[tuple[Any, ...]]:
    """The rows of a table as they can be told of an instant."""
    attach(engine, tables.at(at, PATIENCE), at)
    rows = engine.run(f"SELECT * FROM {table}")
    return sorted(tuple(repr(value) for name, value in row.items() if name != "fetch_id") for row in rows)


def changed(vendor: Vendor, draw: random.Random, number: int) -> None:
    """Some records are new, some other, some gone, and some come again."""
    shelf = vendor.shelves[0]
    for key in draw.sample(range(12), 4):
        row = ticket(key, is_open=draw.random() < 0.5, priority=draw.choice(["High", "Low", None]))
        known = (row["operator_id"], row["ticket_id"])
        if known in shelf.records and draw.random() < 0.4:
            shelf.remove(*known)
        else:
            shelf.put(row | {"title": f"{number}"} if draw.random() < 0.3 else row)


@pytest.mark.parametrize("at_most", [2, 100])
def test_every_instant_gives_what_the_lake_had_then(
    world: World, engine: DuckDB, monkeypatch: pytest.MonkeyPatch, at_most: int
) -> None:
    """Whether or not the versions were made into one file meanwhile; pulls are full and incremental in turn."""
    monkeypatch.setattr(versions, "FILES_AT_MOST", at_most)
    draw = random.Random(7)
    vendor = world.vendors["notion"] = desk(*map(ticket, range(6)))
    seen = []
    for number in range(12):
        world.sync(full=number % 4 == 3)
        tables = Lake(world.folder).tables()
        seen.append((world.now, stood(engine, tables, world.now), tables.files["ticket"].digest))
        changed(vendor, draw, number)
        world.now += DAY
    tables = Lake(world.folder).tables()
    assert len({tuple(rows) for _, rows, _ in seen}) > 8
    for instant, rows, digest in seen:
        for later in (timedelta(0), DAY / 2):
            assert stood(engine, tables, instant + later) == rows
            then = tables.at(instant + later, PATIENCE)
            assert then.rewound == {}
            assert then.files["ticket"].digest == digest
    assert len(tables.files["ticket"].versions) <= max(at_most, 11)


def test_before_the_first_sync_only_what_has_a_date_is_told(world: World, engine: DuckDB) -> None:
    """And it is told from the first content, so that nothing that comes later can change it."""
    vendor = world.vendors["notion"] = desk(ticket(1), ticket(2))
    world.sync()
    first = Lake(world.folder).tables()
    past = NOW - 30 * DAY
    before = stood(engine, first, past)
    assert all("True" not in row[3:11] for row in before)
    world.now += DAY
    vendor.shelves[0].put(ticket(1, is_open=False, priority="High"), ticket(3))
    vendor.shelves[0].remove("op-2", "t2")
    world.sync()
    tables = Lake(world.folder).tables()
    assert stood(engine, tables, past) == before
    then = tables.at(past, PATIENCE)
    assert then.rewound == dict.fromkeys(then.rewound, NOW)
    assert "ticket" in then.rewound
    assert then.digest == first.at(past, PATIENCE).digest
    assert "open_tickets" in reconstruction_of(then).unjudged
    (gap,) = unjudged_gaps(then)
    assert (gap.source, gap.reason) == ("notion", "past")
    assert "a ticket's status and stages" in gap.detail


def test_between_two_syncs_that_lie_far_apart_the_second_tells_what_has_a_date(world: World) -> None:
    vendor = world.vendors["notion"] = desk(ticket(1))
    world.sync()
    world.now += 30 * DAY
    vendor.shelves[0].put(ticket(1, is_open=False))
    world.sync()
    tables = Lake(world.folder).tables()
    assert "ticket" not in tables.at(NOW + DAY, PATIENCE).rewound
    assert tables.at(NOW + 10 * DAY, PATIENCE).rewound["ticket"] == world.now
    assert "ticket" not in tables.at(world.now, PATIENCE).rewound
    assert "ticket" in tables.at(world.now + 10 * DAY, PATIENCE).gaps


def sizes(folder: Path) -> dict[str, int]:
    """The bytes of every file that counts; of the manifest without the number that the next file gets."""
    state = Lake(folder).state()
    found = {file: (folder / file).stat().st_size for file in state.named}
    return found | {"manifest.json": (folder / "manifest.json").stat().st_size - len(str(state.serial))}


def test_ten_syncs_of_an_unchanged_world_add_nothing(world: World) -> None:
    world.vendors["notion"] = desk(*map(ticket, range(5)))
    world.sync()
    before = sizes(world.folder)
    for number in range(10):
        world.now += DAY
        world.sync(full=number % 2 == 1)
    assert sizes(world.folder) == before
    file = Lake(world.folder).tables().files["ticket"]
    assert (file.since, file.editions, file.versions) == (NOW, (), ())


def test_versions_keep_no_personal_data_and_are_closed_to_others(world: World) -> None:
    shelf = Shelf(canonical("contact"))
    person = {"operator_id": "op-1", "contact_id": "c1", "name": "Ada Lovelace", "email": "ada@example.com"}
    shelf.put({**person, "has_left": False, "created_at": NOW - DAY})
    world.vendors["hubspot"] = Vendor("hubspot", (shelf,))
    world.sync()
    world.now += DAY
    shelf.put({**person, "email": "ada@other.example", "has_left": False, "created_at": NOW - DAY})
    world.sync()
    assert Lake(world.folder).tables().files["contact"].versions == ()  # who somebody is makes no version
    world.now += DAY
    shelf.remove("op-1", "c1")
    world.sync()
    (path,) = Lake(world.folder).tables().files["contact"].versions
    with DuckDB() as engine:
        engine.attach(
            "kept", [path], {"contact_id": "VARCHAR", "name": "VARCHAR", "email": "VARCHAR", "phone": "VARCHAR"}
        )
        assert engine.run("SELECT * FROM kept") == [{"contact_id": "c1", "name": "", "email": "", "phone": None}]
    for kept in world.folder.rglob("*"):
        assert not kept.stat().st_mode & 0o077, kept


def test_records_of_another_place_are_no_version_of_the_old_ones(world: World) -> None:
    vendor = world.vendors["notion"] = desk(ticket(1))
    world.sync()
    world.now += DAY
    vendor.place = "https://elsewhere.example"
    vendor.shelves[0].put(ticket(2))
    world.sync(full=True)
    file = Lake(world.folder).tables().files["ticket"]
    assert (file.since, file.editions, file.versions) == (world.now, (), ())


def test_a_table_that_cannot_be_made_for_a_while_keeps_its_past(world: World, engine: DuckDB) -> None:
    vendor = world.vendors["notion"] = desk(ticket(1))
    world.sync()
    before = stood(engine, Lake(world.folder).tables(), world.now)
    world.now += DAY
    vendor.shelves[0].put(ticket(1, is_open=False))
    world.sync()
    with Lake(world.folder).writing() as lake:
        state = lake.state
        lake.commit(replace(state, tables={}, former=dict(state.tables)))
    assert "ticket" not in Lake(world.folder).tables().files
    world.sync()
    assert stood(engine, Lake(world.folder).tables(), NOW) == before


def test_a_past_whose_file_is_lost_begins_anew(world: World) -> None:
    vendor = world.vendors["notion"] = desk(ticket(1))
    world.sync()
    world.now += DAY
    vendor.shelves[0].put(ticket(1, is_open=False))
    world.sync()
    (path,) = Lake(world.folder).tables().files["ticket"].versions
    path.unlink()
    world.now += DAY
    world.sync()
    file = Lake(world.folder).tables().files["ticket"]
    assert (file.since, file.editions, file.versions) == (NOW + DAY, (), ())


def test_a_lake_of_the_first_layout_stands_as_it_was_pulled_last(world: World, engine: DuckDB) -> None:
    """Its manifest tells neither since when a table stood so nor what it was; nothing is lost, and the past begins there."""
    vendor = world.vendors["notion"] = desk(ticket(1), ticket(2))
    world.sync()
    manifest = world.folder / "manifest.json"
    told = json.loads(manifest.read_bytes())
    for made in told["tables"].values():
        for name in ("since", "until", "place", "editions", "versions"):
            del made[name]
    del told["former"]
    manifest.write_text(json.dumps({**told, "version": 1}))
    old = Lake(world.folder).tables()
    assert old.files["ticket"].since == NOW
    assert old.at(NOW - DAY, PATIENCE).rewound["ticket"] == NOW
    rows = stood(engine, old, NOW)
    world.now += DAY
    vendor.shelves[0].put(ticket(1, is_open=False))
    world.sync()
    tables = Lake(world.folder).tables()
    assert json.loads(manifest.read_bytes())["version"] == 2
    assert stood(engine, tables, NOW) == rows
    assert len(stood(engine, tables, world.now)) == 2


def test_of_long_ago_the_last_content_of_each_day_is_kept() -> None:
    def edition(hours: float) -> Edition:
        at = NOW - timedelta(hours=hours)
        return Edition(at, at, 1, str(hours))

    late, early = [edition(hours) for hours in (9, 6, 3)], [edition(24 * 100 + hours) for hours in (9, 6, 3)]
    kept = versions._thinned([*early, *late], NOW)
    assert kept == (early[-1], *late)
