"""Queries that read the same relation, joined with each other again: read it once, side by side.

The counted queries of one source (`over_time.windows`) all select from one relation with a row for each key and instant. A
query that joins them by these keys needs no join: the columns of the joined ones stand beside those of the first, null where
the joined one has no row.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

INSTANT = "t"


def side_by_side(root: exp.Expr, readers: Sequence[exp.Select], keys: Sequence[str]) -> None:
    """Take out the joins among queries that read one relation, in place.

    Args:
        root: the whole statement.
        readers: the queries, each the body of a relation of the statement; `WHERE` says when such a query has a row.
        keys: the columns that, with the instant, tell the rows of each apart.
    """
    bodies = {reader.parent.alias.lower(): reader for reader in readers if isinstance(reader.parent, exp.CTE)}
    plain = {name: body for name, body in bodies.items() if not body.args.get("joins")}
    for select in list(root.find_all(exp.Select)):
        from_ = select.args.get("from_")
        if from_ is None or not isinstance(from_.this, exp.Table) or from_.this.name.lower() not in plain:
            continue
        first, base = plain[from_.this.name.lower()], from_.this.alias_or_name
        for join in list(select.args.get("joins") or ()):
            other = plain.get(join.this.name.lower()) if isinstance(join.this, exp.Table) else None
            alias = join.this.alias_or_name
            starred = any(column.is_star and column.table == alias for column in select.find_all(exp.Column))
            asked = other is not None and other is not first and join.side == "LEFT" and not starred
            if other is not None and asked and _by(join, base, alias, keys):
                _put_beside(select, join, first, other, base)


def _by(join: exp.Join, base: str, alias: str, keys: Sequence[str]) -> bool:
    """Whether a join is on equal keys and instants, and nothing else."""
    on = join.args.get("on")
    conditions = list(on.flatten() if isinstance(on, exp.And) else [on])
    found = []
    for condition in conditions:
        inner = condition.unnest() if condition is not None else None
        if isinstance(inner, exp.And):
            conditions.extend(inner.flatten())
            continue
        if (
            not isinstance(inner, exp.EQ)
            or not isinstance(inner.left, exp.Column)
            or not isinstance(inner.right, exp.Column)
        ):
            return False
        if {inner.left.table, inner.right.table} != {base, alias} or inner.left.name != inner.right.name:
            return False
        found.append(inner.left.name)
    return sorted(found) == sorted([*keys, INSTANT])


def _put_beside(select: exp.Select, join: exp.Join, first: exp.Select, other: exp.Select, base: str) -> None:
    """One joined query's columns into the first's, and their names where the query around them says them."""
    alias = join.this.alias_or_name
    names = {output.alias_or_name: f"{join.this.name}_{output.alias_or_name}" for output in other.expressions}
    there = {output.alias_or_name for output in first.expressions}
    has_row = other.args["where"].this
    for output in other.expressions:
        if names[output.alias_or_name] not in there:
            value = exp.Case(ifs=[exp.If(this=has_row.copy(), true=output.unalias().copy())])
            first.append("expressions", exp.alias_(value, names[output.alias_or_name], quoted=True))
    select.set("joins", [one for one in select.args["joins"] if one is not join])
    for column in list(select.find_all(exp.Column)):
        if column.table == alias:
            beside = exp.column(names[column.name], table=base)
            column.replace(exp.alias_(beside, column.name) if column.parent is select else beside)
