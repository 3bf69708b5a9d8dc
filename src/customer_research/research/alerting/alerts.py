"""The use cases behind `alerts`: one alert, what people do about it, a check, a simulation, the rules (`open_list`: what is open)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from customer_research.domain.alert import Episode, RuleInWords
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.report import Report
from customer_research.domain.snapshot import Snapshot
from customer_research.health.alerts.alert_words import SCORE, SCORE_BEFORE, SHARE, rule_in_words
from customer_research.reports.inquiries.alert_simulation import REPORT as SIMULATION
from customer_research.reports.inquiries.alert_simulation import AlertSimulation
from customer_research.reports.kinds.alerts import CHECK, ONE, AlertCheck, OneAlert
from customer_research.research.alerting.open_list import SOURCE, bare_basis, basis_of
from customer_research.research.alerting.rule_check import SnapshotCheck, alert_rules, check, simulate
from customer_research.research.alerting.watch import watching
from customer_research.research.portfolio.snapshot_view import freshness_of
from customer_research.research.portfolio.snapshots import figure
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import open_store, open_to_read
from customer_research.store.history import History

_OWN_UNITS = {
    SCORE: ("Health score", "points"),
    SCORE_BEFORE: ("Health score before", "points"),
    SHARE: ("Unknown of", "ratio"),
}
_STATES = {
    "done": "judged",
    "repeated": "checked before, nothing changed",
    "older": "older than one that was checked, left out",
    "other_scorecard": "scored under another scorecard, left out",
}


def about(settings: Settings, alert: str) -> str:
    """The id of the operator that an alert is about; empty where it is about a source.

    Raises:
        UsageError: there is no such alert, or more than one.
        StoreError: the store cannot be used.
    """
    with open_to_read(settings.store_url) as store:
        episode = AlertBook(store).episode(alert)
    return "" if episode.source else episode.subject


def one_alert(settings: Settings, alert: str, *, now: datetime) -> Report:
    """One alert with its figures and its audit; `alert` is its id, or the first digits of it.

    Raises:
        UsageError: there is no such alert, or more than one.
        StoreError: the store cannot be used.
    """
    with open_to_read(settings.store_url) as store:
        book = AlertBook(store)
        episode = book.episode(alert)
        of_subject = book.episodes(open_only=False, subject=episode.subject)
        earlier = tuple(e for e in of_subject if e.rule == episode.rule and e.number < episode.number)
        return ONE.build(
            OneAlert(
                basis=basis_of(settings, store, (episode,), f"alert {episode.id}", now)[0],
                episode=episode,
                events=book.events(episode.id),
                figures=_figures(episode, History(store).snapshot(episode.held.snapshot)),
                earlier=earlier,
                others=tuple(e for e in of_subject if e.open and e.id != episode.id) if episode.open else (),
            )
        )


def changed(settings: Settings, act: Callable[[AlertBook], Episode]) -> Episode:
    """What became of an alert by what somebody does with it: `AlertBook.acknowledge`, `snooze` or `assign`."""
    with open_to_read(settings.store_url) as store:
        return act(AlertBook(store))


def checked(settings: Settings, *, now: datetime, most: int | None = None) -> Report:
    """Judge what has been scored since the last time (see `rule_check.check`)."""
    with open_store(settings.store_url) as store:
        done = check(settings, store, now=now)
        changed = [episode for one in done for episode in (*one.raised, *one.cleared, *one.continued)]
        return CHECK.build(
            AlertCheck(
                basis=basis_of(settings, store, changed, "alerts changed by the check", now)[0],
                outcomes=tuple(map(_outcome, done)),
                raised=_all(one.raised for one in done),
                cleared=_all(one.cleared for one in done),
                continued=done[-1].continued,
                most=most,
            )
        )


def simulated(
    settings: Settings,
    weeks: int,
    *,
    rules: Path | None = None,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """The rules tried on the history (see `rule_check.simulate`)."""
    with open_to_read(settings.store_url) as store:
        found = simulate(settings, store, weeks=weeks, rules=rules, progress=progress)
        last = [s for s in History(store).snapshots(since=found.instants[-1]) if s.scorecard == settings.scorecard]
        what = f"simulation over {len(found.instants)} snapshots"
        made = replace(
            bare_basis(settings, store, last[-1], found.episodes, what=what, now=now), freshness=freshness_of(last[-1])
        )
        with watching(settings, last[-1]) as watch:
            people = watch.owners() or ()
        return SIMULATION.build(AlertSimulation(made, found, weeks, len(people)))


def rules_in_words(settings: Settings, path: Path | None = None) -> tuple[RuleInWords, ...]:
    """The alert rules as people read them."""
    return tuple(map(rule_in_words, alert_rules(settings, path).rules))


def _outcome(one: SnapshotCheck) -> str:
    return f"Snapshot {one.snapshot.id} of {one.snapshot.as_of:%Y-%m-%d %H:%M} UTC: {_STATES[one.state]}."


def _all(parts: Iterable[tuple[Episode, ...]]) -> tuple[Episode, ...]:
    return tuple(itertools.chain.from_iterable(parts))


# -- figures -----------------------------------------------------------------------------------------------------------


def _figures(episode: Episode, snapshot: Snapshot | None) -> dict[str, Figure]:
    """The figures that an alert rests on, by label, with the receipts of the snapshot in which it held last."""
    return dict(_figure(name, value, snapshot) for name, value in episode.told.facts.items())


def _figure(name: str, value: Any, snapshot: Snapshot | None) -> tuple[str, Figure]:
    metric = METRICS.get(name)
    label = metric.label if metric else _OWN_UNITS.get(name, (name.replace("_", " ").capitalize(), ""))[0]
    if snapshot is None:
        detail = "the snapshot in which it was seen is no longer in the history"
        return label, Gap(SOURCE, "none_found", detail, metric=name)
    if metric is not None:
        return label, figure(snapshot, metric, _typed(value, metric.unit))
    if value is None:
        return label, Gap(SOURCE, "none_found", "it was not known", metric=name)
    unit = _OWN_UNITS.get(name, ("", "points"))[1]
    return label, Fact(value, unit, (snapshot.scoring,), snapshot.as_of, name)


def _typed(value: Any, unit: str) -> Any:
    """A value as the catalogue has it, of what JSON kept of it."""
    if isinstance(value, str) and unit == "timestamp":
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(value, str) and unit == "date" else value
