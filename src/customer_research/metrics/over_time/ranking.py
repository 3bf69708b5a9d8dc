"""The row that stands first, at many instants: each row's time in front, not every row's rank at each instant.

A query that ranks rows by what does not change (`ROW_NUMBER() … ORDER BY`), of which only the first is ever asked for: as
long as rows only come in, a row is first from its own coming until the first coming of a row ranked before it.
"""

# ruff: noqa: S608 - names in these texts are the queries' own, and ours
from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import sqlglot
from sqlglot import exp

from customer_research.domain.records import DIALECT
from customer_research.metrics.over_time.steps import depends, is_true
from customer_research.metrics.relations import FlatRelation, NoFormError, resolved

_NEVER = "CAST('9999-12-31 00:00:00' AS TIMESTAMP)"


def in_front(
    select: exp.Select, source: FlatRelation, instants: Mapping[str, int | None], root: exp.Expr
) -> exp.Select:
    """A ranking as the rows that stand first at each instant of `calendar`, with the instant as column `t`.

    Args:
        select: the ranking, as it is for one instant, in a WITH of `root`.
        source: what it reads.
        instants: the columns of `moment` as microseconds before T.
        root: the statement, in which every use of the ranking must ask for the first row.

    Raises:
        NoFormError: when it has no such form.
    """
    for key in ("group", "having", "qualify", "distinct", "limit", "order"):
        if select.args.get(key) is not None:
            raise NoFormError(key)
    ranks = [output for output in select.expressions if isinstance(output.unalias(), exp.Window)]
    if len(ranks) != 1 or not isinstance(ranks[0].unalias().this, exp.RowNumber):
        raise NoFormError("no ranking, or several")
    if not isinstance(select.parent, exp.CTE) or not _asks_for_first(root, select.parent, ranks[0].alias_or_name):
        raise NoFormError("other rows than the first are asked for")
    when = is_true(source.where, instants)
    if len(when) != 1 or when[0].sign != 1 or any(offset for _, offset in when[0].clocks):
        raise NoFormError("rows that leave, or come later than their instants")
    window = ranks[0].unalias()
    keys = ", ".join(_timeless(key, source) for key in window.args.get("partition_by") or ())
    order = _timeless(window.args["order"], source)
    clocks = [f"CAST({clock} AS TIMESTAMP)" for clock, _ in sorted(when[0].clocks)]
    since = f"GREATEST({', '.join(clocks)})" if len(clocks) > 1 else clocks[0]
    columns = {
        output.alias_or_name: _timeless(output.unalias(), source)
        for output in select.expressions
        if output is not ranks[0]
    }
    tables = " ".join(part.sql(dialect=DIALECT) for part in (source.from_, *source.joins))
    conditions = [*(f"NOT {clock} IS NULL" for clock in clocks), *sorted(one.sql for one in when[0].conditions)]
    inner = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
    outer = ", ".join(f'ranked."{name}"' for name in columns)
    text = f"""
        SELECT {outer}, 1 AS "{ranks[0].alias_or_name}", calendar.t
        FROM (
            SELECT {inner}, {since} AS first_since, COALESCE(
                MIN({since}) OVER (PARTITION BY {keys} {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), {_NEVER}
            ) AS first_until
            {tables} WHERE {" AND ".join(conditions)}
        ) AS ranked
        JOIN calendar ON calendar.t > ranked.first_since AND calendar.t <= ranked.first_until
        WHERE ranked.first_since < ranked.first_until
    """
    return cast("exp.Select", sqlglot.parse_one(text, read=DIALECT))


def _timeless(tree: exp.Expr, source: FlatRelation) -> str:
    spelt = resolved(tree, source.columns)
    if depends(spelt):
        raise NoFormError(tree.sql(dialect=DIALECT))
    return str(spelt.sql(dialect=DIALECT))


def _asks_for_first(root: exp.Expr, defined: exp.CTE, rank: str) -> bool:
    """Whether every use of a relation takes only the row of rank 1."""
    uses = [table for table in root.find_all(exp.Table) if table.name.lower() == defined.alias.lower()]
    return bool(uses) and all(_takes_first(use, rank) for use in uses)


def _takes_first(use: exp.Table, rank: str) -> bool:
    joined = use.parent
    if isinstance(joined, exp.Join):
        condition = joined.args.get("on")
    elif isinstance(joined, exp.From) and joined.parent is not None and not joined.parent.args.get("joins"):
        where = joined.parent.args.get("where")
        condition = None if where is None else where.this
    else:
        return False
    asked = [] if condition is None else list(condition.flatten() if isinstance(condition, exp.And) else [condition])
    return any(
        isinstance(one, exp.EQ)
        and isinstance(one.left, exp.Column)
        and (one.left.name, one.left.table or use.alias_or_name) == (rank, use.alias_or_name)
        and isinstance(one.right, exp.Literal)
        and one.right.this == "1"
        for one in asked
    )
