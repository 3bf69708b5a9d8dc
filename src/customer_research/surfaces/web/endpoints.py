"""The operations of the JSON API: one for each use case that may be asked for over HTTP, made from its entry and its request.

Nothing is declared twice: what an operation takes are the fields of the request, what they mean and within which bounds.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from customer_research.domain.access import PERMISSIONS
from customer_research.domain.words import nearest
from customer_research.errors import UsageError
from customer_research.research.usecases import RIGHTS, USE_CASES, UseCase, reference, schema

BASE = "/api/v1"

GRANTABLE = RIGHTS & frozenset(PERMISSIONS)
"""The rights that a token may grant: what needs another one is for the user of the machine, on its command line."""

CHANGES = frozenset({"me set", "me mute", "me unmute", "me forget"})
"""Use cases that need no more than the right to read, and yet change something: how oneself is told."""

NOT_TAKEN = frozenset({"csv", "toml", "requests", "sql", "unnoted"})
"""Fields that say how an answer is printed, or whether a person looked: an answer is JSON here, which has all, and programs look."""

ALWAYS: Mapping[str, Any] = MappingProxyType({"unnoted": True})
"""Fields of those that have a value all the same: reading changes nothing."""

MOST_LINES = 1000
"""Lines that a list may have."""

LONGEST, LONGEST_DRAFT, MOST_VALUES = 300, 50_000, 50
"""Characters of a value, characters of a draft, values of a list."""

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A word that an operation takes.

    Args:
        name: the word.
        place: the field of the request that it sets, and the parts that this is in.
        schema: the JSON Schema of its values.
        needed: whether it has to be given.
        content: whether the field is a file's content, which is given as text here.
    """

    name: str
    place: tuple[str, ...]
    schema: Mapping[str, Any]
    needed: bool
    content: bool = False

    @property
    def many(self) -> bool:
        """Whether it may be given several times."""
        return bool(self.schema["type"] == "array")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation: the use case that it asks, how, and what it takes."""

    case: UseCase
    method: Method
    parameters: Mapping[str, Parameter]

    @property
    def path(self) -> str:
        """Its address below the server's."""
        return f"{BASE}/{self.case.name.replace(' ', '/')}"

    def of_query(self, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """The request of an address.

        Raises:
            UsageError: a word is unknown, given twice, missing, or its value does not fit.
        """
        given: dict[str, Any] = {}
        for name, text in pairs:
            parameter = self._known(name)
            if parameter.many:
                given.setdefault(name, []).append(text)
            elif name in given:
                raise UsageError(f"{name} is given twice.", hint="Give it once.")
            else:
                given[name] = _read(name, parameter.schema, text)
        return self.of_values(given)

    def of_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The request of JSON values.

        Raises:
            UsageError: as `of_query`.
        """
        request: dict[str, Any] = {}
        for name, value in given.items():
            parameter = self._known(name)
            _check(name, parameter.schema, value)
            _put(request, parameter.place, {"name": "", "content": value.encode()} if parameter.content else value)
        for name, parameter in self.parameters.items():
            if parameter.needed and name not in given:
                raise UsageError(f"{name} is missing.", hint=str(parameter.schema["description"]))
        for place in _always(self.case):
            _put(request, place, ALWAYS[place[-1]])
        return request

    def _known(self, name: str) -> Parameter:
        if name not in self.parameters:
            close = nearest(name, list(self.parameters))
            known = (
                f"Did you mean {' or '.join(close)}?" if close else f"It takes: {', '.join(self.parameters) or 'none'}."
            )
            raise UsageError(f"{self.case.name} takes no {name[:40]!r}.", hint=known)
        return self.parameters[name]


def _put(request: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    for part in place[:-1]:
        request = request.setdefault(part, {})
    request[place[-1]] = value


# -- which there are -------------------------------------------------------------------------------------------------------


@cache
def endpoints() -> Mapping[str, Endpoint]:
    """Address → operation, in the order of the use cases."""
    found = (_endpoint(case) for case in USE_CASES.values() if not left_out(case))
    return {one.path: one for one in found}


def left_out(case: UseCase) -> str:
    """Why a use case is no operation; empty: it is one."""
    if case.right not in GRANTABLE:
        return f"needs the right to {case.right}, which no token grants"
    if case.seconds is None:
        return "takes as long as it takes"
    for _place, one, _kind in _fields(case.request()):
        if _names_place(one) and one.default is dataclasses.MISSING:
            return "is asked for by files"
    return ""


def _endpoint(case: UseCase) -> Endpoint:
    found = {}
    for place, one, kind in _fields(case.request()):
        if one.name in NOT_TAKEN or _names_place(one):
            continue
        content = one.metadata.get("file") == "content"
        told = _schema(one, {"type": "string"} if content else schema(kind)["properties"][one.name])
        needed = one.default is dataclasses.MISSING
        found[one.name] = Parameter(one.name, place, told, needed, content)
    changes = case.right == "act" or case.name in CHANGES or any(one.content for one in found.values())
    return Endpoint(case, "POST" if changes else "GET", found)


_Field = tuple[tuple[str, ...], "dataclasses.Field[Any]", type[Any]]


def _fields(kind: Any, within: tuple[str, ...] = ()) -> Iterator[_Field]:
    """The fields of a request and of its parts, each with its place and the class that has it."""
    for one in dataclasses.fields(kind):
        if "part" in one.metadata:
            yield from _fields(one.metadata["part"], (*within, one.name))
        else:
            yield (*within, one.name), one, kind


def _always(case: UseCase) -> Iterator[tuple[str, ...]]:
    return (place for place, one, _kind in _fields(case.request()) if one.name in ALWAYS)


SCORECARD = "scorecard"


def _names_place(one: dataclasses.Field[Any]) -> bool:
    """Whether a field may name a file or folder of this machine; of scorecards those that are shipped have names."""
    if one.metadata.get("or_file"):
        return one.name != SCORECARD
    return bool(one.metadata.get("file", "content") != "content")


# -- values ----------------------------------------------------------------------------------------------------------------


def _schema(one: dataclasses.Field[Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a field's values: that of the request without null, which is said by silence, and bounded."""
    inner = next((kind for kind in told.get("anyOf", ()) if kind.get("type") != "null"), told)
    found = {key: value for key, value in inner.items() if key not in {"title", "anyOf", "description", "default"}}
    about = str(one.metadata["description"]).replace(" (repeatable)", "")
    if one.name == SCORECARD:
        found |= {"enum": list(reference.scorecards())}
        about = "The scorecard to judge by; default: that of the settings."
    if one.metadata.get("formats"):
        found["format"] = "date"
    if one.name == "limit":
        found |= {"minimum": 1, "maximum": MOST_LINES}
        about = "How many lines."
    if "choices" in one.metadata:
        found["enum"] = list(one.metadata["choices"])
    if found["type"] == "array":
        found |= {"maxItems": MOST_VALUES, "items": _bounded(found["items"], LONGEST)}
    longest = LONGEST_DRAFT if one.metadata.get("file") == "content" else LONGEST
    usual = told.get("default")
    default = {} if usual is None or usual == "" or isinstance(usual, list) else {"default": usual}
    return {**_bounded(found, longest), "description": about, **default}


def _bounded(told: Mapping[str, Any], longest: int) -> dict[str, Any]:
    free = told["type"] == "string" and "enum" not in told and "format" not in told
    kept = {key: value for key, value in told.items() if key != "title"}
    return {**kept, "maxLength": longest} if free else kept


_NUMBERS = {"integer": re.compile(r"-?[0-9]{1,15}"), "number": re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")}
_TRUTH = {"true": True, "false": False}


def _read(name: str, told: Mapping[str, Any], text: str) -> Any:
    """A word's value as JSON has it."""
    kind = told["type"]
    if kind == "boolean":
        if text not in _TRUTH:
            raise UsageError(f"{name} is true or false.", hint=str(told["description"]))
        return _TRUTH[text]
    if kind in _NUMBERS:
        if not _NUMBERS[kind].fullmatch(text):
            raise UsageError(
                f"{name} is {'a whole number' if kind == 'integer' else 'a number'}.", hint=str(told["description"])
            )
        return int(text) if kind == "integer" else float(text)
    return text


_TYPES: Mapping[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
}


def _check(name: str, told: Mapping[str, Any], value: Any) -> None:
    """That a value fits its schema.

    Raises:
        UsageError: it does not.
    """
    wrong = _wrong(told, value)
    if wrong:
        raise UsageError(f"{name} {wrong}.", hint=str(told.get("description", "")))


def _wrong(told: Mapping[str, Any], value: Any) -> str:
    kind = told["type"]
    truth = isinstance(value, bool) and kind != "boolean"
    if truth or not isinstance(value, _TYPES[kind]):
        return f"is of the wrong type: {kind} is right"
    if kind == "string":
        return _wrong_text(told, value)
    if kind == "array":
        said = f"has at most {told['maxItems']} values" if len(value) > told["maxItems"] else ""
        return said or next(filter(None, (_wrong(told["items"], one) for one in value)), "")
    if value < told.get("minimum", value) or value > told.get("maximum", value):
        return f"is from {told.get('minimum', 'any')} to {told.get('maximum', 'any')}"
    return ""


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _wrong_text(told: Mapping[str, Any], value: str) -> str:
    if "enum" in told and value not in told["enum"]:
        return f"is one of {', '.join(map(str, told['enum']))}"
    if len(value) > told.get("maxLength", len(value)):
        return f"has at most {told['maxLength']} characters"
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        return "has a character that is none of a text"
    if told.get("format") == "date" and not (_DAY.fullmatch(value) and _is_day(value)):
        return "is a day, as 2026-10-31"
    return ""


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
