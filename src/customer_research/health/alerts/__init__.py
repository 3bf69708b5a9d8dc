"""Alerts on the history of scores: rules (data), what they say of a snapshot, and the episodes that come of it."""
