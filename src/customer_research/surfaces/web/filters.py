"""The form above a page: what can be chosen on it, made from the fields of its use case's request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from customer_research.documents.formats.markup import Markup, element, joined
from customer_research.surfaces.web.views import View


def form(view: View, path: str, asked: Mapping[str, str]) -> Markup | str:
    """The form; what the address says already stands in it. A page where nothing can be chosen has none."""
    if not view.filters:
        return ""
    kept = [
        element("input", type="hidden", name=word, value=value)
        for word, value in asked.items()
        if word not in view.filters
    ]
    fields = [_field(view, word, asked.get(word, "")) for word in view.filters]
    clear = element("a", "Clear", href=path, class_="clear") if any(asked.get(word) for word in view.filters) else ""
    return element(
        "form",
        *kept,
        *fields,
        element("button", "Show", type="submit"),
        clear,
        method="get",
        action=path,
        class_="filters",
        role="search",
        aria_label="What is shown",
    )


def _field(view: View, word: str, value: str) -> Markup:
    name = f"filter-{word}"
    words = choices(view, word)
    if words:
        usual = view.field(word).default
        first = element("option", usual if isinstance(usual, str) and usual else "any", value="")
        options = (
            element("option", one.replace("_", " "), value=one, selected=one == value or None)
            for one in words
            if one != usual
        )
        field = element("select", first, *options, id=name, name=word)
    else:
        number = _kind(view, word) in {int, float}
        field = element(
            "input", id=name, name=word, value=value, type="number" if number else "text", size=6 if number else 18
        )
    label = element("label", word.replace("_", " ").capitalize(), for_=name, title=_description(view, word))
    return element("span", joined(label, field, by=" "), class_="field")


def choices(view: View, word: str) -> tuple[str, ...]:
    """The words that it may be; none: it is free."""
    named: tuple[str, ...] = view.field(word).metadata.get("choices", ())
    return named or tuple(_literals(_kind(view, word)))


def _kind(view: View, word: str) -> Any:
    """The type of the field; of one that may be None, or several, the type of one."""
    found: Any = get_type_hints(view.holder(word))[view.field(word).name]
    if get_origin(found) is Literal:
        return found
    inside = [one for one in get_args(found) if one not in {type(None), Ellipsis}]
    return inside[0] if inside else found


def _literals(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield from map(str, get_args(kind))


def _description(view: View, word: str) -> str:
    told: str = view.field(word).metadata.get("description", "")
    return told.replace(" (repeatable)", "")
