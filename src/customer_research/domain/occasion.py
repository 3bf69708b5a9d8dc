"""Occasion: what a report is asked for, beside the operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customer_research.domain.advice import Meeting
    from customer_research.domain.report import Audience


@dataclass(frozen=True, slots=True)
class Occasion:
    """For whom a report is (`audience`), before which kind of talk (`meeting`), and since when it looks back.

    `since` None: since the last recorded review, or 90 days where there is none.
    """

    audience: Audience = "internal"
    meeting: Meeting = "check-in"
    since: date | None = None
