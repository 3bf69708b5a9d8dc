"""The Notion tickets database: its property schema and one row a ticket, with tickets of no customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from customer_research_sandbox.crm import TEAM, TICKET_TOPICS
from customer_research_sandbox.dataset import NotionRecords, Row
from customer_research_sandbox.draws import iso_ms, stream, uuid_text
from customer_research_sandbox.state import OperatorLife, Ticket

DATABASE_ID = "13b8aeaa-3759-80f8-8d7c-dd2f627d2578"
DATA_SOURCE_ID = "13b8aeaa-3759-81c4-9b0e-000bd41f7a52"
STATUSES = {
    "To-do": ("Accepted", "Ingestion"),
    "In progress": ("In progress",),
    "Complete": ("Not doing anymore", "Archived", "Done"),
}
STAGES = (
    "Not started", "Backlog", "Problem Validation", "Product Design / Work", "UI Design", "Ready for dev", "Eng Design",
    "In Development", "QA", "Code Review", "Deployed / Done", "Blocked",
)  # fmt: skip
TYPES = ("Bug", "Feature", "Request", "Insight", "Issue", "Enterprise", "Product", "Module")
TEAMS = ("Pocketflows", "Prod", "Eng", "Ensemble", "Layer", "Leadership", "Support")
_NOISE = (
    "Summit planning for the spring release", "Harbor cruise for the team day", "Compass icons in the new theme",
    "Bridge between staging and production", "Anchor links in the help centre", "Union of two report queries",
    "Crown colour in the logo sheet", "Keystone project retrospective",
)  # fmt: skip
NOISE_COUNT = 80


def project_notion(lives: Iterable[OperatorLife], seed: int, as_of: datetime, window_start: datetime) -> NotionRecords:
    """The tickets database of the lives given, plus the tickets of nobody in particular."""
    tickets = [ticket for life in lives for ticket in life.tickets]
    tickets += _noise(seed, as_of, window_start)
    names = sorted({tag for ticket in tickets for tag in ticket.tags} | {"Enterprise", "Shuttle"})
    rows = sorted(map(_row, tickets), key=lambda row: (row["created_time"], row["number"]))
    return NotionRecords(DATABASE_ID, DATA_SOURCE_ID, "Tickets", _schema(names), rows)


def _noise(seed: int, as_of: datetime, window_start: datetime) -> list[Ticket]:
    """Tickets of no customer; some titles hold common words that are also parts of company names."""
    rng = stream(seed, -1, "noise")
    tickets = []
    for number in range(1, NOISE_COUNT + 1):
        opened = window_start + (as_of - window_start) * rng.random()
        done = rng.random() < 0.7
        pool: Sequence[str] = _NOISE if number % 3 == 0 else TICKET_TOPICS
        title = pool[int(rng.random() * len(pool))]
        tags = [("Enterprise", "Shuttle")[int(rng.random() * 2)]] if rng.random() < 0.15 else []
        tickets.append(
            Ticket(
                page_id=uuid_text(rng),
                number=number,
                title=title,
                status="Done" if done else "Ingestion",
                stage=["Deployed / Done"] if done else ["Backlog"],
                priority=rng.choice(("Low", "Medium", "High", None)),
                types=[rng.choice(TYPES[:5])],
                created_at=opened,
                edited_at=min(opened + timedelta(days=rng.random() * 30), as_of - timedelta(minutes=1)),
                tags=tags,
                team=[rng.choice(TEAMS)],
                assigned=[rng.choice(TEAM)],
            )
        )
    return tickets


def _minute(instant: datetime) -> str:
    return iso_ms(instant.replace(second=0, microsecond=0))


def _row(ticket: Ticket) -> Row:
    priority, impact, effort = ticket.scores
    return {
        "page_id": ticket.page_id,
        "number": ticket.number,
        "title": ticket.title,
        "status": ticket.status,
        "stage": list(ticket.stage),
        "priority": ticket.priority,
        "types": list(ticket.types),
        "priority_score": priority,
        "impact_score": impact,
        "effort_score": effort,
        "assigned": list(ticket.assigned),
        "team": list(ticket.team),
        "due_date": ticket.due_on.isoformat() if ticket.due_on is not None else None,
        "tags": list(ticket.tags),
        "description": ticket.description,
        "summary": ticket.summary,
        "operator_id": ticket.operator_id,
        "created_time": _minute(ticket.created_at),
        "last_edited_time": _minute(max(ticket.created_at, ticket.edited_at)),
        "body": ticket.body or f"# {ticket.title}\n\n{ticket.summary or ticket.description}\n",
    }


def _options(names: Iterable[str]) -> list[Row]:
    colours = ("default", "blue", "green", "yellow", "red", "purple", "gray")
    return [
        {"id": f"opt{place:04d}", "name": name, "color": colours[place % len(colours)], "description": None}
        for place, name in enumerate(names)
    ]


def _schema(tags: list[str]) -> dict[str, Row]:
    """The property schema: name → Notion property object with id, type and, where it has any, its options."""
    statuses = [name for group in STATUSES.values() for name in group]
    status_options = _options(statuses)
    groups = [
        {
            "id": f"grp{place}",
            "name": group,
            "color": "gray",
            "option_ids": [option["id"] for option in status_options if option["name"] in members],
        }
        for place, (group, members) in enumerate(STATUSES.items())
    ]
    bodies: dict[str, tuple[str, Row]] = {
        "Name": ("title", {}),
        "ID": ("unique_id", {"prefix": "DOOM"}),
        "Status": ("status", {"options": status_options, "groups": groups}),
        "Stage": ("multi_select", {"options": _options(STAGES)}),
        "Priority": ("select", {"options": _options(("Low", "Medium", "High"))}),
        "Type": ("multi_select", {"options": _options(TYPES)}),
        "Priority Score": ("number", {"format": "number"}),
        "Customer Impact Score": ("number", {"format": "number"}),
        "Level of Effort Score": ("number", {"format": "number"}),
        "Assigned To": ("people", {}),
        "Team": ("multi_select", {"options": _options(TEAMS)}),
        "Due Date": ("date", {}),
        "Tags": ("multi_select", {"options": _options(tags)}),
        "Description": ("rich_text", {}),
        "Summary": ("rich_text", {}),
        "operator_id": ("rich_text", {}),
    }
    return {
        name: {"id": "title" if kind == "title" else f"p%3A{place:02d}", "name": name, "type": kind, kind: body}
        for place, (name, (kind, body)) in enumerate(bodies.items())
    }
