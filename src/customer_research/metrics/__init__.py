"""Metrics: the catalogue and one SQL file a subject."""
