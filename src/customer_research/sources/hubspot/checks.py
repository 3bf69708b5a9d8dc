"""What `doctor` asks HubSpot: the token's scopes, the operator property, the deal stages and the history of properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer_research.connect.concurrent import together
from customer_research.connect.request_log import RequestLog
from customer_research.connect.source import Check, Subject
from customer_research.domain import values
from customer_research.domain.check import Diagnosis
from customer_research.errors import BadAnswer, Denied, SourceError
from customer_research.sources.hubspot import normalise
from customer_research.sources.hubspot.session import HubSpotSession
from customer_research.sources.hubspot.states import FOLLOWED

SAMPLE = 100
_HALF = 0.5

_PROBES: tuple[tuple[str, str, str], ...] = (
    ("companies", "objects", "crm.objects.companies.read"),
    ("contacts", "objects", "crm.objects.contacts.read"),
    ("deals", "objects", "crm.objects.deals.read"),
    ("notes", "objects", "crm.objects.contacts.read"),
    ("calls", "objects", "crm.objects.contacts.read"),
    ("meetings", "objects", "crm.objects.contacts.read"),
    ("owners", "owners", "crm.objects.owners.read"),
    ("companies", "properties", "crm.schemas.companies.read"),
    ("deals", "properties", "crm.schemas.deals.read"),
    ("emails", "objects", "sales-email-read"),
)
SCOPES = tuple(dict.fromkeys(scope for _, _, scope in _PROBES))
"""Scopes the credential needs; notes, calls and meetings come with those of contacts."""


async def scopes(session: HubSpotSession, _subject: Subject | None) -> Diagnosis:
    """Reads one record of everything that the stream reads."""
    log = session.log("doctor")
    refused = await together(*(_refused(session, *probe, log) for probe in _PROBES))
    lacking = tuple(dict.fromkeys(scope for scope in refused if scope is not None))
    needed = f"Read access: {', '.join(SCOPES)}"
    if len([scope for scope in refused if scope is not None]) == len(_PROBES):
        return Diagnosis(
            "fail", "HubSpot refuses the token everywhere", needed, "Set hubspot.token to a valid service key."
        )
    if lacking:
        return Diagnosis(
            "fail",
            f"Refused for lack of: {', '.join(lacking)}",
            needed,
            f"Add {', '.join(lacking)} to the key.",
        )
    return Diagnosis("ok", "All objects can be read", needed)


async def _refused(session: HubSpotSession, name: str, area: str, scope: str, log: RequestLog) -> str | None:
    path = {
        "objects": f"{session.paths.objects}/{name}",
        "owners": session.paths.owners,
        "properties": f"{session.paths.properties}/{name}",
    }[area]
    try:
        await session.http.get(path, params=None if area == "properties" else {"limit": 1}, log=log)
    except Denied:
        return scope
    return None


async def operator_property(session: HubSpotSession, _subject: Subject | None) -> Diagnosis:
    """Which configured property exists, and on a sample how often it holds something that is an operator id."""
    log = session.log("doctor")
    definitions = await session.definitions("companies", log)
    names = [str(item.get("name")) for item in definitions]
    wanted = ", ".join(session.operator_properties)
    existing = [name for name in session.operator_properties if name in names]
    if not existing:
        near = [name for name in names if "operator" in name or "moovs" in name]
        return Diagnosis(
            "fail",
            f"None of {wanted}; similar: {', '.join(near) or 'none'}",
            "A company property that holds the operator id",
            "Name it in hubspot.operator_properties.",
        )
    return _filled(existing[0], await _sample(session, existing[0], log))


async def _sample(session: HubSpotSession, name: str, log: RequestLog) -> list[Mapping[str, Any]]:
    path = f"{session.paths.objects}/companies"
    body = await session.http.read(path, log, params={"limit": SAMPLE, "properties": name})
    return session.http.results(body, log)


def _filled(name: str, sample: list[Mapping[str, Any]]) -> Diagnosis:
    told = [normalise.text((row.get("properties") or {}).get(name)) for row in sample]
    held = [value for value in told if value is not None]
    good = [value for value in held if values.operator_id(value) is not None]
    changed = [value for value in good if values.operator_id(value) != value]
    found = f"{name}: {len(held)} of {len(sample)} sampled companies have it, {len(good)} hold an operator id"
    if changed:
        found += f", {len(changed)} of them in another spelling (normalised by the search)"
    enough = bool(sample) and len(good) >= _HALF * len(sample)
    return Diagnosis(
        "ok" if enough else "warn",
        found,
        "An operator id on at least half of the companies",
        "" if enough else "Fill the property, or rely on the CSM view's HubSpot ids.",
        {"hubspot.operator_properties": [name]},
    )


async def deal_states(session: HubSpotSession, _subject: Subject | None) -> Diagnosis:
    """Whether HubSpot's own closed flags exist; else whether the pipelines, or the closed list, tell of every stage."""
    log = session.log("doctor")
    needed = "hs_is_closed and hs_is_closed_won, or pipelines that say what closed is, or stages of the closed list"
    try:
        definitions = await session.definitions("deals", log)
    except SourceError as error:
        return Diagnosis("fail", error.message, needed, error.hint)
    if {"hs_is_closed", "hs_is_closed_won"} <= {item.get("name") for item in definitions}:
        return Diagnosis("ok", "HubSpot says of each deal whether it is closed and won", needed)
    pipelines = {
        str(option.get("value"))
        for item in definitions
        if item.get("name") == "pipeline"
        for option in item.get("options") or ()
    }
    strange = [
        stage.label
        for identifier, stage in (await session.stages(log)).items()
        if identifier not in pipelines
        and stage.is_open is None
        and normalise.stage_key(stage.label) not in _KNOWN_STAGES
    ]
    if strange:
        found = f"Stages of no known state: {', '.join(sorted(set(strange)))}"
        return Diagnosis("warn", found, needed, "Let the token read hs_is_closed of deals.")
    return Diagnosis("ok", "Every stage is named by its pipeline or is on the closed list", needed)


async def history(session: HubSpotSession, _subject: Subject | None) -> Diagnosis:
    """Whether HubSpot tells what the properties that figures of the past rest on have been."""
    log = session.log("doctor")
    needed = f"The history of properties of {', '.join(FOLLOWED)}: what they were before the first sync"
    try:
        told = await together(*(_has_history(session, kind, log) for kind in FOLLOWED))
    except SourceError as error:
        return Diagnosis("fail", error.message, needed, error.hint)
    refused = [kind for kind, is_told in zip(FOLLOWED, told, strict=True) if not is_told]
    if not refused:
        return Diagnosis("ok", "HubSpot gives the history of properties", needed)
    return Diagnosis(
        "warn",
        f"HubSpot does not give the history of {', '.join(refused)}",
        needed,
        "Allow it and run `customer-research sync hubspot --full`; else dates before the first sync are scored without it.",
    )


async def _has_history(session: HubSpotSession, kind: str, log: RequestLog) -> bool:
    path, names = f"{session.paths.objects}/{kind}", ",".join(FOLLOWED[kind])
    try:
        body = await session.http.read(path, log, params={"limit": 1, "propertiesWithHistory": names})
    except (Denied, BadAnswer):
        return False
    return all("propertiesWithHistory" in row for row in session.http.results(body, log))


_KNOWN_STAGES = normalise.OPEN_STAGES | normalise.WON_STAGES | normalise.LOST_STAGES

CHECKS = (
    Check("token", "May the token read everything that is needed?", scopes),
    Check("operator_property", "Which company property holds the operator id, and how full is it?", operator_property),
    Check("deal_states", "Is it known of every deal stage whether it is open, won or lost?", deal_states),
    Check("history", "Is it known what deals, companies and contacts were before the first sync?", history),
)
