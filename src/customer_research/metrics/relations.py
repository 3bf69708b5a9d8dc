"""What a grouped query over a large table reads, spelt out down to the tables: relations of the query are seen through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

MOMENT = "moment"
"""The relation of a query's instants: T, and others at fixed distances from it."""


class NoFormError(Exception):
    """A query, or a part of it, that cannot be written in another form."""


@dataclass(frozen=True, slots=True)
class FlatRelation:
    """What a grouped query reads, down to the tables: one SELECT's FROM, joins and condition, and what its names mean.

    `columns` maps a relation's alias and a column's name (`*`: any column of a table) to an expression over the tables;
    columns of `moment` are in the relation `MOMENT`.
    """

    from_: exp.Expr
    joins: Sequence[exp.Expr]
    where: exp.Expr
    columns: Mapping[str, Mapping[str, exp.Expr]]


def flat_relation(
    select: exp.Select, definitions: Mapping[str, exp.Query], is_timed: Callable[[str], bool]
) -> FlatRelation:
    """What a SELECT reads, with relations that depend on the instant spelt out down to the tables.

    Args:
        select: a SELECT over one such relation or table, tables beside it, and `moment`.
        definitions: the relations defined around it, as they are for one instant.
        is_timed: whether a relation of this name depends on the instant.

    Raises:
        NoFormError: when a relation groups, orders, or joins others in ways that cannot be spelt out.
    """
    from_ = select.args.get("from_")
    if from_ is None or not isinstance(from_.this, exp.Table):
        raise NoFormError("no table")
    base = _spelt_out(from_.this, definitions, is_timed)
    columns, joins = dict(base.columns), list(base.joins)
    conditions = [base.where]
    for join in select.args.get("joins") or ():
        name, alias = join.this.name, join.this.alias_or_name
        if name == MOMENT:
            columns[alias] = {"*": exp.to_identifier(MOMENT)}
        elif isinstance(join.this, exp.Table) and not is_timed(name.lower()) and join.args.get("on") is not None:
            columns[alias] = {"*": exp.to_identifier(alias)}
            kept = join.copy()
            kept.set("on", resolved(join.args["on"], columns))
            joins.append(kept)
        else:
            raise NoFormError(f"a join with {name}")
    where = select.args.get("where")
    if where is not None:
        conditions.append(resolved(where.this, columns))
    if any(join.this.alias_or_name == base.from_.this.alias_or_name for join in joins):
        raise NoFormError("two relations of one name")
    return FlatRelation(base.from_, joins, exp.and_(*conditions), columns)


def _spelt_out(table: exp.Table, definitions: Mapping[str, exp.Query], is_timed: Callable[[str], bool]) -> FlatRelation:
    name, alias = table.name.lower(), table.alias_or_name
    if not is_timed(name):
        return FlatRelation(exp.From(this=table.copy()), (), exp.true(), {alias: {"*": exp.to_identifier(alias)}})
    body = definitions.get(name)
    grouping = ("group", "having", "qualify", "distinct", "limit", "offset")
    if not isinstance(body, exp.Select) or any(body.args.get(key) is not None for key in grouping):
        raise NoFormError(f"{name} is not a plain selection")
    if body.find(exp.Window, exp.AggFunc) is not None:
        raise NoFormError(f"{name} looks at several rows")
    inner = {**definitions, **{cte.alias.lower(): cte.this for cte in body.ctes}}
    own = {cte.alias.lower() for cte in body.ctes}
    source = flat_relation(body, inner, lambda other: other in own or is_timed(other))
    return FlatRelation(source.from_, source.joins, source.where, {alias: _listed(body, source)})


def _listed(body: exp.Select, source: FlatRelation) -> Mapping[str, exp.Expr]:
    """What the columns of a relation are over the tables."""
    out: dict[str, exp.Expr] = {}
    for output in body.expressions:
        if output.is_star:
            table = output.table if isinstance(output, exp.Column) else next(iter(source.columns))
            out |= source.columns[table]
        else:
            out[output.alias_or_name] = resolved(output.unalias(), source.columns)
    return out


def resolved(tree: exp.Expr, columns: Mapping[str, Mapping[str, exp.Expr]]) -> exp.Expr:
    """An expression with every column spelt out over the tables.

    Raises:
        NoFormError: when a column is not found.
    """

    def spelt(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        for alias in [node.table] if node.table else columns:
            known = columns.get(alias, {})
            if node.name in known:
                found = known[node.name].copy()
                return found if isinstance(found, exp.Column | exp.Literal) else exp.paren(found, copy=False)
            if "*" in known and (node.table or len(columns) == 1):
                return exp.column(node.name, table=known["*"].name)
        raise NoFormError(f"no column {node.sql()}")

    return tree.copy().transform(spelt)
