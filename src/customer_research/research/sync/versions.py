"""What canonical tables were: the rows that a new content lacks or has otherwise, kept with the instants between which they stood.

Beside a table's file, which is all that the present needs, lie files of versions. A row that was replaced or is gone stands there
whole, from when until when the table had it; a row that came or changed later than the first content stands there by its key, with
the instant at which it came. So the table as it was at an instant is its file without those that came after, and the versions
of that instant. Of personal data a version keeps only whether there was any.
"""

# ruff: noqa: S608 - names in these texts are the tables' own
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from customer_research.domain.records import literal, quoted
from customer_research.domain.tables import KNOWN_FROM, KNOWN_TO, Edition
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.rows import canonical_columns
from customer_research.lake import LakeWriter, StoredTable, write_through
from customer_research.metrics.pinned import instant_sql
from customer_research.record_tables import LAKE_TABLES
from customer_research.research.sync.canonical import identity
from customer_research.research.sync.landing import FETCH_ID, same_key

FILES_AT_MOST = 8
"""Files of a table's versions before they are made into one."""

EVERY_EDITION = timedelta(days=90)
"""How long every content is kept that a table had; of older ones the last of each day (UTC)."""

_TIMES = {KNOWN_FROM: "TIMESTAMP", KNOWN_TO: "TIMESTAMP"}


def succeeded(lake: LakeWriter, engine: DuckDB, name: str, old: StoredTable | None, made: StoredTable) -> StoredTable:
    """A table's new content with what it was before.

    Args:
        lake: the lake, open for writing; both contents' files are in it.
        engine: a DuckDB that reaches the lake's folder.
        name: the table.
        old: the table as it stood; None: there was none.
        made: the new content, with the instants between which it was seen.
    """
    if old is None or made.since is None or _moved(old, made):
        return made
    if old.digest == made.digest:
        return replace(made, since=old.since or made.since, editions=old.editions, versions=old.versions)
    if old.since is None:
        return made
    until = old.until or old.since
    since = max(made.since, max(until, old.since) + timedelta(microseconds=1))
    file, _ = lake.fresh("tables", f"{name}.past")
    if not _write(engine, name, _Change(lake, old, made, since), lake.path(file)):
        lake.path(file).unlink()
        return replace(made, since=old.since, editions=old.editions, versions=old.versions)
    editions = (*old.editions, Edition(old.since, until, old.rows, old.digest))
    return compacted(lake, engine, name, replace(made, since=since, editions=editions, versions=(*old.versions, file)))


def _moved(old: StoredTable, made: StoredTable) -> bool:
    """Whether the records come from another place: those are no earlier version of these."""
    before, now = set(old.place.split()), set(made.place.split())
    return bool(before and now) and not before & now


class _Change:
    """From one content of a table to the next: where both lie, and when the next was seen."""

    def __init__(self, lake: LakeWriter, old: StoredTable, made: StoredTable, since: datetime) -> None:
        self.old = [lake.path(file) for file in old.files]
        self.new = [lake.path(file) for file in made.files]
        self.versions = [lake.path(file) for file in old.versions]
        self.since = since


def _write(engine: DuckDB, name: str, change: _Change, path: Path) -> int:
    """The versions that a change makes; gives their number."""
    columns = canonical_columns(name)
    _attach(engine, name, change.versions)
    engine.attach("old~", change.old, columns)
    engine.attach("new~", change.new, columns)
    key, at = identity(LAKE_TABLES[name]), instant_sql(change.since)
    engine.bind("came~", _came(key))
    differ = _differ(name, _columns_of(engine, change.old))
    same, came = same_key(key, "o", "n"), same_key(key, "o", "c")
    there = quoted("there~")
    rows = engine.export(
        f"""
        SELECT {_blanked(name, "o")}, c.{KNOWN_FROM}, {at} AS {KNOWN_TO}
        FROM {quoted("old~")} AS o
        LEFT JOIN (SELECT *, 1 AS {there} FROM {quoted("new~")}) AS n ON {same}
        LEFT JOIN {quoted("came~")} AS c ON {came}
        WHERE n.{there} IS NULL OR {differ}
        UNION ALL
        SELECT {key_alone(name, "n")}, {at} AS {KNOWN_FROM}, CAST(NULL AS TIMESTAMP) AS {KNOWN_TO}
        FROM {quoted("new~")} AS n
        LEFT JOIN (SELECT *, 1 AS {there} FROM {quoted("old~")}) AS o ON {same}
        WHERE o.{there} IS NULL OR {differ}
        """,
        path,
    )
    write_through(path)
    engine.drop("old~", "new~", "came~", "versions~")
    return rows


def compacted(lake: LakeWriter, engine: DuckDB, name: str, made: StoredTable) -> StoredTable:
    """A table whose versions are many files with one of them instead, without what no content that is kept had."""
    if len(made.versions) < FILES_AT_MOST or made.since is None:
        return made
    editions = _thinned(made.editions, made.since)
    key = identity(LAKE_TABLES[name])
    _attach(engine, name, [lake.path(file) for file in made.versions])
    engine.attach("new~", [lake.path(file) for file in made.files], canonical_columns(name))
    engine.create("kept~", {"since": "TIMESTAMP"}, [{"since": one.since} for one in editions])
    engine.bind("came~", _came(key))
    file, _ = lake.fresh("tables", f"{name}.past")
    listed = ", ".join(f"v.{quoted(column)}" for column in canonical_columns(name))
    order = ", ".join(f"{quoted(column)} NULLS FIRST" for column in key)
    engine.export(
        f"""
        SELECT {listed}, v.{KNOWN_FROM}, v.{KNOWN_TO}
        FROM {quoted("versions~")} AS v
        WHERE NOT v.{KNOWN_TO} IS NULL AND EXISTS (
            SELECT 1 FROM {quoted("kept~")} AS k
            WHERE k.since < v.{KNOWN_TO} AND (v.{KNOWN_FROM} IS NULL OR k.since >= v.{KNOWN_FROM})
        )
        UNION ALL
        SELECT {key_alone(name, "n")}, c.{KNOWN_FROM}, CAST(NULL AS TIMESTAMP) AS {KNOWN_TO}
        FROM {quoted("new~")} AS n
        INNER JOIN {quoted("came~")} AS c ON {same_key(key, "n", "c")}
        ORDER BY {order}
        """,
        lake.path(file),
    )
    write_through(lake.path(file))
    engine.drop("new~", "came~", "kept~", "versions~")
    return replace(made, editions=editions, versions=(file,))


def _thinned(editions: Sequence[Edition], now: datetime) -> tuple[Edition, ...]:
    """The contents that are kept: all of late, of older ones the last of each day."""
    last = {one.since.astimezone(UTC).date(): one for one in editions}
    kept = {one.since for one in last.values()}
    return tuple(one for one in editions if one.since in kept or now - one.since <= EVERY_EDITION)


def _attach(engine: DuckDB, name: str, versions: Sequence[Path]) -> None:
    engine.attach("versions~", versions, {**canonical_columns(name), **_TIMES})


def _columns_of(engine: DuckDB, paths: Iterable[Path]) -> tuple[str, ...]:
    """The columns that a table's files have: one of an earlier program may lack some."""
    listed = ", ".join(literal(str(path)) for path in paths)
    return tuple(engine.kinds(f"FROM read_parquet([{listed}], hive_partitioning = false)"))


def _came(key: Iterable[str]) -> str:
    """When each row that is there, and was not always, came."""
    listed = ", ".join(map(quoted, key))
    return (
        f"SELECT {listed}, MAX({KNOWN_FROM}) AS {KNOWN_FROM} FROM {quoted('versions~')} "
        f"WHERE {KNOWN_TO} IS NULL GROUP BY {listed}"
    )


def _differ(name: str, there: Iterable[str]) -> str:
    """Whether a row is another one: in a column that the old file has, or in whether there is personal data."""
    personal = {column.name for column in LAKE_TABLES[name].columns if column.personal}
    known = LAKE_TABLES[name].column_names
    told = [column for column in there if column in known and column not in {FETCH_ID, *identity(LAKE_TABLES[name])}]
    parts = [
        f"(o.{quoted(column)} IS NULL) <> (n.{quoted(column)} IS NULL)"
        if column in personal
        else f"o.{quoted(column)} IS DISTINCT FROM n.{quoted(column)}"
        for column in told
    ]
    return f"({' OR '.join(parts) or 'FALSE'})"


def _blanked(name: str, relation: str) -> str:
    """The columns of a version: of personal data whether there is any."""
    return ", ".join(
        f"CASE WHEN NOT {relation}.{quoted(column.name)} IS NULL THEN '' END AS {quoted(column.name)}"
        if column.personal
        else f"{relation}.{quoted(column.name)}"
        for column in LAKE_TABLES[name].columns
    )


def key_alone(name: str, relation: str) -> str:
    """The columns of a version that says when a row came: its key, and nothing else."""
    kinds, key = canonical_columns(name), identity(LAKE_TABLES[name])
    return ", ".join(
        f"{relation}.{quoted(column)}" if column in key else f"CAST(NULL AS {kind}) AS {quoted(column)}"
        for column, kind in kinds.items()
    )
