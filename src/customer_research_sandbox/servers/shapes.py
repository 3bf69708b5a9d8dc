"""What a request's JSON must look like before a server reads it: small checks that compose, and one sentence when one fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Shape = Callable[[Any, str], None]
"""Looks at a value and its place (`body.filter.or[1]`); raises `ShapeError` when it is not what it should be."""


class ShapeError(ValueError):
    """A value that is not what it should be; `place` says which."""

    def __init__(self, place: str, wanted: str, value: object) -> None:
        super().__init__(f"{place} should be {wanted}, instead was `{str(value)[:80]}`.")
        self.place = place


def of_type(wanted: str, *types: type) -> Shape:
    """A value of one of these types; a boolean is no number."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ShapeError(place, wanted, value)

    return check


text = of_type("a string", str)
whole = of_type("an integer", int)
number = of_type("a number", int, float)
flag = of_type("a boolean", bool)
scalar = of_type("a string or a number", str, int, float, bool)
mapping = of_type("an object", dict)
array = of_type("an array", list)


def anything(_value: Any, _place: str) -> None:
    """Any value at all."""


def maybe(shape: Shape) -> Shape:
    """Null, or a value of that shape."""
    return lambda value, place: None if value is None else shape(value, place)


def each(shape: Shape) -> Shape:
    """An array of values of one shape."""

    def check(value: Any, place: str) -> None:
        array(value, place)
        for index, item in enumerate(value):
            shape(item, f"{place}[{index}]")

    return check


def named(shape: Shape) -> Shape:
    """An object whose values all have one shape."""

    def check(value: Any, place: str) -> None:
        mapping(value, place)
        for key, item in value.items():
            shape(item, f"{place}.{key}")

    return check


def record(fields: dict[str, Shape], *needed: str) -> Shape:
    """An object: the fields that it has are of these shapes (or null), those *needed* are there."""

    def check(value: Any, place: str) -> None:
        mapping(value, place)
        for name in needed:
            if value.get(name) is None:
                raise ShapeError(f"{place}.{name}", "defined", value.get(name))
        for name, shape in fields.items():
            maybe(shape)(value.get(name), f"{place}.{name}")

    return check


def either(*shapes: Shape) -> Shape:
    """A value of the first of these shapes that fits."""

    def check(value: Any, place: str) -> None:
        for shape in shapes[:-1]:
            try:
                shape(value, place)
            except ShapeError:
                continue
            return
        shapes[-1](value, place)

    return check
