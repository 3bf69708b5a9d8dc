"""Metabase's template tags: `{{name}}` becomes a bind, `{{#642}}` a sub-query, `[[ … ]]` is left out without a value.

Values are never pasted into the SQL, except numbers, which the vendor writes out as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

_PART = re.compile(r"\{\{\s*(?P<tag>[^{}]+?)\s*\}\}|\[\[|\]\]")


class TemplateError(ValueError):
    """A query that Metabase fails before it asks the database; `kind` is its `error_type`."""

    def __init__(self, message: str, kind: str = "missing-required-parameter") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class Bound:
    """SQL with binds as `:name`, and their values."""

    sql: str
    binds: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Clause:
    """A stretch of SQL between double brackets, or the whole query."""

    text: str = ""
    missing: list[str] = field(default_factory=list)
    binds: dict[str, Any] = field(default_factory=dict)


CardQuery = Callable[[int], str]
"""The SQL of a saved question, by its number; raises `TemplateError` when there is none."""

FieldName = Callable[[int], str]
"""The column that a field id names, as SQL; raises `TemplateError` when there is none."""


def bound(
    query: str, tags: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]], card: CardQuery, field_name: FieldName
) -> Bound:
    """Put the parameters' values and the cards' queries into a native query.

    Raises:
        TemplateError: for a tag without a value or declaration, or a value of the wrong type.
    """
    values = _values(tags, parameters)
    substitute = _Substitution(tags, values, card, field_name)
    clauses = [_Clause()]
    position = 0
    for part in _PART.finditer(query):
        clauses[-1].text += query[position : part.start()]
        position = part.end()
        if part["tag"] is not None:
            substitute(part["tag"], clauses[-1], optional=len(clauses) > 1)
        elif part[0] == "[[":
            clauses.append(_Clause())
        else:
            _close(clauses)
    if len(clauses) != 1:
        raise TemplateError("Invalid query: found '[[' with no matching ']]'", "invalid-query")
    whole = clauses[0]
    if whole.missing:
        names = " ".join(f'"{name}"' for name in sorted(set(whole.missing)))
        raise TemplateError(f"Cannot run the query: missing required parameters: #{{{names}}}")
    return Bound(whole.text + query[position:], whole.binds)


def _close(clauses: list[_Clause]) -> None:
    if len(clauses) == 1:
        clauses[0].text += "]]"
        return
    inner = clauses.pop()
    if not inner.missing:
        clauses[-1].text += inner.text
        clauses[-1].binds |= inner.binds


def _values(tags: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The value of each declared tag: the parameter's, else the tag's default; a required one must have either."""
    values = {name: tag.get("default") for name, tag in tags.items()}
    ids = {tag.get("id"): name for name, tag in tags.items() if tag.get("id")}
    for parameter in parameters:
        name = _target(parameter, ids)
        if name in values and not _empty(parameter.get("value")):
            values[name] = parameter["value"]
    for name, tag in tags.items():
        if tag.get("required") and _empty(values[name]):
            shown = tag.get("display-name") or name
            raise TemplateError(f"You'll need to pick a value for '{shown}' before this query can run.")
    return {name: value for name, value in values.items() if not _empty(value)}


def _empty(value: object) -> bool:
    return value is None or value == [] or (isinstance(value, list) and all(item is None for item in value))


def _target(parameter: Mapping[str, Any], ids: Mapping[Any, str]) -> str | None:
    """The tag that a parameter is for: by name, by the tag's id, or by the parameter's own id."""
    match parameter.get("target"):
        case [_, ["template-tag", str(name)], *_]:
            return name
        case [_, ["template-tag", {"id": str(identifier)}], *_]:
            return ids.get(identifier)
        case _:
            return ids.get(parameter.get("id"))


class _Substitution:
    """What stands in the SQL for a tag; numbers the binds."""

    def __init__(
        self, tags: Mapping[str, Any], values: Mapping[str, Any], card: CardQuery, field_name: FieldName
    ) -> None:
        self._tags = tags
        self._values = values
        self._card = card
        self._field_name = field_name
        self._count = 0

    def __call__(self, name: str, clause: _Clause, *, optional: bool) -> None:
        tag = self._tags.get(name)
        if tag is None:
            clause.missing.append(name)
        elif tag.get("type") == "card" or name.startswith("#"):
            clause.text += f"({self._card(_card_number(name, tag))})"
        elif tag.get("type") == "dimension":
            self._field_filter(name, tag, clause, optional=optional)
        elif name not in self._values:
            clause.missing.append(name)
        else:
            clause.text += self._listed(str(tag.get("type", "text")), self._values[name], clause)

    def _field_filter(self, name: str, tag: Mapping[str, Any], clause: _Clause, *, optional: bool) -> None:
        if name not in self._values:
            if optional:
                clause.missing.append(name)
            clause.text += "1 = 1"
            return
        kind = "number" if str(tag.get("widget-type", "")).startswith(("number", "id")) else "text"
        match tag.get("dimension"):
            case ["field", int(number), *_]:
                column = self._field_name(number)
            case _:
                raise TemplateError(f"The tag {name!r} names no field.", "invalid-query")
        clause.text += f"{column} IN ({self._listed(kind, self._values[name], clause)})"

    def _listed(self, kind: str, value: object, clause: _Clause) -> str:
        items = value if isinstance(value, list) else [value]
        return ", ".join(self.bind(_typed(kind, item), clause.binds) for item in items)

    def bind(self, value: Any, binds: dict[str, Any]) -> str:
        """A new bind for *value*; numbers are written out."""
        if isinstance(value, int | float):
            return repr(value)
        self._count += 1
        binds[f"p{self._count}"] = value
        return f":p{self._count}"


def _card_number(name: str, tag: Mapping[str, Any]) -> int:
    number = tag.get("card-id") or re.sub(r"^#(\d+).*$", r"\1", name)
    try:
        return int(number)
    except ValueError:
        raise TemplateError(f"Invalid card reference: {name}", "invalid-parameter") from None


def _typed(kind: str, value: object) -> Any:
    if kind == "number":
        return _number(value)
    if kind == "date":
        return _moment(str(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: object) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = str(value).strip()
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        raise TemplateError(f'Error parsing value: For input string: "{text}"', "invalid-parameter") from None


def _moment(text: str) -> date | datetime:
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TemplateError(f"Unable to parse date string '{text}'", "invalid-parameter") from None
    return (moment - (moment.utcoffset() or moment - moment)).replace(tzinfo=None)
