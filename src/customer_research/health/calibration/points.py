"""A score of points: what the expert declared, or what a fit makes of it, as the whole numbers that ship."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from customer_research.health.calibration.panel import Floats, Integers, Signal

PERMILLE = 1000
_DUST = 1e-9

Key = TypeVar("Key", str, int)


@dataclass(frozen=True, slots=True)
class PointScore:
    """Signals with their points (of 100 of their dimension), the dimensions' weights in thousandths, and their bases.

    A dimension's score is its base less the points of its signals, held to 0..100; the score is their weighted mean,
    rounded half up: the arithmetic of every scorecard (`health.scoring`). A bonus has points below 0.
    """

    signals: tuple[Signal, ...]
    weights: Mapping[str, int]
    bases: Mapping[str, int]

    def parts(self, severities: Floats) -> dict[str, Floats]:
        """Each dimension's score (n,), not rounded; `severities` are (n, k) in the order of `signals`."""
        found = {}
        for name in self.weights:
            columns = [place for place, signal in enumerate(self.signals) if signal.dimension == name]
            points = np.array([self.signals[place].points for place in columns])
            taken = severities[:, columns] @ points if columns else np.zeros(len(severities))
            found[name] = np.clip(self.bases.get(name, 100) - taken, 0.0, 100.0)
        return found

    def exact(self, severities: Floats) -> Floats:
        """(n,) the scores before rounding."""
        total = np.zeros(len(severities))
        for name, part in self.parts(severities).items():
            total += self.weights[name] * part
        return total / sum(self.weights.values())

    def scores(self, severities: Floats) -> Integers:
        """(n,) the scores that ship: 0..100, whole, rounded half up."""
        return np.floor(self.exact(severities) + 0.5 + _DUST).astype(np.int64)

    @property
    def shares(self) -> Floats:
        """(k,) the share of all that the score can take which each signal takes."""
        return shares(self.effects)

    @property
    def effects(self) -> Floats:
        """(k,) what each signal takes of the score at severity 1: weight times points / 100; what only is identified."""
        return np.array([self.weights[s.dimension] / PERMILLE * s.points / 100 for s in self.signals])


def shares(effects: Floats) -> Floats:
    """Effects as shares of the sum of their sizes; all 0 when there is no effect."""
    total = float(np.abs(effects).sum())
    return effects / total if total > 0 else np.zeros_like(effects)


def expert_score(
    declared: Sequence[Signal], weights: Mapping[str, float], bases: Mapping[str, int] | None = None
) -> PointScore:
    """The expert's own score: the points as declared, the weights as whole thousandths."""
    return PointScore(tuple(declared), _whole(weights, PERMILLE), bases or {})


def fitted_points(expert: PointScore, effects: Floats) -> tuple[Floats, dict[str, float]]:
    """Points (k,) and dimension weights that have these effects, before rounding.

    Only weight times points is identified: each dimension's available points (the sum of their sizes) stay what the expert
    gave, the weights follow the effects and add up to 1. Without any effect at all, both are the expert's.
    """
    points = np.zeros(len(expert.signals))
    weights: dict[str, float] = {}
    for name, available in _available(expert.signals).items():
        columns = [place for place, signal in enumerate(expert.signals) if signal.dimension == name]
        total = float(np.abs(effects[columns]).sum())
        points[columns] = effects[columns] / total * available if total > 0 else 0.0
        weights[name] = total / available
    weights = {name: weights.get(name, 0.0) for name in expert.weights}
    whole = math.fsum(weights.values())
    if whole <= 0:
        return np.array([signal.points for signal in expert.signals]), dict(_normal(expert.weights))
    return points, {name: weight / whole for name, weight in weights.items()}


def shipped(expert: PointScore, effects: Floats) -> PointScore:
    """The score of whole points with these effects: each dimension's points keep their (rounded) sum, weights add up to 1."""
    points, weights = fitted_points(expert, effects)
    whole = [0] * len(points)
    for name, available in _available(expert.signals).items():
        columns = [place for place, signal in enumerate(expert.signals) if signal.dimension == name]
        sizes = _whole({place: abs(float(points[place])) for place in columns}, round(available))
        for place in columns:
            whole[place] = sizes[place] if points[place] >= 0 else -sizes[place]
    signals = tuple(replace(signal, points=float(whole[place])) for place, signal in enumerate(expert.signals))
    return PointScore(signals, _whole(weights, PERMILLE), expert.bases)


def _available(signals: Sequence[Signal]) -> dict[str, float]:
    found: dict[str, float] = {}
    for signal in signals:
        found[signal.dimension] = found.get(signal.dimension, 0.0) + abs(signal.points)
    return found


def _normal(weights: Mapping[str, int]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _whole(values: Mapping[Key, float], total: int) -> dict[Key, int]:
    """Whole numbers in these proportions that add up to `total`: the largest remainders are rounded up."""
    whole = math.fsum(values.values())
    scale = total / whole if whole > 0 else 0.0
    exact = {key: value * scale for key, value in values.items()}
    floors = {key: int(value + _DUST) for key, value in exact.items()}
    lacking = max(0, total - sum(floors.values())) if scale else 0
    order = sorted(exact, key=lambda key: (floors[key] - exact[key], key))
    for key in order[:lacking]:
        floors[key] += 1
    return floors
