"""Use cases about all operators at once: who needs attention, who may leave, the week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from customer_research.domain.portfolio import RiskSort, Sort
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.portfolio.requests import Selection
from customer_research.research.request import Request, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, Text, of_report
from customer_research.research.usecases.registry import use_case

if TYPE_CHECKING:
    from customer_research.research.usecases.runner import Call


@request
class Portfolio(Request):
    """Who needs attention today, and why; where money, usage and support disagree; how everybody stands.

    It reads the newest snapshot of the lake (`customer-research sync`, then `customer-research portfolio score`). Operators who
    have churned or never began are left out unless --status asks for them. Exit code 3: a table is unknown of every operator, or
    the score history, which the change in 30 days comes from, cannot be read.
    """

    WHOSE = ("choice",)

    choice: Selection = part(Selection)
    sort: Sort = option("Order of the lines.", "attention")

    def answer(self, call: Call) -> Answer:
        settings, now = call.settings, call.clock()
        if self.choice.csv:
            return _csv(*rooms.newest.portfolio_csv(settings, self.choice, now=now, sort=self.sort))
        return of_report(rooms.newest.portfolio_report(settings, self.choice, now=now, sort=self.sort))


@request
class ChurnRisk(Request):
    """Who may leave: ranked by expected loss (risk x MRR), or by risk alone (--sort risk), with the signs for and against, by level,
    category and segment. Those who are still subscribed and riding, and have announced nothing, stand in a ranking of their own.

    Risk ranks operators by the signs of the scorecard `retention`; it is not a probability. It reads the newest snapshot of the
    lake. Those who churned within 90 days stand apart.

    With OPERATOR, that one operator's risk, from the sources as they are now: signs, what would be lost, what is to be done.
    """

    WHOSE = ("operator", "choice")

    def reads(self, needs: frozenset[str]) -> frozenset[str]:
        return needs & {"live"} if self.operator is not None else needs - {"live"}

    operator: str | None = options.operator(None)
    choice: Selection = part(Selection)
    sort: RiskSort = option("Ranking: by expected loss, or by risk alone.", "loss")

    async def answer(self, call: Call) -> Answer:
        if self.operator is not None:
            if self.choice.csv:
                raise UsageError("--csv lists everybody.", hint="Leave OPERATOR out, or give --format csv.")
            async with call.research() as research:
                return of_report(await research.report("churn-risk", self.operator))
        return await call.aside(_risks, call, self)


def _risks(call: Call, asked: ChurnRisk) -> Answer:
    settings, now = call.settings, call.clock()
    if asked.choice.csv:
        return _csv(*rooms.newest.risk_csv(settings, asked.choice, now=now, sort=asked.sort))
    return of_report(rooms.newest.risk_report(settings, asked.choice, now=now, sort=asked.sort))


def _csv(text: str, lacking: Any) -> Answer:
    """A list as CSV, and what is unknown of everybody in it."""
    nobody = "Nobody is in this list: no operator matches what was asked for."
    beside = (nobody,) if text.count("\n") == 1 else ()
    warnings = dict.fromkeys(f"Warning: {gap.detail} {gap.next_step}".rstrip() for gap in lacking)
    return Answer(Text((text,)), "partial" if lacking else "done", beside=(*beside, *warnings))


@request
class Digest(Request):
    """The week up to the newest snapshot: who is newly at risk, worse, better; the money at risk by currency; critical alerts; what
    was done about alerts; what to do; what is stale.

    It compares with the snapshot of a week before (`customer-research history backfill`, or a score every day).
    """

    WHOSE = ("owner",)

    owner: str = option("Only this account owner's operators: HubSpot's id, or the name or a part of it.", "")
    short: bool = option(
        "As a message: at most five who got worse and five better, by money, one reason and one thing to do each.",
        False,
    )

    def answer(self, call: Call) -> Answer:
        report = rooms.newest.digest_report(call.settings, now=call.clock(), owner=self.owner, short=self.short)
        return of_report(report)


def of_everybody(call: Call, kind: str) -> Answer:
    """A report about everybody, as it is when nothing more is asked for."""
    if kind == "portfolio-churn-risk":
        return _risks(call, ChurnRisk())
    if kind == "portfolio-summary":
        return of_report(rooms.newest.summary_report(call.settings, now=call.clock()))
    found: Answer = use_case(kind).request()().answer(call)
    return found
