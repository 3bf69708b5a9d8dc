"""The arguments of a tool: flat, with bounds and words of their own, and nothing beside them; their schema, and their check.

What a use case's request says of a field (what it means, which words it may be) is taken from there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from customer_research.domain.words import nearest
from customer_research.errors import UsageError
from customer_research.research.usecases.registry import USE_CASES

if TYPE_CHECKING:
    from pydantic import BaseModel

Kind = Literal["text", "count", "number", "yes or no"]

_TYPES: Mapping[Kind, type] = {"text": str, "count": int, "number": float, "yes or no": bool}
NAMED = 200
"""The most characters of a name, an identifier or a word."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool.

    Args:
        name: as the tool takes it.
        about: what it means; empty: what the request's field says.
        field: the use case and the field of its request that it becomes, as `portfolio choice.bands`; empty: of the tool's own.
        kind: what one value is.
        words: the values that it may have; those of the request's field where that has some.
        needed: whether it has to be given.
        many: whether it is a list, of so many at most.
        least, most: of a number its bounds, of a text the most characters.
    """

    name: str
    about: str = ""
    field: str = ""
    kind: Kind = "text"
    words: tuple[str, ...] = ()
    needed: bool = False
    many: int = 0
    least: float | None = None
    most: float | None = None

    @property
    def told(self) -> str:
        """What it means."""
        return self.about or str(_field(self.field)[0].metadata["description"]).replace(" (repeatable)", "")

    @property
    def values(self) -> tuple[str, ...]:
        """The words that it may be; none: any."""
        if self.words or not self.field:
            return self.words
        found, hint = _field(self.field)
        one = get_args(hint)[0] if get_origin(hint) is tuple else hint
        return tuple(found.metadata.get("choices", ())) or (get_args(one) if get_origin(one) is Literal else ())


def _field(place: str) -> tuple[dataclasses.Field[Any], Any]:
    """A field of a use case's request, and its type."""
    case, _, path = place.rpartition(" ")
    owner: Any = USE_CASES[case].request()
    *parts, last = path.split(".")
    for part in parts:
        owner = next(one for one in dataclasses.fields(owner) if one.name == part).metadata["part"]
    found = next(one for one in dataclasses.fields(owner) if one.name == last)
    return found, get_type_hints(owner)[last]


def schema(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments: nothing beside them is taken."""
    needed = [one.name for one in parameters if one.needed]
    return {
        "type": "object",
        "properties": {one.name: _property(one) for one in parameters},
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


_JSON: Mapping[Kind, str] = {"text": "string", "count": "integer", "number": "number", "yes or no": "boolean"}


def _property(one: Parameter) -> dict[str, Any]:
    item: dict[str, Any] = {"type": _JSON[one.kind]}
    if one.values:
        item["enum"] = list(one.values)
    elif one.kind == "text":
        item["maxLength"] = int(one.most or NAMED)
    item |= {} if one.kind == "text" or one.least is None else {"minimum": one.least}
    item |= {} if one.kind == "text" or one.most is None else {"maximum": one.most}
    if one.many:
        return {"type": "array", "description": one.told, "items": item, "maxItems": one.many}
    return {"type": item.pop("type"), "description": one.told, **item}


def checked(tool: str, parameters: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that were given, each within its bounds.

    Raises:
        UsageError: one is unknown, missing or out of its bounds; the sentence names it.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - start-up time

    names = [one.name for one in parameters]
    for name in given:
        if name not in names:
            close = nearest(name, names)
            hint = f"Did you mean {' or '.join(close)}?" if close else f"Its arguments: {', '.join(names)}."
            raise UsageError(f"{tool} has no argument {name[:40]!r}.", hint=hint)
    try:
        found = _model(tool, parameters).model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = " ".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise UsageError(f"{tool}: {place}: {first['msg']}.", hint="See the tool's schema.") from None
    return {name: value for name in names if (value := getattr(found, name)) is not None}


@cache
def _model(tool: str, parameters: tuple[Parameter, ...]) -> type[BaseModel]:
    from pydantic import ConfigDict, Field, create_model  # noqa: PLC0415 - start-up time

    fields: dict[str, Any] = {}
    for one in parameters:
        kind: Any = Literal[one.values] if one.values else _TYPES[one.kind]
        bounds: dict[str, Any] = {"ge": one.least, "le": one.most} if one.kind in {"count", "number"} else {}
        if one.kind == "text" and not one.values:
            bounds = {"max_length": int(one.most or NAMED)}
        if one.many:
            item: Any = kind if one.values else _bounded(kind, bounds)
            kind, bounds = tuple[item, ...], {"max_length": one.many}
        fields[one.name] = (kind, Field(**bounds)) if one.needed else (kind | None, Field(None, **bounds))
    made: type[BaseModel] = create_model(tool, __config__=ConfigDict(extra="forbid", strict=False), **fields)
    return made


def _bounded(kind: Any, bounds: Mapping[str, Any]) -> Any:
    from typing import Annotated  # noqa: PLC0415 - beside what needs it

    from pydantic import Field  # noqa: PLC0415 - start-up time

    return Annotated[kind, Field(**bounds)]
