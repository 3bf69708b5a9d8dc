"""Use cases about meetings with operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from customer_research.domain.meeting import CALENDARS_SET
from customer_research.domain.words import counted
from customer_research.research.request import Request, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, lines, of_report
from customer_research.research.usecases.books import Whose

if TYPE_CHECKING:
    from customer_research.domain.evidence import Gap
    from customer_research.domain.report import Report
    from customer_research.research.meetings.briefs import Planned
    from customer_research.research.meetings.reading import Poll
    from customer_research.research.usecases.runner import Call
    from customer_research.store.briefs import Told


@request
class Listed(Request):
    """Coming meetings with operators: when, with whom, why it is taken to be with them, and whether it still takes place.

    HubSpot's meetings and the calendars of the settings are read now, and what they have is kept; --kept shows what was there when
    they were last read, and asks nobody; it says up to which day that was. A meeting that several calendars have is told once. Whose operator it is, HubSpot's
    association tells, else a contact who is invited, else the mail domain of somebody invited. Meetings among our own people, and
    private ones, are left out and counted.
    """

    WHOSE = ("whose",)

    def reads(self, needs: frozenset[str]) -> frozenset[str]:
        return needs - {"live", "lake"} if self.kept else needs

    whose: Whose = part(Whose)
    days: int = option("So many days ahead.", 7, ge=1, le=60)
    kept: bool = option("What the calendars had when they were last read.", False)

    async def answer(self, call: Call) -> Answer:
        people: Sequence[Gap] = ()
        if not self.kept:
            poll = await rooms.reading.poll_now(call.settings, call.clock, call.shared, days=self.days)
            people = poll.people
        owner = self.whose.whom(call.settings.owner)
        return of_report(await call.aside(_report, call, owner, self.days, people))


def _report(call: Call, owner: str | None, days: int, people: Sequence[Gap]) -> Report:
    return rooms.listing.meetings_report(call.settings, owner, days=days, now=call.clock(), people=people)


@request
class Plan(Request):
    """Read the calendars, and put the briefs of coming meetings into the outbox: to our person who meets, 24 hours and 1 hour before
    (`meetings.brief_hours`), to where they want to be told and after their quiet hours.

    It is made to be run every ten minutes or so (a schedule); run twice, or by two programs at once, it puts each brief once. A meeting
    that is booked late has the brief that is nearest to what is left. When a meeting is moved, cancelled or declined, a brief that is
    not sent yet is withdrawn; one that was sent is rewritten where that is possible, else followed by a word.
    """

    DOCUMENT = "As JSON."

    async def answer(self, call: Call) -> Answer:
        poll, planned = await rooms.upkeep.plan_now(call.settings, call.clock, call.research, call.shared)
        said = [f"{counted(planned.put, 'brief')} put into the outbox."]
        said += [f"{counted(number, 'brief')} {_CHANGED[told]}." for told, number in sorted(planned.changed.items())]
        warnings = tuple(f"Warning: {one}" for one in dict.fromkeys(_open(poll, planned)))
        document: dict[str, int] = {"put": planned.put, "nobody": planned.nobody}
        document |= {told: planned.changed.get(told, 0) for told in _CHANGED}
        document |= {
            "failed": len(planned.failed),
            "calendars": poll.calendars,
            "gaps": len((*poll.gaps, *poll.people)),
        }
        return lines(*said, state="partial" if warnings else "done", document=document, beside=warnings)


def _open(poll: Poll, planned: Planned) -> Iterator[str]:
    """Why there may be meetings that no brief is made of."""
    yield from planned.failed
    if not poll.calendars:
        yield f"No calendar is configured, so that no meeting is known. {CALENDARS_SET}"
    if planned.nobody:
        yield (
            f"{counted(planned.nobody, 'meeting')} due a brief, and nobody knows of whom of us: HubSpot names no owner of ours with an "
            "e-mail address. Assign them there."
        )
    yield from (f"{gap.detail} {gap.next_step}".rstrip() for gap in (*poll.gaps, *poll.people))


_CHANGED: Mapping[Told, str] = {
    "planned": "made anew for another hour",
    "moved": "told of another day",
    "off": "told that the meeting does not take place as it was",
    "unread": "told that the calendar of the meeting is no longer read",
    "withdrawn": "withdrawn before it was sent",
}
