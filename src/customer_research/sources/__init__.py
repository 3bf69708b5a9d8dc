"""The vendors: one folder each, none knows another. The folders are the list; importing this package loads none.

Each folder has `source.py` (what it can be asked, as a `Source`), `settings.py` (its table or tables of the settings file) and
`records.py` (the tables it fills, as `SourceRecords`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_research.connect.settings import VendorSettings
    from customer_research.connect.source import Source
    from customer_research.domain.records import SourceRecords


@cache
def discover() -> Mapping[str, Source]:
    """Every source by name, in order of name.

    Raises:
        TypeError: a folder has no `SOURCE`, or its name is not the folder's.
    """
    return MappingProxyType({name: _source(name) for name in _folders()})


@cache
def records() -> Mapping[str, SourceRecords]:
    """What every source brings by its name, each in its place; of a folder only `records.py` is loaded."""
    declared: list[SourceRecords] = [_declared(name, "records", "RECORDS") for name in _folders()]
    return MappingProxyType({one.source: one for one in sorted(declared, key=lambda one: one.place)})


def settings_models() -> tuple[type[VendorSettings], ...]:
    """Every source's table of the settings file (or tables), each in its place; of a folder only `settings.py` is loaded."""
    declared = [_declared(name, "settings", "SETTINGS") for name in _folders()]
    found: list[type[VendorSettings]] = [
        model for one in declared for model in (one if isinstance(one, tuple) else (one,))
    ]
    return tuple(sorted(found, key=lambda one: one.place))


def _folders() -> list[str]:
    return sorted(module.name for module in iter_modules(__path__) if module.ispkg)


def _source(folder: str) -> Source:
    source: Source = _declared(folder, "source", "SOURCE")
    if source.name != folder:
        raise TypeError(f"The source of sources/{folder} is called {source.name!r}: it must be called as its folder.")
    return source


def _declared(folder: str, module: str, name: str) -> Any:
    found = getattr(import_module(f"{__name__}.{folder}.{module}"), name, None)
    if found is None:
        raise TypeError(f"The file sources/{folder}/{module}.py must define {name}.")
    return found
