"""Scoring where the warehouse is: trips, charges and people stay there, the other tables are attached from the lake.

For an engine that sits in the user's warehouse (Snowflake). The CSM view, reservations, charges, disputes, users, drivers and
survey answers are views over the relations that the `metabase` settings name, by the same expressions as the live path's;
Lago's, HubSpot's and Notion's tables and the list of operators come from the lake.
"""

# ruff: noqa: S608 - names in these texts are ours
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from customer_research.connect.source import Clock
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.tables import TableFile, TableSet
from customer_research.engines.engine import Engine
from customer_research.errors import ConfigError
from customer_research.record_tables import LAKE_TABLES
from customer_research.research.portfolio.measurement import attach, measure_attached, reconstruction_of
from customer_research.research.receipts import text_digest
from customer_research.research.second_sources import second_of
from customer_research.settings import Settings
from customer_research.sources.warehouse.links import NO_CARDS, NOTHING_TO_DO
from customer_research.sources.warehouse.settings import MetabaseSettings
from customer_research.sources.warehouse.views import BOUND, switched_off, views

WAREHOUSES = ("snowflake",)
"""Engines that sit where the bindings' relations are."""

CARDS = ("charge", "dispute")
_GAP = ", ".join(LAKE_TABLES["gap"].column_names)


def bound(settings: Settings, engine: Engine, tables: TableSet, clock: Clock) -> TableSet:
    """The lake's tables with those of the warehouse in the place of its copies, which need not be there.

    The engine knows the warehouse's tables afterwards. Each is looked at once, for its number of rows and for a digest that
    tells whether it changed: over the number of its rows, of its operators, its sums and its latest instants.

    Raises:
        ConfigError: when the engine is none of a warehouse, or a relation in the settings cannot be a table's name.
        EngineError: when a relation or a column is not there, or may not be read.
    """
    if settings.engine.name not in WAREHOUSES:
        raise ConfigError(
            f"The engine {settings.engine.name!r} is no warehouse whose tables could be read where they are.",
            setting="engine.views",
            hint=f"Switch engine.views off, or set engine.name to {' or '.join(WAREHOUSES)}.",
        )
    given = _given(tables)
    off = {name: gap for name, gap in switched_off(settings.of(MetabaseSettings)).items() if name not in given}
    _bind(settings, engine, given)
    files = {name: file for name, file in tables.files.items() if name not in BOUND or name in given}
    files |= {name: _looked_at(engine, name, clock) for name in BOUND if name not in {*off, *given}}
    gaps = {name: gap for name, gap in tables.gaps.items() if name not in BOUND}
    return replace(tables, files=files, gaps={**gaps, **off})


def _given(tables: TableSet) -> frozenset[str]:
    """The warehouse's tables whose rows are those of their second source: they are in the lake, and read from there."""
    found = ((name, tables.files.get(name)) for name in BOUND)
    return frozenset(
        name for name, file in found if file and any(one.source == second_of(name) for one in file.receipts)
    )


def measure_bound(settings: Settings, engine: Engine, tables: TableSet, as_of: datetime) -> None:
    """As `portfolio.measurement.measure`, for a table set that `bound` gave.

    Raises:
        UsageError: the tables have no rows at all.
        EngineError: as `bound`, or a query failed.
    """
    attach(engine, tables, as_of)
    given = _given(tables)
    off = {name: gap for name, gap in switched_off(settings.of(MetabaseSettings)).items() if name not in given}
    engine.drop(*(name for name in BOUND if name not in {*off, *given}))
    _bind(settings, engine, given)
    engine.keep("gap", _gaps(off, given))
    measure_attached(engine, as_of, reconstruction_of(tables))


def _bind(settings: Settings, engine: Engine, given: frozenset[str]) -> None:
    for name, sql in views(settings.of(MetabaseSettings)).items():
        if name not in given:
            engine.bind(name, sql)


def _gaps(off: Mapping[str, Gap], given: frozenset[str]) -> str:
    """The gaps: the lake's, of the bound tables those of everybody that are off, and those who take no cards."""
    told = ", ".join(f"'{name}'" for name in off) or "''"
    there = ", ".join(f"'{name}'" for name in BOUND if name not in given)
    kept = (
        f"SELECT {_GAP} FROM gap WHERE table_name NOT IN ({there}) OR (operator_id IS NULL AND table_name IN ({told}))"
    )
    none = (
        f"SELECT operator_id, '{table}' AS table_name, 'warehouse' AS source, 'not_applicable' AS reason, "
        f"'{NO_CARDS}' AS detail, '{NOTHING_TO_DO}' AS next_step FROM operator WHERE stripe_account IS NULL"
        for table in CARDS
        if table not in off and table not in given
    )
    return " UNION ALL ".join((kept, *none))


def _looked_at(engine: Engine, name: str, clock: Clock) -> TableFile:
    """A bound table: its rows, and the receipt of the query that tells."""
    columns = LAKE_TABLES[name].columns
    figures = ["COUNT(*) AS row_count", "COUNT(DISTINCT operator_id) AS operators"]
    figures += [f"SUM({column.name}) AS {column.name}" for column in columns if column.type == "integer"]
    figures += [f"MAX({column.name}) AS {column.name}" for column in columns if column.type in {"timestamp", "date"}]
    figures += [f"COUNT(DISTINCT {column.name}) AS {column.name}" for column in columns if column.type == "boolean"]
    sql = f"SELECT {', '.join(figures)} FROM {name}"
    (row,) = engine.run(sql)
    digest = text_digest(repr(sorted((key, str(value)) for key, value in row.items())))
    receipt = Receipt(
        id=digest[:16],
        source="warehouse",
        stream=name,
        query=sql,
        fetched_at=clock(),
        rows=int(row["row_count"]),
        digest=digest,
        requests=1,
    )
    return TableFile(name, (), int(row["row_count"]), digest, (receipt,), since=receipt.fetched_at)
