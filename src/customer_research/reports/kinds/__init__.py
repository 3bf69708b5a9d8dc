"""The kinds of reports, each a pure function of what is known."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from customer_research.reports.build import Kind
from customer_research.reports.kinds import (
    account_review,
    billing,
    brief,
    comparison,
    digest,
    health,
    lookup,
    operator_risk,
    payments,
    portfolio_summary,
    profile,
    quick,
    reservations,
)
from customer_research.reports.kinds.everybody import HISTORY, KINDS_OF_MANY, MISSING

_ABOUT_ONE = (profile, account_review, brief, billing, reservations, payments, health, operator_risk, quick)

OPERATOR_KINDS: Mapping[str, Kind] = MappingProxyType({module.KIND.name: module.KIND for module in _ABOUT_ONE})
"""The kinds about one operator by name, in the order of the documentation."""

KINDS: Mapping[str, Kind] = MappingProxyType({**OPERATOR_KINDS, lookup.KIND.name: lookup.KIND})
"""The kinds that are made of what is known of one operator, and the lookup."""

_BESIDES = (comparison.KIND, HISTORY, MISSING, digest.KIND, portfolio_summary.KIND, *KINDS_OF_MANY)

EVERY_KIND: Mapping[str, Kind] = MappingProxyType({**KINDS, **{kind.name: kind for kind in _BESIDES}})
"""Every kind by name, in the order of the documentation."""
