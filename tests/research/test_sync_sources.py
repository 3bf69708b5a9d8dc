"""What the installed sources declare for the sync fits together, and fills the lake from the sandbox."""

from __future__ import annotations

import pytest

from customer_research.connect.source import DECIDED, BulkStream, LandingTable, Link, Source
from customer_research.record_tables import LAKE_TABLES, TABLES
from customer_research.research.sync.canonical import identity
from customer_research.sources import discover

STREAMS = [(source, stream) for source in discover().values() for stream in source.bulk]
LANDED = {table.name: table for _, stream in STREAMS for table in stream.tables}
LINKS = [(source, link) for source in discover().values() for link in source.links]


def test_each_landing_table_is_one_streams() -> None:
    names = [table.name for _, stream in STREAMS for table in stream.tables]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("table", LANDED.values(), ids=LANDED)
def test_a_landing_table_has_its_key_and_is_canonical_where_it_says_so(table: LandingTable) -> None:
    assert set(table.key) <= set(table.columns)
    if table.name in LAKE_TABLES:
        canonical = LAKE_TABLES[table.name]
        assert dict(table.columns) == {column.name: column.type for column in canonical.columns}
        assert set(table.key) <= set(identity(canonical))


@pytest.mark.parametrize(("source", "link"), LINKS, ids=[f"{source.name}-{link.table}" for source, link in LINKS])
def test_a_link_makes_a_canonical_table_from_tables_that_come_about(source: Source, link: Link) -> None:
    made = {other.table for _, other in LINKS}
    assert link.table in LAKE_TABLES
    assert link.needs
    decided = {f"{DECIDED}{table}" for table in TABLES}
    assert set(link.needs) <= LANDED.keys() | made | decided
    assert bool(link.sql) != (link.rows is not None)


def test_every_canonical_table_comes_from_somewhere() -> None:
    assert LANDED.keys() | {link.table for _, link in LINKS} >= LAKE_TABLES.keys()


@pytest.mark.parametrize(("source", "stream"), STREAMS, ids=[f"{one.name}.{stream.name}" for one, stream in STREAMS])
def test_a_stream_is_titled_and_lands_something(source: Source, stream: BulkStream) -> None:
    assert stream.title
    assert stream.tables
