"""Scenarios about tickets, people and missing sources."""

from __future__ import annotations

from datetime import datetime

from customer_research_sandbox.scenarios.script import Script
from customer_research_sandbox.state import OperatorLife


def ticket_paths(as_of: datetime) -> list[OperatorLife]:
    """S33: one open ticket for each way of naming the operator, and one that only carries a generic tag."""
    script = Script(as_of, 33, "ticket_by_each_path", "Ticketmoor Crown Livery").quiet()
    name, own_id = script.operator.name, script.operator.operator_id
    script.ticket(3, title="Import of contacts stops", operator_id=own_id)
    script.ticket(4, title="Quote form does not load", tags=[name, "Enterprise"])
    script.ticket(5, title=f"{name}: report by vehicle")
    script.ticket(6, title="Calendar shows wrong zone", description=f"Reported by operator {own_id} on the phone.")
    script.ticket(2, title="Shuttle timetable view", tags=["Enterprise"])
    return [script.life]


def old_tickets(as_of: datetime) -> list[OperatorLife]:
    """S34: open since 8 days, open since 40 days, and a High one since 3 days."""
    script = Script(as_of, 34, "old_tickets", "Backlog Heath Coaches").quiet()
    tags = [script.operator.name]
    script.ticket(8, title="Report by vehicle", tags=tags)
    script.ticket(40, title="Add toll field", tags=tags, priority="Medium")
    script.ticket(3, title="Card hold released too early", tags=tags, priority="High")
    return [script.life]


def missing_source(as_of: datetime) -> list[OperatorLife]:
    """S35: quiet in every source; the test takes HubSpot away."""
    return [Script(as_of, 35, "missing_source", "Halfview Narrows Cars").quiet().life]


def political_risk(as_of: datetime) -> list[OperatorLife]:
    """S41: the only contact has left 15 days ago."""
    script = Script(as_of, 41, "political_risk", "Onevoice Mantle Limousine").quiet(skip={"relations"})
    script.relations(contacts=1, contacted=20, left=15)
    first = script.life.contacts[0].first
    script.engage("note", 15, "", f"{first} has left the company; new point of contact to be found.")
    return [script.life]
