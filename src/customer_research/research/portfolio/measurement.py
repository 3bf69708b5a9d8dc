"""Measuring all operators: canonical tables put on an engine, and every metric of everybody as one wide table there."""

# ruff: noqa: S608 - names in these texts are the tables' own
from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from customer_research import private
from customer_research.connect.source import Clock
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.essentials import ESSENTIALS
from customer_research.domain.evidence import Gap
from customer_research.domain.tables import KNOWN_FROM, KNOWN_TO, TableSet
from customer_research.engines.engine import Engine
from customer_research.engines.rows import canonical_columns
from customer_research.errors import UsageError
from customer_research.metrics.past import (
    REBUILT_FROM,
    UNTOLD_COUPON_SQL,
    lost_words,
    rebuildable,
    rewound_sql,
    unjudged,
)
from customer_research.metrics.pinned import instant_sql, pinned
from customer_research.metrics.wide import KNOWN_AT, KNOWN_OPERATORS, PRESENT, Reconstruction, stages
from customer_research.record_tables import LAKE_TABLES, TABLES
from customer_research.research.engine_choice import scratch
from customer_research.research.off import lake_tables
from customer_research.research.sync.canonical import gap_row, identity
from customer_research.research.sync.given_tables import check_tables
from customer_research.settings import Settings

_STATED, _ABSENT, _LOOKED = "stated_gap", "absent_table", "looked_at"
_FILL = "Complete them where they are kept; until then nothing is made of the table for the operator."
_COUNTED_DOWN = "How many months a coupon had left at this date is not known."
_WITHOUT_PAYMENTS = "What was paid by this date is not known: the payments are unknown."
LISTS = frozenset(LAKE_TABLES) - frozenset(TABLES)
"""The tables that tell of operators and not of their records: each row stands, also where the list is a part only."""
_GAP_COLUMNS = ", ".join(LAKE_TABLES["gap"].column_names)


@contextmanager
def tables_at_hand(
    settings: Settings, clock: Clock, given: Path | None, *reach: Path
) -> Iterator[tuple[Engine, TableSet]]:
    """The canonical tables in a folder (None: the lake's), and the engine of the settings, which reaches them and `reach`.

    Raises:
        TablesRefused: everything that is wrong in the given tables.
        ConfigError, EngineError: as `engine_choice.scratch`.
    """
    with private.scratch_folder() as folder:
        tables = lake_tables(settings) if given is None else check_tables(given, folder, settings, clock)
        with scratch(settings, *reach, folder, *([] if given is None else [given])) as engine:
            yield engine, tables


def measure(engine: Engine, tables: TableSet, as_of: datetime) -> None:
    """Leave `account_metrics` and `known_operator` on the engine: everybody's metrics and names at *as_of*.

    The canonical tables stay there, too; one that is absent has no rows, and its gap is a row for everybody in `gap`.

    Raises:
        UsageError: the tables have no rows at all, or none that was known before *as_of*.
        EngineError: a table's file cannot be read, or a query failed.
    """
    attach(engine, tables, as_of)
    _refuse_before(engine, tables, as_of)
    measure_attached(engine, as_of, reconstruction_of(tables))


def measure_attached(engine: Engine, as_of: datetime, past: Reconstruction = PRESENT) -> None:
    """As `measure`, over the canonical tables that the engine has already.

    Raises:
        EngineError: a query failed.
    """
    steps = stages(past=past)
    for stage in steps:
        engine.keep(stage.name, pinned(stage.sql, as_of))
    engine.drop(*(stage.name for stage in steps if stage.name not in {ACCOUNT_TABLE, KNOWN_OPERATORS}))


def attach(engine: Engine, tables: TableSet, as_of: datetime) -> None:
    """Put all canonical tables on the engine, those that are absent without rows but with a gap for everybody.

    A record that lacks what it must tell (`domain.essentials`) costs its operator the table, if it was known before *as_of*.
    A table that changed since is put there as it was, and of one that was read later what has a date (`metrics.past`).

    Raises:
        UsageError: the tables have no rows at all.
        EngineError: a file cannot be read.
    """
    if not any(file.rows for name, file in tables.files.items() if name != "gap"):
        raise UsageError(
            f"The tables in {tables.place} have no rows.",
            hint="Run `customer-research sync`, or give a folder of canonical tables (`customer-research tables`).",
        )
    columns = canonical_columns("gap")
    put(engine, _STATED, "gap", tables)
    absent = [gap_row(name, gap) for name, gap in _lacking(tables).items()]
    engine.create(_ABSENT, columns, [*absent, *_blanks(engine, tables, as_of), *_untold_rows(engine, tables)])
    engine.keep("gap", f"SELECT {_GAP_COLUMNS} FROM {_STATED} UNION ALL SELECT {_GAP_COLUMNS} FROM {_ABSENT}")
    engine.drop(_STATED, _ABSENT)
    partly = {row["table_name"] for row in engine.run("SELECT DISTINCT table_name FROM gap")}
    rewound, again = tables.rewound, rebuildable_of(tables)
    for name in sorted(LAKE_TABLES, key=REBUILT_FROM.__contains__):  # last those whose past the others tell
        if name == "gap":
            continue
        known = name in partly - LISTS and name in tables.files and "operator_id" in LAKE_TABLES[name].column_names
        past = name in rewound and name in TABLES
        under = f"told_{name}" if known or past else name
        put(engine, under, name, tables)
        if past:
            then = f"then_{name}" if known else name
            (engine.keep if name in REBUILT_FROM else engine.bind)(then, rewound_sql(name, under, again))
            under = then
        if known:
            engine.bind(name, _of_the_known(name, under))


def reconstruction_of(tables: TableSet) -> Reconstruction:
    """What cannot be told of the date that the tables are for (`TableSet.at`)."""
    rewound, again = tables.rewound, rebuildable_of(tables)
    return Reconstruction(frozenset(unjudged(rewound, again)), rebuilt=again & rewound.keys())


def unjudged_gaps(tables: TableSet) -> Iterator[Gap]:
    """What is not judged for it, a gap a source, in words."""
    again = rebuildable_of(tables)
    for home in dict.fromkeys(TABLES[name].home for name in tables.rewound if name in TABLES):
        read = {name: at for name, at in tables.rewound.items() if name in TABLES and TABLES[name].home == home}
        lost = lost_words(read, again)
        if lost:
            first = f"{min(read.values()):%Y-%m-%d %H:%M} UTC"
            detail = f"Read first at {first}, after this date; not known for it, and not checked: {', '.join(lost)}."
            yield Gap(home, "past", detail)


def rebuildable_of(tables: TableSet) -> frozenset[str]:
    """The tables of which others tell what their records were."""
    return rebuildable({name: file.rows for name, file in tables.files.items()})


def _untold_rows(engine: Engine, tables: TableSet) -> Iterator[dict[str, Any]]:
    """The gaps of operators of whom a table that was read later cannot be told, though it can of others."""
    if "coupon" in tables.rewound:
        put(engine, _LOOKED, "coupon", tables)
        for row in engine.run(UNTOLD_COUPON_SQL.replace("FROM coupon", f"FROM {_LOOKED}")):
            yield gap_row("coupon", Gap(TABLES["coupon"].home, "past", _COUNTED_DOWN), row["operator_id"])
        engine.drop(_LOOKED)
    if "invoice" in reconstruction_of(tables).rebuilt:
        for row in engine.run(f"SELECT operator_id FROM {_STATED} WHERE table_name = 'payment' ORDER BY 1"):
            yield gap_row("invoice", Gap(TABLES["invoice"].home, "past", _WITHOUT_PAYMENTS), row["operator_id"])


def put(engine: Engine, name: str, table: str, tables: TableSet) -> None:
    """The rows of a table under a name: all of them, or those of the edition that it is cut to."""
    file, columns = tables.files.get(table), canonical_columns(table)
    if file is None or file.cut is None:
        engine.attach(name, () if file is None else file.paths, columns)
        return
    newest, versions = f"newest_{table}", f"version_{table}"
    engine.attach(newest, file.paths, columns)
    engine.attach(versions, file.versions, {**columns, KNOWN_FROM: "TIMESTAMP", KNOWN_TO: "TIMESTAMP"})
    key, at = identity(LAKE_TABLES[table]), instant_sql(file.cut)
    same = " AND ".join(f"came.{column} IS NOT DISTINCT FROM r.{column}" for column in key)
    listed = ", ".join(f"r.{column}" for column in columns)
    engine.bind(
        name,
        f"""
        SELECT {listed} FROM {newest} AS r
        LEFT JOIN (
            SELECT {", ".join(key)}, 1 AS later FROM {versions} WHERE {KNOWN_TO} IS NULL AND {KNOWN_FROM} > {at}
        ) AS came ON {same}
        WHERE came.later IS NULL
        UNION ALL
        SELECT {listed} FROM {versions} AS r
        WHERE r.{KNOWN_TO} > {at} AND (r.{KNOWN_FROM} IS NULL OR r.{KNOWN_FROM} <= {at})
        """,
    )


def _blanks(engine: Engine, tables: TableSet, as_of: datetime) -> Iterator[dict[str, Any]]:
    """The gaps of operators with records that lack what they must tell, of tables that are not unknown of them already.

    Only records known before *as_of* count: what came later says nothing of a past date.
    """
    stated = {
        (row["operator_id"], row["table_name"]) for row in engine.run(f"SELECT operator_id, table_name FROM {_STATED}")
    }
    for name, conditions in ESSENTIALS.items():
        if name not in tables.files or (None, name) in stated:
            continue
        put(engine, _LOOKED, name, tables)
        lacks = ", ".join(
            f"SUM(CASE WHEN {wrong} THEN 1 ELSE 0 END) AS {column}" for column, wrong in conditions.items()
        )
        some = " OR ".join(f"({wrong})" for wrong in conditions.values())
        for row in engine.run(
            f"SELECT operator_id, {lacks} FROM {_LOOKED} WHERE ({some}) AND {_known_before(name, as_of)} "
            "GROUP BY operator_id ORDER BY 1"
        ):
            operator = row["operator_id"]
            if operator is not None and (operator, name) not in stated:
                told = ", ".join(f"{row[column]} without {column}" for column in conditions if row[column])
                gap = Gap(
                    TABLES[name].home, "unavailable", f"Records of {name} lack what they must have: {told}.", _FILL
                )
                yield gap_row(name, gap, operator)
        engine.drop(_LOOKED)


def _known_before(table: str, as_of: datetime) -> str:
    column = KNOWN_AT[table]
    return f"({column} IS NULL OR {column} < {instant_sql(as_of)})"


def _of_the_known(table: str, under: str) -> str:
    """A table without the rows of operators of whom it is unknown: they are a part at most, and no figure is made of them."""
    return f"""
        SELECT r.* FROM {under} AS r
        LEFT JOIN (SELECT DISTINCT operator_id FROM gap WHERE table_name = '{table}') AS own
            ON own.operator_id = r.operator_id
        CROSS JOIN (SELECT COUNT(*) AS gaps FROM gap WHERE table_name = '{table}' AND operator_id IS NULL) AS everybody
        WHERE own.operator_id IS NULL AND everybody.gaps = 0
        """


def _lacking(tables: TableSet) -> dict[str, Gap]:
    """The tables about operators' records that are not there, each with its gap."""
    return {name: tables.gaps.get(name, _untold(name, tables)) for name in TABLES if name not in tables.files}


def _untold(name: str, tables: TableSet) -> Gap:
    return Gap(TABLES[name].home, "not_configured", f"There is no table {name} in {tables.place}.", "Add it.")


def _refuse_before(engine: Engine, tables: TableSet, as_of: datetime) -> None:
    """Refuse an instant at which nothing was known yet; one table with an earlier row is enough to go on."""
    firsts = []
    for first in first_known(engine, tables):
        if first < as_of:
            return
        firsts.append(first)
    if firsts:
        raise UsageError(
            f"Nothing was known at {as_of:%Y-%m-%d %H:%M} UTC: the tables' first row became known at "
            f"{min(firsts):%Y-%m-%d %H:%M} UTC.",
            hint="Give a later date.",
        )


def first_known(engine: Engine, tables: TableSet, names: Collection[str] = tuple(KNOWN_AT)) -> Iterator[datetime]:
    """When the first row of each of these tables became known, the smallest table first; none of one that does not tell."""
    there = [name for name in names if name in tables.files and tables.files[name].rows]
    for name in sorted(there, key=lambda one: tables.files[one].rows):
        (row,) = engine.run(f"SELECT MIN({KNOWN_AT[name]}) AS first_at FROM {name}")
        if row["first_at"] is not None:
            yield row["first_at"]
