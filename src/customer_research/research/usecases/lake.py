"""Use cases that fill the lake and score what lies in it: pull, take over tables, score everybody."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_research.domain.health import BAND_LABELS
from customer_research.domain.words import counted, instant_text, share_words, unit_words
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, State, Table, Text, lines

if TYPE_CHECKING:
    from customer_research.domain.pull import PullResult
    from customer_research.domain.snapshot import Snapshot
    from customer_research.research.portfolio.take import StatusLine
    from customer_research.research.usecases.runner import Call

SYNC_SCHEMA = "customer-research/sync/1"
TABLES_SCHEMA = "customer-research/tables/1"
IMPORT_SCHEMA = "customer-research/import/1"
SCORE_SCHEMA = "customer-research/portfolio-score/1"
PULL_HEADERS = ("Source", "Stream", "Outcome", "Rows", "Gone", "In the lake", "Requests", "Seconds")
PULL_STYLES = {"done": "", "unchanged": "dim", "partial": "yellow", "skipped": "yellow"}
"""Style of a result; all others are red. The result stands there in words, too."""

SCORE_HEADERS = ("Status", "Band", "Operators", "Mean score", "Known")
EXPECTED = frozenset({"not_configured", "not_applicable", "past"})
"""Reasons of gaps that leave a snapshot whole: no source that should have told is silent."""


# -- pull --------------------------------------------------------------------------------------------------------------


@request
class Sync(Request):
    """Pull the records of all operators into the lake: from every configured source, or from each SOURCE (hubspot, lago, notion,
    warehouse).

    The first sync asks for everything, later ones for what changed; after lake.full_days everything again, since not every
    vendor tells what was deleted. A sync that was cut off goes on where it was. Running it twice changes nothing. A source that
    fails stops no other; what it gave before stays in the lake.

    Exit code: 0 all pulled; 3 some stream failed or is partial (the source sent less than it announced, or records that cannot
    be read); 5 no source is configured, or not the one that was asked for; 6 nothing could be pulled.
    """

    DOCUMENT = "The outcomes as JSON."

    sources: tuple[str, ...] = argument("Sources by name.", (), metavar="[SOURCE...]")
    full: bool = option("Ask for everything, and find what was deleted.", False)
    since: datetime | None = option(
        "Ask for what changed since this day or instant (UTC) instead of since the last sync.",
        None,
        formats=("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S"),
    )

    def answer(self, call: Call) -> Answer:
        results = rooms.all_sources.run(
            call.settings,
            call.clock,
            sources=self.sources,
            full=self.full,
            since=self.since.replace(tzinfo=UTC) if self.since is not None else None,
            progress=call.progress,
            wait=call.wait,
        )
        document = {"schema": SYNC_SCHEMA, "outcomes": [_plain(result) for result in results]}
        return Answer(pull_table(results), _pulled(results), document)


def _pulled(results: Iterable[PullResult]) -> State:
    states = {result.state for result in results}
    if not states & {"failed", "partial"}:
        return "done"
    return "partial" if states & {"done", "unchanged", "partial"} else "failed"


def _plain(result: PullResult) -> dict[str, Any]:
    plain = dataclasses.asdict(result)
    for name in ("started", "ended", "as_of"):
        plain[name] = instant_text(plain[name], "seconds") if plain[name] is not None else None
    return plain


def pull_table(results: Sequence[PullResult]) -> Table:
    """The results: a line a stream, then what is to be said of some."""
    return Table(
        PULL_HEADERS,
        tuple(
            (
                result.source,
                result.stream,
                result.state,
                *(f"{count:,}" for count in (result.rows, result.gone, result.held, result.requests)),
                f"{result.seconds:.1f}",
            )
            for result in results
        ),
        right=range(3, len(PULL_HEADERS)),
        state=2,
        styles=tuple(PULL_STYLES.get(result.state, "red") for result in results),
        after=tuple(dict.fromkeys(note for note in map(_note, results) if note)),
    )


def _note(result: PullResult) -> str:
    """What is to be said of a stream; a source that is not configured says it once."""
    gap = result.gap
    if gap is None:
        return ""
    about = result.source if result.state == "skipped" else result.name
    told = f"{about}: {gap.detail} {gap.next_step}"
    if result.state == "failed" and result.as_of is not None:
        told += f" The lake keeps its {result.held:,} rows of {instant_text(result.as_of, 'seconds')}."
    return told


# -- tables of one's own -----------------------------------------------------------------------------------------------


@request
class Tables(Request):
    """The canonical tables that metrics and reports read: without NAME all of them, with NAME one with its columns.

    A folder with TABLE.parquet, TABLE.csv or TABLE/*.parquet for some of them is what `import` and `score --tables` take. A
    needed column must be there, empty where nothing is known; the others may be absent. A column marked * is personal data.

    Any table may have `observed_at` besides (when a row was read), and `valid_from` and `valid_to` (between which instants it stood,
    empty: ever and still): then a record has a row for each version, and a past date is told by those that stood then.
    """

    DOCUMENT = "JSON."

    name: str = argument("A table's name.", "")

    def answer(self, call: Call) -> Answer:
        found = rooms.reference.tables(self.name)
        document = {"schema": TABLES_SCHEMA, "tables": found}
        if self.name:
            return lines(*_columns(found[0]), document=document)
        told = (
            (f"{table['name']:<14}{table['home']:<11}", f"{table['grain']}; key: {', '.join(table['key'])}")
            for table in found
        )
        return lines(*told, document=document)


def _columns(table: dict[str, Any]) -> Iterator[str | tuple[str, str]]:
    yield f"{table['name']}: {table['grain']} (from {table['home']})"
    yield ""
    for column in table["columns"]:
        use = "key" if column["name"] in table["key"] else "needed" if column["needed"] else ""
        words = f"; one of {', '.join(column['words'])}" if column["words"] else ""
        mark = "* " if column["personal"] else ""
        yield f"{column['name']:<30}{column['type']:<11}{use:<8}", f"{mark}{column['meaning']}{words}"


@request
class Import(Request):
    """Check the canonical tables in the folder DIR and put them into the lake.

    DIR holds TABLE.parquet, TABLE.csv or TABLE/*.parquet for some of the tables that `tables` lists. Everything that is wrong
    in them is told in one report, and then nothing is taken. Otherwise each replaces the lake's table of its name whole, and
    tables that are not there stay as they are; of versions the newest are taken. A later `sync` of the source that a table comes from replaces it again.

    CSV is UTF-8, separated by commas, with the columns' names in the first line; nothing between two commas means unknown.
    """

    DOCUMENT = "What became of each table as JSON."

    folder: Path = argument("The folder.", metavar="DIR", file="path")

    def answer(self, call: Call) -> Answer:
        taken = rooms.import_tables.import_tables(self.folder, call.settings, call.clock)
        told = (
            f"{table.table:<14}{table.state:<11}{table.rows:>12,} rows"
            + (f" (before: {table.before:,})" if table.state == "replaced" else "")
            for table in taken
        )
        document = {"schema": IMPORT_SCHEMA, "tables": [dataclasses.asdict(table) for table in taken]}
        return lines(*told, document=document)


# -- scores ------------------------------------------------------------------------------------------------------------


@request
class PortfolioScore(Scoring, Request):
    """Score every operator of the lake as of one instant, and keep it: score, dimensions, contributions, coverage, gates and
    findings as Parquet files in the lake's folder `snapshots`, and in the score history.

    Each operator gets the very score that `health` gives. The same question is not computed twice (--again does). A past date is
    scored by what the lake knew then. Of a date before its first sync only what has a date counts; what a source overwrites without
    one (a ticket's status, a planned cancellation) is not judged, coverage is lower for it, and the snapshot names it.

    Once a month it also works out how often the score was right on earlier dates of the lake (the backtest of the setting
    `scorecard`); `portfolio`, `digest`, `health` and `profile` say it beside the band.

    Exit code: 0 done; 3 done, but a source should have told more; 2 the tables are empty or wrong, or the date is; 5 the
    scorecard or the engine is.
    """

    OUTPUT_AFTER = "engine_url"
    DOCUMENT = "As JSON."

    tables: Path | None = option(
        "Canonical tables in a folder, instead of the lake's.", None, file="folder", metavar="DIR"
    )
    again: bool = option("Compute it anew even when it is there already.", False)
    no_track: bool = option("Do not work out how often the score was right on earlier dates.", False)

    def answer(self, call: Call) -> Answer:
        folder, snapshot = rooms.take.take(call.settings, call.clock, self, self.tables, again=self.again)
        found = rooms.take.standings(folder)
        document = {
            "schema": SCORE_SCHEMA,
            "snapshot": rooms.take.summary(snapshot, folder),
            "standing": [dataclasses.asdict(one) for one in found],
            "gaps": [dataclasses.asdict(gap) for gap in snapshot.gaps],
        }
        own = self.tables is None and self.as_of is None
        if own:
            rooms.peers.keep_peers(call.settings, folder, snapshot)
        if own and not self.no_track and self.scorecard in {None, call.settings.scorecard}:
            rooms.monthly_trial.once_a_month(call.settings, snapshot, call.clock, call.progress)
        table = dataclasses.replace(_standing(snapshot, found), last=f"Files: {folder}")
        return Answer(table, _scored(snapshot), document)


@request
class Score(Scoring, Request):
    """Score every operator of anybody's canonical tables (`customer-research tables` describes them) and print it; nothing is
    kept. DIR holds TABLE.parquet, TABLE.csv or TABLE/*.parquet; tables that are not there are unknown.

    Tables that tell of something later than --as-of were read later: of the date only what they date is told, and the rest is not
    judged. A column `observed_at` says when they were read; rows with `valid_from` and `valid_to` are versions, of which the date
    picks those that stood then.

    With --json one document: what was scored from what, and each operator's score, dimensions, contributions (null: could not be
    judged), coverage, gates and findings. Without it: how many stand where.
    """

    everybody: bool = option("As JSON.", False, flags=("--json",))
    tables: Path = option("Canonical tables in a folder.", file="folder", metavar="DIR")

    def answer(self, call: Call) -> Answer:
        with ExitStack() as aside:
            taken = rooms.take.taken_aside(call.settings, call.clock, self, self.tables)
            folder, snapshot = aside.enter_context(taken)
            state = _scored(snapshot)
            if self.everybody:
                return Answer(Text(_closing(aside.pop_all(), rooms.take.document(folder, snapshot))), state)
            return Answer(_standing(snapshot, rooms.take.standings(folder)), state)


def _closing(aside: ExitStack, pieces: Iterable[str]) -> Iterator[str]:
    """The pieces, whose files are gone when the last has been taken."""
    with aside:
        yield from pieces


def _scored(snapshot: Snapshot) -> State:
    """Partial when a source that should have told did not."""
    return "partial" if any(gap.reason not in EXPECTED for gap in snapshot.gaps) else "done"


def _standing(snapshot: Snapshot, found: Iterable[StatusLine]) -> Table:
    """How everybody stands, then what is unknown of everybody."""
    card = f"scorecard {snapshot.scorecard} {snapshot.version}"
    head = f"{counted(snapshot.operators, 'operator')} as of {snapshot.as_of:%Y-%m-%d %H:%M} UTC, {card}, on {snapshot.engine}"
    rows = (
        (
            one.status.replace("_", " "),
            BAND_LABELS.get(one.band, one.band),
            f"{one.operators:,}",
            "not known" if one.average is None else unit_words(one.average, "number"),
            share_words(one.coverage),
        )
        for one in found
    )
    unknown = (
        f"Unknown of everybody, {gap.source}, {gap.reason.replace('_', ' ')}: {gap.detail} {gap.next_step}"
        for gap in snapshot.gaps
    )
    return Table(SCORE_HEADERS, tuple(rows), right=(2, 3, 4), before=(head,), after=tuple(unknown))
