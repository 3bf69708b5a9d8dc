"""Scorecards fitted to real churn: points, thresholds, a refitted intercept, and predictions by them."""

from __future__ import annotations

from customer_research.health import calibration  # loads numpy with one thread, before anything else does

__all__ = ["calibration"]
