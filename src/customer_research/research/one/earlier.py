"""What the store knows of one operator's past: earlier scores and alerts, as an account keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from customer_research.domain.account import Account
from customer_research.domain.alert import AlertsAbout
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.health import HealthScore
from customer_research.domain.history import Change, Past, PastScore, ScoreChange, ScoreHistory
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.errors import StoreError
from customer_research.health.history import SOURCE, change, direction, one_each
from customer_research.health.history import WINDOWS as CHANGE_WINDOWS
from customer_research.health.scorecard import Scorecard
from customer_research.research.one.judge import card_named
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import Store, is_there, open_store
from customer_research.store.history import History

CLEARED_LATELY = timedelta(days=90)
"""How long a cleared alert is still told of."""

_NO_HISTORY = "there is no score history yet"
_BACKFILL = "Run `customer-research portfolio score`, or `customer-research history backfill` for the past two years."
_ALERTS = "alerts"


def with_past(account: Account, settings: Settings, scorecard: str) -> Account:
    """The account with its earlier scores and its alerts from the store, or the gaps that stand for them.

    A store that is not there, or cannot be read, costs nothing else of the account.

    Raises:
        ConfigError: the setting `store.url` is wrong.
    """
    if not is_there(settings.store_url):
        return replace(
            account, history=_none(), alerts=Gap(_ALERTS, "none_found", "no snapshot has been checked for alerts yet")
        )
    try:
        with open_store(settings.store_url) as store:
            history = _scores(account, store, card_named(scorecard))
            return replace(account, history=history, alerts=_alerts(account, store))
    except StoreError as error:
        gap = Gap(SOURCE, "unavailable", error.message.rstrip("."), error.hint)
        return replace(account, history=gap, alerts=replace(gap, source=_ALERTS))


def _none() -> Gap:
    return Gap(SOURCE, "none_found", _NO_HISTORY, _BACKFILL)


def _scores(account: Account, store: Store, card: Scorecard) -> ScoreHistory | Gap:
    history = History(store)
    every = one_each(history.series(account.operator_id, until=account.as_of))
    if not every:
        known = history.latest() is not None
        detail = "the score history has no earlier reading of this operator" if known else _NO_HISTORY
        return Gap(SOURCE, "none_found", detail, _BACKFILL)
    same = [one for one in every if one.snapshot.digest == card.digest]
    if not same:
        other = every[-1].snapshot
        detail = (
            f"all readings are under another scorecard ({other.scorecard} {other.version}), so they are not compared"
        )
        return Gap(SOURCE, "not_applicable", detail, _BACKFILL)
    now = _now(account)
    changes = [] if now is None else [change(same, now, days) for days in CHANGE_WINDOWS]
    return ScoreHistory(
        past=tuple(map(_past_score, same)),
        direction=direction(changes[0]) if now is not None else "unknown",
        changes=tuple(map(_told, changes)),
        titles={dimension.name: dimension.title for dimension in card.dimensions},
        receipt=_receipt(SOURCE, "readings", account, (f"{one.snapshot.id} {one.reading!r}" for one in same), store),
        rules={rule.id: rule.dimension for rule in card.rules},
    )


def _now(account: Account) -> Past | None:
    """The account's own score, as if it were a reading; None without one."""
    score = account.score
    return None if score is None else Past(_live_snapshot(account, score), _live_reading(account, score))


def _live_snapshot(account: Account, score: HealthScore) -> Snapshot:
    return Snapshot(
        id="live",
        kind="scored",
        as_of=account.as_of,
        taken_at=account.generated_at,
        scorecard=score.scorecard,
        version=score.version,
        digest=score.digest,
        tables="",
        engine="live",
        operators=1,
        place="",
        receipts=(),
    )


def _live_reading(account: Account, score: HealthScore) -> Reading:
    return Reading(
        snapshot="live",
        operator_id=account.operator_id,
        name=account.name,
        as_of=account.as_of,
        status=score.status,
        score=score.score,
        band=score.band,
        band_before_gates=score.band,
        highest=score.highest,
        coverage=score.coverage,
        dimensions={dimension.name: dimension.score for dimension in score.dimensions},
        contributions=score.points_by_rule,
    )


def _past_score(past: Past) -> PastScore:
    reading = past.reading
    return PastScore(
        as_of=past.snapshot.as_of,
        score=reading.score,
        band=reading.band,
        coverage=reading.coverage,
        dimensions=reading.dimensions,
        contributions=reading.contributions,
        snapshot=past.snapshot.id,
        later=past.snapshot.kind == "backfill",
    )


def _told(change: Change) -> ScoreChange:
    if change.then is None or change.difference is None:
        return ScoreChange(change.days, None, None, None, change.gap)
    return ScoreChange(change.days, change.then.snapshot.as_of, change.then.reading.score, change.difference)


def _alerts(account: Account, store: Store) -> AlertsAbout | Gap:
    book = AlertBook(store)
    judged = book.newest()
    if judged is None:
        return Gap(
            _ALERTS,
            "none_found",
            "no snapshot has been checked for alerts yet",
            "Run `customer-research alerts check`.",
        )
    since: datetime = account.as_of - CLEARED_LATELY
    found = book.episodes(open_only=False, subject=account.operator_id)
    kept = tuple(e for e in found if e.cleared is None or e.cleared.as_of >= since)
    return AlertsAbout(kept, judged.as_of, _receipt(_ALERTS, "episodes", account, map(repr, kept), store))


def _receipt(source: str, stream: str, account: Account, lines: Iterable[str], store: Store) -> Receipt:
    return kept_receipt(
        stream,
        tuple(lines),
        source=source,
        stream=stream,
        query=f"{source} of operator {account.operator_id}",
        fetched_at=account.generated_at,
        place=store.place,
    )
