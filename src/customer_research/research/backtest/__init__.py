"""Scorecards on past dates: the panel from the lake, how well they told who left, thresholds, drift, and the desk for all."""
