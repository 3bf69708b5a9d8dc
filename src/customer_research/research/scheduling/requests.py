"""A use case's request as a schedule keeps it: plain values by the names of fields, checked when it is added and at each run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, get_origin, get_type_hints

from customer_research.errors import UsageError

OWNERS_OPERATORS = frozenset({"owner", "whose", "choice"})
"""What of a request's `WHOSE` says that its list can be one account owner's."""


def given(request: type[Any], settings: Iterable[str]) -> dict[str, Any]:
    """The values of `FIELD=VALUE` words; a field with many values is given several times, one of a part as `part.field`.

    Raises:
        UsageError: a word has no value, names no field, or gives one twice that has one value.
    """
    known = dict(_fields(request))
    found: dict[str, Any] = {}
    for word in settings:
        name, equals, value = word.partition("=")
        path = tuple(name.strip().replace("-", "_").split("."))
        if not equals or path not in known:
            fields = ", ".join(".".join(one) for one in known)
            raise UsageError(
                f"{word[:60]!r} sets no field of the request.", hint=f"Write FIELD=VALUE; fields: {fields}."
            )
        _set(found, path, value, many=known[path])
    return found


def _fields(request: type[Any], before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Every field by where it stands, and whether it takes many values."""
    hints = get_type_hints(request)
    for field in dataclasses.fields(request):
        path = (*before, field.name)
        if "part" in field.metadata:
            yield from _fields(field.metadata["part"], path)
        else:
            yield path, get_origin(hints[field.name]) is tuple


def _set(found: dict[str, Any], path: tuple[str, ...], value: str, *, many: bool) -> None:
    inner = found
    for step in path[:-1]:
        inner = inner.setdefault(step, {})
    if not many and path[-1] in inner:
        raise UsageError(f"{'.'.join(path)} is given twice.", hint="Give it once.")
    inner[path[-1]] = [*inner.get(path[-1], ()), value] if many else value


def check_places(request: type[Any], values: Mapping[str, Any]) -> None:
    """Files that a schedule names are named whole: which folder a server runs in is nobody's business.

    Raises:
        UsageError: a file of a relative path, or a request that takes a file's content.
    """
    for field in dataclasses.fields(request):
        kind, value = field.metadata.get("file"), values.get(field.name)
        if kind == "content":
            raise UsageError("What takes a file's content cannot be scheduled.", hint="Run it from a program of yours.")
        if kind not in {None, "format"} and value is not None and not PurePath(str(value)).is_absolute():
            raise UsageError(f"{field.name} is no whole path.", hint="Begin it with /.")


def names_owner(request: type[Any]) -> bool:
    """Whether it can be asked for each account owner by itself."""
    return bool(OWNERS_OPERATORS & set(request.WHOSE))
