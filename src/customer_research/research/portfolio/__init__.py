"""All operators at once: measured from canonical tables, scored, kept as snapshots, looked at."""
