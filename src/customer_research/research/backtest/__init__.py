"""Scorecards on past dates: the panel from the lake, how well they told who left, thresholds, drift, and the desk for all."""

from __future__ import annotations

from customer_research.health import calibration  # loads numpy with one thread, before anything else does

__all__ = ["calibration"]
