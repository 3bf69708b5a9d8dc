"""Metric queries with one instant written into them: the same cells, planned better over large tables.

A planner that sees `created_at < TIMESTAMP '...'` reads only the parts of a file that hold such rows; one that sees a join with
a relation of one row reads all of them, and carries the instants along with every row. A plain selection that several
relations read is put into each: kept aside, all its rows would be copied first. Rows that meet a condition are counted, not
added up as ones and zeros.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import cast

import sqlglot
from sqlglot import exp

from customer_research.domain.records import DIALECT
from customer_research.metrics.relations import MOMENT

_LOOKING_FURTHER = ("group", "having", "qualify", "distinct", "limit", "offset", "order")


def instant_sql(instant: datetime) -> str:
    """An instant as a constant in SQL: naive UTC, to the microsecond."""
    return f"CAST('{instant.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ', timespec='microseconds')}' AS TIMESTAMP)"


_SOME = instant_sql(datetime.max.replace(tzinfo=UTC))
"""An instant that no query is asked for, in the place of the one that is."""


def pinned(sql: str, as_of: datetime) -> str:
    """A metric query without its parameter `$as_of`, at this instant; in DuckDB's dialect as before. Rows come in no order."""
    return _pinned(sql).replace(_SOME, instant_sql(as_of))


@cache
def _pinned(sql: str) -> str:
    """The query at some instant: parsing and rewriting takes longer than running over a small table, so it is done once."""
    query = cast("exp.Query", sqlglot.parse_one(sql, read=DIALECT))
    query.set("order", None)  # what is kept has none
    at = sqlglot.parse_one(_SOME, read=DIALECT)
    for parameter in list(query.find_all(exp.Placeholder, exp.Parameter)):
        parameter.replace(at.copy())
    for with_ in list(query.find_all(exp.With)):
        around = cast("exp.Expr", with_.parent)
        moment = next((cte for cte in with_.expressions if cte.alias == MOMENT), None)
        if moment is not None:
            _write_instants(around, {output.alias_or_name: output.unalias() for output in moment.this.selects}, at)
        _write_selections(around)
    _count_rows(query)
    return query.sql(dialect=DIALECT, pretty=True, comments=False)


def _write_instants(query: exp.Expr, instants: dict[str, exp.Expr], at: exp.Expr) -> None:
    """Put constants in the place of `moment`'s columns where it is joined."""

    def constant(name: str) -> exp.Expr:
        spelt = instants[name].copy().transform(lambda node: at.copy() if isinstance(node, exp.Column) else node)
        return exp.paren(spelt, copy=False)

    for select in list(query.find_all(exp.Select)):
        for join in list(select.args.get("joins") or ()):
            if isinstance(join.this, exp.Table) and join.this.name == MOMENT and join.kind == "CROSS":
                alias = join.this.alias_or_name
                join.pop()
                for column in list(select.find_all(exp.Column)):
                    if column.table == alias:
                        column.replace(constant(column.name))


def _write_selections(query: exp.Expr) -> None:
    """Put each relation that is a plain selection, and that several read, into those that read it."""
    for cte in list(query.args["with_"].expressions):
        readers = [table for table in query.find_all(exp.Table) if table.name == cte.alias and not table.db]
        if len(readers) < 2 or not _is_plain(cte.this):  # noqa: PLR2004 - a single reader has it in place already
            continue
        for number, table in enumerate(readers):
            inner = exp.Subquery(
                this=_apart(_narrowed(cte.this, table), f"{cte.alias}_{number}"),
                alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name)),
            )
            inner.set("joins", table.args.get("joins"))
            table.replace(inner)
        cte.pop()


def _narrowed(selection: exp.Select, table: exp.Table) -> exp.Select:
    """A copy of a selection with only the columns that the query around *table*, which reads it, names."""
    around = cast("exp.Select", table.find_ancestor(exp.Select))
    narrow = selection.copy()
    if not any(output.is_star for output in around.selects):
        named = {column.name for column in around.find_all(exp.Column)}
        narrow.set(
            "expressions", [output for output in narrow.selects if output.is_star or output.alias_or_name in named]
        )
    return narrow


def _apart(selection: exp.Select, name: str) -> exp.Select:
    """A copy with its own relations under names of their own: dialects without nested ones write all of them on top."""
    for own in selection.ctes:
        before, after = own.alias, f"{name}_{own.alias}"
        own.set("alias", exp.TableAlias(this=exp.to_identifier(after)))
        for table in selection.find_all(exp.Table):
            if table.name == before and not table.db:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.alias_or_name)))
                table.set("this", exp.to_identifier(after))
    return selection


def _count_rows(query: exp.Expr) -> None:
    """`SUM(CASE WHEN c THEN 1 ELSE 0 END)` of groups, which have rows, as `COUNT(CASE WHEN c THEN 1 END)`."""
    for sum_ in list(query.find_all(exp.Sum)):
        case, select = sum_.this, sum_.find_ancestor(exp.Select)
        grouped = select is not None and select.args.get("group") is not None
        if grouped and isinstance(case, exp.Case) and not isinstance(sum_.parent, exp.Window) and _is_one_or_none(case):
            case.set("default", None)
            sum_.replace(exp.Count(this=case))


def _is_one_or_none(case: exp.Case) -> bool:
    branches = [branch.args["true"] for branch in case.args["ifs"]]
    return [value.sql() for value in (*branches, case.args.get("default") or exp.null())] == ["1", "0"]


def _is_plain(query: exp.Expr) -> bool:
    """Whether it only picks rows of one table and computes columns of each, itself or by relations of its own."""
    return (
        isinstance(query, exp.Select)
        and all(_is_plain(cte.this) for cte in query.ctes)
        and not any(query.args.get(key) for key in (*_LOOKING_FURTHER, "joins"))
        and query.args.get("from_") is not None
        and query.find(exp.AggFunc, exp.Window, exp.Subquery) is None
    )
