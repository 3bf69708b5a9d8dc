"""Judging snapshots under the alert rules: into the store, once; or over the history, without writing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from customer_research.domain.alert import Change, Episode, Key, Observation, SimulationResult
from customer_research.domain.evidence import Figure
from customer_research.domain.snapshot import Snapshot
from customer_research.errors import ConfigError, StoreError, UsageError
from customer_research.health.alerts.alert_memory import AlertMemory
from customer_research.health.alerts.alert_words import AlertWords, metrics_told
from customer_research.health.alerts.declared import AlertRules, load_alert_rules
from customer_research.health.alerts.episodes import advance
from customer_research.health.alerts.rule_states import Judgement, states_of
from customer_research.health.alerts.rules import (
    OVERALL,
    AlertRule,
    BandDropTest,
    DimensionTest,
    ScoreDropTest,
    SourceGapTest,
)
from customer_research.health.alerts.simulation import Simulation
from customer_research.health.findings import load_findings
from customer_research.health.scorecard import Scorecard, load_scorecard, shipped_scorecards
from customer_research.research.alerting.watch import Watch, watching
from customer_research.research.one.judge import METRIC_NAMES, card_named
from customer_research.research.portfolio.history import kept_card
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import Store
from customer_research.store.history import History

NO_HISTORY = "Run `customer-research portfolio score`, or `customer-research history backfill` for the past."


@dataclass(frozen=True, slots=True)
class SnapshotCheck:
    """What judging one snapshot came to.

    done: judged now; repeated: it was judged before under these rules, nothing changed; older: a newer one has been
    judged, so nothing changed; other_scorecard: alerts look at snapshots under the settings' scorecard only.
    """

    snapshot: Snapshot
    state: Literal["done", "repeated", "older", "other_scorecard"]
    raised: tuple[Episode, ...] = ()
    continued: tuple[Episode, ...] = ()
    cleared: tuple[Episode, ...] = ()


def alert_rules(settings: Settings, path: Path | None = None) -> AlertRules:
    """The alert rules of a file, else those that the settings name, else the shipped ones.

    Raises:
        ConfigError: the file cannot be read, or a fault in it.
    """
    rules = load_alert_rules(path or settings.alerts.rules, METRIC_NAMES, load_findings(METRIC_NAMES))
    known = {OVERALL, *(d.name for card in _cards(settings) for d in card.dimensions)}
    for rule in rules.rules:
        if isinstance(rule.test, DimensionTest) and rule.test.dimension not in known:
            raise ConfigError(
                f"The alert rule {rule.id} looks at the dimension {rule.test.dimension!r}, which no scorecard has.",
                setting="alerts.rules",
                hint=f"Known: {', '.join(sorted(known))}.",
            )
    return rules


def _cards(settings: Settings) -> Iterator[Scorecard]:
    yield card_named(settings.scorecard)
    for name in shipped_scorecards():
        yield load_scorecard(name, METRIC_NAMES)


def evaluate(settings: Settings, store: Store, snapshot: Snapshot, *, now: datetime) -> SnapshotCheck:
    """Judge a snapshot that the history keeps, and keep what comes of it; the same snapshot again changes nothing.

    Raises:
        ConfigError: a fault in the alert rules.
        StoreError: the store cannot be used, or does not keep the snapshot.
    """
    rules, book, seen = alert_rules(settings), AlertBook(store), Observation(snapshot.as_of, snapshot.id)
    if snapshot.scorecard != settings.scorecard:
        return SnapshotCheck(snapshot, "other_scorecard")
    if book.is_judged(seen, rules.digest):
        return SnapshotCheck(snapshot, "repeated")
    with watching(settings, snapshot) as watch:
        past = _RuleHistory(settings, History(store), rules.enabled)
        judgement = past.judgement(snapshot, watch, past.standings(snapshot))
        states = states_of(judgement, rules.enabled)
        words = AlertWords(judgement, _figures(watch, rules.enabled, states))

        def decide(last: Mapping[Key, Episode]) -> Iterable[Change]:
            return advance(rules.enabled, states, last, seen, words)

        found = book.record(seen, rules.digest, decide, now)
    return SnapshotCheck(snapshot, found.state, found.of("raised"), found.of("continued"), found.of("cleared"))


def _figures(
    watch: Watch, rules: Sequence[AlertRule], states: Mapping[str, Mapping[str, str]]
) -> Callable[[str], Mapping[str, Figure]]:
    """The figures of the operators of whom something holds, fetched once for all rules."""
    holding = [rule for rule in rules if "holds" in states[rule.id].values()]
    operators = {subject for rule in holding for subject, state in states[rule.id].items() if state == "holds"}
    metrics = tuple(dict.fromkeys(name for rule in holding for name in metrics_told(rule)))
    found = watch.figures(sorted(operators), metrics)
    return lambda operator_id: found.get(operator_id, {})


def _scored(settings: Settings, history: History) -> list[Snapshot]:
    """The snapshots that were taken at their time (not by a backfill) under the settings' scorecard, oldest first."""
    return [snapshot for snapshot in _of_card(settings, history.snapshots()) if snapshot.kind == "scored"]


def check(settings: Settings, store: Store, *, now: datetime) -> tuple[SnapshotCheck, ...]:
    """Judge what has been scored since the last time, in its order; the first time, the newest snapshot only.

    Snapshots that a backfill made speak of the past: they are compared with, but raise nothing.

    Raises:
        UsageError: nothing has been scored under the settings' scorecard yet.
        ConfigError: a fault in the alert rules.
        StoreError: the store cannot be used.
    """
    found = _scored(settings, History(store))
    if not found:
        raise UsageError(
            f"The history has no snapshot under the scorecard {settings.scorecard} to judge.", hint=NO_HISTORY
        )
    newest = AlertBook(store).newest()
    waiting = found[-1:] if newest is None else [s for s in found if s.as_of >= newest.as_of]
    return tuple(evaluate(settings, store, snapshot, now=now) for snapshot in waiting or found[-1:])


def simulate(
    settings: Settings,
    store: Store,
    *,
    weeks: int,
    rules: Path | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> SimulationResult:
    """What the rules (those switched off, too) would have raised in the last weeks of the history; nothing is written.

    Args:
        settings: name the scorecard, the rules and the lake.
        store: keeps the history.
        weeks: how far back from the newest snapshot.
        rules: a file of rules to be tried instead of the settings'.
        progress: called with how many snapshots are judged, and how many there are.

    Raises:
        UsageError: there is no history under the settings' scorecard.
        ConfigError: a fault in the alert rules.
        StoreError: the store cannot be used.
    """
    declared, history = alert_rules(settings, rules).rules, History(store)
    past = _RuleHistory(settings, history, declared)
    all_snapshots = _one_each(_of_card(settings, history.snapshots()))
    if not all_snapshots:
        raise UsageError(f"The history has no snapshot under the scorecard {settings.scorecard}.", hint=NO_HISTORY)
    since = all_snapshots[-1].as_of - timedelta(weeks=weeks)
    standings = AlertMemory(past.days)
    wanted = [s for s in all_snapshots if s.as_of >= since - standings.reach]
    simulation = Simulation(declared, since)
    for number, snapshot in enumerate(wanted, start=1):
        with watching(settings, snapshot) as watch:
            simulation.take(past.judgement(snapshot, watch, standings))
        progress(number, len(wanted))
    return simulation.result()


class _RuleHistory:
    """The history as rules look at it."""

    def __init__(self, settings: Settings, history: History, rules: Sequence[AlertRule]) -> None:
        self._settings = settings
        self._history = history
        self._rules = rules
        self._findings = load_findings(METRIC_NAMES)
        self._cards: dict[str, Scorecard | None] = {}

    @property
    def days(self) -> int:
        """How far back the rules look."""
        tests = (rule.test for rule in self._rules)
        return max((t.days for t in tests if isinstance(t, BandDropTest | ScoreDropTest | SourceGapTest)), default=0)

    def judgement(self, snapshot: Snapshot, watch: Watch, standings: AlertMemory) -> Judgement:
        """A snapshot of the history under the rules.

        Raises:
            StoreError: the history does not keep it.
        """
        readings = tuple(self._history.readings(snapshot.id))
        if not readings and self._history.snapshot(snapshot.id) is None:
            raise StoreError(f"The history does not keep the snapshot {snapshot.id}.", hint=NO_HISTORY)
        watched = watch.watched(self._rules, self._findings)
        return Judgement(snapshot, readings, standings, card=self._card(snapshot), watched=watched)

    def standings(self, snapshot: Snapshot) -> AlertMemory:
        """How everybody stood before a snapshot, as far back as the rules look."""
        standings = AlertMemory(self.days)
        earlier = self._history.snapshots(since=snapshot.as_of - standings.reach, until=snapshot.as_of)
        for one in _one_each(_of_card(self._settings, earlier)):
            Judgement(one, self._history.readings(one.id), standings).remember()
        return standings

    def _card(self, snapshot: Snapshot) -> Scorecard | None:
        """The scorecard that a snapshot was scored under; None when neither files nor the store have it any more."""
        if snapshot.digest not in self._cards:
            self._cards[snapshot.digest] = self._found_card(snapshot)
        return self._cards[snapshot.digest]

    def _found_card(self, snapshot: Snapshot) -> Scorecard | None:
        card = card_named(self._settings.scorecard)
        if card.digest == snapshot.digest:
            return card
        with suppress(StoreError):
            return kept_card(self._history, snapshot.digest)
        return None


def _of_card(settings: Settings, snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    return [snapshot for snapshot in snapshots if snapshot.scorecard == settings.scorecard]


def _one_each(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """One snapshot an instant, the one taken last, oldest first."""
    in_order = sorted(snapshots, key=lambda snapshot: (snapshot.as_of, snapshot.taken_at))
    return list({snapshot.as_of: snapshot for snapshot in in_order}.values())
