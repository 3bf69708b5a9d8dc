"""The healthy range of each metric: what its entry says (`domain.catalogue`) is what people read and what gives a figure its tone.

Each bound is where the scorecard's rules have it. A figure in its range is good, or neutral where only a part of the range
earns praise (`good`) or none does; outside it calls for watching, and beyond `act` for an act.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from customer_research.domain.catalogue import METRICS
from customer_research.domain.report import Tone

_HOLDS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "": operator.eq}
)
_BOUND = r"(?:(>=|>|<=|<) )?(-?[\d.]+%?|no)"
_RANGE = re.compile(rf"{_BOUND}(?: \(good {_BOUND}\))?(?:, (?:act {_BOUND}|(?P<else>else) act))?")


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit of a metric's values: the value compared with it by its sign (empty: equal)."""

    sign: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether a value keeps to it."""
        return _HOLDS[self.sign](value, self.limit)


@dataclass(frozen=True, slots=True)
class Range:
    """What is healthy; `good` is the part of it that is praised, `act` the part outside that calls for an act."""

    healthy: Bound
    good: Bound | None
    act: Bound | None

    def tone(self, value: float) -> Tone:
        """The tone of a value."""
        if self.healthy.holds(value):
            return "good" if self.good is not None and self.good.holds(value) else "neutral"
        return "bad" if self.act is not None and self.act.holds(value) else "watch"


_ANYTHING = Bound("<=", float("inf"))


@cache
def range_of(metric: str) -> Range | None:
    """A metric's range; None for one that is context, or whose range another figure sets ("within the term").

    `>= 95%, act < 80%`; `> -25% (good >= 20%), else act`; `0`; of a condition `no`, which is of note only when it holds.

    Raises:
        ValueError: the entry's words are of no such form.
    """
    found = METRICS.get(metric)
    if found is None or not re.search(r"\d|^no\b", found.healthy):
        return None
    parts = _RANGE.fullmatch(found.healthy)
    if parts is None:
        raise ValueError(f"The metric {metric} has no readable range: {found.healthy!r}.")
    healthy, good, act = (_bound(parts[n], parts[n + 1]) for n in (1, 3, 5))
    assert healthy is not None
    praised = found.praised and found.unit != "boolean"
    return Range(healthy, (good or healthy) if praised else None, _ANYTHING if parts["else"] else act)


def _bound(sign: str | None, limit: str | None) -> Bound | None:
    if limit is None:
        return None
    number = 0.0 if limit == "no" else float(limit.rstrip("%"))
    return Bound(sign or "", number / 100 if limit.endswith("%") else number)


def goal(metric: str) -> Bound:
    """The bound of a metric's healthy range.

    Raises:
        KeyError: the metric has no range.
    """
    found = range_of(metric)
    if found is None:
        raise KeyError(metric)
    return found.healthy
