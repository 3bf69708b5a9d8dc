"""What was last said with an operator, and what is open with it: records of HubSpot and Notion, quoted and kept short."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import each_once
from customer_research.domain.money import Money
from customer_research.domain.report import Block, Cell, Text
from customer_research.domain.words import money_words
from customer_research.reports.blocks import NOT_RECORDED, Proof, grid, stated
from customer_research.reports.record_rows import Row, day_of, known_rows, newest, proof_of, records, unread
from customer_research.reports.shared_tables import open_tickets_of, ticket_link

Cells = tuple[Cell, ...]
"""A row: the day, what it is, its words."""

_SAID, _OPEN = 3, 3
"""How many of each are shown; how many more are open is said."""

_SUBJECT, _WORDS = 60, 110
"""The most characters of a subject, and of the words after it."""

_SOURCES = {"engagement": "Notes, calls and meetings", "ticket": "Tickets and commitments", "deal": "Deals"}


def quoted(text: Any, most: int) -> str:
    """A source's text as a quotation of at most so many characters; empty where there is none."""
    plain = " ".join(str(text or "").split())
    if len(plain) > most:
        plain = textwrap.shorten(plain, most, placeholder=" …") if " " in plain[:most] else f"{plain[: most - 1]}…"
    return f"“{plain}”" if plain else ""


def said_and_open(account: Account) -> Iterator[Block | None]:
    """The meeting that is planned, what was said last, what is open; and which source did not tell."""
    said, waiting = list(_said(account)), list(_open(account))
    yield grid("Day | What | Words", (*_planned(account), *said, *waiting[:_OPEN], *_none(account, said, waiting)))
    yield unread(account, _SOURCES)


def _none(account: Account, said: list[Cells], waiting: list[Cells]) -> Iterator[Cells]:
    """What there is none of, as far as the sources told, and how much more is open."""
    contacts, tickets, deals = (records(account, name) for name in _SOURCES)
    if not said and contacts.known:
        yield _words(Proof(contacts.receipts, account.as_of), None, "contact", "none is on record")
    both = Proof(each_once((*tickets.receipts, *deals.receipts)), account.as_of)
    if not waiting and tickets.known and deals.known:
        yield _words(both, None, "open", "no ticket, commitment or deal")
    if len(waiting) > _OPEN:
        yield _words(both, None, "open", f"{len(waiting) - _OPEN} more")


def _words(proof: Proof, day: date | datetime | None, what: str, words: str, link: str = "") -> Cells:
    if not proof.receipts:
        return Text(""), NOT_RECORDED, NOT_RECORDED
    when = Text("") if day is None else proof.fact(day_of(day), "date")
    return when, stated(what, proof.receipts, proof.as_of, link=link, theirs=True), proof.stated(words)


# -- said ----------------------------------------------------------------------------------------------------------------


def _said(account: Account) -> Iterator[Cells]:
    """The newest notes, calls, e-mails and meetings."""
    found = records(account, "engagement").receipts
    page = next((account.link("hubspot_company", str(row["company_id"])) for row in known_rows(account, "company")), "")
    for row in newest(_dated(account, past=True), "occurred_at", "engagement_id")[:_SAID]:
        subject, body = quoted(row.get("title"), _SUBJECT), quoted(row.get("body"), _WORDS)
        words = ": ".join(filter(None, (subject, body if body != subject else ""))) or "without words"
        yield _words(Proof(proof_of(row, found), account.as_of), row["occurred_at"], str(row["type"]), words, page)


def _dated(account: Account, *, past: bool) -> Iterator[Row]:
    """The contacts before the report's instant, or those that are planned for after it."""
    for row in known_rows(account, "engagement"):
        at = row.get("occurred_at")
        if isinstance(at, datetime) and (at < account.as_of) is past:
            yield row


def _planned(account: Account) -> Iterator[Cells]:
    """The next meeting that HubSpot has."""
    found = records(account, "engagement").receipts
    coming = [row for row in _dated(account, past=False) if row["type"] == "meeting"]
    for row in sorted(coming, key=lambda row: (row["occurred_at"], str(row["engagement_id"])))[:1]:
        title = quoted(row.get("title"), _SUBJECT) or "without words"
        yield _words(Proof(proof_of(row, found), account.as_of), row["occurred_at"], "planned meeting", title)


# -- open ----------------------------------------------------------------------------------------------------------------


def open_tickets(account: Account) -> list[Row]:
    """The tickets that are open and surely the operator's, in the order in which they ask for attention."""
    return [row for row in open_tickets_of(account) if row["is_certain"]]


def _open(account: Account) -> Iterator[Cells]:
    """Commitments, tickets and deals that are open."""
    tickets, deals = records(account, "ticket").receipts, records(account, "deal").receipts
    for row in open_tickets(account):
        what = f"{'commitment' if row['is_commitment'] else 'open'} {row.get('number') or 'ticket'}"
        words, link = _due(quoted(row.get("title"), _SUBJECT), row.get("due_date")), ticket_link(account, row)
        yield _words(Proof(proof_of(row, tickets), account.as_of), row.get("created_at"), what, words, link)
    for row in newest((row for row in known_rows(account, "deal") if row["is_open"]), "created_at", "deal_id"):
        priced = isinstance(row["amount_minor"], int) and row["currency"]
        worth = money_words(Money(row["currency"], row["amount_minor"])) if priced else ""
        told = ", ".join(filter(None, (quoted(row.get("name"), _SUBJECT), str(row["stage"] or ""), worth)))
        proof = Proof(proof_of(row, deals), account.as_of)
        yield _words(proof, row.get("created_at"), "open deal", _due(told, row.get("close_date")))


def _due(words: str, day: date | datetime | None) -> str:
    return f"{words or 'without a title'}{f', due {day_of(day)}' if day is not None else ''}"
