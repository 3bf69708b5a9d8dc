"""The vendors: one folder each, none knows another. `discover` finds them; importing this package loads none."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_research.connect.source import Source


@cache
def discover() -> Mapping[str, Source]:
    """Every source by name, in order of name: the `SOURCE` of each folder beside this file.

    Raises:
        TypeError: a folder has no `SOURCE`, or its name is not the folder's.
    """
    found = sorted(module.name for module in iter_modules(__path__) if module.ispkg)
    return MappingProxyType({name: _source(name) for name in found})


def _source(folder: str) -> Source:
    source: Source | None = getattr(import_module(f"{__name__}.{folder}"), "SOURCE", None)
    if source is None or source.name != folder:
        raise TypeError(f"The folder sources/{folder} must define SOURCE, a Source named {folder!r}.")
    return source
