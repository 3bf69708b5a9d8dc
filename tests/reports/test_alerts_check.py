"""What a check of alerts says it came to: raised, risen, cleared, going on, standing, or nothing new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from report_accounts import receipt

from customer_research.domain.alert import Episode, Grounds, Observation
from customer_research.domain.report import Report
from customer_research.reports.kinds.alerts import CHECK, AlertBasis, AlertCheck

NOW = datetime(2026, 11, 1, tzinfo=UTC)
THEN = Observation(NOW - timedelta(days=7), "before")
SEEN = Observation(NOW, "now")
BASIS = AlertBasis(NOW, NOW, (receipt("store", "alerts"),), (), {})


def reason(rule: str, subject: str, seen: Observation = SEEN) -> Episode:
    return Episode(rule, subject, f"{subject} Limo", 1, "Silent churn", "high", Grounds("No trips."), seen, SEEN)


def cleared(rule: str, subject: str) -> Episode:
    return replace(reason(rule, subject, THEN), cleared=SEEN, cleared_because="Trips are booked again.")


def checked(**came: Any) -> Report:
    return CHECK.build(AlertCheck(BASIS, ("Snapshot now: judged.",), **came))


def judged(report: Report) -> str:
    (part,) = (part for part in report.sections if part.id == "judged")
    return " ".join(str(block) for block in part.blocks)


@pytest.mark.parametrize(
    ("came", "told", "new"),
    [
        ({}, "0 alerts raised, 0 rose, 0 cleared, 0 go on.", False),
        ({"raised": (reason("A", "one"),)}, "1 alert raised, 0 rose, 0 cleared, 0 go on.", True),
        ({"cleared": (cleared("A", "one"),)}, "0 alerts raised, 0 rose, 1 cleared, 0 go on.", True),
        ({"continued": (reason("A", "one", THEN),)}, "0 alerts raised, 0 rose, 0 cleared, 1 go on.", False),
        (
            {"raised": (reason("B", "one"), reason("A", "two")), "continued": (reason("A", "one", THEN),)},
            "1 alert raised, 1 rose, 0 cleared, 0 go on.",
            True,
        ),
        (
            {"cleared": (cleared("A", "one"),), "continued": (reason("B", "one", THEN),)},
            "0 alerts raised, 0 rose, 0 cleared, 1 go on.",
            True,
        ),
    ],
)
def test_alerts_are_counted_by_their_subject(came: dict[str, tuple[Episode, ...]], told: str, new: bool) -> None:
    report = checked(**came)
    assert report.headline is not None
    assert report.headline.text == told
    assert report.headline.tone == ("watch" if came.get("raised") else "good")
    assert ("Nothing new." in judged(report)) is not new
    assert "Snapshot now: judged." in judged(report)
