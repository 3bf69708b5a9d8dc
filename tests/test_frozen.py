"""Classes made by `frozen.dataclass` are those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import InitVar, field
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from customer_research import frozen

T = TypeVar("T")


def _pair(dataclass: Any) -> tuple[Any, ...]:
    """Classes of several kinds, made by one of the two."""

    @dataclass(frozen=True, slots=True)
    class Empty:
        """No field."""

    @dataclass(frozen=True, slots=True)
    class One:
        """A field alone, which is no tuple of one."""

        value: int

    @dataclass(frozen=True, slots=True)
    class Several(Generic[T]):
        """Defaults, a factory, what is no field, a check and more."""

        DEFAULT: ClassVar[int] = 3
        name: str
        given: T
        number: int = 7
        made: tuple[int, ...] = field(default_factory=tuple)
        told: str = field(default="told", metadata={"of": "it"})

        def __post_init__(self) -> None:
            if self.number < 0:
                raise ValueError("below")

        @property
        def twice(self) -> int:
            """Something reckoned."""
            return 2 * self.number

    @dataclass(frozen=True, slots=True)
    class Further(Several[int]):
        """One that builds on another."""

        more: str = "more"

    @dataclass(frozen=True, slots=True)
    class Hidden:
        """Fields that count for less, and an argument that is no field."""

        name: str
        secret: str = field(default="", repr=False, compare=False)
        seen: dict[str, int] = field(default_factory=dict, hash=False)
        once: InitVar[int] = 0

        def __post_init__(self, once: int) -> None:
            self.seen["once"] = once

    @dataclass(frozen=True, slots=True)
    class Own:
        """Its own way of being equal."""

        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and other.name.casefold() == self.name.casefold()

        def __hash__(self) -> int:
            return hash(self.name.casefold())

    return Empty, One, Several, Further, Hidden, Own


STANDARD, OURS = _pair(dataclasses.dataclass), _pair(frozen.dataclass)
HIDDEN = 4
"""The one that takes an argument which is no field: it cannot be replaced without."""

GIVEN: tuple[list[tuple[Any, ...]], ...] = (
    [()],
    [(1,), (2,), ((1,),)],
    [("a", 1), ("a", 2), ("b", 1, 8, (2,), "t"), ("a", 1, 7)],
    [("a", 1), ("a", 1, 7, (), "told", "else")],
    [("a",), ("a", "s"), ("b", "s", {}, 4)],
    [("a",), ("A",), ("b",)],
)


@pytest.mark.parametrize("place", range(len(STANDARD)), ids=[one.__name__ for one in STANDARD])
def test_it_makes_what_the_standard_library_makes(place: int) -> None:
    standard, ours = STANDARD[place], OURS[place]
    assert inspect.signature(standard).parameters.keys() == inspect.signature(ours).parameters.keys()
    assert [(one.name, one.type, one.metadata) for one in dataclasses.fields(standard)] == [
        (one.name, one.type, one.metadata) for one in dataclasses.fields(ours)
    ]
    assert standard.__match_args__ == ours.__match_args__
    theirs, mine = ([made(*given) for given in GIVEN[place]] for made in (standard, ours))
    assert [repr(one) for one in theirs] == [repr(one) for one in mine]
    assert [[one == other for other in theirs] for one in theirs] == [[one == other for other in mine] for one in mine]
    for one in mine:
        assert one == copy.copy(one) == copy.deepcopy(one)
        assert place == HIDDEN or one == dataclasses.replace(one)
        assert one != object()
        assert hash(one) == hash(copy.copy(one))
        assert not hasattr(one, "__dict__")
        for told in dataclasses.fields(one):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(one, told.name, 1)
            with pytest.raises(dataclasses.FrozenInstanceError):
                delattr(one, told.name)
        with pytest.raises((AttributeError, TypeError)):  # which of the two: as the standard library's version says
            one.unknown = 1


def test_wrong_calls_are_refused() -> None:
    several: Any = OURS[2]
    for given, named in (((), {}), (("a", 1, 2, (), "", 6), {}), (("a", 1), {"other": 2}), (("a",), {"name": "b"})):
        with pytest.raises(TypeError):
            several(*given, **named)
    with pytest.raises(ValueError, match="below"):
        several("a", 1, -1)
    assert several("a", given=1, told="x") == several(name="a", given=1, told="x")


@frozen.dataclass(frozen=True, slots=True)
class Sent:
    """One that other processes read."""

    name: str
    values: tuple[int, ...] = ()


def test_it_goes_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Sent("a", (1, 2)))) == Sent("a", (1, 2))
