"""HubSpot's own enrichment, and what our people typed beside it: properties of the company that is the operator's already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.domain.firm import Clues, FactValue
from customer_research.firms.provider import Found, Limits, Miss, Provider, Reply
from customer_research.firms.reading import facts_settings, text_of, whole_of
from customer_research.sources.hubspot.session import BATCH_SIZE, HubSpotSession
from customer_research.sources.hubspot.settings import HubSpotSettings

STREAM = "company_facts"

PROPERTIES: Mapping[str, str] = {
    "numberofemployees": "headcount",
    "hs_employee_range": "headcount_range",
    "industry": "industry",
    "founded_year": "founded_year",
    "hs_revenue_range": "revenue_range",
    "zip": "postal_code",
}
"""HubSpot's property → the fact. Amounts are left out: in which currency they are, no property says."""


class HubSpotFacts:
    """The companies' properties, 100 companies a request."""

    def __init__(self, settings: SettingsTree, clock: Clock) -> None:
        own = facts_settings(settings).usdot_property
        self._properties = {**PROPERTIES, **({own: "usdot_number"} if own else {})}
        self._session = HubSpotSession(settings, clock)

    async def ask(self, some: Sequence[Clues]) -> Mapping[str, Reply]:
        """See `Asking.ask`."""
        log = self._session.log(STREAM)
        ids = [one.company_id for one in some]
        rows = await self._session.read_all("companies", ids, list(self._properties), log)
        receipt = log.receipt(rows)
        told = {str(row.get("id")): self._values(row.get("properties") or {}) for row in rows}
        return {
            one.operator_id: Found(one.company_id, "company", told[one.company_id], receipt)
            if one.company_id in told
            else Miss("HubSpot has the company no more")
            for one in some
        }

    def _values(self, given: Mapping[str, Any]) -> Mapping[str, FactValue]:
        read = {
            field: whole_of(given.get(name)) if field == "headcount" else text_of(given.get(name))
            for name, field in self._properties.items()
        }
        return {field: value for field, value in read.items() if value is not None}

    async def close(self) -> None:
        """See `Asking.close`."""
        await self._session.close()


PROVIDER = Provider(
    name="hubspot",
    title="HubSpot",
    licence="HubSpot's terms: for use in your own account",
    paid=False,
    fields=(*PROPERTIES.values(), "usdot_number"),
    finds_by="the company that HubSpot or the CSM view links with the operator",
    at_once=BATCH_SIZE,
    erases=False,
    can_ask=lambda clues: bool(clues.company_id),
    open=HubSpotFacts,
    missing=lambda settings: settings.of(HubSpotSettings).missing(),
    limits=lambda settings: Limits(facts_settings(settings).hubspot_keep_days),
)
