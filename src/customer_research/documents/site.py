"""What stands around a page that was written together with others: where they lie, and the search over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

OPERATORS = "operators"
"""The id of the section with the table of all operators."""


@dataclass(frozen=True, slots=True)
class Menu:
    """Pages to go to: what the menu is called, and the words and place of each; the page itself has no place (empty)."""

    title: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Site:
    """The neighbours of a page.

    Places are relative and of our own making, never a vendor's words. `pages` are operator id → where its report lies, and
    `alert ID` → where that alert does; `why` gives where a metric's figure is explained (empty: nowhere), `act` what is drawn
    beside an alert's id (HTML of our own; empty: nothing); `searched` says that the page has a
    table of all operators (the section `OPERATORS`), whose first column is searched.
    """

    menus: tuple[Menu, ...] = ()
    pages: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    why: Callable[[str], str] = lambda _metric: ""
    act: Callable[[str], str] = lambda _alert: ""
    searched: bool = False


ALONE = Site()
"""A page without neighbours: it leads nowhere."""
