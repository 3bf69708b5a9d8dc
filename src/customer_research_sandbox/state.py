"""What happened to one operator: the one state that every vendor's records are projected from.

Amounts are integer minor units of the currency named beside them (the operator's billing currency for subscriptions and
invoices, the processor's for charges, USD for trips); instants are timezone-aware UTC. The generator fills these from
random draws, the named scenarios fill them by hand, and the projections (`project_*`) read them and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from customer_research_sandbox.vocabulary import City


@dataclass(slots=True)
class Operator:
    """One tenant: who it is, where, how large, and under which ids the systems know it."""

    operator_id: str
    index: int
    name: str
    slug: str
    legal_name: str
    email: str
    phone: str
    city: City
    latitude: float
    longitude: float
    signed_up: datetime
    segment: str
    size: str
    app_plan: str
    vehicles: int
    drivers: int
    members: int
    setup_score: int
    stripe_account: str | None
    """The connect account as the CSM view and the processor know it."""
    stripe_account_in_app: str | None
    """The same as the app database knows it; null where the two disagree (S15)."""
    stripe_in_model: bool
    """Whether the charges model carries the account (it misses 2 % of accounts)."""
    stripe_customer: str | None
    charge_currency: str
    lago_customer_id: str
    currency: str
    net_payment_term: int
    tax_rate: float
    hubspot_id: int | None
    hubspot_holds_operator_id: bool
    custom_domain: str | None
    website: str
    domain: str
    in_csm: bool = True
    in_hubspot_export: bool = True
    """Whether the CSM view carries the HubSpot columns."""
    hubspot_id_text: str | None = None
    """The id as the view's export writes it; null for its plain digits."""
    size_label: str | None = None
    fleet_bucket: str | None = None
    hubspot_churn: str | None = None
    contract_end: date | None = None
    source: str = "Organic search"
    employees: int | None = None
    view_blanks: frozenset[str] = frozenset()
    """Columns of the CSM view that are empty for this operator."""


@dataclass(slots=True)
class Subscription:
    """One Lago subscription; `amount_cents` is the effective price per interval, the override when there is one."""

    lago_id: str
    external_id: str
    plan_code: str
    amount_cents: int
    status: str
    subscription_at: datetime
    started_at: datetime | None
    event: str
    """Waterfall event of the CSM view."""
    event_at: datetime
    overridden: bool = False
    terminated_at: datetime | None = None
    canceled_at: datetime | None = None
    ending_at: datetime | None = None
    billing_time: str = "calendar"
    first: bool = True
    previous_plan: str | None = None
    next_plan: str | None = None
    downgrade_on: date | None = None
    csm_mrr: float | None = None
    """CALCULATED_MRR when it differs from the truth (stale by a month, or a planted disagreement)."""
    mrr_change: float = 0.0
    """Expansion (positive) or contraction (negative) of this row, USD a month."""
    period: tuple[datetime, datetime] | None = None
    """Current billing period when it is not to be derived from the start."""


@dataclass(slots=True)
class Invoice:
    """One Lago invoice; `paid_at` is the succeeded payment, `attempts` are the failed ones before it."""

    lago_id: str
    number: str
    kind: str
    status: str
    payment_status: str
    currency: str
    net_cents: int
    tax_cents: int
    issued_on: date
    due_on: date
    created_at: datetime
    coupon_cents: int = 0
    period: tuple[datetime, datetime] | None = None
    subscriptions: list[Subscription] = field(default_factory=list)
    paid_at: datetime | None = None
    attempts: list[datetime] = field(default_factory=list)
    overdue: bool = False
    updated_at: datetime | None = None

    @property
    def total_cents(self) -> int:
        """What the operator owes: fees less coupons, plus tax; negative for a credit."""
        return self.net_cents - self.coupon_cents + self.tax_cents


@dataclass(slots=True)
class CreditNote:
    """A Lago credit note on an invoice; amounts are positive."""

    lago_id: str
    number: str
    invoice: Invoice
    reason: str
    total_cents: int
    balance_cents: int
    issued_on: date
    created_at: datetime


@dataclass(slots=True)
class Coupon:
    """A percentage coupon applied to the customer; `months` is how long it lasts, None for ever."""

    lago_id: str
    coupon_id: str
    code: str
    percentage: float
    months: int | None
    months_left: int | None
    status: str
    created_at: datetime
    terminated_at: datetime | None = None


class Trip(NamedTuple):
    """One row of the reservations model. `salt` fixes its incidental fields (addresses, passenger, distance)."""

    operator: Operator
    number: int
    status: str
    created_at: datetime
    pickup_at: datetime
    cancelled_at: datetime | None
    total_cents: int
    paid_cents: int
    trip_type: str
    order_type: str
    company: str | None
    driver: int | None
    app_used: bool | None
    rating: float | None
    farmed_to: str | None
    payable_cents: int | None
    salt: int


class Dispute(NamedTuple):
    """A chargeback of one charge."""

    dispute_id: str
    amount: int
    status: str
    reason: str
    created_at: datetime


class Charge(NamedTuple):
    """One card charge of a passenger on the operator's own processor account; amounts in the charge's minor unit."""

    operator: Operator
    account: str
    charge_id: str
    created_at: datetime
    status: str
    amount: int
    refunded: int
    currency: str
    card_id: str | None
    risk_level: str | None
    risk_score: int | None
    reason: str | None
    salt: int
    dispute: Dispute | None
    refunded_at: datetime | None
    in_model: bool


@dataclass(slots=True)
class Ticket:
    """One row of the tickets database."""

    page_id: str
    number: int
    title: str
    status: str
    stage: list[str]
    priority: str | None
    types: list[str]
    created_at: datetime
    edited_at: datetime
    tags: list[str] = field(default_factory=list)
    operator_id: str | None = None
    team: list[str] = field(default_factory=list)
    assigned: list[str] = field(default_factory=list)
    due_on: date | None = None
    description: str = ""
    summary: str = ""
    scores: tuple[int | None, int | None, int | None] = (None, None, None)
    body: str = ""


@dataclass(slots=True)
class Contact:
    """A person at the operator."""

    number: int
    first: str
    last: str
    email: str
    phone: str
    title: str
    created_at: datetime
    modified_at: datetime
    left_at: datetime | None = None
    """When the record was marked as having left; null while engaged."""


@dataclass(slots=True)
class Deal:
    """A HubSpot deal; `stage` is the stage's id, labels are in the projections."""

    number: int
    name: str
    pipeline: str
    stage: str
    kind: str
    amount: float | None
    created_at: datetime
    close_at: datetime | None
    lost_reason: str | None = None
    plan: str | None = None
    source: str = "Inbound"


@dataclass(slots=True)
class Engagement:
    """A note, e-mail, call or meeting logged on the company; a planned one was logged (`logged_at`) before it takes place."""

    number: int
    kind: str
    at: datetime
    title: str
    body: str
    duration_ms: int | None = None
    owner: int = 0
    logged_at: datetime | None = None


@dataclass(slots=True)
class Answer:
    """One NPS or CSAT answer given in the app."""

    survey_id: str
    at: datetime
    score: int | None
    csat: int | None
    comment: str | None
    trigger: str


@dataclass(slots=True)
class Member:
    """A user of the app."""

    user_id: str
    first: str
    last: str
    role: str
    created_at: datetime
    last_login_at: datetime | None
    removed_at: datetime | None = None


@dataclass(slots=True)
class Driver:
    """A driver of the operator."""

    driver_id: str
    first: str
    last: str
    created_at: datetime
    deactivated_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(slots=True)
class Vehicle:
    """A vehicle of the operator."""

    vehicle_id: str
    name: str
    kind: str
    capacity: int
    colour: str
    created_at: datetime
    removed_at: datetime | None = None


@dataclass(slots=True)
class LogEntry:
    """One line of the app's own subscription log."""

    log_id: str
    plan_code: str
    event: str
    plan_name: str
    previous_plan: str | None
    amount: float
    started_at: datetime
    notes: str | None
    created_at: datetime


@dataclass(slots=True)
class Month:
    """The truth of one operator-month: covariates known at its end, the hazard they make, and what came of it."""

    start: datetime
    end: datetime
    trips: int
    rows: int
    season: float
    regime: str
    covariates: dict[str, float]
    decoys: dict[str, float]
    hazard: float | None
    """Probability that the operator decides to leave this month; null where it can't (free, gone, not started)."""
    churned: bool = False
    reason: str | None = None
    involuntary: bool = False


@dataclass(slots=True)
class OperatorLife:
    """An operator and everything that happened to it until the world's as-of."""

    operator: Operator
    scenario: str | None = None
    frailty: float = 0.0
    months: list[Month] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    credit_notes: list[CreditNote] = field(default_factory=list)
    coupons: list[Coupon] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    engagements: list[Engagement] = field(default_factory=list)
    planned: list[Engagement] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    vehicles: list[Vehicle] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    terminated_at: datetime | None = None
    """When a decided churn takes effect: the end of the paid period."""
