"""Whether a provider's record is the firm: by what both say; of three hundred planted matches none is sure and wrong."""

from __future__ import annotations

from random import Random

import pytest

from customer_research.domain.match import CERTAIN, CONFIDENCE, PROBABLE
from customer_research.firms.matching import Seen, best, own_domain, state_key, way_of, zip_key
from customer_research.firms.providers.fmcsa import can_ask as can_ask_census
from customer_research.firms.providers.people_data_labs import can_ask as can_ask_seller
from customer_research.firms.reading import day_of, text_of, whole_of

KNOWN = Seen(("Acme Limousine",), "acme.example.com", "+1 415 555 0101", "San Francisco", "California", "94105", "77")


@pytest.mark.parametrize(
    ("told", "way"),
    [
        (Seen(usdot_number="77"), "usdot"),
        (Seen(("Acme Limousine",), "acme.example.com", usdot_number="78"), None),
        (Seen(("Somebody Else",), "acme.example.com"), "domain"),
        (Seen(("ACME LIMOUSINE, LLC",), postal_code="94105-2000"), "name_and_postcode"),
        (Seen(("Other", "Acmé Limousine Inc."), phone="(415) 555-0101"), "name_and_phone"),
        (Seen(("acme limousine",), city="SAN FRANCISCO", state="CA"), "name_and_city"),
        (Seen(("acme limousine",), city="San Francisco", state="NM"), None),
        (Seen(("acme limousine",), city="Oakland", state="CA"), None),
        (Seen(("Acme Limousine Service",), phone="415 555 0101"), None),
        (Seen(phone="(415) 555-0101", postal_code="94105"), None),
        (Seen(("acme limousine",)), None),
        (Seen(), None),
    ],
)
def test_a_record_is_recognised_by_the_best_way_or_not_at_all(told: Seen, way: str | None) -> None:
    assert way_of(KNOWN, told) == way
    assert way_of(Seen(), told) is None


def test_of_several_records_one_alone_stands_best() -> None:
    town = Seen(("acme limousine",), city="San Francisco", state="CA")
    phone = Seen(("acme limousine",), phone="415 555 0101")
    assert best(KNOWN, [(town, 1), (phone, 2), (town, 3)]) == ("name_and_phone", 2)
    assert best(KNOWN, [(town, 1), (town, 3)]) is None
    assert best(KNOWN, []) is None


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ("acme.example.com", "acme.example.com"),
        ("https://www.Acme.example.com:8080/about?x=1", "acme.example.com"),
        ("acme.wixsite.com", ""),
        ("https://www.facebook.com/acme", ""),
        ("notwix.com", "notwix.com"),
        ("", ""),
        ("acme", ""),
    ],
)
def test_a_domain_that_many_share_is_no_firms_own(given: str, own: str) -> None:
    assert own_domain(given) == own


def test_three_hundred_planted_matches_none_of_which_is_sure_and_wrong() -> None:
    rng = Random(7)
    firms = [
        Seen(
            (f"{word} Limousine",),
            f"{word.lower()}{n}.example.com",
            f"415 555 {n:04d}",
            "Austin",
            "TX",
            f"{70000 + n % 7}",
        )
        for n in range(300)
        for word in [("Acme", "Bolt", "City", "Dune", "Echo")[n % 5]]
    ]
    told = [
        (firm if rng.random() < 0.5 else Seen(firm.names, "", firm.phone, firm.city, firm.state), n)
        for n, firm in enumerate(firms)
    ]
    found = [best(firm, told) for firm in firms]
    wrong = [CONFIDENCE[one[0]] for n, one in enumerate(found) if one is not None and one[1] != n]
    assert not [value for value in wrong if value >= PROBABLE]
    assert sum(one is not None and CONFIDENCE[one[0]] >= CERTAIN for one in found) > 100
    alike = [(Seen(firm.names, city=firm.city, state=firm.state), n) for n, firm in enumerate(firms)]
    assert [best(firm, alike) for firm in firms] == [None] * 300


def test_too_little_is_known_to_ask_by_a_name_alone() -> None:
    from firm_desk import clues

    assert can_ask_census(clues())
    assert not can_ask_census(clues(phone="", city="", postal_code=""))
    assert not can_ask_census(clues(state="Ontario"))
    assert not can_ask_census(clues(country="Canada", state="CA"))
    assert can_ask_census(clues(country="Canada", usdot_number="7"))
    assert can_ask_seller(clues(city=""))
    assert not can_ask_seller(clues(domain="", city=""))


def test_values_are_read_as_what_they_are_or_not_at_all() -> None:
    assert [whole_of(one) for one in (7, "007", "12.0", 0, "-1", "many", None, True, 1.5, "9" * 40, [1])] == [
        7,
        7,
        12,
        0,
    ] + [None] * 7
    assert [text_of(one) for one in (" a\n b ", 1999, "", None, ["x"], {"a": 1}, True)] == ["a b", "1999"] + [None] * 5
    assert len(text_of("x" * 5000) or "") == 200
    days = [day_of(one) for one in ("20260801 1423", "2026-08-01T00:00:00.000", "20261341", "soon", None)]
    assert [f"{one:%Y-%m-%d}" if one else None for one in days] == ["2026-08-01", "2026-08-01", None, None, None]
    assert (zip_key("94105-2000"), zip_key("SW1A 1AA"), state_key("california"), state_key("Bavaria")) == (
        "94105",
        "sw1a1aa",
        "CA",
        "bavaria",
    )
