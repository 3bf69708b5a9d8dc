"""Lago's objects as its API shows them: the world's records with every field that the vendor always sends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from customer_research_sandbox.dataset import LagoRecords, Row
from customer_research_sandbox.servers.wire import made_up_id

CONSTANTS: Mapping[str, Row] = json.loads(Path(__file__).with_name("lago_constants.json").read_text(encoding="utf-8"))
"""Kind of object → the fields that it always has, as they are where its record says nothing else."""

_ABSENT_WHEN_UNKNOWN = {"payment_due_date", "payment_dispute_lost_at", "file_url", "phone_number"}


class ByKey:
    """Records by one of their fields, each with its number from 1; records may be added, removed and changed meanwhile."""

    def __init__(self, rows: Sequence[Row], key: str) -> None:
        self._rows = rows
        self._key = key
        self._known: dict[str, tuple[int, Row]] = {}
        self._length = -1

    def numbered(self, value: str) -> tuple[int, Row] | None:
        """The record with this value of the field, and its number."""
        if len(self._rows) != self._length:
            self._known = {row[self._key]: (number, row) for number, row in enumerate(self._rows, start=1)}
            self._length = len(self._rows)
        return self._known.get(value)

    def get(self, value: str) -> Row | None:
        """The record with this value of the field."""
        found = self.numbered(value)
        return found[1] if found is not None else None


class LagoViews:
    """Turns records into the objects of Lago's answers."""

    def __init__(self, records: LagoRecords) -> None:
        self.customers = ByKey(records.customers, "external_id")
        self._plans = ByKey(records.plans, "code")
        self._subscriptions = ByKey(records.subscriptions, "lago_id")
        self._invoices = ByKey(records.invoices, "lago_id")

    def customer(self, row: Row) -> Row:
        """One customer, with its billing configuration and metadata."""
        numbered = self.customers.numbered(row["external_id"])
        sequence = numbered[0] if numbered is not None else 0
        shown = {
            **CONSTANTS["customer"],
            "sequential_id": sequence,
            "slug": f"MOO-{sequence:05d}",
            "applicable_timezone": row.get("timezone") or "UTC",
            "updated_at": row["created_at"],
            **row,
        }
        shown["metadata"] = [self._metadata(row, item) for item in row.get("metadata") or []]
        return shown

    def _metadata(self, row: Row, item: Row) -> Row:
        made = {"lago_id": made_up_id("metadata", row["lago_id"], item["key"]), "display_in_invoice": False}
        return {**made, "created_at": row["created_at"], **item}

    def plan(self, row: Row) -> Row:
        """One plan without usage charges."""
        made = {"lago_id": made_up_id("plan", row["code"]), "invoice_display_name": row["name"]}
        return {**CONSTANTS["plan"], **made, **row}

    def subscription(self, row: Row) -> Row:
        """One subscription as a list shows it: without its plan and without what overrides it."""
        return {
            **CONSTANTS["subscription"],
            "lago_customer_id": self._customer_id(row),
            "created_at": row["subscription_at"],
            "activated_at": row.get("started_at"),
            **{key: value for key, value in row.items() if key not in {"plan_overrides", "plan"}},
            "on_termination_credit_note": row.get("on_termination_credit_note") or "credit",
        }

    def subscription_extended(self, row: Row) -> Row:
        """One subscription as its own GET shows it: with its plan and `plan_overrides`."""
        plan = self._plans.get(row["plan_code"])
        shown = self.subscription(row)
        shown["plan"] = self.plan(plan) if plan is not None else None
        if row.get("plan_overrides"):
            shown["plan_overrides"] = row["plan_overrides"]
            shown["plan"] = {**(shown["plan"] or {}), **row["plan_overrides"]}
        return shown

    def invoice(self, row: Row) -> Row:
        """One invoice as a list shows it."""
        total, taxes = row["total_amount_cents"], row.get("taxes_amount_cents", 0)
        net = row.get("sub_total_excluding_taxes_amount_cents", total - taxes)
        customer = self.customers.get(row["external_customer_id"])
        shown = {
            **CONSTANTS["invoice"],
            "net_payment_term": customer.get("net_payment_term") or 0 if customer is not None else 0,
            "fees_amount_cents": net,
            "sub_total_excluding_taxes_amount_cents": net,
            "taxes_amount_cents": taxes,
            "sub_total_including_taxes_amount_cents": net + taxes,
            "updated_at": row["created_at"],
            **{key: value for key, value in row.items() if not (value is None and key in _ABSENT_WHEN_UNKNOWN)},
            "metadata": row.get("metadata") or [],
            "applied_taxes": [],
            "applied_usage_thresholds": [],
        }
        for inner in ("subscriptions", "fees", "credits", "billing_periods", "external_customer_id"):
            shown.pop(inner, None)
        if customer is not None:
            shown["customer"] = self.customer(customer)
        return shown

    def invoice_extended(self, row: Row) -> Row:
        """One invoice as its own GET shows it: with its subscriptions, billing periods, credits and fees."""
        subscriptions = [self._subscription_of(item) for item in row.get("subscriptions") or []]
        known = [item for item in subscriptions if item is not None]
        return {
            **self.invoice(row),
            "subscriptions": [self.subscription(item) for item in known],
            "billing_periods": row.get("billing_periods") or [],
            "credits": row.get("credits") or [],
            "fees": row.get("fees") or [],
            "error_details": [],
        }

    def _subscription_of(self, item: Any) -> Row | None:
        if isinstance(item, dict):
            inner: Row = item.get("subscription", item)
            return self._subscriptions.get(inner.get("lago_id", "")) or inner
        return self._subscriptions.get(item)

    def payment(self, row: Row) -> Row:
        """One payment; its `created_at` is the moment of payment."""
        invoices = row.get("invoice_ids") or []
        status = row.get("payment_status", row.get("status", "succeeded"))
        provider_id = f"pi_{row['lago_id'].replace('-', '')[:24]}"
        shown = {
            **CONSTANTS["payment"],
            "lago_customer_id": self._customer_id(row),
            "invoice_ids": invoices,
            "invoice_numbers": [number for number in map(self._invoice_number, invoices) if number],
            "lago_payable_id": invoices[0] if invoices else made_up_id("payable", row["lago_id"]),
            "amount_currency": row.get("currency", "USD"),
            "status": status,
            "payment_status": status,
            **dict.fromkeys(("reference", "external_payment_id", "provider_payment_id"), provider_id),
            "provider_customer_id": f"cus_{self._customer_id(row).replace('-', '')[:14]}",
        }
        return {**shown, **{key: value for key, value in row.items() if value is not None}}

    def credit_note(self, row: Row) -> Row:
        """One credit note."""
        total, taxes = row["total_amount_cents"], row.get("taxes_amount_cents", 0)
        return {
            **CONSTANTS["credit_note"],
            "number": f"{row.get('invoice_number') or self._invoice_number(row.get('lago_invoice_id', '')) or 'MOO'}-CN001",
            "lago_invoice_id": made_up_id("invoice", row["lago_id"]),
            "invoice_number": self._invoice_number(row.get("lago_invoice_id", "")),
            "taxes_amount_cents": taxes,
            "sub_total_excluding_taxes_amount_cents": total - taxes,
            "credit_amount_cents": total,
            "balance_amount_cents": total,
            "updated_at": row["created_at"],
            **{key: value for key, value in row.items() if key != "external_customer_id"},
        }

    def applied_coupon(self, row: Row) -> Row:
        """One applied coupon."""
        rate = row.get("percentage_rate")
        code = row["coupon_code"]
        return {
            **CONSTANTS["applied_coupon"],
            "lago_coupon_id": made_up_id("coupon", code),
            "coupon_name": code,
            "lago_customer_id": self._customer_id(row),
            **row,
            "percentage_rate": None if rate is None else str(rate),
        }

    def _invoice_number(self, lago_id: str) -> str:
        found = self._invoices.get(lago_id)
        return str(found["number"]) if found is not None else ""

    def _customer_id(self, row: Row) -> str:
        known = self.customers.get(row["external_customer_id"])
        lago_id: str = known["lago_id"] if known is not None else made_up_id("customer", row["external_customer_id"])
        return lago_id
