"""Writing to HubSpot's companies: properties in a group of our own, and nothing else.

What companies have is read first, so that only what differs is sent. Writing a value twice changes nothing, therefore a request may
be sent again. None of it is an activity: HubSpot's date of the last one stands, and no property that we read changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from customer_research.connect.concurrent import chunks
from customer_research.connect.request_log import RequestLog
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.urgency import LEVEL_LABELS
from customer_research.errors import BadAnswer, ConfigError, Truncated
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
    """The properties of ours that the portal's companies have not.

    Raises:
        ConfigError, SourceError: as `lacking_of`.
    """
    return await lacking_of(session, "companies", PROPERTIES, log)


async def lacking_of(
    session: HubSpotSession, kind: str, wanted: Mapping[str, Mapping[str, Any]], log: RequestLog
) -> tuple[str, ...]:
    """Of these properties those that the portal's records of a type have not.

    Raises:
        ConfigError: one is there with another type: it is somebody else's.
        SourceError: HubSpot does not tell; `Truncated`: its list leaves out what it has.
    """
    there = {str(one.get("name")): one for one in await session.definitions(kind, log)}
    wrong = [name for name, one in wanted.items() if name in there and not _alike(there[name], one)]
    if wrong:
        raise ConfigError(
            f"HubSpot's {kind} have another kind of property under the name of ours: {', '.join(wrong)}.",
            hint="Rename or delete it in HubSpot, then run this again with --prepare.",
        )
    lacking = tuple(name for name in wanted if name not in there)
    for name in lacking:  # the list has no count of its own: only the property itself tells that it is not there
        if await session.has_property(kind, name, log):
            sentence = f"HubSpot did not give all properties of {kind}: {name} is there, and not in its list."
            raise session.http.error(Truncated, sentence, log.stream, "Run the same command again.")
    return lacking


def _alike(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a property is of the kind that is wanted: its type, and that no two records have the same value, where that is wanted."""
    unique = not wanted.get("hasUniqueValue") or bool(there.get("hasUniqueValue"))
    return there.get("type") == wanted["type"] and unique


async def add(session: HubSpotSession, names: Sequence[str], log: RequestLog) -> None:
    """Add properties of ours to the portal's companies.

    Raises:
        SourceError: as `add_to`.
    """
    await add_to(session, "companies", [PROPERTIES[name] for name in names], log)


async def add_to(session: HubSpotSession, kind: str, made: Sequence[Mapping[str, Any]], log: RequestLog) -> None:
    """Add properties to the portal's records of a type, and their group where it is not there.

    Raises:
        SourceError: HubSpot refuses; what was added before stays.
    """
    path = f"{session.paths.properties}/{kind}"
    groups = session.http.results(await session.http.read(f"{path}/groups", log), log)
    if GROUP not in {str(one.get("name")) for one in groups}:
        group = {"name": GROUP, "label": "Customer research", "displayOrder": -1}
        await session.http.post(f"{path}/groups", json=group, log=log, safe=False)
    for one in made:
        await session.http.post(path, json=one, log=log, safe=False)


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
    """What became of records that were to be written: those that HubSpot took, and why it refused others."""

    written: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)


async def write(session: HubSpotSession, values: Mapping[str, Values], taken: Taken) -> None:
    """Give companies these values, up to 100 a request; what becomes of each is noted in `taken` as it happens.

    Raises:
        SourceError: HubSpot did not take a request; what was written before stands.
    """
    path = f"{session.paths.objects}/companies/batch/update"
    await give(session, path, {one: {"id": one, "properties": dict(given)} for one, given in values.items()}, taken)


def own_id(row: Mapping[str, Any]) -> str:
    """The id of a record of an answer."""
    return str(row.get("id"))


async def give(
    session: HubSpotSession,
    path: str,
    inputs: Mapping[str, Mapping[str, Any]],
    taken: Taken,
    *,
    named: Callable[[Mapping[str, Any]], str] = own_id,
) -> None:
    """Send records by their names, up to 100 a request; `named` tells whose a record of the answer is.

    Raises:
        SourceError: as `write`.
    """
    for names in chunks(inputs, BATCH_SIZE):
        await _give(session, path, {one: inputs[one] for one in names}, taken, named)


async def _give(
    session: HubSpotSession,
    path: str,
    inputs: Mapping[str, Mapping[str, Any]],
    taken: Taken,
    named: Callable[[Mapping[str, Any]], str],
) -> None:
    log = session.log(STREAM)
    try:
        sent = await session.http.post(path, json={"inputs": list(inputs.values())}, log=log)
    except BadAnswer as error:  # one value that a rule of the portal refuses has the whole request refused
        names = list(inputs)
        if len(names) == 1:
            taken.refused[names[0]] = error.message
            return
        for half in (names[: len(names) // 2], names[len(names) // 2 :]):
            await _give(session, path, {one: inputs[one] for one in half}, taken, named)
        return
    reply = session.http.mapping(sent, log)
    done = {named(row) for row in session.http.results(reply, log)}
    taken.written |= done & inputs.keys()
    taken.refused |= {one: _why(reply, one) for one in inputs.keys() - done}


def _why(reply: Mapping[str, Any], record: str) -> str:
    """What HubSpot says of a record that it did not take."""
    errors = [one for one in reply.get("errors") or () if isinstance(one, Mapping)]
    named = [one for one in errors if record in map(str, (one.get("context") or {}).get("ids") or ())]
    return next(
        (str(one.get("message")) for one in (*named, *errors) if one.get("message")), "HubSpot does not say why."
    )
