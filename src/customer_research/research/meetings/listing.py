"""Coming meetings listed: what the calendars had when they were last read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import Meeting, Window
from customer_research.domain.report import Report
from customer_research.reports.inquiries.meetings_report import REPORT, MeetingList
from customer_research.research.portfolio.books import looking, owners_called
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.books import Books
from customer_research.store.database import Store, open_to_read
from customer_research.store.meetings import Meetings

SOURCE = "calendar"


def of_owner(settings: Settings, owner: str, now: datetime) -> frozenset[str]:
    """The operators that an account owner looks after (a name, a part of one, or HubSpot's id).

    Raises:
        UsageError: there is no such owner, or no snapshot yet that tells whose operators are whose.
    """
    with looking(settings, now) as (store, ready):
        books = Books(store)
        return books.ids(ready, {one.owner_id for one in owners_called(owner, books.owners(ready))})


def coming(store: Store, now: datetime, days: int, mine: Collection[str] | None = None) -> tuple[Meeting, ...]:
    """As `Meetings.coming`, those with these operators (None: with any); no other is named."""
    to_come = Meetings(store).coming(now, days)
    if mine is None:
        return to_come
    own = ((one, tuple(each for each in one.operators if each.operator_id in mine)) for one in to_come)
    return tuple(replace(one, operators=operators) for one, operators in own if operators)


def meetings_report(
    settings: Settings, owner: str | None, *, days: int, now: datetime, people: Sequence[Gap] = ()
) -> Report:
    """The meetings of so many days (with the operators of an owner), and how the calendars answered.

    `people` says why it is not known of some whom they meet; so does what was kept when calendars were read.

    Raises:
        UsageError: as `of_owner`.
        StoreError: the store cannot be read.
    """
    mine = None if owner is None else of_owner(settings, owner, now)
    with open_to_read(settings.store_url) as store:
        meetings = Meetings(store)
        listed = coming(store, now, days, mine)
        domains, unknown = meetings.unknown(Window(now, now + timedelta(days=days)))
        asked = meetings.asked()
        unsure = tuple(dict.fromkeys((*people, *(gap for one in asked for gap in one.people))))
        told = tuple(map(repr, (*listed, *asked, domains)))
        receipt = kept_receipt(
            "meetings",
            told,
            source=SOURCE,
            stream="meetings",
            query=f"meetings of {days} days from {now:%Y-%m-%d %H:%M} UTC",
            fetched_at=now,
            place=store.place,
            rows=len(listed),
        )
    found = MeetingList(listed, unknown, domains, asked, days, receipt, now, people=unsure, mine=mine is not None)
    return REPORT.build(found)
