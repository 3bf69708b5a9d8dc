"""What a check of a calibration says: to be refitted, shifted, open, or as expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from report_accounts import receipt

from customer_research.domain.backtest import Drift, DriftMonth
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact
from customer_research.domain.report import Report, Table, Text
from customer_research.reports.inquiries.backtest_report import TrialGround
from customer_research.reports.inquiries.drift_report import REPORT, DriftResult

AS_OF = datetime(2026, 9, 1, tzinfo=UTC)
PROOF = (receipt("lago", "subscriptions"),)
GROUND = TrialGround(100, 9, 50, 8, (AS_OF,), "month", "voluntary", AS_OF, (), (), 0, "", PROOF, PROOF, ())
FINE = DriftMonth(AS_OF, 100, 9.0, 9, Estimate(1.0, 0.6, 1.5), 0.05)
WORSE = replace(FINE, observed=20, ratio=Estimate(2.2, 1.5, 3.0))
OPEN = DriftMonth(AS_OF, 100, None, None, None, None)
SHIFTED = replace(FINE, psi=0.21)


def made(*months: DriftMonth, own_dates: bool = False, written: Path | None = None) -> Report:
    found = Drift(months, -2.0, None, own_dates)
    return REPORT.build(DriftResult("card", "3", date(2026, 6, 1), found, written, GROUND, AS_OF))


def verdicts(report: Report) -> list[str]:
    (table,) = (block for part in report.sections for block in part.blocks if isinstance(block, Table))
    cells = [row[-1] for row in table.rows]
    return [cell.text if isinstance(cell, Text) else str(cell.value) for cell in cells if isinstance(cell, Text | Fact)]


@pytest.mark.parametrize(
    ("months", "words", "headline", "tone"),
    [
        ((FINE,), ["as expected"], "Churn is as the scorecard says on 1 date, and", "good"),
        ((FINE, WORSE), ["as expected", "refit the intercept"], "Churn is not as the scorecard says on 1 of 2 dates", "bad"),
        ((FINE, SHIFTED), ["as expected", "scores shifted"], "but scores are distributed otherwise", "watch"),
        ((SHIFTED, FINE), ["scores shifted", "as expected"], "and scores are distributed as they were", "good"),
        ((replace(WORSE, psi=0.3),), ["refit the intercept, scores shifted"], "refit the intercept", "bad"),
        ((OPEN,), ["window open"], "No window after the calibration is over yet", "watch"),
    ],
)  # fmt: skip
def test_each_date_has_its_verdict_and_the_head_says_the_gravest(
    months: tuple[DriftMonth, ...], words: list[str], headline: str, tone: str
) -> None:
    report = made(*months)
    assert verdicts(report) == words
    assert report.headline is not None
    assert headline in report.headline.text
    assert report.headline.tone == tone


def test_a_ratio_whose_interval_holds_1_asks_for_nothing() -> None:
    assert not replace(FINE, ratio=Estimate(1.6, 0.9, 2.5)).refit
    assert not replace(FINE, ratio=Estimate(1.4, 1.1, 1.9)).refit
    assert replace(FINE, ratio=Estimate(1.41, 1.1, 1.9)).refit
    assert replace(FINE, ratio=Estimate(0.69, 0.5, 0.9)).refit
    assert not replace(FINE, psi=0.2).shifted
    assert not Drift((), 0.0, None, own_dates=False).shifted


def test_dates_of_its_own_and_a_new_version_are_said() -> None:
    report = made(FINE, own_dates=True, written=Path("card-4.toml"))
    text = " ".join(block.text for part in report.sections for block in part.blocks if hasattr(block, "text"))
    assert "these are its own dates" in text
    assert "Written: card-4.toml" in text
