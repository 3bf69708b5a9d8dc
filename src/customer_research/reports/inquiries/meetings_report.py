"""Coming meetings with operators: when, with whom and why that is so, and how each calendar answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from customer_research.documents.present import source_title
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.meeting import CALENDARS_SET, Asked, Meeting, MeetingState
from customer_research.domain.report import Absence, Block, Cell, Freshness, Personal, Prose, Statement, Text, Tone
from customer_research.domain.words import counted
from customer_research.reports.blocks import Proof, bullets, grid, stated
from customer_research.reports.kind import Head, Outline, section

LOOK_THERE = "Name that calendar in the settings again, or look there."
"""What to do about a meeting whose calendar is no longer read."""

STATES: dict[MeetingState, str] = {
    "planned": "planned",
    "cancelled": "cancelled",
    "declined": "declined by its owner",
    "over": "over",
    "gone": "no longer in the calendar",
    "private": "marked private",
    "unread": "not known",
    "unmatched": "with nobody known any more",
}


@dataclass(frozen=True, slots=True)
class MeetingList:
    """The meetings of so many days, by time; the calendars; what is kept is proved by `receipt`.

    `unknown` counts the meetings with people of whom no operator is known, `domains` are their mail domains. `mine`: only those with
    operators of one book are told; `people` says why it is not known of some whom they meet.
    """

    meetings: tuple[Meeting, ...]
    unknown: int
    domains: tuple[str, ...]
    calendars: tuple[Asked, ...]
    days: int
    receipt: Receipt
    now: datetime
    people: tuple[Gap, ...] = ()
    mine: bool = False

    @property
    def until(self) -> datetime:
        """Up to when meetings are asked for."""
        return self.now + timedelta(days=self.days)

    @property
    def proof(self) -> Proof:
        """What is kept."""
        return Proof((self.receipt,), self.now)


def _head(found: MeetingList) -> Head:
    return Head(found.now, found.now, freshness=_freshness(found), headline=_headline(found))


def _freshness(found: MeetingList) -> tuple[Freshness, ...]:
    """How the calendars of each vendor answered together: the oldest answer counts; and of which meetings none is read any more."""
    told = []
    dropped = [one for one in found.meetings if one.is_unknown]
    for source in sorted({one.source for one in found.calendars} | {one.receipt.source for one in dropped}):
        calendars = [one for one in found.calendars if one.source == source]
        lost = [one for one in dropped if one.receipt.source == source]
        gaps = [gap for one in calendars for gap in one.open(found.now, found.until)]
        gaps += [Gap(source, "not_configured", f"{_dropped(len(lost)).capitalize()}.", LOOK_THERE)] if lost else []
        answered = [one.answered_at for one in calendars if one.answered_at is not None]
        silent = all(one.is_silent for one in calendars)
        told.append(
            Freshness(
                source,
                "ok" if not gaps else "missing" if silent else "partial",
                min(answered or (one.seen_at for one in lost), default=None),
                None,
                tuple(dict.fromkeys(gaps)),
            )
        )
    if found.people:
        told.append(Freshness(found.people[0].source, "partial", None, None, found.people))
    return tuple(told)


def _headline(found: MeetingList) -> Prose:
    unheard = _unheard(found)
    if not found.calendars and not any(one.is_unknown for one in found.meetings):
        return Prose("No calendar has been read.", (), "unknown")
    on = [one for one in found.meetings if one.is_on]
    days = counted(found.days, "day")
    whose = " with operators of this book" if found.mine else " with operators"
    facts = (found.proof.fact(len(on)),)
    if not on and unheard:
        return Prose(f"No meeting{whose} in {days} is known: {unheard}.", facts, "unknown")
    if not on:
        return Prose(f"The calendars have no meetings{whose} in {days}.", facts)
    which, at = _first(on, found.now)
    return Prose(
        f"{counted(len(on), 'meeting')}{whose} in {days}; {which}."
        + (f" There may be more: {unheard}." if unheard else ""),
        (*facts, at),
    )


def _first(on: Sequence[Meeting], now: datetime) -> tuple[str, Fact[Any]]:
    """Which meeting is the next; where all are under way, which began first."""
    first = next((one for one in on if one.starts_at > now), on[0])
    proof = Proof((first.receipt,), now)
    at, when = proof.fact(first.starts_at, "timestamp"), f"{first.starts_at:%Y-%m-%d %H:%M} UTC"
    if first.all_day:
        at, when = proof.fact(first.starts_at.date(), "date"), f"{first.starts_at:%Y-%m-%d}"
    if first.starts_at <= now:
        return f"under way since {when} is that with {first.names}", at
    return f"the next is with {first.names} {'on' if first.all_day else 'at'} {when}", at


def _unheard(found: MeetingList) -> str:
    """Why there may be more meetings than are known; empty: there are none."""
    partial = sum(bool(one.gaps) for one in found.calendars)
    old = [one.answered_at for one in found.calendars if one.is_stale(found.now) and not one.gaps and one.answered_at]
    read = [one.until for one in found.calendars if one.is_short(found.until)]
    told = (
        f"{counted(partial, 'calendar')} did not answer in full" if partial else "",
        f"{counted(len(old), 'calendar')} {'was' if len(old) == 1 else 'were'} last read at {min(old):%Y-%m-%d %H:%M} UTC"
        if old
        else "",
        f"{counted(len(read), 'calendar')} {'was' if len(read) == 1 else 'were'} read up to {min(read):%Y-%m-%d} alone"
        if read
        else "",
        "the lake does not know all whom one may meet" if found.people else "",
        _dropped(sum(one.is_unknown for one in found.meetings)),
    )
    return "; ".join(one for one in told if one)


def _dropped(number: int) -> str:
    """That of so many meetings the calendar is no longer read; empty: of none."""
    if number == 1:
        return "of 1 meeting it is not known whether it takes place, since its calendar is no longer read"
    words = "of {} it is not known whether they take place, since their calendars are no longer read"
    return words.format(counted(number, "meeting")) if number else ""


def _listed(found: MeetingList) -> Iterator[Block | None]:
    columns = "When | !Operator | What | Who of ours | Why this operator | State"
    yield grid(columns, (_row(found, one) for one in found.meetings), (found.receipt,))


def _row(found: MeetingList, one: Meeting) -> tuple[Cell, ...]:
    proof = Proof((one.receipt,), found.now)
    flag = "the calendar names a time zone that nobody knows" if one.zone_unknown else ""
    notes = "; ".join(filter(None, ("all day" if one.all_day else "", one.span, flag)))
    when = (
        proof.fact(one.starts_at.date(), "date", note=notes)
        if one.all_day
        else proof.fact(one.starts_at, "timestamp", note=notes)
    )
    only = one.operators[0].operator_id if len(one.operators) == 1 else ""
    owner: Cell = (
        Statement(Personal(one.owner, "email"), "text", (one.receipt,), found.now)
        if one.owner
        else Text("not known", "unknown")
    )
    return (
        when,
        Text(one.names, operator=only),
        stated(one.title or "without a title", (one.receipt,), found.now, theirs=bool(one.title)),
        owner,
        proof.stated(" ".join(each.because for each in one.operators), theirs=True),
        proof.stated(_state(one), _tone(one)),
    )


def _state(one: Meeting) -> str:
    if one.is_unknown:
        return f"not known: its calendar was last read at {one.seen_at:%Y-%m-%d %H:%M} UTC, and is no longer"
    return STATES[one.state]


def _tone(one: Meeting) -> Tone:
    return "neutral" if one.is_on or one.state == "over" else "watch"


def _unknown(found: MeetingList) -> Block | None:
    """Whom nobody knows: a contact or a domain is missing somewhere."""
    if not found.unknown or found.mine:
        return None
    what = counted(found.unknown, "meeting")
    at = f" ({', '.join(found.domains)})" if found.domains else ""
    return bullets(
        (
            Prose(
                f"{what} with people of whom no operator is known{at}. Enter them as contacts of their company in HubSpot, or its "
                "web domain.",
                (found.proof.fact(found.unknown),),
                "watch",
            ),
        )
    )


def _calendars(found: MeetingList) -> Iterator[Block | None]:
    if not found.calendars:
        gap = Gap(
            "calendar",
            "not_configured",
            "No calendar is configured.",
            CALENDARS_SET,
        )
        yield Absence("Calendars", gap)
        return
    rows = (
        (
            Text(source_title(one.source)),
            Statement(Personal(one.owner, "email"), "text", (found.receipt,), found.now)
            if one.owner
            else found.proof.stated("everybody's"),
            found.proof.fact(one.answered_at, "timestamp") if one.answered_at else Text("never", "unknown"),
            found.proof.fact(one.until.date(), "date") if one.answered_at else Text("not at all", "unknown"),
            found.proof.fact(one.entries),
            found.proof.fact(one.internal),
            found.proof.fact(one.private),
        )
        for one in found.calendars
    )
    yield grid("!Calendar | Whose | Last answered | Up to | >Entries | >Among us | >Private", rows, (found.receipt,))


REPORT = Outline(
    "meetings",
    "Meetings",
    _head,
    (
        section("meetings", "Coming meetings", _listed),
        section("unknown", "With nobody known", _unknown),
        section("calendars", "Calendars", _calendars),
    ),
)
