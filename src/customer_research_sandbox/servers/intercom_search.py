"""Intercom's searches: a query of filters over records, two levels deep, with instants compared as the vendor compares them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from customer_research_sandbox.dataset import Row

MOST_FILTERS = 15
MOST_LEVELS = 2
MOST_PER_PAGE = 150

Test = Callable[[Mapping[str, Any]], bool]


class QueryError(ValueError):
    """A query that Intercom refuses; the text is what it says."""


@dataclass(frozen=True, slots=True)
class Field:
    """What can be searched: its kind (`text`, `texts`, `flag`, `whole`, `instant`) and how it is read of a record."""

    kind: str
    read: Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """How one endpoint searches: its fields, the zone whose days count, whether instants are compared by day."""

    fields: Mapping[str, Field]
    zone: str
    by_day: bool

    def test(self, query: Any, level: int = 0) -> Test:
        """The query as a test of a record.

        Raises:
            QueryError: Intercom would refuse it.
        """
        if not isinstance(query, dict) or "operator" not in query or "value" not in query:
            raise QueryError("query is invalid: operator and value are needed")
        if query["operator"] in {"AND", "OR"}:
            return self._group(query, level)
        return self._single(query)

    def _group(self, query: Mapping[str, Any], level: int) -> Test:
        if level >= MOST_LEVELS:
            raise QueryError("Your query is nested too deeply")
        inner = query["value"]
        if not isinstance(inner, list) or not inner:
            raise QueryError("value of a group must be an array of filters")
        if len(inner) > MOST_FILTERS:
            raise QueryError(f"A group holds at most {MOST_FILTERS} filters")
        tests = [self.test(one, level + 1) for one in inner]
        if query["operator"] == "AND":
            return lambda record: all(one(record) for one in tests)
        return lambda record: any(one(record) for one in tests)

    def _single(self, query: Mapping[str, Any]) -> Test:
        field = self.fields.get(str(query.get("field")))
        if field is None:
            raise QueryError(f"Field {query.get('field')} is not searchable")
        operator, value = query["operator"], query["value"]
        if operator in {"IN", "NIN"} and field.kind != "instant":
            if not isinstance(value, list) or len(value) > MOST_FILTERS:
                raise QueryError(f"{operator} takes an array of at most {MOST_FILTERS} values")
            tests = [self._compared(field, "=", one) for one in value]
            hit: Test = lambda record: any(one(record) for one in tests)  # noqa: E731
            return hit if operator == "IN" else lambda record: not hit(record)
        return self._compared(field, operator, value)

    def _compared(self, field: Field, operator: str, value: Any) -> Test:
        if field.kind == "instant":
            return self._instant(field, operator, value)
        _checked(field.kind, operator, value)
        wanted = _folded(value)

        def holds(record: Mapping[str, Any]) -> bool:
            found = field.read(record)
            if field.kind == "texts":
                return (wanted in [str(one).casefold() for one in found]) is (operator == "=")
            if operator in {"<", ">"}:
                return found is not None and (found < value if operator == "<" else found > value)
            return bool(_folded(found) == wanted) is (operator == "=")

        return holds

    def _instant(self, field: Field, operator: str, value: Any) -> Test:
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise QueryError("A UNIX timestamp is expected")
        if operator not in {"=", "<", ">"}:
            raise QueryError(f"The operator {operator} is not supported on Date fields")
        begin, end = self._day(value) if self.by_day else (value, value + 1)

        def holds(record: Mapping[str, Any]) -> bool:
            at = field.read(record)
            if at is None:
                return False
            if operator == "=":
                return bool(begin <= at < end)
            return bool(at < begin) if operator == "<" else bool(at >= end)

        return holds

    def _day(self, value: int) -> tuple[int, int]:
        """The first second of an instant's day in the zone, and that of the day after."""
        zone = ZoneInfo(self.zone)
        day = datetime.fromtimestamp(value, UTC).astimezone(zone).date()
        first, second = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
        return int(first.timestamp()), int(second.timestamp())


_TYPES: Mapping[str, type] = {"text": str, "texts": str, "flag": bool, "whole": int}


def _checked(kind: str, operator: str, value: Any) -> None:
    """Nothing, where operator and value fit a field of this kind.

    Raises:
        QueryError: they do not.
    """
    if operator not in ({"=", "!=", "<", ">"} if kind == "whole" else {"=", "!="}):
        raise QueryError(f"The operator {operator} is not supported here")
    if value is not None and not isinstance(value, _TYPES[kind]):
        raise QueryError(f"The value does not fit: a {_TYPES[kind].__name__} is expected")


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def page_of(records: Sequence[Row], pagination: Any, default: int) -> tuple[list[Row], dict[str, Any]]:
    """One page of records, last changed first, and the `pages` of the answer.

    Raises:
        QueryError: the pagination is not what Intercom takes.
    """
    asked = pagination if isinstance(pagination, dict) else {}
    size = asked.get("per_page", default)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MOST_PER_PAGE:
        raise QueryError(f"per_page must be between 1 and {MOST_PER_PAGE}")
    ordered = sorted(records, key=lambda one: (-one["updated_at"], one["id"]))
    after = asked.get("starting_after")
    if after is not None:
        place = _place(after)
        ordered = [one for one in ordered if (-one["updated_at"], one["id"]) > place]
    shown = ordered[:size]
    page = (len(records) - len(ordered)) // size + 1
    return shown, pages_of(len(records), size, page, mark_of(shown[-1]) if shown else "")


def pages_of(count: int, size: int, page: int, following: str) -> dict[str, Any]:
    """The `pages` of a list by cursor: which of how many it is, and, but for the last, the cursor of the next one."""
    total = max(-(-count // size), 1)
    pages: dict[str, Any] = {"type": "pages", "page": page, "per_page": size, "total_pages": total}
    if page < total:
        pages["next"] = {"per_page": size, "starting_after": following}
    return pages


def mark_of(record: Mapping[str, Any]) -> str:
    """Where a list goes on behind a record."""
    return base64.urlsafe_b64encode(json.dumps([-record["updated_at"], record["id"]]).encode()).decode()


def _place(mark: Any) -> tuple[int, str]:
    try:
        changed, own = json.loads(base64.urlsafe_b64decode(str(mark).encode()))
        return int(changed), str(own)
    except ValueError as error:
        raise QueryError("starting_after is invalid") from error
