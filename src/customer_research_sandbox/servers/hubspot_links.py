"""Object types of HubSpot's CRM, and how its answers show the associations between their records."""

from __future__ import annotations

from collections.abc import Sequence

from customer_research_sandbox.dataset import Row

TYPES = {
    "companies": ("company", "0-2"),
    "contacts": ("contact", "0-1"),
    "deals": ("deal", "0-3"),
    "tickets": ("ticket", "0-5"),
    "notes": ("note", "0-46"),
    "meetings": ("meeting_event", "0-47"),
    "calls": ("call", "0-48"),
    "emails": ("email", "0-49"),
    "tasks": ("task", "0-27"),
    "products": ("product", "0-7"),
    "line_items": ("line_item", "0-8"),
    "quotes": ("quote", "0-14"),
    "communications": ("communication", "0-18"),
    "feedback_submissions": ("feedback_submission", "0-19"),
    "invoices": ("invoice", "0-53"),
    "goal_targets": ("goal_target", "0-74"),
    "taxes": ("tax", "0-85"),
    "postal_mail": ("postal_mail", "0-116"),
    "leads": ("lead", "0-136"),
}
"""Object types: plural name, then singular name and type id."""

ALIASES = {alias: plural for plural, names in TYPES.items() for alias in (plural, *names, plural.removesuffix("s"))}
TYPE_IDS = {
    ("companies", "contacts"): 280,
    ("contacts", "companies"): 279,
    ("deals", "companies"): 342,
    ("companies", "deals"): 341,
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("notes", "companies"): 190,
    ("calls", "companies"): 182,
    ("emails", "companies"): 186,
    ("meetings", "companies"): 188,
}


def classic_links(targets: Sequence[str], kind: str, to: str) -> list[Row]:
    """Associations as an object's own GET shows them: a company's link is listed as primary and again as unlabelled."""
    label = f"{TYPES[kind][0]}_to_{TYPES[to][0]}" if to in TYPES else f"{kind}_to_{to}"
    twice = "companies" in {kind, to} and {kind, to} <= {"companies", "contacts", "deals"}
    labels = (label, f"{label}_unlabeled") if twice else (label,)
    return [{"id": target, "type": name} for target in targets for name in labels]


def links(kind: str, to: str, targets: Sequence[str]) -> list[Row]:
    """Associations as the associations API shows them."""
    type_id = TYPE_IDS.get((kind, to), 190)
    types = [{"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": None}]
    return [{"toObjectId": int(target), "associationTypes": types} for target in targets]


def no_association(identifier: str, kind: str, to: str) -> Row:
    """That a record is associated with none of a type."""
    one, other = TYPES[kind][0], TYPES[to][0]
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other} is associated with {one} {identifier}.",
        "context": {"fromObjectId": [identifier], "fromObjectType": [one], "toObjectType": [other]},
    }
