"""Use cases of who may ask in Slack; and the desk at which a Slack app asks who somebody is, and whether a request is new."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from customer_research.domain.access import PERMISSIONS, SlackPerson
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases.access import Actor
from customer_research.research.usecases.answer import Answer, Table, lines
from customer_research.research.usecases.gate import clock_of, noting
from customer_research.research.usecases.runner import unheard
from customer_research.settings import Settings
from customer_research.store.database import open_store, open_to_read
from customer_research.store.people import People as Preferences
from customer_research.store.slack import SlackBook

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Audit, Call

SURFACE = "slack"
_FORGET_EVERY = timedelta(hours=1)


@request
class Allow(Request):
    """Let somebody ask in Slack: the member whose confirmed e-mail address is EMAIL. Said again, it changes what they may.

    They may read reports; --finance adds what operators pay and are paid, --act lets them acknowledge, snooze and assign alerts and
    record what was done. --owner says which account owner they are, so that "my book" is theirs; --only-own-book holds them to it.
    Personal data stay masked in Slack.
    """

    email: str = argument("The address that Slack has confirmed.", metavar="EMAIL")
    owner: str = option("Which account owner they are (HubSpot's owner id).", "", metavar="ID")
    only_own_book: bool = option("They see that owner's operators alone.", False)
    act: bool = option("May act on alerts and record what was done.", False)
    finance: bool = option("May see what operators pay and are paid.", False)

    def answer(self, call: Call) -> Answer:
        email = options.email_of(self.email, "Write ada@example.com.").lower()
        if self.only_own_book and not self.owner.strip():
            raise UsageError("--only-own-book needs --owner ID.", hint="Say whose book it is.")
        granted = tuple(one for one in PERMISSIONS if one == "read" or getattr(self, one, False))
        person = SlackPerson(email, granted, self.owner.strip(), self.only_own_book, call.clock(), call.actor.name)
        with open_store(call.settings.store_url) as store:
            kept = SlackBook(store).allow(person)
        whose = f", of the book of owner {kept.owner_id} alone" if kept.alone else ""
        return lines(f"{kept.email} may ask in Slack: {', '.join(kept.permissions)}{whose}.")


@request
class People(Request):
    """Who may ask in Slack: what they may, whose operators they see, and when they asked last."""

    def answer(self, call: Call) -> Answer:
        with open_to_read(call.settings.store_url) as store:
            found = SlackBook(store).people()
        if not found:
            return lines("Nobody may ask in Slack yet: `customer-research slack allow EMAIL` lets somebody in.")
        rows = tuple(
            (
                one.email,
                ", ".join(one.permissions),
                f"{one.owner_id}{' alone' if one.alone else ''}" if one.owner_id else "everybody's",
                f"{one.seen_at:%Y-%m-%d %H:%M} UTC" if one.seen_at else "never",
            )
            for one in found
        )
        return Answer(Table(("E-mail", "May", "Book", "Asked last"), rows))


@request
class Remove(Request):
    """Let EMAIL ask in Slack no longer, from the next request on."""

    email: str = argument("The address.", metavar="EMAIL")

    def answer(self, call: Call) -> Answer:
        with open_store(call.settings.store_url) as store:
            SlackBook(store).remove(self.email)
        return lines(f"{self.email.strip().lower()} may not ask in Slack any more.")


class SlackDesk:
    """Where a Slack app asks who somebody is and whether a request is new. Use it in one event loop, and close it.

    Args:
        settings: say where the store is.
        heard: hears of each use once it is noted.

    Raises:
        StoreError: the store cannot be opened.
    """

    def __init__(self, settings: Settings, heard: Audit = unheard) -> None:
        self._clock = clock_of(settings)
        self._store = open_store(settings.store_url)
        self._book = SlackBook(self._store)
        self._forgot: datetime | None = None
        self.note: Audit = noting(self._store, heard)

    def close(self) -> None:
        """Give the store back."""
        self._store.close()

    async def take(self, name: str) -> bool:
        """Take a request, by what Slack calls it; False: it was taken within a day before, by whichever process.

        Raises:
            StoreError: the store does not answer.
        """
        return await asyncio.to_thread(self._take, name)

    def _take(self, name: str) -> bool:
        now = self._clock()
        if self._forgot is None or now - self._forgot >= _FORGET_EVERY:
            self._forgot = now
            self._book.forget(now)
        return self._book.take(name, now)

    async def person(self, email: str, user_id: str) -> tuple[Actor, SlackPerson] | None:
        """Who asks under a confirmed address; None: they were not let in.

        Raises:
            StoreError: the store does not answer.
        """
        found = await asyncio.to_thread(self._person, email, user_id)
        if found is None:
            return None
        book = found.owner_id if found.alone else ""
        return Actor(found.email, SURFACE, frozenset(found.permissions), book), found

    def _person(self, email: str, user_id: str) -> SlackPerson | None:
        """Who was let in; which owner they are stands here, else with how they want to be told (`me`)."""
        found = self._book.person(email, user_id, self._clock())
        if found is None or found.owner_id:
            return found
        told = Preferences(self._store).find(email)
        return found if told is None else replace(found, owner_id=told.owner_id)
