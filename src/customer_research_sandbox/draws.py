"""Random draws for the world: one independent stream per (seed, operator, topic), standard library only."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

_NORMAL_ABOVE = 30.0
"""Poisson means above this are drawn from the normal approximation."""


def stream(seed: int, index: int, topic: str) -> Random:
    """A generator that depends on these three only, so that another operator or topic never shifts its draws."""
    digest = hashlib.sha256(f"{seed}:{index}:{topic}".encode()).digest()
    return Random(int.from_bytes(digest[:16], "big"))


class Weighted(Generic[T]):
    """A discrete distribution over fixed values; `draw` costs one random number and one bisection."""

    def __init__(self, weights: Sequence[tuple[T, float]]) -> None:
        self._values = [value for value, _ in weights]
        edges = list(accumulate(weight for _, weight in weights))
        self._total = edges.pop()
        self._edges = edges

    def draw(self, rng: Random) -> T:
        """One value, with its share of the total weight."""
        return self._values[bisect_right(self._edges, rng.random() * self._total)]


def poisson(rng: Random, mean: float) -> int:
    """A Poisson count: inversion for small means, the rounded normal approximation above 30."""
    if mean <= 0:
        return 0
    if mean > _NORMAL_ABOVE:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    threshold, count, product = math.exp(-mean), 0, rng.random()
    while product > threshold:
        count += 1
        product *= rng.random()
    return count


def lognormal(rng: Random, median: float, sigma: float) -> float:
    """A log-normal value given by its median and the standard deviation of its logarithm."""
    return median * math.exp(rng.gauss(0.0, sigma))


def beta(rng: Random, mean: float, sd: float) -> float:
    """A Beta value in (0, 1) given by mean and standard deviation."""
    size = mean * (1 - mean) / (sd * sd) - 1
    return rng.betavariate(mean * size, (1 - mean) * size)


def uuid_text(rng: Random, version: int = 4) -> str:
    """A lower-case dashed UUID of the given version digit (the app database's own ids are time-based, version 1)."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_PAIRS = tuple(first + second for first in _BASE62 for second in _BASE62)


def base62(rng: Random, length: int) -> str:
    """Letters and digits as in the ids of card processors."""
    pairs = [_PAIRS[int(rng.random() * len(_PAIRS))] for _ in range((length + 1) // 2)]
    return "".join(pairs)[:length]


def instant_between(rng: Random, start: datetime, end: datetime) -> datetime:
    """A uniformly drawn whole second in [start, end)."""
    seconds = max(int((end - start).total_seconds()), 1)
    return start + timedelta(seconds=int(rng.random() * seconds))


def iso(instant: datetime) -> str:
    """ISO 8601 UTC with whole seconds and `Z`, as Lago writes `*_at`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(instant: datetime) -> str:
    """ISO 8601 UTC with milliseconds and `Z`, as HubSpot and Notion write times."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"
