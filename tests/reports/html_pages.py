"""Pages to be opened in a browser."""

from __future__ import annotations

from dataclasses import replace

from report_accounts import HOSTILE, full, hostile, nothing
from report_charts import CHARTS, charted, fact, only

from customer_research.documents.formats import html_
from customer_research.domain.report import Report, Table, Text
from customer_research.reports.kinds import KINDS


def page(report: Report) -> str:
    return html_.render(report)


def many_invoices() -> Report:
    rows = tuple((Text(f"MOO-{at}"), fact(at, "count"), Text(HOSTILE["long"][: at % 200])) for at in range(1000))
    table = Table(
        ("Invoice", "Amount", "What"), rows, caption="All invoices", align=("left", "right", "left"), words=("What",)
    )
    return charted(table, wild=True)


def few_marks() -> Report:
    """Every form with few marks, and nothing else: what axe measures letter by letter."""
    return only(*(replace(chart, marks=chart.marks[:14]) for chart in CHARTS.values()))


PAGES: dict[str, Report] = {
    "forms": few_marks(),
    "charts": charted(),
    "hostile": charted(wild=True),
    "wild": KINDS["health"].build(hostile()),
    "billing": KINDS["billing"].build(full()),
    "nothing": KINDS["profile"].build(nothing()),
    "quick": KINDS["quick"].build(full()),
    "invoices": many_invoices(),
}
