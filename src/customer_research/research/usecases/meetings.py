"""Use cases about meetings with operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.research.request import Request, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, of_report
from customer_research.research.usecases.books import Whose

if TYPE_CHECKING:
    from customer_research.domain.report import Report
    from customer_research.research.usecases.runner import Call


@request
class Listed(Request):
    """Coming meetings with operators: when, with whom, why it is taken to be with them, and whether it still takes place.

    HubSpot's meetings and the calendars of the settings are read now, and what they have is kept; --kept shows what was there when
    they were last read, and asks nobody. A meeting that several calendars have is told once. Whose operator it is, HubSpot's
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
        if not self.kept:
            await rooms.reading.poll_now(call.settings, call.clock, call.shared)
        owner = self.whose.whom(call.settings.owner)
        return of_report(await call.aside(_report, call, owner, self.days))


def _report(call: Call, owner: str | None, days: int) -> Report:
    return rooms.listing.meetings_report(call.settings, owner, days=days, now=call.clock())
