"""`dataclass`, made in a third of the time for what most of our classes are: frozen, with slots, and nothing else asked.

The standard library writes and compiles six functions for each such class. A short command loads some two hundred of them, and spent a
fifth of its time so. Here `__init__` alone is compiled; the others are the same few lines for every class. What the standard library's
functions promise holds of these: tests/test_frozen.py compares the two.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass  # type checkers know the standard library's
else:

    def dataclass(cls: type[Any] | None = None, /, **asked: Any) -> Any:
        """As `dataclasses.dataclass`."""
        if cls is None:
            return partial(dataclass, **asked)
        if asked != {"frozen": True, "slots": True} or not _is_plain(cls):
            return dataclasses.dataclass(cls, **asked)
        return _made(cls)


__all__ = ["dataclass"]

_OWN = {"__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__", "__setstate__"}

_ASKING = ("InitVar", "KW_ONLY")
"""In the annotation of what is no field."""


def _is_plain(cls: type[Any]) -> bool:
    """Whether a class builds on no other dataclass, writes none of its functions itself, and asks nothing of a field but a default."""
    declared = vars(cls)
    return (
        not _OWN & declared.keys()
        and not any(hasattr(base, "__dataclass_fields__") for base in cls.__bases__)
        and not any(word in str(kind) for kind in declared.get("__annotations__", {}).values() for word in _ASKING)
        and all(map(_has_a_default_alone, declared.values()))
    )


def _has_a_default_alone(value: Any) -> bool:
    """Whether what stands beside a field is a default, or a `field` that says no more than a default and metadata."""
    if not isinstance(value, dataclasses.Field):
        return True
    told = (value.init, value.repr, value.compare, value.hash is None, value.kw_only is dataclasses.MISSING)
    return all(told)


def _made(cls: type[Any]) -> type[Any]:
    """The class with slots and with what a frozen dataclass can do."""
    made: type[Any] = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    fields = dataclasses.fields(made)
    made.__dataclass_params__.init = made.__dataclass_params__.repr = True
    made.__dataclass_params__.eq = made.__dataclass_params__.frozen = True
    values = attrgetter(*(field.name for field in fields)) if fields else _nothing
    functions = {
        "__init__": _init(made, fields),
        "__repr__": _repr,
        "__eq__": lambda one, other: (
            values(one) == values(other) if other.__class__ is one.__class__ else NotImplemented
        ),
        "__hash__": lambda one: hash(values(one)),
        "__setattr__": _set,
        "__delattr__": _delete,
        "__getstate__": _state,
        "__setstate__": _restore,
    }
    for name, function in functions.items():
        setattr(made, name, function)
    return made


def _init(made: type[Any], fields: tuple[dataclasses.Field[Any], ...]) -> Any:
    """The constructor: an argument a field, in their order; a factory is called where none is given."""
    known: dict[str, Any] = {"_put": object.__setattr__, "_none": _NONE}
    arguments, lines = [], []
    for field in fields:
        name, value, default = field.name, field.name, f"_of_{field.name}"
        if field.default is not dataclasses.MISSING:
            known[default] = field.default
            arguments.append(f"{name}={default}")
        elif field.default_factory is not dataclasses.MISSING:
            known[default] = field.default_factory
            arguments.append(f"{name}=_none")
            value = f"{default}() if {name} is _none else {name}"
        else:
            arguments.append(name)
        lines.append(f" _put(_self, {name!r}, {value})")
    if hasattr(made, "__post_init__"):
        lines.append(" _self.__post_init__()")
    exec(f"def __init__({', '.join(['_self', *arguments])}):\n" + ("\n".join(lines) or " pass"), known)  # noqa: S102 - names of fields
    init = known["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    init.__annotations__ = {**{field.name: field.type for field in fields}, "return": None}
    return init


class _None:
    """Stands for an argument that was not given."""

    def __repr__(self) -> str:
        return "<factory>"


_NONE = _None()


def _nothing(_one: Any) -> tuple[()]:
    return ()


def _repr(self: Any) -> str:
    told = (f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{self.__class__.__qualname__}({', '.join(told)})"


def _set(self: Any, name: str, value: Any) -> None:
    del self, value
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    del self
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
