"""The stream `relationship`: the operator's company, its contacts, deals and logged engagements.

The company is found by the id that the CSM view holds, else by the company property that holds the operator id; one that
somebody refused is passed over, one that somebody confirmed is read as well. The rest
is read in batches by the company's associations, all at the same time; a part that fails leaves a gap for its own table.

Who an operator is the CRM tells when the lookup directory is out of reach, and whose contact somebody is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from customer_research.connect.concurrent import together
from customer_research.connect.failures import gap_of
from customer_research.connect.request_log import RequestLog, stamp
from customer_research.connect.source import Batch, Candidates, RecordOwners, Row, Subject
from customer_research.domain import values
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.identity import Candidate, Interpretation
from customer_research.domain.match import CONFIRMED
from customer_research.domain.names import phone_key, text_key
from customer_research.errors import NotThere, SourceError
from customer_research.sources.hubspot import normalise
from customer_research.sources.hubspot.session import HubSpotSession

TABLES = ("company", "contact", "deal", "engagement")
ASSOCIATED = ("contacts", "deals", *normalise.ENGAGEMENT_PROPERTIES)
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """The companies that stand for the operator, how they were found, and what keeps the answer from being whole."""

    companies: tuple[Record, ...]
    linked_by: str
    gap: Gap | None = None
    confirmed: frozenset[str] = frozenset()
    """Those of them that nothing but a person's word links."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one table's requests gave."""

    table: str
    rows: list[Row] = field(default_factory=list)
    receipts: tuple[Receipt, ...] = ()
    gap: Gap | None = None


async def fetch(session: HubSpotSession, subject: Subject) -> Batch:
    """Everything HubSpot holds of the operator; no company is an answer (empty and complete).

    Raises:
        SourceError: the company itself cannot be read; then nothing is known.
    """
    log = session.log(normalise.STREAM)
    link = await _link(session, subject, log)
    if not link.companies:
        receipt = log.receipt([], truncated=link.gap is not None and link.gap.reason == "truncated")
        return Batch({table: [] for table in TABLES}, (receipt,), _everywhere(link.gap))
    parts = await together(
        _companies(session, subject, link, log),
        _contacts(session, subject, link, log),
        _deals(session, subject, link, log),
        _engagements(session, subject, link, log),
    )
    return Batch(
        tables={part.table: part.rows for part in parts},
        receipts=tuple(receipt for part in parts for receipt in part.receipts),
        gaps={**{part.table: part.gap for part in parts if part.gap is not None}, **_everywhere(link.gap)},
    )


def _everywhere(gap: Gap | None) -> dict[str, Gap]:
    return {} if gap is None else dict.fromkeys(TABLES, gap)


# -- which company ----------------------------------------------------------------------------------------------------


async def _link(session: HubSpotSession, subject: Subject, log: RequestLog) -> Link:
    """The companies that are found and not refused, and those that were confirmed, as long as HubSpot has them under that id."""
    link = await _found(session, subject, log)
    there = {str(one["id"]) for one in link.companies}
    ids = sorted(one for one, ruling in subject.ruled.items() if ruling == "confirmed" and one not in there)
    records = await together(*(_read(session, one, log) for one in ids))
    more = {
        one: record for one, record in zip(ids, records, strict=True) if record is not None and str(record["id"]) == one
    }
    if not more:
        return link
    untold = link.gap is not None and link.gap.reason == "not_configured"
    return Link((*link.companies, *more.values()), link.linked_by, None if untold else link.gap, frozenset(more))


def _is_refused(subject: Subject, company_id: Any) -> bool:
    return subject.ruled.get(str(company_id)) == "refused"


async def _found(session: HubSpotSession, subject: Subject, log: RequestLog) -> Link:
    if subject.hubspot_company_id is not None:
        record = await _read(session, subject.hubspot_company_id, log)
        if record is not None and not _is_refused(subject, record["id"]):
            return Link((record,), "csm")
    return await _by_property(session, subject, log)


async def _read(session: HubSpotSession, company_id: str, log: RequestLog) -> Record | None:
    names = (*normalise.COMPANY_PROPERTIES, *session.operator_properties)
    try:
        return await session.company(company_id, names, ASSOCIATED, log)
    except NotThere:
        return None


async def _by_property(session: HubSpotSession, subject: Subject, log: RequestLog) -> Link:
    """The companies whose operator property holds the id; a duplicate in the CRM is read too, not passed over."""
    name = await session.operator_property(log)
    if name is None:
        return Link((), "", no_property(session.operator_properties))
    found = await session.search_companies(
        name, normalise.operator_id_spellings(subject.operator_id), (*normalise.COMPANY_PROPERTIES, name), log
    )
    matching = [
        str(row["id"])
        for row in found.rows
        if values.operator_id(normalise.properties_of(row, "companies").get(name)) == subject.operator_id
        and not _is_refused(subject, row["id"])
    ]
    records = await together(*(_read(session, company_id, log) for company_id in sorted(matching)))
    gap = truncated("companies", found.missing) if found.missing else None
    return Link(tuple(record for record in records if record is not None), "property", gap)


def no_property(names: Sequence[str]) -> Gap:
    """The gap of operators that the CSM view names no company of, in a portal without the operator property."""
    return Gap(
        normalise.SOURCE_NAME,
        "not_configured",
        f"The CSM view names no HubSpot company that exists, and the portal has no company property {' or '.join(names)}.",
        "Name the property that holds the operator id in hubspot.operator_properties; "
        "`customer-research doctor --online` lists the candidates.",
    )


# -- the parts --------------------------------------------------------------------------------------------------------


async def _companies(session: HubSpotSession, subject: Subject, link: Link, log: RequestLog) -> Part:
    owners = [
        normalise.text(normalise.properties_of(company, "companies").get("hubspot_owner_id"))
        for company in link.companies
    ]
    names = [None if owner is None else await _owner_name(session, owner, log) for owner in owners]
    ways = [CONFIRMED if str(company["id"]) in link.confirmed else link.linked_by for company in link.companies]
    rows = [
        normalise.company_row(company, subject.operator_id, linked_by=way, owner_name=name)
        for company, way, name in zip(link.companies, ways, names, strict=True)
    ]
    return _part("company", rows, log, link.gap)


async def _owner_name(session: HubSpotSession, owner_id: str, log: RequestLog) -> str:
    """The owner's name; where HubSpot does not tell it, the id in words, since there is an owner."""
    try:
        name = (await session.owners(log)).get(owner_id)
    except SourceError:
        name = None
    return f"owner {owner_id}" if name is None else name


async def _contacts(session: HubSpotSession, subject: Subject, link: Link, company: RequestLog) -> Part:
    log = session.log(normalise.STREAM, within=company)
    records, gap = await _linked(session, link.companies, "contacts", normalise.CONTACT_PROPERTIES, log)
    primary = {ids[0] for record in link.companies if (ids := normalise.associated(record, "contacts"))}
    try:
        rows = [normalise.contact_row(r, subject.operator_id, is_primary=str(r.get("id")) in primary) for r in records]
    except SourceError as error:
        return Part("contact", gap=lost(error))
    return _part("contact", rows, log, gap)


async def _deals(session: HubSpotSession, subject: Subject, link: Link, company: RequestLog) -> Part:
    log = session.log(normalise.STREAM, within=company)
    records, gap = await _linked(session, link.companies, "deals", normalise.DEAL_PROPERTIES, log)
    try:
        unknown = any(normalise.stage_unknown(record) for record in records)
        stages = await session.stages(log) if unknown else {}
        rows = [normalise.deal_row(record, subject.operator_id, stages=stages) for record in records]
    except SourceError as error:
        return Part("deal", gap=lost(error))
    strange = sorted({str(row["stage"]) for row in rows if row["is_open"] is None})
    return _part("deal", rows, log, gap or (strange_stages(strange) if strange else None))


def strange_stages(stages: Sequence[str]) -> Gap:
    """The gap of deals in stages that nobody explains."""
    return Gap(
        normalise.SOURCE_NAME,
        "unavailable",
        f"HubSpot does not say whether deals in {', '.join(map(repr, stages))} are open, won or lost.",
        "Let the token read hs_is_closed and hs_is_closed_won of deals, or their pipelines.",
    )


async def _engagements(session: HubSpotSession, subject: Subject, link: Link, company: RequestLog) -> Part:
    log = session.log(normalise.STREAM, within=company)
    kinds = tuple(normalise.ENGAGEMENT_PROPERTIES)
    answers = await together(
        *(_linked(session, link.companies, kind, normalise.ENGAGEMENT_PROPERTIES[kind], log) for kind in kinds)
    )
    gaps = [gap for _, gap in answers if gap is not None]
    rows: list[Row] = []
    for kind, (records, _) in zip(kinds, answers, strict=True):
        try:
            rows += [normalise.engagement_row(record, subject.operator_id, object_type=kind) for record in records]
        except SourceError as error:
            gaps.append(lost(error))
    return _part("engagement", rows, log, gaps[0] if gaps else None)


async def _linked(
    session: HubSpotSession, companies: Sequence[Record], kind: str, properties: Sequence[str], log: RequestLog
) -> tuple[list[Record], Gap | None]:
    """The records of a type that are associated with the companies, and why they are not all there are."""
    try:
        ids, whole = await _ids(session, companies, kind, log)
        found = await session.batch_read(kind, ids, properties, log)
    except SourceError as error:
        return [], lost(error)
    if found.missing or not whole:
        return found.rows, truncated(kind, found.missing)
    return found.rows, None


async def _ids(
    session: HubSpotSession, companies: Sequence[Record], kind: str, log: RequestLog
) -> tuple[list[str], bool]:
    ids: list[str] = []
    whole = True
    for company in companies:
        ids += normalise.associated(company, kind)
        cursor = normalise.association_cursor(company, kind)
        if cursor is not None:
            more, complete = await session.more_associations(str(company["id"]), kind, cursor, log)
            ids += more
            whole = whole and complete
    return list(dict.fromkeys(ids)), whole


def _part(table: str, rows: list[Row], log: RequestLog, gap: Gap | None) -> Part:
    if not log.requests:
        return Part(table, rows, gap=gap)
    receipt = log.receipt(rows, truncated=gap is not None and gap.reason == "truncated")
    return Part(table, stamp(rows, receipt), (receipt,), gap)


def truncated(kind: str, missing: int) -> Gap:
    """The gap of associated records that did not come; 0: it is not known how many."""
    how_many = f"{missing} of the {kind}" if missing else f"Some of the {kind}"
    return Gap(
        normalise.SOURCE_NAME,
        "truncated",
        f"{how_many} that HubSpot associates with the operator did not come.",
        "Run the same command again; if it persists, look at the company in HubSpot.",
    )


def lost(error: SourceError) -> Gap:
    """The gap that a failed part leaves for its table; an address that is not there does not tell that nothing is."""
    gap = gap_of(error, normalise.SOURCE_NAME)
    return replace(gap, reason="unavailable") if gap.reason == "none_found" else gap


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


async def find(session: HubSpotSession, readings: tuple[Interpretation, ...]) -> Candidates:
    """Companies that answer to the term and carry an operator id. Names are searched by their words.

    Several operator ids are searched at once.
    """
    log = session.log("find")
    holder = await session.operator_property(log)
    reading = next((reading for reading in readings if reading.kind in SEARCHED), None)
    if holder is None or reading is None:
        return Candidates((), ())
    rows = await _search(session, reading, [r.value for r in readings if r.kind == reading.kind], holder, log)
    receipt = log.receipt(rows)
    found = tuple(candidate for row in rows if (candidate := _candidate(row, holder, receipt.id)) is not None)
    return Candidates(found, (receipt,))


async def whose(
    session: HubSpotSession, readings: tuple[Interpretation, ...], _directory: Sequence[Candidate] = ()
) -> RecordOwners:
    """The operators of the companies whose contact has this very e-mail address, telephone number or full name."""
    reading = next((reading for reading in readings if reading.kind in _CONTACTS), None)
    if reading is None:
        return RecordOwners()
    log = session.log("find_contact")
    holder = await session.operator_property(log)
    if holder is None:
        return RecordOwners()
    terms, more = _CONTACTS[reading.kind](reading.value)
    found, _, _ = await session.search("contacts", log, *terms, **more, properties=list(_CONTACT), limit=LIMIT)
    people = [row for row in found if _is(row.get("properties") or {}, reading)]
    ids = [str(row["id"]) for row in people]
    linked = await session.associations("contacts", "companies", ids, log) if ids else {}
    companies = list(dict.fromkeys(one for found in linked.values() for one in found))
    read = await session.batch_read("companies", companies, [holder], log) if companies else None
    told = [values.operator_id((row.get("properties") or {}).get(holder)) for row in (read.rows if read else ())]
    owners = tuple((f"contact_{reading.kind}", one) for one in dict.fromkeys(told) if one is not None)
    return RecordOwners(owners, (log.receipt(people),))


_CONTACT = ("firstname", "lastname", "email", "phone")
_LAST_DIGITS = 4


def _term(name: str, operator: str, value: str) -> Mapping[str, str]:
    return {"propertyName": name, "operator": operator, "value": value}


_CONTACTS: Mapping[str, Callable[[str], tuple[Sequence[Mapping[str, str]], Mapping[str, str]]]] = {
    "email": lambda value: ([_term("email", "EQ", value)], {}),
    # Telephone numbers stand in any form: those that end alike are asked for, and compared by their digits.
    "phone": lambda value: ([_term("phone", "CONTAINS_TOKEN", f"*{value[-_LAST_DIGITS:]}")], {}),
    "name": lambda value: ([], {"query": value}),
}
"""Kind of reading → how contacts that may be meant are asked for: terms, and a text to look for."""


def _is(person: Mapping[str, Any], reading: Interpretation) -> bool:
    """Whether the person has this very address, number or full name."""
    if reading.kind == "phone":
        return phone_key(str(person.get("phone") or "")) == phone_key(reading.value)
    if reading.kind == "email":
        return str(person.get("email") or "").casefold() == reading.value
    names = [str(person.get(name) or "") for name in ("firstname", "lastname")]
    return all(names) and text_key(" ".join(names)) == text_key(reading.value)


async def _search(
    session: HubSpotSession, reading: Interpretation, values: list[str], holder: str, log: RequestLog
) -> list[Mapping[str, Any]]:
    name, operator = SEARCHED[reading.kind]
    named = holder if name == "operator" else name
    wanted = {"values": values} if operator == "IN" else {"value": _searched(reading)}
    term = {"propertyName": named, "operator": operator, **wanted}
    return (await session.search("companies", log, term, properties=[*SHOWN, holder], limit=LIMIT))[0]


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
