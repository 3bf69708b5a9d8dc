"""Canonical tables out of landed ones: as they landed, or by the sources' links; each made again only when it must be."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any

from customer_research.connect.failures import gap_of
from customer_research.connect.source import DECIDED, LandingTable, Link, Source
from customer_research.domain.evidence import Gap, Receipt, each_once
from customer_research.domain.match import decided_sql
from customer_research.domain.records import literal, quoted
from customer_research.engines.content import content_digest
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.rows import canonical_columns
from customer_research.errors import CustomerResearchError, EngineError
from customer_research.lake import LakeWriter, LandingFile, StoredTable, write_through
from customer_research.record_tables import LAKE_TABLES, MATCHED
from customer_research.research.match_decisions import MatchDecisions
from customer_research.research.receipts import text_digest
from customer_research.research.second_sources import KNOWN_AT, Told, second_of, why_home
from customer_research.research.sync import landing
from customer_research.research.sync.canonical import gap_row, identity
from customer_research.research.sync.landing import FETCH_ID, sorting
from customer_research.research.sync.versions import succeeded

logger = logging.getLogger(__name__)

PRECEDENCE = ("warehouse", "lago")
"""Whose word counts first where several sources tell of one operator; the others follow by name."""

LAKE = "lake"
"""The source of a gap, or of an outcome, that speaks of a table which could not be made of what has landed."""

OPERATOR, GAP = "operator", "gap"
_DECIDED = ("record_id", "operator_id", "ruling")
"""What of a decision tells whose a record is."""

MANY = frozenset({OPERATOR, GAP})
"""Tables that several sources add rows to: each is whole with what there is."""

_OPERATOR_MERGE: Mapping[str, str] = MappingProxyType(
    {
        "known_by": "'|' || ARRAY_TO_STRING(LIST_SORT(LIST_DISTINCT(FLATTEN(LIST(STRING_SPLIT(TRIM(known_by, '|'), '|'))))),"
        " '|') || '|'",
        "created_at": "MIN(created_at)",
    }
)
"""How columns of `operator` come together; of any other the first source's word that is not null counts."""


_SELECT = "SELECT {columns}, {nth} AS _nth FROM {table}"
_FIRST = """
SELECT {columns} FROM {table} QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY _nth, {others}) = 1 ORDER BY {order}
"""
_MERGED = """
SELECT operator_id, {columns} FROM {table} WHERE operator_id IS NOT NULL GROUP BY operator_id ORDER BY operator_id
"""


@dataclass(frozen=True, slots=True)
class _LandedTable:
    """A landing table that there is: its stream, its declaration, its file, and what its source told only in part."""

    stream: str
    table: LandingTable
    landed: LandingFile
    partial: Gap | None


@dataclass(frozen=True, slots=True)
class _Part:
    """One way in which rows of a canonical table come about; `link` None: they landed as they are.

    `whose` is the condition on the operators whose rows come about so; empty: everybody's.
    """

    source: str
    needs: tuple[str, ...]
    link: Link | None = None
    whose: str = ""

    @property
    def text(self) -> str:
        """What it is made by, for the recipe."""
        if self.link is None:
            return f"landed{self.whose}"
        rows = self.link.rows
        made = self.link.sql if rows is None else f"{rows.__module__}.{getattr(rows, '__qualname__', '')}"
        return f"{made}{self.whose}"


class Linkage:
    """Makes the canonical tables of a lake.

    Args:
        lake: the lake, open for writing.
        engine: a DuckDB that reaches the lake's folder.
        sources: all sources, whether pulled this time or not.
        missing: sources that are not configured, with the gap that says so.
        anew: make every table, even where nothing that it is made from changed.
        decisions: gives what people decided of matches; may raise.
    """

    def __init__(
        self,
        lake: LakeWriter,
        engine: DuckDB,
        sources: Sequence[Source],
        missing: Mapping[str, Gap],
        *,
        anew: bool = False,
        decisions: Callable[[], MatchDecisions] = MatchDecisions,
    ) -> None:
        self._lake = lake
        self._decisions_of = decisions
        self._engine = engine
        self._sources = sorted(sources, key=_precedence)
        self._missing = missing
        self._anew = anew
        self._made: dict[str, StoredTable] = {}
        self._gaps: dict[str, Gap] = {}
        self._told: dict[str, Gap] = {}
        """Canonical tables that are there, of which a source told only a part."""
        self._bound: set[str] = set()
        self._givers: dict[str, str] = {}
        """Tables of which two sources could give the rows, each with the one that does."""
        self._left: dict[str, tuple[str, ...]] = {}
        """Of these tables the operators of whom the second source does not tell, or less, so that their rows are the home's."""
        self._newest: dict[tuple[str, str], Mapping[str | None, datetime]] = {}
        """By table and source: when each operator's newest record came to be."""
        self._product = _product()

    def run(self) -> Mapping[str, Gap]:
        """Make the tables and commit them together; gives the tables that could not be made for a failure, with why."""
        failures = {}
        for table in self._order():
            try:
                self._table(table)
            except CustomerResearchError as error:
                failures[table] = gap_of(error, LAKE)
            except Exception as error:  # a defect in one link must not cost the other tables
                logger.debug("table %s", table, exc_info=True)
                failures[table] = _defect(table, error)
            if table in failures:
                self._keep_old(table, failures[table])
        self._commit()
        return failures

    # -- what there is to make ----------------------------------------------------------------------------------------

    @cached_property
    def _stands(self) -> Mapping[str, _LandedTable]:
        """The landing tables that there are."""
        found = {}
        for source in self._sources:
            for stream in source.bulk:
                name = f"{source.name}.{stream.name}"
                state = self._lake.state.streams.get(name)
                for table in stream.tables:
                    landed = state.landed.get(table.name) if state is not None else None
                    if state is not None and landed is not None:
                        found[table.name] = _LandedTable(name, table, landed, state.partial.get(table.name))
        return found

    @cached_property
    def _decisions(self) -> MatchDecisions:
        """What people decided of matches."""
        return self._decisions_of()

    def _ruled(self, name: str) -> list[dict[str, Any]]:
        """What people decided of a table's matches, as rows."""
        return self._rulings(name) if name in MATCHED else []

    def _rulings(self, name: str) -> list[dict[str, Any]]:
        made = self._decisions.of(name)
        return sorted(({column: getattr(one, column) for column in _DECIDED} for one in made), key=str)

    @cached_property
    def _parts(self) -> Mapping[str, tuple[_Part, ...]]:
        """How each canonical table comes about, in the order of precedence."""
        found: dict[str, list[_Part]] = {}
        for source in self._sources:
            for table in (table for stream in source.bulk for table in stream.tables):
                if table.name in LAKE_TABLES:
                    found.setdefault(table.name, []).append(_Part(source.name, (table.name,)))
            for link in source.links:
                found.setdefault(link.table, []).append(_Part(source.name, link.needs, link))
        return {name: tuple(parts) for name, parts in found.items()}

    def _order(self) -> Iterator[str]:
        """The canonical tables, each after those that its links read; `gap` last, since it tells of the others."""
        before = {
            name: {need for part in parts if part.link is not None for need in part.needs if need in self._parts}
            for name, parts in self._parts.items()
        }
        try:
            ordered = tuple(TopologicalSorter(before).static_order())
        except CycleError as error:
            raise TypeError(f"Links need each other: {' → '.join(error.args[1])}.") from None
        yield from (name for name in ordered if name in self._parts and name != GAP)
        yield GAP

    # -- one table ----------------------------------------------------------------------------------------------------

    def _table(self, name: str) -> None:
        able, lacking = [], []
        for part in self._of_one_source(name):
            gap = self._lack(part)
            if gap is None:
                able.append(part)
            else:
                lacking.append(gap)
        if not able and name != GAP:
            self._keep_old(name, lacking[0])
            return
        partly = [*(lacking if name not in MANY else []), *self._partly(able)]
        if partly and name != GAP:  # what is unknown of whom is told of the tables that it speaks of
            self._told[name] = partly[0]
        self._make(name, able)

    def _of_one_source(self, name: str) -> tuple[_Part, ...]:
        """How a table comes about: where its second source could give it as well as its home, of each operator by one of them."""
        near, home = self._near_and_home(name)
        if not near or not home:
            return self._parts.get(name, ())
        beside = self._beside(name, near[0].source)
        why = next(filter(None, map(self._why_home, beside)), None)
        self._givers[name] = (near if why is None else home)[0].source
        if why is not None:
            return home
        left = sorted({one for table in beside for one in self._left_to_home(table)})
        if self._gap_of(home) is not None or not left:
            return near
        self._left[name] = tuple(left)
        self._engine.create(_left(name), {"operator_id": "VARCHAR"}, [{"operator_id": one} for one in left])
        listed = f"(SELECT operator_id FROM {quoted(_left(name))})"  # noqa: S608 - quoted
        others, theirs = (f" WHERE operator_id {which} {listed}" for which in ("NOT IN", "IN"))
        return (*(replace(part, whose=others) for part in near), *(replace(part, whose=theirs) for part in home))

    def _near_and_home(self, name: str) -> tuple[tuple[_Part, ...], tuple[_Part, ...]]:
        """How a table comes about by its second source, and how by its home."""
        parts, second = self._parts.get(name, ()), second_of(name)
        near = tuple(part for part in parts if part.source == second)
        return near, tuple(part for part in parts if part.source != second)

    def _beside(self, name: str, second: str) -> tuple[str, ...]:
        """The tables of a second source that stand or fall with a table, as of one operator: those of its stream."""
        streams = (stream for source in self._sources if source.name == second for stream in source.streams)
        together = next((stream.tables for stream in streams if name in stream.tables), (name,))
        return tuple(one for one in together if all(self._near_and_home(one)))

    def _why_home(self, name: str) -> Gap | None:
        """Why a table's rows are its home's, of everybody: judged by those of whom both tell."""
        untold = self._untold(name)
        near, home = (self._told_by(name, parts) for parts in self._near_and_home(name))
        return why_home(name, *(_but(told, untold) for told in (near, home)))

    def _left_to_home(self, name: str) -> set[str]:
        """The operators whose rows are the home's: the second source does not tell of them, or has not what is newest there."""
        near, home = (self._told_by(name, parts) for parts in self._near_and_home(name))
        if isinstance(near, Gap) or isinstance(home, Gap):
            return self._untold(name)
        behind = (one for one, newest in home.items() if why_home(name, Told(near.get(one)), Told(newest)) is not None)
        return {*self._untold(name), *filter(None, behind)}

    def _untold(self, name: str) -> set[str]:
        """The operators of whom a table's second source says that it does not tell, and its home may."""
        near, home = (parts[0].source for parts in self._near_and_home(name))
        if None in self._unknown_to(name, home):
            return set()
        return set(filter(None, self._unknown_to(name, near)))

    def _unknown_to(self, name: str, source: str) -> set[str | None]:
        """The operators of whom a source says that it does not tell a table; None: of nobody."""
        found = set[str | None]()
        for number, part in enumerate(self._parts.get(GAP, ())):
            if part.source == source and self._lack(part) is None:
                self._bind(part.needs)
                sql = f"SELECT operator_id FROM ({self._select(GAP, number, part)}) WHERE table_name = {literal(name)}"  # noqa: S608
                found |= {row["operator_id"] for row in self._engine.run(sql)}
        return found

    def _told_by(self, name: str, parts: Sequence[_Part]) -> Mapping[str | None, datetime] | Gap:
        """When each operator's newest record came to be; after a pull that failed a source does not tell, though older rows stand."""
        gap = self._gap_of(parts)
        if gap is not None:
            return gap
        source = parts[0].source
        if (name, source) not in self._newest:
            self._bind(need for part in parts for need in part.needs)
            united = " UNION ALL ".join(self._select(name, number, part) for number, part in enumerate(parts))
            read, _, _ = self._seen(
                self._streams(parts)
            )  # a record of later is of a wrong date: it makes no source newer
            until = {} if read is None else {"until": read}
            there = f" WHERE {KNOWN_AT} < $until" if until else ""
            sql = f"SELECT operator_id, MAX({KNOWN_AT}) AS newest FROM ({united}){there} GROUP BY operator_id"  # noqa: S608 - ours
            found = {row["operator_id"]: row["newest"] for row in self._engine.run(sql, until)}
            self._newest[name, source] = {one: newest for one, newest in found.items() if newest is not None}
        return self._newest[name, source]

    def _gap_of(self, parts: Sequence[_Part]) -> Gap | None:
        """Why a source does not tell a table."""
        lacking = next(filter(None, map(self._lack, parts)), None)
        return lacking or next(iter([*self._partly(parts), *self._failures(parts)]), None)

    def _failures(self, parts: Iterable[_Part]) -> Iterator[Gap]:
        for name in self._streams(parts):
            state = self._lake.state.streams.get(name)
            if state is not None and state.failure is not None:
                yield state.failure

    def _lack(self, part: _Part) -> Gap | None:
        """Why rows cannot come about this way; None when all they need is there."""
        for need in part.needs:
            self._rule(need)
            if need not in self._stands and need not in self._made:
                return self._gaps.get(need) or self._unlanded(need, part.source)
        return None

    def _rule(self, need: str) -> None:
        """Have what people decided of a table's records, where a link needs it, among what is made; it may raise."""
        if need.startswith(DECIDED) and need not in self._made:
            table = need.removeprefix(DECIDED)
            rows = self._rulings(table)
            self._engine.create(need, dict.fromkeys(_DECIDED, "VARCHAR"), rows)
            self._bound.add(need)
            receipts = self._decisions.receipts(table)
            self._made[need] = StoredTable((), len(rows), text_digest(json.dumps(rows)), receipts)

    def _unlanded(self, need: str, asker: str) -> Gap:
        """Why a landing table is not there."""
        for source in self._sources:
            for stream in source.bulk:
                if all(table.name != need for table in stream.tables):
                    continue
                if source.name in self._missing:
                    return self._missing[source.name]
                state = self._lake.state.streams.get(f"{source.name}.{stream.name}")
                if state is not None and state.failure is not None:
                    return state.failure
                return Gap(
                    source=source.name,
                    reason="unavailable",
                    detail=f"Never pulled completely: {stream.title}.",
                    next_step=f"Run `customer-research sync {source.name}`.",
                )
        return Gap(asker, "unavailable", f"No source gives {need}.", "Please report it.")

    def _partly(self, parts: Iterable[_Part]) -> list[Gap]:
        """What the sources told only in part of what these parts need."""
        needs = dict.fromkeys(need for part in parts for need in part.needs)
        stands = (self._stands[need].partial for need in needs if need in self._stands)
        return [gap for gap in stands if gap is not None]

    def _keep_old(self, name: str, gap: Gap) -> None:
        """A table that cannot be made: an imported one, or one made before of what is there still, stands."""
        old = self._lake.state.tables.get(name)
        if old is not None and (not old.recipe or gap.source == LAKE):
            self._made[name] = old
        else:
            self._gaps[name] = gap

    def _make(self, name: str, parts: Sequence[_Part]) -> None:
        recipe, streams = self._recipe(name, parts), self._streams(parts)
        old = self._before(name)
        since, until, place = self._seen(streams)
        needs = (need.removeprefix(DECIDED) for part in parts for need in part.needs if need.startswith(DECIDED))
        for table in (name,) if name in MATCHED else needs:  # what was decided since is not known of before
            since = since and max(since, self._decisions.newest(table) or since)
        if old is not None and old.recipe == recipe and not self._anew:
            self._made[name] = replace(old, streams=streams, until=until, since=old.since or since, place=place)
            return
        direct = self._as_landed(name, parts)
        if direct is not None:
            made = StoredTable((direct.file,), direct.rows, direct.digest, direct.receipts)
        else:
            made = self._written(name, parts)
        made = replace(made, recipe=recipe, streams=streams, since=since, until=until, place=place)
        if old is not None and (made.rows, made.digest) == (old.rows, old.digest) and direct is None:
            self._lake.path(made.files[0]).unlink()
            # A source that is read no more speaks of no table, though nothing changed by that.
            same = {one.source for one in made.receipts} == {one.source for one in old.receipts}
            made = replace(made, files=old.files, receipts=old.receipts if same else made.receipts)
        self._made[name] = succeeded(self._lake, self._engine, name, old, made)

    def _before(self, name: str) -> StoredTable | None:
        """The table as it stood last."""
        state = self._lake.state
        return state.tables.get(name) or state.former.get(name)

    def _seen(self, streams: Sequence[str]) -> tuple[datetime | None, datetime | None, str]:
        """When the records of these streams (of all, where there are none) were told last, the newest and the oldest, and where."""
        every = self._lake.state.streams
        states = [state for state in (every.get(name) for name in streams or every) if state is not None]
        told = [state.succeeded_at for state in states if state.succeeded_at is not None]
        return (
            max(told, default=None),
            min(told, default=None),
            " ".join(sorted({state.place for state in states} - {""})),
        )

    def _streams(self, parts: Iterable[_Part]) -> tuple[str, ...]:
        """The bulk streams that rows made in these ways come from.

        Whom records belong to (`operator`) does not count: a list of operators that is out of date makes no record old.
        """
        found: dict[str, None] = {}
        for need in (need for part in parts for need in part.needs if need not in MANY):
            stand = self._stands.get(need)
            found |= dict.fromkeys(self._made[need].streams if stand is None else (stand.stream,))
        return tuple(found)

    def _recipe(self, name: str, parts: Sequence[_Part]) -> str:
        """The digest of all that a table depends on."""
        told: list[Any] = sorted(self._stated()) if name == GAP else []
        if name == GAP and self._givers:
            told += [sorted(self._givers.items()), sorted(self._left.items())]
        told += self._left.get(name, ())
        ways = [[part.source, part.text, [self._content(need) for need in part.needs]] for part in parts]
        return text_digest(json.dumps([self._product, name, ways, told, self._ruled(name)]))

    def _content(self, need: str) -> str:
        stand = self._stands.get(need)
        return stand.landed.digest if stand is not None else self._made[need].digest

    def _as_landed(self, name: str, parts: Sequence[_Part]) -> LandingFile | None:
        """The landed file itself, where the table is nothing else."""
        if len(parts) != 1 or parts[0].link is not None or self._ruled(name):
            return None
        stand = self._stands[name]
        columns = {column.name: column.type for column in LAKE_TABLES[name].columns}
        own = dict(stand.table.columns) == columns and set(stand.table.key) <= set(identity(LAKE_TABLES[name]))
        return stand.landed if own else None

    def _written(self, name: str, parts: Sequence[_Part]) -> StoredTable:
        """The table computed and written to a file of its own."""
        engine, columns = self._engine, canonical_columns(name)
        self._bind(need for part in parts for need in part.needs)
        selects = [self._select(name, number, part) for number, part in enumerate(parts)]
        if name == GAP:
            engine.create("stated~", columns, [gap_row(table, gap) for table, gap in self._told.items()])
            selects.append(_SELECT.format(columns="*", nth=len(parts), table=quoted("stated~")))
        united = " UNION ALL ".join(selects)
        engine.bind("united~", self._of_givers(united) if name == GAP else self._as_decided(name, united))
        file, _ = self._lake.fresh("tables", name)
        path = self._lake.path(file)
        rows = engine.export(_once(name, columns), path)
        write_through(path)
        engine.attach("written~", [path], columns)
        digest = content_digest(engine, "written~", [column for column in columns if column != FETCH_ID])
        return StoredTable((file,), rows, digest, (*self._receipts(parts), *self._ruled_by(name)))

    def _of_givers(self, sql: str) -> str:
        """The query of the gaps, without what is said of a table by the source that did not give an operator's rows."""
        if not self._givers:
            return sql
        named = (f"(table_name = {literal(table)} AND {self._unheard(table)})" for table in self._givers)
        return f"SELECT * FROM ({sql}) WHERE NOT ({' OR '.join(named)})"  # noqa: S608 - quoted

    def _unheard(self, table: str) -> str:
        """The condition on gaps of a table that nobody needs to hear."""
        others = f"source <> {literal(self._givers[table])}"
        if table not in self._left:
            return others
        left = f"operator_id IN (SELECT operator_id FROM {quoted(_left(table))})"  # noqa: S608 - quoted
        return f"({others}) <> COALESCE({left}, FALSE)"

    def _as_decided(self, name: str, sql: str) -> str:
        """The query of a table's rows, with what people decided of its matches."""
        made = self._ruled(name)
        if not made:
            return sql
        self._engine.create("decided~", dict.fromkeys(_DECIDED, "VARCHAR"), made)
        return decided_sql(sql, MATCHED[name], quoted("decided~"))

    def _ruled_by(self, name: str) -> tuple[Receipt, ...]:
        """The proof of what people decided of a table's matches."""
        return self._decisions.receipts(name) if name in MATCHED else ()

    def _bind(self, needs: Iterable[str]) -> None:
        """Have the engine know these tables by their names."""
        for need in needs:
            if need in self._bound:
                continue
            stand = self._stands.get(need)
            if stand is not None:
                landing.expose(self._engine, stand.table, self._lake.path(stand.landed.file))
            else:
                self._engine.attach(need, [self._lake.path(file) for file in self._made[need].files])
            self._bound.add(need)

    def _select(self, name: str, number: int, part: _Part) -> str:
        """The rows that come about this way, with every canonical column; absent ones are null."""
        engine, columns = self._engine, canonical_columns(name)
        given = name
        if part.link is not None and part.link.rows is not None:
            given = f"rows{number}~{name}"
            path = self._lake.scratch / f"{name}-{number}.parquet"
            landing.write_rows(engine, part.link.rows(engine.run), columns, path)
            engine.attach(given, [path], columns)
        elif part.link is not None:
            given = f"link{number}~{name}"
            engine.bind(given, part.link.sql)
        there = {column.lower() for column in engine.kinds(f"FROM {quoted(given)}")}
        if there - set(columns):
            raise EngineError(f"A link gives {name} the column {min(there - set(columns))!r}, which it does not have.")
        taken = (
            f"CAST({quoted(column) if column in there else 'NULL'} AS {kind}) AS {quoted(column)}"
            for column, kind in columns.items()
        )
        return _SELECT.format(columns=", ".join(taken), nth=number, table=quoted(given)) + part.whose

    def _receipts(self, parts: Sequence[_Part]) -> tuple[Receipt, ...]:
        """The receipts of everything that was read, each once."""
        stands = (self._stands.get(need) or need for part in parts for need in part.needs)
        told = (self._made[one].receipts if isinstance(one, str) else one.landed.receipts for one in stands)
        return each_once(receipt for receipts in told for receipt in receipts)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _stated(self) -> Iterator[tuple[str, ...]]:
        for table, gap in self._told.items():
            yield table, gap.source, gap.reason, gap.detail, gap.next_step

    def _commit(self) -> None:
        imported = {name: made for name, made in self._lake.state.tables.items() if not made.recipe}
        made = {name: made for name, made in self._made.items() if not name.startswith(DECIDED)}
        tables = {**imported, **made}
        gaps = {name: gap for name, gap in self._gaps.items() if name not in tables}
        former = {**self._lake.state.former, **self._lake.state.tables}
        former = {name: made for name, made in former.items() if name not in tables}
        state = replace(self._lake.state, tables=tables, gaps=gaps, former=former)
        if state != self._lake.state:
            self._lake.commit(state)


def _left(name: str) -> str:
    """The name of the table of operators whose rows of a table are the home's."""
    return f"left~{name}"


def _but(told: Mapping[str | None, datetime] | Gap, untold: Collection[str]) -> Told:
    """What a source tells of all operators but some."""
    if isinstance(told, Gap):
        return Told(gap=told)
    return Told(max((newest for one, newest in told.items() if one not in untold), default=None))


def _once(name: str, columns: Iterable[str]) -> str:
    """The query that gives each record of `united~` once, sorted: the first source's word counts."""
    listed, united = list(columns), quoted("united~")
    if name == OPERATOR:
        merged = ", ".join(_merged(column) for column in listed if column != "operator_id")
        return _MERGED.format(columns=merged, table=united)
    key = identity(LAKE_TABLES[name])
    return _FIRST.format(
        columns=", ".join(map(quoted, listed)),
        table=united,
        key=", ".join(map(quoted, key)),
        others=", ".join(quoted(column) for column in listed if column not in key),
        order=sorting(listed, key),
    )


def _merged(column: str) -> str:
    first = f"FIRST({quoted(column)} ORDER BY _nth, {quoted(column)}) FILTER (WHERE {quoted(column)} IS NOT NULL)"
    return f"{_OPERATOR_MERGE.get(column, first)} AS {quoted(column)}"


def _defect(table: str, error: Exception) -> Gap:
    detail = f"Unexpected failure ({type(error).__name__}) when the table {table} was made."
    return Gap(LAKE, "unavailable", detail, "Please report it.")


def _precedence(source: Source) -> tuple[int, str]:
    place = PRECEDENCE.index(source.name) if source.name in PRECEDENCE else len(PRECEDENCE)
    return place, source.name


def _product() -> str:
    """The version of this program: another one may make tables otherwise."""
    try:
        return version("customer-research")
    except PackageNotFoundError:
        return ""
