"""Figures at every instant of an even calendar, from the events of a table's rows: the SQL of it.

A row's value counts from when some of its instants have passed (`over_time.steps`), with a sign. So a figure is a sum over
events, added up along the calendar. Rows are summed up by keys and step first, once for each set of instants; what has run
up by a step is that of the step before and its events, which a recursive query says (where the engine has none: a window).
Values that come and go by one instant at many offsets, such as counts by 30 days, are summed up by the period of that
instant alone and read back at each offset: a period's late part is in at the step after.
"""

# ruff: noqa: S608 - names in these texts are the queries' own, and ours
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from customer_research.metrics.over_time.steps import Clocks, Terms
from customer_research.metrics.relations import NoFormError

_EXACT = "DECIMAL(38, 12)"
"""Numbers are added and later taken away again, without a rest: binary fractions would leave one."""
_FEW = 3
"""From more offsets of one instant than these, a value is read back from its periods."""
_FAR = 100
"""But not when the farthest lies more periods back than these, and than ten times the calendar's instants."""

Kind = Literal["SUM", "MIN", "MAX"]
_Part = tuple[Clocks, "_Quantity", int]


@dataclass(frozen=True, slots=True)
class EvenCalendar:
    """Instants at even steps: `start`, `start + step`, ..., `count` of them; naive UTC.

    `recursion`: whether the engine has recursive queries, which add up along the calendar in a third of the time.
    """

    start: datetime
    step: timedelta
    count: int
    recursion: bool = True

    @property
    def microseconds(self) -> int:
        """The step."""
        return self.step // timedelta(microseconds=1)

    @property
    def first(self) -> str:
        """The first instant in SQL."""
        return _instant(self.start)

    def since(self, clock: str) -> str:
        """The microseconds from the first instant to an instant of a row."""
        return f"DATE_DIFF('microsecond', {self.first}, {clock})"

    def period(self, since: str) -> str:
        """The number of the step at or before so many microseconds."""
        return f"CAST(FLOOR(CAST({since} AS DOUBLE) / {self.microseconds}) AS BIGINT)"

    def position(self, since: str) -> str:
        """The number of the first step after so many microseconds."""
        return f"GREATEST({self.period(since)} + 1, 0)"

    def in_time(self, clock: str, offset: int) -> str:
        """Whether an instant passes before the last step."""
        last = self.start + self.step * (self.count - 1)
        return f"{clock} < {_instant(last - timedelta(microseconds=offset))}"

    @property
    def interval(self) -> str:
        """The step in SQL."""
        whole = self.step.seconds == self.step.microseconds == 0
        return f"INTERVAL '{self.step.days}' DAY" if whole else f"INTERVAL '{self.microseconds}' MICROSECOND"

    def positions(self) -> str:
        """The calendar's instants with their numbers."""
        since = f"DATE_DIFF('microsecond', {self.first}, t)"
        return f"SELECT CAST({since} / {self.microseconds} AS BIGINT) AS step, t FROM calendar"


@dataclass(frozen=True, slots=True)
class _Quantity:
    """What is gathered of rows that meet conditions: their number (`value` 1), a sum, the least or the greatest."""

    kind: Kind
    value: str
    conditions: frozenset[str]
    exact: bool

    @property
    def type(self) -> str:
        return _EXACT if self.exact else "BIGINT"

    def sql(self, *more: str, without: frozenset[str] = frozenset()) -> str:
        """The aggregate over rows that meet more conditions, too; `without`: conditions that they all meet."""
        asked = sorted({*self.conditions, *more} - without)
        chosen = f"CASE WHEN {' AND '.join(asked)} THEN {self.value} END" if asked else self.value
        if self.kind != "SUM":
            return f"{self.kind}({chosen})"
        if self.value == "1" and not self.exact:
            return f"COUNT({chosen if asked else '*'})"
        return f"CAST(SUM({chosen}) AS {self.type})"


@dataclass(frozen=True, slots=True)
class _Figure:
    """A column that runs along the calendar."""

    kind: Kind
    exact: bool
    parts: tuple[_Part, ...]


@dataclass(slots=True)
class _Periods:
    """Quantities of one instant that are read back at many offsets: by quantity, the offsets."""

    clock: str
    offsets: dict[_Quantity, set[int]] = field(default_factory=dict)


class RunningTotals:
    """Figures of one source by the same keys, registered one after the other; then the relations that run them up.

    Args:
        name: begins the names of its relations.
        tables: the source's FROM clause, with its joins.
        keys: the names of the keys and what they are.
        calendar: the instants.
    """

    def __init__(self, name: str, tables: str, keys: Mapping[str, str], calendar: EvenCalendar) -> None:
        self.name = f"{name}_running"
        self.keys = keys
        self._prefix = name
        self._tables = tables
        self._calendar = calendar
        self._figures: dict[_Figure, str] = {}
        self._entries: set[Clocks] = set()
        self._periods: dict[str, _Periods] = {}
        self._streams: dict[Clocks, str] = {}

    # -- what is asked --------------------------------------------------------------------------------------------------

    def linear(self, taken: Iterable[tuple[Terms, str]], *, exact: bool = False) -> str:
        """The name of the figure that adds up these values when they count."""
        return self._named("SUM", taken, exact=exact)

    def extreme(self, kind: Literal["MIN", "MAX"], taken: Iterable[tuple[Terms, str]]) -> str:
        """The name of the figure that is the least or greatest of values that come in and never leave."""
        return self._named(kind, taken, exact=False)

    def rows(self, counting: Terms) -> str:
        """The name of the figure that is the number of rows that count."""
        if not counting:
            raise NoFormError("no row ever counts")
        self._entries |= {term.clocks for term in counting}
        return self.linear([(counting, "1")])

    def _named(self, kind: Kind, taken: Iterable[tuple[Terms, str]], *, exact: bool) -> str:
        parts = []
        for when, value in taken:
            for term in when:
                if not term.clocks:
                    raise NoFormError("rows that were always known")
                conditions = frozenset(condition.sql for condition in term.conditions)
                parts.append((term.clocks, _Quantity(kind, value, conditions, exact), term.sign))
        figure = _Figure(kind, exact, tuple(sorted(parts, key=_order)))
        return self._figures.setdefault(figure, f"figure_{len(self._figures) + 1}")

    # -- its relations --------------------------------------------------------------------------------------------------

    @property
    def kept(self) -> frozenset[str]:
        """Those of `relations`, once they are made up, that recursive ones join at each step: they must be made once."""
        periods = (f"{self._prefix}_periods_{number}_gathered" for number in range(len(self._periods)))
        return frozenset({*self._streams.values(), *periods})

    def relations(self) -> Mapping[str, str]:
        """The relations by name, each after those that it reads; the last has the keys, `t` and every figure at t."""
        self._read_back()
        out: dict[str, str] = {}
        for number, periods in enumerate(self._periods.values()):
            out |= self._of_periods(f"{self._prefix}_periods_{number}", periods)
        streams = self._gathered()
        for number, (clocks, quantities) in enumerate(streams.items()):
            self._streams[clocks] = f"{self._prefix}_stream_{number}"
            out[self._streams[clocks]] = self._stream(clocks, quantities)
        out[f"{self._prefix}_begun"] = self._begun()
        out |= self._added_up(streams)
        out[self.name] = self._figures_at()
        return out

    def _read_back(self) -> None:
        """Choose what is read back from its periods: sums by one instant alone at many offsets."""
        offsets: dict[tuple[str, _Quantity], set[int]] = {}
        for _, (clocks, quantity, _) in self._parts("SUM"):
            if len(clocks) == 1:
                ((clock, offset),) = clocks
                offsets.setdefault((clock, quantity), set()).add(offset)
        for (clock, quantity), several in offsets.items():
            periods = (max(several) - min(several)) // self._calendar.microseconds
            if self._calendar.recursion and len(several) > _FEW and periods < max(_FAR, self._calendar.count * 10):
                self._periods.setdefault(clock, _Periods(clock)).offsets[quantity] = several

    def _parts(self, *kinds: Kind) -> Iterable[tuple[_Figure, _Part]]:
        return ((figure, part) for figure in self._figures if figure.kind in kinds for part in figure.parts)

    def _periods_of(self, part: _Part) -> tuple[int, _Periods, int] | None:
        """The periods from which a part is read back, their number, and the part's offset."""
        clocks, quantity, _ = part
        ((clock, offset),) = clocks if len(clocks) == 1 else ((("", 0)),)
        for number, periods in enumerate(self._periods.values()):
            if periods.clock == clock and quantity in periods.offsets:
                return number, periods, offset
        return None

    def _gathered(self) -> dict[Clocks, dict[_Quantity, str]]:
        """The other parts' quantities by the instants of which they are events."""
        streams: dict[Clocks, dict[_Quantity, str]] = {}
        for _, part in self._parts("SUM", "MIN", "MAX"):
            if self._periods_of(part) is None:
                quantities = streams.setdefault(part[0], {})
                quantities.setdefault(part[1], f"quantity_{len(quantities)}")
        return streams

    def _stream(self, clocks: Clocks, quantities: Mapping[_Quantity, str]) -> str:
        """Quantities by keys and the first step at which all instants have passed."""
        since = [f"{self._calendar.since(clock)} + {offset}" for clock, offset in sorted(clocks)]
        step = self._calendar.position(f"GREATEST({', '.join(since)})" if len(since) > 1 else since[0])
        limits = [self._calendar.in_time(clock, offset) for clock, offset in sorted(clocks)]
        shared = frozenset.intersection(*(quantity.conditions for quantity in quantities))
        sums = [f"{quantity.sql(without=shared)} AS {name}" for quantity, name in quantities.items()]
        return self._grouped(f"{step} AS step", sums, [*limits, *sorted(shared)], step)

    def _grouped(self, at: str, sums: Sequence[str], where: Sequence[str], group: str) -> str:
        inner = [f'{sql} AS "{name}"' for name, sql in self.keys.items()]
        return (
            f"SELECT {', '.join([*inner, at, *sums])} {self._tables} WHERE {' AND '.join(where)} "
            f"GROUP BY {', '.join([*self.keys.values(), group])}"
        )

    def _begun(self) -> str:
        """The keys with the step before the first at which a row of theirs may count."""
        entries = [name for clocks, name in self._streams.items() if clocks in self._entries]
        starts = [f"SELECT {self._keys()}, step FROM {name}" for name in entries]
        for number, periods in enumerate(self._periods.values()):
            least = min(offset for several in periods.offsets.values() for offset in several)
            step = f"GREATEST(period + 1 + {least // self._calendar.microseconds}, 0)"
            starts.append(f"SELECT {self._keys()}, {step} AS step FROM {self._prefix}_periods_{number}_gathered")
        union = " UNION ALL ".join(starts)
        return f"SELECT {self._keys()}, MIN(step) - 1 AS step FROM ({union}) AS entry GROUP BY {self._keys()}"

    # -- what is added up -------------------------------------------------------------------------------------------------

    def _added_up(self, streams: Mapping[Clocks, Mapping[_Quantity, str]]) -> Mapping[str, str]:
        """Keys, step, its instant, and what events have run up to; a row for each step from the first."""
        running, begun = f"{self._prefix}_steps", f"{self._prefix}_begun"
        changes = {
            name: (figure, added)
            for figure, name in self._figures.items()
            if (added := [part for part in figure.parts if self._periods_of(part) is None])
        }
        if not self._calendar.recursion:
            grid = (
                f"SELECT {self._keys('begun')}, positions.step, positions.t FROM {begun} AS begun "
                f"JOIN ({self._calendar.positions()}) AS positions ON positions.step > begun.step"
            )
            frame = (
                f"PARTITION BY {self._keys('grid')} ORDER BY grid.step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
            )
            runs = [
                f"{figure.kind}({self._change(figure, parts, streams)}) OVER ({frame}) AS {name}"
                for name, (figure, parts) in changes.items()
            ]
            listed = ", ".join([self._keys("grid"), "grid.step", "grid.t", *runs])
            joined = f"FROM {self._prefix}_grid AS grid {self._joined('grid', 'grid.step')}"
            return {f"{self._prefix}_grid": grid, running: f"SELECT {listed} {joined}"}
        step = self._calendar.interval
        begins = [f"{self._nothing(figure)} AS {name}" for name, (figure, _) in changes.items()]
        goes_on = [
            _as(figure, _with(figure, f"before.{name}", self._change(figure, parts, streams)))
            for name, (figure, parts) in changes.items()
        ]
        return {
            running: f"SELECT {', '.join([self._keys('begun'), 'begun.step', f'positions.t - {step} AS t', *begins])} "
            f"FROM {begun} AS begun JOIN ({self._calendar.positions()}) AS positions ON positions.step = begun.step + 1 "
            f"UNION ALL "
            f"SELECT {', '.join([self._keys('before'), 'before.step + 1', f'before.t + {step}', *goes_on])} "
            f"FROM {running} AS before "
            f"{self._joined('before', 'before.step + 1')} WHERE before.step < {self._calendar.count - 1}"
        }

    def _nothing(self, figure: _Figure) -> str:
        """A figure before any event, in its type."""
        if figure.kind == "SUM":
            return _as(figure, "0")
        return f"(SELECT {figure.kind}({figure.parts[0][1].value}) {self._tables} WHERE FALSE)"

    def _joined(self, base: str, step: str) -> str:
        return " ".join(
            f"LEFT JOIN {name} ON {same(base, name, self.keys)} AND {name}.step = {step}"
            for name in self._streams.values()
        )

    def _change(
        self, figure: _Figure, parts: Sequence[_Part], streams: Mapping[Clocks, Mapping[_Quantity, str]]
    ) -> str:
        """By how much events of one step move a figure; of a least or greatest: that of the step."""
        changes = [(f"{self._streams[clocks]}.{streams[clocks][quantity]}", sign) for clocks, quantity, sign in parts]
        if figure.kind == "SUM":
            return _sum((f"COALESCE({column}, 0)", sign) for column, sign in changes)
        first, *others = (column for column, _ in changes)
        for other in others:
            first = _further(figure.kind, first, other)
        return first

    def _figures_at(self) -> str:
        """Keys, t, and every figure."""
        figures = []
        for figure, name in self._figures.items():
            back = [(column, part[2]) for part in figure.parts if (column := self._column(part)) is not None]
            steps = [(f"steps.{name}", 1)] if len(back) < len(figure.parts) else []
            terms = [*steps, *((f"COALESCE({column}, 0)", sign) for column, sign in back)]
            figures.append(f"{_sum(terms) if terms else '0' if figure.kind == 'SUM' else 'NULL'} AS {name}")
        joins = " ".join(
            f"LEFT JOIN {name} ON {same('steps', name, self.keys)} AND {name}.step = steps.step"
            for name in (f"{self._prefix}_periods_{number}" for number in range(len(self._periods)))
        )
        return (
            f"SELECT {', '.join([self._keys('steps'), 'steps.t', *figures])} FROM {self._prefix}_steps AS steps {joins} "
            f"WHERE steps.step >= 0"
        )

    # -- what is read back ------------------------------------------------------------------------------------------------

    def _column(self, part: _Part) -> str | None:
        """The column of a part that is read back."""
        found = self._periods_of(part)
        if found is None:
            return None
        number, periods, offset = found
        return f"{self._prefix}_periods_{number}.{_back(periods, part[1], offset)}"

    def _of_periods(self, name: str, periods: _Periods) -> Mapping[str, str]:
        """The relations up to the one with keys, step, and each quantity that is in by that step, at each of its offsets.

        By step s, rows whose instant lies in a period before that of s - offset are in; of the latest period only the
        rows that are not late: those whose instant, moved by the offset's rest, lies in the same period still.
        """
        unit, count = self._calendar.microseconds, self._calendar.count
        offsets = sorted({offset for several in periods.offsets.values() for offset in several})
        oldest, newest = -(offsets[-1] // unit) - 1, count - 2 - offsets[0] // unit
        period = self._calendar.period(self._calendar.since(periods.clock))
        kept = f"GREATEST({period}, {oldest})"
        rest = f"({self._calendar.since(periods.clock)} - {unit} * {period})"
        sums, late = [], []
        for quantity, several in periods.offsets.items():
            sums.append(f"{quantity.sql()} AS {_whole(periods, quantity)}")
            for moved in sorted({offset % unit for offset in several} - {0}):
                is_late = (f"{rest} >= {unit - moved}", f"{period} >= {oldest}")
                late.append((_late(periods, quantity, moved), quantity.sql(*is_late), quantity))
        columns = [*sums, *(f"{sql} AS {column}" for column, sql, _ in late)]
        gathered = self._grouped(
            f"{kept} AS period", columns, [self._calendar.in_time(periods.clock, offsets[0])], kept
        )
        whole = {_whole(periods, quantity): quantity for quantity in periods.offsets}
        begins = [f"CAST(0 AS {quantity.type}) AS {column}" for column, quantity in whole.items()]
        begins += [f"CAST(NULL AS {quantity.type}) AS {column}" for column, _, quantity in late]
        goes_on = [
            f"CAST(before.{column} + COALESCE(one.{column}, 0) AS {quantity.type})"
            for column, quantity in whole.items()
        ]
        goes_on += [f"one.{column}" for column, _, _ in late]
        gathered_name, added = f"{name}_gathered", f"{name}_added"
        added_up = (
            f"SELECT {', '.join([self._keys(), 'MIN(period) - 1 AS period', *begins])} "
            f"FROM {gathered_name} GROUP BY {self._keys()} UNION ALL "
            f"SELECT {', '.join([self._keys('before'), 'before.period + 1', *goes_on])} FROM {added} AS before "
            f"LEFT JOIN {gathered_name} AS one ON {same('before', 'one', self.keys)} AND one.period = before.period + 1 "
            f"WHERE before.period < {newest}"
        )
        frame = f"PARTITION BY {self._keys('added')} ORDER BY added.period"
        readings = []
        for quantity, several in periods.offsets.items():
            for offset in sorted(several):
                moved, ago = offset % unit, offset // unit - offsets[0] // unit
                value = f"added.{_whole(periods, quantity)}"
                if moved:
                    value = f"{value} - COALESCE(added.{_late(periods, quantity, moved)}, 0)"
                read = f"LAG({value}, {ago}) OVER ({frame})" if ago else value
                readings.append(f"{read} AS {_back(periods, quantity, offset)}")
        listed = [self._keys("added"), f"added.period + {1 + offsets[0] // unit} AS step", *readings]
        return {gathered_name: gathered, added: added_up, name: f"SELECT {', '.join(listed)} FROM {added} AS added"}

    def _keys(self, relation: str = "") -> str:
        return ", ".join(f'{relation}."{key}"' if relation else f'"{key}"' for key in self.keys)


def same(one: str, other: str, keys: Iterable[str]) -> str:
    """Equal keys; all but the operator may be null."""
    return " AND ".join(
        f'{one}."{key}" = {other}."{key}"'
        if key == "operator_id"
        else f'{one}."{key}" IS NOT DISTINCT FROM {other}."{key}"'
        for key in keys
    )


def _order(part: _Part) -> tuple[str, ...]:
    clocks, quantity, sign = part
    return (*(f"{clock} {offset}" for clock, offset in sorted(clocks)), quantity.sql(), str(sign))


def _instant(instant: datetime) -> str:
    return f"CAST('{instant.isoformat(sep=' ')}' AS TIMESTAMP)"


def _sum(terms: Iterable[tuple[str, int]]) -> str:
    text = " ".join(
        f"{'+' if sign > 0 else '-'} {'' if abs(sign) == 1 else f'{abs(sign)} * '}{one}" for one, sign in terms
    )
    return text.removeprefix("+ ")


def _as(figure: _Figure, value: str) -> str:
    """In the figure's type: a recursive query must have one."""
    return f"CAST({value} AS {_EXACT if figure.exact else 'BIGINT'})" if figure.kind == "SUM" else value


def _with(figure: _Figure, before: str, change: str) -> str:
    return f"{before} + {change}" if figure.kind == "SUM" else _further(figure.kind, before, change)


def _further(kind: Kind, one: str, other: str) -> str:
    """The lesser or greater of two, null only if both are."""
    sign = "<" if kind == "MIN" else ">"
    return f"CASE WHEN {one} IS NULL OR {other} {sign} {one} THEN {other} ELSE {one} END"


def _whole(periods: _Periods, quantity: _Quantity) -> str:
    return f"quantity_{list(periods.offsets).index(quantity)}"


def _late(periods: _Periods, quantity: _Quantity, moved: int) -> str:
    return f"{_whole(periods, quantity)}_late_{moved}"


def _back(periods: _Periods, quantity: _Quantity, offset: int) -> str:
    return f"{_whole(periods, quantity)}_{'ago' if offset >= 0 else 'ahead'}_{abs(offset)}"
