"""Hand-made charts of every form, with gaps, events and hostile words in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from report_accounts import AS_OF, HOSTILE, full, receipt

from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.money import Money
from customer_research.domain.report import Chart, Event, Mark, Prose, Report, Section
from customer_research.reports.kinds import KINDS

PROOF = (receipt("portfolio", "scores"),)
GAP = Gap("lago", "unavailable", "the connection timed out")


def fact(value: Any, unit: str = "points") -> Fact[Any]:
    return Fact(value, unit, PROOF, AS_OF)


def says(words: str, *facts: Fact[Any]) -> Prose:
    return Prose(words, facts)


def history() -> Chart:
    marks = tuple(
        Mark(date(2026, month, 1), GAP if month == 6 else fact(50 + 3 * month), tone="watch") for month in range(1, 12)
    )
    events = (Event(date(2026, 8, 12), Prose(f"Invoice failed {HOSTILE['script']}", (fact(1, "count"),))),)
    return Chart("history", "Score", says("The score rose from 53 to 83.", fact(53), fact(83)), marks, events=events)


def dimensions() -> Chart:
    marks = (
        Mark("Payment", fact(85), tone="good"),
        Mark("Engagement", fact(42), tone="bad"),
        Mark(HOSTILE["rtl"], GAP, tone="unknown"),
    )
    return Chart("dimensions", "Dimensions", says("Payment has 85 points, engagement 42.", fact(85), fact(42)), marks)


def waterfall() -> Chart:
    marks = (
        Mark("Base", fact(100), "total"),
        Mark("Invoices failed", fact(-15)),
        Mark("Plan upgraded", fact(20)),
        Mark("Score", fact(105), "total"),
    )
    return Chart("waterfall", "Points", says("100 - 15 + 20 = 105.", fact(105)), marks)


def months() -> Chart:
    marks = tuple(
        Mark(date(2026, month, 1), fact((Money(currency, month * 12_345),), "money"), series)
        for series, currency in (("This year", "USD"), ("The year before", "USD"))
        for month in range(1, 11)
    )
    return Chart(
        "months", "Revenue", says("Revenue by month, up to $1,234.50.", fact(Money("USD", 123_450), "money")), marks
    )


def timeline() -> Chart:
    marks = (
        Mark(date(2026, 3, 2), fact((Money("USD", 14_900),), "money"), "invoice"),
        Mark(date(2026, 3, 9), fact((Money("USD", 14_900),), "money"), "payment", "good"),
        Mark(date(2026, 4, 2), GAP, "invoice"),
    )
    return Chart("timeline", "Bills", says("One bill of $149.00, paid.", fact(Money("USD", 14_900), "money")), marks)


def bands() -> Chart:
    marks = (Mark("Healthy", fact(250, "count"), tone="good"), Mark("Critical", fact(12, "count"), tone="bad"))
    return Chart("bands", "Operators by band", says("12 of 262 are critical.", fact(12, "count")), marks)


def quadrant() -> Chart:
    marks = (
        Mark(fact(-0.42, "ratio"), fact(0.971, "ratio"), label=HOSTILE["formula"], tone="bad"),
        Mark(fact(0.12, "ratio"), fact(0.8, "ratio"), label="Birch"),
        Mark(GAP, fact(0.5, "ratio"), label="Cedar"),
    )
    return Chart(
        "quadrant", "Use against payment", says("Use fell by 42%.", fact(-0.42, "ratio")), marks, "Use", "Payment"
    )


CHARTS = {made.form: made for made in (history(), dimensions(), waterfall(), months(), timeline(), bands(), quadrant())}


def charted(name: str = "Alder Chauffeurs") -> Report:
    """The profile with these charts, and none else, before its other blocks."""
    made = KINDS["profile"].build(full(name))
    others = tuple(
        replace(section, blocks=tuple(block for block in section.blocks if not isinstance(block, Chart)))
        for section in made.sections
    )
    return replace(made, sections=(Section("Charts", tuple(CHARTS.values()), "charts"), *others))
