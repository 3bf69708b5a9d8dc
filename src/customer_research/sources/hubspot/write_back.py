"""Writing to HubSpot's companies: properties in a group of our own, and nothing else.

What companies have is read first, so that only what differs is sent. Writing a value twice changes nothing, therefore a request may
be sent again. None of it is an activity: HubSpot's date of the last one stands, and no property that we read changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from customer_research.connect.concurrent import chunks
from customer_research.connect.request_log import RequestLog
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.urgency import LEVEL_LABELS
from customer_research.errors import BadAnswer, ConfigError
from customer_research.sources.hubspot.session import BATCH_SIZE, HubSpotSession

STREAM = "write_back"
GROUP = "customer_research"
SCORE, BAND, URGENCY, ACT_BY, SCORED_ON = (
    f"{GROUP}_{name}" for name in ("health_score", "health_band", "urgency", "act_by", "scored_on")
)
OR_SOONER = "_or_sooner"
"""Ending of an urgency where a silent source may hide a more urgent reason."""

Values = Mapping[str, str]
"""A company's values by property; an empty one is none."""

_URGENCIES = {
    f"{level}{ending}": f"{label}{words}".capitalize()
    for level, label in LEVEL_LABELS.items()
    for ending, words in (("", ""), (OR_SOONER, " or sooner"))
}


def _select(options: Mapping[str, str]) -> Mapping[str, Any]:
    listed = enumerate(options.items())
    told = [
        {"value": value, "label": words, "displayOrder": place, "hidden": False} for place, (value, words) in listed
    ]
    return {"type": "enumeration", "fieldType": "select", "options": told}


_NUMBER, _DATE = {"type": "number", "fieldType": "number"}, {"type": "date", "fieldType": "date"}

_DECLARED: tuple[tuple[str, str, Mapping[str, Any], str], ...] = (
    (SCORE, "Health score", _NUMBER, "0 to 100. Empty: not known, or a source that was silent leaves it open."),
    (BAND, "Health band", _select(BAND_LABELS), "What the health score means."),
    (URGENCY, "Urgency", _select(_URGENCIES), "How soon the operator needs somebody."),
    (ACT_BY, "Act by", _DATE, "Until when the urgency asks to act."),
    (
        SCORED_ON,
        "Health score as of",
        _DATE,
        "The day that the values are of: while they are written, a week ago at most.",
    ),
)

PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    name: {"name": name, "label": label, "groupName": GROUP, "description": about, **kind}
    for name, label, kind, about in _DECLARED
}
"""The properties that are written, as HubSpot's API describes them."""


async def lacking(session: HubSpotSession, log: RequestLog) -> tuple[str, ...]:
    """The properties of ours that the portal has not.

    Raises:
        ConfigError: one is there with another type: it is somebody else's.
        SourceError: HubSpot does not tell.
    """
    there = {str(one.get("name")): one.get("type") for one in await session.definitions("companies", log)}
    wrong = [name for name, one in PROPERTIES.items() if there.get(name, one["type"]) != one["type"]]
    if wrong:
        raise ConfigError(
            f"HubSpot's companies have another kind of property under the name of ours: {', '.join(wrong)}.",
            hint="Rename or delete it in HubSpot, then run this again with --prepare.",
        )
    return tuple(name for name in PROPERTIES if name not in there)


async def add(session: HubSpotSession, names: Sequence[str], log: RequestLog) -> None:
    """Add properties of ours to the portal, and their group where it is not there.

    Raises:
        SourceError: HubSpot refuses; what was added before stays.
    """
    path = f"{session.paths.properties}/companies"
    groups = session.http.results(await session.http.read(f"{path}/groups", log), log)
    if GROUP not in {str(one.get("name")) for one in groups}:
        made = {"name": GROUP, "label": "Customer research", "displayOrder": -1}
        await session.http.post(f"{path}/groups", json=made, log=log, safe=False)
    for name in names:
        await session.http.post(path, json=PROPERTIES[name], log=log, safe=False)


async def held(session: HubSpotSession, companies: Sequence[str]) -> Mapping[str, Values]:
    """What companies have of ours now, by id; those that HubSpot has not are left out.

    Raises:
        SourceError: HubSpot does not tell.
    """
    rows: list[Mapping[str, Any]] = []
    for ids in chunks(companies, BATCH_SIZE):
        rows += (await session.batch_read("companies", ids, tuple(PROPERTIES), session.log(STREAM))).rows
    return {str(row.get("id")): _values(row.get("properties") or {}) for row in rows}


def _values(given: Mapping[str, Any]) -> Values:
    return {name: _text(given.get(name), one["type"]) for name, one in PROPERTIES.items()}


def _text(value: Any, kind: str) -> str:
    """A value as it is written; a day may come back with its midnight."""
    told = "" if value is None else str(value)
    return told.partition("T")[0] if kind == "date" else told


@dataclass(slots=True)
class Taken:
    """What became of companies that were to be written: those that HubSpot took, and why it refused others."""

    written: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)


async def write(session: HubSpotSession, values: Mapping[str, Values], taken: Taken) -> None:
    """Give companies these values, up to 100 a request; what becomes of each is noted in `taken` as it happens.

    Raises:
        SourceError: HubSpot did not take a request; what was written before stands.
    """
    for ids in chunks(values, BATCH_SIZE):
        await _write(session, {one: values[one] for one in ids}, taken)


async def _write(session: HubSpotSession, values: Mapping[str, Values], taken: Taken) -> None:
    log = session.log(STREAM)
    body = {"inputs": [{"id": one, "properties": dict(given)} for one, given in values.items()]}
    path = f"{session.paths.objects}/companies/batch/update"
    try:
        reply = session.http.mapping(await session.http.post(path, json=body, log=log), log)
    except BadAnswer as error:  # one value that a rule of the portal refuses has the whole request refused
        ids = list(values)
        if len(ids) == 1:
            taken.refused[ids[0]] = error.message
            return
        for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
            await _write(session, {one: values[one] for one in half}, taken)
        return
    done = {str(row.get("id")) for row in session.http.results(reply, log)}
    taken.written |= done & values.keys()
    taken.refused |= {one: _why(reply, one) for one in values.keys() - done}


def _why(reply: Mapping[str, Any], company: str) -> str:
    """What HubSpot says of a company that it did not take."""
    errors = [one for one in reply.get("errors") or () if isinstance(one, Mapping)]
    named = [one for one in errors if company in map(str, (one.get("context") or {}).get("ids") or ())]
    return next(
        (str(one.get("message")) for one in (*named, *errors) if one.get("message")), "HubSpot does not say why."
    )
