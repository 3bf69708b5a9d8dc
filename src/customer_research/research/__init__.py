"""Research: the only place that composes sources, engines, metrics, scoring and reports.

The public names are loaded when first used: scoring a portfolio does not load what reports about one operator need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_research.research.one.operators import system_clock
    from customer_research.research.service import Research

_HOMES = {
    "Research": "customer_research.research.service",
    "system_clock": "customer_research.research.one.operators",
}

__all__ = ["Research", "system_clock"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
