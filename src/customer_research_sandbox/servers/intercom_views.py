"""Intercom's objects as its API shows them, made of the workspace's records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_research_sandbox.dataset import Row

PARTS_SHOWN = 500
"""Of a conversation's parts the newest are shown, and no more."""

REFS_SHOWN = 10
"""Companies that a contact comes with."""

LINKS_SHOWN = 1000
"""Linked conversations and tickets that come with one."""

_TEAM = "Team"


def contact(record: Mapping[str, Any], *, merges: bool = False) -> Row:
    """A contact; with what was merged into it where that was asked for."""
    refs = record["company_refs"]
    shown: Row = {
        "type": "contact", "id": record["id"], "workspace_id": "sndbx7ic", "external_id": record.get("external_id"),
        "role": "user", "email": record["email"], "email_domain": record["email"].partition("@")[2],
        "phone": None, "name": record["name"], "owner_id": None, "created_at": record["created_at"],
        "updated_at": record["updated_at"], "custom_attributes": {},
        "companies": {
            "type": "list", "url": f"/contacts/{record['id']}/companies", "total_count": len(refs),
            "has_more": len(refs) > REFS_SHOWN,
            "data": [{"type": "company", "id": one, "url": f"/companies/{one}"} for one in refs[:REFS_SHOWN]],
        },
    }  # fmt: skip
    if merges:
        shown["merge_history"] = [merge(one) for one in record["merged"]]
    return shown


def merge(merged: tuple[str, int]) -> Row:
    """One contact that was merged into another."""
    own, at = merged
    return {"type": "merge_history", "source_contact_id": own, "source_contact_role": "lead", "merged_at": at}


def linked(objects: Sequence[Mapping[str, Any]]) -> Row:
    """What a conversation or a ticket is linked with."""
    shown = [{"category": None, **one} for one in objects[:LINKS_SHOWN]]
    return {"type": "list", "total_count": len(objects), "has_more": len(objects) > LINKS_SHOWN, "data": shown}


def ticket(record: Mapping[str, Any]) -> Row:
    """A ticket; its description and what was written are texts of others."""
    at, state = record["created_at"], record["state"]
    label = state.replace("_", " ").capitalize()
    part = {
        "type": "ticket_part", "id": f"p{record['id']}", "part_type": "ticket_state_updated_by_admin", "ticket_state": state,
        "previous_ticket_state": "submitted", "created_at": at, "updated_at": at, "attachments": [], "redacted": False,
        "author": {"type": "admin", "id": "711", "name": _TEAM, "email": "someone@example.com"},
    }  # fmt: skip
    return {
        "type": "ticket", "id": record["id"], "ticket_id": record["number"], "category": record["category"],
        "ticket_attributes": {
            "_default_title_": record["title"], "_default_description_": f"{record['title']}, please help.",
        },
        "ticket_state": {
            "type": "ticket_state", "id": "7493", "category": state, "internal_label": label, "external_label": label,
        },
        "ticket_type": {
            "type": "ticket_type", "id": "53", "name": "Request", "description": "", "icon": "🎟", "workspace_id": "sndbx7ic",
            "archived": False, "created_at": 1_600_000_000, "updated_at": 1_600_000_000, "category": record["category"],
            "ticket_type_attributes": {"type": "list", "data": []},
        },
        "contacts": {
            "type": "contact.list",
            "contacts": [{"type": "contact", "id": one, "external_id": None} for one in record["contact_ids"]],
        },
        "admin_assignee_id": record["admin_assignee_id"], "team_assignee_id": 0, "created_at": at,
        "updated_at": record["updated_at"], "open": record["is_open"], "is_shared": record["category"] == "Customer",
        "linked_objects": linked([{"type": "conversation", "id": one} for one in record["conversation_ids"]]),
        "ticket_parts": {"type": "ticket_part.list", "ticket_parts": [part], "total_count": 1},
    }  # fmt: skip


def conversation(
    record: Mapping[str, Any], company: Row | None, tickets: Sequence[Mapping[str, Any]] = (), *, knows_companies: bool
) -> Row:
    """A conversation as lists show it."""
    state, theirs = record["state"], record["delivered_as"] == "customer_initiated"
    author = {"type": "user", "id": record["contact_ids"][0]} if theirs else {"type": "admin", "id": "711"}
    shown: Row = {
        "type": "conversation", "id": record["id"], "title": record["title"], "created_at": record["created_at"],
        "updated_at": record["updated_at"], "waiting_since": record["waiting_since"], "snoozed_until": None,
        "open": state != "closed", "state": state, "read": True, "priority": record["priority"],
        "tags": {"type": "tag.list", "tags": []},
        "source": {
            "type": "conversation", "id": f"m{record['id']}", "delivered_as": record["delivered_as"],
            "subject": f"<p>{record['subject']}</p>", "body": f"<p>{record['subject']}, please help.</p>",
            "author": {**author, "name": "", "email": "someone@example.com"},
            "attachments": [], "url": None, "redacted": False,
        },
        "contacts": {
            "type": "contact.list",
            "contacts": [{"type": "contact", "id": one, "external_id": None} for one in record["contact_ids"]],
        },
        "teammates": {
            "type": "admin.list", "teammates": [{"type": "admin", "id": str(one)} for one in record["teammates"]],
        },
        "custom_attributes": {}, "ai_agent_participated": record["ai"], "ai_agent": None,
        "channel": {"initial": record["channel"], "current": record["channel"]},
        "linked_objects": linked(tickets),
    }  # fmt: skip
    if record["asked_at"] is not None:
        shown["first_contact_reply"] = {"created_at": record["asked_at"], "type": "conversation", "url": None}
    if record["statistics"] is not None:
        shown["statistics"] = dict(record["statistics"])
    if record["admin_assignee_id"] is not None:
        shown["admin_assignee_id"] = record["admin_assignee_id"]
    if record["rating"] is not None:
        rated = {"rating": record["rating"], "remark": "", "created_at": record["rated_at"]}
        shown["conversation_rating"] = {**rated, "updated_at": record["rated_at"]}
    if knows_companies:
        shown["company"] = company
    return shown


def with_parts(shown: Row, record: Mapping[str, Any], *, plain: bool) -> Row:
    """A conversation as it is shown alone: with its newest parts."""
    count = (record["statistics"] or {}).get("count_conversation_parts", 2)
    span = max(record["updated_at"] - record["created_at"], 1)
    parts = []
    for number in range(max(count - PARTS_SHOWN, 0), count):
        at = record["created_at"] + span * number // max(count, 1)
        words = f"Message {number + 1}"
        author = {"type": "user" if number % 2 == 0 else "admin", "id": record["contact_ids"][0], "name": _TEAM}
        parts.append(
            {
                "type": "conversation_part", "id": f"{record['id']}{number:04d}", "part_type": "comment",
                "body": words if plain else f"<p>{words}</p>", "created_at": at, "updated_at": at, "notified_at": at,
                "author": {**author, "email": "someone@example.com"}, "attachments": [], "redacted": False,
            }
        )  # fmt: skip
    listed = {"type": "conversation_part.list", "conversation_parts": parts, "total_count": count}
    return {**shown, "conversation_parts": listed}
