"""Tables of records that more than one kind of report shows, and the links to the vendors' own pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.money import Money, totals
from customer_research.domain.report import Absence, Block, Cell, Prose, Table, Text
from customer_research.domain.zones import day_in
from customer_research.reports.blocks import NOT_RECORDED, grid, proven_prose, stated
from customer_research.reports.kind import section
from customer_research.reports.record_rows import Link, Row, known_rows, newest, proof_of, records, table

INVOICE_GROUPS: tuple[tuple[str, str], ...] = (
    ("paid", "Paid"),
    ("pending", "Pending"),
    ("failed", "Failed"),
    ("zero", "Zero or credit"),
    ("draft", "Draft"),
    ("voided", "Voided (in no total)"),
    ("given_back", "Lost in a dispute"),
    ("self_billed", "Self-billed: we owe it (in no total)"),
    ("other", "Other"),
)

_ONLY_IF_THERE = frozenset({"zero", "given_back", "self_billed", "other"})


def link(kind: str, field: str) -> Link:
    """The page of a record: a configured pattern and the row's id."""
    return lambda account, row: account.link(kind, str(row.get(field) or ""))


def invoice_group(row: Row) -> str:
    """Which line of the status table an invoice belongs to (paid, pending, failed are finalised and positive)."""
    if row.get("is_self_billed"):
        return "self_billed"
    if row["status"] in {"draft", "voided"}:
        return str(row["status"])
    if row["status"] != "finalized":
        return "other"
    if row["total_minor"] is None or row["total_minor"] <= 0:
        return "zero"
    if row.get("dispute_lost_at") is not None:
        return "given_back"
    return {"succeeded": "paid", "pending": "pending", "failed": "failed"}.get(str(row["payment_status"]), "other")


def invoice_statuses(account: Account) -> Block | None:
    """How many invoices stand where, and for how much, per currency."""
    found = records(account, "invoice")
    if found.gap is not None:
        return Absence("Invoices by status", found.gap)
    if not found.receipts:
        return proven_prose("No invoice was read.", (), account.as_of)
    rows = known_rows(account, "invoice")
    groups = {name: [row for row in rows if invoice_group(row) == name] for name, _ in INVOICE_GROUPS}
    shown: list[tuple[Cell, ...]] = []
    for name, label in INVOICE_GROUPS:
        if name in _ONLY_IF_THERE and not groups[name]:
            continue
        sums = totals(Money(r["currency"], r["total_minor"]) for r in groups[name] if _priced(r))
        count = Fact(len(groups[name]), "count", found.receipts, account.as_of)
        amount = Fact(sums, "money", found.receipts, account.as_of) if sums or not groups[name] else NOT_RECORDED
        shown.append((Text(label), count, amount))
    return grid("Status | >Invoices | >Amount", shown, found.receipts, "Invoices by status")


def _priced(row: Row) -> bool:
    return row["total_minor"] is not None and bool(row["currency"])


def newest_of(name: str, field: str, key: str) -> Callable[[Account], list[Row]]:
    """The known rows of a table by a date or instant, newest first (see `record_rows.newest`)."""
    return lambda account: newest(known_rows(account, name), field, key)


def invoices(most: int) -> Callable[[Account], Block]:
    """The latest invoices."""
    return table(
        "invoice",
        "Latest invoices",
        "number Invoice, issuing_date:date Issued, payment_due_date:date Due, total_minor:money, status:word, payment_status:word Payment",
        rows=newest_of("invoice", "issuing_date", "invoice_id"),
        links={"number": link("lago_invoice", "invoice_id")},
        most=most,
        empty="No invoices in Lago.",
    )


def _subscriptions(account: Account) -> list[Row]:
    """Active ones first, then newest first."""
    order = {"active": 0, "pending": 1, "terminated": 2, "canceled": 3}
    rows = newest(known_rows(account, "subscription"), "started_at", "subscription_id")
    rows.sort(key=lambda row: order.get(str(row["status"]), 4))
    zone = zone_of(account)
    return [{**row, **_period(row, account.as_of, zone)} for row in rows]


subscriptions = table(
    "subscription",
    "Subscriptions",
    "plan_name Plan, plan_code Code, status:word, interval Cycle, amount_minor:money Price, monthly_minor:money A month, "
    "started_at:day Started, period Current period, next_bill:date, end Ends",
    rows=_subscriptions,
    empty="No subscription in Lago, active or past.",
)
"""Every subscription."""


def zone_of(account: Account) -> str | None:
    """The zone of the customer's calendar, as billing names it; None when it is not told."""
    return next((row.get("timezone") for row in known_rows(account, "customer")), None)


def _period(row: Row, as_of: datetime, zone: str | None) -> dict[str, Any]:
    """The columns that are told from others: status and end at the instant, running period and next bill (the day after it)."""
    start, end, ending = (row.get(name) for name in ("period_start", "period_end", "ending_at"))
    status = _status_at(row, as_of)
    running = status == "active"
    period, next_bill = None, None
    if isinstance(start, datetime) and isinstance(end, datetime) and start <= as_of:
        last = day_in(end, zone)
        period = f"{day_in(start, zone)} to {last}"
        goes_on = end >= as_of and (ending is None or end + timedelta(seconds=1) < ending)
        next_bill = last + timedelta(days=1) if running and goes_on else None
    return {
        "status": status,
        "period": period if running else f"none: {status}",
        "next_bill": next_bill,
        "end": _end_words(row, as_of, zone),
    }


def _status_at(row: Row, as_of: datetime) -> str:
    """A subscription's status at an instant, as the metrics have it: an end, a cancellation or a start after it is to come."""
    status, started, ended, canceled = (
        row.get(name) for name in ("status", "started_at", "terminated_at", "canceled_at")
    )
    if status == "canceled" and canceled is not None and canceled > as_of:
        return "pending"
    if status in {"active", "terminated"} and started is not None and started > as_of:
        return "pending"
    return "active" if status == "terminated" and ended is not None and ended > as_of else str(status)


def _end_words(row: Row, as_of: datetime, zone: str | None) -> str:
    ended, canceled, ending = (row.get(name) for name in ("terminated_at", "canceled_at", "ending_at"))
    if ended is not None and ended <= as_of:
        return f"ended {day_in(ended, zone)}"
    if canceled is not None and canceled <= as_of:
        return f"canceled {day_in(canceled, zone)}"
    if ending is not None and row.get("status") != "terminated":
        return f"ends {day_in(ending, zone)}" if ending > as_of else f"was to end {day_in(ending, zone)}"
    if row.get("next_plan_code"):
        return f"changes to {row['next_plan_code']}"
    return "no end set"


contacts = table(
    "contact",
    "Contacts in HubSpot",
    "name:person, job_title Role, email:email E-mail, phone:phone, is_primary:boolean Primary, has_left:boolean",
    rows=lambda account: sorted(
        known_rows(account, "contact"), key=lambda row: (not row["is_primary"], str(row["contact_id"]))
    ),
    most=10,
    empty="HubSpot has no contact for the company.",
)
"""The company's contacts, the primary one first."""


_PRIORITIES = {"High": 0, "Medium": 1, None: 2, "Low": 3}
"""Notion's priorities, as they ask for attention; one that is not said may be any."""


def open_tickets_of(account: Account) -> list[Row]:
    """The open tickets in the order in which they ask for attention.

    Promises come first, by the day on which they are due, then the others by priority; of equal ones the longest open first.
    """

    def urgency(row: Row) -> tuple[Any, ...]:
        priority, due = _PRIORITIES.get(row.get("priority"), _PRIORITIES[None]), str(row.get("due_date") or "9999")
        promised = bool(row["is_commitment"])
        return (not promised, *((due, priority) if promised else (priority, due)))

    rows = [row for row in known_rows(account, "ticket") if row["is_open"]]
    oldest_first = newest(rows, "created_at", "ticket_id")[::-1]
    return sorted(oldest_first, key=urgency)


def _matched(rows: Iterable[Row]) -> list[Row]:
    """Tickets with how surely they are the operator's."""
    return [{**row, "match": match_words(row)} for row in rows]


def ticket_link(account: Account, row: Row) -> str:
    """The page of a ticket: by the configured pattern, else the address that Notion tells."""
    return account.link("notion_page", str(row.get("ticket_id") or "").replace("-", "")) or str(row.get("url") or "")


def match_words(row: Row) -> str:
    """By what a record was matched to the operator, and whether that is sure."""
    sure = "sure" if row["is_certain"] else "probable"
    return f"{str(row['matched_by']).replace('_', ' ')} ({sure})"


_TICKET = "number Ticket, title, status:word, priority:word, created_at:day Opened, due_date:date Due, match Matched by"
_TICKET_LINKS = {"number": ticket_link}

tickets = table(
    "ticket",
    "Tickets",
    _TICKET,
    rows=lambda account: _matched(newest(known_rows(account, "ticket"), "created_at", "ticket_id")),
    links=_TICKET_LINKS,
    most=10,
    empty="No tickets in Notion.",
)
"""The newest first."""

open_tickets = table(
    "ticket",
    "Open tickets",
    _TICKET,
    rows=lambda account: _matched(open_tickets_of(account)),
    links=_TICKET_LINKS,
    most=10,
    empty="No open tickets.",
)
"""What asks for attention first (see `open_tickets_of`)."""


def _own_tickets(account: Account) -> list[Row]:
    """Open tickets and commitments as the operator may see them: no priority, no stage, no tag."""
    return [
        {
            **row,
            "state": "committed" if row.get("is_commitment") else "in work",
            "title": row.get("title") or "reported",
        }
        for row in open_tickets_of(account)
    ]


own_tickets = table(
    "ticket",
    "Open tickets",
    "number Ticket, title, state, created_at:day Opened, due_date:date Due",
    rows=_own_tickets,
    most=10,
    empty="No ticket is open.",
)


def deals(chosen: Callable[[Row], Any] = lambda _: True) -> Callable[[Account], Block]:
    """The company's deals (or those of them that are chosen), newest first."""
    return table(
        "deal",
        "Deals",
        "name Deal, pipeline:word, stage:word, amount_minor:money, is_open:boolean Open, close_date:day Closes",
        rows=lambda account: newest(filter(chosen, known_rows(account, "deal")), "created_at", "deal_id"),
        most=10,
        empty="HubSpot has no deal for the company.",
    )


recent_trips = table(
    "usage_recent",
    "Last 5 trips booked",
    "confirmation_number Trip, created_at:timestamp Booked, pickup_at:timestamp Pickup, status:word, total_minor:money, paid_minor:money",
    empty="No reservation so far.",
)


def _links(account: Account) -> Table | None:
    """The vendors' own pages on the operator, where patterns are configured."""
    rows: list[tuple[Cell, ...]] = []
    basis: dict[str, Receipt] = {}
    for label, kind, name, field in (
        ("Lago customer", "lago_customer", "customer", "lago_id"),
        ("HubSpot company", "hubspot_company", "company", "company_id"),
    ):
        found = records(account, name)
        for row in found.rows[:1]:
            url = account.link(kind, str(row.get(field) or ""))
            if url:
                proof = proof_of(row, found.receipts)
                rows.append((Text(label), stated(url, proof, account.as_of, link=url)))
                basis.update({receipt.id: receipt for receipt in proof})
    for label, card in (("Reservations card", "642"), ("Charges card", "855"), ("CSM view card", "1469")):
        url = account.link("metabase_card", card)
        if url:
            rows.append((Text(label), Text(url, link=url)))
    return grid("Page | !Address", rows, tuple(basis.values()), "Pages of the vendors")


LINKS = section("links", "Links", _links, weight=0)


def served_by(account: Account) -> Prose | None:
    """Which table the card figures came from, as the source tells (model or raw, direct or joined)."""
    fact = account.fact("charge_attempts") or account.fact("charge_attempts_90d")
    if fact is None or not fact.note:
        return None
    return Prose(f"Card figures: {fact.note.rstrip('.')}.", (fact,))
