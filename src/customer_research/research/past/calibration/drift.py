"""The use case behind `drift`: monthly checks of a calibrated scorecard, and a new version with the intercept refitted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import tomlkit

from customer_research.connect.source import Clock
from customer_research.domain.backtest import Drift
from customer_research.errors import UsageError
from customer_research.health.backtest.drift import check_drift
from customer_research.health.scorecard import Scorecard, declaration_of
from customer_research.reports.inquiries.drift_report import DriftResult
from customer_research.research.past.backtest.trials import tread
from customer_research.research.past.calibration.on_files import write_card
from customer_research.research.past.requests import DriftTerms
from customer_research.settings import Settings


def check(settings: Settings, terms: DriftTerms, clock: Clock) -> DriftResult:
    """Check a calibrated scorecard on the dates after those that it was calibrated on.

    Raises:
        UsageError: it was never calibrated, rules count that were not, or the output is there already.
        ConfigError, EngineError: as a backtest.
    """
    output, name = terms.output, terms.card or settings.scorecard
    if output is not None and output.exists():
        raise UsageError(f"{output} exists, and no scorecard is written over.", hint="Give another name.")
    ground = tread(settings, (name,), terms.ground, clock, open_too=True)
    tried, scorecard = ground.tried[0], ground.cards[0]
    if scorecard is None or scorecard.churn is None:
        raise UsageError(
            f"The scorecard {tried.name} has no probability that could be checked: it was never calibrated on churn.",
            hint="`customer-research calibrate` writes one that has.",
        )
    if tried.curve is None:
        raise UsageError(
            f"Rules count in {tried.name} that it was not calibrated with: {', '.join(scorecard.churn.uncalibrated)}.",
            hint="Calibrate with --only-tried.",
        )
    closed = np.ones(len(ground.rows.panel), dtype=np.bool_) if ground.past is None else ground.past.closed
    last = datetime.fromisoformat(scorecard.churn.last_as_of).replace(tzinfo=UTC)
    later = np.array([as_of.date() > last.date() for as_of in ground.rows.panel.instants], dtype=np.bool_)
    own_dates = not bool((later & closed).any())
    used = np.ones_like(later) if own_dates else later
    found = check_drift(
        ground.rows.where(used), tried.where(used), closed[used], scorecard.churn.observed, own_dates=own_dates
    )
    return DriftResult(
        name=tried.name,
        version=tried.version,
        last_as_of=last.date(),
        found=found,
        written=_write(name, scorecard, found, output),
        ground=ground.shown,
        now=clock(),
    )


def _write(name: str, card: Scorecard, found: Drift, output: Path | None) -> Path | None:
    if output is None:
        return None
    if found.refitted is None:
        raise UsageError("No churn was seen on these dates, so that no intercept can be fitted to them.")
    document = tomlkit.parse(declaration_of(name)[0])
    document["calibration"]["intercept"] = round(found.refitted, 6)
    newest = max(month.as_of for month in found.months if month.observed is not None)
    document["version"] = f"{card.version}+intercept.{newest:%Y-%m-%d}"
    text = tomlkit.dumps(document)
    write_card(output, text)
    return output
