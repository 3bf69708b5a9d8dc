"""Alerts on the score history: judging snapshots, trying rules on the past, and telling what is open."""

from __future__ import annotations

from customer_research.research.alerting.rule_check import SnapshotCheck, alert_rules, check, evaluate, simulate

__all__ = ["SnapshotCheck", "alert_rules", "check", "evaluate", "simulate"]
