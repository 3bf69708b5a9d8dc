"""Scorecards on past dates: who churned, what each card said before, and how well it told who left."""

from __future__ import annotations

from customer_research.health import calibration  # loads numpy with one thread, before anything else does

__all__ = ["calibration"]
