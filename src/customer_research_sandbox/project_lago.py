"""Lago's records of a life: customers, plans, subscriptions, invoices, payments, credit notes, coupons."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.dataset import LagoRecords, Row
from customer_research_sandbox.draws import iso
from customer_research_sandbox.months import KNOWN_BEFORE, add_months, midnight, period_starts
from customer_research_sandbox.state import Coupon, CreditNote, Invoice, OperatorLife, Subscription

_EPOCH = "2024-01-02T09:00:00Z"


def derived_uuid(*parts: str) -> str:
    """A UUID that is a function of its parts: ids of records that need no randomness of their own."""
    digest = bytearray(hashlib.sha256("/".join(parts).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def project_lago(lives: Iterable[OperatorLife], as_of: datetime) -> LagoRecords:
    """Everything Lago holds of the lives given; every operator is a customer there, paying or not."""
    records = LagoRecords(plans=[_plan(plan) for plan in words.PLANS.values()])
    for life in lives:
        _Customer(life, as_of, records).write()
    return records


def _plan(plan: words.Plan) -> Row:
    return {
        "lago_id": derived_uuid("plan", plan.code),
        "name": plan.name,
        "created_at": _EPOCH,
        "code": plan.code,
        "interval": plan.interval,
        "description": f"{plan.name}, billed {plan.interval}",
        "amount_cents": plan.amount_cents,
        "amount_currency": "USD",
    }


def current_period(subscription: Subscription, as_of: datetime) -> tuple[datetime, datetime] | None:
    """The billing period that contains the as-of, as (first instant, last instant); None unless it runs."""
    if subscription.period is not None:
        return subscription.period
    begun = subscription.started_at
    if subscription.status != "active" or begun is None:
        return None
    months = words.PLANS[subscription.plan_code].months
    if subscription.billing_time == "calendar" and months == 1:
        first = midnight(as_of.date().replace(day=1))
        return max(first, begun), add_months(first, 1) - timedelta(seconds=1)
    start = period_starts(begun, months, as_of)[-1]
    return start, add_months(start, months) - timedelta(seconds=1)


class _Customer:
    """Writes one life's records, each object carrying `external_customer_id` and the customer's own Lago id."""

    def __init__(self, life: OperatorLife, as_of: datetime, records: LagoRecords) -> None:
        self._life = life
        self._operator = life.operator
        self._as_of = as_of
        self._records = records
        self._subscriptions: dict[str, Row] = {}

    def write(self) -> None:
        """Append the customer and all that hangs on it."""
        self._records.customers.append(self._customer())
        for subscription in self._life.subscriptions:
            row = self._subscription(subscription)
            self._subscriptions[subscription.lago_id] = row
            self._records.subscriptions.append(row)
        for place, invoice in enumerate(self._life.invoices, start=1):
            self._records.invoices.append(self._invoice(invoice, place))
            self._records.payments.extend(self._payments(invoice))
        for place, note in enumerate(self._life.credit_notes, start=1):
            self._records.credit_notes.append(self._credit_note(note, place))
        self._records.applied_coupons.extend(map(self._coupon, self._life.coupons))

    def _owned(self) -> Row:
        return {"lago_customer_id": self._operator.lago_customer_id, "external_customer_id": self._operator.operator_id}

    def _customer(self) -> Row:
        operator = self._operator
        billed = bool(self._life.invoices)
        return {
            "lago_id": operator.lago_customer_id,
            "sequential_id": operator.index + 1,
            "slug": f"MOO-{operator.index:05d}",
            "external_id": operator.operator_id,
            "name": operator.name,
            "email": operator.email,
            "legal_name": operator.legal_name,
            "phone": operator.phone,
            "url": operator.website,
            "city": operator.city.name,
            "state": operator.city.state,
            "country": operator.city.country,
            "currency": operator.currency if billed else None,
            "net_payment_term": operator.net_payment_term,
            "timezone": operator.city.timezone,
            "applicable_timezone": "UTC",
            "created_at": iso(operator.signed_up),
            "updated_at": iso(max(operator.signed_up, self._last_change())),
            "billing_configuration": {
                "invoice_grace_period": 3,
                "payment_provider": "stripe",
                "payment_provider_code": "moovs-stripe",
                "provider_customer_id": operator.stripe_customer or f"cus_{operator.index:014d}",
                "sync": True,
                "sync_with_provider": True,
                "document_locale": "en",
                "provider_payment_methods": ["card"],
            },
        }

    def _last_change(self) -> datetime:
        return max((invoice.created_at for invoice in self._life.invoices), default=self._operator.signed_up)

    def _subscription(self, item: Subscription) -> Row:
        period = current_period(item, self._as_of)
        plan = words.PLANS[item.plan_code]
        return {
            "lago_id": item.lago_id,
            "external_id": item.external_id,
            **self._owned(),
            "billing_time": item.billing_time,
            "name": plan.name,
            "plan_code": item.plan_code,
            "plan_amount_cents": item.amount_cents,
            "plan_amount_currency": self._operator.currency,
            "plan_overrides": {"amount_cents": item.amount_cents, "amount_currency": self._operator.currency}
            if item.overridden
            else None,
            "status": item.status,
            "created_at": iso(min(item.subscription_at, self._as_of - KNOWN_BEFORE)),
            "subscription_at": iso(item.subscription_at),
            "started_at": _iso(item.started_at),
            "ending_at": _iso(item.ending_at),
            "canceled_at": _iso(item.canceled_at),
            "terminated_at": _iso(item.terminated_at),
            "previous_plan_code": item.previous_plan,
            "next_plan_code": item.next_plan,
            "downgrade_plan_date": item.downgrade_on.isoformat() if item.downgrade_on is not None else None,
            "current_billing_period_started_at": iso(period[0]) if period is not None else None,
            "current_billing_period_ending_at": iso(period[1]) if period is not None else None,
        }

    def _invoice(self, item: Invoice, place: int) -> Row:
        updated = item.updated_at or item.paid_at or (item.attempts[-1] if item.attempts else item.created_at)
        due = item.total_cents - (item.total_cents if item.payment_status == "succeeded" else 0)
        return {
            "lago_id": item.lago_id,
            "sequential_id": place,
            "number": item.number,
            **self._owned(),
            "issuing_date": item.issued_on.isoformat(),
            "payment_due_date": item.due_on.isoformat(),
            "net_payment_term": (item.due_on - item.issued_on).days,
            "payment_overdue": item.overdue,
            "invoice_type": item.kind,
            "status": item.status,
            "payment_status": item.payment_status,
            "currency": item.currency,
            "fees_amount_cents": item.net_cents,
            "coupons_amount_cents": item.coupon_cents,
            "sub_total_excluding_taxes_amount_cents": item.net_cents - item.coupon_cents,
            "taxes_amount_cents": item.tax_cents,
            "total_amount_cents": item.total_cents,
            "total_due_amount_cents": due if item.status == "finalized" else 0,
            "created_at": iso(item.created_at),
            "updated_at": iso(updated),
            "subscriptions": [self._subscriptions[entry.lago_id] for entry in item.subscriptions],
            "billing_periods": [self._period(item, entry) for entry in item.subscriptions],
        }

    def _period(self, invoice: Invoice, subscription: Subscription) -> Row:
        first, after = invoice.period if invoice.period is not None else (invoice.created_at, invoice.created_at)
        last = after - timedelta(seconds=1) if after > first else after
        return {
            "lago_subscription_id": subscription.lago_id,
            "external_subscription_id": subscription.external_id,
            "lago_plan_id": derived_uuid("plan", subscription.plan_code),
            "subscription_from_datetime": iso(first),
            "subscription_to_datetime": iso(last),
            "charges_from_datetime": iso(first),
            "charges_to_datetime": iso(last),
            "invoicing_reason": "subscription_periodic",
        }

    def _payments(self, invoice: Invoice) -> list[Row]:
        """A payment for each attempt: the failed ones, then the succeeded one if there is one."""
        attempts = [(at, "failed") for at in invoice.attempts]
        if invoice.paid_at is not None:
            attempts.append((invoice.paid_at, "succeeded"))
        return [self._payment(invoice, place, at, status) for place, (at, status) in enumerate(attempts)]

    def _payment(self, invoice: Invoice, place: int, at: datetime, status: str) -> Row:
        lago_id = derived_uuid("payment", invoice.lago_id, str(place))
        return {
            "lago_id": lago_id,
            **self._owned(),
            "invoice_ids": [invoice.lago_id],
            "amount_cents": invoice.total_cents,
            "amount_currency": invoice.currency,
            "status": status,
            "reference": "",
            "payment_provider_code": "moovs-stripe",
            "provider_customer_id": self._operator.stripe_customer or f"cus_{self._operator.index:014d}",
            "created_at": iso(at),
        }

    def _credit_note(self, note: CreditNote, place: int) -> Row:
        return {
            "lago_id": note.lago_id,
            "sequential_id": place,
            "number": note.number,
            **self._owned(),
            "lago_invoice_id": note.invoice.lago_id,
            "invoice_number": note.invoice.number,
            "issuing_date": note.issued_on.isoformat(),
            "credit_status": "available" if note.balance_cents > 0 else "consumed",
            "reason": note.reason,
            "currency": note.invoice.currency,
            "total_amount_cents": note.total_cents,
            "balance_amount_cents": note.balance_cents,
            "created_at": iso(note.created_at),
        }

    def _coupon(self, coupon: Coupon) -> Row:
        return {
            "lago_id": coupon.lago_id,
            "lago_coupon_id": coupon.coupon_id,
            "coupon_code": coupon.code,
            "coupon_name": coupon.code.replace("-", " ").capitalize(),
            **self._owned(),
            "status": coupon.status,
            "percentage_rate": f"{coupon.percentage:.1f}",
            "frequency": "recurring" if coupon.months is not None else "forever",
            "frequency_duration": coupon.months,
            "frequency_duration_remaining": coupon.months_left,
            "created_at": iso(coupon.created_at),
            "terminated_at": _iso(coupon.terminated_at),
        }


def _iso(instant: datetime | None) -> str | None:
    return iso(instant) if instant is not None else None
