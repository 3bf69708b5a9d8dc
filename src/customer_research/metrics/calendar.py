"""Metric queries at many instants in one pass: the same SQL, rewritten from `$as_of` to a table `calendar(t TIMESTAMP)`.

*Lifting* turns a query about one instant into one about every instant of the calendar: the same cells with a column `t`
beside them. A relation is *timed* when it reads the calendar or a timed relation; wherever the query selects from one, the
instant joins the select list, the groups, the partitions of windows, and the join of two timed relations. Only the syntax
tree is used. Where the calendar's steps are even, aggregates over windows are then counted from the rows' entries and exits
(`metrics.windows`), so that a row costs a few events and not a visit an instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import cast

import sqlglot
from sqlglot import exp

from customer_research.errors import EngineError
from customer_research.metrics.steps import NotStepsError
from customer_research.metrics.wide import Stage, stages
from customer_research.metrics.windows import EvenCalendar, counted, flattened, instants_of

CALENDAR = "calendar"
"""The table of instants that lifted queries read: one column `t`, each instant once."""

ACCOUNT_TABLE = "account_metrics"
LARGE = frozenset({"reservation", "charge", "invoice"})
"""The tables with so many rows that looking at each for every instant takes too long."""

_DIALECT = "duckdb"
_INSTANT = "t"


@lru_cache(maxsize=256)
def lifted(sql: str, timed: frozenset[str] = frozenset({ACCOUNT_TABLE}), even: EvenCalendar | None = None) -> str:
    """A query about `$as_of` as one about every instant of `calendar`: its rows for each, with the instant as column `t`.

    The rows come in no order.

    Args:
        sql: one query in DuckDB's dialect; it reads the instant as `SELECT CAST($as_of AS TIMESTAMP) AS t` only.
        timed: the tables that have a column `t` already, such as kept results of lifted queries.
        even: the calendar's instants, where their steps are even: aggregates over large tables are then counted by events.

    Raises:
        EngineError: when the query does not depend on an instant, or says something that has no form for many instants.
    """
    query = cast("exp.Query", sqlglot.parse_one(sql, read=_DIALECT))
    depends = _Lifting(timed | {CALENDAR}, even).query(query, {})
    if not depends:
        raise _unliftable("it does not depend on an instant")
    if any(query.find_all(exp.Placeholder, exp.Parameter)):
        raise _unliftable("it has parameters other than the instant")
    return query.sql(dialect=_DIALECT, pretty=True, comments=False)


def calendar_stages(instants: Sequence[datetime] = ()) -> tuple[Stage, ...]:
    """The steps to `account_metrics` at every instant of `calendar`: as `metrics.wide.stages`, with a column `t` in each.

    Args:
        instants: what the calendar holds (UTC); where it is told and even, windows over large tables are counted by events.
    """
    even, timed, out = even_calendar(instants), set[str](), []
    for stage in stages():
        out.append(Stage(stage.name, lifted(stage.sql, frozenset(timed), even)))
        timed.add(stage.name)
    return tuple(out)


def even_calendar(instants: Sequence[datetime]) -> EvenCalendar | None:
    """The calendar of these instants if there are several at even steps, in whatever order."""
    told = sorted({instant.astimezone(UTC).replace(tzinfo=None) for instant in instants})
    steps = {later - earlier for earlier, later in pairwise(told)}
    return EvenCalendar(told[0], steps.pop(), len(told)) if len(steps) == 1 else None


class _Lifting:
    """One rewrite, in place: which names are timed where, and what that asks of each part of a query."""

    def __init__(self, timed: Iterable[str], even: EvenCalendar | None) -> None:
        self._tables = frozenset(timed)
        self._even = even
        self._definitions: dict[str, exp.Query] = {}

    def query(self, query: exp.Expr, outer: Mapping[str, bool]) -> bool:
        """Lift a query; whether it is timed. `outer` tells of the names defined around it."""
        names = dict(outer)
        for cte in query.ctes if isinstance(query, exp.Query) else ():
            name, before = cte.alias.lower(), cte.this.copy()
            names[name] = self.query(cte.this, names)
            self._definitions[name] = before
        if isinstance(query, exp.SetOperation):
            return self._union(query, names)
        if isinstance(query, exp.Subquery):
            return self.query(query.this, names)
        if not isinstance(query, exp.Select):
            raise _unliftable(f"it has a {query.key.upper()} where a query is expected")
        return self._select(query, names)

    def _union(self, query: exp.SetOperation, names: Mapping[str, bool]) -> bool:
        left, right = self.query(query.this, names), self.query(query.expression, names)
        if left != right:
            raise _unliftable("one branch of a union depends on the instant and the other does not")
        query.set("order", None)
        return left

    def _select(self, select: exp.Select, names: Mapping[str, bool]) -> bool:
        if _reads_parameter(select):
            select.replace(exp.select(_INSTANT).from_(CALENDAR))
            return True
        if self._by_events(select, names):
            return True
        if _of_all_instants(select):
            return False
        sources = self._sources(select, names)
        self._refuse_nested(select, names)
        if not sources:
            return False
        first = sources[0]
        instant = exp.column(_INSTANT, table=first)
        _carry(select, sources, instant)
        group = select.args.get("group")
        if group is not None:
            group.append("expressions", instant.copy())
        elif _aggregates(select):
            raise _unliftable("it aggregates without GROUP BY, which has a row even for an instant without any")
        for window in _own(select, exp.Window):
            window.set("partition_by", [*(window.args.get("partition_by") or ()), instant.copy()])
        if select.args.get("limit") is not None or select.args.get("offset") is not None:
            raise _unliftable("it has a LIMIT")
        select.set("order", None)
        return True

    def _by_events(self, select: exp.Select, names: Mapping[str, bool]) -> bool:
        """Count a grouped query over a large table by events, where that can be done."""
        if self._even is None or select.args.get("group") is None or "moment" not in self._definitions:
            return False

        def is_timed(name: str) -> bool:
            return names.get(name, name in self._tables)

        try:
            source = flattened(select, self._definitions, is_timed)
            if source.told.this.name not in LARGE:
                return False
            select.replace(counted(select, source, instants_of(self._definitions["moment"]), self._even))
        except NotStepsError:
            return False
        return True

    def _sources(self, select: exp.Select, names: Mapping[str, bool]) -> list[str]:
        """The timed relations that a SELECT reads, in order, joined to each other on the instant."""
        told = select.args.get("from_")
        if told is None:
            return []
        sources = [told.this.alias_or_name] if self._timed(told.this, names) else []
        for join in select.args.get("joins") or ():
            if join.side in ("RIGHT", "FULL") or join.args.get("using") or join.method:
                raise _unliftable(f"it has a join that is neither inner, left nor cross, or is not ON: {join.sql()!r}")
            if not self._timed(join.this, names):
                continue
            name = join.this.alias_or_name
            if sources:
                on = exp.column(_INSTANT, table=name).eq(exp.column(_INSTANT, table=sources[0]))
                join.set("kind", None if join.kind == "CROSS" else join.kind)
                join.set("on", on if join.args.get("on") is None else exp.and_(join.args["on"], on, copy=False))
            elif join.side == "LEFT":
                raise _unliftable(f"nothing before the left join of {name!r} depends on the instant")
            sources.append(name)
        return sources

    def _timed(self, source: exp.Expr, names: Mapping[str, bool]) -> bool:
        if isinstance(source, exp.Subquery):
            return self.query(source.this, names)
        if not isinstance(source, exp.Table):
            raise _unliftable(f"it reads from a {source.key.upper()}")
        name = source.name.lower()
        return names.get(name, name in self._tables)

    def _refuse_nested(self, select: exp.Select, names: Mapping[str, bool]) -> None:
        """A subquery among the expressions would need the instant of the row around it."""
        for key in ("expressions", "where", "having", "qualify"):
            parts = select.args.get(key)
            for part in parts if isinstance(parts, list) else [parts] if parts is not None else []:
                for table in part.find_all(exp.Table):
                    if self._timed(table, names):
                        raise _unliftable(f"{table.name!r} depends on the instant within an expression")


def _reads_parameter(select: exp.Select) -> bool:
    """Whether it is the one way in which queries read the instant."""
    if select.args.get("from_") is not None or len(select.expressions) != 1:
        return False
    told = select.expressions[0]
    return told.alias == _INSTANT and told.find(exp.Placeholder, exp.Parameter) is not None


def _of_all_instants(select: exp.Select) -> bool:
    """Whether it sums up `moment` itself, such as `span`: of a calendar one row about all its instants."""
    told = select.args.get("from_")
    alone = told is not None and told.this.name == "moment" and not select.args.get("joins")
    return alone and select.args.get("group") is None and _aggregates(select)


def _carry(select: exp.Select, sources: list[str], instant: exp.Column) -> None:
    """Put the instant into the select list, unless a star or a column of that name brings it."""
    stars = [told for told in select.expressions if told.is_star]
    bringing = [star for star in stars if not isinstance(star, exp.Column) or star.table in sources]
    if any(not isinstance(star, exp.Column) for star in stars) and (select.args.get("joins") or len(stars) > 1):
        raise _unliftable("it selects * from a join")
    if len(bringing) > 1:
        raise _unliftable("it selects * of several relations that depend on the instant")
    if not bringing and not any(told.alias_or_name == _INSTANT for told in select.expressions):
        select.append("expressions", exp.alias_(instant.copy(), _INSTANT))


def _own(select: exp.Select, *kinds: type[exp.Expr]) -> list[exp.Expr]:
    """The nodes of these kinds in a SELECT itself, not in its subqueries."""
    return [node for node in select.find_all(*kinds) if node.find_ancestor(exp.Select) is select]


def _aggregates(select: exp.Select) -> bool:
    return any(node.find_ancestor(exp.Window) is None for node in _own(select, exp.AggFunc))


def _unliftable(why: str) -> EngineError:
    return EngineError(f"The query has no form for a calendar of instants: {why}.")
