"""The kinds of reports, each a pure function of what is known."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from customer_research.reports.build import Kind
from customer_research.reports.kinds import (
    account_review,
    billing,
    health,
    lookup,
    payments,
    profile,
    quick,
    reservations,
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        module.KIND.name: module.KIND
        for module in (profile, account_review, billing, reservations, payments, health, quick, lookup)
    }
)
"""Every kind by name, in the order of the documentation."""
