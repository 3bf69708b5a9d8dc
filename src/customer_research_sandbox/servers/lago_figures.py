"""What Lago tells besides its records: fees, taxes, the billing entity, usage of a subscription, and the analytics by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from customer_research_sandbox.dataset import LagoRecords, Row
from customer_research_sandbox.servers.lago_views import CONSTANTS, LagoViews
from customer_research_sandbox.servers.wire import made_up_id

Key = TypeVar("Key", tuple[str, str], tuple[str, str, str])

_MONTHS_OF = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}


class LagoFigures:
    """Derived from the same records that the lists show, whenever they are asked for."""

    def __init__(self, records: LagoRecords, views: LagoViews, as_of: datetime) -> None:
        self._records = records
        self._views = views
        self._month = f"{as_of:%Y-%m}"

    # -- records of their own --------------------------------------------------------------------------------------------

    def fees(self) -> Iterator[Row]:
        """One subscription fee an invoice that charges for something."""
        for invoice in self._records.invoices:
            shown = self._views.invoice_extended(invoice)
            if shown["fees_amount_cents"] > 0:
                yield self._fee(invoice, shown)

    def _fee(self, invoice: Row, shown: Row) -> Row:
        net, tax, currency = shown["fees_amount_cents"], shown["taxes_amount_cents"], shown["currency"]
        subscription: Row = next(iter(shown["subscriptions"]), {})
        code = subscription.get("plan_code") or "one-off"
        kind = "subscription" if subscription else "add_on"
        return {
            **CONSTANTS["fee"],
            "lago_id": made_up_id("fee", invoice["lago_id"]),
            "lago_invoice_id": invoice["lago_id"],
            "external_subscription_id": subscription.get("external_id"),
            "lago_customer_id": shown.get("customer", {}).get("lago_id"),
            "external_customer_id": invoice["external_customer_id"],
            "amount_cents": net,
            "amount_currency": currency,
            "taxes_amount_cents": tax,
            "taxes_rate": _rate(net, tax),
            "total_amount_cents": net + tax,
            "total_amount_currency": currency,
            "payment_status": shown["payment_status"],
            "created_at": invoice["created_at"],
            "self_billed": shown["self_billed"],
            "item": {"type": kind, "code": code, "name": code, "lago_item_id": made_up_id("plan", code)},
        }

    def taxes(self) -> list[Row]:
        """The tax rates that invoices bear, one a rate."""
        views = map(self._views.invoice, self._records.invoices)
        rates = {_rate(shown["fees_amount_cents"], shown["taxes_amount_cents"]) for shown in views}
        return [_tax(rate) for rate in sorted(rates - {0.0})]

    def coupons(self) -> list[Row]:
        """The coupons that were applied to customers, one a code; `plan_codes` are those an applied one is limited to."""
        found: dict[str, Row] = {}
        for applied in self._records.applied_coupons:
            shown = self._views.applied_coupon(applied)
            plans = list(applied.get("plan_codes") or ())
            found.setdefault(
                shown["coupon_code"],
                {
                    **CONSTANTS["coupon"],
                    "lago_id": shown["lago_coupon_id"],
                    "name": shown["coupon_name"],
                    "code": shown["coupon_code"],
                    "coupon_type": "percentage" if shown["percentage_rate"] else "fixed_amount",
                    "amount_cents": shown["amount_cents"],
                    "amount_currency": shown["amount_currency"],
                    "percentage_rate": shown["percentage_rate"],
                    "frequency": applied.get("frequency", "forever"),
                    "frequency_duration": shown["frequency_duration"],
                    "limited_plans": bool(plans),
                    "plan_codes": plans,
                },
            )
        return list(found.values())

    def billing_entities(self) -> list[Row]:
        """The one entity that issues invoices."""
        entity = CONSTANTS["billing_entity"]
        return [{"lago_id": made_up_id("billing_entity", entity["code"]), **entity}]

    # -- usage -------------------------------------------------------------------------------------------------------------

    def current_usage(self, subscription: Row, currency: str) -> Row:
        """The usage of the current period: nothing is metered, so there is none."""
        shown = self._views.subscription(subscription)
        start = shown["current_billing_period_started_at"] or shown["started_at"] or shown["created_at"]
        return _usage(start, shown["current_billing_period_ending_at"] or start, currency)

    def past_usage(self, subscription: Row) -> list[Row]:
        """The periods that were invoiced, newest first, each without metered usage."""
        found = []
        for invoice in self._records.invoices:
            shown = self._views.invoice_extended(invoice)
            periods = {period["lago_subscription_id"]: period for period in shown["billing_periods"]}
            if period := periods.get(subscription["lago_id"]):
                start, end = period["subscription_from_datetime"], period["subscription_to_datetime"]
                found.append({**_usage(start, end, shown["currency"]), "lago_invoice_id": invoice["lago_id"]})
        return sorted(found, key=lambda row: str(row["from_datetime"]), reverse=True)

    # -- analytics -----------------------------------------------------------------------------------------------------------

    def revenue(self, currency: str | None, customer: str | None) -> list[Row]:
        """Gross revenue: what finalized invoices amount to, by month of issue and currency."""
        groups = _grouped(
            self._finalized(currency, customer), lambda row: (_month(row["issuing_date"]), row["currency"])
        )
        return [
            {
                "month": month,
                "currency": code,
                "amount_cents": _total(rows, "total_amount_cents"),
                "invoices_count": len(rows),
            }
            for (month, code), rows in groups
        ]

    def collection(self, currency: str | None, customer: str | None) -> list[Row]:
        """Invoices by month of issue, currency and state of payment."""
        rows = self._finalized(currency, customer)
        groups = _grouped(rows, lambda row: (_month(row["issuing_date"]), row["currency"], row["payment_status"]))
        return [
            {
                "month": month,
                "currency": code,
                "payment_status": status,
                "amount_cents": _total(found, "total_amount_cents"),
                "invoices_count": len(found),
            }
            for (month, code, status), found in groups
        ]

    def overdue(self, currency: str | None, customer: str | None) -> list[Row]:
        """What is overdue, by the month in which it fell due."""
        late = [row for row in self._finalized(currency, customer) if row.get("payment_overdue")]
        due = "payment_due_date"
        groups = _grouped(late, lambda row: (_month(row.get(due) or row["issuing_date"]), row["currency"]))
        return [
            {
                "month": month,
                "currency": code,
                "amount_cents": _total(rows, "total_amount_cents"),
                "lago_invoice_ids": [row["lago_id"] for row in rows],
            }
            for (month, code), rows in groups
        ]

    def mrr(self, currency: str | None) -> list[Row]:
        """Monthly recurring revenue: the monthly price of each subscription in each month that it was active in."""
        plans = {row["code"]: row for row in self._records.plans}
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for row in self._records.subscriptions:
            plan = {**plans.get(row["plan_code"], {}), **(row.get("plan_overrides") or {})}
            code, start = plan.get("amount_currency", "USD"), row.get("started_at")
            if start and (currency is None or code == currency):
                monthly = plan.get("amount_cents", 0) / _MONTHS_OF.get(plan.get("interval", "monthly"), 1)
                for month in _months(start[:7], (row.get("terminated_at") or self._month)[:7]):
                    sums[month, code] += monthly
        return [
            {"month": f"{month}-01T00:00:00.000Z", "currency": code, "amount_cents": round(amount)}
            for (month, code), amount in sorted(sums.items())
        ]

    def _finalized(self, currency: str | None, customer: str | None) -> list[Row]:
        return [
            row
            for row in self._records.invoices
            if row["status"] == "finalized"
            and currency in {None, row["currency"]}
            and customer in {None, row["external_customer_id"]}
        ]


def _usage(start: str, end: str, currency: str) -> Row:
    period = {"from_datetime": start, "to_datetime": end, "issuing_date": end[:10], "currency": currency}
    return {**CONSTANTS["usage"], **period}


def _rate(net: int, tax: int) -> float:
    return round(100 * tax / net, 1) if net > 0 else 0.0


def _tax(rate: float) -> Row:
    code = f"sales_tax_{rate:g}".replace(".", "_")
    return {**CONSTANTS["tax"], "lago_id": made_up_id("tax", code), "code": code, "rate": rate}


def _month(day: str) -> str:
    return f"{day[:7]}-01T00:00:00.000Z"


def _months(first: str, last: str) -> Iterator[str]:
    year, month = map(int, first.split("-"))
    while f"{year:04d}-{month:02d}" <= last:
        yield f"{year:04d}-{month:02d}"
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> list[tuple[Key, list[Row]]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return sorted(found.items())


def _total(rows: Iterable[Row], field: str) -> int:
    return sum(row[field] for row in rows)
