"""The use cases behind `alerts`: what is open, one alert, what people do about it, a check, a simulation, the rules."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.alert import Episode, RuleInWords, alerts_of
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.report import Report
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.words import nearest
from customer_research.errors import UsageError
from customer_research.health.alerts.alert_words import SCORE, SCORE_BEFORE, SHARE, rule_in_words
from customer_research.reports.inquiries.alert_simulation import REPORT as SIMULATION
from customer_research.reports.inquiries.alert_simulation import AlertSimulation
from customer_research.reports.kinds.alerts import (
    CHECK,
    KIND,
    ONE,
    AlertBasis,
    AlertCheck,
    OneAlert,
    OpenAlerts,
    can_wait,
)
from customer_research.research.alerting.choice import AlertChoice
from customer_research.research.alerting.rule_check import SnapshotCheck, alert_rules, check, scored, simulate
from customer_research.research.alerting.watch import watching
from customer_research.research.portfolio.owners import fitting_owners
from customer_research.research.portfolio.selection import told_of
from customer_research.research.portfolio.snapshot_view import freshness_of, view_of
from customer_research.research.portfolio.snapshots import figure
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import Store, open_store
from customer_research.store.history import History

SOURCE = "alerts"
"""The source of the receipts of what the store gave."""

_OWN_UNITS = {
    SCORE: ("Health score", "points"),
    SCORE_BEFORE: ("Health score before", "points"),
    SHARE: ("Unknown of", "ratio"),
}
_NEAREST = 3
_STATES = {
    "done": "judged",
    "repeated": "checked before, nothing changed",
    "older": "older than one that was checked, left out",
    "other_scorecard": "scored under another scorecard, left out",
}


def open_alerts(settings: Settings, choice: AlertChoice, *, now: datetime) -> Report:
    """The open alerts, most urgent first: those that cannot wait, unless all are wanted.

    Raises:
        UsageError: there is no such rule, and no alert of one that was; no such owner, or nobody said who it is; or no snapshot has been judged yet, so
            that nothing is known of alerts.
        StoreError: the store cannot be used.
    """
    book = choice.book(settings.owner)
    with open_store(settings.store_url) as store:
        _require_rule(settings, choice.rule.strip(), AlertBook(store))
        judged = AlertBook(store).newest()
        if judged is None:
            raise UsageError(
                "No snapshot has been checked for alerts yet.", hint="Run `customer-research alerts check`."
            )
        owners = _owners_called(settings, book, History(store).snapshot(judged.snapshot))
        episodes = AlertBook(store).episodes()
        every = alerts_of(episodes)
        basis = _basis(settings, store, episodes, "open alerts", now)
        wanted = [alert for alert in every if choice.takes(alert, basis.accounts.get(alert.subject), owners)]
        awake = [alert for alert in wanted if choice.all or not alert.snoozed(now)]
        shown = tuple(alert for alert in awake if choice.all or not can_wait(basis, alert))
        return KIND.build(
            OpenAlerts(
                basis=basis,
                alerts=shown,
                snoozed=len(wanted) - len(awake),
                later=len(awake) - len(shown),
                words=choice.words(book),
                most=choice.limit or None,
                waiting=sum(one.as_of > judged.as_of for one in scored(settings, History(store))),
                of=len(every),
            )
        )


def _require_rule(settings: Settings, name: str, book: AlertBook) -> None:
    """Refuse a rule's name that nothing answers to: an empty list would say that all is well.

    Rules that have gone, but have alerts still, are known.
    """
    if not name:
        return
    rules = {rule.id: rule.title for rule in alert_rules(settings).rules}
    known = dict.fromkeys((*rules, *(episode.rule for episode in book.episodes(open_only=False))))
    if name.lower() in {rule.lower() for rule in known}:
        return
    close = _nearest(name, known)
    hint = f"Did you mean {' or '.join(close)}?" if close else "`customer-research alerts rules` lists them."
    raise UsageError(f"There is no alert rule {name[:60]!r}.", hint=hint)


def _nearest(name: str, known: Collection[str]) -> list[str]:
    """Names that are spelt alike, or of which this one is a part."""
    close = nearest(name, known)
    close += [rule for rule in known if name.lower() in rule.lower() and rule not in close]
    return close[:_NEAREST]


def one_alert(settings: Settings, alert: str, *, now: datetime) -> Report:
    """One alert with its figures and its audit; `alert` is its id, or the first digits of it.

    Raises:
        UsageError: there is no such alert, or more than one.
        StoreError: the store cannot be used.
    """
    with open_store(settings.store_url) as store:
        book = AlertBook(store)
        episode = book.episode(alert)
        of_subject = book.episodes(open_only=False, subject=episode.subject)
        earlier = tuple(e for e in of_subject if e.rule == episode.rule and e.number < episode.number)
        return ONE.build(
            OneAlert(
                basis=_basis(settings, store, (episode,), f"alert {episode.id}", now),
                episode=episode,
                events=book.events(episode.id),
                figures=_figures(episode, History(store).snapshot(episode.held.snapshot)),
                earlier=earlier,
                others=tuple(e for e in of_subject if e.open and e.id != episode.id) if episode.open else (),
            )
        )


def changed(settings: Settings, act: Callable[[AlertBook], Episode]) -> Episode:
    """What became of an alert by what somebody does with it: `AlertBook.acknowledge`, `snooze` or `assign`."""
    with open_store(settings.store_url) as store:
        return act(AlertBook(store))


def checked(settings: Settings, *, now: datetime, most: int | None = None) -> Report:
    """Judge what has been scored since the last time (see `rule_check.check`)."""
    with open_store(settings.store_url) as store:
        done = check(settings, store, now=now)
        changed = [episode for one in done for episode in (*one.raised, *one.cleared, *one.continued)]
        return CHECK.build(
            AlertCheck(
                basis=_basis(settings, store, changed, "alerts changed by the check", now),
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
    with open_store(settings.store_url) as store:
        found = simulate(settings, store, weeks=weeks, rules=rules, progress=progress)
        last = [s for s in History(store).snapshots(since=found.instants[-1]) if s.scorecard == settings.scorecard]
        what = f"simulation over {len(found.instants)} snapshots"
        basis = _made(settings, last[-1], _receipt(found.episodes, what, store.place, now), now)
        return SIMULATION.build(AlertSimulation(basis, found, weeks, len(_owners(settings, last[-1]) or ())))


def rules_in_words(settings: Settings, path: Path | None = None) -> tuple[RuleInWords, ...]:
    """The alert rules as people read them."""
    return tuple(map(rule_in_words, alert_rules(settings, path).rules))


def _outcome(one: SnapshotCheck) -> str:
    return f"Snapshot {one.snapshot.id} of {one.snapshot.as_of:%Y-%m-%d %H:%M} UTC: {_STATES[one.state]}."


def _all(parts: Iterable[tuple[Episode, ...]]) -> tuple[Episode, ...]:
    return tuple(itertools.chain.from_iterable(parts))


def _basis(settings: Settings, store: Store, episodes: Iterable[Episode], what: str, now: datetime) -> AlertBasis:
    """The newest snapshot that was judged, and the store, as what a report rests on."""
    book, told = AlertBook(store), tuple(episodes)
    judged, first = book.newest(), book.first()
    newest = History(store).snapshot(judged.snapshot) if judged is not None else None
    made = _made(settings, newest, _receipt(told, what, store.place, now), now)
    accounts = _accounts(settings, newest, [episode.subject for episode in told if not episode.source], now)
    return replace(made, accounts=accounts, baseline=first.snapshot if first is not None else "")


def _accounts(
    settings: Settings, snapshot: Snapshot | None, subjects: Sequence[str], now: datetime
) -> Mapping[str, Account]:
    """The operators as they stood in a snapshot; nobody where its files are gone, or its scorecard has changed since."""
    folder = settings.lake_folder / snapshot.place if snapshot is not None else None
    if not subjects or snapshot is None or folder is None or not (folder / "accounts.parquet").is_file():
        return {}
    try:
        with view_of(settings, folder, snapshot, now) as view:
            return told_of(view, subjects)
    except UsageError:
        return {}


def _owners(settings: Settings, snapshot: Snapshot) -> tuple[tuple[str, str], ...] | None:
    """The account owners whom HubSpot names in a snapshot, id and name; None where its files are gone."""
    with watching(settings, snapshot) as watch:
        return watch.owners()


def _owners_called(settings: Settings, asked: str, snapshot: Snapshot | None) -> frozenset[str] | None:
    """The ids and names of the owners meant; None: anybody's accounts.

    Raises:
        UsageError: nobody's owner is called so.
    """
    if not asked:
        return None
    people = _owners(settings, snapshot) if snapshot is not None else None
    if people is None:
        return frozenset()
    if any(asked == identifier for identifier, _ in people):
        return frozenset({asked})
    names = set(fitting_owners(asked, list(dict.fromkeys(name for _, name in people))))
    return frozenset(names.union(i for i, name in people if name in names))


def _made(settings: Settings, newest: Snapshot | None, receipt: Receipt, now: datetime) -> AlertBasis:
    return AlertBasis(
        generated_at=now,
        as_of=newest.as_of if newest is not None else now,
        receipts=(receipt,) if newest is None else (receipt, newest.scoring),
        freshness=freshness_of(newest) if newest is not None else (),
        rules={rule.id: rule for rule in rules_in_words(settings)},
    )


def _receipt(episodes: tuple[Episode, ...], what: str, place: str, now: datetime) -> Receipt:
    return kept_receipt(
        SOURCE,
        tuple(map(repr, episodes)),
        source=SOURCE,
        stream="episodes",
        query=what,
        fetched_at=now,
        place=place,
    )


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
