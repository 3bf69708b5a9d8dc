"""Who is it, when the lookup directory is out of reach: the CRM knows companies by name, domain, e-mail and its own id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer_research.connect.recording import Recording
from customer_research.connect.source import Found
from customer_research.domain import values
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.sources.hubspot.session import HubSpotSession

SEARCHED: Mapping[str, tuple[str, str]] = {
    "operator_id": ("operator", "IN"),
    "hubspot_id": ("hs_object_id", "EQ"),
    "domain": ("domain", "EQ"),
    "phone": ("phone", "CONTAINS_TOKEN"),
    "name": ("name", "CONTAINS_TOKEN"),
}
"""Kind of reading → the company property that is searched and how; `operator` stands for the property in use (C01)."""

SHOWN = ("name", "domain", "city", "phone")
LIMIT = 100


async def find(session: HubSpotSession, readings: tuple[Interpretation, ...]) -> Found:
    """Companies that answer to the term and carry an operator id. Names are searched by their words.

    Several operator ids are searched at once.
    """
    recording = session.recording("find")
    holder = await session.operator_property(recording)
    reading = next((reading for reading in readings if reading.kind in SEARCHED), None)
    if holder is None or reading is None:
        return Found((), ())
    rows = await _search(session, reading, [r.value for r in readings if r.kind == reading.kind], holder, recording)
    receipt = recording.receipt(rows)
    found = tuple(candidate for row in rows if (candidate := _candidate(row, holder, receipt.id)) is not None)
    return Found(found, (receipt,))


async def _search(
    session: HubSpotSession, reading: Interpretation, values: list[str], holder: str, recording: Recording
) -> list[Mapping[str, Any]]:
    name, operator = SEARCHED[reading.kind]
    named = holder if name == "operator" else name
    term = {"values": values} if operator == "IN" else {"value": _searched(reading)}
    body = {
        "filterGroups": [{"filters": [{"propertyName": named, "operator": operator, **term}]}],
        "properties": [*SHOWN, holder],
        "limit": LIMIT,
    }
    path = f"{session.paths.objects}/companies/search"
    reply = session.http.mapping(await session.http.post(path, json=body, recording=recording), recording)
    return session.http.results(reply, recording)


def _searched(reading: Interpretation) -> str:
    """The value as the search wants it: the last digits of a phone, else as normalised."""
    return reading.value[-10:] if reading.kind == "phone" else reading.value


def _candidate(row: Mapping[str, Any], holder: str, fetch_id: str) -> Candidate | None:
    shown = row.get("properties") or {}
    operator_id = values.operator_id(shown.get(holder))
    if operator_id is None:
        return None
    return Candidate(
        operator_id=operator_id,
        name=shown.get("name") or "",
        phone=shown.get("phone"),
        domain=shown.get("domain"),
        city=shown.get("city"),
        hubspot_id=str(row.get("id")),
        proof=(fetch_id,),
    )
