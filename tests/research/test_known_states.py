"""What HubSpot's records were at a past instant, told by the history of their properties: by hand, and against what was known then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from awkward_tables import MOMENTS, corpus, states_of
from measured_tables import read_at
from portfolio_cases import Row, complete, differing_in_one_pass, unequal, written

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS
from customer_research.engines.duckdb import DuckDB
from customer_research.metrics.past import OVERWRITTEN, with_rebuilt
from customer_research.metrics.pinned import pinned
from customer_research.metrics.queries import subject_sql
from customer_research.record_tables import LAKE_TABLES, STATES, TABLES
from customer_research.research.portfolio.measurement import attach, measure, reconstruction_of, unjudged_gaps

T = MOMENTS[0]
READ = T + timedelta(days=30)
PATIENCE = timedelta(days=2)
OWN = {table: tuple(LAKE_TABLES[name].column_names[3:-1]) for table, name in STATES.items()}
"""The columns that are told again."""

Rows = dict[str, list[Row]]


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


def told(engine: DuckDB, folder: Path, tables: Rows) -> dict[str, Row]:
    """Everybody's cells at the date, of tables that were read later."""
    measure(engine, read_at(READ, written(folder, tables)).at(T, PATIENCE), T)
    return {row["operator_id"]: row for row in engine.run(f"SELECT * FROM {ACCOUNT_TABLE} ORDER BY operator_id")}


# -- by hand ------------------------------------------------------------------------------------------------------------


def at(engine: DuckDB, folder: Path, tables: Rows, *days: float) -> list[dict[str, Row]]:
    """What HubSpot's metrics say so many days ago."""
    known = read_at(READ, written(folder, tables)).at(T, PATIENCE)
    attach(engine, known, T)
    sql = with_rebuilt(subject_sql("crm"), reconstruction_of(known).rebuilt)
    return [{row["operator_id"]: row for row in engine.run(pinned(sql, ago(one)))} for one in days]


def ago(days: float) -> datetime:
    return T - timedelta(days=days)


def deal(key: str, operator: str, **more: Any) -> Row:
    return {"operator_id": operator, "deal_id": key, "created_at": ago(100), **more}


def in_stage(key: str, operator: str, days: float, stage: str, **more: Any) -> Row:
    open_ = stage != "paid"
    state = {"stage": stage, "is_open": open_, "is_won": not open_, "is_expansion": False}
    return {"operator_id": operator, "deal_id": key, "since": ago(days), **state, **more}


TWO_DEALS: Rows = {
    "deal": [
        deal("won", "a", stage="paid", is_open=False, is_won=True, is_expansion=False),
        deal("new", "a", created_at=ago(50), stage="demo", is_open=True, is_won=False, is_expansion=True),
        deal("lost", "untold", stage="lost", is_open=False, is_won=False, is_expansion=False),
    ],
    "deal_state": [
        in_stage("won", "a", 100, "lead"),
        in_stage("won", "a", 60, "demo"),
        in_stage("won", "a", 20, "paid"),
        in_stage("new", "a", 40, "lead", is_expansion=True),
        in_stage("new", "a", 10, "demo", is_expansion=True),
    ],
}


COUNTED: dict[float, list[int | None]] = {
    60: [1, 0, 0],
    50: [1, 0, 0],  # of the very instant at which a deal is made it is not known yet
    45: [None, None, None],  # the other deal is there, and nobody knows in which stage
    40: [None, None, None],
    39: [2, 0, 1],
    20: [2, 0, 1],  # nor is a change of the very instant
    19.99: [1, 1, 1],
}
"""Days ago → deals open, won, and open ones of expansion."""


def test_two_deals_by_hand(engine: DuckDB, tmp_path: Path) -> None:
    names = ("deals_open", "deals_won", "expansion_deals_open")
    found = at(engine, tmp_path, TWO_DEALS, *COUNTED)
    assert [[one["a"][name] for name in names] for one in found] == list(COUNTED.values())
    assert [[one["untold"][name] for name in names] for one in found] == [[None] * 3] * len(COUNTED)


def test_a_contact_of_whom_it_is_not_told_makes_the_count_unknown(engine: DuckDB, tmp_path: Path) -> None:
    contacts = [{"operator_id": "a", "contact_id": key, "created_at": ago(90), "has_left": True} for key in ("1", "2")]
    states = [
        {"operator_id": "a", "contact_id": key, "since": ago(days), "has_left": left}
        for key, days, left in (("1", 90, False), ("1", 30, True), ("2", 60, False), ("2", 5, True))
    ]
    found = [one["a"] for one in at(engine, tmp_path, {"contact": contacts, "contact_state": states}, 70, 59, 29, 4)]
    assert [row["contacts_left"] for row in found] == [None, 0, 1, 2]
    assert [row["contacts_active"] for row in found] == [None, 2, 1, 0]
    assert [row["contacts"] for row in found] == [2, 2, 2, 2]


def test_a_companys_owner_and_contract_are_those_of_the_date(engine: DuckDB, tmp_path: Path) -> None:
    first, second = ago(-10).date(), ago(-375).date()
    company = {
        "operator_id": "a",
        "company_id": "1",
        "created_at": ago(400),
        "owner_id": "7",
        "contract_end_date": second,
    }
    states = [
        {"operator_id": "a", "company_id": "1", "since": ago(days), "owner_id": owner, "contract_end_date": end}
        for days, owner, end in ((400, "5", None), (355, "5", first), (100, "6", first), (3, "7", second))
    ]
    tables: Rows = {"company": [company], "company_state": states}
    found = [one["a"] for one in at(engine, tmp_path, tables, 399, 354, 50, 2)]
    assert [row["owner_id"] for row in found] == ["5", "5", "6", "7"]
    assert [row["contract_end_date"] for row in found] == [None, first, first, second]


def test_without_a_history_the_metrics_are_named_as_not_judged(tmp_path: Path) -> None:
    """Also of one type alone: its states are none."""
    tables = read_at(READ, written(tmp_path, {**TWO_DEALS, "contact": [{"operator_id": "a", "contact_id": "1"}]}))
    known = tables.at(T, PATIENCE)
    past = reconstruction_of(known)
    assert past.rebuilt == {"deal"}
    of_hubspot = {metric for metric in past.unjudged if {"leavers", "company"} & {*METRICS[metric].overwritten}}
    assert {"contacts_left", "owner_id"} <= of_hubspot
    assert "deals_open" not in past.unjudged
    (gap,) = (one for one in unjudged_gaps(known) if one.source == "hubspot")
    assert "a deal's stage" not in gap.detail
    assert "whether a contact has left" in gap.detail
    old = replace(tables, files={name: file for name, file in tables.files.items() if name not in STATES.values()})
    assert "deals_open" in reconstruction_of(old.at(T, PATIENCE)).unjudged


# -- against what was known then ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> Rows:
    """As many states as a corpus has, and each record as it was at the date; only what was told by then."""
    made = complete(corpus(T, rows=24))
    states = states_of(made, T)
    for table, name in STATES.items():
        last = {_key(table, row): row for row in sorted(states[name], key=_since) if row["since"] < T}
        told_of = [row for row in made[table] if _key(table, row) in last]
        made[table] = [{**row, **{c: last[_key(table, row)][c] for c in OWN[table]}} for row in told_of]
        if table == "deal":  # of a deal whose stage says nothing the source tells a gap
            made[table] = [row for row in made[table] if row["is_open"] is not None]
        if table == "contact":
            made[table] = [row for row in made[table] if row["has_left"] is not None]
        assert len(made[table]) > 3
    return {**made, **states}


def _since(row: Row) -> datetime:
    since: datetime = row["since"]
    return since


def _key(table: str, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("operator_id", *TABLES[table].key))


def _told_of_hubspot() -> Sequence[str]:
    of_hubspot = {name for one in OVERWRITTEN if one.name in {"leavers", "deal", "company"} for name in one.metrics}
    return [name for name in METRICS if name in of_hubspot and "period" not in METRICS[name].overwritten]


def test_read_later_the_records_are_what_they_were_then(engine: DuckDB, known: Rows, tmp_path: Path) -> None:
    later = told(engine, tmp_path / "later", known)
    measure(engine, read_at(T, written(tmp_path / "then", known)).at(T, PATIENCE), T)
    then = {row["operator_id"]: row for row in engine.run(f"SELECT * FROM {ACCOUNT_TABLE}")}
    names = _told_of_hubspot()
    assert len(names) > 10
    assert {o: [row[n] for n in names] for o, row in later.items()} == {
        o: [row[n] for n in names] for o, row in then.items()
    }
    assert sum(row["deals_open"] or 0 for row in later.values()) > 0


def test_a_change_after_the_date_leaves_all_that_is_told_of_it(engine: DuckDB, known: Rows, tmp_path: Path) -> None:
    """Today's columns say something else, and the history has one change more."""
    before, changed = told(engine, tmp_path / "before", known), dict(known)
    for table, name in STATES.items():
        changed[table] = [{**row, **_other(row, OWN[table])} for row in known[table]]
        late = [{**row, "since": READ - timedelta(days=1), **_other(row, OWN[table])} for row in known[name]]
        changed[name] = [*known[name], *{_key(table, row): row for row in late}.values()]
    after = told(engine, tmp_path / "after", changed)
    assert list(after) == list(before)
    assert [line for one in before for line in unequal(before[one], after[one])] == []


def _other(row: Row, columns: Sequence[str]) -> Row:
    return {name: not row[name] if isinstance(row[name], bool) else None for name in columns}


def test_many_dates_in_one_pass_are_told_as_each_alone(engine: DuckDB, known: Rows, tmp_path: Path) -> None:
    instants = [T - timedelta(days=20 * step) for step in range(2)]
    of_all = read_at(READ, written(tmp_path, known)).at(T, PATIENCE)
    assert differing_in_one_pass(engine, of_all, instants) == []
