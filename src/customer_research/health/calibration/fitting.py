"""The fit: how much each signal's effect differs from the expert's, held to the expert as far as the evidence is thin.

`logit P(churn within the window) = a + sum_j u_j b_j x_j`, u_j >= 0, where x_j is the severity of signal j and b_j what the
expert lets it take of the score. Minimised is

    NLL / r + sum_j (u_j - s)^2 / (2 (tau s0)^2),   s >= 0 free,

s0 being the slope of Platt scaling on the expert's score, and r how many rows repeat one churn (overlapping windows): the
evidence is as strong as there are churned accounts, not rows. tau = 0 is the expert's score; tau = infinity would be
non-negative logistic regression. Convex; solved by L-BFGS-B with the gradient in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from customer_research.health.calibration.logistic import line_of, log_odds, sigmoid
from customer_research.health.calibration.panel import Floats, Integers, Panel
from customer_research.health.calibration.points import PointScore

_LEAST_SLOPE = 0.25
"""The least s0, as log odds for one standard deviation of the expert's risk: an expert who is wrong must not freeze the fit."""

_ZERO = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The rows of a panel, equal ones put together: (m, k) expert effects times severities, and which group each row is in."""

    features: Floats
    severities: Floats
    groups: Integers
    churned: Floats
    accounts: Integers
    repeats: float

    @classmethod
    def of(cls, panel: Panel, expert: PointScore) -> Design:
        """The design of a panel under the expert's score; its signals are those of the panel, in its order."""
        distinct, groups = np.unique(panel.signals, axis=0, return_inverse=True)
        churned = panel.churned.astype(np.float64)
        return cls(
            distinct * (expert.effects * 100),
            distinct,
            groups.reshape(-1).astype(np.int64),
            churned,
            panel.accounts,
            float(churned.sum()) / max(panel.churned_accounts, 1),
        )

    def scores(self, score: PointScore) -> Integers:
        """(n,) a score of each row."""
        return score.scores(self.severities)[self.groups]

    def counted(self, weights: Floats) -> tuple[Floats, Floats]:
        """(m,) how much each group weighs, and how much of it churned."""
        size = len(self.features)
        rows = np.bincount(self.groups, weights, size)
        return rows.astype(np.float64), np.bincount(self.groups, weights * self.churned, size).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was fitted: the intercept, `factors` u (k,) on the expert's effects, and their common mean s."""

    intercept: float
    factors: Floats
    mean: float
    pinned: tuple[bool, ...]

    def effects(self, expert: PointScore) -> Floats:
        """(k,) the effects that the factors make of the expert's."""
        return self.factors * expert.effects


def expert_slope(design: Design, weights: Floats) -> float:
    """s0: the slope of Platt scaling on the expert's risk (in points of the score), held above a small one."""
    rows, events = design.counted(weights)
    risk = design.features.sum(axis=1)
    total = float(rows.sum())
    spread = float(np.sqrt(max(rows @ (risk - rows @ risk / total) ** 2 / total, 0.0)))
    least = _LEAST_SLOPE / spread if spread > 0 else 1.0
    share = np.divide(events, rows, out=np.zeros_like(rows), where=rows > 0)
    slope = line_of(risk, share, rows)[1]
    return max(slope, least) if np.isfinite(slope) else least


def fit(design: Design, weights: Floats, tau: float, s0: float, start: Fit | None = None) -> Fit:
    """The minimum for these row weights; `tau` above 0. `start` is a fit of nearly the same rows (a warm start)."""
    rows, events = design.counted(weights)
    total = float(rows.sum())
    middle = rows @ design.features / total
    features = (design.features - middle) * s0  # factors are fitted in units of s0, around the mean row
    size = features.shape[1]
    penalty = 1.0 / tau**2

    def objective(at: Floats) -> tuple[float, Floats]:
        a, v, t = at[0], at[1:-1], at[-1]
        odds = a + features @ v
        # log(1 + e^odds) without overflow
        loss = float(rows @ (np.maximum(odds, 0) + np.log1p(np.exp(-np.abs(odds)))) - events @ odds)
        lack = rows * sigmoid(odds) - events
        apart = v - t
        value = loss / design.repeats + penalty / 2 * float(apart @ apart)
        slopes = features.T @ lack / design.repeats + penalty * apart
        return value, np.concatenate(([lack.sum() / design.repeats], slopes, [-penalty * apart.sum()]))

    first = np.ones(size + 2)
    first[0] = float(log_odds(np.array([events.sum() / total]))[0])
    if start is not None:
        first = np.concatenate(
            ([start.intercept + float(middle @ start.factors)], start.factors / s0, [start.mean / s0])
        )
    bounds = [(None, None), *[(0.0, None)] * (size + 1)]
    found = minimize(
        objective,
        first,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-10, "gtol": 1e-6},
    )
    a, v, t = float(found.x[0]), found.x[1:-1], float(found.x[-1])
    steep = objective(found.x)[1][1:-1]
    factors = np.where(v < _ZERO, 0.0, v) * s0
    pinned = tuple(bool(value < _ZERO and slope > 0) for value, slope in zip(v, steep, strict=True))
    return Fit(a - float(middle @ factors), factors, t * s0, pinned)
