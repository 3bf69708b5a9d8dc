"""HubSpot's records of a life: companies, contacts, deals and engagements with their associations."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.billing import monthly_usd
from customer_research_sandbox.crm import TEAM
from customer_research_sandbox.crm_past import Past, company_past, contact_past, deal_past
from customer_research_sandbox.dataset import HubSpotRecords, Row
from customer_research_sandbox.draws import iso_ms
from customer_research_sandbox.state import Contact, Deal, Engagement, Operator, OperatorLife

ENGAGEMENT_TYPES = {"note": "notes", "email": "emails", "call": "calls", "meeting": "meetings"}
_OBJECT_TYPES = ("companies", "contacts", "deals", *ENGAGEMENT_TYPES.values())
_OWNER_BASE = 160_000_001
_PORTAL_START = "2024-01-02T09:00:00.000Z"
_OPTIONS: dict[str, Sequence[tuple[str, str]]] = {
    "lifecyclestage": (("lead", "Lead"), ("opportunity", "Opportunity"), ("customer", "Customer")),
    "hs_lead_status": (("NEW", "New"), ("OPEN", "Open"), ("CONNECTED", "Connected")),
    "moovs_fleet_size": tuple(
        (value, value) for value in ("0 / Broker", "1", "1.0", "2-4", "5-10", "11-20", "21-30", "31+")
    ),
    "customer_segment": tuple((value, value) for value in ("Owner Operator", "Small", "Medium", "Large", "XL")),
    "subscription_status": tuple((value, value) for value in ("active", "pending", "terminated", "canceled", "none")),
    "contact_status": (("active", "Active"), ("left", "Left the company")),
    "dealtype": (("newbusiness", "New Business"), ("existingbusiness", "Existing Business")),
    "pipeline": tuple((key, label) for key, (label, _) in words.PIPELINES.items()),
    "dealstage": tuple(stage for _, stages in words.PIPELINES.values() for stage in stages.items()),
    "hs_task_status": (
        ("NOT_STARTED", "Not started"),
        ("IN_PROGRESS", "In progress"),
        ("WAITING", "Waiting"),
        ("DEFERRED", "Deferred"),
        ("COMPLETED", "Completed"),
    ),
    "hs_task_priority": (("NONE", "None"), ("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High")),
    "industry": (("TRANSPORTATION_TRUCKING_RAILROAD", "Transportation"), ("LEISURE_TRAVEL_TOURISM", "Leisure")),
}


def project_hubspot(lives: Iterable[OperatorLife], as_of: datetime) -> HubSpotRecords:
    """Everything HubSpot holds of the lives given; operators without a match there have nothing."""
    objects: dict[str, list[Row]] = {name: [] for name in _OBJECT_TYPES}
    for life in lives:
        if life.operator.hubspot_id is not None:
            _Company(life, as_of, objects).write()
    return HubSpotRecords(objects=objects, properties=_definitions(), owners=_owners())


def owner_id(place: int) -> str:
    """The id of the `place`-th of Moovs' own people."""
    return str(_OWNER_BASE + place)


def _owners() -> list[Row]:
    owners = []
    for place, name in enumerate(TEAM):
        first, last = name.split(" ", 1)
        owners.append(
            {
                "id": owner_id(place),
                "email": f"{first.lower()}.{last.lower()}@moovs-team.example.com",
                "firstName": first,
                "lastName": last,
                "type": "PERSON",
                "userId": _OWNER_BASE + place,
                "archived": False,
                "createdAt": _PORTAL_START,
                "updatedAt": _PORTAL_START,
                "teams": [],
            }
        )
    return owners


def _definitions() -> dict[str, list[Row]]:
    """The portal's properties by object type; a line of the file may stand for several types."""
    found: dict[str, list[Row]] = {}
    for told in csv.DictReader((Path(__file__).parent / "hubspot_properties.csv").read_text("utf-8").splitlines()):
        for object_type in told.pop("objects").split():
            found.setdefault(object_type, []).append(_definition(object_type, told))
    return found


def _definition(object_type: str, told: dict[str, str]) -> Row:
    name = told["name"]
    custom = name in {"moovs_operator_id", "moovs_fleet_size", "customer_segment", "contract_end_date", "mrr"}
    options = [
        {"label": text, "value": value, "displayOrder": place, "hidden": False, "description": ""}
        for place, (value, text) in enumerate(_OPTIONS.get(name, ()))
    ]
    return {
        **told,
        "groupName": f"{object_type}_information",
        "description": "",
        "options": options,
        "hidden": False,
        "hubspotDefined": not custom and not name.startswith("success_factory_"),
        "archived": False,
        "createdAt": _PORTAL_START,
        "updatedAt": _PORTAL_START,
    }


class _Company:
    """Writes one operator's company and everything associated with it, both ways."""

    def __init__(self, life: OperatorLife, as_of: datetime, objects: dict[str, list[Row]]) -> None:
        self._life = life
        self._operator: Operator = life.operator
        self._as_of = as_of
        self._objects = objects
        self._id = str(life.operator.hubspot_id)
        self._links: dict[str, list[str]] = {}

    def write(self) -> None:
        """Append the company, its contacts, deals and engagements."""
        company = self._object("companies", self._id, self._properties(), self._operator.signed_up, self._last_touch())
        company |= {"associations": self._links, "history": company_past(self._life, self._as_of)}
        for contact in self._life.contacts:
            self._attach("contacts", str(20_000_000_000 + self._operator.index * 100 + contact.number), contact)
        for deal in self._life.deals:
            self._attach("deals", self.deal_id(self._operator, deal.number), deal)
        for item in (*self._life.engagements, *self._life.planned):
            number = str(40_000_000_000 + self._operator.index * 1_000 + item.number)
            self._attach(ENGAGEMENT_TYPES[item.kind], number, item)

    @staticmethod
    def deal_id(operator: Operator, number: int) -> str:
        """A deal's id."""
        return str(30_000_000_000 + operator.index * 10 + number)

    def _attach(self, kind: str, number: str, item: Contact | Deal | Engagement) -> None:
        if isinstance(item, Contact):
            row = self._object(kind, number, self._contact(item), item.created_at, item.modified_at)
        elif isinstance(item, Deal):
            row = self._object(kind, number, self._deal(item), item.created_at, min(item.created_at, self._as_of))
        else:
            logged = item.logged_at or item.at
            row = self._object(kind, number, self._engagement(item), logged, logged)
        row |= {"associations": {"companies": [self._id]}, "history": self._past(item)}
        self._links.setdefault(kind, []).append(number)

    def _past(self, item: Contact | Deal | Engagement) -> Past:
        if isinstance(item, Contact):
            return contact_past(item)
        return deal_past(self._operator.index, item, self._as_of) if isinstance(item, Deal) else {}

    def _object(
        self, kind: str, number: str, properties: dict[str, str | None], made: datetime, edited: datetime
    ) -> Row:
        properties["hs_object_id"] = number
        row: Row = {
            "id": number,
            "properties": properties,
            "createdAt": iso_ms(made),
            "updatedAt": iso_ms(max(made, edited)),
            "archived": False,
        }
        self._objects[kind].append(row)
        return row

    def _last_touch(self) -> datetime:
        return max((item.at for item in self._life.engagements), default=self._operator.signed_up)

    def _properties(self) -> dict[str, str | None]:
        operator, life = self._operator, self._life
        running = [item for item in life.subscriptions if item.status == "active"]
        touched = iso_ms(self._last_touch()) if life.engagements else None
        contract = operator.contract_end
        logins = [member.last_login_at for member in life.members if member.last_login_at is not None]
        return {
            "name": operator.name,
            "domain": operator.domain,
            "industry": "TRANSPORTATION_TRUCKING_RAILROAD",
            "numberofemployees": str(operator.employees) if operator.employees is not None else None,
            "annualrevenue": None,
            "city": operator.city.name,
            "state": operator.city.state,
            "country": operator.city.country,
            "phone": operator.phone,
            "website": operator.website,
            "description": f"Chauffeured transport in {operator.city.name}.",
            "lifecyclestage": "customer" if life.subscriptions else "lead",
            "hs_lead_status": "CONNECTED" if life.engagements else "NEW",
            "createdate": iso_ms(operator.signed_up),
            "hs_lastmodifieddate": iso_ms(max(operator.signed_up, self._last_touch())),
            "notes_last_updated": touched,
            "notes_last_contacted": touched,
            "num_associated_contacts": str(len(life.contacts)),
            "num_associated_deals": str(len(life.deals)),
            "hubspot_owner_id": owner_id(operator.index % len(TEAM)),
            "hs_analytics_source": operator.source,
            "moovs_operator_id": operator.operator_id if operator.hubspot_holds_operator_id else None,
            "moovs_fleet_size": operator.fleet_bucket,
            "customer_segment": operator.size_label,
            "contract_end_date": contract.isoformat() if contract is not None else None,
            "mrr": f"{monthly_usd(running, operator.currency):.2f}" if running else None,
            "subscription_status": "active"
            if running
            else life.subscriptions[-1].status
            if life.subscriptions
            else "none",
            "plan_name": words.PLANS[running[0].plan_code].name if running else None,
            "last_login_date": max(logins).date().isoformat() if logins else None,
            "success_factory_health_score": None,
            "success_factory_churn_risk": None,
            "success_factory_propensity_score": None,
            "success_factory_expansion_potential": None,
            "success_factory_last_sync": None,
        }

    def _contact(self, item: Contact) -> dict[str, str | None]:
        return {
            "firstname": item.first,
            "lastname": item.last,
            "email": item.email,
            "phone": item.phone,
            "jobtitle": item.title,
            "company": self._operator.name,
            "lifecyclestage": "customer" if self._life.subscriptions else "lead",
            "hs_lead_status": None,
            "createdate": iso_ms(item.created_at),
            "lastmodifieddate": iso_ms(item.modified_at),
            "contact_status": "left" if item.left_at is not None else "active",
            "left_company_date": item.left_at.date().isoformat() if item.left_at is not None else None,
        }

    def _deal(self, item: Deal) -> dict[str, str | None]:
        won = item.stage.endswith("_paid") and not item.stage.endswith("_lost_paid")
        closed = won or "_lost" in item.stage
        return {
            "dealname": item.name,
            "amount": f"{item.amount:.2f}" if item.amount is not None else None,
            "deal_currency_code": "USD",
            "dealstage": item.stage,
            "pipeline": item.pipeline,
            "closedate": iso_ms(item.close_at) if item.close_at is not None else None,
            "createdate": iso_ms(item.created_at),
            "hs_lastmodifieddate": iso_ms(min(max(item.created_at, item.close_at or item.created_at), self._as_of)),
            "dealtype": item.kind,
            "closed_lost_reason": item.lost_reason,
            "hubspot_owner_id": owner_id(self._operator.index % len(TEAM)),
            "hs_is_closed": str(closed).lower(),
            "hs_is_closed_won": str(won).lower(),
        }

    def _engagement(self, item: Engagement) -> dict[str, str | None]:
        common: dict[str, str | None] = {
            "hs_timestamp": iso_ms(item.at),
            "hs_createdate": iso_ms(item.logged_at or item.at),
            "hs_lastmodifieddate": iso_ms(item.logged_at or item.at),
            "hubspot_owner_id": owner_id(item.owner),
        }
        if item.kind == "note":
            return common | {"hs_note_body": item.body}
        if item.kind == "email":
            return common | {"hs_email_subject": item.title, "hs_email_text": item.body, "hs_email_direction": "EMAIL"}
        if item.kind == "call":
            duration = str(item.duration_ms) if item.duration_ms is not None else None
            return common | {"hs_call_title": item.title, "hs_call_body": item.body, "hs_call_duration": duration}
        return common | {
            "hs_meeting_title": item.title,
            "hs_meeting_body": item.body,
            "hs_meeting_start_time": iso_ms(item.at),
            "hs_meeting_end_time": iso_ms(item.at + timedelta(minutes=30)),
        }
