"""What others say of the operators' firms: a register of carriers, and a seller of company data; neither knows everybody.

Made of what HubSpot has of a company, so that names, towns, domains and telephones fit: in other spellings, and of some not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from random import Random
from typing import Any

from customer_research_sandbox.dataset import Row

_STATES = {
    "California": "CA", "Florida": "FL", "Georgia": "GA", "Illinois": "IL", "Massachusetts": "MA", "Nevada": "NV", "New York": "NY",
    "Texas": "TX", "Washington": "WA", "Colorado": "CO", "Arizona": "AZ", "New Jersey": "NJ", "Pennsylvania": "PA", "Tennessee": "TN",
}  # fmt: skip
_SIZES = ((10, "1-10"), (50, "11-50"), (200, "51-200"), (10**9, "201-500"))
SCENARIOS: Mapping[str, Mapping[str, Any]] = json.loads(
    files("customer_research_sandbox.scenarios").joinpath("firms.json").read_text(encoding="utf-8")
)
"""Operators whose firm is told by hand: what register and seller have (null: nothing), how that is recognised, and the facts that have to be found."""

_REGISTERED, _OTHER_PHONE, _SOLD, _WEAK = 0.7, 0.15, 0.6, 0.75
_FIRST_NUMBER = 3_000_000


@dataclass(slots=True)
class Firms:
    """The register's rows, every value as text, and the seller's records by domain."""

    carriers: list[Row] = field(default_factory=list)
    companies: dict[str, Row] = field(default_factory=dict)


def project_facts(companies: Iterable[Mapping[str, Any]]) -> Firms:
    """The firms of HubSpot's companies; the same in every run."""
    found = Firms()
    for place, company in enumerate(companies):
        told, rng = company.get("properties") or {}, Random(f"facts/{company.get('id')}")
        people = int(told.get("numberofemployees") or rng.randrange(3, 40))
        planted = SCENARIOS.get(str(told.get("moovs_operator_id")))
        if planted is not None:
            _plant(found, told, str(company.get("id")), _FIRST_NUMBER + place * 7, planted)
            continue
        if rng.random() < _REGISTERED and told.get("country") in {"US", "United States", None}:
            found.carriers.append(_carrier(told, _FIRST_NUMBER + place * 7, people, rng))
        draw, domain = rng.random(), told.get("domain")
        if domain and draw < _WEAK:
            found.companies.setdefault(domain, _company(told, str(company.get("id")), people, rng, weak=draw >= _SOLD))
    return found


def _plant(found: Firms, told: Mapping[str, Any], identifier: str, number: int, planted: Mapping[str, Any]) -> None:
    """What register and seller have of a scenario's firm."""
    rng = Random(0)
    if planted["carrier"] is not None:
        digits = re.sub(r"\D", "", str(told.get("phone") or ""))[-10:]
        own = {"phone": f"({digits[:3]}) {digits[3:6]}-{digits[6:]}", **planted["carrier"]}
        found.carriers.append({**_carrier(told, number, 8, rng), **own})
    if planted["company"] is not None:
        company = {**_company(told, identifier, 8, rng, weak=False), **planted["company"]}
        found.companies[str(told.get("domain"))] = company


def _carrier(told: Mapping[str, Any], number: int, people: int, rng: Random) -> Row:
    state = str(told.get("state") or "")
    digits = re.sub(r"\D", "", str(told.get("phone") or ""))[-10:]
    phone = f"{rng.randrange(10**10):010d}" if rng.random() < _OTHER_PHONE else digits
    return {
        "dot_number": str(number),
        "legal_name": f"{told.get('name') or ''} LLC".upper(),
        "phone": f"({phone[:3]}) {phone[3:6]}-{phone[6:]}",
        "phy_city": str(told.get("city") or "").upper(),
        "phy_state": _STATES.get(state, state),
        "phy_zip": f"{rng.randrange(10_000, 99_999)}",
        "status_code": "A" if rng.random() < 0.93 else "I",
        "carrier_operation": "A" if rng.random() < 0.5 else "C",
        "power_units": str(max(1, people - rng.randrange(4))),
        "total_drivers": str(people),
        "docket1_status_code": "A" if rng.random() < 0.8 else "I",
        "mcs150_date": f"2026{rng.randrange(1, 11):02d}{rng.randrange(1, 29):02d} 0000",
        "company_officer_1": "SOMEBODY WHO IS NOT TO BE KEPT",
    }


def _company(told: Mapping[str, Any], identifier: str, people: int, rng: Random, *, weak: bool) -> Row:
    counted = max(1, people + rng.randrange(-2, 6))
    return {
        "id": f"sandbox{identifier}",
        "name": "another firm" if weak else str(told.get("name") or "").lower(),
        "display_name": "Another Firm" if weak else told.get("name"),
        "website": f"other-{told.get('domain')}" if weak else told.get("domain"),
        "size": next(words for most, words in _SIZES if counted <= most),
        "employee_count": counted,
        "founded": rng.randrange(1985, 2022),
        "industry": "transportation/trucking/railroad",
        "inferred_revenue": "$1M-$10M",
        "type": "private",
        "naics": None,
        "location": {
            "locality": "elsewhere" if weak else str(told.get("city") or "").lower(),
            "region": str(told.get("state") or "").lower(),
            "postal_code": None,
            "country": "united states",
        },
        "employees_by_name": ["Somebody Who Is Not To Be Kept"],
        "likelihood": 6 if weak else 9,
    }
