"""A hand-made portal and workspace for the tests of HubSpot and Notion, served by the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from customer_research.connect.http import Pace
from customer_research.connect.source import Subject
from customer_research.settings import Settings, load_settings
from customer_research.sources.hubspot import normalise as crm
from customer_research_sandbox.dataset import Dataset, HubSpotRecords, LagoRecords, NotionRecords, Row

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
OPERATOR = "0b7c1a52-6a1e-4f0e-9d53-0a4c5f7e1d01"
UNDASHED = "7f3c9e10-1111-4a2b-8c3d-22aa33bb44cc"
NOBODY = "99999999-9999-4999-8999-999999999998"
OTHER = "1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
TWICE = "2a2a2a2a-3b3b-4c4c-8d8d-5e5e5e5e5e5e"
CROWDED = "3d3d3d3d-4e4e-4f4f-8a8a-6b6b6b6b6b6b"
NAME = "Harbor & Lantern Limo LLC"
COMPANY_ID = "10000000001"
OWNER_ID = "160000001"
NOTES = 230
"""Notes of the crowded company: more than two batch reads hold."""


async def no_wait(seconds: float) -> None:
    """A sleep that does not."""
    del seconds


def quick() -> Pace:
    """Retries without waiting."""
    return Pace(sleep=no_wait, jitter=lambda: 0.0)


def subject(operator_id: str = OPERATOR, company_id: str | None = COMPANY_ID, **more: Any) -> Subject:
    """The operator that the records speak of."""
    names = more.pop("names", (NAME,))
    return Subject(operator_id, AS_OF, names=names, hubspot_company_id=company_id, **more)


def clock() -> datetime:
    """The fixed present."""
    return AS_OF


def settings_of(**parts: dict[str, Any]) -> Settings:
    """Settings with some values of a part given, the rest by default."""
    return Settings.model_validate(parts)


def settings_with(path: Any, **parts: dict[str, Any]) -> Settings:
    """The sandbox's settings with some values of a part replaced."""
    given = load_settings(path)
    changed = {name: getattr(given, name).model_copy(update=values) for name, values in parts.items()}
    return given.model_copy(update=changed)


async def closing(session: Any, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Do some work with a session and close it."""
    try:
        return await work(session)
    finally:
        await session.close()


# -- HubSpot ----------------------------------------------------------------------------------------------------------


def _object(kind: str, number: str, properties: dict[str, str | None], **associations: list[str]) -> Row:
    created = properties.get("createdate") or properties.get("hs_createdate") or "2025-01-02T03:04:05.678Z"
    return {
        "id": number,
        "properties": {crm.modified_property(kind): created, "hs_object_id": number, **properties},
        "createdAt": created,
        "updatedAt": created,
        "archived": False,
        "associations": associations,
    }


def _company(number: str, operator_id: str | None, name: str, **associations: list[str]) -> Row:
    properties = {
        "name": name,
        "domain": "harborlantern.example.com",
        "industry": "TRANSPORTATION_TRUCKING_RAILROAD",
        "city": "Boston",
        "phone": "+1 617 555 0111",
        "lifecyclestage": "customer",
        "hubspot_owner_id": OWNER_ID,
        "createdate": "2025-01-02T03:04:05.678Z",
        "notes_last_updated": "2026-10-20T09:00:00.000Z",
        "moovs_fleet_size": "1.0",
        "contract_end_date": "2027-01-31",
        "moovs_operator_id": operator_id,
    }
    return _object("companies", number, properties, **associations)


def _engagement(kind: str, number: str, at: str, **own: str | None) -> Row:
    common = {"hs_timestamp": at, "hs_createdate": at, "hubspot_owner_id": OWNER_ID}
    return _object(kind, number, {**common, **own})


def _contact(number: str, **own: str | None) -> Row:
    return _object("contacts", number, {"createdate": "2025-02-03T00:00:00.000Z", "contact_status": "active", **own})


def hubspot_records() -> HubSpotRecords:
    """One full company, one in another spelling, two of one operator, one with very many notes."""
    many = [str(40_000_000_000 + place) for place in range(NOTES)]
    companies = [
        _company(
            COMPANY_ID, OPERATOR, NAME, contacts=["21", "22"], deals=["31", "32", "33"], notes=["41"], emails=["42"],
            calls=["43"], meetings=["44"],
        ),
        _company("10000000002", UNDASHED.replace("-", "").upper(), "Quill Ferry Livery"),
        _company("10000000003", TWICE, "Copper Compass Shuttle", contacts=["21"]),
        _company("10000000004", TWICE, "Copper Compass Shuttle (2)", contacts=["22"]),
        _company("10000000005", CROWDED, "Juniper Anchor Cars", notes=many),
    ]  # fmt: skip
    contacts = [
        _contact("21", firstname="Ana", lastname="Ashdell", email="ana@harborlantern.example.com", jobtitle="Owner"),
        _contact("22", firstname="Bruno", contact_status="left", left_company_date="2026-09-01"),
    ]
    deals = [
        _object("deals", "31", {"dealname": "New", "amount": "149.50", "dealstage": "smb_paid", "pipeline": "smb",
                "createdate": "2025-01-05T00:00:00.000Z", "deal_currency_code": "USD", "dealtype": "newbusiness"}),
        _object("deals", "32", {"dealname": "Add-on", "amount": None, "dealstage": "addon_demo", "pipeline": "addon",
                "createdate": "2026-09-05T00:00:00.000Z", "closedate": "2026-12-01T00:00:00.000Z",
                "hs_is_closed": "false", "hs_is_closed_won": "false"}),
        _object("deals", "33", {"dealname": "Old", "amount": "12000", "deal_currency_code": "JPY", "dealstage": "9881",
                "pipeline": "77", "createdate": "2024-09-05T00:00:00.000Z", "closed_lost_reason": "price"}),
    ]  # fmt: skip
    objects = {
        "companies": companies,
        "contacts": contacts,
        "deals": deals,
        "notes": [
            _engagement("notes", "41", "2026-10-20T09:00:00.000Z", hs_note_body="<p>Bruno has left the company&nbsp;</p>"),
            *(_engagement("notes", number, "2026-01-01T00:00:00.000Z", hs_note_body="Hello.") for number in many),
        ],
        "emails": [
            _engagement("emails", "42", "2026-10-01T09:00:00.000Z", hs_email_subject="Leaving",
                        hs_email_text="We want to cancel our subscription.")
        ],
        "calls": [
            _engagement("calls", "43", "2026-08-01T09:00:00.000Z", hs_call_title="Check-in", hs_call_body=None,
                        hs_call_duration="754000")
        ],
        "meetings": [_engagement("meetings", "44", "2026-07-01T09:00:00.000Z", hs_meeting_title="Kick-off")],
    }  # fmt: skip
    owner = {"id": OWNER_ID, "email": "ida@moovs-team.example.com", "firstName": "Ida", "lastName": "Colvander"}
    return HubSpotRecords(objects=objects, properties=_definitions(), owners=[owner], pipelines=PIPELINES)


PIPELINES: list[Row] = [
    {
        "id": "77",
        "label": "SMB pipeline",
        "stages": [
            {
                "id": "9881",
                "label": "Closed Lost - Formerly Paid",
                "metadata": {"isClosed": "true", "probability": "0.0"},
            },
            {"id": "smb_paid", "label": "Paid Account", "metadata": {"isClosed": "true", "probability": "1.0"}},
        ],
    }
]
"""What the portal says of its deal stages."""


def _definitions() -> dict[str, list[Row]]:
    names = {
        "companies": (*crm.COMPANY_PROPERTIES, "moovs_operator_id"),
        "contacts": crm.CONTACT_PROPERTIES,
        "deals": crm.DEAL_PROPERTIES,
        **crm.ENGAGEMENT_PROPERTIES,
    }
    stages = [{"value": "9881", "label": "Closed Lost - Formerly Paid"}, {"value": "smb_paid", "label": "Paid Account"}]
    options = {"dealstage": stages, "pipeline": [{"value": "77", "label": "SMB pipeline"}]}
    return {
        kind: [
            *({"name": name, "label": name, "type": "string", "options": options.get(name, [])} for name in listed),
            {"name": crm.modified_property(kind), "label": "Last Modified Date", "type": "datetime", "options": []},
        ]
        for kind, listed in names.items()
    }


# -- Notion -----------------------------------------------------------------------------------------------------------

DATABASE_ID = "13b8aeaa-3759-80f8-8d7c-dd2f627d2578"
DATA_SOURCE_ID = "13b8aeaa-3759-81c4-9b0e-000bd41f7a52"


def notion_schema() -> dict[str, Row]:
    """The tickets' properties."""
    bodies: dict[str, tuple[str, list[str]]] = {
        "Name": ("title", []),
        "ID": ("unique_id", []),
        "Status": ("status", ["Accepted", "In progress", "Done", "Archived", "Not doing anymore"]),
        "Stage": ("multi_select", ["Backlog", "In Development", "Deployed / Done"]),
        "Priority": ("select", ["Low", "Medium", "High"]),
        "Type": ("multi_select", ["Bug", "Feature"]),
        "Tags": ("multi_select", ["Enterprise", "Shuttle", "Harbor and Lantern Limo", "HLL", "Quill Ferry Livery"]),
        "Due Date": ("date", []),
        "Description": ("rich_text", []),
        "Summary": ("rich_text", []),
        "operator_id": ("rich_text", []),
    }
    schema: dict[str, Row] = {}
    for place, (name, (kind, options)) in enumerate(bodies.items()):
        listed = [{"id": f"o{place}{n}", "name": option, "color": "gray"} for n, option in enumerate(options)]
        inside: Row = {"options": listed} if options else {"prefix": "DOOM"} if kind == "unique_id" else {}
        schema[name] = {"id": "title" if kind == "title" else f"p{place:02d}", "name": name, "type": kind, kind: inside}
    return schema


def notion_ticket(number: int, title: str, **own: Any) -> Row:
    """One ticket row of the sandbox."""
    given: Row = {
        "page_id": f"00000000-0000-4000-8000-{number:012d}",
        "number": number,
        "title": title,
        "status": "Accepted",
        "stage": ["Backlog"],
        "priority": "Medium",
        "types": ["Bug"],
        "priority_score": None,
        "impact_score": None,
        "effort_score": None,
        "assigned": [],
        "team": [],
        "due_date": None,
        "tags": [],
        "description": "",
        "summary": "",
        "operator_id": None,
        "created_time": "2026-10-02T10:00:00.000Z",
        "last_edited_time": "2026-10-03T10:00:00.000Z",
        "body": "",
    }
    return {**given, **own}


def notion_records(extra: int = 0) -> NotionRecords:
    """One ticket a matching path, one of nobody, one of somebody else that names the operator; *extra* ones by id."""
    tickets = [
        notion_ticket(1, "Import stops", operator_id=OPERATOR, priority="High"),
        notion_ticket(2, "Report by vehicle", tags=["HLL", "Enterprise"], due_date="2026-11-20", types=["Feature"]),
        notion_ticket(3, "harbor & lantern limo: app is slow"),
        notion_ticket(4, "Odd zone", summary="Seen at Harbor & Lantern Limo LLC today.", status="Done"),
        notion_ticket(5, "Shuttle timetable", tags=["Enterprise"]),
        notion_ticket(6, "Harbor & Lantern Limo asks as well", operator_id=OTHER),
        notion_ticket(7, "Harbor & Lantern Limousines is somebody else"),
        *(notion_ticket(100 + place, "More", operator_id=OPERATOR) for place in range(extra)),
    ]
    return NotionRecords(DATABASE_ID, DATA_SOURCE_ID, "Tickets", notion_schema(), tickets)


def dataset(*, extra_tickets: int = 0) -> Dataset:
    """Both vendors' records; Lago and the warehouse have none."""
    return Dataset(
        seed=1,
        as_of=AS_OF,
        warehouse={},
        lago=LagoRecords(),
        hubspot=hubspot_records(),
        notion=notion_records(extra_tickets),
        truth=[],
    )
