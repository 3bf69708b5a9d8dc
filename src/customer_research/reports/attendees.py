"""Who is who at an operator, before a talk: who decides, who uses the app, who left; our own people see the names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from customer_research.domain.account import Account
from customer_research.domain.evidence import ANSWERS, Fact, Gap, Receipt, each_once
from customer_research.domain.report import Block, Cell, FigureLine, Personal, Statement, Text, Tone
from customer_research.domain.words import counted
from customer_research.reports.blocks import NOT_KNOWN, NOT_RECORDED, grid, proven_prose, stated
from customer_research.reports.record_rows import Row, day_of, known_rows, proof_of, records, unread

TEAM = "team"
"""The listing of the app's members (`metrics/listings/team.sql`)."""

_DECIDES = re.compile(
    r"\b(owner|co-?owner|president|founder|co-?founder|chief|ceo|coo|cfo|partner|principal|director)\b", re.IGNORECASE
)
_CONTACTS, _USERS, _LEFT = 3, 2, 1
"""How many of each are shown; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody at the operator: a contact of HubSpot, a member of the app, or both (by the same name)."""

    part: str
    row: Row
    receipts: tuple[Receipt, ...]
    login: Cell
    tone: Tone = "neutral"


def who_is_who(account: Account) -> Iterator[Block | None]:
    """The people as a table, how many are left out of it, and what of them is not known."""
    staying, members, gone = _staying(account), _members(account), _gone(account)
    people = [*staying[:_CONTACTS], *members[:_USERS], *gone[:_LEFT]]
    rows = (*(_cells(account, one) for one in people), *_more(account, len(staying), len(gone), len(members)))
    yield grid("Name | Who | Last login | Phone or e-mail", rows)
    if not people and all(records(account, name).known for name in ("contact", TEAM)):
        receipts = records(account, "contact").receipts
        yield proven_prose("Nobody is on record: find out who decides.", receipts, account.as_of, "watch")
    yield unread(account, {"contact": "Contacts in HubSpot", TEAM: "Members of the app"}, *_who_left(account))


def _more(account: Account, contacts: int, left: int, members: int) -> Iterator[tuple[Cell, ...]]:
    """How many the table leaves out."""
    more = [counted(contacts - _CONTACTS, "contact")] if contacts > _CONTACTS else []
    more += [f"{left - _LEFT} who left"] if left > _LEFT else []
    users = account.fact("members_now")
    if users is not None and members > _USERS:
        more.append(f"{counted(users.value, 'member')} of the app in all")
    proof = each_once((*records(account, "contact").receipts, *(users.basis if users is not None else ())))
    if more:
        yield Text("and more"), stated(", ".join(more), proof, account.as_of), Text(""), Text("")


def _who_left(account: Account) -> Iterator[FigureLine]:
    left = account.figures.get("contacts_left")
    if isinstance(left, Gap) and left.reason not in ANSWERS and records(account, "contact").known:
        yield FigureLine("Who left", left, "unknown")


def _staying(account: Account) -> list[_Person]:
    """The contacts that are still there, who decides first."""
    found = records(account, "contact").receipts
    rows = [row for row in known_rows(account, "contact") if not row["has_left"]]
    people = [_Person(_part(row), row, proof_of(row, found), _login(account, row)) for row in rows]
    return sorted(people, key=lambda one: (_order(one.row), str(one.row["contact_id"])))


def _order(row: Row) -> tuple[bool, bool]:
    return not _DECIDES.search(str(row["job_title"] or "")), not row["is_primary"]


def _part(row: Row) -> str:
    """`Owner (decides, primary contact)`: the role, and what it means for a talk."""
    role = str(row["job_title"] or "")
    parts = ("decides" if _DECIDES.search(role) else "", "primary contact" if row["is_primary"] else "")
    told = ", ".join(filter(None, parts))
    return f"{role or 'contact'}{f' ({told})' if told else ''}"


def _gone(account: Account) -> list[_Person]:
    """Who left: contacts marked so in HubSpot, and members who were removed from the app."""
    found, team = records(account, "contact").receipts, records(account, TEAM)
    rows = [row for row in known_rows(account, "contact") if row["has_left"]]
    left = [_Person(_was(row), row, proof_of(row, found), _login(account, row), "watch") for row in rows]
    names = {_key(row) for row in rows}
    removed = [row for row in team.rows if team.known and row["removed_at"] is not None and _key(row) not in names]
    return left + [
        _Person(f"removed from the app on {day_of(row['removed_at'])}", row, team.receipts, _day(account, row), "watch")
        for row in removed
    ]


def _was(row: Row) -> str:
    return f"left{f' (was {role})' if (role := row['job_title']) else ''}: who took over?"


def _members(account: Account) -> list[_Person]:
    """The members who are no contact by name, the last to log in first."""
    team, known = records(account, TEAM), {_key(row) for row in known_rows(account, "contact")}
    there = [row for row in _users(account) if _key(row) not in known]
    return [_Person(_uses(row), row, team.receipts, _day(account, row)) for row in there]


def _uses(row: Row) -> str:
    return f"uses the app{f' as {role}' if (role := str(row['role'] or '').replace('_', ' ')) else ''}"


def _users(account: Account) -> Iterable[Row]:
    team = records(account, TEAM)
    return (row for row in team.rows if team.known and row["removed_at"] is None)


def _key(row: Row) -> str:
    return " ".join(str(row["name"] or "").split()).casefold()


def _login(account: Account, contact: Row) -> Cell:
    """When a contact logged in last, as a member of the same name."""
    if not records(account, TEAM).known:
        return NOT_KNOWN
    member = next((row for row in _users(account) if _key(row) == _key(contact) != ""), None)
    return Text("") if member is None else _day(account, member)


def _day(account: Account, member: Row) -> Cell:
    at, receipts = member["last_login_at"], records(account, TEAM).receipts
    return stated("never", receipts, account.as_of) if at is None else Fact(day_of(at), "date", receipts, account.as_of)


def _cells(account: Account, one: _Person) -> tuple[Cell, ...]:
    def personal(kind: Literal["contact", "email", "phone"], field: str) -> Cell:
        value = one.row.get(field)
        return Statement(Personal(str(value), kind), "text", one.receipts, account.as_of) if value else Text("")

    return (
        personal("contact", "name") if one.row.get("name") else NOT_RECORDED,
        stated(one.part, one.receipts, account.as_of, one.tone),
        one.login,
        personal("phone", "phone") if one.row.get("phone") else personal("email", "email"),
    )
