"""Data out: report kinds and renderers."""
