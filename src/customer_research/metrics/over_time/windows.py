"""Aggregates over windows at many instants, counted from what enters and leaves: a row costs a few events, not a visit each.

A grouped query over a large table says of each row, at an instant T, whether it counts and with what value: sums of steps
(`over_time.steps`). Counts, sums and averages are linear in them, so each is a sum over events (the instant from which a value
counts, the value, its sign) added up along the calendar (`over_time.events`); a least or greatest value that only ever comes
in is the least or greatest so far; of the others, and for distinct values, each value's rows are counted. The queries of
one statement that read the same source by the same keys share their events. All of it is derived from the query's syntax
tree: no metric is defined twice. What has no such form stays as lifting makes it.
"""

# ruff: noqa: S608 - names in these texts are the queries' own, and ours
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import sqlglot
from sqlglot import exp

from customer_research.domain.records import DIALECT
from customer_research.metrics.over_time.events import EvenCalendar, RunningTotals, same
from customer_research.metrics.over_time.steps import Terms, both, depends, is_true, plus, values
from customer_research.metrics.relations import FlatRelation, NoFormError, resolved

Taken = Sequence[tuple[Terms, exp.Expr]]
_OPERATOR = "operator_id"


@dataclass(slots=True)
class _DistinctValues:
    """The distinct values of one expression: which have rows, and aggregates over those, by the names of their columns.

    Only groups that ever have several values are counted so. `reach`: the query of each group's least and greatest value.
    """

    name: str
    running: RunningTotals
    reach: str
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def reached(self) -> str:
        """The name of the relation that `reach` makes."""
        return f"{self.name}_reach"


@dataclass(eq=False)
class SharedCounts:
    """The grouped queries of one statement that read one source by the same keys, and the relations that they share.

    `name` begins the names of its relations; `groups` are those by name, over the source's tables; `instants` the columns of
    `moment` as microseconds before T (None is T's day).
    """

    name: str
    source: FlatRelation
    groups: Mapping[str, str]
    instants: Mapping[str, int | None]
    calendar: EvenCalendar

    def __post_init__(self) -> None:
        self._tables = " ".join(part.sql(dialect=DIALECT) for part in (self.source.from_, *self.source.joins))
        self._running = RunningTotals(self.name, self._tables, self.groups, self.calendar)
        self._values: dict[str, _DistinctValues] = {}

    def query(self, select: exp.Select, source: FlatRelation) -> exp.Select:
        """A grouped query over the source as one of every instant, with the instant as column `t`; it reads `relations`.

        Args:
            select: the query, as it is for one instant.
            source: what it reads: as that of all, with a condition and columns of its own.

        Raises:
            NoFormError: when part of it has no such form.
        """
        asked = _Aggregates(self, source, is_true(source.where, self.instants))
        keys = {output.unalias().sql(dialect=DIALECT): name for output, name in _groups(select)}
        outputs = []
        for output in select.expressions:
            tree = output.unalias()
            key = keys.get(tree.sql(dialect=DIALECT))
            outputs.append(f'running."{key}"' if key else f'{asked.output(tree)} AS "{output.alias_or_name}"')
        rows = self._running.rows(asked.where)
        joins = " ".join(
            f"LEFT JOIN {found.name} ON {same('running', found.name, self.groups)} AND {found.name}.t = running.t "
            f"LEFT JOIN {found.reached} ON {same('running', found.reached, self.groups)}"
            for found in asked.values.values()
        )
        text = f"SELECT {', '.join(outputs)}, running.t AS t FROM {self._running.name} AS running {joins} WHERE running.{rows} > 0"
        return cast("exp.Select", sqlglot.parse_one(text, read=DIALECT))

    def relations(self) -> Mapping[str, str]:
        """The relations that the queries read, by name, in order; some read themselves."""
        out = dict(self._running.relations())
        by = ", ".join(f'running."{key}"' for key in self.groups)
        for values_ in self._values.values():
            out[values_.reached] = values_.reach
            out |= values_.running.relations()
            outputs = ", ".join(f"{sql} AS {name}" for sql, name in values_.outputs.items())
            out[values_.name] = (
                f"SELECT {by}, running.t, {outputs} FROM {values_.running.name} AS running GROUP BY {by}, running.t"
            )
        return out

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the groups."""
        return tuple(self.groups)

    @property
    def kept(self) -> frozenset[str]:
        """Those of `relations`, once they are made up, that must be made once, however often they are read."""
        return self._running.kept.union(*(values_.running.kept for values_ in self._values.values()))

    def figure(self, taken: Sequence[tuple[Terms, str]], *, exact: bool = False) -> str:
        """The column of a sum."""
        return f"running.{self._running.linear(taken, exact=exact)}"

    def extreme(self, kind: Literal["MIN", "MAX"], taken: Sequence[tuple[Terms, str]]) -> str:
        """The column of a least or greatest value so far."""
        return f"running.{self._running.extreme(kind, taken)}"

    def of_values(
        self, kind: Literal["COUNT", "MIN", "MAX"], present: Terms, value: str
    ) -> tuple[_DistinctValues, str]:
        """The relation of an expression's distinct values, and the SQL of an aggregate over those that are present.

        A group that only ever has one value, as most have one currency, needs the number of its rows alone.
        """
        found = self._values.setdefault(value, self._values_of(value))
        rows = found.running.rows(present)
        present_values = f"{kind}(CASE WHEN running.{rows} > 0 THEN running.counted_value END)"
        column = f"{found.name}.{found.outputs.setdefault(present_values, f'value_{len(found.outputs) + 1}')}"
        only, none = ("1", "0") if kind == "COUNT" else (f"{found.reached}.lowest", "NULL")
        return found, f"COALESCE({column}, CASE WHEN {self.figure([(present, '1')])} > 0 THEN {only} ELSE {none} END)"

    def _values_of(self, value: str) -> _DistinctValues:
        name = f"{self.name}_values_{len(self._values) + 1}"
        key_columns = ", ".join(f'{sql} AS "{key}"' for key, sql in self.groups.items())
        reach = (
            f"SELECT {key_columns}, MIN({value}) AS lowest, MAX({value}) AS highest {self._tables} "
            f"GROUP BY {', '.join(self.groups.values())}"
        )
        on = " AND ".join(f'reach."{key}" IS NOT DISTINCT FROM {sql}' for key, sql in self.groups.items())
        tables = f"{self._tables} JOIN {name}_reach AS reach ON {on} AND reach.lowest <> reach.highest"
        running = RunningTotals(f"{name}_all", tables, {**self.groups, "counted_value": value}, self.calendar)
        return _DistinctValues(name, running, reach)

    def true(self, tree: exp.Expr) -> Terms:
        """When a condition over the source's tables is true."""
        return is_true(tree, self.instants)

    def taken(self, tree: exp.Expr) -> list[tuple[Terms, exp.Expr]]:
        """The values that an expression over the source's tables takes, and when."""
        return values(tree, self.instants)


@dataclass(slots=True)
class _Aggregates:
    """One query's aggregates over the figures that stand for them. `where`: when a row is in it."""

    counting: SharedCounts
    source: FlatRelation
    where: Terms
    values: dict[str, _DistinctValues] = field(default_factory=dict)

    def output(self, tree: exp.Expr) -> str:
        """An output's expression with columns for its aggregates."""
        tree = exp.paren(tree.copy(), copy=False)
        for call in list(tree.find_all(exp.AggFunc)):
            call.replace(sqlglot.parse_one(self._aggregate(call), read=DIALECT))
        return str(tree.this.sql(dialect=DIALECT))

    def _aggregate(self, call: exp.AggFunc) -> str:
        inner = call.this
        if isinstance(call, exp.Count) and isinstance(inner, exp.Star):
            return self.counting.figure([(self.where, "1")])
        if isinstance(call, exp.Count) and isinstance(inner, exp.Distinct) and len(inner.expressions) == 1:
            return self._of_values("COUNT", self._taken(inner.expressions[0]))
        if isinstance(call, exp.Sum | exp.Avg):
            return self._sum(self._taken(inner), average=isinstance(call, exp.Avg))
        if isinstance(call, exp.Min | exp.Max):
            return self._extreme("MIN" if isinstance(call, exp.Min) else "MAX", self._taken(inner))
        raise NoFormError(call.sql(dialect=DIALECT))

    def _taken(self, tree: exp.Expr) -> Taken:
        """The values that an aggregate's argument takes among the rows that count, nulls left out."""
        taken = self.counting.taken(resolved(tree, self.source.columns))
        return [(both(self.where, when), value) for when, value in taken if not isinstance(value, exp.Null)]

    def _sum(self, taken: Taken, *, average: bool) -> str:
        text = [(when, value, value.sql(dialect=DIALECT)) for when, value in taken]
        added = [(w, f"CAST({t} AS DECIMAL(38, 12))" if average else t) for w, _, t in text if average or t != "0"]
        total = self.counting.figure(added, exact=average) if added else "0"
        counted = [(w, "1") if _never_null(v) else (both(w, self.counting.true(_is_known(v))), "1") for w, v, _ in text]
        if not average and set(plus(*(when for when, _ in counted))) == set(self.where):
            return total
        number = self.counting.figure(counted)
        if average:
            return f"CASE WHEN {number} > 0 THEN CAST({total} AS DOUBLE) / {number} END"
        return f"CASE WHEN {number} > 0 THEN {total} END"

    def _extreme(self, kind: Literal["MIN", "MAX"], taken: Taken) -> str:
        """The least or greatest so far where values only come in; else by counting each value's rows."""
        if all(term.sign > 0 for when, _ in taken for term in when):
            return self.counting.extreme(kind, [(when, value.sql(dialect=DIALECT)) for when, value in taken])
        if all(value.is_int for _, value in taken):
            return self._of_constants(kind, taken)
        return self._of_values(kind, taken)

    def _of_constants(self, kind: Literal["MIN", "MAX"], taken: Taken) -> str:
        """The first of these whole numbers that a row has, in order."""
        found: dict[int, list[tuple[Terms, str]]] = {}
        for when, value in taken:
            found.setdefault(int(value.sql(dialect=DIALECT)), []).append((when, "1"))
        ordered = sorted(found.items(), reverse=kind == "MAX")
        return f"CASE {' '.join(f'WHEN {self.counting.figure(rows)} > 0 THEN {value}' for value, rows in ordered)} END"

    def _of_values(self, kind: Literal["COUNT", "MIN", "MAX"], taken: Taken) -> str:
        """An aggregate over the distinct values that have rows: a counting of its own, grouped by the value as well."""
        if len(taken) != 1:
            raise NoFormError("several values of which some leave")
        ((when, value),) = taken
        present = both(when, self.counting.true(_is_known(value)))
        found, column = self.counting.of_values(kind, present, value.sql(dialect=DIALECT))
        self.values[found.name] = found
        return column


def keys_of(select: exp.Select, source: FlatRelation) -> Mapping[str, str]:
    """The groups of a query by name, over the source's tables; the operator is one of them.

    Raises:
        NoFormError: when a group depends on the instant or is not selected, or the query does more than group.
    """
    for key in ("having", "qualify", "distinct", "limit", "order"):
        if select.args.get(key) is not None:
            raise NoFormError(key)
    keys = {}
    for output, name in _groups(select):
        spelt = resolved(output.unalias(), source.columns)
        if depends(spelt):
            raise NoFormError("a group that depends on the instant")
        keys[name] = spelt.sql(dialect=DIALECT)
    if len(keys) != len(select.args["group"].expressions) or _OPERATOR not in keys:
        raise NoFormError("a group that is not selected")
    return keys


def _groups(select: exp.Select) -> list[tuple[exp.Expr, str]]:
    """The selected groups, with their names."""
    grouped = {key.sql(dialect=DIALECT) for key in select.args["group"].expressions}
    return [
        (output, output.alias_or_name)
        for output in select.expressions
        if output.unalias().sql(dialect=DIALECT) in grouped
    ]


def _never_null(value: exp.Expr) -> bool:
    if isinstance(value, exp.Coalesce):
        return any(isinstance(one, exp.Literal) for one in value.expressions)
    return isinstance(value.unnest(), exp.Literal | exp.Boolean) or (
        isinstance(value, exp.Paren) and _never_null(value.this)
    )


def _is_known(value: exp.Expr) -> exp.Expr:
    return exp.not_(exp.Is(this=value.copy(), expression=exp.null()))
