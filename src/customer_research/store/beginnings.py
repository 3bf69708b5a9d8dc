"""What people name by the first digits of its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from customer_research.errors import UsageError

T = TypeVar("T")

_DIGITS = frozenset("0123456789abcdef")
_MOST = 40


@dataclass(frozen=True, slots=True)
class Beginnings:
    """How things of one kind are named.

    Args:
        what: what they are: alert.
        shortest: the fewest digits that may stand for one.
        hint: where people see them.
        called: what their id is called.
        none: what is said, before the digits, where none begins so; empty: that there is none.
    """

    what: str
    shortest: int
    hint: str
    called: str = "id"
    none: str = ""

    def read(self, given: str) -> str:
        """The digits that were given.

        Raises:
            UsageError: they are too few, or none.
        """
        text = given.strip().lower()
        if len(text) < self.shortest or not set(text) <= _DIGITS:
            few = f"give at least {self.shortest} of its digits"
            raise UsageError(f"{given[:_MOST]!r} is no {self.what}'s {self.called}: {few}.", hint=self.hint)
        return text

    def only(self, found: Sequence[T], text: str) -> T:
        """The one that begins so, of those that were found.

        Raises:
            UsageError: there is none, or there are several.
        """
        if not found:
            raise UsageError(f"{self.none or f'There is no {self.what}'} {text[:_MOST]}.", hint=self.hint)
        if len(found) > 1:
            more = f"Give more digits of its {self.called}."
            raise UsageError(f"More than one {self.what} begins with {text[:_MOST]}.", hint=more)
        return found[0]
