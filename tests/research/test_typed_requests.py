"""What requests ask for unless somebody says otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import click
import pytest

from customer_research.domain.outcome import Outcome
from customer_research.errors import UsageError
from customer_research.research.past import outcomes
from customer_research.research.request import validated
from customer_research.research.usecases import USE_CASES
from customer_research.research.usecases.outcomes import Churn
from customer_research.surfaces.cli.fields import parameters

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


def numbers(request: type[Any]) -> Iterator[str]:
    """The fields that are numbers with decimals, those of parts as well."""
    for field in dataclasses.fields(request):
        if "part" in field.metadata:
            yield from numbers(field.metadata["part"])
        elif "float" in str(field.type):
            yield field.name


@pytest.mark.parametrize("given", ["inf", "nan", "1e400", "-inf"])
def test_a_number_is_finite_whoever_asks(given: str) -> None:
    """Python reads `inf` as a number, and it is within a bound that has only a least."""
    seen = 0
    for case in CASES.values():
        options = {one.name.rpartition("__")[2]: one for one in parameters(case.request()) if one.name}
        for name in numbers(case.request()):
            seen += 1
            with pytest.raises(click.BadParameter):
                options[name].type.convert(given, options[name], None)
            if name in {field.name for field in dataclasses.fields(case.request())}:
                with pytest.raises(UsageError, match=f"{name}: Input should be"):
                    validated(case.request(), _required(case.request()) | {name: float(given)})
    assert seen >= 6


def _required(request: type[Any]) -> dict[str, str]:
    """Something for each field that has to be given."""
    return {
        field.name: "competitor" if field.name == "reason" else "x"
        for field in dataclasses.fields(request)
        if field.default is field.default_factory is dataclasses.MISSING
    }


@pytest.mark.parametrize(
    ("dollars", "cents"),
    [(0, 0), (199, 19_900), (19.99, 1_999), (0.29, 29), (1.15, 115), (8.7, 870), (4_503.57, 450_357)],
)
def test_an_mrr_that_was_lost_is_kept_to_the_cent(dollars: float, cents: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Outcome] = []

    def keep(_settings: Any, _term: str, given: Outcome) -> Outcome:
        kept.append(given)
        return given

    monkeypatch.setattr(outcomes, "record", keep)
    call: Any = SimpleNamespace(
        clock=lambda: datetime(2026, 11, 1, tzinfo=UTC), settings=None, actor=SimpleNamespace(name="Kim")
    )
    Churn(operator="op", reason="competitor", lost_mrr=dollars).answer(call)
    assert [one.lost_minor for one in kept] == [cents]


def test_personal_data_are_a_switch() -> None:
    shown = [name for name, case in CASES.items() if "show_personal" in {one.name for one in switches(case.request())}]
    assert {"batch", "export"} <= {name.rpartition(" ")[2] for name in shown}
