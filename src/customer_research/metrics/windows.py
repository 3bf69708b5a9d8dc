"""Aggregates over windows at many instants, counted from what enters and leaves: a row costs a few events, not a visit each.

A grouped query over a large table says of each row, at an instant T, whether it counts and with what value: sums of steps
(`metrics.steps`). Counts, sums and averages are linear in them, so each is a sum over events (the instant from which a value
counts, the value, its sign) added up along the calendar; a least or greatest value that only ever comes in is the least or
greatest so far; of the others, and for distinct values, each value's rows are counted. All of it is derived from the
query's syntax tree: no metric is defined twice. What has no such form stays as lifting makes it.
"""

# ruff: noqa: S608 - names in these texts are the queries' own, and ours
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
_DAY = 86_400_000_000
_FEW = 3
"""From more streams of one instant than these, rows are first added up by day."""


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

    Its relations begin with the name of the relation that the query is: some dialects have them all side by side.

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
    own = {cte.alias.lower() for cte in body.ctes}
    source = flattened(body, inner, lambda other: other in own or is_timed(other))
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
    """Events of one set of clocks: what is added up (SQL → name, and how) of the rows when they have passed."""

    quantities: dict[str, tuple[str, str]] = field(default_factory=dict)
    conditions: list[frozenset[str]] = field(default_factory=list)


@dataclass(slots=True)
class _Figure:
    """A column that runs along the calendar: SUM, MIN or MAX of events."""

    kind: str
    parts: list[tuple[Clocks, str, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Valued:
    """Aggregates over the values that have rows: when a row counts, and the aggregates by the names of their columns."""

    name: str
    present: Terms
    outputs: dict[str, str] = field(default_factory=dict)


class _Counting:
    """One grouped query on its way: its figures, the streams of events they need, and their joints."""

    def __init__(self, source: Source, instants: Mapping[str, int | None], calendar: EvenCalendar) -> None:
        self._source = source
        self._instants = instants
        self._calendar = calendar
        self._keys: dict[str, str] = {}
        self._streams: dict[Clocks, _Stream] = {}
        self._figures: dict[str, _Figure] = {}
        self._valued: dict[tuple[Terms, str], _Valued] = {}
        self._where = is_true(source.where, instants)
        self._aggregates = 0
        self._prefix = ""

    # -- what the query asks --------------------------------------------------------------------------------------------

    def query(self, select: exp.Select) -> exp.Select:
        """The query of all its parts."""
        self._prefix = f"{select.parent.alias}_" if isinstance(select.parent, exp.CTE) else "counted_"
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
        return str(tree.this.sql(dialect=DIALECT))

    def _aggregate(self, call: exp.AggFunc) -> str:
        self._aggregates += 1
        name = f"figure_{self._aggregates}"
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
        added = [(w, f"CAST({t} AS {_EXACT})" if average else t) for w, _, t in text if average or t != "0"]
        total = self._linear(name, added, exact=average) if added else "0"
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
        self._run(name, kind, [(when, value.sql(dialect=DIALECT)) for when, value in taken])
        return name

    def _of_values(self, name: str, kind: str, taken: Sequence[tuple[Terms, exp.Expr]]) -> str:
        """An aggregate over the distinct values that have rows: a counting of its own, grouped by the value as well."""
        if len(taken) != 1:
            raise NotStepsError("several values of which some leave")
        ((when, value),) = taken
        present = both(when, is_true(_told(value), self._instants))
        counting = self._valued.setdefault(
            (present, value.sql(dialect=DIALECT)), _Valued(f"{self._prefix}values_{name}", present)
        )
        counting.outputs[name] = f"{kind}(running.counted_value)"
        return f"COALESCE({name}, 0)" if kind == "COUNT" else name

    # -- events ---------------------------------------------------------------------------------------------------------

    def _linear(self, name: str, taken: Sequence[tuple[Terms, str]], *, exact: bool = False) -> str:
        """A figure that adds up events."""
        if name not in self._figures:
            self._run(name, "SUM", taken, exact=exact)
        return name

    def _run(self, name: str, kind: str, taken: Sequence[tuple[Terms, str]], *, exact: bool = False) -> None:
        """Register a figure and its events."""
        figure = self._figures[name] = _Figure(kind)
        for when, value in taken:
            for term in when:
                if not term.clocks:
                    raise NotStepsError("rows that were always known")
                stream = self._streams.setdefault(term.clocks, _Stream())
                conditions = frozenset(condition.sql for condition in term.conditions)
                stream.conditions.append(conditions)
                chosen = f"CASE WHEN {' AND '.join(sorted(conditions))} THEN {value} END" if conditions else value
                summed = f"SUM({chosen})" if exact else f"CAST(SUM({chosen}) AS BIGINT)"
                quantity = (f"quantity_{len(stream.quantities)}", kind)
                quantity = stream.quantities.setdefault(summed if kind == "SUM" else f"{kind}({chosen})", quantity)
                figure.parts.append((term.clocks, quantity[0], term.sign))

    def _text(self, outputs: Sequence[str]) -> str:
        """The whole query: streams, their sums by step, a row for every instant from the first, and what has run up."""
        ctes = dict(self._running(self._prefix, self._keys))
        joins = []
        for (_, value), valued in self._valued.items():
            inner = _Counting(self._source, self._instants, self._calendar)
            ctes |= inner.of_value(valued, {**self._keys, "counted_value": value}, tuple(self._keys))
            joins.append(
                f"LEFT JOIN {valued.name} ON {_same('running', valued.name, self._keys)} AND {valued.name}.t = running.t"
            )
        bodies = ", ".join(f"{name} AS ({body})" for name, body in ctes.items())
        listed = ", ".join(_of_running(output, self._keys) for output in outputs)
        return f"WITH {bodies} SELECT {listed}, running.t AS t FROM {self._prefix}running AS running {' '.join(joins)} WHERE running.{_ROWS} > 0"

    def of_value(self, valued: _Valued, keys: Mapping[str, str], by: Sequence[str]) -> dict[str, str]:
        """The relations up to the one that sums up which values have rows at t, for each of the keys `by`."""
        self._linear(_ROWS, [(valued.present, "1")])
        outputs = ", ".join(f"{sql} AS {name}" for name, sql in valued.outputs.items())
        summed = (
            f"SELECT {_of('running', by)}, running.t, {outputs} FROM {valued.name}_running AS running "
            f"WHERE running.{_ROWS} > 0 GROUP BY {_of('running', by)}, running.t"
        )
        return {**self._running(f"{valued.name}_", keys), valued.name: summed}

    def _running(self, prefix: str, keys: Mapping[str, str]) -> dict[str, str]:
        """The relations up to `<prefix>running`: keys, t, and each figure at t."""
        ctes = self._all_streams(prefix, keys)
        names = {clocks: f"{prefix}stream_{number}" for number, clocks in enumerate(self._streams)}
        listed = ", ".join(f'"{key}"' for key in keys)
        known = dict.fromkeys(names[clocks] for clocks, _, _ in self._figures[_ROWS].parts)
        entries = " UNION ALL ".join(f"SELECT {listed}, step FROM {name}" for name in known)
        ctes[f"{prefix}grid"] = (
            f"SELECT {_of('begun', keys)}, positions.step, positions.t "
            f"FROM (SELECT {listed}, MIN(step) AS first FROM ({entries}) AS entry GROUP BY {listed}) AS begun "
            f"JOIN ({self._positions()}) AS positions ON positions.step >= begun.first"
        )
        frame = f"PARTITION BY {_of('grid', keys)} ORDER BY grid.step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        runs = ", ".join(f"{_run_up(figure, names, frame)} AS {name}" for name, figure in self._figures.items())
        joins = " ".join(
            f"LEFT JOIN {one} ON {_same('grid', one, keys)} AND {one}.step = grid.step" for one in names.values()
        )
        ctes[f"{prefix}running"] = f"SELECT {_of('grid', keys)}, grid.t, {runs} FROM {prefix}grid AS grid {joins}"
        return ctes

    def _all_streams(self, prefix: str, keys: Mapping[str, str]) -> dict[str, str]:
        """Every stream: keys, step and its quantities; those of one instant alone out of its days where they are many."""
        alone: dict[str, dict[int, Clocks]] = {}
        for number, clocks in enumerate(self._streams):
            if len(clocks) == 1:
                alone.setdefault(next(iter(clocks))[0], {})[number] = clocks
        ctes: dict[str, str] = {}
        from_days: dict[int, str] = {}
        for place, (clock, streams) in enumerate(alone.items()):
            if len(streams) > _FEW and self._in_days(streams.values()):
                ctes[f"{prefix}days_{place}"] = self._by_day(clock, streams, keys)
                from_days |= dict.fromkeys(streams, f"{prefix}days_{place}")
        for number, (clocks, stream) in enumerate(self._streams.items()):
            ctes[f"{prefix}stream_{number}"] = (
                self._from_days(from_days[number], clocks, stream, number, keys)
                if number in from_days
                else self._events(clocks, stream, keys)
            )
        return ctes

    # -- streams ----------------------------------------------------------------------------------------------------------

    def _in_days(self, streams: Iterable[Clocks]) -> bool:
        """Whether all that moves the events of these clocks is whole days."""
        offsets = (offset for clocks in streams for _, offset in clocks)
        return not any(offset % _DAY for offset in (self._step, *offsets))

    def _by_day(self, clock: str, streams: Mapping[int, Clocks], keys: Mapping[str, str]) -> str:
        """All quantities of the streams of one instant, by keys and the instant's day (counted from the calendar's start)."""
        day = f"CAST(FLOOR(CAST({self._since(clock)} AS DOUBLE) / {_DAY}) AS BIGINT)"
        sums = ", ".join(
            f"{sql} AS stream_{number}_{name}"
            for number, clocks in streams.items()
            for sql, (name, _) in self._streams[clocks].quantities.items()
        )
        farthest = min(offset for clocks in streams.values() for _, offset in clocks)
        return self._grouped(keys, f"{day} AS day", sums, [self._in_time(clock, farthest)], f"{day}")

    def _from_days(self, days: str, clocks: Clocks, stream: _Stream, number: int, keys: Mapping[str, str]) -> str:
        """One stream out of the days."""
        ((_, offset),) = clocks
        step = self._position(f"day * {_DAY} + {offset}")
        sums = ", ".join(
            _regathered(f"stream_{number}_{name}", kind, sql) + f" AS {name}"
            for sql, (name, kind) in stream.quantities.items()
        )
        listed = ", ".join(f'"{key}"' for key in keys)
        end = self._step * (self._calendar.count - 1)
        return (
            f"SELECT {listed}, {step} AS step, {sums} FROM {days} WHERE day * {_DAY} + {offset} < {end} "
            f"GROUP BY {listed}, {step}"
        )

    def _events(self, clocks: Clocks, stream: _Stream, keys: Mapping[str, str]) -> str:
        """One stream: its quantities by keys and the first step at which all its clocks have passed."""
        since = [f"{self._since(clock)} + {offset}" for clock, offset in sorted(clocks)]
        position = self._position(f"GREATEST({', '.join(since)})" if len(since) > 1 else since[0])
        limits = [self._in_time(clock, offset) for clock, offset in sorted(clocks)]
        shared = sorted(frozenset.intersection(*stream.conditions))
        sums = ", ".join(f"{sql} AS {name}" for sql, (name, _) in stream.quantities.items())
        return self._grouped(keys, f"{position} AS step", sums, [*limits, *shared], position)

    def _grouped(self, keys: Mapping[str, str], at: str, sums: str, where: Sequence[str], group: str) -> str:
        tables = " ".join(part.sql(dialect=DIALECT) for part in (self._source.told.this, *self._source.joins))
        inner = ", ".join(f'{sql} AS "{name}"' for name, sql in keys.items())
        groups = ", ".join([*keys.values(), group])
        return f"SELECT {inner}, {at}, {sums} FROM {tables} WHERE {' AND '.join(where)} GROUP BY {groups}"

    @property
    def _step(self) -> int:
        return self._calendar.step // timedelta(microseconds=1)

    @property
    def _start(self) -> str:
        return _instant(self._calendar.start)

    def _since(self, clock: str) -> str:
        """The microseconds from the calendar's start to an instant of a row."""
        return f"DATE_DIFF('microsecond', {self._start}, {clock})"

    def _position(self, since: str) -> str:
        """The number of the calendar's first instant after so many microseconds."""
        return f"CAST(GREATEST(FLOOR(CAST({since} AS DOUBLE) / {self._step}) + 1, 0) AS BIGINT)"

    def _in_time(self, clock: str, offset: int) -> str:
        """Whether an instant passes before the calendar's last."""
        last = self._calendar.start + self._calendar.step * (self._calendar.count - 1)
        return f"{clock} < {_instant(last - timedelta(microseconds=offset))}"

    def _positions(self) -> str:
        """The calendar's instants with their numbers."""
        return (
            f"SELECT CAST(DATE_DIFF('microsecond', {self._start}, t) / {self._step} AS BIGINT) AS step, t FROM calendar"
        )


def _instant(instant: datetime) -> str:
    return f"CAST('{instant.isoformat(sep=' ')}' AS TIMESTAMP)"


def _of(relation: str, keys: Iterable[str]) -> str:
    return ", ".join(f'{relation}."{key}"' for key in keys)


def _run_up(figure: _Figure, names: Mapping[Clocks, str], frame: str) -> str:
    """What a figure has run up to by a row of the grid."""
    if not figure.parts:
        return "0" if figure.kind == "SUM" else "NULL"
    if figure.kind == "SUM":
        events = " ".join(
            f"{'+' if sign > 0 else '-'} {'' if abs(sign) == 1 else f'{abs(sign)} * '}COALESCE({names[clocks]}.{quantity}, 0)"
            for clocks, quantity, sign in figure.parts
        )
        return f"SUM({events.removeprefix('+ ')}) OVER ({frame})"
    if len({clocks for clocks, _, _ in figure.parts}) > 1:
        pick, parts = ("LEAST" if figure.kind == "MIN" else "GREATEST"), figure.parts
        told = f"{pick}({', '.join(f'{names[clocks]}.{quantity}' for clocks, quantity, _ in parts)})"
    else:
        ((clocks, quantity, _),) = figure.parts
        told = f"{names[clocks]}.{quantity}"
    return f"{figure.kind}({told}) OVER ({frame})"


def _regathered(name: str, kind: str, sql: str) -> str:
    return f"CAST(SUM({name}) AS BIGINT)" if sql.startswith("CAST(SUM(") else f"{kind}({name})"


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
