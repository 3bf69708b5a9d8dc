"""Use cases of a book: whom to call today, and what ends, renews or bills next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, of_report

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call

_WHOSE = "Everybody's are shown. Set `owner` to your HubSpot owner id, or your name there, to see your own."


@request
class Whose:
    """Whose operators."""

    owner: str = option(
        "Whose book: HubSpot's owner id, or the name or a part of it; default: the setting `owner`.", ""
    )
    team: bool = option("Everybody's, owner by owner.", False)

    def whom(self, mine: str) -> str | None:
        """The owner meant; None: everybody."""
        return None if self.team else self.owner.strip() or mine.strip() or None


@request
class Today(Request):
    """Whom to call first, why, until when, and with how much MRR at stake; then the meetings of seven days, what ends or renews in
    30 days, and what moved since you looked last.

    It reads what was kept ready by the last `customer-research portfolio score`, and asks nobody. Whoever looks is noted in the
    store, so that the next snapshot can tell what moved since.
    """

    WHOSE = ("whose",)

    whose: Whose = part(Whose)
    every: bool = option("All who need somebody within a month, not the first ten.", False, flags=("--all",))
    unnoted: bool = option("Do not note that somebody looked: programs and agents that look for a person.", False)

    def answer(self, call: Call) -> Answer:
        from customer_research.reports.kinds.today import KIND

        owner = self.whose.whom(call.settings.owner)
        most = None if self.every else rooms.books.LINES
        found = rooms.books.book(call.settings, owner, now=call.clock(), most=most, noted=not self.unnoted)
        return of_report(KIND.build(found), *_hint(owner, self.whose))


@request
class Renewals(Request):
    """Which subscriptions are set to end, which renew, and who is billed next: by day, then by MRR.

    A renewal is shown from 120 days before it on for an Enterprise operator, 90 for Mid-Market, 45 for SMB and Free; --days asks
    for other windows, --quarter for what is left of the calendar quarter (by the day where the program runs). It reads what was
    kept ready by the last `customer-research portfolio score`, and asks nobody.
    """

    WHOSE = ("whose",)

    whose: Whose = part(Whose)
    days: int | None = option("What ends, renews or bills within so many days.", None, ge=1, le=3650)
    quarter: bool = option("What ends, renews or bills until this calendar quarter is over.", False)

    def answer(self, call: Call) -> Answer:
        from customer_research.reports.kinds.renewals import KIND

        if self.quarter and self.days is not None:
            raise UsageError("--quarter and --days contradict each other.", hint="Give one of them.")
        owner, now = self.whose.whom(call.settings.owner), call.clock()
        until = rooms.books.quarter_end(now.astimezone().date()) if self.quarter else None
        found = rooms.books.renewals(call.settings, owner, now=now, days=self.days, until=until)
        return of_report(KIND.build(found), *_hint(owner, self.whose))


@request
class OfOne(Request):
    """How OPERATOR stood when the portfolio was scored last: score, MRR and dates, what to do first, open alerts, what changed, and
    what was recorded.

    It reads what was kept ready by the last `customer-research portfolio score`, and asks nobody: `profile` reads it live.
    """

    WHOSE = ("operator",)

    operator: str = options.operator()

    def answer(self, call: Call) -> Answer:
        return of_report(rooms.standing.standing_report(call.settings, self.operator, now=call.clock()))


def _hint(owner: str | None, whose: Whose) -> tuple[str, ...]:
    """How to see one's own book, where nobody said whose is meant."""
    return () if owner is not None or whose.team else (_WHOSE,)
