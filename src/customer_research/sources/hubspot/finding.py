"""Who is it: the CRM knows companies when the lookup directory is out of reach, and whose contact somebody is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from customer_research.connect.recording import Recording
from customer_research.connect.source import Found, Whose
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
"""Kind of reading → the company property that is searched and how; `operator` stands for the property in use."""

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


async def whose(
    session: HubSpotSession, readings: tuple[Interpretation, ...], _directory: Sequence[Candidate] = ()
) -> Whose:
    """The operators of the companies whose contact has this very e-mail address, telephone number or full name."""
    reading = next((reading for reading in readings if reading.kind in _CONTACTS), None)
    if reading is None:
        return Whose()
    recording = session.recording("find_contact")
    holder = await session.operator_property(recording)
    if holder is None:
        return Whose()
    body = {**_CONTACTS[reading.kind](reading.value), "properties": list(_CONTACT), "limit": LIMIT}
    path = f"{session.paths.objects}/contacts/search"
    reply = session.http.mapping(await session.http.post(path, json=body, recording=recording), recording)
    people = [row for row in session.http.results(reply, recording) if _is(row.get("properties") or {}, reading)]
    ids = [str(row["id"]) for row in people]
    linked = await session.associations("contacts", "companies", ids, recording) if ids else {}
    companies = list(dict.fromkeys(one for found in linked.values() for one in found))
    read = await session.batch_read("companies", companies, [holder], recording) if companies else None
    told = [values.operator_id((row.get("properties") or {}).get(holder)) for row in (read.rows if read else ())]
    owners = tuple((f"contact_{reading.kind}", one) for one in dict.fromkeys(told) if one is not None)
    return Whose(owners, (recording.receipt(people),))


_CONTACT = ("firstname", "lastname", "email", "phone")
_LAST_DIGITS, _NORTH_AMERICAN = 4, 11


def _ending(phone: str) -> dict[str, Any]:
    """Telephone numbers stand in any form: those that end alike are asked for, and compared by their digits."""
    found = {"propertyName": "phone", "operator": "CONTAINS_TOKEN", "value": f"*{phone[-_LAST_DIGITS:]}"}
    return {"filterGroups": [{"filters": [found]}]}


_CONTACTS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "email": lambda value: {
        "filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": value}]}]
    },
    "phone": _ending,
    "name": lambda value: {"query": value},
}
"""Kind of reading → how contacts that may be meant are asked for."""


def _is(person: Mapping[str, Any], reading: Interpretation) -> bool:
    """Whether the person has this very address, number or full name."""
    if reading.kind == "phone":
        return _digits(str(person.get("phone") or "")) == _digits(reading.value)
    if reading.kind == "email":
        return str(person.get("email") or "").casefold() == reading.value
    names = [str(person.get(name) or "") for name in ("firstname", "lastname")]
    return all(names) and _plain(" ".join(names)) == _plain(reading.value)


def _digits(phone: str) -> str:
    """A number's digits, without an extension and without the North American country code."""
    digits = "".join(char for char in re.split("(?i)ext|x", phone)[0] if char.isdecimal())
    return digits.removeprefix("1") if len(digits) == _NORTH_AMERICAN else digits


def _plain(name: str) -> str:
    """A name for comparing: without accents, case and double blanks."""
    letters = (char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return " ".join("".join(letters).casefold().split())


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
