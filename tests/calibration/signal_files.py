"""Made-up signals and churn with a known truth, as panels and as the files of `calibrate`."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from customer_research.health.calibration.panel import Panel, Signal, panel_of

EXPERT = (
    Signal("late_payments", "payment", 30),
    Signal("failed_payments", "payment", 20),
    Signal("usage_fell", "engagement", 40),
    Signal("no_usage", "engagement", 30),
    Signal("old_tickets", "support", 30),
    Signal("bad_rating", "support", 20),
    Signal("downgraded", "growth", 30),
)
"""Seven signals with the expert's points."""


def made_up(
    rows: int,
    effects: Mapping[str, float],
    *,
    seed: int,
    base: float = 0.085,
    declared: Sequence[Signal] = EXPERT,
    firing: float = 0.2,
) -> Panel:
    """One row an account: each signal fires independently with `firing`; log odds of churn add up from `effects`."""
    rng = np.random.default_rng(seed)
    signals = (rng.random((rows, len(declared))) < firing).astype(np.float64)
    strengths = np.array([effects.get(signal.name, 0.0) for signal in declared])
    pull = signals @ strengths
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(middle + pull)))).mean() < base else (low, middle)
    churned = rng.random(rows) < 1 / (1 + np.exp(-(low + pull)))
    ids = [f"op-{number:05d}" for number in range(rows)]
    return panel_of(ids, [date(2026, 1, 1)] * rows, signals, churned, declared)


def write_csv(path: Path, panel: Panel, extra: Mapping[str, Sequence[Any]] | None = None) -> Path:
    """The panel as the CSV that `calibrate` reads, with further columns."""
    more = extra or {}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["operator_id", "as_of", *panel.names, "churned", *more])
        for row, operator in enumerate(panel.operator_ids):
            cells = [f"{value:g}" for value in panel.signals[row]]
            writer.writerow(
                [operator, panel.as_of[row], *cells, int(panel.churned[row]), *(more[name][row] for name in more)]
            )
    return path


def write_points(path: Path, declared: Sequence[Signal] = EXPERT) -> Path:
    """The expert's points as the JSON that `calibrate` reads."""
    entries = [{"signal": s.name, "dimension": s.dimension, "points": s.points} for s in declared]
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path
