"""Alerts on the score history: judging snapshots, trying rules on the past, and telling what is open."""
