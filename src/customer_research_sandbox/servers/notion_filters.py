"""Notion's filters and sorts over page properties, and what the vendor refuses of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.notion_blocks import text_of

Keep = Callable[[Row], bool]
"""Tells whether a page (its properties under `properties`, its times beside) is in the result."""

_TEXT = {"title", "rich_text", "url", "email", "phone_number"}
_MAX_DEPTH = 2


class FilterError(ValueError):
    """A query that Notion answers with `validation_error` and this sentence."""


def keeping(condition: Any, schema: Mapping[str, Row], as_of: datetime, depth: int = 0) -> Keep:
    """The test that a filter object stands for.

    Raises:
        FilterError: for an unknown property, a type that is not the property's, an unknown condition or option.
    """
    if not isinstance(condition, dict) or not condition:
        raise FilterError("body failed validation: body.filter should be an object.")
    for word, combine in (("and", all), ("or", any)):
        if word in condition:
            return _compound(condition[word], combine, schema, as_of, depth)
    if "timestamp" in condition:
        return _timestamp(condition, as_of)
    return _property(condition, schema, as_of)


def _compound(
    parts: Any, combine: Callable[[Any], bool], schema: Mapping[str, Row], as_of: datetime, depth: int
) -> Keep:
    if depth >= _MAX_DEPTH:
        raise FilterError("body failed validation: compound filters can be nested up to two levels deep.")
    if not isinstance(parts, list) or len(parts) > 100:
        raise FilterError("body failed validation: a compound filter is an array of up to 100 filters.")
    tests = [keeping(part, schema, as_of, depth + 1) for part in parts]
    return lambda page: combine(test(page) for test in tests)


def _timestamp(condition: Row, as_of: datetime) -> Keep:
    name = str(condition["timestamp"])
    if name not in {"created_time", "last_edited_time"} or name not in condition:
        raise FilterError(
            "body failed validation: body.filter.timestamp should be `created_time` or `last_edited_time`."
        )
    test = _date_test(condition[name], as_of)
    return lambda page: test(page[name])


def definition_of(name: object, schema: Mapping[str, Row]) -> Row:
    """A property's definition by name or id.

    Raises:
        FilterError: when the schema has no such property.
    """
    for known, definition in schema.items():
        if isinstance(name, str) and name in {known, definition.get("id")}:
            return {**definition, "name": known}
    raise FilterError(f"Could not find property with name or id: {name}")


def _property(condition: Row, schema: Mapping[str, Row], as_of: datetime) -> Keep:
    definition = definition_of(condition.get("property"), schema)
    kind, name = str(definition["type"]), str(definition["name"])
    given = [key for key in condition if key not in {"property", "type"}]
    if given != [kind]:
        raise FilterError(f"database property {kind} does not match filter {given[0] if given else 'undefined'}")
    tested = condition[kind]
    if not isinstance(tested, dict) or len(tested) != 1:
        raise FilterError(f"body failed validation: body.filter.{kind} should have exactly one condition.")
    if kind == "status":
        _refuse_unknown_option(name, tested, definition)
    test = _test(kind, tested, as_of)
    return lambda page: test(plain(page["properties"].get(name)))


def _refuse_unknown_option(name: str, tested: Row, definition: Row) -> None:
    options = [option["name"] for option in definition.get("status", {}).get("options", [])]
    for word, value in tested.items():
        if word in {"equals", "does_not_equal"} and str(value) not in options:
            listed = ", ".join(f'"{option}"' for option in options)
            raise FilterError(f'status option "{value}" not found for property "{name}". Available options: {listed}')


def plain(value: Row | None) -> Any:
    """What a property value says: text, number, name, list of names or ids, ISO date, or None when empty."""
    if value is None:
        return None
    kind = value["type"]
    inner = value.get(kind)
    read = _PLAIN.get(kind)
    if read is None or not inner:
        return None if inner == [] else inner
    return read(inner) or None


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "title": text_of,
    "rich_text": text_of,
    "select": lambda inner: inner["name"],
    "status": lambda inner: inner["name"],
    "multi_select": lambda inner: [option["name"] for option in inner],
    "people": lambda inner: [person["id"] for person in inner],
    "date": lambda inner: inner["start"],
    "unique_id": lambda inner: inner["number"],
}


def _test(kind: str, tested: Row, as_of: datetime) -> Callable[[Any], bool]:
    word, wanted = next(iter(tested.items()))
    if kind == "date":
        return _date_test(tested, as_of)
    if word in {"is_empty", "is_not_empty"}:
        return lambda value: (value is None) is (word == "is_empty")
    group = "text" if kind in _TEXT else "number" if kind == "unique_id" else kind
    tests = _TESTS.get(group, {})
    place = f"body.filter.{kind}.{word}"
    if word not in tests:
        raise FilterError(f"body failed validation: {place} should be not present, instead was `{wanted!r}`.")
    try:
        _WANTED.get(group, shapes.text)(wanted, place)
    except shapes.ShapeError as error:
        raise FilterError(f"body failed validation: {error}") from error
    test = tests[word]
    return lambda value: test(value, wanted)


_WANTED: dict[str, shapes.Shape] = {"number": shapes.number, "checkbox": shapes.flag}
"""What a condition compares with, where it is not a text."""


def _folded(value: Any) -> str:
    return str(value or "").casefold()


def _number(test: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, wanted: value is not None and test(float(value), float(wanted))


_LIST_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, wanted: wanted in (value or []),
    "does_not_contain": lambda value, wanted: wanted not in (value or []),
}
_CHOICE_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "does_not_equal": lambda value, wanted: value != wanted,
}
_TESTS: dict[str, dict[str, Callable[[Any, Any], bool]]] = {
    "text": {
        "equals": lambda value, wanted: (value or "") == wanted,
        "does_not_equal": lambda value, wanted: (value or "") != wanted,
        "contains": lambda value, wanted: _folded(wanted) in _folded(value),
        "does_not_contain": lambda value, wanted: _folded(wanted) not in _folded(value),
        "starts_with": lambda value, wanted: _folded(value).startswith(_folded(wanted)),
        "ends_with": lambda value, wanted: _folded(value).endswith(_folded(wanted)),
    },
    "number": {
        "equals": _number(lambda value, wanted: value == wanted),
        "does_not_equal": lambda value, wanted: value is None or float(value) != float(wanted),
        "greater_than": _number(lambda value, wanted: value > wanted),
        "greater_than_or_equal_to": _number(lambda value, wanted: value >= wanted),
        "less_than": _number(lambda value, wanted: value < wanted),
        "less_than_or_equal_to": _number(lambda value, wanted: value <= wanted),
    },
    "select": _CHOICE_TESTS,
    "status": _CHOICE_TESTS,
    "checkbox": _CHOICE_TESTS,
    "multi_select": _LIST_TESTS,
    "people": _LIST_TESTS,
    "relation": _LIST_TESTS,
}

_RELATIVE = {"past_week": -7, "past_month": -30, "past_year": -365, "next_week": 7, "next_month": 30, "next_year": 365}


def moment(text: str) -> datetime:
    """A date or datetime text as a UTC moment.

    Raises:
        FilterError: when it is neither.
    """
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        words = "body failed validation: should be a valid ISO 8601 date string"
        raise FilterError(f"{words}, instead was `{text!r}`.") from None


def _date_test(tested: Any, as_of: datetime) -> Callable[[Any], bool]:
    if not isinstance(tested, dict) or len(tested) != 1:
        raise FilterError("body failed validation: a date filter should have exactly one condition.")
    word, wanted = next(iter(tested.items()))
    if word in {"is_empty", "is_not_empty"}:
        return lambda value: (value is None) is (word == "is_empty")
    if word in _RELATIVE:
        low, high = sorted((as_of, as_of + timedelta(days=_RELATIVE[word])))
        return lambda value: value is not None and low <= moment(value) <= high
    orders: dict[str, Callable[[datetime, datetime], bool]] = {
        "before": lambda value, limit: value < limit,
        "after": lambda value, limit: value > limit,
        "on_or_before": lambda value, limit: value <= limit,
        "on_or_after": lambda value, limit: value >= limit,
        "equals": lambda value, limit: value.date() == limit.date() if len(str(wanted)) == 10 else value == limit,
    }
    if word not in orders:
        raise FilterError(
            f"body failed validation: body.filter.date.{word} should be not present, instead was `{wanted!r}`."
        )
    limit, order = moment(str(wanted)), orders[word]
    return lambda value: value is not None and order(moment(value), limit)


def sorted_pages(pages: Sequence[Row], sorts: Any, schema: Mapping[str, Row]) -> list[Row]:
    """The pages in the order that a query asks for; empty values come last, as Notion shows them.

    Raises:
        FilterError: for an unknown property, timestamp or direction.
    """
    found = list(pages)
    for sort in reversed(sorts if isinstance(sorts, list) else []):
        if sort.get("direction") not in {"ascending", "descending"}:
            raise FilterError("body failed validation: body.sorts.direction should be `ascending` or `descending`.")
        key = _sort_key(sort, schema)
        filled = [page for page in found if key(page) is not None]
        filled.sort(key=lambda page, key=key: key(page), reverse=sort["direction"] == "descending")  # type: ignore[misc]
        found = filled + [page for page in found if key(page) is None]
    return found


def _sort_key(sort: Row, schema: Mapping[str, Row]) -> Callable[[Row], Any]:
    if "timestamp" in sort:
        name = sort["timestamp"]
        if name not in {"created_time", "last_edited_time"}:
            raise FilterError(
                "body failed validation: body.sorts.timestamp should be `created_time` or `last_edited_time`."
            )
        return lambda page: page[name]
    definition = definition_of(sort.get("property"), schema)
    name = definition["name"]
    options = [option["name"] for option in definition.get(definition["type"], {}).get("options", [])]

    def key(page: Row) -> Any:
        value = plain(page["properties"].get(name))
        if options and isinstance(value, str):
            return options.index(value) if value in options else len(options)
        return value[0] if isinstance(value, list) else value.casefold() if isinstance(value, str) else value

    return key
