"""Aggregates over windows at many instants, counted from what enters and leaves: a row costs a few events, not a visit each.

A grouped query over a large table says of each row, at an instant T, whether it counts and with what value: sums of steps
(`metrics.steps`). Counts, sums and averages are linear in them, so each is a sum over events (the instant from which a value
counts, the value, its sign) added up along the calendar; a least or greatest value that only ever comes in is the least or
greatest so far; of the others, and for distinct values, each value's rows are counted. All of it is derived from the
query's syntax tree: no metric is defined twice. What has no such form stays as lifting makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import sqlglot
from sqlglot import exp

from customer_research.metrics.steps import (
    DIALECT,
    INSTANTS,
    Clocks,
    NotStepsError,
    Term,
    Terms,
    both,
    depends,
    is_true,
    plus,
    values,
)

_EXACT = "DECIMAL(38, 12)"
"""Numbers are added and later taken away again, without a rest: binary fractions would leave one."""
_ROWS = "counted_rows"


@dataclass(frozen=True, slots=True)
class EvenCalendar:
    """Instants at even steps: `start`, `start + step`, ..., `count` of them; naive UTC."""

    start: datetime
    step: timedelta
    count: int


@dataclass(frozen=True, slots=True)
class Source:
    """What a grouped query reads, down to the tables: one SELECT's FROM, joins and condition, and what its names mean.

    `columns` maps a relation's alias and a column's name (`*`: any column of a table) to an expression over the tables;
    columns of `moment` are in the relation `INSTANTS`.
    """

    told: exp.Expr
    joins: Sequence[exp.Expr]
    where: exp.Expr
    columns: Mapping[str, Mapping[str, exp.Expr]]


def counted(
    select: exp.Select, source: Source, instants: Mapping[str, int | None], calendar: EvenCalendar
) -> exp.Select:
    """A grouped query as one for every instant of an even calendar, from events; with the instant as column `t`.

    Raises:
        NotStepsError: when part of it has no such form.
    """
    return _Counting(source, instants, calendar).query(select)


def instants_of(moment: exp.Query) -> Mapping[str, int | None]:
    """The columns of the relation `moment` as microseconds before T; None is T's day.

    Raises:
        NotStepsError: when a column is something else.
    """
    out: dict[str, int | None] = {}
    for told in moment.selects:
        tree = told.unalias()
        if isinstance(tree, exp.Cast) and tree.is_type("date"):
            out[told.alias_or_name] = None
        elif isinstance(tree, exp.Column):
            out[told.alias_or_name] = 0
        elif isinstance(tree, exp.Sub | exp.Add) and isinstance(tree.expression, exp.Interval):
            if str(tree.expression.unit).upper() != "DAY":
                raise NotStepsError(tree.sql(dialect=DIALECT))
            days = int(tree.expression.this.name)
            out[told.alias_or_name] = (days if isinstance(tree, exp.Sub) else -days) * 86_400_000_000
        else:
            raise NotStepsError(tree.sql(dialect=DIALECT))
    return out


def flattened(select: exp.Select, definitions: Mapping[str, exp.Query], is_timed: Callable[[str], bool]) -> Source:
    """What a SELECT reads, with relations that depend on the instant spelt out down to the tables.

    Args:
        select: a SELECT over one such relation or table, tables beside it, and `moment`.
        definitions: the relations defined around it, as they are for one instant.
        is_timed: whether a relation of this name depends on the instant.

    Raises:
        NotStepsError: when a relation groups, orders, or joins others in ways that cannot be spelt out.
    """
    told = select.args.get("from_")
    if told is None or not isinstance(told.this, exp.Table):
        raise NotStepsError("no table")
    base = _spelt_out(told.this, definitions, is_timed)
    columns, joins = dict(base.columns), list(base.joins)
    conditions = [base.where]
    for join in select.args.get("joins") or ():
        name, alias = join.this.name, join.this.alias_or_name
        if name == "moment":
            columns[alias] = {"*": exp.to_identifier(INSTANTS)}
        elif isinstance(join.this, exp.Table) and not is_timed(name.lower()) and join.args.get("on") is not None:
            columns[alias] = {"*": exp.to_identifier(alias)}
            kept = join.copy()
            kept.set("on", resolved(join.args["on"], columns))
            joins.append(kept)
        else:
            raise NotStepsError(f"a join with {name}")
    where = select.args.get("where")
    if where is not None:
        conditions.append(resolved(where.this, columns))
    if any(join.this.alias_or_name == base.told.this.alias_or_name for join in joins):
        raise NotStepsError("two relations of one name")
    return Source(base.told, joins, exp.and_(*conditions), columns)


def _spelt_out(table: exp.Table, definitions: Mapping[str, exp.Query], is_timed: Callable[[str], bool]) -> Source:
    name, alias = table.name.lower(), table.alias_or_name
    if not is_timed(name):
        return Source(exp.From(this=table.copy()), (), exp.true(), {alias: {"*": exp.to_identifier(alias)}})
    body = definitions.get(name)
    grouping = ("group", "having", "qualify", "distinct", "limit", "offset")
    if not isinstance(body, exp.Select) or any(body.args.get(key) is not None for key in grouping):
        raise NotStepsError(f"{name} is not a plain selection")
    if body.find(exp.Window, exp.AggFunc) is not None:
        raise NotStepsError(f"{name} looks at several rows")
    inner = {**definitions, **{cte.alias.lower(): cte.this for cte in body.ctes}}
    source = flattened(body, inner, lambda other: other in inner and is_timed(other) or any(
        other == cte.alias.lower() for cte in body.ctes))
    return Source(source.told, source.joins, source.where, {alias: _listed(body, source)})


def _listed(body: exp.Select, source: Source) -> Mapping[str, exp.Expr]:
    """What the columns of a relation are over the tables."""
    out: dict[str, exp.Expr] = {}
    for told in body.expressions:
        if told.is_star:
            table = told.table if isinstance(told, exp.Column) else next(iter(source.columns))
            out |= source.columns[table]
        else:
            out[told.alias_or_name] = resolved(told.unalias(), source.columns)
    return out


def resolved(tree: exp.Expr, columns: Mapping[str, Mapping[str, exp.Expr]]) -> exp.Expr:
    """An expression with every column spelt out over the tables.

    Raises:
        NotStepsError: when a column is not found.
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
        raise NotStepsError(f"no column {node.sql()}")

    return tree.copy().transform(spelt)


@dataclass(slots=True)
class _Stream:
    """Events of one set of clocks: what is added up of each row when they have passed."""

    quantities: dict[str, str] = field(default_factory=dict)
    conditions: list[frozenset[str]] = field(default_factory=list)


@dataclass(slots=True)
class _Figure:
    """A column that runs along the calendar: how it is gathered from events, and how it goes on."""

    kind: str
    parts: list[tuple[Clocks, str, int]] = field(default_factory=list)


class _Counting:
    """One grouped query on its way: its figures, the streams of events they need, and their joints."""

    def __init__(self, source: Source, instants: Mapping[str, int | None], calendar: EvenCalendar) -> None:
        self._source = source
        self._instants = instants
        self._calendar = calendar
        self._keys: dict[str, str] = {}
        self._streams: dict[Clocks, _Stream] = {}
        self._figures: dict[str, _Figure] = {}
        self._valued: dict[str, tuple[str, _Counting]] = {}
        self._where = is_true(source.where, instants)

    # -- what the query asks --------------------------------------------------------------------------------------------

    def query(self, select: exp.Select) -> exp.Select:
        """The query of all its parts."""
        for key in ("having", "qualify", "distinct", "limit", "order"):
            if select.args.get(key) is not None:
                raise NotStepsError(key)
        grouped = {key.sql(dialect=DIALECT) for key in select.args["group"].expressions}
        outputs = []
        for told in select.expressions:
            name, tree = told.alias_or_name, told.unalias()
            if tree.sql(dialect=DIALECT) in grouped:
                self._keys[name] = self._spelt(tree)
                outputs.append(f'"{name}"')
            else:
                outputs.append(f'{self._output(tree)} AS "{name}"')
        if len(self._keys) != len(grouped) or "operator_id" not in self._keys:
            raise NotStepsError("a group that is not selected")
        self._linear(_ROWS, [(self._where, "1")])
        return cast("exp.Select", sqlglot.parse_one(self._text(outputs), read=DIALECT))

    def _spelt(self, tree: exp.Expr) -> str:
        spelt = resolved(tree, self._source.columns)
        if depends(spelt):
            raise NotStepsError("a group that depends on the instant")
        return spelt.sql(dialect=DIALECT)

    def _output(self, tree: exp.Expr) -> str:
        """An output's expression over the figures that stand for its aggregates."""
        tree = exp.paren(tree.copy(), copy=False)
        for call in list(tree.find_all(exp.AggFunc)):
            call.replace(sqlglot.parse_one(self._aggregate(call), read=DIALECT))
        return tree.this.sql(dialect=DIALECT)

    def _aggregate(self, call: exp.AggFunc) -> str:
        name = f"figure_{len(self._figures) + len(self._valued)}"
        inner = call.this
        if isinstance(call, exp.Count) and isinstance(inner, exp.Star):
            return self._linear(name, [(self._where, "1")])
        if isinstance(call, exp.Count) and isinstance(inner, exp.Distinct) and len(inner.expressions) == 1:
            return self._of_values(name, "COUNT", self._taken(inner.expressions[0]))
        if isinstance(call, exp.Sum | exp.Avg):
            return self._sum(name, self._taken(inner), average=isinstance(call, exp.Avg))
        if isinstance(call, exp.Min | exp.Max):
            return self._extreme(name, "MIN" if isinstance(call, exp.Min) else "MAX", self._taken(inner))
        raise NotStepsError(call.sql(dialect=DIALECT))

    def _taken(self, tree: exp.Expr) -> list[tuple[Terms, exp.Expr]]:
        """The values that an aggregate's argument takes among the rows that count, nulls left out."""
        taken = values(resolved(tree, self._source.columns), self._instants)
        return [(both(self._where, when), value) for when, value in taken if not isinstance(value, exp.Null)]

    def _sum(self, name: str, taken: Sequence[tuple[Terms, exp.Expr]], *, average: bool) -> str:
        text = [(when, value, value.sql(dialect=DIALECT)) for when, value in taken]
        exact = [(w, f"CAST({t} AS {_EXACT})" if average else t) for w, v, t in text if average or t != "0"]
        total = self._linear(name, exact) if exact else "0"
        told = [(w, "1") if _never_null(v) else (both(w, is_true(_told(v), self._instants)), "1") for w, v, _ in text]
        if plus(*(when for when, _ in told)) == self._where and not average:
            return total
        number = self._linear(f"{name}_told", told)
        if average:
            return f"CASE WHEN {number} > 0 THEN CAST({total} AS DOUBLE) / {number} END"
        return f"CASE WHEN {number} > 0 THEN {total} END"

    def _extreme(self, name: str, kind: str, taken: Sequence[tuple[Terms, exp.Expr]]) -> str:
        """The least or greatest so far where values only come in; else by counting each value's rows."""
        if not all(term.sign > 0 for when, _ in taken for term in when):
            return self._of_values(name, kind, taken)
        self._figures[name] = _Figure(kind)
        for when, value in taken:
            for term in when:
                self._event(name, term, value.sql(dialect=DIALECT), kind)
        return name

    def _of_values(self, name: str, kind: str, taken: Sequence[tuple[Terms, exp.Expr]]) -> str:
        """An aggregate over the distinct values that have rows: a counting of its own, grouped by the value as well."""
        if len(taken) != 1:
            raise NotStepsError("several values of which some leave")
        ((when, value),) = taken
        text = value.sql(dialect=DIALECT)
        inner = _Counting(self._source, self._instants, self._calendar)
        inner._where = both(when, is_true(_told(value), self._instants))
        self._valued[name] = (f'{kind}("{name}") AS "{name}"', inner)
        inner._keys = {"value": text}
        return f"COALESCE({name}, 0)" if kind == "COUNT" else name

    # -- events ---------------------------------------------------------------------------------------------------------

    def _linear(self, name: str, taken: Sequence[tuple[Terms, str]]) -> str:
        """A figure that adds up events."""
        if name not in self._figures:
            self._figures[name] = _Figure("SUM")
            for when, text in taken:
                for term in when:
                    self._event(name, term, text, "SUM")
        return name

    def _event(self, name: str, term: Term, value: str, kind: str) -> None:
        if not term.clocks:
            raise NotStepsError("rows that were always known")
        stream = self._streams.setdefault(term.clocks, _Stream())
        conditions = frozenset(condition.sql for condition in term.conditions)
        stream.conditions.append(conditions)
        chosen = f"CASE WHEN {' AND '.join(sorted(conditions))} THEN {value} END" if conditions else value
        quantity = stream.quantities.setdefault(f"{kind}({chosen})", f"quantity_{len(stream.quantities)}")
        self._figures[name].parts.append((term.clocks, quantity, term.sign))

    def _text(self, outputs: Sequence[str]) -> str:
        """The whole query: streams, their sums by step, a row for every instant from the first, and what has run up."""
        ctes = dict(self._running("", self._keys))
        joins = []
        for name, (output, inner) in self._valued.items():
            inner._keys = {**self._keys, name: inner._keys["value"]}
            inner._linear(_ROWS, [(inner._where, "1")])
            ctes |= inner._running(f"{name}_", inner._keys)
            keys = ", ".join(f'"{key}"' for key in self._keys)
            ctes[f"{name}_by_key"] = (
                f"SELECT {keys}, t, {output} FROM {name}_running WHERE {_ROWS} > 0 GROUP BY {keys}, t"
            )
            joins.append(f"LEFT JOIN {name}_by_key ON {_same('running', f'{name}_by_key', self._keys)} "
                         f"AND {name}_by_key.t = running.t")
        bodies = ", ".join(f"{name} AS ({body})" for name, body in ctes.items())
        listed = ", ".join(_of_running(output, self._keys) for output in outputs)
        return f"WITH {bodies} SELECT {listed}, running.t AS t FROM running {' '.join(joins)} WHERE running.{_ROWS} > 0"

    def _running(self, prefix: str, keys: Mapping[str, str]) -> dict[str, str]:
        """The relations up to `<prefix>running`: keys, t, and each figure at t."""
        quoted = [f'"{key}"' for key in keys]
        listed = ", ".join(quoted)
        ctes = {}
        branches = []
        for number, (clocks, stream) in enumerate(self._streams.items()):
            name = f"{prefix}stream_{number}"
            ctes[name] = self._events(clocks, stream, keys)
            figures = ", ".join(f"{self._gathered(figure, clocks)} AS {name_}" for name_, figure in self._figures.items())
            branches.append(f"SELECT {listed}, step, {figures} FROM {name}")
        sums = ", ".join(_summed(name, figure) for name, figure in self._figures.items())
        ctes[f"{prefix}events"] = " UNION ALL ".join(branches)
        ctes[f"{prefix}steps"] = f"SELECT {listed}, step, {sums} FROM {prefix}events GROUP BY {listed}, step"
        begin = f"SELECT {listed}, MIN(step) AS first FROM {prefix}steps GROUP BY {listed}"
        of_begun = ", ".join(f"begun.{key}" for key in quoted)
        ctes[f"{prefix}grid"] = (
            f"SELECT {of_begun}, positions.step, positions.t FROM ({begin}) AS begun "
            f"JOIN ({self._positions()}) AS positions ON positions.step >= begun.first"
        )
        frame = f"PARTITION BY {', '.join(f'grid.{k}' for k in quoted)} ORDER BY grid.step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        runs = ", ".join(
            f"{_so_far(f'{figure.kind}(steps.{name}) OVER ({frame})', figure)} AS {name}"
            for name, figure in self._figures.items()
        )
        of_grid = ", ".join(f"grid.{key}" for key in quoted)
        ctes[f"{prefix}running"] = (
            f"SELECT {of_grid}, grid.t, {runs} FROM {prefix}grid AS grid LEFT JOIN {prefix}steps AS steps "
            f"ON {_same('grid', 'steps', keys)} AND steps.step = grid.step"
        )
        return ctes

    def _gathered(self, figure: _Figure, clocks: Clocks) -> str:
        parts = [(quantity, sign) for at, quantity, sign in figure.parts if at == clocks]
        if figure.kind != "SUM":
            return f"{'LEAST' if figure.kind == 'MIN' else 'GREATEST'}({', '.join(q for q, _ in parts)})" if len(parts) > 1 else (
                parts[0][0] if parts else "NULL"
            )
        return " + ".join(f"{sign} * COALESCE({quantity}, 0)" for quantity, sign in parts) or "NULL"

    def _events(self, clocks: Clocks, stream: _Stream, keys: Mapping[str, str]) -> str:
        """One stream: its quantities by keys and the first step at which all its clocks have passed."""
        step = self._calendar.step // timedelta(microseconds=1)
        start = f"CAST('{self._calendar.start.isoformat(sep=' ')}' AS TIMESTAMP)"
        last = self._calendar.start + self._calendar.step * (self._calendar.count - 1)
        since = [f"DATE_DIFF('microsecond', {start}, {clock}) + {offset}" for clock, offset in sorted(clocks)]
        latest = f"GREATEST({', '.join(since)})" if len(since) > 1 else since[0]
        position = f"CAST(GREATEST(FLOOR(CAST({latest} AS DOUBLE) / {step}) + 1, 0) AS BIGINT)"
        limits = [
            f"{clock} < CAST('{(last - timedelta(microseconds=offset)).isoformat(sep=' ')}' AS TIMESTAMP)"
            for clock, offset in sorted(clocks)
        ]
        shared = sorted(frozenset.intersection(*stream.conditions))
        inner_keys = ", ".join(f'{sql} AS "{name}"' for name, sql in keys.items())
        sums = ", ".join(f"{sql} AS {name}" for sql, name in stream.quantities.items())
        tables = " ".join(part.sql(dialect=DIALECT) for part in (self._source.told.this, *self._source.joins))
        listed = ", ".join([*keys.values(), position])
        return (
            f"SELECT {inner_keys}, {position} AS step, {sums} FROM {tables} "
            f"WHERE {' AND '.join([*limits, *shared])} GROUP BY {listed}"
        )

    def _positions(self) -> str:
        """The calendar's instants with their numbers."""
        step = self._calendar.step // timedelta(microseconds=1)
        start = f"CAST('{self._calendar.start.isoformat(sep=' ')}' AS TIMESTAMP)"
        return f"SELECT CAST(DATE_DIFF('microsecond', {start}, t) / {step} AS BIGINT) AS step, t FROM calendar"


def _summed(name: str, figure: _Figure) -> str:
    return f"{figure.kind}({name}) AS {name}"


def _so_far(running: str, figure: _Figure) -> str:
    return f"COALESCE({running}, 0)" if figure.kind == "SUM" else running


def _of_running(output: str, keys: Mapping[str, str]) -> str:
    return f"running.{output}" if output.strip('"') in keys else output


def _same(one: str, other: str, keys: Mapping[str, str]) -> str:
    """Equal keys; all but the operator may be null."""
    return " AND ".join(
        f'{one}."{key}" = {other}."{key}"'
        if key == "operator_id"
        else f'{one}."{key}" IS NOT DISTINCT FROM {other}."{key}"'
        for key in keys
    )


def _never_null(value: exp.Expr) -> bool:
    if isinstance(value, exp.Coalesce):
        return any(isinstance(one, exp.Literal) for one in value.expressions)
    return isinstance(value.unnest(), exp.Literal | exp.Boolean) or (
        isinstance(value, exp.Paren) and _never_null(value.this)
    )


def _told(value: exp.Expr) -> exp.Expr:
    return exp.not_(exp.Is(this=value.copy(), expression=exp.null()))
