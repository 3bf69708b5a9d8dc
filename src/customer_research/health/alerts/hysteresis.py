"""Thresholds with hysteresis: where an alert is raised, where it is cleared, and the distance between, by segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import model_validator

from customer_research.domain.alert import AlertState
from customer_research.domain.vocabularies import SEGMENTS
from customer_research.health.declaration import Fault
from customer_research.health.segments import BySegment, Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Raised at `raise_at` or beyond, cleared at `clear_at` or beyond to the other side; between the two nothing changes.

    `side` says whether high or low values raise.
    """

    side: Literal["low", "high"]
    raise_at: Numbers
    clear_at: Numbers

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for segment in (None, *SEGMENTS):
            raised, cleared = self.raise_at.of(segment), self.clear_at.of(segment)
            if not (raised < cleared if self.side == "low" else raised > cleared):
                raise Fault(
                    f"'clear_at' must be {'above' if self.side == 'low' else 'below'} 'raise_at' in every segment, but they "
                    f"are {number_text(cleared)} and {number_text(raised)}{f' for {segment}' if segment else ''}"
                )
        return self

    @property
    def by_segment(self) -> bool:
        """Whether the limits differ by segment."""
        return bool(self.raise_at.others or self.clear_at.others)

    def state(self, value: float, segment: str | None = None) -> AlertState:
        """What the threshold says of a value that is known."""
        sign = -1 if self.side == "low" else 1
        if sign * value >= sign * self.raise_at.of(segment):
            return "holds"
        return "clears" if sign * value <= sign * self.clear_at.of(segment) else "between"

    def conditions(self, metric: str) -> tuple[str, str]:
        """The two sides as conditions over a metric, in SQL."""
        raising, clearing = ("<=", ">=") if self.side == "low" else (">=", "<=")
        return _condition(metric, raising, self.raise_at), _condition(metric, clearing, self.clear_at)

    def words(self) -> str:
        """Where it is raised and cleared."""
        raising, clearing = ("or less", "or more") if self.side == "low" else ("or more", "or less")
        return f"raised at {_words(self.raise_at)} {raising}; cleared at {_words(self.clear_at)} {clearing}"


def _condition(metric: str, comparison: str, limits: BySegment[float]) -> str:
    other = f"{metric} {comparison} {number_text(limits.default)}"
    if not limits.others:
        return other
    own = [f"(segment = '{name}' AND {metric} {comparison} {number_text(limit)})" for name, limit in limits.others]
    named = ", ".join(f"'{name}'" for name, _ in limits.others)
    return " OR ".join([*own, f"((segment IS NULL OR NOT segment IN ({named})) AND {other})"])


def _words(limits: BySegment[float]) -> str:
    """The limit in words, the segments that differ after it."""
    rest = ", ".join(f"{segment} {number_text(limit)}" for segment, limit in limits.others)
    return f"{number_text(limits.default)} ({rest})" if rest else number_text(limits.default)


def number_text(number: float) -> str:
    """A limit as it is written: whole numbers without a decimal point."""
    return str(int(number)) if number == int(number) else repr(number)
