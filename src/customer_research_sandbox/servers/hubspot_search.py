"""HubSpot's CRM search: filter groups, tokens, property types, sorting, and what the vendor refuses."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from customer_research_sandbox.dataset import Row

MAX_GROUPS, MAX_FILTERS_IN_GROUP, MAX_FILTERS = 5, 6, 18
"""Filter groups in a search, filters in a group, filters in all groups together."""

MAX_QUERY_LENGTH = 3000
_ASSOCIATION = "associations."
_SEARCHED = {
    "companies": ("name", "domain", "website", "phone"),
    "contacts": ("firstname", "lastname", "email", "phone", "company"),
    "deals": ("dealname", "pipeline", "dealstage", "description", "dealtype"),
}
"""The properties that the free-text `query` looks into, by object type."""


class SearchError(ValueError):
    """A search that HubSpot answers with 400 and this sentence."""


def matching(
    body: Mapping[str, Any], object_type: str, rows: Sequence[Row], definitions: Mapping[str, Row]
) -> list[Row]:
    """The records that a search body asks for, sorted as it asks.

    Raises:
        SearchError: for too many filters, an unknown property or operator, or a missing value.
    """
    groups = [_group(group, definitions) for group in _groups(body)]
    found = [row for row in rows if not groups or any(all(keep(row) for keep in group) for group in groups)]
    query = str(body.get("query") or "")
    if len(query) > MAX_QUERY_LENGTH:
        raise SearchError(f"Query text must be at most {MAX_QUERY_LENGTH} characters")
    if query.strip():
        found = [row for row in found if _free_text(query, row, object_type)]
    return _sorted(found, body.get("sorts") or [], definitions)


def _groups(body: Mapping[str, Any]) -> list[list[Row]]:
    groups = [group.get("filters") or [] for group in body.get("filterGroups") or []]
    if len(groups) > MAX_GROUPS:
        raise SearchError(f"A maximum of {MAX_GROUPS} filterGroups is allowed; {len(groups)} were given")
    if any(not group or len(group) > MAX_FILTERS_IN_GROUP for group in groups):
        raise SearchError(f"Every filter group needs 1 to {MAX_FILTERS_IN_GROUP} filters")
    if sum(map(len, groups)) > MAX_FILTERS:
        raise SearchError(f"A maximum of {MAX_FILTERS} filters is allowed in all groups together")
    return groups


def _group(filters: Sequence[Row], definitions: Mapping[str, Row]) -> list[Callable[[Row], bool]]:
    return [_filter(item, definitions) for item in filters]


def _filter(item: Row, definitions: Mapping[str, Row]) -> Callable[[Row], bool]:
    name, operator = str(item.get("propertyName") or ""), str(item.get("operator") or "")
    if operator not in _OPERATORS:
        raise SearchError(f'Cannot deserialize value of type `FilterOperator` from String "{operator}"')
    wanted = _wanted(item, operator)
    if name.startswith(_ASSOCIATION):
        kind = name.removeprefix(_ASSOCIATION)
        return lambda row: _associated(row, kind, wanted, operator)
    definition = definitions.get(name)
    if definition is None and name != "hs_object_id":
        raise SearchError(f"There was a problem with the request. Property '{name}' does not exist")
    kind = "number" if definition is None else str(definition.get("type", "string"))
    test = _OPERATORS[operator]
    return lambda row: test(value_of(row, name), wanted, kind)


def _wanted(item: Row, operator: str) -> list[str]:
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        return []
    if operator in {"IN", "NOT_IN"}:
        if not item.get("values"):
            raise SearchError(f"operator {operator} requires values")
        return [str(value) for value in item["values"]]
    keys = ("value", "highValue") if operator == "BETWEEN" else ("value",)
    if any(item.get(key) is None for key in keys):
        raise SearchError(f"operator {operator} requires {' and '.join(keys)}")
    return [str(item[key]) for key in keys]


def _associated(row: Row, kind: str, wanted: Sequence[str], operator: str) -> bool:
    ids = {str(i) for name, ids in (row.get("associations") or {}).items() if name.startswith(kind[:6]) for i in ids}
    if operator in {"EQ", "IN"}:
        return bool(ids & set(wanted))
    if operator in {"NEQ", "NOT_IN"}:
        return not ids & set(wanted)
    return bool(ids) is (operator == "HAS_PROPERTY")


def value_of(row: Row, name: str) -> str | None:
    """A record's property as text, or None when it has none."""
    if name == "hs_object_id":
        return str(row["id"])
    value = row["properties"].get(name)
    return None if value is None or value == "" else str(value)


def _ordered(text: str, kind: str) -> float | str:
    """A value in the order of its type: numbers and datetimes (ISO or epoch milliseconds) as numbers."""
    if kind in {"date", "datetime"} and not re.fullmatch(r"-?\d+(\.\d+)?", text):
        try:
            moment = datetime.fromisoformat(text if len(text) > 10 else f"{text}T00:00:00+00:00")
        except ValueError:
            raise SearchError(f"'{text}' is not a date") from None
        return moment.timestamp() * 1000
    if kind in {"number", "date", "datetime"}:
        try:
            return float(text)
        except ValueError:
            raise SearchError(f"'{text}' is not a number") from None
    return text.casefold()


def _equal(value: str, wanted: str, kind: str) -> bool:
    return value == wanted if kind in {"enumeration", "bool"} else _ordered(value, kind) == _ordered(wanted, kind)


def _compare(symbol: str) -> Callable[[str | None, list[str], str], bool]:
    def test(value: str | None, wanted: list[str], kind: str) -> bool:
        if value is None:
            return False
        left, right = _ordered(value, kind), _ordered(wanted[0], kind)
        assert type(left) is type(right)
        order = (left > right) - (left < right)  # type: ignore[operator]
        return {"GT": order > 0, "GTE": order >= 0, "LT": order < 0, "LTE": order <= 0}[symbol]

    return test


def _between(value: str | None, wanted: list[str], kind: str) -> bool:
    return _compare("GTE")(value, wanted[:1], kind) and _compare("LTE")(value, wanted[1:], kind)


def _in(value: str | None, wanted: list[str], kind: str) -> bool:
    """As the vendor documents: a string property is compared in lower case, and only with lower-case values."""
    if value is None:
        return False
    return (value.casefold() if kind == "string" else value) in wanted


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def contains_token(value: str, wanted: str) -> bool:
    """Whether every token of *wanted* (with `*` for any text) is a token of *value*, or *wanted* fits the whole value."""
    if fnmatch.fnmatchcase(value.casefold(), wanted.casefold().replace("[", "[[]").replace("?", "[?]")):
        return True
    have = _tokens(value)
    patterns = re.findall(r"[^\W_*]*\*?[^\W_*]*\*?|\*", wanted.casefold())
    patterns = [pattern for pattern in patterns if pattern]
    return bool(patterns) and all(any(fnmatch.fnmatchcase(token, pattern) for token in have) for pattern in patterns)


_OPERATORS: dict[str, Callable[[str | None, list[str], str], bool]] = {
    "EQ": lambda value, wanted, kind: value is not None and _equal(value, wanted[0], kind),
    "NEQ": lambda value, wanted, kind: value is not None and not _equal(value, wanted[0], kind),
    "GT": _compare("GT"),
    "GTE": _compare("GTE"),
    "LT": _compare("LT"),
    "LTE": _compare("LTE"),
    "BETWEEN": _between,
    "IN": _in,
    "NOT_IN": lambda value, wanted, kind: value is not None and not _in(value, wanted, kind),
    "HAS_PROPERTY": lambda value, _wanted, _kind: value is not None,
    "NOT_HAS_PROPERTY": lambda value, _wanted, _kind: value is None,
    "CONTAINS_TOKEN": lambda value, wanted, _kind: value is not None and contains_token(value, wanted[0]),
    "NOT_CONTAINS_TOKEN": lambda value, wanted, _kind: value is None or not contains_token(value, wanted[0]),
}


def _free_text(query: str, row: Row, object_type: str) -> bool:
    """Whether every word of the query begins a word of the record's searched properties."""
    values = (value_of(row, name) for name in _SEARCHED.get(object_type, ("hs_body_preview", "hs_title")))
    have = [token for value in values if value is not None for token in (*_tokens(value), value.casefold())]
    return all(any(token.startswith(word) for token in have) for word in _tokens(query) or [query.casefold()])


def _sorted(rows: list[Row], sorts: Sequence[Any], definitions: Mapping[str, Row]) -> list[Row]:
    if len(sorts) > 1:
        raise SearchError("A maximum of 1 sort is allowed")
    if not sorts:
        return rows
    sort = (
        sorts[0]
        if isinstance(sorts[0], dict)
        else {"propertyName": str(sorts[0]).lstrip("-"), "direction": _direction(sorts[0])}
    )
    name = str(sort.get("propertyName") or "")
    definition = definitions.get(name)
    if definition is None and name != "hs_object_id":
        raise SearchError(f"There was a problem with the request. Property '{name}' does not exist")
    kind = "number" if definition is None else str(definition.get("type", "string"))
    with_value = [row for row in rows if value_of(row, name) is not None]
    without = [row for row in rows if value_of(row, name) is None]
    with_value.sort(
        key=lambda row: _ordered(value_of(row, name) or "", kind), reverse=sort.get("direction") == "DESCENDING"
    )
    return with_value + without


def _direction(sort: object) -> str:
    return "DESCENDING" if str(sort).startswith("-") else "ASCENDING"
