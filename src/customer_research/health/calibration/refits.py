"""How sure the fitted points are: refitted on accounts drawn anew, again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from customer_research.domain.calibration import Estimate
from customer_research.health.calibration.evaluation import resampled
from customer_research.health.calibration.fitting import Design, Fit, fit
from customer_research.health.calibration.panel import Floats
from customer_research.health.calibration.points import PointScore, fitted_points, shares

_TAILS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Sureness:
    """Points and shares (of all that the score can take) of each signal, and each dimension's weight, with intervals."""

    points: tuple[Estimate, ...]
    shares: tuple[Estimate, ...]
    weights: dict[str, Estimate]


def sureness(
    design: Design,
    expert: PointScore,
    fitted: Fit,
    *,
    tau: float,
    s0: float,
    draws: int,
    seed: int,
    advance: Callable[[int, int], None] = lambda _done, _all: None,
) -> Sureness:
    """Refit on each draw of whole accounts, each started from the fit of all rows; a draw without churn is left out."""
    told = [_told(expert, fitted)]
    for number, counts in enumerate(resampled(int(design.accounts.max()) + 1, draws, seed), start=1):
        weights = counts[design.accounts]
        if 0 < float(weights @ design.churned) < float(weights.sum()):
            told.append(_told(expert, fit(design, weights, tau, s0, fitted)))
        advance(number, draws)
    found = np.array(told)
    low, high = np.percentile(found[1:], _TAILS, axis=0) if len(found) > 1 else (found[0], found[0])
    every = [Estimate(*map(float, one)) for one in zip(found[0], low, high, strict=True)]
    k = len(expert.signals)
    return Sureness(tuple(every[:k]), tuple(every[k : 2 * k]), dict(zip(expert.weights, every[2 * k :], strict=True)))


def _told(expert: PointScore, fitted: Fit) -> Floats:
    """Points, shares and weights in one row."""
    effects = fitted.effects(expert)
    points, weights = fitted_points(expert, effects)
    return np.concatenate((points, shares(effects), [weights[name] for name in expert.weights]))
