"""Metric queries at many instants in one pass: the same SQL, rewritten from `$as_of` to a table `calendar(t TIMESTAMP)`.

*Lifting* turns a query about one instant into one about every instant of the calendar: the same cells with a column `t`
beside them. A relation is *timed* when it reads the calendar or a timed relation; wherever the query selects from one, the
instant joins the select list, the groups, the partitions of windows, and the join of two timed relations. Only the syntax
tree is used. Where the calendar's steps are even, aggregates over windows are then counted from the rows' entries and exits
(`over_time.windows`), so that a row costs a few events and not a visit an instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import cast

import sqlglot
from sqlglot import exp

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.records import DIALECT
from customer_research.errors import EngineError
from customer_research.metrics import wide
from customer_research.metrics.over_time.events import EvenCalendar
from customer_research.metrics.over_time.joins import side_by_side
from customer_research.metrics.over_time.ranking import in_front
from customer_research.metrics.over_time.steps import instants_of
from customer_research.metrics.over_time.windows import SharedCounts, keys_of
from customer_research.metrics.relations import MOMENT, FlatRelation, NoFormError, flat_relation
from customer_research.metrics.wide import PRESENT, Reconstruction, Stage

CALENDAR = "calendar"
"""The table of instants that lifted queries read: one column `t`, each instant once."""

LARGE = frozenset({"reservation", "charge", "invoice", "engagement", "driver", "member"})
"""The tables with so many rows that looking at each for every instant takes too long."""

_INSTANT = "t"


@lru_cache(maxsize=256)
def lifted(
    sql: str,
    timed: frozenset[str] = frozenset({ACCOUNT_TABLE}),
    even: EvenCalendar | None = None,
    large: frozenset[str] = LARGE,
) -> str:
    """A query about `$as_of` as one about every instant of `calendar`: its rows for each, with the instant as column `t`.

    The rows come in no order.

    Args:
        sql: one query in DuckDB's dialect; it reads the instant as `SELECT CAST($as_of AS TIMESTAMP) AS t` only.
        timed: the tables that have a column `t` already, such as kept results of lifted queries.
        even: the calendar's instants, where their steps are even: aggregates over large tables are then counted by events.
        large: those tables.

    Raises:
        EngineError: when the query does not depend on an instant, or says something that has no form for many instants.
    """
    query = cast("exp.Query", sqlglot.parse_one(sql, read=DIALECT))
    rewrite = _Rewrite(query, timed | {CALENDAR}, even, large)
    if not rewrite.query(query, {}):
        raise _unliftable("it does not depend on an instant")
    rewrite.add_relations()
    _drop_unread(query)
    if any(query.find_all(exp.Placeholder, exp.Parameter)):
        raise _unliftable("it has parameters other than the instant")
    return query.sql(dialect=DIALECT, pretty=True, comments=False)


def stages(
    instants: Sequence[datetime] = (),
    *,
    recursion: bool = True,
    lacking: Collection[str] | None = None,
    past: Reconstruction = PRESENT,
) -> tuple[Stage, ...]:
    """The steps to `account_metrics` at every instant of `calendar`: as `metrics.wide.stages`, with a column `t` in each.

    Args:
        instants: what the calendar holds (UTC); where it is given and even, windows over large tables are counted by events.
        recursion: whether the engine has recursive queries.
        lacking: as for `metrics.wide.stages`.
        past: as there.
    """
    even, timed, out = even_calendar(instants, recursion=recursion), set[str](), []
    large = LARGE - past.rebuilt  # their spans end, too: events would take too much memory
    for stage in wide.stages(lacking, past):
        out.append(Stage(stage.name, lifted(stage.sql, frozenset(timed), even, large)))
        timed.add(stage.name)
    return tuple(out)


def even_calendar(instants: Sequence[datetime], *, recursion: bool = True) -> EvenCalendar | None:
    """The calendar of these instants if there are several at even steps, in whatever order."""
    sorted_instants = sorted({instant.astimezone(UTC).replace(tzinfo=None) for instant in instants})
    steps = {later - earlier for earlier, later in pairwise(sorted_instants)}
    return EvenCalendar(sorted_instants[0], steps.pop(), len(sorted_instants), recursion) if len(steps) == 1 else None


class _Rewrite:
    """One rewrite, in place: which names are timed where, and what that asks of each part of a query."""

    def __init__(self, root: exp.Query, timed: Iterable[str], even: EvenCalendar | None, large: frozenset[str]) -> None:
        self._root = root
        self._large = large
        self._outermost = {cte.alias.lower() for cte in root.ctes}
        self._tables = frozenset(timed)
        self._even = even
        self._definitions: dict[str, exp.Query] = {}
        self._countings: dict[tuple[str, ...], tuple[SharedCounts, list[exp.Select]]] = {}

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
        if self._by_events(select, names) or self._in_front(select, names):
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
        if self._even is None or select.args.get("group") is None or select is self._root:
            return False
        try:
            source = self._large_source(select, names)
            counting = self._counting(select, source)
            query = counting.query(select, source)
        except NoFormError:
            return False
        select.replace(query)
        self._countings.setdefault(_source_key(source, keys_of(select, source)), (counting, []))[1].append(query)
        return True

    def _in_front(self, select: exp.Select, names: Mapping[str, bool]) -> bool:
        """Tell who stands first in a large table by the rows' times in front, where that can be done."""
        if self._even is None or not any(isinstance(output.unalias(), exp.Window) for output in select.expressions):
            return False
        try:
            source = self._large_source(select, names)
            query = in_front(select, source, instants_of(self._definitions[MOMENT]), self._root)
        except NoFormError:
            return False
        select.replace(query)
        return True

    def _large_source(self, select: exp.Select, names: Mapping[str, bool]) -> FlatRelation:
        """What a query reads, if that is a large table."""

        def is_timed(name: str) -> bool:
            return names.get(name, name in self._tables)

        if MOMENT not in self._definitions:
            raise NoFormError("no instant")
        source = flat_relation(select, self._definitions, is_timed)
        if source.from_.this.name not in self._large:
            raise NoFormError("a small table")
        return source

    def _counting(self, select: exp.Select, source: FlatRelation) -> SharedCounts:
        """What counts this source by these keys: queries that come again find the one that the first of them made."""
        keys = keys_of(select, source)
        inner = self._definitions.keys() - self._outermost
        if any(join.this.name.lower() in inner for join in source.joins):
            raise NoFormError("a join with a relation that the outermost WITH does not see")
        known = self._countings.get(_source_key(source, keys))
        if known is not None:
            return known[0]
        assert self._even is not None
        name = f"{select.parent.alias}_" if isinstance(select.parent, exp.CTE) else "counted_"
        return SharedCounts(f"{name}by_events", source, keys, instants_of(self._definitions[MOMENT]), self._even)

    def add_relations(self) -> None:
        """Put the relations of all countings into the outermost WITH, each before the first query that reads it."""
        for counting, readers in self._countings.values():
            side_by_side(self._root, readers, counting.keys)
            relations = counting.relations()
            added = [
                exp.CTE(
                    this=sqlglot.parse_one(sql, read=DIALECT),
                    alias=exp.TableAlias(this=exp.to_identifier(name)),
                    materialized=True if name in counting.kept else None,
                )
                for name, sql in relations.items()
            ]
            with_ = self._root.args.get("with_")
            if with_ is None:
                with_ = exp.With(expressions=[])
                self._root.set("with_", with_)
            parts = list(with_.expressions)
            place = next((n for n, cte in enumerate(parts) if _within(readers[0], cte)), len(parts))
            with_.set("expressions", [*parts[:place], *added, *parts[place:]])
            with_.set("recursive", True)

    def _sources(self, select: exp.Select, names: Mapping[str, bool]) -> list[str]:
        """The timed relations that a SELECT reads, in order, joined to each other on the instant."""
        from_ = select.args.get("from_")
        if from_ is None:
            return []
        sources = [from_.this.alias_or_name] if self._timed(from_.this, names) else []
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


def _source_key(source: FlatRelation, keys: Mapping[str, str]) -> tuple[str, ...]:
    """What tells sources that are read by keys apart."""
    tables = (part.sql(dialect=DIALECT) for part in (source.from_, *source.joins))
    return (*tables, *(f"{name} {sql}" for name, sql in keys.items()))


def _within(inner: exp.Expr, outer: exp.Expr) -> bool:
    node: exp.Expr | None = inner
    while node is not None and node is not outer:
        node = node.parent
    return node is not None


def _drop_unread(query: exp.Query) -> None:
    """Take out the relations that nothing reads any more, such as a large table at every instant."""
    with_ = query.args.get("with_")
    while with_ is not None:
        read = {
            table.name.lower()
            for table in query.find_all(exp.Table)
            for definition in [table.find_ancestor(exp.CTE)]
            if definition is None or definition.alias.lower() != table.name.lower()
        }
        kept = [cte for cte in with_.expressions if cte.alias.lower() in read]
        if len(kept) == len(with_.expressions):
            return
        with_.set("expressions", kept)


def _reads_parameter(select: exp.Select) -> bool:
    """Whether it is the one way in which queries read the instant."""
    if select.args.get("from_") is not None or len(select.expressions) != 1:
        return False
    output = select.expressions[0]
    return output.alias == _INSTANT and output.find(exp.Placeholder, exp.Parameter) is not None


def _of_all_instants(select: exp.Select) -> bool:
    """Whether it sums up `moment` itself, such as `span`: of a calendar one row about all its instants."""
    from_ = select.args.get("from_")
    alone = from_ is not None and from_.this.name == MOMENT and not select.args.get("joins")
    return alone and select.args.get("group") is None and _aggregates(select)


def _carry(select: exp.Select, sources: list[str], instant: exp.Column) -> None:
    """Put the instant into the select list, unless a star or a column of that name brings it."""
    stars = [output for output in select.expressions if output.is_star]
    bringing = [star for star in stars if not isinstance(star, exp.Column) or star.table in sources]
    if any(not isinstance(star, exp.Column) for star in stars) and (select.args.get("joins") or len(stars) > 1):
        raise _unliftable("it selects * from a join")
    if len(bringing) > 1:
        raise _unliftable("it selects * of several relations that depend on the instant")
    if not bringing and not any(output.alias_or_name == _INSTANT for output in select.expressions):
        select.append("expressions", exp.alias_(instant.copy(), _INSTANT))


def _own(select: exp.Select, *kinds: type[exp.Expr]) -> list[exp.Expr]:
    """The nodes of these kinds in a SELECT itself, not in its subqueries."""
    return [node for node in select.find_all(*kinds) if node.find_ancestor(exp.Select) is select]


def _aggregates(select: exp.Select) -> bool:
    return any(node.find_ancestor(exp.Window) is None for node in _own(select, exp.AggFunc))


def _unliftable(why: str) -> EngineError:
    return EngineError(f"The query has no form for a calendar of instants: {why}.")
