"""Coming meetings with operators: when, with whom and why that is so, and how each calendar answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from customer_research.documents.present import source_title
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.meeting import Meeting, MeetingState
from customer_research.domain.report import Absence, Block, Cell, Freshness, Personal, Prose, Statement, Text, Tone
from customer_research.domain.words import counted
from customer_research.reports.blocks import Proof, bullets, grid, stated
from customer_research.reports.kind import Head, Outline, section

STATES: dict[MeetingState, str] = {
    "planned": "planned",
    "cancelled": "cancelled",
    "declined": "declined by its owner",
    "gone": "no longer in the calendar",
    "over": "over",
}


@dataclass(frozen=True, slots=True)
class AskedCalendar:
    """How one calendar answered: whose it is (empty: nobody's alone), where it is kept, and what it had."""

    source: str
    owner: str
    read_at: datetime
    answered_at: datetime | None
    entries: int
    internal: int
    private: int
    gaps: tuple[Gap, ...]

    @property
    def silent(self) -> bool:
        """Whether it did not answer, or not for what it was asked."""
        return any(gap.reason != "truncated" for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class MeetingList:
    """The meetings of so many days, by time; the calendars; what is kept is proved by `receipt`.

    `unknown` counts the meetings with people of whom no operator is known, `domains` are their mail domains. `mine`: only those with
    operators of one book are told.
    """

    meetings: tuple[Meeting, ...]
    unknown: int
    domains: tuple[str, ...]
    calendars: tuple[AskedCalendar, ...]
    days: int
    receipt: Receipt
    now: datetime
    mine: bool = False

    @property
    def proof(self) -> Proof:
        """What is kept."""
        return Proof((self.receipt,), self.now)


def _head(found: MeetingList) -> Head:
    return Head(found.now, found.now, freshness=_freshness(found), headline=_headline(found))


def _freshness(found: MeetingList) -> tuple[Freshness, ...]:
    """How the calendars of each vendor answered together: the oldest answer counts."""
    told = []
    for source, each in groupby(sorted(found.calendars, key=lambda one: one.source), key=lambda one: one.source):
        calendars = list(each)
        gaps = tuple(gap for one in calendars for gap in one.gaps)
        answered = [one.answered_at for one in calendars if one.answered_at is not None]
        silent = all(one.silent for one in calendars)
        told.append(
            Freshness(
                source,
                "ok" if not gaps else "missing" if silent else "partial",
                min(answered, default=None),
                None,
                gaps,
            )
        )
    return tuple(told)


def _headline(found: MeetingList) -> Prose:
    if not found.calendars:
        return Prose("No calendar has been read.", (), "unknown")
    on = [one for one in found.meetings if one.is_on]
    days = counted(found.days, "day")
    whose = " with operators of this book" if found.mine else " with operators"
    facts = (found.proof.fact(len(on)),)
    open_ = sum(bool(one.gaps) for one in found.calendars)
    unheard = f"{counted(open_, 'calendar')} did not answer in full" if open_ else ""
    if not on and open_:
        return Prose(f"No meeting{whose} in {days} is known: {unheard}.", facts, "unknown")
    if not on:
        return Prose(f"The calendars have no meetings{whose} in {days}.", facts)
    first = on[0]
    return Prose(
        f"{counted(len(on), 'meeting')}{whose} in {days}; the next is with {first.names} at "
        f"{first.starts_at:%Y-%m-%d %H:%M} UTC." + (f" There may be more: {unheard}." if open_ else ""),
        (*facts, Proof((first.receipt,), found.now).fact(first.starts_at, "timestamp")),
    )


def _listed(found: MeetingList) -> Iterator[Block | None]:
    columns = "When | !Operator | What | Who of ours | Why this operator | State"
    yield grid(columns, (_row(found, one) for one in found.meetings), (found.receipt,))


def _row(found: MeetingList, one: Meeting) -> tuple[Cell, ...]:
    proof = Proof((one.receipt,), found.now)
    flag = " (the calendar names a time zone that nobody knows)" if one.zone_unknown else ""
    when = (
        proof.fact(one.starts_at.date(), "date", note="all day")
        if one.all_day
        else proof.fact(one.starts_at, "timestamp", note=flag.strip())
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
        proof.stated(STATES[one.state], _tone(one)),
    )


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
            "Set hubspot.token, ics.feeds, google.calendars or microsoft.calendars.",
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
            found.proof.fact(one.entries),
            found.proof.fact(one.internal),
            found.proof.fact(one.private),
        )
        for one in found.calendars
    )
    yield grid("!Calendar | Whose | Last answered | >Entries | >Among us | >Private", rows, (found.receipt,))


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
