"""Assumed values are read by the unit of their metric, and anything else is refused in a sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from customer_research.errors import UsageError
from customer_research.health.whatif import read_value


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("count", "12", 12),
        ("count", "1,200", 1200),
        ("count", "0", 0),
        ("points", "8", 8),
        ("ratio", "0.95", 0.95),
        ("ratio", "95%", 0.95),
        ("ratio", "33.3 %", 0.333),
        ("ratio", "1", 1.0),
        ("usd_minor", "199", 19900),
        ("usd_minor", "$1,199.50", 119950),
        ("usd_minor", "10 USD", 1000),
        ("days", "3.5", 3.5),
        ("number", "2", 2.0),
        ("boolean", "Yes", True),
        ("boolean", "no", False),
        ("date", "2026-11-30", date(2026, 11, 30)),
        ("timestamp", "2026-11-30", datetime(2026, 11, 30, tzinfo=UTC)),
        ("timestamp", "2026-11-30T09:00+02:00", datetime(2026, 11, 30, 7, tzinfo=UTC)),
        ("text", "churned", "churned"),
    ],
)
def test_a_value_is_read_by_its_unit(unit: str, text: str, value: Any) -> None:
    assert read_value("some_metric", unit, f" {text} ").value == value
    assert type(read_value("some_metric", unit, text).value) is type(value)


@pytest.mark.parametrize("unit", ["count", "ratio", "boolean", "text", "date"])
def test_unknown_is_a_value_of_every_unit(unit: str) -> None:
    assert read_value("some_metric", unit, "Unknown").value is None


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("count", "1.5"),
        ("count", "many"),
        ("count", "nan"),
        ("count", "1e400"),
        ("count", "-1"),
        ("count", "1,2"),
        ("ratio", "95"),
        ("ratio", "x%"),
        ("ratio", "-5%"),
        ("usd_minor", "€5"),
        ("usd_minor", "-5"),
        ("days", "inf"),
        ("boolean", "maybe"),
        ("boolean", "1"),
        ("date", "30.11.2026"),
        ("timestamp", "yesterday"),
        ("text", "a\x1b[31mb"),
        ("money", "5"),
    ],
)
def test_what_is_no_value_is_refused_with_the_metrics_name(unit: str, text: str) -> None:
    with pytest.raises(UsageError, match="some_metric"):
        read_value("some_metric", unit, text)


def test_a_change_may_be_below_zero() -> None:
    assert read_value("usage_trend", "ratio", "-30%", signed=True).value == -0.3
    assert read_value("mrr_difference", "usd_minor", "-$5", signed=True).value == -500
