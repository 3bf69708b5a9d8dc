"""Use cases of people: where each of our own people wants to be told, by which clock, and when not."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import time
from typing import TYPE_CHECKING, Any

from customer_research.domain.person import EVERYTHING, KINDS, Person
from customer_research.domain.words import instant_text, instant_words
from customer_research.errors import NotAllowed, UsageError
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Table, lines

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call

SCHEMA = "customer-research.people/1"
NONE = "none"
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")
SLACK = "slack"
"""The surface that knows whose place in Slack is whose."""

_USER = re.compile(r"slack:[UW][A-Z0-9]+")
"""A person's own place in Slack; channels begin with other letters."""


def _email() -> str:
    text: str = option("Who; default: whoever asks, where that is an e-mail address.", "", metavar="ADDRESS")
    return text


def _kind() -> str:
    kind: str = argument("Which kind of message.", EVERYTHING, choices=(*KINDS, EVERYTHING))
    return kind


class _OfOne(Request):
    """A request about one person: oneself, unless one may configure."""

    def reads(self, needs: frozenset[str]) -> frozenset[str]:
        """Nothing of operators."""
        return frozenset()


def _who(call: Call, email: str) -> str:
    """The e-mail address of whom it is about.

    Raises:
        UsageError: nobody is named, or it is no address.
        NotAllowed: it is somebody else.
    """
    own = call.actor.name
    wanted = options.email_of(email.strip() or own, "Say whose: --email ada@example.com.")
    if wanted.lower() != own.lower() and not call.actor.may("configure"):
        raise NotAllowed(f"{own} may not see or change how others are told.", hint="Leave --email out.")
    return wanted


@request
class Show(_OfOne):
    """How a person is told: where, by which clock, in which hours not, and what not."""

    DOCUMENT = "As JSON."

    email: str = _email()

    def answer(self, call: Call) -> Answer:
        return _shown(call, rooms.persons.of(call.settings, _who(call, self.email)))


@request
class Settings(_OfOne):
    """Say how a person wants to be told; what is not given stays as it is.

    --address is where messages go: slack:U0123 or email:ADDRESS (default: the person's e-mail). --second is where they hear of what
    could not be delivered there. In the hours of --quiet (by the clock of --zone) nothing is sent: it waits for their end.

    --owner makes the operators of that HubSpot owner id their book: digests and alerts about these come to them. It needs the right
    to configure, and so does any other address than the person's own e-mail, or in Slack their own place there.
    """

    email: str = _email()
    name: str | None = option("Their name.", None)
    owner: str | None = option("Their HubSpot owner id; none: they have no book.", None, metavar="ID")
    address: str | None = option("Where messages go; none: the e-mail address.", None, metavar="ADDRESS")
    second: str | None = option("Where failures are told; none: the e-mail address.", None, metavar="ADDRESS")
    zone: str | None = option("The zone of their clock (IANA).", None, metavar="ZONE")
    quiet: str | None = option("Hours without messages, as 19:00-07:30; none: there are none.", None, metavar="HOURS")

    def answer(self, call: Call) -> Answer:
        email = _who(call, self.email)
        changes: dict[str, Any] = {}
        if self.name is not None:
            changes["name"] = " ".join(self.name.split())[:200]
        if self.owner is not None:
            _for_those_who_configure(call, "whose book is whose")
            changes["owner_id"] = "" if self.owner.strip() == NONE else self.owner.strip()
        for field in ("address", "second"):
            if (given := getattr(self, field)) is not None:
                changes[field] = _place(call, given.strip(), email)
        if self.zone is not None:
            changes["zone"] = options.zone_of(self.zone)
        if self.quiet is not None:
            changes["quiet_from"], changes["quiet_until"] = _quiet(self.quiet.strip())
        if not changes:
            raise UsageError("Nothing is to be changed.", hint="Give --zone, --quiet, --address, --second or --name.")
        return _changed(call, email, lambda one: dataclasses.replace(one, **changes))


def _for_those_who_configure(call: Call, what: str) -> None:
    if not call.actor.may("configure"):
        raise NotAllowed(f"{call.actor.name} may not say {what}.", hint="It needs the right to configure.")


def _place(call: Call, given: str, email: str) -> str:
    """An address as it is kept; empty for the person's e-mail."""
    if given in {NONE, ""}:
        return ""
    address = str(options.address_of(given))
    if address.lower() == f"email:{email.lower()}":
        return ""
    if call.actor.surface != SLACK or not _USER.fullmatch(address):  # Slack gives whoever asks there their own place
        _for_those_who_configure(call, "that others, or a place that several read, are told")
    return address


def _quiet(text: str) -> tuple[time | None, time | None]:
    if text == NONE:
        return None, None
    found = _HOURS.fullmatch(text)
    if found is None:
        raise UsageError(f"{text[:40]!r} are no hours.", hint="Write 19:00-07:30, or none.")
    first, last = (time(int(hour), int(minute)) for hour, minute in (found.group(1, 2), found.group(3, 4)))
    if first == last:
        raise UsageError(
            "Quiet hours begin and end at different times.", hint=f"To hear nothing, use `me mute {EVERYTHING}`."
        )
    return first, last


@request
class Mute(_OfOne):
    """Send a person no messages of a kind (digest, alert, brief, reminder; everything without KIND), until a day or for good.

    What is not sent is kept in the outbox as dropped.
    """

    kind: str = _kind()
    until: str | None = options.instant("Until this day or instant, UTC; default: until `me unmute`.")
    email: str = _email()

    def answer(self, call: Call) -> Answer:
        until = None if self.until is None else options.instant_of(self.until)
        if until is not None and until <= call.clock():
            raise UsageError(f"{self.until} has passed.", hint="Give a day to come.")
        return _changed(
            call, _who(call, self.email), lambda one: dataclasses.replace(one, muted={**one.muted, self.kind: until})
        )


@request
class Unmute(_OfOne):
    """Send a person messages of a kind again (all kinds without KIND)."""

    kind: str = _kind()
    email: str = _email()

    def answer(self, call: Call) -> Answer:
        def heard(one: Person) -> Person:
            left = {} if self.kind == EVERYTHING else {k: until for k, until in one.muted.items() if k != self.kind}
            return dataclasses.replace(one, muted=left)

        return _changed(call, _who(call, self.email), heard)


@request
class Everybody(_OfOne):
    """Everybody of whom it is known how they want to be told."""

    DOCUMENT = "As JSON."

    def answer(self, call: Call) -> Answer:
        people = rooms.persons.everybody(call.settings)
        document = {"schema": SCHEMA, "people": [_plain(one) for one in people]}
        if not people:
            return lines("Of nobody it is known how they want to be told: `me set --email ADDRESS`.", document=document)
        now = call.clock()
        rows = tuple(
            (one.email, one.name, one.owner_id, one.place, one.zone, _quiet_words(one), _muted_words(one, now))
            for one in people
        )
        return Answer(
            Table(("E-mail", "Name", "Owner id", "Told at", "Zone", "Quiet", "Muted"), rows, width=140),
            document=document,
        )


@request
class Forget(_OfOne):
    """Remove what is known of how a person wants to be told; messages about their book go to nobody then."""

    email: str = _email()

    def answer(self, call: Call) -> Answer:
        email = _who(call, self.email)
        gone = rooms.persons.forget(call.settings, email)
        return lines(f"{email} is forgotten." if gone else f"Nothing is known of {email}.")


def _changed(call: Call, email: str, change: Callable[[Person], Person]) -> Answer:
    return _shown(call, rooms.persons.change(call.settings, email, change))


def _shown(call: Call, one: Person) -> Answer:
    return lines(
        f"{one.name} <{one.email}>" if one.name else one.email,
        ("  told at:   ", one.place + (f"; failures at {one.second_place}" if one.second_place else "")),
        ("  clock:     ", f"{one.zone}, quiet {_quiet_words(one) or 'never'}"),
        ("  muted:     ", _muted_words(one, call.clock()) or "nothing"),
        ("  book:      ", f"HubSpot owner {one.owner_id}" if one.owner_id else "none"),
        document={"schema": SCHEMA, **_plain(one)},
    )


def _quiet_words(one: Person) -> str:
    if one.quiet_from is None or one.quiet_until is None:
        return ""
    return f"{one.quiet_from:%H:%M}-{one.quiet_until:%H:%M}"


def _muted_words(one: Person, now: Any) -> str:
    said = (
        kind if until is None else f"{kind} until {instant_words(until)}"
        for kind, until in one.muted.items()
        if until is None or now < until
    )
    return ", ".join(said)


def _plain(one: Person) -> dict[str, Any]:
    return {
        "email": one.email,
        "name": one.name,
        "owner_id": one.owner_id,
        "address": one.place,
        "second": one.second_place,
        "zone": one.zone,
        "quiet": _quiet_words(one),
        "muted": {kind: until and instant_text(until) for kind, until in one.muted.items()},
    }
