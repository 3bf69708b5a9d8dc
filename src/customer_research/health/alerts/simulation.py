"""Alert rules tried on the history: how many alerts each would have raised, for how long, and what became of the operators."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from customer_research.domain.alert import ChurnShare, Episode, Key, Observation, SimulationResult, Tally
from customer_research.health.alerts.episodes import SILENT, advance
from customer_research.health.alerts.rule_states import Judgement, states_of
from customer_research.health.alerts.rules import AlertRule

HORIZON = timedelta(days=90)
"""Within which an operator's leaving counts as what the alert was about."""
WEEK = timedelta(days=7)


class Simulation:
    """Snapshots go in one after the other, oldest first; nothing is written anywhere."""

    def __init__(self, rules: Sequence[AlertRule], since: datetime) -> None:
        self._rules = tuple(rules)
        self._since = since
        self._episodes: dict[Key, list[Episode]] = defaultdict(list)
        self._held: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._instants: list[datetime] = []
        self._blind: list[datetime] = []
        self._first_seen: dict[str, datetime] = {}
        self._churned: dict[str, datetime] = {}

    def take(self, judgement: Judgement) -> None:
        """Judge one snapshot; one before the beginning is only remembered."""
        as_of = judgement.snapshot.as_of
        if as_of >= self._since:
            self._instants.append(as_of)
            if judgement.watched.states is None:
                self._blind.append(as_of)
            self._raise(judgement)
        self._follow(judgement)
        judgement.remember()

    def _raise(self, judgement: Judgement) -> None:
        seen = Observation(judgement.snapshot.as_of, judgement.snapshot.id)
        states = states_of(judgement, self._rules)
        for rule, of_rule in states.items():
            counted = Counter(of_rule.values())
            self._held[rule] += counted["holds"]
            self._unknown[rule] += counted["unknown"]
        last = {key: episodes[-1] for key, episodes in self._episodes.items()}
        for change in advance(self._rules, states, last, seen, SILENT):
            episode = change.episode
            kept = self._episodes[episode.rule, episode.subject]
            if change.what == "raised":
                kept.append(episode)
            else:
                kept[-1] = episode

    def _follow(self, judgement: Judgement) -> None:
        """Who is there, and who has left since."""
        as_of = judgement.snapshot.as_of
        for operator, reading in judgement.readings.items():
            if reading.status != "churned":
                self._first_seen.setdefault(operator, as_of)
            elif operator in self._first_seen:
                self._churned.setdefault(operator, as_of)

    def result(self) -> SimulationResult:
        """All tallies, in the order of the rules."""
        episodes = [episode for kept in self._episodes.values() for episode in kept]
        by_rule: dict[str, list[Episode]] = defaultdict(list)
        for episode in episodes:
            by_rule[episode.rule].append(episode)
        return SimulationResult(
            instants=tuple(self._instants),
            blind=tuple(self._blind),
            tallies=tuple(self._tally(rule, by_rule[rule.id]) for rule in self._rules),
            episodes=tuple(sorted(episodes, key=lambda e: (e.raised.as_of, e.rule, e.subject))),
            base=self._base(),
            new_alerts=self._new_alerts(episodes),
        )

    def _new_alerts(self, episodes: Sequence[Episode]) -> int:
        """How many alerts began after the first instant: a subject's episodes that overlap are reasons of one."""
        enabled = {rule.id for rule in self._rules if rule.enabled}
        by_subject: dict[str, list[Episode]] = defaultdict(list)
        for episode in sorted(episodes, key=lambda e: e.raised.as_of):
            if episode.rule in enabled:
                by_subject[episode.subject].append(episode)
        return sum(self._beginnings(found) for found in by_subject.values())

    def _beginnings(self, episodes: Sequence[Episode]) -> int:
        began, until = 0, None
        for episode in episodes:
            end = episode.cleared.as_of if episode.cleared is not None else datetime.max.replace(tzinfo=UTC)
            if until is None or episode.raised.as_of >= until:
                began += episode.raised.as_of > self._instants[0]
                until = end
            until = max(until, end)
        return began

    def _tally(self, rule: AlertRule, episodes: Sequence[Episode]) -> Tally:
        weeks = Counter(self._week(e.raised.as_of) for e in episodes if e.raised.as_of > self._instants[0])
        lengths = [(e.cleared.as_of - e.raised.as_of) / timedelta(days=1) for e in episodes if e.cleared is not None]
        count = self._week(self._instants[-1]) if self._instants else 0
        return Tally(
            rule=rule.id,
            title=rule.title,
            severity=rule.severity,
            enabled=rule.enabled,
            alerts=len(episodes),
            at_start=sum(e.raised.as_of == self._instants[0] for e in episodes),
            operators=len({e.subject for e in episodes}),
            still_open=sum(e.open for e in episodes),
            held=self._held[rule.id],
            unknown=self._unknown[rule.id],
            per_week=weeks.total() / max(count, 1),
            worst_week=max(weeks.values(), default=0),
            median_days=statistics.median(lengths) if lengths else None,
            churn=self._churn(episodes),
        )

    def _week(self, as_of: datetime) -> int:
        """The week that an instant belongs to, from 1; 0 is the first instant."""
        return -((self._instants[0] - as_of) // WEEK)

    def _churn(self, episodes: Sequence[Episode]) -> ChurnShare:
        first: dict[str, datetime] = {}
        for episode in sorted(episodes, key=lambda e: e.raised.as_of):
            if not episode.source:
                first.setdefault(episode.subject, episode.raised.as_of)
        closed = {subject: at for subject, at in first.items() if self._closed(at)}
        return ChurnShare(len(closed), sum(self._left(subject, at) for subject, at in closed.items()))

    def _base(self) -> ChurnShare:
        """Every operator at every instant: how many leave within the horizon, alert or not."""
        known = left = 0
        for at in filter(self._closed, self._instants):
            there = [o for o, since in self._first_seen.items() if since <= at and self._churned.get(o, at + WEEK) > at]
            known += len(there)
            left += sum(self._left(operator, at) for operator in there)
        return ChurnShare(known, left)

    def _closed(self, at: datetime) -> bool:
        return at + HORIZON <= self._instants[-1]

    def _left(self, operator: str, at: datetime) -> bool:
        churned = self._churned.get(operator)
        return churned is not None and at < churned <= at + HORIZON
