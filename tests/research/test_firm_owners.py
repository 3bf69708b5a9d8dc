"""Whose a record is that names a firm: none wrong from 0.9 on, and what is ambiguous is nobody's."""

from __future__ import annotations

import random

import pytest

from customer_research.domain.match import CERTAIN, CONFIDENCE
from customer_research.firms.matching import SHARED_DOMAINS
from customer_research.identity.normalise import FREE_MAIL_DOMAINS
from customer_research.research.firm_owners import Firm, Firms


def known(number: int) -> Firm:
    """Every tenth firm shares its name with another, every fifteenth its domain."""
    return Firm(
        operator_id=f"00000000-0000-0000-0000-{number:012d}",
        stripe_account=f"acct_{number:016d}",
        domain=f"firm{number // 15 * 15 if number % 15 < 2 else number}.example.com",
        name=f"Firm {number // 10 * 10 if number % 10 < 2 else number} Limousine LLC",
        city=f"City {number % 7}",
        phone=f"+1 212 555 {number:04d}",
    )


FIRMS = [known(number) for number in range(300)]


def told(firm: Firm, chance: random.Random) -> Firm:
    """What somebody else says of a firm: some of it, spelt another way, or somebody's page on a platform."""
    ways = {
        "operator_id": firm.operator_id.upper().replace("-", ""),
        "stripe_account": firm.stripe_account,
        "domain": chance.choice(
            [f"https://www.{firm.domain.upper()}/about", "facebook.com/firm", "gmail.com", "firm.wixsite.com"]
        ),
        "name": firm.name.replace(" LLC", ", Inc.").upper(),
        "city": firm.city,
        "phone": firm.phone.replace(" ", "-"),
    }
    kept = chance.sample(sorted(ways), chance.randint(1, 3))
    return Firm(**{name: ways[name] for name in kept})


def test_of_three_hundred_planted_matches_none_from_certain_on_is_wrong_and_the_ambiguous_are_nobodys() -> None:
    firms, chance = Firms(FIRMS), random.Random(16)
    sure = 0
    for firm in FIRMS:
        record = told(firm, chance)
        found = firms.match(record)
        if found is None:
            continue
        operator_id, way = found
        if CONFIDENCE[way] >= CERTAIN:
            sure += 1
            assert operator_id == firm.operator_id, (record, found)
        if way == "domain":
            assert sum(one.domain == firm.domain for one in FIRMS) == 1
        if way == "name":
            assert sum(one.name == firm.name for one in FIRMS) == 1
    assert sure > 100


@pytest.mark.parametrize(
    "shared", [*sorted(SHARED_DOMAINS)[:3], "me.wixsite.com", *sorted(FREE_MAIL_DOMAINS)[:2], "no domain"]
)
def test_what_many_firms_share_is_nobodys_domain(shared: str) -> None:
    assert Firms([Firm("op-1", domain=shared)]).match(Firm(domain=shared)) is None


def test_a_name_is_surer_with_something_beside_it() -> None:
    firms = Firms([Firm("op-1", name="Acme Limo", city="Boston"), Firm("op-1", name="Acme Limo", phone="212-555-0001")])
    assert firms.match(Firm(name="ACME limo inc", phone="(212) 555 0001")) == ("op-1", "name_and_phone")
    assert firms.match(Firm(name="Acme Limo", city="boston", phone="1")) == ("op-1", "name_and_city")
    assert firms.match(Firm(name="Acme Limo", city="Berlin")) == ("op-1", "name")
    assert firms.match(Firm(city="Boston", phone="212-555-0001")) is None


def test_where_a_domain_is_two_operators_no_name_beside_it_makes_it_one() -> None:
    firms = Firms([Firm("op-1", domain="a.example", name="A"), Firm("op-2", domain="a.example", name="B")])
    assert firms.match(Firm(domain="a.example", name="A")) is None
