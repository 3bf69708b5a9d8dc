"""Lago's objects → canonical rows (without `fetch_id`). Pure.

A field that Lago's contract promises and that a figure needs must be there: its absence raises `SchemaChanged`, so that no
figure is made of half a record. Optional fields become None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from customer_research.connect.source import Row
from customer_research.domain import values, zones
from customer_research.domain.money import MONTHS_PER_INTERVAL, monthly_minor
from customer_research.domain.values import UnreadableError, by_name, enumerated, listed
from customer_research.errors import SchemaChanged

T = TypeVar("T")

SEGMENTS: Mapping[str, str] = MappingProxyType(
    {
        "standard-monthly": "SMB",
        "standard-annual": "SMB",
        "pro-monthly": "Mid-Market",
        "pro-annual": "Mid-Market",
        "pro-legacy": "Mid-Market",
        "vip-monthly": "Enterprise",
    }
)
"""Base plans by exact code and the segment each means; every other code is an add-on."""


class Record:
    """One vendor object read field by field; a promised field that is absent or of another kind raises `SchemaChanged`."""

    def __init__(self, raw: Any, kind: str) -> None:
        if not isinstance(raw, Mapping):
            raise SchemaChanged(f"Lago's {kind} is not an object.", source="lago", stream=_stream(kind))
        self.raw: Mapping[str, Any] = raw
        self.kind = kind

    def text(self, name: str) -> str | None:
        """A text; None when absent, null or empty."""
        value = self.raw.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self._changed(name)
        return value

    def word(self, name: str) -> str | None:
        """A word of a vocabulary; None when absent, null or blank."""
        return enumerated(self.text(name))

    def number(self, name: str) -> float | None:
        """A finite number; None when absent or null."""
        found = self._read(values.number, self.raw.get(name), name)
        return None if found is None else float(found)

    def integer(self, name: str) -> int | None:
        """A whole number; None when absent or null."""
        value = self.raw.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._changed(name)
        return value

    def flag(self, name: str) -> bool | None:
        """A truth value; None when absent or null."""
        value = self.raw.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._changed(name)
        return value

    def instant(self, name: str) -> datetime | None:
        """An instant, UTC; None when absent or null. Lago's instants without zone are UTC."""
        return self._read(values.instant, self.text(name), name)

    def day(self, name: str) -> date | None:
        """A day as Lago wrote it (the customer's calendar); None when absent or null."""
        return self._read(values.day, (self.text(name) or "")[:10], name)

    def _read(self, read: Callable[[Any], T | None], value: Any, name: str) -> T | None:
        try:
            return read(value)
        except UnreadableError:
            raise self._changed(name) from None

    def part(self, name: str) -> Record:
        """A nested object; an empty one when absent or null."""
        value = self.raw.get(name)
        return Record({} if value is None else value, f"{self.kind}.{name}")

    def parts(self, name: str) -> tuple[Record, ...]:
        """Nested objects; none when absent or null."""
        value = self.raw.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._changed(name)
        return tuple(Record(item, f"{self.kind}.{name}") for item in value)

    def need(self, read: Callable[[str], T | None], name: str) -> T:
        """A promised field, read as one that may be absent.

        Raises:
            SchemaChanged: it is absent.
        """
        value = read(name)
        if value is None:
            raise self._changed(name)
        return value

    def _changed(self, name: str) -> SchemaChanged:
        return SchemaChanged(
            f"Lago's {self.kind} has no {name} of the kind that its contract promises.",
            source="lago",
            stream=_stream(self.kind),
            hint="Run `customer-research doctor --online` and compare with Lago's API version.",
        )


def _stream(kind: str) -> str:
    """The stream that brings objects of a kind (also for its parts, `invoice.customer`)."""
    whole = kind.split(".", maxsplit=1)[0]
    return {"customer": "customer", "plan": "subscriptions"}.get(whole, f"{whole}s")


def customer(raw: Any, operator_id: str) -> Row:
    """The billing customer; amounts follow in other tables."""
    record = Record(raw, "customer")
    billing = record.part("billing_configuration")
    zone = zone_name(record)
    return {
        "operator_id": operator_id,
        "lago_id": record.need(record.text, "lago_id"),
        **by_name(record.text, "name legal_name email phone currency city country"),
        "net_payment_term": record.integer("net_payment_term"),
        "timezone": zone,
        "utc_offset_minutes": zones.standard_minutes(zone),
        "payment_provider": billing.text("payment_provider"),
        "created_at": record.need(record.instant, "created_at"),
    }


def plan(raw: Any) -> Row:
    """One plan at its list price."""
    record = Record(raw, "plan")
    return {
        "plan_code": record.need(record.text, "code"),
        "name": record.need(record.text, "name"),
        "interval": record.need(record.word, "interval"),
        "amount_minor": record.need(record.integer, "amount_cents"),
        "currency": record.need(record.text, "amount_currency"),
        "trial_days": record.number("trial_period"),
    }


def priced(raw: Mapping[str, Any]) -> bool:
    """Whether a listed subscription tells its own price."""
    return raw.get("plan_amount_cents") is not None


def subscription(raw: Any, operator_id: str, plans: Mapping[str, Row], detail: Any = None) -> Row:
    """One subscription with its effective price.

    The price is the subscription's own (an override before the plan): of the list, else of *detail* (its single GET), else
    the plan's. Interval, name and list price come from *plans* (by code), else from the plan inside either object.

    Raises:
        SchemaChanged: a subscription that bills or will bill has no price or no known interval.
    """
    record = Record(raw, "subscription")
    code, status = record.need(record.text, "plan_code"), record.need(record.word, "status")
    known = plans.get(code) or _inner_plan(record) or _inner_plan(Record(detail or {}, "subscription")) or {}
    amount = _first(_own_price(record), _own_price(Record(detail or {}, "subscription")), known.get("amount_minor"))
    interval = known.get("interval")
    if status in {"active", "pending"} and (amount is None or interval not in MONTHS_PER_INTERVAL):
        missing = "price" if amount is None else "billing interval that is known"
        raise SchemaChanged(f"Lago's subscription to {code} has no {missing}.", source="lago", stream="subscriptions")
    monthly = None if amount is None or interval not in MONTHS_PER_INTERVAL else monthly_minor(amount, interval)
    return {
        "operator_id": operator_id,
        "subscription_id": record.need(record.text, "lago_id"),
        **by_name(record.text, "external_id previous_plan_code next_plan_code"),
        "plan_code": code,
        "plan_name": known.get("name"),
        "interval": interval,
        "status": status,
        "amount_minor": amount,
        "plan_amount_minor": known.get("amount_minor"),
        "monthly_minor": monthly,
        "currency": record.text("plan_amount_currency") or known.get("currency"),
        "is_base": code in SEGMENTS,
        "segment": SEGMENTS.get(code),
        "billing_time": record.word("billing_time"),
        "created_at": record.need(record.instant, "created_at"),
        **by_name(record.instant, "subscription_at started_at ending_at canceled_at terminated_at"),
        "period_start": record.instant("current_billing_period_started_at"),
        "period_end": record.instant("current_billing_period_ending_at"),
        "downgrade_plan_date": record.day("downgrade_plan_date"),
        "trial_ends_at": _trial_end(record, known.get("trial_days")),
    }


def _trial_end(record: Record, days: float | None) -> datetime | None:
    """When the free trial ended, else when it will: the plan's days of trial after the start."""
    ended, started = record.instant("trial_ended_at"), record.instant("started_at")
    if ended is not None or started is None or not days:
        return ended
    return started + timedelta(days=days)


def _own_price(record: Record) -> int | None:
    overrides = record.part("plan_overrides").integer("amount_cents")
    return _first(overrides, record.integer("plan_amount_cents"), record.part("plan").integer("amount_cents"))


def _inner_plan(record: Record) -> Row | None:
    return plan(record.raw["plan"]) if record.raw.get("plan") else None


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def invoice(raw: Any, operator_id: str) -> Row:
    """One invoice; days are in the customer's calendar, as Lago gives them."""
    record = Record(raw, "invoice")
    zone = zone_name(record.part("customer"))
    start, end = _period(record, zone)
    issued, due = record.need(record.day, "issuing_date"), record.day("payment_due_date")
    return {
        "operator_id": operator_id,
        "invoice_id": record.need(record.text, "lago_id"),
        "number": record.text("number"),
        "invoice_type": record.need(record.word, "invoice_type"),
        "status": record.need(record.word, "status"),
        "payment_status": record.need(record.word, "payment_status"),
        "payment_overdue": record.flag("payment_overdue"),
        "currency": record.need(record.text, "currency"),
        "total_minor": record.need(record.integer, "total_amount_cents"),
        "taxes_minor": record.integer("taxes_amount_cents"),
        "due_minor": record.integer("total_due_amount_cents"),
        "issuing_date": issued,
        "payment_due_date": due,
        "issued_at": zones.begins(issued, zone),
        "overdue_at": None if due is None else zones.is_over(due, zone),
        "period_from": start,
        "period_to": end,
        "created_at": record.need(record.instant, "created_at"),
        "updated_at": record.instant("updated_at"),
        "is_self_billed": record.flag("self_billed"),
        "dispute_lost_at": record.instant("payment_dispute_lost_at"),
    }


def zone_name(customer: Record) -> str | None:
    """The zone of a customer's calendar, as Lago names it: that which applies, else its own; None when none is told."""
    return customer.text("applicable_timezone") or customer.text("timezone")


def _period(record: Record, zone: str | None) -> tuple[date | None, date | None]:
    """First and last day billed: the invoice's own, else over its billing periods, else over its subscriptions."""
    parts = (record, *record.parts("billing_periods"), *invoice_subscriptions(record))
    starts = [day for part in parts if (day := _edge(part, "from", zone)) is not None]
    ends = [day for part in parts if (day := _edge(part, "to", zone)) is not None]
    return min(starts, default=None), max(ends, default=None)


def invoice_subscriptions(record: Record) -> Iterator[Record]:
    """The subscriptions an invoice names, which Lago gives either as themselves or as `{"subscription": {…}}`."""
    for entry in record.parts("subscriptions"):
        yield entry.part("subscription") if entry.raw.get("subscription") else entry


def _edge(part: Record, side: str, zone: str | None) -> date | None:
    instant = part.instant(f"subscription_{side}_datetime")
    return part.day(f"{side}_date") if instant is None else zones.day_in(instant, zone)


def payments(raw: Any, operator_id: str) -> list[Row]:
    """One row for each invoice that the payment pays; `paid_at` is when Lago made the payment.

    A payment of several invoices does not say which part went to which: their amounts are unknown.
    """
    record = Record(raw, "payment")
    invoices = record.raw.get("invoice_ids") or [record.text("lago_payable_id")]
    amount = record.need(record.integer, "amount_cents")
    return [
        {
            "operator_id": operator_id,
            "payment_id": record.need(record.text, "lago_id"),
            "invoice_id": invoice_id,
            "amount_minor": amount if len(invoices) == 1 else None,
            "currency": record.need(record.text, "amount_currency"),
            "status": record.need(record.word, "payment_status"),
            "paid_at": record.need(record.instant, "created_at"),
        }
        for invoice_id in invoices
    ]


def credit_note(raw: Any, operator_id: str) -> Row:
    """One credit note, its total positive. Of a voided one, what neither was paid back nor set off credits nothing."""
    record = Record(raw, "credit_note")
    total = record.need(record.integer, "total_amount_cents")
    used = (record.integer(f"{part}_amount_cents") or 0 for part in ("refund", "offset"))
    void = max(total - sum(used), 0) if record.word("credit_status") == "voided" else None
    return {
        "operator_id": operator_id,
        "credit_note_id": record.need(record.text, "lago_id"),
        **by_name(record.text, "number reason"),
        "invoice_id": record.text("lago_invoice_id"),
        "currency": record.need(record.text, "currency"),
        "total_minor": total,
        "balance_minor": record.integer("balance_amount_cents"),
        "void_minor": void,
        "issuing_date": record.need(record.day, "issuing_date"),
        "created_at": record.need(record.instant, "created_at"),
    }


def coupon_limit(raw: Any) -> tuple[str, str | None]:
    """A coupon's code, and the codes of the plans that it is limited to as one text; None where it takes off every plan.

    One that is limited to the usage of some metrics takes nothing off a plan's price: its text is empty.

    Raises:
        SchemaChanged: it has no code, or a limit that does not say to which plans.
    """
    record = Record(raw, "coupon")
    code = record.need(record.text, "code")
    if record.flag("limited_billable_metrics"):
        return code, ""
    if not record.flag("limited_plans"):
        return code, None
    codes = record.raw.get("plan_codes")
    if not isinstance(codes, list):
        raise SchemaChanged("Lago's coupon does not say to which plans it is limited.", source="lago", stream="coupons")
    return code, listed(map(str, codes))


def coupon(raw: Any, operator_id: str, limits: Mapping[str, str | None]) -> Row:
    """One coupon applied to the operator: a percentage or a fixed amount. `limits`: by its code, the plans it is limited to.

    Raises:
        SchemaChanged: it is neither.
    """
    record = Record(raw, "coupon")
    percentage, amount = record.number("percentage_rate"), record.integer("amount_cents")
    if percentage is None and amount is None:
        raise SchemaChanged("Lago's coupon has no amount and no percentage.", source="lago", stream="coupons")
    return {
        "operator_id": operator_id,
        "coupon_id": record.need(record.text, "lago_id"),
        "code": record.need(record.text, "coupon_code"),
        "plan_codes": limits.get(record.need(record.text, "coupon_code")),
        "status": record.need(record.word, "status"),
        "amount_minor": amount if percentage is None else None,
        "currency": record.text("amount_currency") if percentage is None else None,
        "percentage": percentage,
        "frequency": record.need(record.word, "frequency"),
        "frequency_duration_remaining": record.integer("frequency_duration_remaining"),
        "created_at": record.need(record.instant, "created_at"),
        "expires_at": record.instant("expiration_at"),
        "terminated_at": record.instant("terminated_at"),
    }
