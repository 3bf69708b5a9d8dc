"""Views over the user's own warehouse: on fakesnow, over the sandbox's relations, they have the rows that a pull lands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from places import EPOCH, as_fakesnow_says, place
from pulled import UNTIL, Kept, in_session
from pydantic import SecretStr
from worlds import Worlds

from customer_research.connect.source import Row
from customer_research.domain.evidence import Gap
from customer_research.domain.tables import TableFile, TableSet
from customer_research.engines import open_engine
from customer_research.engines.dialect import with_bindings
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Engine
from customer_research.engines.metabase import MetabaseRunner
from customer_research.engines.snowflake import connection_options
from customer_research.errors import ConfigError
from customer_research.lake import Lake
from customer_research.record_tables import LAKE_TABLES, TABLES
from customer_research.research.portfolio.measurement import measure
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.snapshots import readings
from customer_research.research.portfolio.take import take
from customer_research.research.portfolio.warehouse_views import bound, measure_bound
from customer_research.research.sync import run
from customer_research.settings import EngineSettings, Settings, StoreSettings, load_settings
from customer_research.sources.warehouse import normalise
from customer_research.sources.warehouse.bindings import (
    DRIVER,
    MEMBER,
    MODEL_CHARGE,
    MODEL_DISPUTE,
    OPERATOR,
    RAW_CHARGE,
    RAW_DISPUTE,
    RESERVATION,
    SURVEY,
)
from customer_research.sources.warehouse.session import WarehouseSession
from customer_research.sources.warehouse.settings import RESERVATIONS, MetabaseSettings
from customer_research.sources.warehouse.source import SOURCE
from customer_research.sources.warehouse.views import BOUND, switched_off
from customer_research_sandbox.dataset import Dataset, Relation
from customer_research_sandbox.serve import Sandbox

pytestmark = pytest.mark.xdist_group("engines")

SCENARIOS = frozenset(f"00000000-5ce0-11f0-a000-{number:012d}" for number in (6, 9, 14, 15, 16, 17, 19, 20, 28, 30, 39))
"""Scenarios with each charge path, yen, disputes, several rows of the CSM view, and few trips."""
TRIPS = 60
"""Trips that are there of each operator, about: the stand-in for Snowflake takes rows slowly."""
READ: Mapping[str, frozenset[str]] = {
    "MOOVS.CSM_MOOVS": normalise.COLUMNS,
    "POSTGRES_SWOOP.OPERATOR": OPERATOR.vendor_columns("o"),
    "FACT.MOOVS_OPERATOR_RESERVATIONS": RESERVATION.vendor_columns("r"),
    "MOZART_NEW.MOOVS_PLATFORM_CHARGES": MODEL_CHARGE.vendor_columns("c") | MODEL_DISPUTE.vendor_columns("c"),
    "STRIPE_MOOVS.CHARGE": RAW_CHARGE.vendor_columns("h") | {"ID"},
    "STRIPE_MOOVS.DISPUTE": RAW_DISPUTE.vendor_columns("d"),
    "POSTGRES_SWOOP.USER": MEMBER.vendor_columns("u"),
    "POSTGRES_SWOOP.DRIVER": DRIVER.vendor_columns("v"),
    "SWOOP.NPS_SURVEY": SURVEY.vendor_columns("s"),
}
"""Relation → the columns that are read."""


@pytest.fixture(scope="module")
def dataset(worlds: Worlds) -> Dataset:
    """The scenarios' operators and one that answered a survey, with some trips of all their times."""
    made = worlds.dataset()
    relations = made.warehouse
    chosen = {*SCENARIOS, relations["SWOOP.NPS_SURVEY"].rows[0]["OPERATOR_ID"]}
    app = [row for row in relations["POSTGRES_SWOOP.OPERATOR"].rows if row["OPERATOR_ID"] in chosen]
    view = [row for row in relations["MOOVS.CSM_MOOVS"].rows if row["LAGO_EXTERNAL_CUSTOMER_ID"] in chosen]
    accounts = {row["STRIPE_ACCOUNT"] for row in app} | {row["P_STRIPE_ACCOUNT_ID"] for row in view} - {None}
    owned = chosen | accounts
    kept = {}
    for name, relation in relations.items():
        owner = next((column for column in OWNERS if column in relation.columns), "")
        rows = [row for row in relation.rows if row.get(owner) in owned]
        kept[name] = replace(relation, rows=_of_all_times(rows) if name.startswith("FACT") else rows)
    return replace(made, warehouse=kept)


OWNERS = ("OPERATOR_ID", "LAGO_EXTERNAL_CUSTOMER_ID", "STRIPE_ACCOUNT_ID", "CONNECTED_ACCOUNT_ID")


def _of_all_times(rows: list[Row]) -> list[Row]:
    by_operator: dict[str, list[Row]] = {}
    for row in rows:
        by_operator.setdefault(row["OPERATOR_ID"], []).append(row)
    return [row for found in by_operator.values() for row in found[:: max(1, len(found) // TRIPS)]]


@pytest.fixture(scope="module")
def sandbox(dataset: Dataset) -> Iterator[Sandbox]:
    with Sandbox.start(dataset=dataset, rate_limits=False) as running:
        yield running


@pytest.fixture(scope="module")
def url(dataset: Dataset) -> str:
    found = place("snowflake")
    _load(found, [dataset.warehouse[name] for name in READ])
    return found


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    with open_engine("snowflake", url) as opened:
        yield opened


def _load(url: str, relations: Iterable[Relation]) -> None:
    """The relations as tables of the stand-in for Snowflake, under their schemas, with the columns that are read."""
    import snowflake.connector

    with snowflake.connector.connect(**connection_options(url)) as connection, connection.cursor() as cursor:
        for relation in relations:
            kinds = {name: kind for name, kind in relation.columns.items() if name in READ[relation.qualified]}
            table = f'{relation.schema}."{relation.name}"'
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {relation.schema}")
            cursor.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})")
            values = [tuple(_sent(row[name]) for name in kinds) for row in relation.rows]
            if values:
                cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(kinds))})", values)


def _sent(value: Any) -> Any:
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


@pytest.fixture(scope="module")
def settings(sandbox: Sandbox) -> Settings:
    found = load_settings(sandbox.config_path)
    return found.model_copy(update={"engine": found.engine.model_copy(update={"name": "snowflake"})})


@pytest.fixture(scope="module")
def landed(settings: Settings) -> Mapping[str, list[Row]]:
    """The canonical tables as a sync makes them."""
    kept = Kept()

    async def work(session: WarehouseSession) -> None:
        session.attach(MetabaseRunner(session.http, settings.of(MetabaseSettings).database), with_bindings)
        for stream in SOURCE.bulk:
            await kept.pull(session, stream)

    in_session(SOURCE, settings, work)
    made = {name: kept.rows(name) for name in kept.tables if name in LAKE_TABLES}
    for link in SOURCE.links:
        made[link.table] = kept.linked(link, {"operator": made.get("operator", [])})
    return made


@pytest.fixture(scope="module")
def lake(landed: Mapping[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> TableSet:
    """The landed tables as files; Lago's, HubSpot's and Notion's were not pulled."""
    folder = tmp_path_factory.mktemp("lake")
    files = {}
    with DuckDB() as duckdb:
        for name, rows in landed.items():
            duckdb.load(name, rows)
            duckdb.export(f"SELECT * FROM {name}", folder / f"{name}.parquet")
            files[name] = TableFile(name, (folder / f"{name}.parquet",), len(rows), name)
    gaps = {name: Gap("lake", "unavailable", "Not pulled.", "Pull it.") for name in TABLES if name not in files}
    return TableSet("lake", files, gaps)


def plain(rows: list[Row], columns: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """Rows to be compared, in one order; without receipts, which views do not have."""
    names = [name for name in columns if name != "fetch_id"]
    return sorted((tuple(_plain(row[name], columns[name]) for name in names) for row in rows), key=repr)


def _plain(value: Any, kind: str) -> Any:
    if kind == "timestamp" and value == EPOCH:
        return None
    return float(value) if kind in {"integer", "number"} and value is not None else value


@pytest.mark.parametrize("table", BOUND)
def test_a_view_has_the_rows_that_a_pull_lands(
    engine: Engine, settings: Settings, lake: TableSet, landed: Mapping[str, list[Row]], table: str
) -> None:
    tables = bound(settings, engine, lake, lambda: UNTIL)
    columns = {column.name: column.type for column in TABLES[table].columns}
    found, expected = plain(engine.run(f"SELECT * FROM {table}"), columns), plain(landed[table], columns)
    assert found == expected
    assert expected != []
    assert (tables.files[table].rows, tables.files[table].paths) == (len(expected), ())


def test_every_metric_is_the_one_over_the_lakes_copy(engine: Engine, settings: Settings, lake: TableSet) -> None:
    without = TableSet(lake.place, {"operator": lake.files["operator"]}, lake.gaps)
    tables = bound(settings, engine, without, lambda: UNTIL)
    measure_bound(settings, engine, tables, UNTIL)
    sql = "SELECT * FROM account_metrics ORDER BY operator_id"
    there = engine.run(sql)
    with DuckDB() as duckdb:
        measure(duckdb, lake, UNTIL)
        here = duckdb.run(sql)
    assert len(here) == len(SCENARIOS) + 1
    assert [row["operator_id"] for row in there] == [row["operator_id"] for row in here]
    for one, other in zip(here, there, strict=True):
        told = {name: as_fakesnow_says(value, one[name]) for name, value in other.items()}
        assert {
            name: pytest.approx(value) if isinstance(value, float) else value for name, value in one.items()
        } == told
    assert any(row["charge_attempts"] is None for row in here)  # who takes no cards is unknown, not zero


def test_the_table_set_changes_with_the_warehouse(engine: Engine, settings: Settings, lake: TableSet) -> None:
    before = bound(settings, engine, lake, lambda: UNTIL)
    assert before.digest == bound(settings, engine, lake, lambda: UNTIL).digest
    fewer = settings.of(MetabaseSettings).model_copy(
        update={"survey": "", "reservations": "FACT.MOOVS_OPERATOR_RESERVATIONS"}
    )
    off = bound(settings.model_copy(update={"metabase": fewer}), engine, lake, lambda: UNTIL)
    assert off.gaps["survey"].reason == "not_configured"
    assert "survey" not in off.files
    assert off.digest != before.digest
    assert off.files["reservation"].digest == before.files["reservation"].digest
    assert fewer.reservations == RESERVATIONS


def test_relations_that_are_off_are_named(settings: Settings) -> None:
    parts = settings.of(MetabaseSettings).model_copy(update={"charges": "", "member": ""})
    assert set(switched_off(parts)) == {"charge", "dispute", "member"}
    assert switched_off(settings.of(MetabaseSettings)) == {}


def test_views_need_an_engine_in_the_warehouse(engine: Engine, settings: Settings, lake: TableSet) -> None:
    other = settings.model_copy(update={"engine": settings.engine.model_copy(update={"name": "postgres"})})
    with pytest.raises(ConfigError, match="no warehouse"):
        bound(other, engine, lake, lambda: UNTIL)


def test_a_sync_copies_nothing_of_them_and_the_scores_are_the_same(
    settings: Settings, url: str, tmp_path: Path
) -> None:
    def scored(name: str, engine: EngineSettings) -> dict[str, tuple[Any, ...]]:
        lake = settings.lake.model_copy(update={"folder": tmp_path / name})
        store = StoreSettings(url=SecretStr(f"sqlite:///{tmp_path / name}.db"))
        own = settings.model_copy(update={"lake": lake, "store": store, "engine": engine})
        outcomes = run(own, lambda: UNTIL)
        assert [outcome for outcome in outcomes if outcome.state != "done"] == []
        landed = Lake(tmp_path / name).tables().files
        assert bool(landed["reservation"].rows) is not own.engine.views
        assert landed["csm"].rows > 0
        folder, snapshot = take(own, lambda: UNTIL, Scoring())
        return {
            reading.operator_id: (reading.score, reading.band, reading.contributions)
            for reading in readings(folder, snapshot)
        }

    plain_engine = settings.engine.model_copy(update={"name": "duckdb"})
    views = {"name": "snowflake", "url": SecretStr(url), "views": True}
    there = scored("there", settings.engine.model_copy(update=views))
    here = scored("here", plain_engine)
    assert len(here) > len(SCENARIOS)
    assert there == here
