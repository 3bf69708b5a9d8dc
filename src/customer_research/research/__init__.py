"""Research: the only place that composes sources, engines, metrics, scoring and reports."""

from customer_research.research.service import Research, system_clock

__all__ = ["Research", "system_clock"]
