"""Metric queries with one instant written into them: the same cells, planned better over large tables.

A planner that sees `created_at < TIMESTAMP '...'` reads only the parts of a file that hold such rows; one that sees a join with
a relation of one row reads all of them, and carries the instants along with every row. A plain selection that several
relations read is put into each: kept aside, all its rows would be copied first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import sqlglot
from sqlglot import exp

_DIALECT = "duckdb"
_MOMENT = "moment"
_LOOKING_FURTHER = ("group", "having", "qualify", "distinct", "limit", "offset", "order", "with_")


def pinned(sql: str, as_of: datetime) -> str:
    """A metric query without its parameter `$as_of`, at this instant; in DuckDB's dialect as before."""
    query = cast("exp.Query", sqlglot.parse_one(sql, read=_DIALECT))
    at = exp.cast(exp.Literal.string(as_of.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")), "TIMESTAMP")
    for parameter in list(query.find_all(exp.Placeholder, exp.Parameter)):
        parameter.replace(at.copy())
    for with_ in list(query.find_all(exp.With)):
        around = cast("exp.Expr", with_.parent)
        moment = next((cte for cte in with_.expressions if cte.alias == _MOMENT), None)
        if moment is not None:
            _write_instants(around, {told.alias_or_name: told.unalias() for told in moment.this.selects}, at)
        _write_selections(around)
    return query.sql(dialect=_DIALECT, pretty=True, comments=False)


def _write_instants(query: exp.Expr, instants: dict[str, exp.Expr], at: exp.Expr) -> None:
    """Put constants in the place of `moment`'s columns where it is joined."""

    def constant(name: str) -> exp.Expr:
        spelt = instants[name].copy().transform(lambda node: at.copy() if isinstance(node, exp.Column) else node)
        return exp.paren(spelt, copy=False)

    for select in list(query.find_all(exp.Select)):
        for join in list(select.args.get("joins") or ()):
            if isinstance(join.this, exp.Table) and join.this.name == _MOMENT and join.kind == "CROSS":
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
        for table in readers:
            inner = exp.Subquery(
                this=cte.this.copy(), alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
            )
            inner.set("joins", table.args.get("joins"))
            table.replace(inner)
        cte.pop()


def _is_plain(query: exp.Expr) -> bool:
    """Whether it only picks rows of one table and computes columns of each."""
    return (
        isinstance(query, exp.Select)
        and not any(query.args.get(key) for key in (*_LOOKING_FURTHER, "joins"))
        and query.args.get("from_") is not None
        and query.find(exp.AggFunc, exp.Window, exp.Subquery) is None
    )
