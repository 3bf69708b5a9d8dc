"""Who asks for use cases, and of whom."""

from __future__ import annotations

from customer_research.research.usecases import (
    Actor,
)

ADA = Actor("ada", "test")


OPERATORS = tuple(f"00000000-5ce0-11f0-a000-{number:012d}" for number in (2, 3, 5, 6, 8, 9, 11, 12, 14, 27))
