"""What requests ask for unless somebody says otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from customer_research.research.usecases import USE_CASES

CASES = USE_CASES


def switches(request: type[Any]) -> Iterator[dataclasses.Field[Any]]:
    """The options that are on or off, those of parts as well."""
    for field in dataclasses.fields(request):
        if "part" in field.metadata:
            yield from switches(field.metadata["part"])
        elif field.type in {"bool", bool}:
            yield field


@pytest.mark.parametrize("name", CASES)
def test_what_is_a_switch_is_off(name: str) -> None:
    """Personal data above all: nobody sees it who has not asked for it."""
    assert [field.name for field in switches(CASES[name].request()) if field.default is not False] == []


def test_personal_data_are_a_switch() -> None:
    shown = [name for name, case in CASES.items() if "show_personal" in {one.name for one in switches(case.request())}]
    assert {"batch", "export"} <= {name.rpartition(" ")[2] for name in shown}
