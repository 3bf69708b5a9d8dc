"""Three hundred records with a known owner, planted where matching may go wrong: from confidence 0.9 on none is another's.

Names that are nearly equal, that hold each other or are spelt otherwise; ids with and without dashes; contacts of several companies,
of more than are told, of none; people with free mail; companies that are no operator's; tickets of several conversations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from pulled import UNTIL, Kept

from customer_research.domain.match import CERTAIN, confidence
from customer_research.domain.values import listed
from customer_research.sources.intercom import bulk
from customer_research.sources.notion.index import KeyIndex
from customer_research.sources.notion.matching import TicketKeys
from customer_research.sources.notion.normalise import Ticket

PLANTED, OPERATORS = 300, 40
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Planted:
    """Whose a record is (None: nobody's), and whether it says so beyond doubt."""

    owner: str | None
    is_plain: bool


Found = dict[str, dict[str, float]]
"""Record → operator → confidence."""


def operator(number: int) -> str:
    return f"{number:08x}-5ce0-11f0-a000-{number:012x}"


def judge(planted: dict[str, Planted], found: Found) -> None:
    """Sure matches are right, plain records surely found, and what is ambiguous is nobody's for sure."""
    for own, told in planted.items():
        sure = {one for one, level in found.get(own, {}).items() if level >= CERTAIN}
        assert sure == ({told.owner} if told.is_plain else set()), (own, told, found.get(own))


# -- Intercom -------------------------------------------------------------------------------------------------------------


class Workspace:
    """Companies, contacts and records as they have landed."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.rows: dict[str, list[dict[str, Any]]] = {table.name: [] for stream in bulk.BULK for table in stream.tables}
        self.planted: dict[str, Planted] = {}
        self.refs: dict[str, list[str]] = {operator(n): [] for n in range(OPERATORS)}
        for one in self.refs:
            for spelling in (one, one.replace("-", "").upper())[: random.choice((1, 1, 2))]:
                self.refs[one].append(self._company(spelling))
        self.odd = [self._company(one) for one in ("head-office", "", operator(999))]
        """Companies that are no operator's."""

    def _add(self, table: Any, **columns: Any) -> str:
        rows, key = self.rows[table.name], table.key[0]
        own = f"{table.name}-{len(rows)}"
        rows.append({**dict.fromkeys(table.columns), key: own, **columns})
        return str(rows[-1][key])

    def _company(self, company_id: str) -> str:
        return self._add(bulk.COMPANY, company_id=company_id or None, created_at=UNTIL)

    def contact(self, *refs: str, whole: bool = True) -> str:
        return self._add(bulk.CONTACT_TABLE, company_refs=listed(refs), refs_whole=whole)

    def conversation(self, company: str | None, contacts: list[str], planted: Planted) -> str:
        own = self._add(bulk.CONVERSATION, company_key=company, contact_ids=listed(contacts), created_at=UNTIL)
        self.planted[own] = planted
        return own

    def ticket(self, conversations: list[str], contacts: list[str], planted: Planted) -> None:
        own = self._add(bulk.TICKET, telling_ids=listed(conversations), contact_ids=listed(contacts), created_at=UNTIL)
        self.planted[own] = planted

    def plant(self) -> None:
        """One conversation, and often a ticket of it."""
        one, other = self.random.sample(sorted(self.refs), 2)
        mine, others = self.refs[one], self.refs[other]
        free = self.contact()  # who writes by free mail, and was added to no company
        spelt = self.random.choice((one, one.upper(), one.replace("-", "")))
        sure, unsure, nobody = Planted(one, is_plain=True), Planted(one, is_plain=False), Planted(None, is_plain=False)
        company, contacts, planted = self.random.choice(
            (
                (spelt, [self.contact(*others)], sure),
                (spelt, [free], sure),
                (None, [self.contact(*mine)], sure),
                (None, [self.contact(*mine), self.contact(mine[0])], sure),
                (None, [self.contact(mine[0], others[0])], unsure),
                (None, [self.contact(mine[0], self.random.choice(self.odd))], unsure),
                (None, [self.contact(mine[0], whole=False)], unsure),
                (None, [self.contact(*mine), self.contact(*others)], unsure),
                (None, [self.contact(*mine), free], unsure),
                ("head-office", [self.contact(*mine)], nobody),
                (operator(999), [self.contact(*mine)], nobody),
                (None, [free], nobody),
            )
        )
        chat = self.conversation(company, contacts, planted)
        theirs = self.conversation(other, contacts, Planted(other, is_plain=True))
        if company not in {"head-office", operator(999)}:
            self.ticket([chat], contacts, planted)
            self.ticket([], contacts, planted if company is None else self._by_contacts(contacts, planted))
        else:
            self.ticket([chat], contacts, nobody)
        self.ticket([theirs], [self.contact(*mine)], Planted(other, is_plain=True))
        self.ticket([chat, theirs], contacts, unsure if company is not None else Planted(other, is_plain=True))

    def _by_contacts(self, contacts: list[str], planted: Planted) -> Planted:
        """Whose a ticket is that has nothing but its contacts: of the company that these belong to."""
        rows = {row["contact_id"]: row for row in self.rows[bulk.CONTACT_TABLE.name]}
        refs = {ref for one in contacts for ref in rows[one]["company_refs"].strip("|").split("|") if ref}
        owners = [one for one, own in self.refs.items() if refs & {*own}]
        return Planted(owners[0], is_plain=True) if owners else Planted(planted.owner, is_plain=False)

    def found(self) -> Found:
        kept = Kept()
        for stream in bulk.BULK:
            for table in stream.tables:
                kept.kinds[table.name] = table
                kept.tables[table.name] = {(row[table.key[0]],): row for row in self.rows[table.name]}
        told: Found = {}
        for link in bulk.LINKS:
            if link.table != "gap":
                for row in kept.linked(link, {"operator": [{"operator_id": one} for one in self.refs]}):
                    own = str(row.get("conversation_id") or row["ticket_id"])
                    level = confidence(row["matched_by"], is_certain=row["is_certain"])
                    told.setdefault(own, {})[row["operator_id"]] = level
        return told


@pytest.mark.parametrize("seed", SEEDS)
def test_of_intercoms_records_none_is_surely_anothers(seed: int) -> None:
    workspace = Workspace(Random(seed))
    for _ in range(PLANTED):
        workspace.plant()
    judge(workspace.planted, workspace.found())


# -- Notion ---------------------------------------------------------------------------------------------------------------

_FIRST = ("Bexley", "Bexly", "Bexleys", "Quill", "Quilt", "Harbour", "Harbor", "Ashcombe", "Ashcomb", "Silvermead")
_SECOND = ("Cars", "Cars West", "Car", "Livery")
_FORMS = ("", " LLC", ", Inc.", " Ltd")


def _names(random: Random) -> dict[str, str]:
    """Operators' names: nearly equal ones and such as hold others, but no two that differ in their legal form alone."""
    bare = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    return {operator(n): name + random.choice(_FORMS) for n, name in enumerate(bare)}


def _tickets(names: dict[str, str], random: Random) -> Iterator[tuple[Ticket, Planted]]:
    for number in range(PLANTED):
        one, other = random.sample(sorted(names), 2)
        name, bare = names[one], names[one].partition(",")[0].removesuffix(" LLC").removesuffix(" Ltd")
        sure, unsure, nobody = Planted(one, is_plain=True), Planted(one, is_plain=False), Planted(None, is_plain=False)
        values, planted = random.choice(
            (
                ({"operator_id": random.choice((one, one.upper(), one.replace("-", "")))}, sure),
                ({"operator_id": one, "title": f"Same as {names[other]}"}, sure),
                ({"tags": (random.choice((name, bare, bare.upper())), "Bug")}, sure),
                ({"tags": (name,), "title": f"Not {names[other]}"}, sure),
                ({"title": f"{name} cannot sign in"}, unsure),
                ({"title": f"{bare}: not {names[other]}"}, unsure),
                ({"description": f"They are {one} or {names[other]}"}, unsure),
                ({"tags": (f"{bare}z", f"{bare} East", "Bug", "Feature"), "title": "Slow"}, nobody),
                ({"tags": (bare.split()[0],), "title": bare.split()[0]}, nobody),
                ({"operator_id": operator(999), "title": name}, nobody),
                ({"title": "Owner wrote from kim@gmail.com"}, nobody),
            )
        )
        yield Ticket(f"page-{number}", values, UNTIL, UNTIL, None), planted


@pytest.mark.parametrize("seed", SEEDS)
def test_of_notions_tickets_none_is_surely_anothers(seed: int) -> None:
    random = Random(seed)
    names = _names(random)
    index = KeyIndex(TicketKeys.of(one, (name,), ()) for one, name in names.items())
    planted, found = dict[str, Planted](), Found()
    for ticket, told in _tickets(names, random):
        planted[ticket.page_id] = told
        matches = index.matches(ticket)
        found[ticket.page_id] = {one: confidence(way, is_certain=sure) for one, (way, sure) in matches}
    judge(planted, found)
