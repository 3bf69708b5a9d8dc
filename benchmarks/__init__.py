"""Measurements that compare things side by side in one run; `python -m benchmarks [NAME ...]` runs all or some."""
