"""How a use case's request is declared: a frozen record whose fields say what they mean and within which bounds.

Pydantic validates such a record and gives its JSON Schema (`validated`, `schema`); declaring one loads nothing of it, so that
a command's help stays cheap.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, dataclass_transform

from customer_research.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

R = TypeVar("R")

FileKind = Literal["file", "folder", "path", "new", "new or -", "content", "template", "format"]
"""A field that names a place: a file or folder that is read, either, a file to be written (`-`: standard output), one whose
content is the value, a presentation that lends its layouts; or a format of files."""


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """A file's content, and what the file is called (empty: it has no name)."""

    name: str
    content: bytes


def _field(default: Any, metadata: Mapping[str, Any]) -> Any:
    given = {key: value for key, value in metadata.items() if value not in {None, "", ()}}
    if default is ...:
        return dataclasses.field(metadata=given)
    return dataclasses.field(default=default, metadata=given)


def option(
    description: str,
    default: Any = ...,
    *,
    flags: tuple[str, ...] = (),
    metavar: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    file: FileKind | None = None,
    or_file: bool = False,
    formats: tuple[str, ...] = (),
    choices: tuple[str, ...] = (),
    any_case: bool = False,
) -> Any:
    """A field with its help text and bounds; without a default it has to be given.

    Args:
        description: what it means, for readers.
        default: its value where none is given.
        flags: what it is called where words are typed; `--name-of-the-field` without.
        metavar: what stands for its value in a text about it.
        ge: the least number.
        gt: the number that it is above.
        le: the greatest number.
        file: that it names a place, and which.
        or_file: that it may be a file's path where it is no name that is known: only who sits at this machine may say one.
        formats: how a day or instant may be written (`strptime`).
        choices: the words that it may be, where its type does not say.
        any_case: whether a word of a list may be written in capitals.
    """
    words = {"description": description, "flags": flags, "metavar": metavar, "file": file, "formats": formats}
    numbers = {"ge": ge, "gt": gt, "le": le}
    said = {"choices": choices, "any_case": any_case or None, "or_file": or_file or None}
    return _field(default, {**words, **numbers, **said})


def argument(
    description: str,
    default: Any = ...,
    *,
    metavar: str = "",
    file: FileKind | None = None,
    or_file: bool = False,
    choices: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
) -> Any:
    """A field that is said without its name where words are typed; see `option`. `words` are its usual values."""
    more = {"metavar": metavar, "file": file, "choices": choices, "words": words, "positional": True}
    return _field(default, {"description": description, **more, "or_file": or_file or None})


def part(kind: type[Any]) -> Any:
    """A record of fields that several requests share, as a part of one."""
    return dataclasses.field(default_factory=kind, metadata={"part": kind})


@dataclass_transform(frozen_default=True, kw_only_default=True)
def request(cls: type[R]) -> type[R]:
    """Make a class a request: frozen, by keyword, and nothing but its fields."""
    made: Any = dataclasses.dataclass(frozen=True, kw_only=True, slots=True)(cls)
    made.__pydantic_config__ = {"extra": "forbid", "allow_inf_nan": False}
    return made  # type: ignore[no-any-return]


@request
class Request(ABC):
    """A request: its fields say what is asked for, and it is answered by itself.

    What its class says of itself is the help text, or `ABOUT` where that is made or set; `OUTPUT_AFTER` the field behind which a surface's own options stand (None: behind all, empty: before all);
    `DOCUMENT` what is said of the plain document beside the answer (empty: there is none).

    `WHOSE` are its fields that say whose records it tells: the operators or the alert named, or the owner whose list it is. With
    none it tells of everybody (or, where nothing is read, of nobody), and who may see one owner's operators only is refused.
    """

    ABOUT: ClassVar[str] = ""
    OUTPUT_AFTER: ClassVar[str | None] = None
    DOCUMENT: ClassVar[str] = ""
    WHOSE: ClassVar[tuple[str, ...]] = ()

    def reads(self, needs: frozenset[str]) -> frozenset[str]:
        """Of what its use case needs (`live`, `lake`, `store`) what it reads as it is asked."""
        return needs

    @abstractmethod
    def answer(self, call: Any) -> Any:
        """Do it with what the runner's `Call` gives; the `Answer`, or a coroutine of it where it waits for vendors."""


def validated(kind: type[R], given: Mapping[str, Any]) -> R:
    """A request from values that somebody sent.

    Raises:
        UsageError: a field is unknown, missing or out of its bounds; the message names the first.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - start-up time

    try:
        found: R = _adapter(kind).validate_python(dict(given))  # type: ignore[arg-type] # a class is hashable
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the request"
        raise UsageError(f"{place}: {first['msg']}.", hint="See the use case's schema.") from None
    return found


def schema(kind: type[Any]) -> dict[str, Any]:
    """The JSON Schema of a request."""
    return _adapter(kind).json_schema()  # type: ignore[arg-type] # a class is hashable


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - start-up time

    return TypeAdapter(kind)
