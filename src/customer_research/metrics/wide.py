"""The wide table of all operators: the queries that make `account_metrics` from canonical tables, in steps that are kept.

A cell is what the live path tells of the same operator: a metric of which a table is unknown is null; an operator without
rows has the metric's `empty`; derived metrics come last, over the other columns.
"""

# ruff: noqa: S608 - every name in these texts is of the catalogue or of `record_tables`
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import sqlglot
from sqlglot import exp

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS, SILENT, SUBJECTS, Metric
from customer_research.domain.records import DIALECT
from customer_research.metrics.past import with_rebuilt
from customer_research.metrics.queries import ANSWERED, account_columns, derived_sql, subject_sql, with_shared
from customer_research.metrics.relations import flat_relation, resolved
from customer_research.record_tables import TABLES

KNOWN_OPERATORS = "known_operator"
"""The stage that lists the operators known at `$as_of`: operator_id and name."""

KNOWN_AT: Mapping[str, str] = MappingProxyType(
    {
        **{name: "created_at" for name, table in TABLES.items() if "created_at" in table.column_names},
        "payment": "paid_at",
        "operator": "created_at",
    }
)
"""Table → the column that says when a row became known; tables that are not here have no time (plans, gaps)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: the rows of `sql` are kept as the table `name` (`engines.engine.Engine.keep`)."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How the queries tell of a past date: metrics that are `unjudged` there, and tables whose records are `rebuilt`."""

    unjudged: frozenset[str] = frozenset()
    rebuilt: frozenset[str] = frozenset()


PRESENT = Reconstruction()
"""Nothing is to be reconstructed: what the tables hold is what was known."""


def stages(lacking: Collection[str] | None = None, past: Reconstruction = PRESENT) -> tuple[Stage, ...]:
    """The steps to `account_metrics`, in order; it is the last.

    The queries read the tables of `record_tables.LAKE_TABLES` and the stages before them, and take one parameter, `$as_of`
    (UTC). There is a row for each operator of the table `operator` that was known by then, and for each that another
    table tells of; columns are those of `metrics.queries.account_columns`.

    Args:
        lacking: the tables of which `gap` tells, where that is known: of the others no cell asks whether they are.
        past: what of the date is not known, or only by other records.
    """
    return (
        *(Stage(_stage(subject), with_rebuilt(subject_sql(subject), past.rebuilt)) for subject in _subjects()),
        Stage(KNOWN_OPERATORS, _known_operators()),
        Stage(ACCOUNT_TABLE, _account_metrics(TABLES if lacking is None else lacking, past.unjudged)),
    )


def _subjects() -> Iterable[str]:
    """The subjects whose metrics are columns of the wide table, but for the derived one."""
    return (name for name, subject in SUBJECTS.items() if subject.grain == "operator" and name != "derived")


def _stage(subject: str) -> str:
    return f"{subject}_metrics"


def _known_operators() -> str:
    """Everybody known at T. The list's own name comes first, then what the CSM view and billing say."""
    others = "\n    ".join(f"UNION SELECT operator_id FROM {_stage(subject)}" for subject in _subjects())
    return with_shared(
        ("moment",),
        f"""
told AS (
    SELECT o.operator_id, NULLIF(o.name, '') AS listed, CAST(NULL AS VARCHAR) AS shown, CAST(NULL AS VARCHAR) AS billed
    FROM operator AS o
    CROSS JOIN moment AS m
    WHERE o.created_at < m.t OR o.created_at IS NULL
    UNION ALL
    SELECT c.operator_id, CAST(NULL AS VARCHAR) AS listed, NULLIF(c.name, '') AS shown, CAST(NULL AS VARCHAR) AS billed
    FROM csm AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t OR c.created_at IS NULL
    UNION ALL
    SELECT c.operator_id, CAST(NULL AS VARCHAR) AS listed, CAST(NULL AS VARCHAR) AS shown, NULLIF(c.name, '') AS billed
    FROM customer AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t
),
named AS (
    SELECT operator_id, COALESCE(MIN(listed), MIN(shown), MIN(billed)) AS name FROM told GROUP BY operator_id
),
known AS (
    SELECT operator_id FROM named
    {others}
)
SELECT k.operator_id, COALESCE(n.name, k.operator_id) AS name
FROM known AS k
LEFT JOIN named AS n ON n.operator_id = k.operator_id
WHERE NOT k.operator_id IS NULL
""",
    )


def _account_metrics(lacking: Collection[str], unjudged: Collection[str]) -> str:
    """The subjects' rows side by side, what is unknown taken out, and the derived metrics over it all."""
    joins = "\n    ".join(
        f"LEFT JOIN {_stage(subject)} AS {subject} ON {subject}.operator_id = k.operator_id" for subject in _subjects()
    )
    measured = ",\n        ".join(
        f"{_measured(metric, lacking, unjudged)} AS {metric.name}" for metric in _wide_metrics()
    )
    derived = _derived()
    final = ",\n    ".join(
        f"{_final(metric, derived, lacking, unjudged)} AS {metric.name}" for metric in _wide_metrics()
    )
    silent = _silent(lacking)
    return with_shared(
        ("moment",),
        f"""
{_known(lacking)},
{ACCOUNT_TABLE} AS (
    SELECT
        k.*,
        {measured},
        CAST({silent} AS VARCHAR) AS {SILENT}
    FROM known AS k
    {joins}
)
SELECT
    a.operator_id,
    {final},
    a.{SILENT}
FROM {ACCOUNT_TABLE} AS a
CROSS JOIN moment
""",
    )


def _tables(lacking: Collection[str]) -> list[str]:
    """The tables of the wide table's metrics that somebody lacks."""
    of_metrics = dict.fromkeys(table for metric in _wide_metrics() for table in metric.tables)
    return [table for table in of_metrics if table in lacking]


def _silent(lacking: Collection[str]) -> str:
    """The metrics that a silent source may hide, by the tables of which it is silent."""
    parts = []
    for table in _tables(lacking):
        names = " ".join(metric.name for metric in _wide_metrics() if table in metric.tables)
        parts.append(f"CASE WHEN k.{_lacks(table)}_silently THEN ' {names} ' ELSE '' END")
    return " || ".join(parts) if parts else "''"


def _known(lacking: Collection[str]) -> str:
    """The relation `known`: the operators, and which of the tables that somebody lacks each of them lacks, and why."""
    tables = _tables(lacking)
    if not tables:
        return f"known AS (SELECT operator_id FROM {KNOWN_OPERATORS})"
    kinds = [(table, _unknown(table)) for table in tables] + [
        (f"{table}_silently", _unheard(table)) for table in tables
    ]
    everybody = ", ".join(f"COALESCE({sql}, 0) AS {name}" for name, sql in kinds)
    own = ", ".join(f"{sql} AS {name}" for name, sql in kinds)
    lacks = ", ".join(f"e.{name} + COALESCE(o.{name}, 0) > 0 AS {_lacks(name)}" for name, _ in kinds)
    return f"""everybody AS (
    SELECT {everybody} FROM gap WHERE operator_id IS NULL
),
own AS (
    SELECT operator_id, {own} FROM gap WHERE NOT operator_id IS NULL GROUP BY operator_id
),
known AS (
    SELECT k.operator_id, {lacks}
    FROM {KNOWN_OPERATORS} AS k
    CROSS JOIN everybody AS e
    LEFT JOIN own AS o ON o.operator_id = k.operator_id
)"""


def _derived() -> Mapping[str, str]:
    """The derived metrics over one row `a` of the wide table and `moment`: their query reads nothing else, so no join is needed."""
    query = sqlglot.parse_one(derived_sql(), read=DIALECT)
    assert isinstance(query, exp.Select)
    relations = {cte.alias: cte.this for cte in query.ctes}
    source = flat_relation(query, relations, relations.__contains__)
    return {
        output.alias_or_name: resolved(output.unalias(), source.columns).sql(dialect=DIALECT)
        for output in query.expressions
    }


def _wide_metrics() -> Collection[Metric]:
    columns = account_columns()
    return [metric for metric in METRICS.values() if metric.name in columns]


def _unknown(table: str) -> str:
    return f"MAX(CASE WHEN table_name = '{table}' THEN 1 ELSE 0 END)"


def _unheard(table: str) -> str:
    answered = ", ".join(f"'{reason}'" for reason in ANSWERED)
    return f"MAX(CASE WHEN table_name = '{table}' AND NOT reason IN ({answered}) THEN 1 ELSE 0 END)"


def _lacks(table: str) -> str:
    return f"lacks_{table}"


def _measured(metric: Metric, lacking: Collection[str], unjudged: Collection[str]) -> str:
    """A metric's cell: null while a table is unknown, else the subject's, else what no row means."""
    kind = account_columns()[metric.name]
    if metric.subject == "derived" or metric.name in unjudged:
        return f"CAST(NULL AS {kind})"
    unknown = " OR ".join(f"k.{_lacks(table)}" for table in metric.tables if table in lacking)
    cases = f"WHEN {unknown} THEN NULL " if unknown else ""
    if metric.empty is not None:
        cases += f"WHEN {metric.subject}.operator_id IS NULL THEN {metric.empty} "
    column = f"{metric.subject}.{metric.name}"
    return f"CAST({f'CASE {cases}ELSE {column} END' if cases else column} AS {kind})"


def _final(metric: Metric, derived: Mapping[str, str], lacking: Collection[str], unjudged: Collection[str]) -> str:
    """A derived metric is null when tables are unknown: one of them, or all of those with part of which it holds."""
    if metric.subject != "derived" or metric.name in unjudged:
        return f"a.{metric.name}"
    tables = [table for table in metric.tables if table in lacking]
    known = not tables or (metric.partly and len(tables) < len(metric.tables))
    unknown = (" AND " if metric.partly else " OR ").join(f"a.{_lacks(table)}" for table in tables)
    cell = derived[metric.name] if known else f"CASE WHEN NOT ({unknown}) THEN {derived[metric.name]} END"
    return f"CAST({cell} AS {account_columns()[metric.name]})"
