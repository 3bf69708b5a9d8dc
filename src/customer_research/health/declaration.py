"""Declarations (TOML) read into typed models: unknown keys are refused, and every complaint names its place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, StrictInt, TypeAdapter, ValidationError, with_config

from customer_research.domain.parsing import toml
from customer_research.errors import ConfigError

T = TypeVar("T")

SHIPPED = "shipped"
"""As a file's `base`: its tables are changes of the shipped ones, by id."""

declared = with_config(ConfigDict(extra="forbid"))
"""Marks the dataclass of a whole declaration; the tables within it refuse unknown keys as well."""

Natural = Annotated[StrictInt, Field(ge=0)]
Positive = Annotated[StrictInt, Field(ge=1)]
Score = Annotated[StrictInt, Field(ge=0, le=100)]

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "tuple": "a list",
    "dict": "a table",
    "dataclass": "a table",
}


_SAID = {
    "missing": "{key!r} is missing",
    "unexpected_keyword_argument": "unknown key {key!r}",
    "union_tag_not_found": "{discriminator} is missing",
    "union_tag_invalid": "{discriminator} is {tag!r}; known: {known}",
    "literal_error": "{key!r} {verb} {value!r}; known: {known}",
    "greater_than": "{key!r} must be above {gt}, not {value!r}",
    "greater_than_equal": "{key!r} must be {ge} or more, not {value!r}",
    "less_than_equal": "{key!r} must be {le} or less, not {value!r}",
    "too_short": "{key!r} is empty",
}
"""Kind of error → the sentence about it."""

_MADE = {"cases": 1, "test": 1, "threshold": 0}
"""Steps that a document may lack, as models make them, and how many more go with each: the number of a case, a kind."""


class Fault(ValueError):  # noqa: N818 - named as people say it
    """What is wrong with a value that has the right type; `where` names the table, if a check of the whole found it."""

    def __init__(self, complaint: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(complaint)
        self.where = where
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Place:
    """Where a declaration stands, in words, and the setting that names it."""

    name: str
    setting: str = "scorecard"

    def wrong(self, complaint: str, *, hint: str = "") -> ConfigError:
        """A fault in the declaration."""
        return ConfigError(complaint, setting=self.setting, hint=hint)

    def tables(self, text: str) -> dict[str, Any]:
        """The tables of a TOML document.

        Raises:
            ConfigError: when it is not TOML.
        """
        try:
            return toml(text)
        except tomllib.TOMLDecodeError as error:
            raise self.wrong(f"{self.name} is not valid TOML: {error}.") from None

    def text(self, path: Path, what: str) -> str:
        """The text of a user's file; `what` is what it declares.

        Raises:
            ConfigError: when it cannot be read.
        """
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            complaint = f"The {what} {path} cannot be read: {type(error).__name__}."
            raise self.wrong(complaint, hint="Check the path.") from None

    def read(self, model: type[T], document: Mapping[str, Any], context: object) -> T:
        """A document as a model; its validators find `context` in their `info`.

        Raises:
            ConfigError: for the first fault; it names the place and the key.
        """
        try:
            found: T = _adapter(model).validate_python(document, context=context)
        except ValidationError as error:
            raise self._wrong(error.errors(include_url=False)[0], document) from None
        return found

    def _wrong(self, error: Mapping[str, Any], document: Mapping[str, Any]) -> ConfigError:
        tables, key, is_entry = _found(error["loc"], document)
        fault = error.get("ctx", {}).get("error")
        if isinstance(fault, Fault) and fault.where:
            tables = [*tables, fault.where]
        complaint = _complaint(error, key, is_entry=is_entry)
        hint = fault.hint if isinstance(fault, Fault) else ""
        return self.wrong(f"{', '.join([self.name, *tables])}: {complaint}.", hint=hint)


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def _found(loc: Sequence[int | str], document: Mapping[str, Any]) -> tuple[list[str], str, bool]:
    """The tables that a fault lies in, by id, name or number; its key (none: the table itself); and whether it is an entry."""
    tables: list[str] = []
    node: Any = document
    key, is_entry, steps = "", False, list(loc)
    while steps:
        step = steps.pop(0)
        if isinstance(node, list) and isinstance(step, int):
            node, is_entry = node[step], True
            if isinstance(node, dict):
                tables.append(f"{key} {node.get('id', node.get('name', step + 1))}")
                key, is_entry = "", False
        elif isinstance(node, dict) and isinstance(step, int):
            name, node = list(node.items())[step]
            tables.append(f"{key} {name}")
            key = ""
        elif isinstance(node, dict) and (step in node or not (steps or step in _MADE)):
            tables += [key] if key else []
            key, node = str(step), node.get(step)
        else:
            del steps[: _MADE.get(str(step), 0)]
    return tables, key, is_entry


def _complaint(error: Mapping[str, Any], key: str, *, is_entry: bool) -> str:
    """One sentence about a key, without its stop."""
    kind, value, told = error["type"], error["input"], dict(error.get("ctx", {}))
    if template := _SAID.get(kind):
        known = ", ".join(re.findall(r"'([^']*)'", str(told.get("expected", told.get("expected_tags", "")))))
        return template.format(**told, key=key, verb="names" if is_entry else "is", value=value, known=known)
    wanted = _KINDS.get(kind.rpartition("_")[0])
    complaint = f"it must be {wanted}, not {value!r}" if wanted else str(told.get("error", error["msg"]))
    if complaint.startswith("it ") and key:
        return f"{key!r}{complaint.removeprefix('it')}"
    return f"{key!r}: {complaint}" if key else complaint


def shaped(pattern: str, words: str) -> AfterValidator:
    """A text that matches a pattern whole; `words` say so."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise Fault(f"{words}, not {text!r}")
        return text

    return AfterValidator(check)


Identifier = Annotated[str, shaped("[a-z][a-z0-9_]*", "it is made of lower-case letters, digits and underscores")]


class Identified(Protocol):
    """A table with an id of its own."""

    @property
    def id(self) -> str:
        """The id by which others of the file name it."""


def in_order(rules: Sequence[Identified], refers: str = "", table: str = "rules") -> None:
    """Refuse an id that is there twice (in any case), and a name under `refers` that is no earlier rule's: so none go in circles.

    Raises:
        Fault: it names the rule.
    """
    earlier: dict[str, str] = {}
    for rule in rules:
        where = f"{table} {rule.id}"
        if rule.id.lower() in earlier:
            raise Fault("it needs an id of its own", where=where)
        if unknown := [name for name in (getattr(rule, refers) if refers else ()) if name not in earlier.values()]:
            raise Fault(f"{refers!r} names {unknown[0]!r}, which is no earlier rule", where=where)
        earlier[rule.id.lower()] = rule.id


def shipped_text(file: str) -> str:
    """A declaration that comes with the product, by its path within `health`."""
    return (Path(__file__).parent / file).read_text(encoding="utf-8")


def changed(own: dict[str, Any], shipped: Mapping[str, Any], key: str, place: Place) -> dict[str, Any]:
    """A document in full: with `base`, its tables of `key` change the shipped ones of their id; one of another kind is new.

    Raises:
        ConfigError: another base, or a table without an id.
    """
    base = own.pop("base", None)
    if base is None:
        return own
    if base != SHIPPED:
        raise place.wrong(f"{place.name}: 'base' is {base!r}; known: {SHIPPED}.")
    for part, kind, words in ((key, list, "a list of tables"), ("terms", dict, "a table of texts")):
        if not isinstance(own.get(part, kind()), kind):
            raise place.wrong(f"{place.name}: {part!r} must be {words}.")
    tables = {table["id"]: table for table in shipped[key]}
    for number, table in enumerate(own.get(key, []), start=1):
        name = table.get("id") if isinstance(table, dict) else None
        if not isinstance(name, str):
            raise place.wrong(f"{place.name}, {key} {number}: 'id' is missing.")
        before = tables.get(name, {})
        tables[name] = {**before, **table} if table.get("kind", before.get("kind")) == before.get("kind") else table
    terms = {**shipped.get("terms", {}), **own.get("terms", {})}
    return {**shipped, **own, key: list(tables.values()), "terms": terms}
