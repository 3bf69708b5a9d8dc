"""Arguments and options of a command from the fields of a request, and the request from what was typed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from customer_research.research.usecases import Content
from customer_research.surfaces.cli.output import FormatName, OutputFile

_INSIDE = "__"
"""Between the name of a part of a request and that of a field of it."""


class ContentFile(click.File):
    """A file, or `-` for standard input, of which the content is wanted."""

    def __init__(self) -> None:
        super().__init__("rb")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The content with the file's name."""
        file = super().convert(value, param, ctx)
        return Content(str(getattr(file, "name", "")), file.read())


class _Number(click.FloatRange):
    """A number within bounds; `inf` and `nan`, which Python takes for numbers and some bounds let through, are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return found


_FILES: Mapping[str, click.ParamType[Any]] = {
    "file": click.Path(path_type=Path, dir_okay=False),
    "folder": click.Path(path_type=Path, file_okay=False),
    "path": click.Path(path_type=Path),
    "new": OutputFile(),
    "new or -": OutputFile(allow_dash=True),
    "content": ContentFile(),
    "format": FormatName(),
    "template": click.Path(path_type=Path, dir_okay=False, exists=True),
}


def parameters(request: type[Any], before: str = "") -> Iterator[click.Parameter]:
    """The arguments and options of a request, in the order of its fields; those of its parts in their places."""
    hints = get_type_hints(request)
    for field in dataclasses.fields(request):
        if "part" in field.metadata:
            yield from parameters(field.metadata["part"], f"{before}{field.name}{_INSIDE}")
        elif field.metadata.get("positional"):
            yield _argument(f"{before}{field.name}", hints[field.name], field)
        else:
            yield _option(f"{before}{field.name}", hints[field.name], field)


def made(request: type[Any], values: Mapping[str, Any], before: str = "") -> Any:
    """The request that was typed."""
    given = {
        field.name: made(field.metadata["part"], values, f"{before}{field.name}{_INSIDE}")
        if "part" in field.metadata
        else values[f"{before}{field.name}"]
        for field in dataclasses.fields(request)
    }
    return request(**given)


def _argument(name: str, hint: Any, field: dataclasses.Field[Any]) -> click.Argument:
    kind, many, _ = _shape(hint)
    asked: dict[str, Any] = {"type": _type(kind, field), "required": field.default is dataclasses.MISSING}
    if many:
        asked["nargs"] = -1
    elif not asked["required"]:
        asked["default"] = field.default
    words = field.metadata.get("words")
    if words:
        asked["shell_complete"] = lambda _context, _parameter, begun: [one for one in words if one.startswith(begun)]
    return click.Argument([name], metavar=field.metadata.get("metavar"), **asked)


def _option(name: str, hint: Any, field: dataclasses.Field[Any]) -> click.Option:
    kind, many, optional = _shape(hint)
    flags = field.metadata.get("flags") or (f"--{field.name.replace('_', '-')}",)
    asked: dict[str, Any] = {"help": field.metadata["description"], "metavar": field.metadata.get("metavar")}
    if field.default is dataclasses.MISSING:
        asked["required"] = True
    else:
        asked["default"] = None if many else field.default
        asked["show_default"] = not optional and field.default != "" and field.default is not False
    if kind is bool and "/" not in flags[0]:
        asked["is_flag"] = True
    elif many:
        asked |= {"multiple": True, "show_default": False}
        asked.pop("default")
    asked |= {} if kind is bool else {"type": _type(kind, field)}
    return click.Option([*flags, name], **asked)


def _shape(hint: Any) -> tuple[Any, bool, bool]:
    """What one value is, whether there may be many, whether there may be none."""
    if get_origin(hint) in {Union, UnionType}:
        (kind,) = (one for one in get_args(hint) if one is not type(None))
        return kind, False, True
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True, False
    return hint, False, False


def _type(kind: Any, field: dataclasses.Field[Any]) -> click.ParamType[Any]:
    bounds = field.metadata
    choices = bounds.get("choices") or (get_args(kind) if get_origin(kind) is Literal else ())
    if choices:
        return click.Choice(choices, case_sensitive=not bounds.get("any_case"))
    if "file" in bounds:
        return _FILES[bounds["file"]]
    if kind is datetime:
        return click.DateTime(bounds["formats"])
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le")
    if kind in {int, float} and (low, high) != (None, None):
        ranged = click.IntRange if kind is int else _Number
        return ranged(low, high, min_open="gt" in bounds)
    return click.INT if kind is int else click.FLOAT if kind is float else click.STRING
