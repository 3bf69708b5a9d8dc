"""HubSpot's records as canonical rows; pure.

HubSpot gives every property as text (or null), and leaves out a property that does not exist or was not asked for: so an
asked-for property that is absent from the answer is a property the portal does not have. Money is a decimal text in major
units, instants are ISO 8601 or epoch milliseconds, call durations are milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

from customer_research.connect.source import Row
from customer_research.domain import values
from customer_research.domain.money import to_minor
from customer_research.domain.records import names
from customer_research.domain.values import LEGACY, operator_id
from customer_research.errors import SchemaChanged
from customer_research.sources.hubspot.mentions import mentions_cancellation, mentions_champion_left

SOURCE_NAME = "hubspot"
STREAM = "relationship"

text = values.text
flag = values.lenient(values.flag)
_number = values.lenient(values.number)
_instant = values.lenient(values.instant)
"""How properties are read: as everywhere (`domain.values`), but for nonsense, which is nothing."""

COMPANY_PROPERTIES = names(
    "name domain industry city state country phone website lifecyclestage hs_lead_status createdate notes_last_updated "
    "hubspot_owner_id customer_segment moovs_fleet_size contract_end_date renewal_date"
)
_COMPANY_TEXTS = "name domain industry city state country phone website customer_segment"
CONTACT_PROPERTIES = names(
    "firstname lastname email phone jobtitle createdate lastmodifieddate contact_status left_company_date"
)
DEAL_PROPERTIES = names(
    "dealname amount deal_currency_code dealstage pipeline closedate createdate dealtype closed_lost_reason hs_is_closed "
    "hs_is_closed_won"
)
_LOGGED = ("hs_timestamp", "hs_createdate", "hubspot_owner_id")
ENGAGEMENT_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "notes": (*_LOGGED, "hs_note_body"),
    "emails": (*_LOGGED, "hs_email_subject", "hs_email_text"),
    "calls": (*_LOGGED, "hs_call_title", "hs_call_body", "hs_call_duration"),
    "meetings": (*_LOGGED, "hs_meeting_title", "hs_meeting_body", "hs_meeting_start_time"),
}
"""Properties asked for, by object type: one that is not asked for is absent from the answer."""

ENGAGEMENT_TYPES: Mapping[str, str] = {"notes": "note", "emails": "email", "calls": "call", "meetings": "meeting"}
_TITLES = ("hs_email_subject", "hs_call_title", "hs_meeting_title")
_BODIES = ("hs_note_body", "hs_email_text", "hs_call_body", "hs_meeting_body")

NEEDED: Mapping[str, tuple[str, ...]] = {
    "companies": ("name", "createdate"),
    "contacts": ("email", "createdate"),
    "deals": ("dealstage", "createdate"),
    **dict.fromkeys(ENGAGEMENT_PROPERTIES, ("hs_timestamp",)),
}
"""HubSpot's own properties without which an object type's figures cannot be made."""


def _stages(listed: str) -> frozenset[str]:
    """The stages of a list written with commas."""
    return frozenset(listed.split(", "))


DEFAULT_CURRENCY = "USD"
"""Currency of a deal that names none."""

OPEN_STAGES = _stages(
    "lead, pql, opportunity, interest, discovery, discovery call, demo, negotiation, prospecting, contract, "
    "contract sent, contractsent, onboarding, appointmentscheduled, appointment scheduled, qualifiedtobuy, "
    "qualified to buy, presentationscheduled, presentation scheduled, decisionmakerboughtin, decision maker bought in"
)
WON_STAGES = _stages(
    "closedwon, closed won, won, paid, paid account, fully onboarded, paid account fully onboarded, "
    "fully onboarded paid account"
)
LOST_STAGES = _stages(
    "closedlost, closed lost, lost, lost paid, closed lost formerly paid, formerly paid, lost formerly paid"
)
"""Deal stages by label or id (as met, and HubSpot's default pipeline), as `stage_key` writes them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the portal says of a deal stage (or, without the states, of a pipeline): its label, and what a deal in it is.

    `is_open` and `is_won` are None where the portal says only the label.
    """

    label: str
    is_open: bool | None = None
    is_won: bool | None = None


_PIPELINE_WORDS = frozenset(["smb", "mid", "market", "midmarket", "enterprise", "ent", "addon", "pipeline"])
_EXPANSION_PIPELINES = frozenset(["addon", "add on"])
_LEFT_WORDS = frozenset(["left", "left company", "left the company", "former", "former employee", "departed", "gone"])


def modified_property(object_type: str) -> str:
    """The property that says when a record was last changed."""
    return "lastmodifieddate" if object_type == "contacts" else "hs_lastmodifieddate"


def properties_of(record: Mapping[str, Any], object_type: str) -> Mapping[str, str | None]:
    """A record's properties; `createdate` is the record's own `createdAt` where the property is empty.

    Raises:
        SchemaChanged: the record has no properties, or lacks one that its figures need.
    """
    properties = record.get("properties")
    missing = NEEDED[object_type]
    if isinstance(properties, Mapping):
        missing = tuple(name for name in missing if name not in properties)
        if not missing and record.get("id") is not None:
            told = properties.get("createdate") or "createdate" not in properties
            return properties if told else {**properties, "createdate": _shown_date(record)}
    named = ", ".join(missing) or "id"
    raise SchemaChanged(
        f"HubSpot's {object_type} came without {named}.",
        source=SOURCE_NAME,
        stream=STREAM,
        hint="Check that the token may read these properties; `customer-research doctor --online` lists the scopes.",
    )


def company_row(record: Mapping[str, Any], operator_id: str, *, linked_by: str, owner_name: str | None) -> Row:
    """The `company` row of a record; `linked_by` says how it was found (csm, property)."""
    given = properties_of(record, "companies")
    return {
        "operator_id": operator_id,
        "company_id": str(record["id"]),
        **values.by_name(lambda name: text(given.get(name)), _COMPANY_TEXTS),
        "lifecycle_stage": text(given.get("lifecyclestage")),
        "lead_status": text(given.get("hs_lead_status")),
        "owner_id": text(given.get("hubspot_owner_id")),
        "owner_name": owner_name,
        "fleet_size": values.bucket(given.get("moovs_fleet_size")),
        "contract_end_date": day(given.get("contract_end_date")),
        "renewal_date": day(given.get("renewal_date")),
        "created_at": instant(given.get("createdate")),
        "last_contacted_at": instant(given.get("notes_last_updated")),
        "linked_by": linked_by,
    }


def contact_row(record: Mapping[str, Any], operator_id: str, *, is_primary: bool) -> Row:
    """The `contact` row of a record."""
    given = properties_of(record, "contacts")
    spelt = [part for part in (text(given.get("firstname")), text(given.get("lastname"))) if part is not None]
    return {
        "operator_id": operator_id,
        "contact_id": str(record["id"]),
        "name": " ".join(spelt) if spelt else None,
        "email": text(given.get("email")),
        "phone": text(given.get("phone")),
        "job_title": text(given.get("jobtitle")),
        "is_primary": is_primary,
        "has_left": has_left(given),
        "created_at": instant(given.get("createdate")),
        "modified_at": instant(given.get("lastmodifieddate")),
    }


def has_left(given: Mapping[str, str | None]) -> bool | None:
    """Whether a contact is marked as having left; None where the portal has no property that could say so."""
    if "contact_status" not in given and "left_company_date" not in given:
        return None
    status = text(given.get("contact_status"))
    marked = status is not None and " ".join(_words(status)) in _LEFT_WORDS
    return marked or text(given.get("left_company_date")) is not None


def deal_row(record: Mapping[str, Any], operator_id: str, *, stages: Mapping[str, Stage]) -> Row:
    """The `deal` row of a record; `stages` has stages and pipelines by id, as far as they were asked for."""
    given = properties_of(record, "deals")
    stage, pipeline = text(given.get("dealstage")), text(given.get("pipeline"))
    known, listed = stages.get(stage or ""), stages.get(pipeline or "")
    stage, pipeline = known.label if known else stage, listed.label if listed else pipeline
    currency = (text(given.get("deal_currency_code")) or DEFAULT_CURRENCY).upper()
    is_open, is_won = deal_state(given, known or Stage(stage or ""))
    kind = text(given.get("dealtype"))
    return {
        "operator_id": operator_id,
        "deal_id": str(record["id"]),
        "name": text(given.get("dealname")),
        "pipeline": pipeline,
        "stage": stage,
        "deal_type": kind,
        "amount_minor": minor(given.get("amount"), currency),
        "currency": currency,
        "is_open": is_open,
        "is_won": is_won,
        "is_expansion": is_expansion(pipeline, kind),
        "close_date": instant(given.get("closedate")),
        "closed_lost_reason": text(given.get("closed_lost_reason")),
        "created_at": instant(given.get("createdate")),
    }


def deal_state(given: Mapping[str, str | None], stage: Stage) -> tuple[bool | None, bool | None]:
    """Whether a deal is open and whether it is won: HubSpot's flags of the deal, those of its stage, the closed list of stages.

    None stands for a stage that none of them tells of.
    """
    closed, won = flag(given.get("hs_is_closed")), flag(given.get("hs_is_closed_won"))
    if closed is not None and (won is not None or not closed):
        return not closed, bool(won)
    if stage.is_open is not None:
        return stage.is_open, bool(stage.is_won)
    key = stage_key(stage.label)
    if key in LOST_STAGES:
        return False, False
    if key in WON_STAGES:
        return False, True
    if key in OPEN_STAGES:
        return True, False
    return None, None


def stage_unknown(record: Mapping[str, Any]) -> bool:
    """Whether the deal itself does not say what it is: its stage has to."""
    return deal_state(properties_of(record, "deals"), Stage(""))[0] is None


def stage_of(told: Mapping[str, Any]) -> Stage:
    """A stage of a pipeline as HubSpot describes it: `isClosed`, and the probability, which is 1 where deals are won."""
    given = told.get("metadata") or {}
    closed, likely = flag(given.get("isClosed")), _number(text(given.get("probability")))
    if closed is None and likely is not None:
        closed = likely in {0, 1}
    is_won = None if closed is None or likely is None else closed and likely == 1
    is_open = None if closed is None or (closed and is_won is None) else not closed
    return Stage(str(told.get("label") or "").strip(), is_open, is_won if is_open is not None else None)


def stage_key(stage: str) -> str:
    """A stage's label or id for comparison: words only, pipeline names dropped ("smb_paid" → "paid")."""
    return " ".join(word for word in _words(stage) if word not in _PIPELINE_WORDS)


def is_expansion(pipeline: str | None, deal_type: str | None) -> bool:
    """Whether a deal grows an existing customer: the add-on pipeline, or HubSpot's existing-business type."""
    words = [word for word in _words(pipeline or "") if word != "pipeline"]
    return " ".join(words) in _EXPANSION_PIPELINES or "".join(_words(deal_type or "")) == "existingbusiness"


def engagement_row(record: Mapping[str, Any], operator_id: str, *, object_type: str) -> Row:
    """The `engagement` row of a note, e-mail, call or meeting; bodies are given as plain text."""
    given = properties_of(record, object_type)
    title, body = _first(given, _TITLES), _first(given, _BODIES)
    spoken = "\n".join(part for part in (title, body) if part is not None)
    logged = instant(given.get("hs_createdate")) or instant(_shown_date(record))
    occurred = instant(given.get("hs_timestamp")) or instant(given.get("hs_meeting_start_time")) or logged
    return {
        "operator_id": operator_id,
        "engagement_id": str(record["id"]),
        "type": ENGAGEMENT_TYPES[object_type],
        "title": title,
        "body": body,
        "duration_seconds": seconds(given.get("hs_call_duration")),
        "owner_id": text(given.get("hubspot_owner_id")),
        "occurred_at": occurred,
        "created_at": logged if logged is not None else occurred,
        "mentions_cancellation": mentions_cancellation(spoken),
        "mentions_champion_left": mentions_champion_left(spoken),
    }


def _shown_date(record: Mapping[str, Any]) -> str | None:
    created = record.get("createdAt")
    return created if isinstance(created, str) else None


def _first(given: Mapping[str, str | None], names: Sequence[str]) -> str | None:
    found = (plain(value) for value in map(given.get, names) if value is not None)
    return next((value for value in found if value is not None), None)


def associated(record: Mapping[str, Any], object_type: str) -> tuple[str, ...]:
    """Ids of the associated objects of a type, each once, in HubSpot's order (it lists one per association label)."""
    results = _association(record, object_type).get("results") or ()
    return tuple(dict.fromkeys(str(item["id"]) for item in results if isinstance(item, Mapping) and "id" in item))


def association_cursor(record: Mapping[str, Any], object_type: str) -> str | None:
    """Where the associations of a type go on, when the record does not list them all."""
    following = (_association(record, object_type).get("paging") or {}).get("next")
    return None if following is None else str(following.get("after") or "")


def _association(record: Mapping[str, Any], object_type: str) -> Mapping[str, Any]:
    found = (record.get("associations") or {}).get(object_type) or {}
    return found if isinstance(found, Mapping) else {}


def owner_label(owner: Mapping[str, Any]) -> str | None:
    """An owner's name, else the e-mail address."""
    spelt = [part for part in (text(owner.get("firstName")), text(owner.get("lastName"))) if part is not None]
    return " ".join(spelt) if spelt else text(owner.get("email"))


def searchable_operator_id(value: str | None) -> str | None:
    """The operator whose search finds a company with this value of the operator property; None: nobody's does."""
    found = operator_id(value)
    if found is None or value is None:
        return None
    return found if value.casefold() in operator_id_spellings(found) else None


def operator_id_spellings(operator_id: str) -> list[str]:
    """The lower-case spellings under which a portal may hold an operator id (a search compares whole values)."""
    if operator_id.startswith(LEGACY):
        return [operator_id.removeprefix(LEGACY)]
    return [operator_id, operator_id.replace("-", ""), f"op_{operator_id}", f"operator-{operator_id}"]


def plain(value: str | None) -> str | None:
    """A rich text as plain text: tags dropped (blocks become lines), entities read."""
    if value is None:
        return None
    reader = _PlainText()
    reader.feed(value)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return text("\n".join(line for line in lines if line))


class _PlainText(HTMLParser):
    """Collects the text of a rich text; scripts and styles have none."""

    _BLOCKS = frozenset(["br", "p", "div", "li", "tr", "ul", "ol", "table", "blockquote", "h1", "h2", "h3"])
    _SILENT = frozenset(["script", "style"])

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line at a block; fall silent in a script."""
        del attrs
        self._silent += tag in self._SILENT
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a line at a block; speak again after a script."""
        self._silent = max(self._silent - (tag in self._SILENT), 0)
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        if not self._silent:
            self.parts.append(data)


def instant(value: str | None) -> datetime | None:
    """An instant from ISO 8601 or epoch milliseconds, in UTC (a date is its midnight); None for null and nonsense."""
    given = text(value)
    if given is None:
        return None
    if not re.fullmatch(r"-?\d{6,}(?:\.0+)?", given):
        return _instant(given)
    try:
        return datetime.fromtimestamp(int(given.partition(".")[0]) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def day(value: str | None) -> date | None:
    """A date property (`YYYY-MM-DD`, or midnight UTC as an instant)."""
    moment = instant(value)
    return None if moment is None else moment.date()


def minor(value: str | None, currency: str) -> int | None:
    """An amount in major units as minor units; None for null and nonsense."""
    number = _number(value)
    return None if number is None else to_minor(number, currency)


def seconds(value: str | None) -> float | None:
    """A duration in milliseconds as seconds."""
    number = _number(value)
    return None if number is None else float(number / 1000)


def _words(value: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", value.casefold())
