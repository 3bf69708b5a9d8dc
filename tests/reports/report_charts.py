"""Hand-made charts: one or more of each form, with what is unknown in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from report_accounts import AS_OF, full, hostile, receipt

from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.money import Money
from customer_research.domain.report import Block, Chart, Event, Mark, Prose, Report, Section, Tone
from customer_research.reports.kinds import KINDS

PROOF = (receipt("portfolio", "scores"),)
UNKNOWN = Gap("lago", "unavailable", "the connection timed out", "Run sync.")
NEUTRAL: Tone = "neutral"


def fact(value: Any, unit: str = "points") -> Fact[Any]:
    return Fact(value, unit, PROOF, AS_OF)


def money(*amounts: Money) -> Fact[Any]:
    return fact(amounts, "money")


def before(days: int) -> date:
    return AS_OF.date() - timedelta(days=days)


def month(number: int) -> date:
    return date(2024 + number // 12, number % 12 + 1, 1)


def _history() -> Chart:
    marks = tuple(
        Mark(before(7 * (51 - week)), UNKNOWN if 20 <= week < 27 else fact(80 - week // 2), tone="watch")
        for week in range(52)
    )
    events = (Event(before(200), Prose("Plan changed")), Event(before(20), Prose("Invoice <b>failed</b>")))
    return Chart("history", "Score", Prose("It fell from 80 to 55.", (fact(55),)), marks, height="Score", events=events)


def _months() -> Chart:
    earlier = tuple(Mark(month(at), fact(100 + at, "count"), series="Year before") for at in range(9, 22))
    now = tuple(
        Mark(month(at), UNKNOWN if at == 25 else fact(120, "count"), series="This year") for at in range(21, 34)
    )
    return Chart("months", "Trips by month", Prose("Trips rose."), earlier + now, height="Trips")


def _timeline() -> Chart:
    invoices = tuple(
        Mark(
            before(30 * at),
            UNKNOWN if at == 3 else money(Money("USD", 14900)),
            series="Invoices",
            tone="bad" if at == 1 else NEUTRAL,
        )
        for at in range(8)
    )
    payments = tuple(Mark(before(30 * at - 4), money(Money("USD", 14900)), series="Payments") for at in range(2, 8))
    credit = (Mark(before(70), money(Money("EUR", 3300)), series="Credit notes"),)
    return Chart("timeline", "Invoices and payments", Prose("One is open."), invoices + payments + credit)


def _quadrant() -> Chart:
    marks = tuple(
        Mark(
            UNKNOWN if at == 7 else fact(at / 40 - 0.5, "ratio"),
            UNKNOWN if at == 9 else fact(1 - at / 80, "ratio"),
            label=f"Alder {at}",
            tone="bad" if at % 5 == 0 else "good",
        )
        for at in range(40)
    )
    says = Prose("Eight pay worse and book less.")
    return Chart("quadrant", "Usage against payment", says, marks, "Change of trips", "Charges that succeeded")


CHARTS: Mapping[str, Chart] = {
    "history": _history(),
    "dimensions": Chart(
        "dimensions",
        "Dimensions",
        Prose("Usage is lowest."),
        (
            Mark("Payment", fact(92), tone="good"),
            Mark("Usage", fact(41), tone="bad"),
            Mark("Support", UNKNOWN),
            Mark("Growth", fact(0), tone="bad"),
        ),
        height="Points",
    ),
    "waterfall": Chart(
        "waterfall",
        "What makes the score",
        Prose("A failed invoice takes 12."),
        (
            Mark("Payment", fact(38)),
            Mark("Failed invoice", fact(-12)),
            Mark("Support", UNKNOWN),
            Mark("Score", fact(26), series="total"),
        ),
    ),
    "months": _months(),
    "timeline": _timeline(),
    "bands": Chart(
        "bands",
        "Operators by band",
        Prose("Most are healthy."),
        (
            Mark("Healthy", fact(281, "count"), tone="good"),
            Mark("Critical", fact(13, "count"), tone="bad"),
            Mark("No score", UNKNOWN),
        ),
    ),
    "quadrant": _quadrant(),
}
"""A chart of every form."""


def charted(*blocks: Block, wild: bool = False) -> Report:
    """The profile of a made-up account with a section of these blocks (all charts unless told) at its end."""
    report = KINDS["profile"].build(hostile() if wild else full())
    return replace(report, sections=(*report.sections, Section("Charts", blocks or tuple(CHARTS.values()), "charts")))


def only(*blocks: Block) -> Report:
    """A report of these blocks (all charts unless told) and nothing else."""
    report = charted(*blocks)
    return replace(report, sections=report.sections[-1:])
