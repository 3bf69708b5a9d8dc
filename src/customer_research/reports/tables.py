"""Tables of records that more than one kind of report shows, and the links to the vendors' own pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.money import Money, totals
from customer_research.domain.report import Block, Cell, Missing, Prose, Section, Table, Text
from customer_research.domain.zones import day_in
from customer_research.reports.build import (
    NOT_RECORDED,
    Column,
    known_rows,
    listing,
    newest,
    proof_of,
    proven_prose,
    records,
    section,
    stated,
    table,
)

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


def link_of(account: Account, kind: str, field: str) -> Callable[[Mapping[str, Any]], str]:
    """A column's link from a configured pattern and the row's id."""
    return lambda row: account.link(kind, str(row.get(field) or ""))


def invoice_group(row: Mapping[str, Any]) -> str:
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


def invoice_statuses(account: Account) -> Block:
    """How many invoices stand where, and for how much, per currency."""
    found = records(account, "invoice")
    if found.gap is not None:
        return Missing("Invoices by status", found.gap)
    if not found.receipts:
        return proven_prose("No invoice was read.", (), account.as_of)
    rows = known_rows(account, "invoice")
    groups = {name: [row for row in rows if invoice_group(row) == name] for name, _ in INVOICE_GROUPS}
    cells = []
    for name, label in INVOICE_GROUPS:
        if name in _ONLY_IF_THERE and not groups[name]:
            continue
        sums = totals(Money(r["currency"], r["total_minor"]) for r in groups[name] if _priced(r))
        count = Fact(len(groups[name]), "count", found.receipts, account.as_of)
        amount = Fact(sums, "money", found.receipts, account.as_of) if sums or not groups[name] else NOT_RECORDED
        cells.append((Text(label), count, amount))
    headers = ("Status", "Invoices", "Amount")
    return Table(headers, tuple(cells), found.receipts, "Invoices by status", align=("left", "right", "right"))


def _priced(row: Mapping[str, Any]) -> bool:
    return row["total_minor"] is not None and bool(row["currency"])


def invoices(account: Account, most: int) -> Block:
    """The latest invoices."""
    columns = (
        Column("number", "Invoice", link=link_of(account, "lago_invoice", "invoice_id")),
        Column("issuing_date", "Issued", "date"),
        Column("payment_due_date", "Due", "date"),
        Column("total_minor", "Total", "money"),
        Column("status", "Status"),
        Column("payment_status", "Payment"),
    )
    rows = newest(known_rows(account, "invoice"), "issuing_date", "invoice_id")
    found = records(account, "invoice")
    return table(account, "Latest invoices", found, columns, rows=rows, most=most, empty="No invoices in Lago.")


def subscriptions(account: Account) -> Block:
    """Every subscription, active first, newest first."""
    columns = (
        Column("plan_name", "Plan"),
        Column("plan_code", "Code"),
        Column("status", "Status"),
        Column("interval", "Cycle"),
        Column("amount_minor", "Price", "money"),
        Column("monthly_minor", "A month", "money"),
        Column("started_at", "Started", "day"),
        Column("period", "Current period"),
        Column("next_bill", "Next bill", "date"),
        Column("end", "Ends"),
    )
    order = {"active": 0, "pending": 1, "terminated": 2, "canceled": 3}
    rows = sorted(
        newest(known_rows(account, "subscription"), "started_at", "subscription_id"),
        key=lambda row: order.get(str(row["status"]), 4),
    )
    zone = zone_of(account)
    shown = [{**row, **_period(row, account.as_of, zone)} for row in rows]
    found = records(account, "subscription")
    return table(account, "Subscriptions", found, columns, rows=shown, empty="No subscription in Lago, active or past.")


def zone_of(account: Account) -> str | None:
    """The zone of the customer's calendar, as billing names it; None when it is not told."""
    return next((row.get("timezone") for row in known_rows(account, "customer")), None)


def _period(row: Mapping[str, Any], as_of: datetime, zone: str | None) -> dict[str, Any]:
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


def _status_at(row: Mapping[str, Any], as_of: datetime) -> str:
    """A subscription's status at an instant, as the metrics have it: an end, a cancellation or a start after it is to come."""
    status, started, ended, canceled = (
        row.get(name) for name in ("status", "started_at", "terminated_at", "canceled_at")
    )
    if status == "canceled" and canceled is not None and canceled > as_of:
        return "pending"
    if status in {"active", "terminated"} and started is not None and started > as_of:
        return "pending"
    return "active" if status == "terminated" and ended is not None and ended > as_of else str(status)


def _end_words(row: Mapping[str, Any], as_of: datetime, zone: str | None) -> str:
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


def contacts(account: Account) -> Block:
    """The company's contacts, the primary one first."""
    columns = (
        Column("name", "Name", "person"),
        Column("job_title", "Role"),
        Column("email", "E-mail", "email"),
        Column("phone", "Phone", "phone"),
        Column("is_primary", "Primary", "boolean"),
        Column("has_left", "Has left", "boolean"),
    )
    rows = sorted(known_rows(account, "contact"), key=lambda row: (not row["is_primary"], str(row["contact_id"])))
    return table(
        account,
        "Contacts in HubSpot",
        records(account, "contact"),
        columns,
        rows=rows,
        most=10,
        empty="HubSpot has no contact for the company.",
    )


def tickets(account: Account, *, only_open: bool) -> Block:
    """Tickets, newest first, with how surely they are the operator's."""
    columns = (
        Column("number", "Ticket", link=lambda row: _ticket_link(account, row)),
        Column("title", "Title"),
        Column("status", "Status"),
        Column("priority", "Priority"),
        Column("created_at", "Opened", "day"),
        Column("due_date", "Due", "date"),
        Column("match", "Matched by"),
    )
    rows = [row for row in known_rows(account, "ticket") if row["is_open"] or not only_open]
    shown = [{**row, "match": _match_words(row)} for row in newest(rows, "created_at", "ticket_id")]
    caption, empty = ("Open tickets", "No open tickets.") if only_open else ("Tickets", "No tickets in Notion.")
    return table(account, caption, records(account, "ticket"), columns, rows=shown, most=10, empty=empty)


def _ticket_link(account: Account, row: Mapping[str, Any]) -> str:
    return account.link("notion_page", str(row.get("ticket_id") or "").replace("-", "")) or str(row.get("url") or "")


def _match_words(row: Mapping[str, Any]) -> str:
    sure = "sure" if row["is_certain"] else "probable"
    return f"{str(row['matched_by']).replace('_', ' ')} ({sure})"


def own_tickets(account: Account) -> Block:
    """The operator's open tickets and commitments as the operator may see them: no priority, no stage, no tag."""
    columns = (
        Column("number", "Ticket"),
        Column("title", "Title"),
        Column("state", "State"),
        Column("created_at", "Opened", "day"),
        Column("due_date", "Due", "date"),
    )
    rows = [row for row in known_rows(account, "ticket") if row.get("is_open")]
    shown = [
        {
            **row,
            "state": "committed" if row.get("is_commitment") else "in work",
            "title": row.get("title") or "reported",
        }
        for row in newest(rows, "created_at", "ticket_id")
    ]
    found = records(account, "ticket")
    return table(account, "Open tickets", found, columns, rows=shown, most=10, empty="No ticket is open.")


def deals(account: Account, rows: Iterable[Mapping[str, Any]] | None = None) -> Block:
    """The company's deals (or those given), newest first."""
    columns = (
        Column("name", "Deal"),
        Column("pipeline", "Pipeline"),
        Column("stage", "Stage"),
        Column("amount_minor", "Amount", "money"),
        Column("is_open", "Open", "boolean"),
        Column("close_date", "Closes", "day"),
    )
    chosen = newest(known_rows(account, "deal") if rows is None else rows, "created_at", "deal_id")
    found = records(account, "deal")
    return table(account, "Deals", found, columns, rows=chosen, most=10, empty="HubSpot has no deal for the company.")


def recent_trips(account: Account) -> Block:
    """The five trips booked last."""
    columns = (
        Column("confirmation_number", "Trip"),
        Column("created_at", "Booked", "timestamp"),
        Column("pickup_at", "Pickup", "timestamp"),
        Column("status", "Status"),
        Column("total_minor", "Total", "money"),
        Column("paid_minor", "Paid", "money"),
    )
    return listing(account, "usage_recent", "Last 5 trips booked", columns, empty="No reservation so far.")


def links(account: Account) -> Section | None:
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
    if not rows:
        return None
    block = Table(("Page", "Address"), tuple(rows), tuple(basis.values()), "Pages of the vendors", words=("Address",))
    return section("Links", block, id="links")


def served_by(account: Account) -> Prose | None:
    """Which table the card figures came from, as the source tells (model or raw, direct or joined)."""
    fact = account.fact("charge_attempts") or account.fact("charge_attempts_90d")
    if fact is None or not fact.note:
        return None
    return Prose(f"Card figures: {fact.note.rstrip('.')}.", (fact,))
