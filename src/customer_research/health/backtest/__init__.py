"""Scorecards on rows with known churn: trials, comparisons, gates, thresholds and drift. Pure; loads numpy and scipy."""

from __future__ import annotations

from customer_research.health import calibration  # loads numpy with one thread, before anything else does

__all__ = ["calibration"]
