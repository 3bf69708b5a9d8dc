"""The wide table of all operators: the queries that make `account_metrics` from canonical tables, in steps that are kept.

A cell is what the live path tells of the same operator: a metric of which a table is unknown is null; an operator without
rows has the metric's `empty`; derived metrics come last, over the other columns.
"""

# ruff: noqa: S608 - every name in these texts is of the catalogue or of `domain.records`
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from customer_research.domain.records import TABLES
from customer_research.metrics.catalogue import METRICS, PARTLY, SUBJECTS, Metric
from customer_research.metrics.queries import ACCOUNT_TABLE, account_columns, derived_sql, subject_sql, with_shared

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


def stages() -> tuple[Stage, ...]:
    """The steps to `account_metrics`, in order; it is the last.

    The queries read the tables of `domain.records.LAKE_TABLES` and the stages before them, and take one parameter, `$as_of`
    (UTC). There is a row for each operator of the table `operator` that was known by then, and for each that another
    table tells of; columns are those of `metrics.queries.account_columns`.
    """
    return (
        *(Stage(_stage(subject), subject_sql(subject)) for subject in _subjects()),
        Stage(KNOWN_OPERATORS, _known_operators()),
        Stage(ACCOUNT_TABLE, _account_metrics()),
    )


def _subjects() -> Iterable[str]:
    """The subjects whose metrics are columns of the wide table, but for the derived one."""
    return (name for name, subject in SUBJECTS.items() if subject.grain == "operator" and name != "derived")


def _stage(subject: str) -> str:
    return f"{subject}_metrics"


def _known_operators() -> str:
    """Everybody known at T. The list's own name comes first, then what the CSM view and billing say."""
    told = " UNION ALL ".join(
        f"SELECT operator_id, CAST(NULL AS VARCHAR) AS listed, CAST(NULL AS VARCHAR) AS shown, CAST(NULL AS VARCHAR) AS billed "
        f"FROM {_stage(subject)}"
        for subject in _subjects()
    )
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
    UNION ALL
    {told}
)
SELECT operator_id, COALESCE(MIN(listed), MIN(shown), MIN(billed), operator_id) AS name
FROM told
WHERE NOT operator_id IS NULL
GROUP BY operator_id
""",
    )


def _account_metrics() -> str:
    """The subjects' rows side by side, what is unknown taken out, and the derived metrics over it all."""
    tables = dict.fromkeys(table for metric in _wide_metrics() for table in metric.tables)
    everybody = ", ".join(f"COALESCE({_unknown(table)}, 0) AS {table}" for table in tables)
    own = ", ".join(f"{_unknown(table)} AS {table}" for table in tables)
    lacks = ", ".join(f"e.{table} + COALESCE(o.{table}, 0) > 0 AS {_lacks(table)}" for table in tables)
    joins = "\n    ".join(
        f"LEFT JOIN {_stage(subject)} AS {subject} ON {subject}.operator_id = k.operator_id" for subject in _subjects()
    )
    measured = ",\n        ".join(f"{_measured(metric)} AS {metric.name}" for metric in _wide_metrics())
    final = ",\n    ".join(f"{_final(metric)} AS {metric.name}" for metric in _wide_metrics())
    return f"""
WITH everybody AS (
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
),
{ACCOUNT_TABLE} AS (
    SELECT
        k.operator_id,
        {measured}
    FROM known AS k
    {joins}
),
derived AS (
{derived_sql()}
)
SELECT
    a.operator_id,
    {final}
FROM {ACCOUNT_TABLE} AS a
INNER JOIN known AS k ON k.operator_id = a.operator_id
INNER JOIN derived AS d ON d.operator_id = a.operator_id
"""


def _wide_metrics() -> Collection[Metric]:
    columns = account_columns()
    return [metric for metric in METRICS.values() if metric.name in columns]


def _unknown(table: str) -> str:
    return f"MAX(CASE WHEN table_name = '{table}' THEN 1 ELSE 0 END)"


def _lacks(table: str) -> str:
    return f"lacks_{table}"


def _measured(metric: Metric) -> str:
    """A metric's cell: null while a table is unknown, else the subject's, else what no row means."""
    kind = account_columns()[metric.name]
    if metric.subject == "derived":
        return f"CAST(NULL AS {kind})"
    unknown = " OR ".join(f"k.{_lacks(table)}" for table in metric.tables)
    column = f"{metric.subject}.{metric.name}"
    empty = "" if metric.empty is None else f"WHEN {metric.subject}.operator_id IS NULL THEN {metric.empty} "
    return f"CAST(CASE WHEN {unknown} THEN NULL {empty}ELSE {column} END AS {kind})"


def _final(metric: Metric) -> str:
    """A derived metric is null when tables are unknown: one of them, or all of those with part of which it holds."""
    if metric.subject != "derived":
        return f"a.{metric.name}"
    joint = " AND " if metric.name in PARTLY else " OR "
    unknown = joint.join(f"k.{_lacks(table)}" for table in metric.tables)
    return f"CAST(CASE WHEN NOT ({unknown}) THEN d.{metric.name} END AS {account_columns()[metric.name]})"
