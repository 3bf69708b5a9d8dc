"""Judging: scorecards as data, compiled to SQL."""
