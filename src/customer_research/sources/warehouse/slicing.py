"""Large relations of the warehouse in slices: counted first, then exported range by range.

Ranges lie end to end and the first and the last are open, so that every record is in one of them whatever came in
meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from customer_research.connect.sql import Parameter, SqlAnswer
from customer_research.domain.evidence import Receipt
from customer_research.errors import Truncated
from customer_research.sources.warehouse import normalise

if TYPE_CHECKING:
    from customer_research.sources.warehouse.session import WarehouseSession

SLICE_ROWS = 20_000
"""Records of one slice, about: an export of Metabase may have 1,048,575, but three answers are held in memory (one is written, one
is read and the next comes meanwhile), and each has to come within a time."""

SHORTEST = timedelta(seconds=1)
"""A slice of records created within this time is not halved again."""

PREFIX = 2
"""Characters of an operator's id that records are counted by."""

Edge = datetime | str
"""Where a slice begins or ends: an instant, or the beginning of an operator's id."""


@dataclass(frozen=True, slots=True)
class Range:
    """The records of one slice: from `lower` on and before `upper` (None: no end), or those without a value (`empty`).

    `span` is the time within which they were created, where they may be too many for one export.
    """

    lower: Edge | None
    upper: Edge | None
    records: int
    empty: bool = False
    span: tuple[datetime, datetime] | None = None

    def condition(self, axis: str) -> tuple[str, dict[str, Parameter]]:
        """The range as SQL over an expression, and its parameters."""
        if self.empty:
            return f"{axis} IS NULL", {}
        ends = [(">=", "lower", self.lower), ("<", "upper", self.upper)]
        there = [(sign, name, edge) for sign, name, edge in ends if edge is not None]
        return (
            " AND ".join(f"{axis} {sign} ${name}" for sign, name, _ in there) or f"{axis} IS NOT NULL",
            {name: edge for _, name, edge in there},
        )


def packed(counted: Sequence[tuple[Edge, int]], most: int, begin: Edge | None = None) -> list[Range]:
    """Ranges end to end over what was counted, in order: as many neighbours together as stay within *most* records.

    The first begins at *begin* and the last has no end.
    """
    packs: list[list[tuple[Edge, int]]] = []
    for edge, number in counted:
        if packs and sum(records for _, records in packs[-1]) + number <= most:
            packs[-1].append((edge, number))
        else:
            packs.append([(edge, number)])
    ends = [pack[0][0] for pack in packs[1:]]
    return [
        Range(lower, upper, sum(records for _, records in pack), span=_day(pack))
        for pack, lower, upper in zip(packs, [begin, *ends], [*ends, None], strict=False)
    ]


def _day(pack: Sequence[tuple[Edge, int]]) -> tuple[datetime, datetime] | None:
    edge = pack[0][0]
    return (edge, edge + timedelta(days=1)) if len(pack) == 1 and isinstance(edge, datetime) else None


@dataclass(frozen=True, slots=True)
class Axis:
    """What a table is sliced along: an expression, and the buckets that it is counted by."""

    expression: str
    bucket: str
    edge: Callable[[Any], Edge]


def _instant(value: Any) -> datetime:
    """A day's midnight, or an instant as a cursor has it."""
    found = normalise.moment(value)
    assert found is not None
    return found


BY_DAY = Axis("t.created_at", "CAST(t.created_at AS DATE)", _instant)
_CSM_ID = "LOWER(TRIM(t.LAGO_EXTERNAL_CUSTOMER_ID))"
_APP_ID = "LOWER(TRIM(t.operator_id))"
BY_CSM_OPERATOR = Axis(_CSM_ID, f"SUBSTR({_CSM_ID}, 1, {PREFIX})", str)
BY_APP_OPERATOR = Axis(_APP_ID, f"SUBSTR({_APP_ID}, 1, {PREFIX})", str)


@dataclass(slots=True, eq=False)
class Slicer:
    """Brings one relation range by range: `source`, as `t`, along an axis.

    `stream` names it in receipts; `condition` is a further one with `$since`, which counts where `since` is given.
    """

    session: WarehouseSession
    stream: str
    source: str
    axis: Axis
    condition: str = ""
    since: datetime | None = None
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def _given(self) -> dict[str, Parameter]:
        return {} if self.since is None or not self.condition else {"since": self.since}

    async def ranges(self, begin: Edge | None) -> list[Range]:
        """What there is from *begin* on (None: from the beginning, records without a value first); one request."""
        started = Range(begin, None, 0).condition(self.axis.expression) if begin is not None else ("", {})
        sql = (
            f"SELECT {self.axis.bucket} AS bucket, COUNT(*) AS records FROM {self.source}"  # noqa: S608 - our own text
            f"{self._where(started[0])} GROUP BY {self.axis.bucket} ORDER BY bucket"
        )
        answer = await self.session.run(sql, {**self._given, **started[1]}, stream=self.stream)
        self.receipts.append(answer.receipt)
        counted = [
            (self.axis.edge(row["bucket"]), int(row["records"])) for row in answer.rows if row["bucket"] is not None
        ]
        unknown = sum(int(row["records"]) for row in answer.rows if row["bucket"] is None)
        empty = [Range(None, None, unknown, empty=True)] if unknown else []
        return [*empty, *packed(sorted(counted), SLICE_ROWS, begin)]

    async def each(self, ranges: Iterable[Range]) -> AsyncGenerator[tuple[Range, SqlAnswer]]:
        """The records of these ranges, one piece after the other."""
        for wanted in ranges:
            async for found in self.bring(wanted):
                yield found

    async def bring(self, wanted: Range) -> AsyncIterator[tuple[Range, SqlAnswer]]:
        """The records of a range, in pieces of about `SLICE_ROWS`."""
        halves = [] if wanted.records <= SLICE_ROWS else await self._halves(wanted)
        for half in halves:
            async for piece in self.bring(half):
                yield piece
        if not halves:
            yield wanted, await self._export(wanted)

    async def _halves(self, wanted: Range) -> list[Range]:
        """A day too large for one export as two ranges, each counted; none when it can't be halved."""
        if wanted.span is None or wanted.span[1] - wanted.span[0] <= SHORTEST:
            return []
        begin, end = wanted.span
        middle = begin + (end - begin) / 2
        first = replace(wanted, upper=middle, span=(begin, middle))
        condition, edges = first.condition(self.axis.expression)
        sql = f"SELECT COUNT(*) AS records FROM {self.source}{self._where(condition)}"  # noqa: S608 - our own text
        answer = await self.session.run(sql, {**self._given, **edges}, stream=self.stream)
        self.receipts.append(answer.receipt)
        number = int(answer.rows[0]["records"])
        rest = replace(wanted, lower=middle, records=wanted.records - number, span=(middle, end))
        return [replace(first, records=number), rest]

    async def _export(self, wanted: Range) -> SqlAnswer:
        condition, edges = wanted.condition(self.axis.expression)
        sql = f"SELECT t.*, COUNT(*) OVER () AS rows_in_all FROM {self.source}{self._where(condition)}"  # noqa: S608
        answer = await self.session.whole(sql, {**self._given, **edges}, stream=self.stream)
        if not answer.rows and wanted.records:
            sentence = f"The warehouse counts {wanted.records} records of {self.stream}, none came."
            raise self.session.http.error(Truncated, sentence, self.stream, "Run the same command again.")
        return answer

    def _where(self, condition: str) -> str:
        wanted = " AND ".join(filter(None, (condition, self.condition if self._given else "")))
        return f" WHERE {wanted}" if wanted else ""
