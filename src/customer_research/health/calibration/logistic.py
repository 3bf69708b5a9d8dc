"""Logistic curves of two parameters: Platt scaling of a score, and the slope that judges probabilities."""

from __future__ import annotations

import numpy as np

from customer_research.health.calibration.panel import Floats

_STEPS = 60
_CLOSE = 1e-10
_HOLD = 1e-6
"""A trace of ridge on the standardised slope: a score that parts the rows perfectly has no finite one."""

LEAST = 1e-6
"""No probability is told as 0 or 1."""


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + exp(-values)), without overflow."""
    tail = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0, tail) / (1.0 + tail)


def log_odds(probabilities: Floats) -> Floats:
    """log(p / (1 - p)), p held within `LEAST` of 0 and 1."""
    held = np.clip(probabilities, LEAST, 1 - LEAST)
    return np.log(held) - np.log1p(-held)


def losses(probabilities: Floats, churned: Floats) -> Floats:
    """(n,) the logarithmic loss of each row."""
    held = np.clip(probabilities, LEAST, 1 - LEAST)
    return -(churned * np.log(held) + (1 - churned) * np.log1p(-held))


def intercept_of(offset: Floats, churned: Floats, weights: Floats) -> float:
    """The a that fits `logit p = a + offset`."""
    total, events = float(weights.sum()), float(weights @ churned)
    if not 0 < events < total:
        return float("nan")
    a = float(log_odds(np.array([events / total]))[0]) - float(weights @ offset) / total
    for _ in range(_STEPS):
        p = sigmoid(a + offset)
        spread = float(weights @ (p * (1 - p)))
        step = (events - float(weights @ p)) / max(spread, 1e-12)
        a += float(np.clip(step, -3, 3))
        if abs(step) < _CLOSE:
            break
    return a


def line_of(values: Floats, churned: Floats, weights: Floats) -> tuple[float, float]:
    """The (a, b) that fit `logit p = a + b values`; NaN when all rows are of one kind, b = 0 when values do not vary."""
    total = float(weights.sum())
    events = float(weights @ churned)
    if not 0 < events < total:
        return float("nan"), float("nan")
    middle = float(weights @ values) / total
    spread = float(np.sqrt(weights @ (values - middle) ** 2 / total))
    if spread < 1e-12:  # noqa: PLR2004 - binary dust
        return float(log_odds(np.array([events / total]))[0]), 0.0
    x = (values - middle) / spread
    a, b = float(log_odds(np.array([events / total]))[0]), 0.0
    for _ in range(_STEPS):
        p = sigmoid(a + b * x)
        lack, curve = weights * (churned - p), weights * p * (1 - p)
        g0, g1 = float(lack.sum()), float(lack @ x) - _HOLD * b
        h00, h01, h11 = float(curve.sum()), float(curve @ x), float(curve @ (x * x)) + _HOLD
        determinant = max(h00 * h11 - h01 * h01, 1e-12)
        da, db = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        a, b = a + float(np.clip(da, -3, 3)), b + float(np.clip(db, -3, 3))
        if abs(da) + abs(db) < _CLOSE:
            break
    return a - b * middle / spread, b / spread
