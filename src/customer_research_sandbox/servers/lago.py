"""Lago's API v1: bearer key, pages by number, `X-RateLimit-*` on every answer (Reset = seconds left), no Retry-After."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import LagoRecords, Row
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.lago_figures import LagoFigures
from customer_research_sandbox.servers.lago_views import LagoViews
from customer_research_sandbox.servers.limits import Clock, RollingWindow
from customer_research_sandbox.servers.wire import (
    ProblemError,
    Vendor,
    answer,
    bearer,
    fault_of,
    record_page,
    served,
    whole_number,
)

API_KEY = "sandbox-lago-key"
PER_PAGE = 100
"""Largest and default page."""

LIMIT_PER_SECOND = 50
"""Requests a second and organisation, for everything but events and current usage."""

GONE = ("payment_status", "status")
"""The fields that a `schema` fault removes from every record."""

ANALYTICS = {
    "gross_revenue": "gross_revenues",
    "invoice_collection": "invoice_collections",
    "invoiced_usage": "invoiced_usages",
    "mrr": "mrrs",
    "overdue_balance": "overdue_balances",
    "usage": "usages",
}
"""Analytics by path, each with the name of its list; nothing is metered, so the two of usage are empty."""

UNSUPPORTED = {
    "activity_logs": "what people did in Lago",
    "api_logs": "who called Lago",
    "order_forms": "sales documents",
    "orders": "sales documents",
    "payment_receipts": "receipts of payments",
    "quotes": "sales documents",
    "wallet_transactions": "prepaid credits, of which there are none",
    "webhook_endpoints": "where Lago reports to",
}
"""Lists of Lago's client that the sandbox answers with 404, and what they hold."""

Keep = Callable[[Row], bool]
View = Callable[[Row], Row]
Rows = Callable[[], Iterable[Row]]
Handler = Callable[[Request], Response]

_STATUSES = {"active", "canceled", "pending", "terminated", "incomplete"}
_INVOICE_STATUSES = {"draft", "finalized", "failed", "pending", "voided"}
_PAYMENT_STATUSES = {"pending", "failed", "succeeded"}


class LagoServer(Vendor):
    """Lago over the world's billing records, which may be changed while it runs (`Sandbox.dataset.lago`)."""

    source = "lago"
    public_prefixes = ("/customer/", "/invoice/")

    def __init__(self, records: LagoRecords, as_of: datetime, controls: Controls, clock: Clock) -> None:
        super().__init__(controls)
        self._records = records
        self._views = LagoViews(records)
        self._figures = LagoFigures(records, self._views, as_of)
        self._window = RollingWindow(LIMIT_PER_SECOND, 1.0, clock)
        self._customers = self._views.customers

    def routes(self) -> Sequence[BaseRoute]:
        """The read paths of the organisation and of one customer."""
        one, records, views, figures = "/customers/{external_id}", self._records, self._views, self._figures
        paths: dict[str, Handler] = {
            "/customers": self._list_customers,
            f"{one}/subscriptions": self._subscriptions,
            f"{one}/invoices": self._invoices,
            f"{one}/payments": self._payments,
            f"{one}/credit_notes": self._credit_notes,
            f"{one}/applied_coupons": self._applied_coupons,
            f"{one}/wallets": self._none_of("wallets"),
            f"{one}/payment_requests": self._none_of("payment_requests"),
            f"{one}/current_usage": self._current_usage,
            f"{one}/past_usage": self._past_usage,
            one: self._customer,
            "/subscriptions": self._subscriptions,
            "/subscriptions/{external_id}": self._subscription,
            "/invoices": self._invoices,
            "/invoices/{lago_id}": self._one_of("invoice", lambda: records.invoices, views.invoice_extended),
            "/payments": self._payments,
            "/payments/{lago_id}": self._one_of("payment", lambda: records.payments, views.payment),
            "/credit_notes": self._credit_notes,
            "/applied_coupons": self._applied_coupons,
            "/coupons": self._all_of("coupons", figures.coupons),
            "/coupons/{code}": self._one_of("coupon", figures.coupons),
            "/wallets": self._none_of("wallets"),
            "/payment_requests": self._none_of("payment_requests"),
            "/add_ons": self._none_of("add_ons"),
            "/billable_metrics": self._none_of("billable_metrics"),
            "/billing_entities": self._all_of("billing_entities", figures.billing_entities),
            "/fees": self._fees,
            "/taxes": self._all_of("taxes", figures.taxes),
            **{f"/analytics/{name}": self._analytics for name in ANALYTICS},
            "/plans": self._all_of("plans", lambda: records.plans, views.plan),
            "/plans/{code}": self._one_of("plan", lambda: records.plans, views.plan),
        }
        pages = [
            Route("/customer/{external_id}", self._linked("customer", lambda: records.customers, views.customer)),
            Route("/invoice/{lago_id}", self._linked("invoice", lambda: records.invoices, views.invoice_extended)),
        ]
        return [*(Route(f"/api/v1{path}", handler) for path, handler in paths.items()), *pages]

    def authorised(self, request: Request) -> bool:
        """Whether the key is the sandbox's."""
        return bearer(request, API_KEY)

    def error(self, status: int, message: str = "") -> Response:
        """`{status, error, code}` in Lago's words; a 429 carries its limit headers even when it is a fault."""
        if status == 404:
            return _not_found("route" if not message or message == "Not Found" else message)
        words = {401: "Unauthorized", 405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error"}
        headers = _limit_headers(0, 1.0) if status == 429 else {}
        code = {429: {"code": "too_many_requests"}, 405: {"code": "not_allowed"}}.get(status, {})
        return answer({"status": status, "error": words.get(status, message), **code}, status, headers)

    def admit(self, request: Request) -> tuple[Response | None, Mapping[str, str]]:  # noqa: ARG002  (one window for all)
        """At most 50 requests a second."""
        verdict = self._window.take()
        headers = _limit_headers(verdict.remaining, verdict.reset_seconds)
        return (None if verdict.allowed else self.error(429)), headers

    def _customer(self, request: Request) -> Response:
        return answer({"customer": self._shown(request, self._views.customer(self._known(request)))})

    def _list_customers(self, request: Request) -> Response:
        query = request.query_params
        term = query.get("search_term", "").casefold()
        currencies = query.getlist("currencies[]")
        rows = [
            row
            for row in self._records.customers
            if term
            in " ".join(str(row.get(k) or "") for k in ("name", "external_id", "email", "legal_name")).casefold()
            and (not currencies or row.get("currency") in currencies)
        ]
        return self._page(request, "customers", rows, self._views.customer)

    def _subscriptions(self, request: Request) -> Response:
        query = request.query_params
        statuses = query.getlist("status[]") or query.getlist("status") or ["active"]
        _check("status", statuses, _STATUSES)
        wanted = [_equals(query, "plan_code", "plan_code"), lambda row: row["status"] in statuses]
        rows = _kept(self._of_customer(request, self._records.subscriptions), wanted)
        return self._page(request, "subscriptions", rows, self._views.subscription)

    def _subscription(self, request: Request) -> Response:
        status = request.query_params.get("status", "active")
        for row in self._records.subscriptions:
            if row["external_id"] == request.path_params["external_id"] and row["status"] == status:
                return answer({"subscription": self._shown(request, self._views.subscription_extended(row))})
        return _not_found("subscription")

    def _invoices(self, request: Request) -> Response:
        query = request.query_params
        rows = _kept(self._of_customer(request, self._records.invoices), _invoice_filters(query))
        term = query.get("search_term", "").casefold()
        if term:
            rows = [row for row in rows if term in self._searchable(row)]
        rows.sort(key=lambda row: (row["issuing_date"], row["created_at"]), reverse=True)
        return self._page(request, "invoices", rows, self._views.invoice)

    def _searchable(self, invoice: Row) -> str:
        customer = self._customers.get(invoice["external_customer_id"]) or {}
        parts = (
            invoice["lago_id"],
            invoice["number"],
            invoice["external_customer_id"],
            customer.get("name"),
            customer.get("email"),
        )
        return " ".join(str(part or "") for part in parts).casefold()

    def _payments(self, request: Request) -> Response:
        invoice = request.query_params.get("invoice_id")
        rows = self._of_customer(request, self._records.payments)
        if invoice is not None:
            rows = [row for row in rows if invoice in row["invoice_ids"]]
        rows.sort(key=lambda row: str(row["created_at"]), reverse=True)
        return self._page(request, "payments", rows, self._views.payment)

    def _credit_notes(self, request: Request) -> Response:
        query = request.query_params
        wanted = [
            *_between(query, "issuing_date_from", "issuing_date_to", "issuing_date"),
            *_amounts(query),
            _equals(query, "currency", "currency"),
            _equals(query, "reason", "reason"),
            _equals(query, "invoice_number", "invoice_number"),
        ]
        rows = _kept(self._of_customer(request, self._records.credit_notes), wanted)
        return self._page(request, "credit_notes", rows, self._views.credit_note)

    def _applied_coupons(self, request: Request) -> Response:
        query = request.query_params
        codes = query.getlist("coupon_code[]")
        wanted = [_equals(query, "status", "status"), lambda row: not codes or row["coupon_code"] in codes]
        rows = _kept(self._of_customer(request, self._records.applied_coupons), wanted)
        return self._page(request, "applied_coupons", rows, self._views.applied_coupon)

    def _all_of(self, name: str, rows: Rows, view: View = dict) -> Handler:
        """A list of the organisation's."""
        return lambda request: self._page(request, name, rows(), view)

    def _one_of(self, what: str, rows: Rows, view: View = dict) -> Handler:
        """The record that the path names."""

        def one(request: Request) -> Response:
            row = _named(request, rows())
            return _not_found(what) if row is None else answer({what: self._shown(request, view(row))})

        return one

    @staticmethod
    def _linked(what: str, rows: Rows, view: View) -> Handler:
        """The page that a deep link to the record in the path leads to."""

        def page(request: Request) -> Response:
            row = _named(request, rows())
            return record_page(f"Lago {what}", None if row is None else view(row))

        return page

    def _none_of(self, name: str) -> Handler:
        """What no operator has (nobody prepays, nothing is metered): an empty page, or 404 for an unknown customer."""
        return lambda request: self._page(request, name, self._of_customer(request, []), dict)

    def _fees(self, request: Request) -> Response:
        query = request.query_params
        wanted = [
            _equals(query, "external_subscription_id", "external_subscription_id"),
            _equals(query, "currency", "amount_currency"),
            _equals(query, "payment_status", "payment_status"),
            lambda row: query.get("fee_type") in {None, row["item"]["type"]},
        ]
        return self._page(request, "fees", _kept(self._of_customer(request, self._figures.fees()), wanted), dict)

    def _current_usage(self, request: Request) -> Response:
        customer, subscription = self._known(request), self._used(request)
        currency = str(self._views.customer(customer)["currency"] or "USD")
        return answer({"customer_usage": self._figures.current_usage(subscription, currency)})

    def _past_usage(self, request: Request) -> Response:
        self._known(request)
        return self._page(request, "usage_periods", self._figures.past_usage(self._used(request)), dict)

    def _used(self, request: Request) -> Row:
        """The customer's subscription that the query names (422 if it names none, 404 if it is not the customer's)."""
        wanted = request.query_params.get("external_subscription_id")
        if wanted is None:
            raise ProblemError(_unprocessable("external_subscription_id"))
        for row in self._of_customer(request, self._records.subscriptions):
            if row["external_id"] == wanted:
                return row
        raise ProblemError(_not_found("subscription"))

    def _analytics(self, request: Request) -> Response:
        """Figures by month; no paging."""
        query = request.query_params
        name = request.url.path.rsplit("/", 1)[-1]
        currency, customer = query.get("currency"), query.get("external_customer_id")
        figures = self._figures
        found = {
            "gross_revenue": lambda: figures.revenue(currency, customer),
            "invoice_collection": lambda: figures.collection(currency, customer),
            "mrr": lambda: figures.mrr(currency),
            "overdue_balance": lambda: figures.overdue(currency, customer),
        }.get(name, list)()
        return answer({ANALYTICS[name]: served(request, found)})

    def _known(self, request: Request) -> Row:
        row = self._customers.get(request.path_params["external_id"])
        if row is None:
            raise ProblemError(_not_found("customer"))
        return row

    def _of_customer(self, request: Request, rows: Iterable[Row]) -> list[Row]:
        """The records of the customer in the path (404 if unknown) or in the query (none if unknown), or all."""
        if "external_id" in request.path_params:
            external_id = self._known(request)["external_id"]
        else:
            external_id = request.query_params.get("external_customer_id")
        return [row for row in rows if external_id is None or row["external_customer_id"] == external_id]

    def _page(self, request: Request, name: str, found: Iterable[Row], view: View) -> Response:
        rows = list(found)
        per_page = min(max(whole_number(request.query_params.get("per_page"), PER_PAGE), 1), PER_PAGE)
        page = max(whole_number(request.query_params.get("page"), 1), 1)
        pages = math.ceil(len(rows) / per_page)
        meta = {
            "current_page": page,
            "next_page": page + 1 if page < pages else None,
            "prev_page": page - 1 if page > 1 else None,
            "total_pages": pages,
            "total_count": len(rows),
        }
        shown = served(request, rows[(page - 1) * per_page : page * per_page])
        return answer({name: [self._shown(request, view(row)) for row in shown], "meta": meta})

    def _shown(self, request: Request, row: Row) -> Row:
        if fault_of(request) != "schema":
            return row
        return {key: value for key, value in row.items() if key not in GONE}


def _named(request: Request, rows: Iterable[Row]) -> Row | None:
    """The record with the value that the path has of one of its fields."""
    ((key, value),) = request.path_params.items()
    return next((row for row in rows if row[key] == value), None)


def _not_found(what: str) -> Response:
    return answer(
        {"status": 404, "error": "Not Found", "code": f"{what}_not_found" if what != "route" else "not_found"}, 404
    )


def _limit_headers(remaining: int, reset_seconds: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(LIMIT_PER_SECOND),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(max(math.ceil(reset_seconds), 1)),
    }


def _check(name: str, values: Iterable[str], allowed: set[str]) -> None:
    if set(values) - allowed:
        raise ProblemError(_unprocessable(name))


def _unprocessable(name: str) -> Response:
    body = {"status": 422, "error": "Unprocessable Entity", "code": "validation_errors"}
    return answer({**body, "error_details": {name: ["value_is_invalid"]}}, 422)


def _kept(rows: Iterable[Row], filters: Sequence[Keep]) -> list[Row]:
    return [row for row in rows if all(keep(row) for keep in filters)]


def _equals(query: QueryParams, parameter: str, key: str) -> Keep:
    wanted = query.get(parameter)
    return lambda row: wanted is None or row.get(key) == wanted


def _among(query: QueryParams, plural: str, single: str, key: str, allowed: set[str]) -> Keep:
    wanted = query.getlist(f"{plural}[]") or query.getlist(single)
    _check(key, wanted, allowed)
    return lambda row: not wanted or row.get(key) in wanted


def _between(query: QueryParams, lower: str, upper: str, key: str) -> list[Keep]:
    start, end = query.get(lower), query.get(upper)
    return [lambda row: start is None or row[key] >= start, lambda row: end is None or row[key] <= end]


def _amounts(query: QueryParams) -> list[Keep]:
    low, high = _cents(query, "amount_from"), _cents(query, "amount_to")
    return [
        lambda row: low is None or row["total_amount_cents"] >= low,
        lambda row: high is None or row["total_amount_cents"] <= high,
    ]


def _cents(query: QueryParams, parameter: str) -> int | None:
    text = query.get(parameter)
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ProblemError(_unprocessable(parameter))
    return int(text)


def _invoice_filters(query: QueryParams) -> list[Keep]:
    overdue = query.get("payment_overdue")
    return [
        _among(query, "statuses", "status", "status", _INVOICE_STATUSES),
        _among(query, "payment_statuses", "payment_status", "payment_status", _PAYMENT_STATUSES),
        lambda row: overdue is None or bool(row.get("payment_overdue")) is (overdue == "true"),
        *_between(query, "issuing_date_from", "issuing_date_to", "issuing_date"),
        *_amounts(query),
        _equals(query, "currency", "currency"),
        _equals(query, "invoice_type", "invoice_type"),
    ]
