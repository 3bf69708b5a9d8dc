"""What `doctor` asks Notion: the token, the tickets database, its properties, and how tickets name operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from customer_research.connect.request_log import RequestLog
from customer_research.connect.source import Check, Subject
from customer_research.domain.check import Diagnosis
from customer_research.domain.names import text_key
from customer_research.domain.values import operator_id
from customer_research.errors import NotThere
from customer_research.sources.notion import normalise
from customer_research.sources.notion.live import NAME_PROPERTIES, in_bin, keys_of
from customer_research.sources.notion.matching import match
from customer_research.sources.notion.session import DATABASES_ONLY, NotionSession, Place, data_source_ids

SCOPES = ("Read content, on an integration that the tickets database is shared with",)
OPTIONAL = tuple(role for role in (*normalise.ROLES, "number") if role not in normalise.NEEDED)
_GENERIC = frozenset(map(text_key, normalise.GENERIC_TAGS))
_PERCENT = 100


async def token(session: NotionSession, _subject: Subject | None) -> Diagnosis:
    """Does the token open a workspace?"""
    log = session.http.log("doctor")
    me = await session.http.read("/users/me", log)
    found = f"{me.get('type') or 'user'} {me.get('name') or me.get('id')}"
    return Diagnosis("ok", found, "an integration's token")


async def database(session: NotionSession, _subject: Subject | None) -> Diagnosis:
    """Is the configured id a database or a data source, and which data sources has it?"""
    log = session.http.log("doctor")
    needed = "a database (or its data source) that is shared with the integration"
    try:
        body = await session.get_database(session.database, log)
    except NotThere:
        return await _as_data_source(session, needed, log)
    ids = data_source_ids(body)
    if session.version == DATABASES_ONLY:
        return Diagnosis("ok", f"a database, queried itself ({session.version})", needed)
    if len(ids) == 1:
        found = f"a database with the data source {ids[0]}"
        return Diagnosis("ok", found, needed, "", {"notion.tickets_data_source": ids[0]})
    if not ids:
        return Diagnosis("fail", "a database without a data source", needed, "Share its data source.")
    return Diagnosis("warn", f"a database with {len(ids)} data sources: {', '.join(ids)}", needed)


async def _as_data_source(session: NotionSession, needed: str, log: RequestLog) -> Diagnosis:
    fix = "Share the database with the integration and set notion.tickets_database to its id."
    if session.version == DATABASES_ONLY:
        return Diagnosis("fail", "no such database", needed, fix)
    try:
        await session.get_data_source(session.database, log)
    except NotThere:
        return Diagnosis("fail", "neither a database nor a data source has that id", needed, fix)
    return Diagnosis(
        "warn",
        "a data source, not a database",
        needed,
        "Set notion.tickets_data_source to that id.",
        {"notion.tickets_data_source": session.database},
    )


async def properties(session: NotionSession, _subject: Subject | None) -> Diagnosis:
    """Which of the tickets' properties exist?"""
    places = await session.all_places(session.http.log("doctor"))
    results = [_properties(place) for place in places if place.resembles] or [_properties(places[0])]
    worst = max(results, key=lambda result: _GRAVE.index(result.status))
    if len(places) == 1:
        return worst
    told = [
        f"“{place.name}”: {_properties(place).found if place.resembles else 'holds no tickets'}" for place in places
    ]
    return replace(worst, found="; ".join(told))


_GRAVE = ("ok", "warn", "fail")


def _properties(place: Place) -> Diagnosis:
    """Which properties tickets have at one place."""
    schema = place.schema
    needed = ", ".join(role.replace("_", " ") for role in normalise.NEEDED)
    shown = ", ".join(f"{item.name} ({item.type})" for item in schema.values()) or "none"
    gone = normalise.lacking(schema)
    if gone:
        fix = f"Restore them. {NAME_PROPERTIES}"
        return Diagnosis("fail", f"missing: {', '.join(gone)}; found: {shown}", needed, fix)
    dumb = normalise.unreadable(schema)
    if dumb:
        fix = "Make operator_id a text (or a rollup of one) and the others selects, or name a data source that has them so."
        return Diagnosis("fail", f"cannot be read: {', '.join(dumb)}; found: {shown}", needed, fix)
    strange = [
        name
        for name in schema["status"].options
        if normalise.is_open(name, (), schema["status"].groups.get(name.casefold())) is None
    ]
    if strange:
        fix = "Use Notion's status property, whose groups say what is closed; or rename the options back."
        return Diagnosis("warn", f"statuses of no known group: {', '.join(strange)}", needed, fix)
    absent = [role for role in OPTIONAL if role not in schema]
    if absent:
        fix = "Nothing breaks; tickets are matched by what there is."
        return Diagnosis("warn", f"{shown}; without {', '.join(absent)}", needed, fix)
    return Diagnosis("ok", shown, needed)


async def tagging(session: NotionSession, subject: Subject | None) -> Diagnosis:
    """How do the newest tickets name their operator? With a subject: by which paths are its own tickets found?"""
    log = session.http.log("doctor")
    places = await session.places(log)
    sample = [
        normalise.read_page(page, place.schema)
        for place in places
        for page in (await session.query(place, None, log, pages=1)).records
        if not in_bin(page)
    ]
    needed = "operator_id or an operator's tag on most tickets; titles and texts are only probable"
    if not sample:
        return Diagnosis("skipped", "no tickets", needed)
    counted = Counter(map(path_of, sample))
    found = f"of {len(sample)} newest: {_shares(counted, len(sample))}"
    if subject is not None:
        wanted = keys_of(session, subject)
        own = Counter(how[0] for ticket in sample if (how := match(ticket, wanted)) is not None)
        found += f"; this operator's: {', '.join(f'{n} by {path}' for path, n in own.most_common()) or 'none'}"
    certain = counted["operator_id"] + counted["tag"]
    if certain * 2 >= len(sample):
        return Diagnosis("ok", found, needed)
    fix = "Fill operator_id when tickets are made, or add tag aliases under notion.aliases."
    return Diagnosis("warn", found, needed, fix)


def path_of(ticket: normalise.Ticket) -> str:
    """How a ticket names its operator, as far as the ticket alone tells: operator_id, tag, or neither."""
    if any(operator_id(part) is not None for part in ticket.names("operator_id")):
        return "operator_id"
    if any(text_key(tag) not in _GENERIC for tag in ticket.names("tags")):
        return "tag"
    return "neither"


def _shares(counted: Counter[str], total: int) -> str:
    paths: Iterable[str] = ("operator_id", "tag", "neither")
    return ", ".join(f"{counted[path] * _PERCENT // total} % {path}" for path in paths)


CHECKS = (
    Check("token", "Does the token open a workspace?", token),
    Check("database", "Is the tickets id a database or a data source?", database),
    Check("properties", "Which of the tickets' properties exist?", properties),
    Check("tagging", "How do tickets name their operator?", tagging),
)
