"""Research: the only place that composes sources, engines, metrics, scoring and reports.

The public names are loaded when first used: scoring a portfolio does not load what reports about one operator need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_research.research.service import Research, system_clock

__all__ = ["Research", "system_clock"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from customer_research.research import service  # noqa: PLC0415 - loaded when first used

    return getattr(service, name)
