"""Use cases about the score's past: its history, and the snapshots behind it."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from customer_research.domain.words import counted, instant_text, unit_words
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Table, lines, of_report

if TYPE_CHECKING:
    from customer_research.research.past.history.proof import Proof
    from customer_research.research.portfolio.history import SnapshotSummary
    from customer_research.research.usecases.runner import Call

HEADERS = (
    "As of",
    "Snapshot",
    "Scorecard",
    "Taken",
    "Operators",
    "Mean score",
    "Healthy",
    "Monitor",
    "At Risk",
    "Critical",
)
NARROW_HEADERS = {"Operators": "All", "Mean score": "Mean"}
WIDTH = 120
SHORT_ID = 8
YEARS_BACK = 104
DIFFERENCES_SHOWN = 20


@request
class OfOperator(Request):
    """How OPERATOR's score moved, and what moved it."""

    WHOSE = ("operator",)

    operator: str = options.operator()
    last: int = option("How many readings to list.", 12, ge=1)
    scorecard: str | None = options.scorecard()

    async def answer(self, call: Call) -> Answer:
        made = rooms.operator_history.history_report
        async with call.research() as research:
            return of_report(await made(research, self.operator, scorecard=self.scorecard, shown=self.last))


@request
class Backfill(Request):
    """Score the portfolio at weekly instants of the past by what the lake knew then. Of weeks before its first sync only what has a date
    counts (bookings, payments, ends of subscriptions); what a source overwrites without one is not judged, and coverage is lower.

    The weeks are counted back from the newest snapshot (or --until). Weeks that have a snapshot are left as they are: a run that
    was cut off goes on where it stopped, and a second run changes nothing.
    """

    DOCUMENT = "What was done as JSON."

    weeks: int = option("How many weeks back.", YEARS_BACK, ge=1, le=1040)
    until: str | None = options.instant("The newest instant: a day (its midnight) or an instant, UTC.")
    scorecard: str | None = options.scorecard()

    def answer(self, call: Call) -> Answer:
        until = None if self.until is None else options.instant_of(self.until)
        done = rooms.backfill.backfill(
            call.settings, call.clock, weeks=self.weeks, scorecard=self.scorecard, until=until, progress=call.progress
        )
        before = f"; {counted(done.before, 'week')} before the data begin" if done.before else ""
        document = {
            "until": instant_text(done.until),
            "scored": [instant_text(one) for one in done.scored],
            "weeks_there": done.there,
            "weeks_before_the_data": done.before,
        }
        return lines(
            f"{counted(len(done.scored), 'week')} scored, {done.there} there already{before}.", document=document
        )


@request
class Take(Request):
    """Score the portfolio now and keep it: once a day for the same tables and scorecard."""

    DOCUMENT = "The snapshot as JSON."

    scorecard: str | None = options.scorecard()

    def answer(self, call: Call) -> Answer:
        taken, new = rooms.backfill.take(call.settings, call.clock, scorecard=self.scorecard)
        what = "Kept" if new else "There already"
        said = f"{what}: snapshot {taken.id} of {taken.operators:,} operators as of {taken.as_of:%Y-%m-%d %H:%M} UTC."
        document = {"id": taken.id, "as_of": instant_text(taken.as_of), "operators": taken.operators, "new": new}
        return lines(said, document=document)


@request
class All(Request):
    """The snapshots of the history, the newest first, with how the operators stood."""

    DOCUMENT = "As JSON."

    def answer(self, call: Call) -> Answer:
        found = rooms.history.listed(call.settings.store_url)
        document = [_document(one) for one in found]
        if not found:
            return lines("There is no snapshot in the score history yet.", document=document)
        rows = [_row(one) for one in found]
        short = [(as_of, id_[:SHORT_ID], card, *rest) for as_of, id_, card, _, *rest in rows]
        headers = tuple(NARROW_HEADERS.get(header, header) for header in HEADERS if header != "Taken")
        narrow = Table(headers, tuple(short), right=range(3, len(headers)))
        return Answer(
            Table(HEADERS, tuple(rows), right=range(4, len(HEADERS)), width=WIDTH, narrow=narrow), document=document
        )


def _row(one: SnapshotSummary) -> tuple[str, ...]:
    kept = one.snapshot
    return (
        _moment(kept.as_of),
        kept.id,
        f"{kept.scorecard} {kept.version}",
        "later" if kept.kind == "backfill" else "then",
        f"{kept.operators:,}",
        "not known" if one.average is None else unit_words(one.average, "number"),
        *(f"{one.bands.get(band, 0):,}" for band in ("healthy", "monitor", "at_risk", "critical")),
    )


def _document(one: SnapshotSummary) -> dict[str, Any]:
    return rooms.take.summary(one.snapshot, None) | {"average": one.average, "bands": dict(one.bands)}


@request
class Verify(Request):
    """Prove SNAPSHOT (an id of `history list`, or its beginning; default: the newest): its figures are scored again under the
    scorecard as it was kept, and every reading in the history is compared with what comes out. Findings are compared, too, when
    they are judged as they were then: their rules come with the program, and the receipt tells of which text.

    Exit code: 0 when all are the same; 1 when one differs.
    """

    DOCUMENT = "As JSON."

    snapshot_id: str | None = argument("An id, or its beginning.", None, metavar="[SNAPSHOT]")

    def answer(self, call: Call) -> Answer:
        proof = rooms.proof.verify(call.settings, self.snapshot_id)
        return lines(*_words(proof), state="different" if proof.differences else "done", document=_proof(proof))


def _proof(proof: Proof) -> dict[str, Any]:
    differences = [
        {"operator_id": one.operator_id, "field": one.field, "kept": _plain(one.kept), "again": _plain(one.again)}
        for one in proof.differences
    ]
    return {
        "snapshot": proof.snapshot.id,
        "as_of": instant_text(proof.snapshot.as_of),
        "scorecard_digest": proof.snapshot.digest,
        "readings": proof.readings,
        "findings": proof.findings,
        "same": not differences,
        "differences": differences,
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, datetime) else value


def _words(proof: Proof) -> tuple[str, ...]:
    under = f"snapshot {proof.snapshot.id} as of {proof.snapshot.as_of:%Y-%m-%d %H:%M} UTC"
    if not proof.differences:
        parts = "dimensions, contributions, gates, findings" if proof.findings else "dimensions, contributions, gates"
        left_out = (
            "" if proof.findings else " Findings were judged by another version of the program: they are not proven."
        )
        same = f"Same: all {proof.readings:,} readings of {under} come out again, with their {parts} and coverage"
        return (f"{same}, under the scorecard {proof.snapshot.digest[:16]}.{left_out}",)
    told = [
        f"  {one.operator_id or 'snapshot'}, {one.field}: kept {one.kept!r}, again {one.again!r}"
        for one in proof.differences[:DIFFERENCES_SHOWN]
    ]
    left = len(proof.differences) - len(told)
    more = (f"  and {left:,} more (--json lists all)",) if left else ()
    return (f"Different: {len(proof.differences):,} values of {under}.", *told, *more)


@request
class Prune(Request):
    """Thin the history out: all snapshots of the last N days stay, of earlier weeks (per scorecard) the newest one each.

    Files in the lake of snapshots that go, go too.
    """

    keep_daily: int = option("Days of which all is kept.", metavar="N", ge=0)

    def answer(self, call: Call) -> Answer:
        gone = rooms.history.prune(call.settings, call.clock, self.keep_daily)
        return lines(f"{counted(gone, 'snapshot')} removed.")


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d}" if value.time() == time.min else f"{value:%Y-%m-%d %H:%M}"
