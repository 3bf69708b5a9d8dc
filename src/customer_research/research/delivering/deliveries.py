"""What people see of the outbox and do about it: lists, one delivery, sending again, dropping, sending what is due now."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from customer_research.domain.delivery import CHANNELS, STATES, Delivery, State
from customer_research.domain.report import Report
from customer_research.domain.words import nearest
from customer_research.errors import UsageError
from customer_research.reports.inquiries.deliveries_report import ONE, REPORT, DeliveryList, OneDelivery
from customer_research.research.delivering.composing import text_of
from customer_research.research.delivering.opening import Channels, delivery_clock
from customer_research.research.delivering.worker import Worker
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.database import open_store, open_to_read
from customer_research.store.outbox import Outbox

SOURCE = "store"


def deliveries_report(
    settings: Settings,
    *,
    states: Collection[str] = (),
    kind: str = "",
    channel: str = "",
    subject: str = "",
    most: int | None = None,
    now: datetime,
) -> Report:
    """The deliveries that fit, those first that changed last.

    Raises:
        UsageError: there is no such state or channel.
        StoreError: the store cannot be read.
    """
    wanted = [_one_of(state, STATES, "state") for state in states]
    by = _one_of(channel, CHANNELS, "channel") if channel else ""
    with open_to_read(settings.store_url) as store:
        box = Outbox(store)
        found, every = box.list(states=wanted, kind=kind.strip(), channel=by, subject=subject.strip(), most=most)
        counts = box.waiting().counts
        receipt = kept_receipt(
            "deliveries",
            tuple(f"{one.key} {one.state} {one.changed_at}" for one in found),
            source=SOURCE,
            stream="deliveries",
            query="the deliveries that were asked for",
            fetched_at=now,
            place=store.place,
        )
    return REPORT.build(DeliveryList(found, every, counts, receipt, now))


def delivery_report(settings: Settings, key: str, *, now: datetime) -> Report:
    """One delivery, by its key or the beginning of it.

    Raises:
        UsageError: there is none, or several.
        StoreError: the store cannot be read.
    """
    with open_to_read(settings.store_url) as store:
        found = Outbox(store).named(key)
        receipt = kept_receipt(
            f"delivery {found.key}",
            (f"{found.key} {found.state} {found.changed_at}",),
            source=SOURCE,
            stream="deliveries",
            query=f"delivery {found.key}",
            fetched_at=now,
            place=store.place,
        )
    return ONE.build(OneDelivery(found, text_of(found.message), receipt, now))


def retried(settings: Settings, keys: Collection[str], *, failed: bool, now: datetime) -> tuple[Delivery, ...]:
    """Have deliveries sent again: those named, and with `failed` all that failed.

    Raises:
        UsageError: nothing is named; or one of them cannot be (those before it are).
        StoreError: the store cannot be written to.
    """
    if not keys and not failed:
        raise UsageError("Nothing is named to be sent again.", hint="Give keys, or --failed for all that failed.")
    with open_store(settings.store_url) as store:
        box = Outbox(store)
        named = dict.fromkeys(box.named(key).key for key in keys)
        every = {**named, **dict.fromkeys(one.key for one in box.list(states={"failed"})[0])} if failed else named
        return tuple(box.retry(key, now=now) for key in every)


def dropped(settings: Settings, key: str, reason: str, *, who: str, now: datetime) -> Delivery:
    """Have a delivery not sent (again).

    Raises:
        UsageError: there is none, several, or it is past dropping.
        StoreError: the store cannot be written to.
    """
    said = " ".join(reason.split())[:200]
    with open_store(settings.store_url) as store:
        return Outbox(store).drop(key, f"Dropped by {who}{f': {said}' if said else '.'}", now=now)


def forgotten(settings: Settings, days: int, *, now: datetime) -> int:
    """Forget what deliveries said that are over for more than so many days; how many.

    Raises:
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        return Outbox(store).forget(now - timedelta(days=days))


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of sending came to: how many were taken, and how all stand now."""

    taken: int
    counts: Mapping[State, int]


async def sent_now(settings: Settings) -> Round:
    """Send all that is due, once.

    Raises:
        StoreError: the store cannot be used.
    """
    clock = delivery_clock(settings)
    store = await asyncio.to_thread(open_store, settings.store_url)
    try:
        box = Outbox(store)
        async with Channels(settings, clock) as channels:
            taken = await Worker(box, channels, clock, at_once=settings.deliveries.at_once).deliver_due()
        return Round(taken, (await asyncio.to_thread(box.waiting)).counts)
    finally:
        store.close()


def _one_of(word: str, known: tuple[Any, ...], what: str) -> Any:
    text = word.strip().lower()
    if text in known:
        return text
    close = nearest(text, known)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Use {', '.join(known)}."
    raise UsageError(f"There is no {what} {word[:40]!r} of deliveries.", hint=hint)
