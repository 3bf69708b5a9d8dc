"""customer-research: know one operator before the call, with a receipt for every figure.

The public names are loaded when first used, so that `import customer_research` (and `--help`) stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.evidence import Fact, Gap, Receipt
    from customer_research.domain.health import HealthScore
    from customer_research.domain.identity import LookupAnswer, Match
    from customer_research.domain.money import Money
    from customer_research.domain.report import Report
    from customer_research.errors import (
        AmbiguousOperator,
        ConfigError,
        CustomerResearchError,
        OperatorNotFound,
        SourceError,
        UsageError,
    )
    from customer_research.research import Research
    from customer_research.settings import Settings, load_settings

__version__ = "0.2.0"

_HOMES = {
    "Account": "domain.account",
    "AmbiguousOperator": "errors",
    "ConfigError": "errors",
    "CustomerResearchError": "errors",
    "Fact": "domain.evidence",
    "Gap": "domain.evidence",
    "HealthScore": "domain.health",
    "LookupAnswer": "domain.identity",
    "Match": "domain.identity",
    "Money": "domain.money",
    "OperatorNotFound": "errors",
    "Receipt": "domain.evidence",
    "Report": "domain.report",
    "Research": "research",
    "Settings": "settings",
    "SourceError": "errors",
    "UsageError": "errors",
    "load_settings": "settings",
}

__all__ = [
    "Account",
    "AmbiguousOperator",
    "ConfigError",
    "CustomerResearchError",
    "Fact",
    "Gap",
    "HealthScore",
    "LookupAnswer",
    "Match",
    "Money",
    "OperatorNotFound",
    "Receipt",
    "Report",
    "Research",
    "Settings",
    "SourceError",
    "UsageError",
    "load_settings",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
