"""Labels against figures: over what time, in which unit; a figure of all time never stands under another window's heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from report_accounts import full

from customer_research.domain.catalogue import METRICS, Metric
from customer_research.domain.evidence import Fact
from customer_research.domain.report import Figures, Report, Table, Text
from customer_research.reports.kinds import EVERY_KIND, KINDS, OPERATOR_KINDS

_WINDOW = re.compile(r"(\d+)(?: |-)(day|month)s?\b|T-(\d+) d\b|(\d+)( d)\b")
_OF_DAYS = {"365": "12 month", "360": "12 month"}
NO_WINDOW = frozenset(
    {
        "commitments_at_risk",
        "history_months",
        "status",
        "subscription_started_at",
        "overdue_not_failed",
        "billing_interval_days",
        "trend_90d_year",
        "usage_trend",
    }
)
"""Metrics whose formula names days that are a condition, no window of what is counted; or of whose windows one is chosen."""

_UNITS = (
    (r"\brate\b|\bshare\b|\btrend\b|\badoption\b|\bcompletion\b", {"ratio"}),
    (r"^days\b|\bage\b|\bterm\b|\btenure\b|\bdays to\b|^oldest\b", {"days"}),
    (r"\bMRR\b|\brevenue\b|\bamount\b|\bcharged\b|\bbalance\b|\bLifetime value\b|\(value\)", {"money", "usd_minor"}),
)
_OTHERWISE = frozenset({"Last MRR event", "MRR by currency", "Currencies charged"})


def windows(text: str) -> set[str]:
    """The windows that a text names: `90 day`, `12 month`."""
    found = set()
    for number, unit, since, days, _ in _WINDOW.findall(text):
        day = since or days or (number if unit == "day" else "")
        found.add(_OF_DAYS.get(day, f"{day} day") if day else f"{number} {unit}")
    return found


def allowed(metric: Metric) -> set[str]:
    return (
        windows(metric.label)
        | windows(metric.formula)
        | windows(metric.name.replace("_30d", " 30 d").replace("_90d", " 90 d"))
    )


@pytest.mark.parametrize("name", sorted(METRICS.keys() - NO_WINDOW))
def test_a_metrics_label_names_the_window_of_its_formula(name: str) -> None:
    metric = METRICS[name]
    if windows(metric.formula) and not name.endswith(("_ago", "_180d")):
        assert windows(metric.label) or "12" in metric.label, metric.formula


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_metrics_unit_is_what_its_label_says(name: str) -> None:
    metric = METRICS[name]
    label = metric.label.partition(",")[0]
    for words, units in _UNITS:
        if re.search(words, label, re.IGNORECASE) and label not in _OTHERWISE:
            assert metric.unit in units, (label, metric.unit)
            return


def reports() -> Iterator[Report]:
    one, other = full(), replace(full(), operator_id="other", name="Other")
    for name, kind in KINDS.items():
        if name in OPERATOR_KINDS:
            yield kind.report(one)
    yield EVERY_KIND["comparison"].build([one, other])


def labelled(report: Report) -> Iterator[tuple[str, str, Fact[object]]]:
    """Each metric's figure of a report with its own label and the heading above it."""
    for part in report.sections:
        for block in part.blocks:
            if isinstance(block, Figures):
                yield from (
                    (line.label, part.title, line.figure) for line in block.lines if isinstance(line.figure, Fact)
                )
            elif isinstance(block, Table):
                for row in block.rows:
                    first = row[0].text if isinstance(row[0], Text) else ""
                    for header, cell in zip(block.headers, row, strict=True):
                        if isinstance(cell, Fact):
                            yield f"{header} {first}", f"{part.title} {block.caption}", cell


def test_every_figure_of_every_report_stands_under_its_own_window() -> None:
    seen: set[str] = set()
    for report in reports():
        for label, heading, fact in labelled(report):
            metric = METRICS.get(fact.metric)
            if metric is None:
                continue
            seen.add(metric.name)
            told = windows(label) or windows(heading)
            where = (report.kind, heading, label, metric.name, told)
            assert told <= allowed(metric), where
            assert told or not windows(metric.label), where
    assert len(seen) >= 120
