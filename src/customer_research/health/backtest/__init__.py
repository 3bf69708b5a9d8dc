"""Scorecards on rows with known outcomes: trials, comparisons, gates, thresholds and drift. Pure; loads numpy and scipy."""
