"""Thresholds with hysteresis: where an alert is raised, where it is cleared, and the distance between, by segment."""

from __future__ import annotations

from dataclasses import dataclass

from customer_research.domain.alert import AlertState
from customer_research.domain.vocabularies import SEGMENTS
from customer_research.health.declaration import Declaration

DEFAULT = "default"
"""In a table of limits: for every segment that is not named."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A limit for all segments, and those that differ."""

    default: float
    by_segment: tuple[tuple[str, float], ...] = ()

    def of(self, segment: str | None) -> float:
        """The limit of a segment; the default for one that is not named or not known."""
        return dict(self.by_segment).get(segment or "", self.default)

    def words(self) -> str:
        """The limit in words, the segments that differ after it."""
        rest = ", ".join(f"{segment} {number_text(limit)}" for segment, limit in self.by_segment)
        return f"{number_text(self.default)} ({rest})" if rest else number_text(self.default)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Raised at `raise_at` or beyond, cleared at `clear_at` or beyond to the other side; between the two nothing changes.

    `low`: it is low values that raise.
    """

    raise_at: Limits
    clear_at: Limits
    low: bool

    def state(self, value: float, segment: str | None = None) -> AlertState:
        """What the threshold says of a value that is known."""
        sign = -1 if self.low else 1
        if sign * value >= sign * self.raise_at.of(segment):
            return "holds"
        return "clears" if sign * value <= sign * self.clear_at.of(segment) else "between"

    def conditions(self, metric: str) -> tuple[str, str]:
        """The two sides as conditions over a metric."""
        raising, clearing = ("<=", ">=") if self.low else (">=", "<=")
        return _condition(metric, raising, self.raise_at), _condition(metric, clearing, self.clear_at)

    def words(self) -> str:
        """Where it is raised and cleared."""
        raising, clearing = ("or less", "or more") if self.low else ("or more", "or less")
        return f"raised at {self.raise_at.words()} {raising}; cleared at {self.clear_at.words()} {clearing}"


def read_threshold(declared: Declaration, *, low: bool) -> Threshold:
    """The limits of a rule: `raise_at` and `clear_at`, each a number or a table of numbers by segment.

    Raises:
        ConfigError: a segment that does not exist, no default, or no distance between the two in some segment.
    """
    raise_at, clear_at = _limits(declared, "raise_at"), _limits(declared, "clear_at")
    for segment in (None, *SEGMENTS):
        raised, cleared = raise_at.of(segment), clear_at.of(segment)
        if not (raised < cleared if low else raised > cleared):
            raise declared.error(
                f"'clear_at' must be {'above' if low else 'below'} 'raise_at' in every segment, but they are "
                f"{number_text(cleared)} and {number_text(raised)}{f' for {segment}' if segment else ''}."
            )
    return Threshold(raise_at, clear_at, low)


def _limits(declared: Declaration, key: str) -> Limits:
    found = dict(declared.numbers(key, DEFAULT))
    if unknown := [name for name in found if name not in (DEFAULT, *SEGMENTS)]:
        raise declared.error(f"{key!r}: {unknown[0]!r} is not a segment; known: {', '.join(SEGMENTS)}.")
    if DEFAULT not in found:
        raise declared.error(f"{key!r} needs a {DEFAULT!r}, for operators of any other segment.")
    return Limits(found.pop(DEFAULT), tuple(found.items()))


def _condition(metric: str, comparison: str, limits: Limits) -> str:
    if not limits.by_segment:
        return f"{metric} {comparison} {number_text(limits.default)}"
    own = [
        f"(segment = '{segment}' AND {metric} {comparison} {number_text(limit)})"
        for segment, limit in limits.by_segment
    ]
    named = ", ".join(f"'{segment}'" for segment, _ in limits.by_segment)
    other = f"((segment IS NULL OR NOT segment IN ({named})) AND {metric} {comparison} {number_text(limits.default)})"
    return " OR ".join([*own, other])


def number_text(number: float) -> str:
    """A limit as it is written: whole numbers without a decimal point."""
    return str(int(number)) if number == int(number) else repr(number)
