"""The kinds of reports that people ask for by name: one module each, and nothing else in this folder.

A module's file name is its kind's name (`account_review`: `account-review`), the first line of its docstring says in a
sentence what it is, and `KIND` declares it. That alone registers it: nothing here names one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_research.reports.kind import Kind

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The names of all kinds; none of them is imported."""
    return tuple(sorted(path.stem.replace("_", "-") for path in _FOLDER.glob("[!_]*.py")))


def sentence(name: str) -> str:
    """What a kind is in a sentence, without importing it."""
    text = (_FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    return text.partition("\n")[0].strip('"')


@cache
def declared(name: str) -> Mapping[str, Any]:
    """What a kind's declaration says in plain words, without importing it: `about`, `use_case`, `place`, `options`."""
    import ast  # noqa: PLC0415 - start-up time
    import re  # noqa: PLC0415

    text = (_FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8").partition("\nKIND")[2]
    found = {"about": "operator", "use_case": "report", "place": 0, "options": ()}
    plain = re.findall(r'^    (\w+)=("[^"\n]*"|\d+|\([^()\n]*\)),$', text, re.MULTILINE)
    return found | {key: ast.literal_eval(value) for key, value in plain if key in found}


@cache
def _every() -> Mapping[str, Kind[Any]]:
    modules = (importlib.import_module(f"{__name__}.{name.replace('-', '_')}") for name in names())
    found: list[Kind[Any]] = sorted((module.KIND for module in modules), key=lambda kind: kind.place)
    return {kind.name: kind for kind in found}


class _Kinds(Mapping[str, "Kind[Any]"]):
    """Kinds by name in the order of the documentation; they are imported when the first of them is asked for."""

    def __init__(self, chosen: Callable[[Kind[Any]], bool]) -> None:
        self._chosen = chosen

    def _found(self) -> dict[str, Kind[Any]]:
        return {name: kind for name, kind in _every().items() if self._chosen(kind)}

    def __getitem__(self, name: str) -> Kind[Any]:
        return self._found()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())


EVERY_KIND: Mapping[str, Kind[Any]] = _Kinds(lambda _: True)

OPERATOR_KINDS: Mapping[str, Kind[Any]] = _Kinds(lambda kind: kind.use_case == "report")
"""The kinds that are made of one operator's account."""

KINDS: Mapping[str, Kind[Any]] = _Kinds(lambda kind: kind.use_case in {"report", "lookup"})
"""The kinds that are made of what is known of one operator, and the lookup."""
