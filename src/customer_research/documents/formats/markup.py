"""HTML as text that is safe by its making: whatever is not markup already is escaped when it is put into an element."""

from __future__ import annotations

from html import escape

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
"""Elements that have no content and no end."""


class Markup(str):
    """Text that is HTML already; only `element`, `joined` and `trusted` make it."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | int | None) -> Markup:
    """An element with its children and attributes, both escaped.

    An attribute's name is as in Python: a last underscore falls away (`class_`), others become hyphens (`aria_label`). An
    attribute that is None or False is left out, one that is True has no value.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{joined(*children)}</{tag}>")


def joined(*parts: str, by: str = "") -> Markup:
    """Parts one after the other, escaped where they are no markup; empty ones are left out."""
    return Markup(safe(by).join(safe(part) for part in parts if part))


def safe(text: str) -> Markup:
    """A text escaped for content and for attributes in quotes, unless it is markup."""
    return text if isinstance(text, Markup) else Markup(escape(text, quote=True))


def trusted(text: str) -> Markup:
    """HTML of our own making (a stylesheet, a drawing) as markup: never for words from a report."""
    return Markup(text)


def _attribute(name: str, value: str | int | None) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    return f" {written}" if value is True else f' {written}="{escape(str(value), quote=True)}"'
