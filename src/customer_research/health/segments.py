"""Values that differ by segment: in a declaration one for all, or a table of segments with a `default`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, PlainValidator

from customer_research.domain.vocabularies import SEGMENTS, SEVERITIES
from customer_research.health.declaration import Fault

V = TypeVar("V")

DEFAULT = "default"
"""In a table by segment: for every segment that is not named."""


@dataclass(frozen=True, slots=True)
class BySegment(Generic[V]):
    """A value for all segments, and those that differ."""

    default: V
    others: tuple[tuple[str, V], ...] = ()

    def of(self, segment: str | None) -> V:
        """The value of a segment; the default for one that is not named or not known."""
        return dict(self.others).get(segment or "", self.default)

    @property
    def words(self) -> str:
        """The value, the segments that differ after it."""
        rest = ", ".join(f"{segment}: {value}" for segment, value in self.others)
        return f"{self.default} ({rest})" if rest and self.default else rest or f"{self.default}"


def _table(value: object, read: Callable[[object], V], default: V | None = None) -> BySegment[V]:
    table = dict(value) if isinstance(value, dict) else {DEFAULT: value}
    if unknown := [name for name in table if name not in (DEFAULT, *SEGMENTS)]:
        raise Fault(f"{unknown[0]!r} is not a segment; known: {', '.join(SEGMENTS)}")
    found = {name: read(one) for name, one in table.items()}
    of_all = found.pop(DEFAULT, default)
    if of_all is None:
        raise Fault(f"it needs a {DEFAULT!r}, for operators of any other segment")
    return BySegment(of_all, tuple(found.items()))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fault(f"it must be a number, not {value!r}")
    if not math.isfinite(value):
        raise Fault("it must be finite")
    return float(value)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Fault(f"it must be a text, not {value!r}")
    return str(value)


def _grave(texts: BySegment[str]) -> BySegment[str]:
    given = (texts.default, *(text for _, text in texts.others))
    if unknown := [text for text in given if text and text not in SEVERITIES]:
        raise Fault(f"{unknown[0]!r} is not known; known: {', '.join(SEVERITIES)}")
    return texts


Numbers = Annotated[BySegment[float], PlainValidator(lambda value: _table(value, _number))]
Texts = Annotated[BySegment[str], PlainValidator(lambda value: _table(value, _text))]
Extras = Annotated[BySegment[str], PlainValidator(lambda value: _table(value, _text, ""))]
"""Texts that need none for the other segments."""
Priorities = Annotated[Extras, AfterValidator(_grave)]
