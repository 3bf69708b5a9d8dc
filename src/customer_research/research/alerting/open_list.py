"""The open alerts: what stands in the store, with the lines of those whom they speak of, and nothing computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from customer_research.domain.alert import Episode, RuleInWords, alerts_of
from customer_research.domain.report import Report
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.words import nearest
from customer_research.errors import NothingYet, UsageError
from customer_research.reports.kinds.alerts import KIND, AlertBasis, OpenAlerts, can_wait, in_order
from customer_research.research.alerting.requests import AlertChoice
from customer_research.research.portfolio.owners import People, people_called
from customer_research.research.portfolio.ready import kept_listing, made_with
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import Store, open_to_read
from customer_research.store.history import History

if TYPE_CHECKING:
    from customer_research.research.portfolio.listing import Listing

SOURCE = "alerts"
"""The source of the receipts of what the store gave."""

_NEAREST = 3


def open_alerts(settings: Settings, choice: AlertChoice, *, now: datetime, alone: bool = False) -> Report:
    """The open alerts, most urgent first: those that cannot wait, unless all are wanted.

    With `alone` those of an owner are theirs without doubt: none of an operator whose owner is not known.

    Raises:
        UsageError: there is no such rule, and no alert of one that was; no such owner, or nobody said who it is; or no
            snapshot has been judged yet, so that nothing is known of alerts.
        StoreError: the store cannot be used.
    """
    book = choice.book(settings.owner)
    with open_to_read(settings.store_url) as store:
        _require_rule(settings, choice.rule.strip(), AlertBook(store))
        judged = AlertBook(store).newest()
        if judged is None:
            raise NothingYet(
                "No snapshot has been checked for alerts yet.", hint="Run `customer-research alerts check`."
            )
        episodes = AlertBook(store).episodes()
        every = alerts_of(episodes)
        waiting = History(store).scored_since(judged.as_of, settings.scorecard)

        def chosen(basis: AlertBasis, people: People | None) -> OpenAlerts:
            owners = _owners_called(book, people)
            wanted = [alert for alert in every if choice.takes(alert, basis.need(alert.subject), owners, alone=alone)]
            awake = [alert for alert in wanted if choice.all or not alert.snoozed(now)]
            shown = in_order(basis, (alert for alert in awake if choice.all or not can_wait(basis, alert)))
            return OpenAlerts(
                basis=basis,
                alerts=shown,
                snoozed=len(wanted) - len(awake),
                later=len(awake) - len(shown),
                words=choice.words(book),
                most=choice.limit or None,
                waiting=waiting,
                of=len(every),
            )

        return KIND.build(_with_lines(settings, store, episodes, now, chosen))


def _require_rule(settings: Settings, name: str, book: AlertBook) -> None:
    """Refuse a rule's name that nothing answers to: an empty list would say that all is well.

    Rules that have gone, but have alerts still, are known.
    """
    if not name:
        return
    known = dict.fromkeys((*rules_of(settings, book), *(episode.rule for episode in book.episodes(open_only=False))))
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


def _with_lines(
    settings: Settings,
    store: Store,
    episodes: tuple[Episode, ...],
    now: datetime,
    chosen: Callable[[AlertBasis, People | None], OpenAlerts],
) -> OpenAlerts:
    """Open alerts that are chosen by how soon somebody is needed, with the whole lines of the operators that are shown, and of no others."""
    with _judged(settings, store, episodes, "open alerts", now) as (made, listing):
        if listing is None:
            return chosen(made, None)
        needs = listing.needs([episode.subject for episode in episodes if not episode.source])
        found = chosen(replace(made, needs=needs, freshness=listing.freshness), listing.people())
        lines = listing.lines([alert.subject for alert in found.operators[: found.most]])
        return replace(found, basis=replace(found.basis, lines=lines))


def basis_of(
    settings: Settings, store: Store, episodes: Iterable[Episode], what: str, now: datetime
) -> tuple[AlertBasis, People | None]:
    """The newest snapshot that was judged, and the store, as what a report rests on; and its account owners (None: not known)."""
    told = tuple(episodes)
    with _judged(settings, store, told, what, now) as (made, listing):
        if listing is None:
            return made, None
        lines = listing.lines([episode.subject for episode in told if not episode.source])
        return replace(made, lines=lines, freshness=listing.freshness), listing.people()


@contextmanager
def _judged(
    settings: Settings, store: Store, told: tuple[Episode, ...], what: str, now: datetime
) -> Iterator[tuple[AlertBasis, Listing | None]]:
    """What a report rests on, without operators, and the newest snapshot that was judged (None: there is none, or it cannot be read)."""
    book = AlertBook(store)
    judged, first = book.newest(), book.first()
    newest = History(store).snapshot(judged.snapshot) if judged is not None else None
    made = bare_basis(settings, store, newest, told, what=what, now=now)
    made = replace(made, baseline=first.snapshot if first is not None else "")
    if newest is None:
        yield made, None
        return
    with kept_listing(store, settings, newest, now) as listing:
        if listing is None:
            from customer_research.research.portfolio.snapshot_view import freshness_of  # noqa: PLC0415 - start-up time

            made = replace(made, freshness=freshness_of(newest))
        yield made, listing


def bare_basis(
    settings: Settings,
    store: Store,
    newest: Snapshot | None,
    episodes: tuple[Episode, ...],
    *,
    what: str,
    now: datetime,
) -> AlertBasis:
    """What a report of alerts rests on, without operators and sources."""
    receipt = kept_receipt(
        SOURCE,
        tuple(map(repr, episodes)),
        source=SOURCE,
        stream="episodes",
        query=what,
        fetched_at=now,
        place=store.place,
    )
    return AlertBasis(
        generated_at=now,
        as_of=newest.as_of if newest is not None else now,
        receipts=(receipt,) if newest is None else (receipt, newest.scoring),
        freshness=(),
        rules=rules_of(settings, AlertBook(store)),
    )


def rules_of(settings: Settings, book: AlertBook) -> dict[str, RuleInWords]:
    """The alert rules in force by id, as people read them: kept in words, since reading the declarations takes long.

    Raises:
        ConfigError: a fault in the rules.
        StoreError: the store cannot be used.
    """
    digest = made_with(settings)
    kept = book.rules(digest)
    if kept is None:
        from customer_research.health.alerts.alert_words import rule_in_words  # noqa: PLC0415 - start-up time
        from customer_research.research.alerting.rule_check import alert_rules  # noqa: PLC0415 - start-up time

        kept = tuple(map(rule_in_words, alert_rules(settings).rules))
        book.save_rules(digest, kept)
    return {rule.id: rule for rule in kept}


def _owners_called(asked: str, people: People | None) -> frozenset[str] | None:
    """The ids and names of the owners meant; None: anybody's accounts.

    Raises:
        UsageError: nobody's owner is called so.
    """
    if not asked:
        return None
    if people is None:
        return frozenset()
    called = people_called(asked, people)
    if any(asked == identifier for identifier, _ in called):
        return frozenset({asked})
    return frozenset(word for pair in called for word in pair if word)
