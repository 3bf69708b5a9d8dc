"""Use cases about all operators at once: who needs attention, who may leave, the week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from customer_research.errors import UsageError
from customer_research.research.usecases import options
from customer_research.research.usecases.answer import Answer, Text, of_report
from customer_research.research.usecases.registry import use_case
from customer_research.research.usecases.request import Request, option, part, request

if TYPE_CHECKING:
    from customer_research.research.portfolio.selection import Selection
    from customer_research.research.usecases.runner import Call

Band = Literal["healthy", "monitor", "at_risk", "critical", "insufficient", "unsettled", "outside"]
Status = Literal["active", "onboarding", "no_subscription", "churned", "never_started", "unknown"]
Segment = Literal["Free", "SMB", "Mid-Market", "Enterprise"]
Sort = Literal["attention", "score", "mrr", "name", "trend"]
RiskSort = Literal["loss", "risk"]


@request
class Choice:
    """Which operators a list shows, and how many of them."""

    bands: tuple[Band, ...] = option("Only this band (repeatable).", (), flags=("--band",))
    statuses: tuple[Status, ...] = option("Only this status (repeatable).", (), flags=("--status",))
    segments: tuple[Segment, ...] = option("Only this segment (repeatable).", (), flags=("--segment",), any_case=True)
    findings: tuple[str, ...] = option(
        "Only where this finding holds (R1 to R22; repeatable).", (), flags=("--finding",)
    )
    owner: str = option("Only this account owner's (HubSpot); a part of the name will do.", "")
    min_mrr: float | None = option("Only an MRR of at least this many USD.", None, ge=0)
    search: str = option("Only names that contain this.", "")
    limit: int = option("How many lines; 0: all.", 25, ge=0)
    csv: bool = option("CSV of every operator chosen, for spreadsheets.", False)

    def wanted(self, *, sort: Sort = "attention", risk_sort: RiskSort = "loss") -> Selection:
        """The choice as the portfolio takes it; a CSV is of everybody."""
        from customer_research.research.portfolio.selection import Selection

        return Selection(
            bands=self.bands,
            statuses=self.statuses,
            segments=self.segments,
            findings=tuple(name.upper() for name in self.findings),
            owner=self.owner.strip(),
            min_mrr_minor=None if self.min_mrr is None else round(self.min_mrr * 100),
            text=self.search.strip(),
            sort=sort,
            risk_sort=risk_sort,
            most=None if self.csv or self.limit == 0 else self.limit,
        )


@request
class Portfolio(Request):
    """Who needs attention and why, of the newest snapshot."""

    ABOUT = """\
Who needs attention today, and why; where money, usage and support disagree; how everybody stands.

It reads the newest snapshot of the lake (`customer-research sync`, then `customer-research portfolio score`). Operators who
have churned or never began are left out unless --status asks for them. Exit code 3: a table is unknown of every operator, or
the score history, which the change in 30 days comes from, cannot be read.
"""

    choice: Choice = part(Choice)
    sort: Sort = option("Order of the lines.", "attention")

    def answer(self, call: Call) -> Answer:
        from customer_research.research.portfolio import newest as desk

        wanted = self.choice.wanted(sort=self.sort)
        if self.choice.csv:
            return _csv(*desk.portfolio_csv(call.settings, wanted, now=call.clock()))
        return of_report(desk.portfolio_report(call.settings, wanted, now=call.clock()))


@request
class ChurnRisk(Request):
    """Who may leave, of the newest snapshot, or whether one operator may."""

    ABOUT = """\
Who may leave: ranked by expected loss (risk x MRR), or by risk alone (--sort risk), with the signs for and against, by level,
category and segment. Those who are still subscribed and riding, and have announced nothing, stand in a ranking of their own.

Risk ranks operators by the signs of the scorecard `retention`; it is not a probability. It reads the newest snapshot of the
lake. Those who churned within 90 days stand apart.

With OPERATOR, that one operator's risk, from the sources as they are now: signs, what would be lost, what is to be done.
"""

    operator: str | None = options.operator(None)
    choice: Choice = part(Choice)
    sort: RiskSort = option("Ranking: by expected loss, or by risk alone.", "loss")

    async def answer(self, call: Call) -> Answer:
        if self.operator is not None:
            if self.choice.csv:
                raise UsageError("--csv lists everybody.", hint="Leave OPERATOR out, or give --format csv.")
            async with call.research() as research:
                return of_report(await research.report("churn-risk", self.operator))
        return await call.aside(_risks, call, self)


def _risks(call: Call, asked: ChurnRisk) -> Answer:
    from customer_research.research.portfolio import newest as desk

    wanted = asked.choice.wanted(risk_sort=asked.sort)
    if asked.choice.csv:
        return _csv(*desk.risk_csv(call.settings, wanted, now=call.clock()))
    return of_report(desk.risk_report(call.settings, wanted, now=call.clock()))


def _csv(text: str, lacking: Any) -> Answer:
    """A list as CSV, and what is unknown of everybody in it."""
    nobody = "Nobody is in this list: no operator matches what was asked for."
    beside = (nobody,) if text.count("\n") == 1 else ()
    warnings = dict.fromkeys(f"Warning: {gap.detail} {gap.next_step}".rstrip() for gap in lacking)
    return Answer(Text((text,)), "partial" if lacking else "done", beside=(*beside, *warnings))


@request
class Digest(Request):
    """The weekly digest."""

    ABOUT = """\
The week up to the newest snapshot: who is newly at risk, worse, better; the money at risk by currency; critical alerts; what
was done about alerts; what to do; what is stale.

It compares with the snapshot of a week before (`customer-research history backfill`, or a score every day).
"""

    def answer(self, call: Call) -> Answer:
        return of_everybody(call, "digest")


def of_everybody(call: Call, kind: str) -> Answer:
    """A report about everybody, as it is when nothing more is asked for."""
    from customer_research.research.alerting import alerts as alerting
    from customer_research.research.portfolio import newest as desk
    from customer_research.research.portfolio.selection import Selection

    settings, now = call.settings, call.clock()
    if kind in {"today", "renewals"}:
        found: Answer = use_case(kind).request()().answer(call)
        return found
    if kind == "alerts":
        return of_report(alerting.open_alerts(settings, alerting.Choice(most=25), now=now))
    if kind == "digest":
        return of_report(desk.digest_report(settings, now=now))
    if kind == "portfolio-summary":
        return of_report(desk.summary_report(settings, now=now))
    if kind == "portfolio":
        return of_report(desk.portfolio_report(settings, Selection(), now=now))
    return of_report(desk.risk_report(settings, Selection(), now=now))
