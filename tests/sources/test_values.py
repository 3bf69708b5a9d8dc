"""Values as vendors write them: each kind read the same everywhere, and what cannot be read refused with its reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from customer_research.domain import values
from customer_research.domain.values import UnreadableError

UUID = "0a0b0c0d-1111-4222-8333-0a0b0c0d0e0f"


@pytest.mark.parametrize(
    "written", [UUID, UUID.upper(), UUID.replace("-", ""), f"  {UUID}\n", f"{{{UUID.upper()}}}", f"op_{UUID}"]
)
def test_an_operator_id_is_one_however_it_is_written(written: str) -> None:
    assert values.operator_id(written) == values.operator_key(written) == UUID


@pytest.mark.parametrize("written", ["12345", 12345, 12345.0, "12345.0", "1.2345E4", " 12345 ", "legacy:12345"])
def test_an_old_number_is_one_whether_an_export_made_a_float_of_it_or_not(written: Any) -> None:
    assert values.operator_key(written) == "legacy:12345"


def test_what_is_no_operator_id_is_a_key_in_lower_case_or_nothing() -> None:
    assert values.operator_id("Harbor Limo") is None
    assert values.operator_key(" Harbor Limo ") == "harbor limo"
    assert values.operator_key("  ") is values.operator_key(None) is None


@pytest.mark.parametrize("written", ["12345678901", 12345678901, 12345678901.0, "1.2345678901E10", "12,345,678,901"])
def test_a_number_s_id_is_its_digits(written: Any) -> None:
    assert values.number_id(written) == "12345678901"


@pytest.mark.parametrize("written", [1e17, "1.5", "0", "-3", "many", "", None])
def test_a_number_that_lost_digits_is_no_id(written: Any) -> None:
    assert values.number_id(written) is None


def test_words_are_compared_in_lower_case_and_known_names_spelt_as_their_vocabulary() -> None:
    assert values.enumerated(" Active ") == "active"
    assert values.spelt(" high", ("Low", "High")) == "High"
    assert values.spelt("Urgent", ("Low", "High")) == "Urgent"


@pytest.mark.parametrize(
    ("read", "written", "expected"),
    [
        (values.number, "1,234.50", Decimal("1234.50")),
        (values.number, "1.5E3", Decimal(1500)),
        (values.whole, "12.0", 12),
        (values.whole, "1", 1),
        (values.instant, "October 31, 2026, 12:00 PM", datetime(2026, 10, 31, 12, tzinfo=UTC)),
        (values.instant, "October 1, 2026", datetime(2026, 10, 1, tzinfo=UTC)),
        (values.instant, "2026-10-31T12:00:00+02:00", datetime(2026, 10, 31, 10, tzinfo=UTC)),
        (values.day, "October 31, 2026", date(2026, 10, 31)),
        (values.day, "2026-10-31T23:00:00-08:00", date(2026, 10, 31)),
        (values.flag, "TRUE", True),
        (values.flag, 0, False),
    ],
)
def test_values_are_read_as_they_come(read: Callable[[Any], Any], written: Any, expected: Any) -> None:
    assert read(written) == expected
    assert read(None) is read("  ") is None


@pytest.mark.parametrize(
    ("read", "written", "reason"),
    [
        (values.number, "NaN", "'NaN' is no finite number"),
        (values.number, float("inf"), "'inf' is no finite number"),
        (values.number, "1,23", "'1,23' is no number"),
        (values.number, True, "'True' is no number"),
        (values.whole, "1.5", "'1.5' is no whole number"),
        (values.instant, "10/11/2026", "'10/11/2026' is no instant"),
        (values.day, "soon", "'soon' is no instant"),
        (values.flag, "maybe", "'maybe' is no truth value"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(read: Callable[[Any], Any], written: Any, reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(written)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("told", "name"),
    [("1.0", "1"), (" 2-4 ", "2-4"), ("0 / Broker", "0 / Broker"), ("10.00", "10"), ("1.5", "1.5"), ("", None)],
)
def test_a_bucket_that_an_export_made_a_fraction_is_itself(told: str, name: str | None) -> None:
    assert values.bucket(told) == name


def test_what_people_typed_and_nobody_can_read_is_nothing_to_a_lenient_reader() -> None:
    read = values.lenient(values.number)
    assert [read(told) for told in ("1,234.5", "twelve", "NaN", None)] == [Decimal("1234.5"), None, None, None]
    with pytest.raises(values.UnreadableError):
        values.number("twelve")
