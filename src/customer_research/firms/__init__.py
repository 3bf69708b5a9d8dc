"""Who tells facts of a firm: one module each provider, found by its `PROVIDER`; importing this package loads none."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from customer_research.firms.provider import Provider


@cache
def discover() -> Mapping[str, Provider]:
    """Every provider by name.

    Raises:
        TypeError: a module has no `PROVIDER`, or its name is not the module's.
    """
    from customer_research.firms import providers  # noqa: PLC0415 - start-up time

    found: dict[str, Provider] = {}
    for module in sorted(iter_modules(providers.__path__), key=lambda one: one.name):
        made = getattr(import_module(f"{providers.__name__}.{module.name}"), "PROVIDER", None)
        if made is None or made.name != module.name:
            raise TypeError(f"The module firms/providers/{module.name}.py must define PROVIDER, called as the module.")
        found[made.name] = made
    return MappingProxyType(found)
