"""The pages: which use case each shows, and what stands in its address.

Every page is one row here. Its address says all of it: a page can be kept as a bookmark, sent to somebody else, and reloaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from customer_research.errors import UsageError
from customer_research.research.usecases import USE_CASES
from customer_research.research.usecases.registry import ReportOfKind

NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class View:
    """A page.

    Args:
        path: its address; what stands in braces is a part of it.
        use_case: what it shows.
        title: what the menu calls it; empty: it does not stand in the menu.
        takes: word of the address → field of the request (`choice.search`: a part's).
        filters: the words that can be chosen on the page.
        fixed: fields that are always so.
        live: the use case that reads the same live, whose page lies below this one; empty: none does.
    """

    path: str
    use_case: str
    title: str = ""
    takes: Mapping[str, str] = field(default_factory=lambda: NONE)
    filters: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=lambda: NONE)
    live: str = ""

    def request(self, place: Mapping[str, str], asked: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """The request of an address; a word without a value says nothing.

        Args:
            place: the parts of its path.
            asked: the words behind the question mark.

        Raises:
            UsageError: a word is none of this page's.
        """
        request: dict[str, Any] = {}
        for path, value in self.fixed.items():
            _put(request, path, value)
        for name, value in place.items():
            _put(request, self.takes.get(name, name), value)
        for word, value in asked:
            if word not in self.takes or word in place:
                known = ", ".join(name for name in self.takes if name not in place) or "none"
                raise UsageError(f"This page knows no {word[:40]!r}.", hint=f"Its address takes: {known}.")
            if value.strip():
                one = self.field(word)
                many = isinstance(one.default, tuple) or one.type == "tuple[str, ...]"
                _put(request, self.takes[word], value.strip(), many=many)
        return request

    def field(self, word: str) -> dataclasses.Field[Any]:
        """The field of the request that a word of the address sets."""
        *parts, name = self.takes[word].split(".")
        kind: Any = USE_CASES[self.use_case].request()
        for part in parts:
            kind = _fields(kind)[part].metadata["part"]
        return _fields(kind)[name]

    def holder(self, word: str) -> type[Any]:
        """The class that has this field."""
        kind: Any = USE_CASES[self.use_case].request()
        for part in self.takes[word].split(".")[:-1]:
            kind = _fields(kind)[part].metadata["part"]
        found: type[Any] = kind
        return found


def _fields(kind: Any) -> Mapping[str, dataclasses.Field[Any]]:
    return {one.name: one for one in dataclasses.fields(kind)}


def _put(request: dict[str, Any], path: str, value: Any, *, many: bool = False) -> None:
    *parts, name = path.split(".")
    for part in parts:
        request = request.setdefault(part, {})
    request[name] = (*request.get(name, ()), value) if many else value


_WHOSE = {"owner": "whose.owner", "team": "whose.team"}
_CHOICE = {
    "search": "choice.search",
    "band": "choice.bands",
    "segment": "choice.segments",
    "status": "choice.statuses",
    "owner": "choice.owner",
    "finding": "choice.findings",
    "min_mrr": "choice.min_mrr",
    "limit": "choice.limit",
    "sort": "sort",
}
_CHOSEN = ("search", "band", "segment", "owner", "sort")


def _of_kinds() -> Iterator[View]:
    """The reports of one operator."""
    for name, case in USE_CASES.items():
        if isinstance(case, ReportOfKind) and name != "profile":
            words = {one: one for one in ("audience", "since", "meeting") if one in _fields(case.request())}
            yield View(f"/operators/{{operator}}/{name}", name, takes=words, filters=tuple(words))


VIEWS: tuple[View, ...] = (
    View("/today", "today", "Today", {**_WHOSE, "all": "every"}, ("owner",)),
    View("/operators", "portfolio", "Operators", _CHOICE, _CHOSEN),
    View("/risk", "churn-risk", "Who may leave", _CHOICE, _CHOSEN),
    View(
        "/alerts",
        "alerts",
        "Alerts",
        {name: name for name in ("owner", "rule", "assignee", "all", "limit")} | {"severity": "severities"},
        ("severity", "owner", "assignee"),
    ),
    View("/renewals", "renewals", "Renewals", {**_WHOSE, "days": "days", "quarter": "quarter"}, ("owner", "days")),
    View("/meetings", "meetings list", "Meetings", {"owner": "whose.owner", "team": "whose.team"}),
    View("/digest", "digest", "The week", {"owner": "owner"}, ("owner",)),
    View("/alerts/{alert}", "alerts show"),
    View("/operators/{operator}", "standing", live="profile"),
    View("/operators/{operator}/profile", "profile"),
    *_of_kinds(),
    View("/operators/{operator}/history", "history show"),
    View("/operators/{operator}/risk", "churn-risk"),
    View("/operators/{operator}/done", "outcome list"),
    View("/operators/{operator}/why/{metric}", "why"),
    View("/compare", "compare", takes={"id": "operators"}),
    View("/outcomes", "outcome list"),
    View("/matches", "matches list"),
    View("/schedules", "schedule list"),
    View("/audit", "audit list"),
    View("/tokens", "tokens list"),
    View("/sessions", "sessions list"),
    View("/settings", "config show"),
)
"""Every page that shows a use case."""

MENU = tuple(view for view in VIEWS if view.title)


def href(pattern: str, **parts: str) -> str:
    """A page's address with its parts, written as addresses are."""
    from urllib.parse import quote  # noqa: PLC0415 - start-up time

    return pattern.format(**{name: quote(part, safe="") for name, part in parts.items()})
