"""Every query of metrics, scorecards and findings on two engines, row by row; `CHECKS` are the ways to compare them.

DuckDB in memory is compared with a real Postgres, a real local Spark and Snowflake's connector before fakesnow: the fixed
awkward corpus with every query there is, and tables that hypothesis draws. Whole numbers, texts, dates, instants and
truth values are equal with their types, order of rows included where the query has one; ratios are within 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlglot
from awkward_tables import MOMENTS, Row, Tables, corpus, drawn_tables, wide_rows
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from places import EPOCH, as_fakesnow_says

from customer_research.domain.catalogue import ACCOUNT_TABLE, SUBJECTS
from customer_research.engines.duckdb import Memory
from customer_research.engines.engine import Engine
from customer_research.engines.postgres import Postgres
from customer_research.engines.snowflake import Snowflake
from customer_research.engines.spark import Spark
from customer_research.health.findings import findings_sql, load_findings
from customer_research.health.scorecard import load_scorecard, shipped_scorecards
from customer_research.health.scoring import long_sql, scoring_sql
from customer_research.metrics.evidence import RECORDS, Records
from customer_research.metrics.queries import (
    EVIDENCE,
    LISTINGS,
    account_columns,
    derived_sql,
    evidence_sql,
    subject_sql,
    with_shared,
)
from customer_research.record_tables import TABLES

COLUMNS = account_columns()
NAMES = frozenset(COLUMNS) - {"operator_id"}
SUBJECT_QUERIES = {f"subject {name}": subject_sql(name) for name in SUBJECTS if name != "derived"}
DETAIL_QUERIES = {f"evidence {name}": evidence_sql(name) for name in EVIDENCE} | {
    f"listing {name}": listing.sql for name, listing in LISTINGS.items()
}


def together() -> Iterator[tuple[str, str]]:
    """One query a family of evidence: its relation's rows, and of each kind in it whether its condition holds."""
    families: dict[Records, list[str]] = {}
    for name, records in RECORDS.items():
        families.setdefault(replace(records, where=""), []).append(name)
    for family, names in families.items():
        conditions = ",\n    ".join(
            f"CASE WHEN {RECORDS[name].where or '1 = 1'} THEN 1 ELSE 0 END AS meets_{name}" for name in names
        )
        body = family.sql.replace("\nFROM ", f",\n    {conditions}\nFROM ", 1)
        yield f"evidence {' '.join(names)}", with_shared(family.uses, body)


FEWER_DETAIL_QUERIES = dict(together()) | {
    name: sql for name, sql in DETAIL_QUERIES.items() if name.startswith("listing")
}
SCORECARDS = {name: load_scorecard(name, NAMES) for name in shipped_scorecards()}
FINDINGS = findings_sql(load_findings(NAMES))


class Effort(NamedTuple):
    """How much is asked of an engine: Postgres answers in milliseconds, the others take half a second a query."""

    moments: int
    rows: int
    all_queries: bool
    """Else not the subjects' queries over the corpus, which drawn tables ask, too, nor lists of no rows; and kinds of evidence
    that differ in a condition only at once."""


EFFORTS: Mapping[type[Engine], Effort] = {
    Postgres: Effort(moments=3, rows=60, all_queries=True),
    Spark: Effort(moments=1, rows=24, all_queries=False),
    Snowflake: Effort(moments=1, rows=24, all_queries=False),
}


@cache
def literals() -> list[Any]:
    """The constants that the rules compare with, and a few more."""
    found: set[Any] = {0, 1, "Churn", "somebody's"}
    for sql in (*(scoring_sql(card) for card in SCORECARDS.values()), FINDINGS, derived_sql()):
        for literal in sqlglot.parse_one(sql, read="duckdb").find_all(sqlglot.exp.Literal):
            found.add(literal.this if literal.is_string else float(literal.this))
    return sorted(found, key=str)


# -- comparing ----------------------------------------------------------------------------------------------------------


def same(one: Any, other: Any) -> bool:
    """Equal with their types; floats within 1e-9."""
    if type(one) is not type(other):
        return False
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) if isinstance(one, float) else bool(one == other)


def _rank(value: Any) -> str:
    """A place in an order that neither a ratio's last digits nor fakesnow's faults change."""
    if value is None or value == EPOCH:
        return ""
    return f"{float(value):.6g}" if isinstance(value, int | float) else str(value)


def ordered(sql: str, rows: Sequence[Row]) -> list[Row]:
    """The rows as they came where the query orders them by all that tells them apart; else in an order of ours."""
    if _order(sql) in (["operator_id"], ["operator_id", "currency"]):
        return list(rows)
    return sorted(rows, key=lambda row: [_rank(value) for value in row.values()])


@cache
def _order(sql: str) -> list[str]:
    """The columns that a query orders its rows by."""
    told = sqlglot.parse_one(sql, read="duckdb").args.get("order")
    return [] if told is None else [key.this.name for key in told.expressions]


def differences(name: str, sql: str, one: Sequence[Row], other: Sequence[Row], *, fakesnow: bool = False) -> list[str]:
    if len(one) != len(other):
        return [f"{name}: {len(one)} rows here, {len(other)} there"]
    found = []
    for mine, told in zip(ordered(sql, one), ordered(sql, other), strict=True):
        theirs = {
            column: as_fakesnow_says(told[column], mine.get(column)) if fakesnow else told[column] for column in told
        }
        if list(mine) != list(theirs):
            return [f"{name}: columns {sorted(set(mine) ^ set(theirs))}"]
        found += [
            f"{name}.{column} of {mine.get('operator_id')}: {mine[column]!r} here, {theirs[column]!r} there"
            for column in mine
            if not same(mine[column], theirs[column])
        ]
    return found


def compare(memory: Memory, engine: Engine, queries: Mapping[str, str], moment: datetime) -> None:
    found: list[str] = []
    for name, sql in queries.items():
        here, there = memory.run(sql, {"as_of": moment}), engine.run(sql, {"as_of": moment})
        found += differences(name, sql, here, there, fakesnow=isinstance(engine, Snowflake))
    assert not found, "\n".join(found[:20])


def load(engines: Sequence[Engine], tables: Tables) -> None:
    for opened in engines:
        for name in TABLES:
            opened.load(name, tables.get(name, ()))


def measured(memory: Memory, moment: datetime, mark: str) -> list[Row]:
    """The wide table that the subjects give, one row per operator, whose ids end in *mark*."""
    rows: dict[str, Row] = {}
    for name, subject in SUBJECTS.items():
        if subject.grain == "operator" and name != "derived":
            for row in memory.run(subject_sql(name), {"as_of": moment}):
                rows.setdefault(row["operator_id"], {}).update(row)
    return [{**row, "operator_id": f"{operator_id} {mark}"} for operator_id, row in rows.items()]


def judge_alike(memory: Memory, engine: Engine, rows: Sequence[Row], moment: datetime) -> None:
    """Derived figures over the wide table, then, with them in place, every scorecard and the findings.

    A scorecard's lines are told from its kept scores, as a portfolio's are.
    """
    for opened in (memory, engine):
        opened.create(ACCOUNT_TABLE, COLUMNS, rows)
    compare(memory, engine, {"derived": derived_sql()}, moment)
    derived = {row["operator_id"]: row for row in memory.run(derived_sql(), {"as_of": moment})}
    for opened in (memory, engine):
        opened.create(ACCOUNT_TABLE, COLUMNS, [row | derived[row["operator_id"]] for row in rows])
    compare(memory, engine, {"findings": FINDINGS}, moment)
    for name, card in SCORECARDS.items():
        kept = f"scores_of_{name}"
        for opened in (memory, engine):
            opened.keep(kept, scoring_sql(card))
        queries = {"scores": f"SELECT * FROM {kept}", **long_sql(card, kept)}
        compare(memory, engine, {f"{name} {part}": sql for part, sql in queries.items()}, moment)


# -- ways to compare ----------------------------------------------------------------------------------------------------


def every_query_over_the_corpus(memory: Memory, engine: Engine) -> None:
    for moment in MOMENTS[: EFFORTS[type(engine)].moments]:
        load((memory, engine), corpus(moment, rows=EFFORTS[type(engine)].rows))
        asked = SUBJECT_QUERIES | DETAIL_QUERIES if EFFORTS[type(engine)].all_queries else FEWER_DETAIL_QUERIES
        compare(memory, engine, asked, moment)


def no_rows_of_no_rows(memory: Memory, engine: Engine) -> None:
    load((memory, engine), {})
    for sql in (SUBJECT_QUERIES | (DETAIL_QUERIES if EFFORTS[type(engine)].all_queries else {})).values():
        assert memory.run(sql, {"as_of": MOMENTS[0]}) == engine.run(sql, {"as_of": MOMENTS[0]}) == []


def drawn(engine: Engine) -> settings:
    """Few but large examples, not made smaller when they fail: every one asks dozens of queries of two databases."""
    return settings(
        max_examples=EFFORTS[type(engine)].moments,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


def every_subject_over_drawn_tables(memory: Memory, engine: Engine) -> None:
    @drawn(engine)
    @given(drawn_tables(largest=25))
    def check(told: tuple[datetime, Tables]) -> None:
        moment, tables = told
        load((memory, engine), tables)
        compare(memory, engine, SUBJECT_QUERIES, moment)

    check()


def every_judgement_of_figures(memory: Memory, engine: Engine) -> None:
    """An operator is judged by its own row: the figures of the corpus, of drawn tables and drawn ones are judged at once."""
    moments = iter(MOMENTS)

    @drawn(engine)
    @given(drawn_tables(largest=25), st.integers(0, 2**32))
    def check(told: tuple[datetime, Tables], seed: int) -> None:
        moment, tables = told
        load((memory,), tables)
        figures = measured(memory, moment, "drawn")
        moment = next(moments)
        load((memory,), corpus(moment, rows=EFFORTS[type(engine)].rows))
        figures += measured(memory, moment, "of the corpus")
        figures += wide_rows(COLUMNS, literals(), count=40, seed=seed)
        judge_alike(memory, engine, figures, moment)

    check()


Check = Callable[[Memory, Engine], None]
CHECKS: tuple[Check, ...] = (
    every_query_over_the_corpus,
    no_rows_of_no_rows,
    every_subject_over_drawn_tables,
    every_judgement_of_figures,
)


def named(check: Check) -> str:
    """A check as a test's id."""
    return check.__name__
