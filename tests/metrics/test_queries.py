"""Every query: complete against the catalogue, runs, says the same after a trip through Snowflake's dialect, never looks ahead."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_tables import OPERATORS, tables
from measuring import OP, T, ago, rows_of

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS, SUBJECTS
from customer_research.engines.dialect import named_parameters, transpile, with_bindings
from customer_research.engines.duckdb import Memory
from customer_research.errors import UsageError
from customer_research.metrics.queries import (
    EVIDENCE,
    LISTINGS,
    account_columns,
    derived_sql,
    evidence_sql,
    subject_sql,
)
from customer_research.record_tables import TABLES

QUERIES: dict[str, str] = {
    **{f"subject {name}": subject_sql(name) for name in SUBJECTS},
    **{f"evidence {name}": evidence_sql(name) for name in EVIDENCE},
    **{f"listing {name}": listing.sql for name, listing in LISTINGS.items()},
}
FEW = settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    with Memory() as opened:
        for table in TABLES:
            opened.load(table, [])
        opened.create(ACCOUNT_TABLE, account_columns(), [])
        yield opened


def columns(memory: Memory, sql: str) -> list[str]:
    found = memory._connection.execute(sql, {"as_of": T.replace(tzinfo=None)}).description
    return [column[0] for column in found or ()]


def tables_read(sql: str) -> set[str]:
    found = sqlglot.parse_one(sql, read="duckdb")
    defined = {cte.alias for cte in found.find_all(sqlglot.exp.CTE)}
    return {table.name for table in found.find_all(sqlglot.exp.Table)} - defined


# -- completeness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subjects_columns_are_its_metrics_in_the_catalogue(memory: Memory, subject: str) -> None:
    keys = ["operator_id", "currency"] if SUBJECTS[subject].grain == "operator_currency" else ["operator_id"]
    found = columns(memory, subject_sql(subject))
    assert found[: len(keys)] == keys
    assert len(found) == len(set(found))
    assert set(found[len(keys) :]) == {name for name, metric in METRICS.items() if metric.subject == subject}


def test_every_evidence_of_the_catalogue_exists_and_is_used() -> None:
    assert {metric.evidence for metric in METRICS.values()} == set(EVIDENCE)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_subject_reads_the_tables_it_says(name: str) -> None:
    read = {ACCOUNT_TABLE} if name == "derived" else set(SUBJECTS[name].tables)
    assert tables_read(subject_sql(name)) == read
    for metric in METRICS.values():
        if metric.subject == name and name != "derived":
            assert set(metric.tables) <= read, metric.name


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_reads_the_tables_it_says_in_one_place_and_ends_with_the_operator(memory: Memory, name: str) -> None:
    assert tables_read(evidence_sql(name)) == set(EVIDENCE[name])
    assert len({TABLES[table].bound for table in EVIDENCE[name]}) == 1
    found = columns(memory, evidence_sql(name))
    assert found[-1] == "operator_id"
    assert found[0].endswith("_id")


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_shows_no_personal_column(memory: Memory, name: str) -> None:
    personal = {column.name for table in EVIDENCE[name] for column in TABLES[table].columns if column.personal}
    assert not personal & set(columns(memory, evidence_sql(name)))


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_reads_the_tables_it_says(name: str) -> None:
    assert tables_read(LISTINGS[name].sql) == set(LISTINGS[name].tables)


def test_every_listing_is_one_that_can_be_asked_for() -> None:
    folder = resources.files("customer_research.metrics").joinpath("listings")
    assert {file.name for file in folder.iterdir()} == {f"{name}.sql" for name in LISTINGS}


@pytest.mark.parametrize("name", QUERIES)
def test_the_one_parameter_is_as_of(name: str) -> None:
    assert named_parameters(QUERIES[name]) == ("as_of",)


def test_subjects_come_in_a_fixed_order(memory: Memory) -> None:
    memory.load(
        "invoice", [{"operator_id": op, "currency": c, "created_at": ago(9)} for op in "cab" for c in ("USD", "CAD")]
    )
    found = [(row["operator_id"], row["currency"]) for row in memory.run(subject_sql("billing_money"), {"as_of": T})]
    assert found == [(op, c) for op in "abc" for c in ("CAD", "USD")]
    memory.load("invoice", [])


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="no subject 'weather'"):
        subject_sql("weather")
    with pytest.raises(UsageError, match="no evidence 'weather'"):
        evidence_sql("weather")


def test_the_wide_table_has_every_metric_of_operator_grain() -> None:
    wide = {name for name, metric in METRICS.items() if SUBJECTS[metric.subject].grain == "operator"}
    assert set(account_columns()) == {"operator_id", "silent"} | wide
    assert derived_sql() == subject_sql("derived")


def test_nothing_is_written_that_other_engines_cannot_say() -> None:
    for name, sql in QUERIES.items():
        upper = sql.upper()
        assert "FILTER (" not in upper, name
        assert "QUALIFY" not in upper, name
        assert "UNNEST" not in upper, name


# -- dialects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["snowflake", "postgres", "spark"])
@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_said_in_and_parsed_by_other_dialects(name: str, dialect: str) -> None:
    assert isinstance(sqlglot.parse_one(transpile(QUERIES[name], dialect), read=dialect), sqlglot.exp.Query)


@cache
def through_snowflake(sql: str) -> str:
    (back,) = sqlglot.transpile(transpile(sql, "snowflake"), read="snowflake", write="duckdb", comments=False)
    return back


@cache
def comes_back_as_it_was(sql: str) -> bool:
    """Whether the trip changes no word of the query: such a one need not be run to see that it changes no row."""
    return sqlglot.transpile(sql, read="duckdb", write="duckdb", comments=False) == [through_snowflake(sql)]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other)


def assert_same_rows(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    def key(row: dict[str, Any]) -> str:
        return repr([value for value in row.values() if not isinstance(value, float)])

    assert len(one) == len(other)
    for mine, theirs in zip(sorted(one, key=key), sorted(other, key=key), strict=True):
        assert mine.keys() == theirs.keys()
        assert all(same(mine[name], theirs[name]) for name in mine), (mine, theirs)


def queries_over(names: tuple[str, ...]) -> list[str]:
    """The subjects, evidence and listings that read these tables only."""
    chosen = [subject_sql(s.name) for s in SUBJECTS.values() if s.tables and set(s.tables) <= set(names)]
    chosen += [evidence_sql(name) for name, read in EVIDENCE.items() if set(read) <= set(names)]
    return chosen + [listing.sql for listing in LISTINGS.values() if set(listing.tables) <= set(names)]


GROUPS = (
    ("customer", "subscription", "coupon", "invoice", "payment", "credit_note"),
    ("subscription", "csm"),
    ("reservation",),
    ("charge", "dispute"),
    ("member", "driver", "survey"),
    ("ticket",),
    ("conversation", "chat_ticket"),
    ("company", "contact", "deal", "engagement"),
)


def test_the_groups_cover_every_query_but_the_derived() -> None:
    covered = {sql for group in GROUPS for sql in queries_over(group)}
    assert covered == set(QUERIES.values()) - {derived_sql()}


@pytest.mark.parametrize("group", GROUPS, ids=" ".join)
@FEW
@given(data=st.data())
def test_the_trip_through_snowflake_changes_no_row(memory: Memory, group: tuple[str, ...], data: st.DataObject) -> None:
    changed = [sql for sql in queries_over(group) if not comes_back_as_it_was(sql)]
    if not changed:
        return
    for name, rows in data.draw(tables(group)).items():
        memory.load(name, rows)
    for sql in changed:
        parameters = {"as_of": T}
        assert_same_rows(memory.run(sql, parameters), memory.run(through_snowflake(sql), parameters))


def wide_values() -> st.SearchStrategy[dict[str, Any]]:
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "BIGINT": st.integers(-2, 40) | st.integers(-200_000, 200_000),
        "DOUBLE": st.sampled_from((0.0, 0.5, 0.95, 29.0, 30.0, 59.0)),
        "DATE": st.sampled_from((ago(1).date(), ago(400).date(), ago(-30).date())),
        "TIMESTAMP": st.sampled_from((ago(1), ago(400), ago(-30))),
        "VARCHAR": st.sampled_from(("Churn", "SMB")),
        "BOOLEAN": st.booleans(),
    }
    named = {name: st.none() | by_type[kind] for name, kind in account_columns().items() if name != "operator_id"}
    return st.fixed_dictionaries({"operator_id": st.just(OP), **named})


@FEW
@given(row=wide_values())
def test_derived_figures_survive_the_trip_too(memory: Memory, row: dict[str, Any]) -> None:
    memory.create(ACCOUNT_TABLE, account_columns(), [row])
    parameters = {"as_of": T}
    assert_same_rows(memory.run(derived_sql(), parameters), memory.run(through_snowflake(derived_sql()), parameters))


# -- point in time, operators, evidence -----------------------------------------------------------------------------------


@pytest.mark.parametrize("group", GROUPS, ids=" ".join)
@FEW
@given(data=st.data())
def test_rows_that_become_known_at_t_or_later_change_nothing(
    memory: Memory, group: tuple[str, ...], data: st.DataObject
) -> None:
    drawn = data.draw(tables(group))
    later = data.draw(tables(group))
    delay = timedelta(days=data.draw(st.sampled_from((0, 1, 400))))
    for name, rows in drawn.items():
        memory.load(name, rows)
    before = [memory.run(sql, {"as_of": T}) for sql in queries_over(group)]
    for name, rows in drawn.items():
        known = "paid_at" if name == "payment" else "created_at"
        from_then = T + delay + timedelta(microseconds=name == "subscription")  # one that begins at T has begun
        unborn = [_renamed(TABLES[name].key[0], row) | {known: from_then} for row in later[name]]
        memory.load(name, rows + unborn)
    for sql, rows in zip(queries_over(group), before, strict=True):
        assert_same_rows(memory.run(sql, {"as_of": T}), rows)


def _renamed(key: str, row: dict[str, Any]) -> dict[str, Any]:
    return row if key == "operator_id" else {**row, key: f"later-{row[key]}"}


@pytest.mark.parametrize("group", GROUPS, ids=" ".join)
@FEW
@given(data=st.data())
def test_a_portfolio_gives_each_operator_what_it_gets_alone(
    memory: Memory, group: tuple[str, ...], data: st.DataObject
) -> None:
    drawn = data.draw(tables(group))
    subjects = [s for s in SUBJECTS.values() if s.tables and set(s.tables) <= set(group)]
    for subject in subjects:
        for name, rows in drawn.items():
            memory.load(name, rows)
        together = memory.run(subject_sql(subject.name), {"as_of": T})
        alone = []
        for operator in OPERATORS:
            for name, rows in drawn.items():
                memory.load(name, [row for row in rows if row["operator_id"] == operator])
            alone += memory.run(subject_sql(subject.name), {"as_of": T})
        assert_same_rows(together, alone)


def test_evidence_is_newest_first(memory: Memory) -> None:
    memory.load("reservation", [{"trip_id": str(n), "created_at": ago(n)} for n in (3, 1, 2)])
    assert [row["trip_id"] for row in memory.run(evidence_sql("reservations"), {"as_of": T})] == ["1", "2", "3"]


def test_queries_run_behind_bindings_too(memory: Memory) -> None:
    memory.create("raw_trips", {"OP": "VARCHAR", "BOOKED": "TIMESTAMP"}, [{"OP": OP, "BOOKED": ago(3)}])
    names = [
        column.name for column in TABLES["reservation"].columns if column.name not in {"operator_id", "created_at"}
    ]
    empty = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in ("trip_id", "status", "currency"))
    rest = ", ".join(f"NULL AS {name}" for name in names if name not in {"trip_id", "status", "currency"})
    binding = f"SELECT OP AS operator_id, BOOKED AS created_at, {empty}, {rest} FROM raw_trips"
    (row,) = memory.run(with_bindings(subject_sql("usage"), {"reservation": binding}), {"as_of": T})
    assert (row["operator_id"], row["reservations_30d"], row["trips_12m"]) == (OP, 1, 0)


# -- against plain Python -----------------------------------------------------------------------------------------------


@FEW
@given(
    told=st.lists(
        st.tuples(st.sampled_from(("succeeded", "failed", "pending")), st.sampled_from(("a", "b", None))), max_size=12
    )
)
def test_the_failure_streak_against_a_loop(told: list[tuple[str, str | None]]) -> None:
    charges = [
        {"charge_id": f"{n:02}", "status": status, "card_id": card, "created_at": ago(80 - n), "currency": "USD"}
        for n, (status, card) in enumerate(told)
    ]
    longest, run = 0, list[str | None]()
    for status, card in told:
        if status == "succeeded":
            run = []
        elif status == "failed" and (card is None or card not in run):
            run.append(card)
        longest = max(longest, len(run))
    assert [row["failure_streak"] for row in rows_of("card", charge=charges)] == ([longest] if told else [])
