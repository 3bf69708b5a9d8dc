"""Monthly checks of a calibrated scorecard: is churn as it says, and are scores distributed as they were?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2

from customer_research.domain.backtest import Drift, DriftMonth
from customer_research.domain.calibration import Estimate, ObservedChurn
from customer_research.health.backtest.trial import UNKNOWN, PanelScores, Rows
from customer_research.health.calibration.logistic import intercept_of, log_odds
from customer_research.health.calibration.panel import Flags, Floats, Integers
from customer_research.health.calibration.validation import probabilities

_TAIL = 0.025
_LEAST_SHARE = 1e-4
"""An empty bin counts as this share, so that the index stays finite."""


def poisson_interval(events: int) -> tuple[float, float]:
    """The exact 95 % interval of a Poisson mean of which so many events were seen."""
    low = float(chi2.ppf(_TAIL, 2 * events) / 2) if events else 0.0
    return low, float(chi2.ppf(1 - _TAIL, 2 * events + 2) / 2)


def stability_index(shares: Floats, reference: Floats) -> float:
    """The population stability index of two distributions over the same bins: 0 the same, above 0.2 another population."""
    now, then = np.maximum(shares, _LEAST_SHARE), np.maximum(reference, _LEAST_SHARE)
    return float(np.sum((now - then) * np.log(now / then)))


def check_drift(
    rows: Rows, tried: PanelScores, closed: Flags, reference: Sequence[ObservedChurn], *, own_dates: bool = False
) -> Drift:
    """Check each date of the rows, in order of time.

    Args:
        rows: the rows; their labels count where the window is over.
        tried: the scorecard's say on them, with its curve.
        closed: (n,) whether a row's window is over.
        reference: scores and rows of the calibration, by bins of the score.
        own_dates: whether these are the dates that it was calibrated on.
    """
    assert tried.curve is not None
    known = tried.scores != UNKNOWN
    own, scores, over = rows.where(known), tried.scores[known], closed[known]
    p = probabilities(scores, tried.curve)
    instants = np.array([instant.timestamp() for instant in own.panel.instants])
    told = sorted(set(own.panel.instants))
    months = tuple(_month(own, (scores, p), instants == instant.timestamp(), over, reference) for instant in told)
    churned = own.panel.churned[over].astype(np.float64)
    apart = intercept_of(log_odds(p[over]), churned, np.ones(int(over.sum()))) if over.any() else float("nan")
    return Drift(
        months=months,
        intercept=tried.curve[0],
        refitted=float(tried.curve[0] + apart) if np.isfinite(apart) else None,
        own_dates=own_dates,
    )


def _month(
    rows: Rows, said: tuple[Integers, Floats], here: Flags, closed: Flags, reference: Sequence[ObservedChurn]
) -> DriftMonth:
    scores, p = said
    at = rows.panel.instants[int(np.flatnonzero(here)[0])]
    psi = _shift(scores[here], reference)
    over = here & closed
    if not over.any():
        return DriftMonth(at, int(here.sum()), None, None, None, psi)
    expected, observed = float(p[over].sum()), int(rows.panel.churned[over].sum())
    low, high = poisson_interval(observed)
    ratio = Estimate(observed / expected, low / expected, high / expected) if expected > 0 else None
    return DriftMonth(at, int(here.sum()), expected, observed, ratio, psi)


def _shift(scores: Integers, reference: Sequence[ObservedChurn]) -> float | None:
    if len(reference) <= 1 or not len(scores):
        return None
    edges = np.array([line.highest for line in sorted(reference, key=lambda line: line.lowest)])[:-1]
    then = np.array([line.rows for line in sorted(reference, key=lambda line: line.lowest)], dtype=np.float64)
    now = np.bincount(np.searchsorted(edges, scores, side="left"), minlength=len(then)).astype(np.float64)
    return stability_index(now / now.sum(), then / then.sum())
