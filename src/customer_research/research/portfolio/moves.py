"""Two snapshots side by side: who fell, who rose, who left; what became of alerts; and the MRR by currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from customer_research.domain.evidence import Figure, Gap, Receipt, each_once
from customer_research.domain.health import AT_RISK_BANDS, BAND_ORDER, NO_BAND, PRESENT, Band
from customer_research.domain.history import Past
from customer_research.domain.line import WEEKS, Line
from customer_research.domain.portfolio import AlertsOfWeek, Mover, Moves
from customer_research.health.history import SLACK, SOURCE, STEP, change
from customer_research.reports.readings import change_figure, scorings
from customer_research.research.receipts import kept_receipt
from customer_research.store.database import is_there, open_to_read
from customer_research.store.history import History, Standing

if TYPE_CHECKING:
    from customer_research.domain.alert import AlertEvent, Episode, Observation
    from customer_research.domain.snapshot import Snapshot
    from customer_research.settings import Settings

BACKFILL = "Run `customer-research history backfill`, or `customer-research portfolio score` every day."

MONTH = 30
"""How many days a change of the score looks back."""

NOT_JUDGED = Gap(
    "alerts", "none_found", "no snapshot has been checked for alerts yet", "Run `customer-research alerts check`."
)
"""What stands for alerts before the first check."""


def moves(
    settings: Settings, snapshot: Snapshot, days: int, operator_ids: Collection[str] | None = None
) -> Moves | Gap:
    """What lies between a snapshot and the last one at least so many days (and up to seven more) before it, as `between`.

    Raises:
        StoreError: the store cannot be read.
    """
    if not is_there(settings.store_url):
        return Gap(SOURCE, "none_found", "there is no score history yet", BACKFILL)
    with open_to_read(settings.store_url) as store:
        history = History(store)
        newest = snapshot.as_of - timedelta(days=days)
        found = history.snapshots(
            since=newest - SLACK, until=newest + timedelta(microseconds=1), digest=snapshot.digest
        )
        if not found or history.snapshot(snapshot.id) is None:
            detail = f"there is no snapshot of {days} days before, nor up to 7 days earlier"
            return Gap(SOURCE, "none_found", detail, BACKFILL)
        return between(history, found[-1], snapshot, store.place, operator_ids)


def between(
    history: History, then: Snapshot, now: Snapshot, place: str, operator_ids: Collection[str] | None = None
) -> Moves:
    """What lies between two snapshots of a store at *place*; of these operators alone, where ids are given."""
    before, after = history.standings(then.id, operator_ids), history.standings(now.id, operator_ids)
    told = then.untold == now.untold
    became: dict[str, list[Mover]] = defaultdict(list)
    uncompared = 0
    for operator_id, standing in after.items():
        earlier = before.get(operator_id)
        points = _points(earlier, standing) if told else None
        kinds = _became(earlier, standing, points)
        uncompared += points is None and not kinds and standing.status in PRESENT
        for kind in kinds:
            became[kind].append(_mover(operator_id, earlier, standing, points))
    return Moves(
        then=then,
        new_at_risk=_by(became["new"], 1),
        worse=_by(became["worse"], 1),
        better=_by(became["better"], -1),
        left=_by(became["left"], 1),
        came=_by(became["came"], 1),
        then_at_risk=sum(one.status in PRESENT and one.band in AT_RISK_BANDS for one in before.values()),
        receipt=_receipt(then, now, len(before), place),
        uncompared=uncompared,
    )


def history_receipt(snapshot: Snapshot, lines: Sequence[Line], place: str) -> Receipt | None:
    """What proves the scores of earlier weeks that lines carry; None where they have none."""
    known = [f"{line.operator_id} {line.weeks}" for line in lines if any(one is not None for one in line.weeks[:-1])]
    if not known:
        return None
    return kept_receipt(
        "weeks",
        known,
        source=SOURCE,
        stream="readings",
        query=f"scores of {WEEKS} weeks up to snapshot {snapshot.id}",
        fetched_at=snapshot.taken_at,
        place=place,
    )


def _points(then: Standing | None, now: Standing) -> int | None:
    """The change of the score; None unless both have one that is settled, of the same dimensions (see `health.history.comparable`)."""
    if then is None or then.score is None or now.score is None or then.highest is not None or now.highest is not None:
        return None
    same = then.dimensions == now.dimensions or then.known == now.known
    return now.score - then.score if same else None


def _became(then: Standing | None, now: Standing, points: int | None) -> tuple[str, ...]:
    """What became of an operator: what is not known of both snapshots makes nobody worse or better."""
    was = then is not None and then.status in PRESENT
    if now.status not in PRESENT:
        return ("left",) if was and now.status == "churned" else ()
    if then is None or not was:
        return ("came",)
    if points is None:
        return ()
    fresh = now.band in AT_RISK_BANDS and then.band not in AT_RISK_BANDS | NO_BAND
    banded = not NO_BAND & {now.band, then.band}
    fell = _rank(now.band) - _rank(then.band) if banded else 0
    worse = points <= -STEP or points < 0 < fell
    better = points >= STEP or points > 0 > fell
    return tuple(kind for kind, holds in (("new", fresh), ("worse", worse), ("better", better)) if holds)


def _mover(operator_id: str, then: Standing | None, now: Standing, points: int | None) -> Mover:
    return Mover(
        operator_id=operator_id,
        name=now.name,
        then=then.score if then else None,
        then_band=then.band if then else None,
        now=now.score,
        band=now.band,
        status=now.status,
        points=points,
    )


def _rank(band: Band) -> int:
    return BAND_ORDER.index(band)


def _by(movers: list[Mover], sign: int) -> tuple[Mover, ...]:
    """The largest changes first (falls with 1, rises with -1), then by name."""
    return tuple(sorted(movers, key=lambda m: (sign * (m.points or 0), m.name, m.operator_id)))


def changes(store_url: str, snapshot: Snapshot, operator_ids: Collection[str]) -> Mapping[str, Figure]:
    """By how much each operator's score changed in the 30 days before a snapshot that the history has.

    A figure's value counts what could be judged both times (see `health.history`); between readings that know different
    dimensions it is a gap, for a number without its note would read as a rise or a fall. Operators of whom the history has
    nothing in either snapshot are left out.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_to_read(store_url) as store:
        history = History(store)
        if history.snapshot(snapshot.id) is None:
            return {}
        month = snapshot.as_of - timedelta(days=MONTH)
        # a window is half-open, and a reading of 30 days ago to the instant counts
        then = history.snapshots(since=month - SLACK, until=month + timedelta(microseconds=1))
        earlier: dict[str, list[Past]] = {operator_id: [] for operator_id in operator_ids}
        for one in then:
            for reading in history.readings(one.id, operator_ids=operator_ids):
                earlier[reading.operator_id].append(Past(one, reading))
        found = {}
        for reading in history.readings(snapshot.id, operator_ids=operator_ids):
            if earlier.get(reading.operator_id):
                now = Past(snapshot, reading)
                moved = change(earlier[reading.operator_id], now, MONTH)
                basis = _proof(now, *(() if moved.then is None else (moved.then,)))
                found[reading.operator_id] = change_figure(moved, basis, now)
        return found


def _proof(*past: Past) -> tuple[Receipt, ...]:
    """The receipts of the scorings behind readings, each once."""
    return each_once(receipt for one in past for receipt in scorings(one))


def done(
    settings: Settings, snapshot: Snapshot, days: int, operator_ids: Collection[str] | None = None
) -> AlertsOfWeek | Gap:
    """What became of alerts in so many days up to a snapshot; of these operators alone, where ids are given.

    Raises:
        StoreError: the store cannot be read.
    """
    from customer_research.store.alerts import AlertBook  # noqa: PLC0415 - start-up time

    if not is_there(settings.store_url):
        return NOT_JUDGED
    with open_to_read(settings.store_url) as store:
        book = AlertBook(store)
        newest = book.newest()
        if newest is None:
            return NOT_JUDGED
        every = book.episodes(open_only=False)
        acts = book.acts(snapshot.as_of - timedelta(days=days), _after(snapshot.as_of))
        if operator_ids is not None:
            every = tuple(one for one in every if not one.source and one.subject in operator_ids)
            theirs = {one.id for one in every}
            acts = tuple(act for act in acts if act.episode in theirs)
        return _done(every, acts, snapshot, timedelta(days=days), (book.first() or newest, newest), store.place)


def _done(  # noqa: PLR0917 - what `done` has read
    every: Sequence[Episode],
    acts: tuple[AlertEvent, ...],
    snapshot: Snapshot,
    span: timedelta,
    judged: tuple[Observation, Observation],
    place: str,
) -> AlertsOfWeek:
    """`judged` are the first and the newest snapshot that alerts were checked for."""
    since, until = snapshot.as_of - span, snapshot.as_of
    raised = tuple(e for e in every if since < e.raised.as_of <= until)
    cleared = tuple(e for e in every if e.cleared is not None and since < e.cleared.as_of <= until)
    critical = tuple(e for e in every if e.open and e.severity == "critical")
    receipt = kept_receipt(
        "alerts",
        (*map(repr, (*raised, *cleared, *critical)), *map(repr, acts)),
        source="alerts",
        stream="episodes",
        query=f"alerts from {since:%Y-%m-%d} to {until:%Y-%m-%d}",
        fetched_at=snapshot.taken_at,
        place=place,
    )
    first, newest = judged
    return AlertsOfWeek(raised, cleared, critical, acts, receipt, newest.as_of, first.snapshot)


def _after(as_of: datetime) -> datetime:
    """A day after the snapshot: people act on what it says."""
    return as_of + timedelta(days=1)


def _receipt(then: Snapshot, now: Snapshot, rows: int, place: str) -> Receipt:
    return kept_receipt(
        "moves",
        (f"{then.id} {then.tables} {now.id} {now.tables} {now.digest}",),
        source=SOURCE,
        stream="readings",
        query=f"snapshots {then.id} and {now.id}",
        fetched_at=now.taken_at,
        place=place,
        rows=rows,
    )
