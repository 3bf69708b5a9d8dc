"""Company facts: what others say of an operator's firm, as each of them says it, and what the firm is known by.

They are kept apart from what we measure: no metric, rule or score reads them. Nothing here is about a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from customer_research.domain.evidence import Receipt
from customer_research.domain.match import CERTAIN, CONFIRMED, PROBABLE, MatchDecision, confidence
from customer_research.domain.records import ColumnType

KEPT = "company_facts"
"""What reports call the facts that are kept of an operator's firm, among what they read."""

FIRM = "firm"
"""What the matches of providers' records of firms are called, as tables name others'."""

FactValue = str | int


@dataclass(frozen=True, slots=True)
class FirmField:
    """One thing that is told of a firm: its label, the unit of its value (`domain.words`), how a file has it, what it means."""

    label: str
    unit: str
    type: ColumnType
    meaning: str


FIELDS: Mapping[str, FirmField] = MappingProxyType(
    {
        "headcount": FirmField("Headcount", "count", "integer", "people who work there"),
        "headcount_range": FirmField("Headcount, range", "text", "text", "people who work there, from and to"),
        "industry": FirmField("Industry", "word", "text", "the provider's word for the trade"),
        "company_type": FirmField("Company type", "word", "text", "private, public, nonprofit"),
        "founded_year": FirmField("Founded", "text", "text", "the year"),
        "revenue_range": FirmField("Revenue, range", "text", "text", "yearly revenue, from and to, as estimated"),
        "funding_usd": FirmField("Funding raised", "usd_minor", "integer", "money raised in all: whole US dollars"),
        "usdot_number": FirmField("USDOT number", "text", "text", "number in the register of the US DOT"),
        "postal_code": FirmField("Postal code", "text", "text", "of the head office"),
        "power_units": FirmField("Power units", "count", "integer", "vehicles with an engine, as registered"),
        "drivers": FirmField("Registered drivers", "count", "integer", "drivers, as registered"),
        "authority": FirmField("Operating authority", "word", "text", "authority to carry for hire"),
        "carrier_operation": FirmField("Carrier operation", "word", "text", "between states or within one"),
        "register_status": FirmField("Status in the register", "word", "text", "whether the registration is active"),
        "safety_rating": FirmField("Safety rating", "word", "text", "of the last compliance review"),
    }
)
"""What may be told of a firm, in the order in which it is shown."""

CLUES = frozenset({"usdot_number", "postal_code"})
"""Fields by which another provider may find the firm."""


@dataclass(frozen=True, slots=True)
class Clues:
    """What an operator's firm is known by; empty: not known. `company_id` is HubSpot's, `state` may be its name or its letters."""

    operator_id: str
    name: str
    company_id: str = ""
    domain: str = ""
    phone: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    postal_code: str = ""
    usdot_number: str = ""


@dataclass(frozen=True, slots=True)
class FirmFact:
    """One value of one provider.

    `value` is None once it was deleted on its day. `likelihood` is how sure the provider says it is, 0 to 1 (None: it does not
    say); `matched_by` how we know that its record is the operator's. `observed_at` is when it was so, as the provider says,
    `expires_at` from when on it is too old; `is_erased` says that it is deleted then. `is_shared`: the provider's record stands for another operator, too.
    """

    operator_id: str
    field: str
    value: FactValue | None
    unit: str
    provider: str
    provider_id: str
    licence: str
    likelihood: float | None
    matched_by: str
    observed_at: datetime | None
    fetched_at: datetime
    expires_at: datetime | None
    is_erased: bool
    receipt: Receipt
    is_shared: bool = False

    @property
    def record_id(self) -> str:
        """16 hexadecimal digits that stand for the provider's record, and tell nothing of it; empty: the provider gave it no id."""
        return record_id(self.provider, self.provider_id)

    @property
    def confidence(self) -> float:
        """How sure it is that the record is the operator's, 0 to 1."""
        return confidence(self.matched_by, is_certain=not self.is_shared)

    def is_stale(self, at: datetime) -> bool:
        """Whether it is too old at an instant."""
        return self.value is None or (self.expires_at is not None and self.expires_at <= at)


def record_id(provider: str, provider_id: str) -> str:
    """See `FirmFact.record_id`."""
    return hashlib.sha256(f"{provider}\x1f{provider_id}".encode()).hexdigest()[:16] if provider_id else ""


def as_decided(facts: Iterable[FirmFact], made: Iterable[MatchDecision]) -> Iterator[FirmFact]:
    """Facts as far as people left them: surely the operator's where they confirmed the record, and without those of refused ones."""
    ruled = {(one.record_id, one.operator_id): one.ruling for one in made if one.table == FIRM}
    for one in facts:
        ruling = ruled.get((one.record_id, one.operator_id))
        if ruling == "confirmed":
            yield replace(one, matched_by=CONFIRMED, is_shared=False)
        elif ruling != "refused":
            yield one


def sureness(fact: FirmFact) -> str:
    """How sure a fact's match is, and by what, in words."""
    how = fact.matched_by.replace("_", " ").replace("usdot", "USDOT number")
    level = "sure" if fact.confidence >= CERTAIN else "probable" if fact.confidence >= PROBABLE else "candidate"
    return f"{level} ({how}{', shared with another operator' if fact.is_shared else ''})"
