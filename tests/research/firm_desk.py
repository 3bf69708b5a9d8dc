"""A small lake with firms, the server of those who tell facts in this process, and the use cases of company facts over both."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from made_up_lake import fill, settings_in

from customer_research.connect.http import Pace
from customer_research.domain.firm import Clues
from customer_research.firms.provider import Provider
from customer_research.firms.providers import fmcsa, people_data_labs
from customer_research.research import company_facts
from customer_research.research.company_facts import Fetch, Order
from customer_research.settings import Settings
from customer_research.store.database import open_store
from customer_research_sandbox.project_facts import Firms
from customer_research_sandbox.servers.facts import API_KEY, FactsServer
from customer_research_sandbox.servers.faults import Controls

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACME, BOLT, CITY, FREE = (f"00000000-5ce0-4000-8000-00000000000{n}" for n in "abcd")
_COMPANIES = {
    ACME: {"name": "Acme Limousine", "domain": "acme-limo.example.com", "phone": "+1 415 555 0101", "city": "San Francisco", "state": "California"},
    BOLT: {"name": "Bolt Livery", "domain": "bolt.example.com", "phone": "+1 512 555 0102", "city": "Austin", "state": "TX"},
    CITY: {"name": "City Cars", "domain": "", "phone": "", "city": "Austin", "state": "TX"},
    FREE: {"name": "Free Mail Rides", "domain": "gmail.com", "phone": "", "city": "", "state": ""},
}  # fmt: skip

CARRIER: dict[str, Any] = {
    "dot_number": "3000007",
    "legal_name": "ACME LIMOUSINE, LLC",
    "phone": "(415) 555-0101",
    "phy_city": "OAKLAND",
    "phy_state": "CA",
    "phy_zip": "94601-1234",
    "status_code": "A",
    "carrier_operation": "A",
    "power_units": "14",
    "total_drivers": "11",
    "docket1_status_code": "I",
    "docket2_status_code": "A",
    "safety_rating": "S",
    "mcs150_date": "20260801 1423",
    "company_officer_1": "PAT PLANTED",
    "email_address": "pat@acme-limo.example.com",
}
COMPANY: dict[str, Any] = {
    "id": "pdl-acme",
    "name": "acme limousine",
    "website": "acme-limo.example.com",
    "size": "11-50",
    "employee_count": 17,
    "founded": 1999,
    "industry": "transportation/trucking/railroad",
    "inferred_revenue": "$1M-$10M",
    "location": {"locality": "san francisco", "region": "california", "postal_code": "94105"},
    "top_employee": "Pat Planted",
    "likelihood": 9,
}


@dataclass
class Desk:
    """Settings over a lake, the server, and what is asked of it."""

    settings: Settings
    server: FactsServer
    controls: Controls
    now: datetime = NOW
    waits: list[float] = field(default_factory=list)

    def fetch(self, provider: str, **how: Any) -> Fetch:
        order = Order(provider, **how)
        return asyncio.run(company_facts.fetch(self.settings, lambda: self.now, order))

    def asked(self) -> list[str]:
        """The paths of the requests since the last look."""
        told = [one.path for one in self.controls.requests]
        self.controls.requests.clear()
        return told

    def values(self, operator: str) -> Mapping[str, Any]:
        return {one.field: one.value for one in company_facts.listed(self.settings, operator, self.now)[2]}

    def provider(self, given: Provider) -> Provider:
        """A provider whose connection leads into this process, and that need not wait."""
        kind: Any = fmcsa.FmcsaCensus if given.name == "fmcsa" else people_data_labs.PeopleDataLabs
        transport = httpx2.ASGITransport(app=self.server.app())

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.sleep(0)

        pace = Pace(sleep=sleep)
        return replace(given, open=lambda settings, clock: kind(settings, clock, transport=transport, pace=pace))


def companies(**changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the lake's companies, with changes by operator."""
    return [
        {
            "operator_id": operator,
            "company_id": f"c-{operator}",
            "country": "United States",
            "website": "",
            "linked_by": "property",
            "created_at": NOW,
            **told,
            **changes.get(operator, {}),
        }
        for operator, told in _COMPANIES.items()
    ]


def lake(settings: Settings, rows: list[dict[str, Any]]) -> None:
    """Make these companies, and their operators, what the lake has."""
    names = {row["operator_id"]: row["name"] for row in rows}
    operators = [{"operator_id": one, "name": name, "created_at": NOW} for one, name in names.items()]
    fill(settings.lake_folder, {"operator": operators, "company": rows})


@cache
def _template() -> Path:
    """A folder with the lake and an empty store, made once: each test has a copy."""
    folder = Path(tempfile.mkdtemp(prefix="firms-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = settings_in(folder)
    lake(settings, companies())
    open_store(settings.store_url).close()
    return folder


def placed(folder: Path) -> Settings:
    """Settings of a lake with the firms, and of a store, below a folder."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    return settings_in(folder)


def desk_in(folder: Path, monkeypatch: pytest.MonkeyPatch, **own: Any) -> Desk:
    settings = placed(folder)
    facts = {"url": "http://facts.test/pdl", "api_key": API_KEY, "requests_per_second": 1000, **own}
    model = type(settings.people_data_labs)  # type: ignore[attr-defined]
    census = type(settings.fmcsa)(url="http://facts.test/fmcsa", requests_per_second=1000)  # type: ignore[attr-defined]
    settings = settings.model_copy(update={"people_data_labs": model(**facts), "fmcsa": census})
    controls = Controls()
    server = FactsServer(Firms([dict(CARRIER)], {COMPANY["website"]: dict(COMPANY)}), controls)
    desk = Desk(settings, server, controls)
    known = {one.name: desk.provider(one) for one in (fmcsa.PROVIDER, people_data_labs.PROVIDER)}
    monkeypatch.setattr(company_facts, "discover", lambda: known)
    return desk


def clues(operator: str = ACME, **changes: str) -> Clues:
    """What is known of a firm of the lake."""
    told = {name: value for name, value in _COMPANIES[operator].items() if value}
    return replace(Clues(operator, "", company_id=f"c-{operator}", country="United States"), **{**told, **changes})
