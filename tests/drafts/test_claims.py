"""What a text claims in numbers: how each form reads, and what is no number at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from customer_research.drafts.claims import claims_of


@pytest.mark.parametrize(
    ("text", "kind", "value", "currency"),
    [
        ("$1,234.50 a month", "money", Decimal("1234.50"), "$"),
        ("USD 1,234", "money", Decimal(1234), "USD"),
        ("1,234 EUR", "money", Decimal(1234), "EUR"),
        ("CA$12", "money", Decimal(12), "CAD"),
        ("$1.2k", "money", Decimal(1200), "$"),
        ("£2 million", "money", Decimal(2_000_000), "GBP"),
        ("40 dollars", "money", Decimal(40), "$"),
        ("66.7 %", "share", Decimal("66.7"), ""),
        ("12 percent", "share", Decimal(12), ""),
        ("two thirds of them", "share", Decimal(67), ""),
        ("grown by a quarter", "share", Decimal(25), ""),
        ("2026-11-08", "date", date(2026, 11, 8), ""),
        ("8 November 2026", "date", date(2026, 11, 8), ""),
        ("Nov. 8, 2026", "date", date(2026, 11, 8), ""),
        ("the 8th of November", "date", date(1, 11, 8), ""),
        ("in 2026", "year", Decimal(2026), ""),
        ("ten weeks ago", "days", Decimal(70), ""),
        ("a 30-day trend", "days", Decimal(30), ""),
        ("79 of 100", "points", Decimal(79), ""),
        ("89 points", "points", Decimal(89), ""),
        ("1,204 trips", "count", Decimal(1204), ""),
        ("three tickets", "count", Decimal(3), ""),
        ("invoice MOO-17-003", "identifier", "MOO-17-003", ""),
        ("ticket #4711", "identifier", "4711", ""),
        ("no open ticket", "count", Decimal(0), ""),
    ],
)
def test_a_number_reads_as_it_is_written(text: str, kind: str, value: object, currency: str) -> None:
    (claim,) = claims_of(text)
    assert (claim.quantity.kind, claim.quantity.value, claim.quantity.currency) == (kind, value, currency)


@pytest.mark.parametrize(
    "text",
    [
        "1. Call them first",
        "at 09:30",
        "see https://app.example.com/operators/12345?page=2",
        "write to ada.31@example.com",
        "call (212) 555-0100 or +1 555 010 2030",
        "as usual [3] and (receipts 1, 2)",
        "we are there 24/7",
        "Next steps (5 min)",
    ],
)
def test_what_is_no_figure_is_no_claim(text: str) -> None:
    assert claims_of(text) == ()


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("about 20 trips", "about"),
        ("nearly 20 trips", "about"),
        ("over 20 trips", "at least"),
        ("20 or more trips", "at least"),
        ("no fewer than 20 trips", "at least"),
        ("under 20 trips", "at most"),
        ("no more than 20 trips", "at most"),
        ("20 trips", "exactly"),
    ],
)
def test_a_number_is_meant_as_its_words_say(text: str, bound: str) -> None:
    assert claims_of(text)[0].bound == bound


def test_the_ends_of_a_range_are_one_claim_and_those_of_a_change_two() -> None:
    (between,) = claims_of("between 20 and 30 trips")
    (dashed,) = claims_of("20-30 trips")
    assert between.until is not None
    assert dashed.until is not None
    assert (between.quantity.number, between.until.number) == (Decimal(20), Decimal(30))
    assert (dashed.quantity.number, dashed.until.number) == (Decimal(20), Decimal(30))
    (plain,) = claims_of("they booked 20 to 30 trips")
    assert plain.until is not None
    earlier, later = claims_of("trips fell from 60 to 20")
    assert (earlier.place, later.place, later.direction) == ("from", "to", -1)


def test_citations_belong_to_the_numbers_before_them() -> None:
    first, second, third = claims_of("MRR is $199 [1]. 20 trips after 60 (warehouse, receipts 3, 4)")
    assert (first.citations, second.citations, third.citations) == ((1,), (3, 4), (3, 4))


def test_a_long_draft_is_read_in_a_breath() -> None:
    assert len(claims_of("12 trips and $40. " * 5_000)) == 10_000
