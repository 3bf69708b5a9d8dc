"""Rate limits: counting requests in a rolling window, with a clock that the caller gives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Seconds from any fixed point, never going back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request fits the window, what is left of it, and in how many seconds the next place becomes free."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: float


class RollingWindow:
    """At most `limit` requests in any `seconds`; refused requests do not count."""

    def __init__(self, limit: int, seconds: float, clock: Clock) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> Verdict:
        """Count one request if there is room for it."""
        now = self._clock()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        allowed = len(self._taken) < self.limit
        if allowed:
            self._taken.append(now)
        reset = self._taken[0] + self.seconds - now if self._taken else 0.0
        return Verdict(allowed, self.limit, self.limit - len(self._taken), reset)
