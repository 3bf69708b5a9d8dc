"""The catalogue of metrics: what each figure means, its unit, its formula in words and what must have answered.

A metric is a column of its subject's query (`<subject>.sql`). It is *known* when every table in `tables` answered; then an
operator without rows has `empty` (0 for counts, None for figures that need a row: a gap "none_found"). Otherwise it is
a gap, never a zero. Where the formulas come from: docs/decisions/0009-where-the-rules-come-from.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from customer_research.domain.ranges import healthy_words

Unit = Literal[
    "count", "ratio", "days", "money", "usd_minor", "date", "timestamp", "text", "boolean", "points", "number"
]
"""count: integer; ratio: 0..1 or a relative change; days: integer or number of days; money: minor units per currency
(`Amounts`); usd_minor: minor units of USD (the source has no other currency); points: a vendor's own scale."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One query: its metrics' tables decide where it runs. `grain` is one row an operator, or an operator and currency."""

    name: str
    title: str
    tables: tuple[str, ...]
    grain: Literal["operator", "operator_currency"] = "operator"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: see the module's docstring. `evidence` names the query that lists the records behind it."""

    name: str
    subject: str
    unit: Unit
    label: str
    formula: str
    tables: tuple[str, ...]
    empty: int | None
    evidence: str
    healthy: str = ""


SUBJECTS: Mapping[str, Subject] = MappingProxyType(
    {
        subject.name: subject
        for subject in (
            Subject(
                "billing",
                "Subscription billing standing (Lago)",
                ("customer", "subscription", "coupon", "invoice", "payment"),
            ),
            Subject(
                "billing_money",
                "Subscription billing amounts per currency (Lago)",
                ("subscription", "coupon", "invoice", "credit_note"),
                "operator_currency",
            ),
            Subject("csm", "The CSM master view's row of the operator", ("csm",)),
            Subject("usage", "Reservations", ("reservation",)),
            Subject("card", "Card processing (passengers' charges)", ("charge", "dispute")),
            Subject("card_money", "Card processing amounts per currency", ("charge", "dispute"), "operator_currency"),
            Subject("people", "Team, drivers and surveys in the app", ("member", "driver", "survey")),
            Subject("support", "Tickets", ("ticket",)),
            Subject("crm", "Relationship (HubSpot)", ("company", "contact", "deal", "engagement")),
            Subject("derived", "Figures derived from other metrics", ()),
        )
    }
)


def _metrics(subject: str, default_table: str, text: str) -> tuple[Metric, ...]:
    """Parse `name | unit | empty | tables | evidence | label | formula` lines (blank tables: the default).

    The healthy range stands in `domain.ranges`, where reports find it too.
    """
    out = []
    for line in text.strip().splitlines():
        name, unit, empty, tables, evidence, label, formula = (part.strip() for part in line.split("|"))
        out.append(
            Metric(
                name=name,
                subject=subject,
                unit=unit,  # type: ignore[arg-type]
                label=label,
                formula=formula,
                tables=tuple((tables or default_table).split()),
                empty=0 if empty == "0" else None,
                evidence=evidence,
                healthy=healthy_words(name, unit),
            )
        )
    return tuple(out)


_BILLING = _metrics(
    "billing",
    "invoice",
    """
    active_subscriptions | count | 0 | subscription | active_subscriptions | Active subscriptions | subscriptions with status active
    pending_subscriptions | count | 0 | subscription | pending_subscriptions | Pending subscriptions | subscriptions with status pending
    subscriptions_ever | count | 0 | subscription | subscriptions | Subscriptions of any status | all subscriptions created by T
    never_started | boolean | - | subscription | subscriptions | Canceled before the start | has subscriptions, all of them canceled
    base_plan_code | text | - | subscription | subscriptions | Base plan (code) | plan code of the active (else pending) base subscription, latest start
    base_plan_name | text | - | subscription | subscriptions | Plan | plan name of that subscription
    base_plan_interval | text | - | subscription | subscriptions | Billing cycle | billing interval of that subscription
    plan_segment | text | - | subscription | subscriptions | Segment of the plan | exact base-plan code map of the active base subscription: standard SMB, pro Mid-Market, vip Enterprise
    first_subscribed_at | timestamp | - | subscription | subscriptions | First subscription | earliest start of a subscription that did start
    subscription_started_at | timestamp | - | subscription | subscriptions | Subscribed since | start of the unbroken chain of base subscriptions that is still active (a plan change continues it; a gap of more than 7 days ends it)
    subscription_age_days | days | - | subscription | subscriptions | Subscription age | whole days from subscribed since to T
    subscription_ended_at | timestamp | - | subscription | subscriptions | Last subscription ended | latest end of a base subscription when none is active or pending
    next_bill_date | date | - | subscription invoice customer | subscriptions | Next bill | the first day after the running period of an active subscription, in the customer's calendar, over those that do not end with it; where no period is told, the day after the latest subscription invoice's period_to, when that is to come
    pending_cancellation | boolean | - | subscription | subscriptions | Pending cancellation | an active base subscription has an ending_at; one that has passed while Lago still calls it active counts, too
    subscription_ends_on | date | - | subscription customer | subscriptions | Subscription ends | the first planned end of an active base subscription, as a day in the customer's calendar
    days_to_end | days | - | subscription customer | subscriptions | Days to the end | days from T to that day; below 0 where it has passed while Lago still calls the subscription active
    upgraded_180d | boolean | - | subscription | plan_changes | Upgraded in 6 months | a base plan change (the next begins within 7 days of the end) in [T-180 d, T) to a higher monthly price; a change of interval within a segment is neither up nor down
    downgraded_180d | boolean | - | subscription | plan_changes | Downgraded in 6 months | the same to a lower monthly price, or a pending downgrade
    yearly_period_end | date | - | subscription customer | subscriptions | Yearly period end | last day of the current period of the active base subscription when billed yearly, in the customer's calendar
    trial_ends_at | timestamp | - | subscription | subscriptions | Free trial until | latest end after T of the free trial of an active subscription; until then nothing is paid for it
    mrr_usd | usd_minor | 0 | subscription coupon | active_subscriptions | MRR in USD | net MRR of active subscriptions when all are in USD (0 without any), else unknown
    mrr_by_currency | text | - | subscription coupon invoice | active_subscriptions | MRR by currency | net MRR of active subscriptions in each currency, by code: `CAD 49900 USD 12000` in minor units; the code of the invoices with 0 where none is active; unknown beyond four currencies
    net_payment_term | days | - | customer | customer | Payment term | Lago's net_payment_term
    invoices_finalized | count | 0 | | finalized_invoices | Finalised invoices | invoices with status finalized
    invoices_paid | count | 0 | | paid_invoices | Paid invoices | finalised with payment succeeded and total > 0
    invoices_pending | count | 0 | | pending_invoices | Pending invoices | finalised with payment pending and total > 0
    invoices_failed | count | 0 | | failed_invoices | Failed invoices | finalised with payment failed and total > 0, any age
    invoices_draft | count | 0 | | draft_invoices | Draft invoices | status draft
    invoices_voided | count | 0 | | voided_invoices | Voided invoices | status voided
    invoices_failed_90d | count | 0 | | failed_invoices_90d | Failed invoices, 90 days | finalised with payment failed, total > 0, issued in [T-90 d, T)
    overdue_invoices | count | 0 | | overdue_invoices | Overdue invoices | finalised, unpaid (pending or failed), total > 0, the due day over at T in the customer's calendar, or Lago's overdue flag set before T
    overdue_not_failed | count | 0 | | overdue_not_failed_invoices | Overdue, not counted as failed | overdue invoices that are not among the failed invoices of 90 days (one deduction an invoice)
    oldest_overdue_days | days | - | | overdue_invoices | Oldest overdue | days of 24 hours begun since the due day of the earliest overdue invoice was over in the customer's calendar
    invoices_due | count | 0 | | due_invoices | Due invoices | finalised with total > 0 that are paid, given back after a lost dispute, overdue, or failed without a due date
    invoice_success_rate | ratio | - | | due_invoices | Invoice success rate | paid / due invoices, from the first due invoice on
    avg_days_to_pay | days | - | invoice payment | payments | Average days to pay | mean of the whole days from the beginning of the day of issue to the last succeeded payment, at least 0, over paid invoices (those given back later after a lost dispute, too)
    last_invoice_on | date | - | | finalized_invoices | Last invoice | latest issuing date of finalised invoices
    days_since_last_invoice | days | - | | finalized_invoices | Days since last invoice | whole days from the beginning of that day in the customer's calendar to T
    billing_interval_days | days | - | subscription | subscriptions | Billing interval | 7, 30, 91, 182 or 365 days for the base subscription's interval
    invoice_currencies | count | 0 | | finalized_invoices | Currencies billed | distinct currencies of finalised invoices
    """,
)
_BILLING_MONEY = _metrics(
    "billing_money",
    "invoice",
    """
    mrr | money | 0 | subscription coupon | active_subscriptions | MRR | sum over active subscriptions of the monthly price (override before plan) minus recurring and forever coupons (percentages one after the other, then fixed ones as their share of a month at the shortest billing interval), a coupon limited to plans comes off those alone; never below 0, per currency
    list_mrr | money | 0 | subscription | active_subscriptions | MRR before coupons | sum over active subscriptions of the monthly price
    total_invoiced | money | 0 | | positive_invoices | Total invoiced | sum of positive finalised invoices
    total_paid | money | 0 | | paid_invoices | Lifetime value (paid) | sum of finalised invoices with payment succeeded and total > 0
    outstanding | money | 0 | | unpaid_invoices | Outstanding | what is still to pay of finalised invoices, payment pending or failed, total > 0
    overdue_amount | money | 0 | | overdue_invoices | Overdue amount | what is still to pay of overdue invoices
    failed_amount | money | 0 | | failed_invoices | Failed amount | what is still to pay of failed invoices
    credits | money | 0 | invoice credit_note | credits | Credits | negative finalised invoices and credit notes without what was voided, as a negative amount, apart from totals
    voided_amount | money | 0 | | voided_invoices | Voided amount | sum of voided invoices, in no total
    given_back_amount | money | 0 | | given_back_invoices | Lost in disputes | sum of finalised invoices whose payment was given back to the payer after a lost dispute; not among the paid ones
    average_invoice | money | - | | positive_invoices | Average invoice | total invoiced / positive finalised invoices, rounded half to even
    """,
)
_CSM = _metrics(
    "csm",
    "csm",
    """
    csm_status | text | - | | csm | Status in the CSM view | LAGO_STATUS of the collapsed row
    csm_plan_code | text | - | | csm | Plan in the CSM view | LAGO_PLAN_CODE of the collapsed row
    csm_mrr | usd_minor | - | | csm_active | MRR in the CSM view | CALCULATED_MRR summed over active rows
    csm_churned | boolean | - | | csm | Churned by the CSM view | no active or pending row, a terminated one, and the last event is churn (a canceled one never started)
    csm_churned_on | date | - | | csm | Churned on (CSM view) | event date of that churn row
    csm_last_event | text | - | | csm | Last MRR event | waterfall event of the latest row by event date
    reactivated | boolean | - | | csm | Reactivated | an active row whose event is reactivation
    hubspot_churn_hint | text | - | | csm | HubSpot churn status | HS_D_CHURN_STATUS, a hint only
    app_plan | text | - | | csm | Plan in the app | P_PLAN
    setup_score | points | - | | csm | Setup score | P_SETUP_SCORE, 0..30
    setup_completion | ratio | - | | csm | Setup completion | setup score / 30
    vehicles | count | - | | csm | Vehicles | P_VEHICLES_TOTAL
    drivers | count | - | | csm | Drivers | P_DRIVERS_COUNT
    members | count | - | | csm | Team members | P_TOTAL_MEMBERS
    signed_up_on | date | - | | csm | Signed up | P_CREATED_DATE
    tenure_days | days | - | | csm | Tenure | days since sign-up
    lifetime_reservations_csm | count | 0 | | csm | Reservations ever (CSM view) | R_TOTAL_RESERVATIONS_COUNT, null means none
    trip_revenue_12m_csm | usd_minor | - | | csm | Trip revenue, 12 months (CSM view) | R_T12M_TOTAL_AMOUNT
    size_tier | text | - | | csm | Size tier, 12 months | operator trip revenue of 12 months: <50k, 50-250k, 250k-1M, >1M USD
    size_label | text | - | | csm | HubSpot size label | HS_C_PROPERTY_CUSTOMER_SEGMENT, display only
    fleet_label | text | - | | csm | HubSpot fleet bucket | HS_C_PROPERTY_MOOVS_FLEET_SIZE
    days_since_assignment | days | - | | csm | Days since a driver was assigned | from DA_LAST_ASSIGNED_DRIVER_AT; not a login
    engagement_status | text | - | | csm | Driver-assignment engagement | DA_ENGAGEMENT_STATUS, exact list
    """,
)
_USAGE = _metrics(
    "usage",
    "reservation",
    """
    reservations_ever | count | 0 | | reservations | Reservations ever | rows created before T
    reservations_30d | count | 0 | | reservations_30d | Reservations, 30 days | created in [T-30 d, T)
    reservations_prev_30d | count | 0 | | reservations_prev_30d | Reservations, previous 30 days | created in [T-60 d, T-30 d)
    reservations_60d | count | 0 | | reservations_60d | Reservations, 60 days | created in [T-60 d, T)
    reservations_90d | count | 0 | | reservations_90d | Reservations, 90 days | created in [T-90 d, T)
    reservations_prev_90d | count | 0 | | reservations_prev_90d | Reservations, previous 90 days | created in [T-180 d, T-90 d)
    reservations_12m | count | 0 | | reservations_12m | Reservations, 12 months | created in [T-365 d, T)
    reservations_30d_year_ago | count | 0 | | reservations_30d_year_ago | Same 30 days a year before | created in [T-395 d, T-365 d)
    reservations_prev_30d_year_ago | count | 0 | | reservations_prev_30d_year_ago | The 30 days before, a year before | created in [T-425 d, T-395 d)
    reservations_90d_year_ago | count | 0 | | reservations_90d_year_ago | Same 90 days a year before | created in [T-455 d, T-365 d)
    first_reservation_at | timestamp | - | | reservations | First reservation | earliest created_at
    last_activity_at | timestamp | - | | reservations | Last activity | latest created_at before T, never a future pickup
    days_since_activity | days | - | | reservations | Days since last activity | whole days from last activity to T
    history_months | count | 0 | | reservations | Months of history | whole 30.4375-day months from the first reservation to T
    active_months_12m | count | 0 | | reservations_12m | Active months of 12 | 30-day windows of the last 360 days with at least one reservation created
    trips_per_month | number | - | | reservations_12m | Reservations per month, 12 months | reservations of 12 months / months since the first one (30.4375 days each, at least 1, at most 12)
    trend_30d | ratio | - | | reservations_60d | Trend, 30 days | (last 30 d - previous 30 d) / previous, when the previous has at least 10
    trend_90d | ratio | - | | reservations_180d | Trend, 90 days | (last 90 d - previous 90 d) / previous, when the previous has at least 10
    trend_90d_year | ratio | - | | reservations | Trend, year on year | (last 90 d - same 90 d a year before) / the latter, with 15 months of history and at least 10 then
    seasonal_factor_30d | ratio | - | | reservations | Seasonal step, 30 days | last year's 30 d / the 30 d before it, with 15 months of history and at least 20 in each, and in this year's 30 d before
    trend_30d_seasonal | ratio | - | | reservations_60d | Trend, 30 days, season taken out | last 30 d / (previous 30 d x seasonal step) - 1, with a seasonal step above 0 and at least 10 before
    completed_12m | count | 0 | | completed_12m | Completed, 12 months | completed, pickup in [T-365 d, T)
    cancelled_12m | count | 0 | | cancelled_12m | Cancelled, 12 months | cancelled, pickup in [T-365 d, T)
    pending_12m | count | 0 | | pending_12m | Pending, 12 months | pending, confirmed or in progress, pickup in [T-365 d, T)
    trips_12m | count | 0 | | trips_12m | Trips, 12 months | pickup in [T-365 d, T), any status
    cancellation_rate | ratio | - | | trips_12m | Cancellation rate, 12 months | cancelled / trips, 12 months by pickup
    cancellation_rate_90d | ratio | - | | trips_90d | Cancellation rate, 90 days | cancelled / trips with pickup in [T-90 d, T)
    cancellation_rate_prev_90d | ratio | - | | trips_prev_90d | Cancellation rate, previous 90 days | the same over [T-180 d, T-90 d)
    completed_90d | count | 0 | | completed_90d | Completed, 90 days | completed, pickup in [T-90 d, T)
    completed_prev_90d | count | 0 | | completed_prev_90d | Completed, previous 90 days | completed, pickup in [T-180 d, T-90 d)
    revenue_12m | usd_minor | 0 | | completed_12m | Trip revenue, 12 months | sum of total over completed trips, pickup in [T-365 d, T)
    revenue_90d | usd_minor | 0 | | completed_90d | Trip revenue, 90 days | the same over [T-90 d, T)
    revenue_prev_90d | usd_minor | 0 | | completed_prev_90d | Trip revenue, previous 90 days | the same over [T-180 d, T-90 d)
    booked_value_future | usd_minor | 0 | | future_trips | Booked ahead (value) | sum of total over trips not cancelled with pickup at T or later
    future_trips | count | 0 | | future_trips | Booked ahead | trips not cancelled with pickup at T or later
    future_trips_30d | count | 0 | | future_trips_30d | Booked ahead, 30 days | the same with pickup in [T, T+30 d)
    avg_trip_value | usd_minor | - | | completed_12m | Average trip value, 12 months | revenue of 12 months / completed trips, rounded half to even
    collected_12m | usd_minor | 0 | | completed_12m | Collected, 12 months | sum of paid over completed trips, pickup in [T-365 d, T)
    collection_rate_90d | ratio | - | | completed_90d | Collection rate, 90 days | paid / total over completed trips whose paid amount is known, pickup in [T-90 d, T)
    collection_rate_12m | ratio | - | | completed_12m | Collection rate, 12 months | the same over [T-365 d, T)
    outstanding_trips | usd_minor | 0 | | unpaid_trips | Outstanding trip balance | sum of due over completed trips, pickup before T
    driver_trips_90d | count | 0 | | driver_trips_90d | Trips with a driver, 90 days | trips with a driver, pickup in [T-90 d, T)
    driver_app_rate | ratio | - | | driver_trips_90d | Driver app adoption, 90 days | trips with the driver app used / trips with a driver, 90 days
    farm_out_rate_90d | ratio | - | | trips_90d | Farm-out rate, 90 days | trips with a farm-out partner / trips, 90 days
    farm_out_rate_prev_90d | ratio | - | | trips_prev_90d | Farm-out rate, previous 90 days | the same over [T-180 d, T-90 d)
    own_completed_90d | count | 0 | | own_completed_90d | Own completed trips, 90 days | completed and not farmed out, pickup in [T-90 d, T)
    own_completed_prev_90d | count | 0 | | own_completed_prev_90d | Own completed trips, previous 90 days | the same over [T-180 d, T-90 d)
    average_rating | number | - | | trips_12m | Average rating, 12 months | mean rating, 12 months
    average_distance_miles | number | - | | completed_12m | Average distance, 12 months | mean miles of completed trips, 12 months
    average_duration_minutes | number | - | | completed_12m | Average duration, 12 months | mean minutes of completed trips, 12 months
    """,
)
_CARD = _metrics(
    "card",
    "charge",
    """
    charge_attempts | count | 0 | | charge_attempts | Charge attempts ever | charges with status succeeded or failed, created before T
    charge_attempts_90d | count | 0 | | charge_attempts_90d | Charge attempts, 90 days | succeeded or failed in [T-90 d, T) (pending excluded)
    charges_succeeded_90d | count | 0 | | succeeded_charges_90d | Succeeded, 90 days | succeeded in [T-90 d, T)
    charges_failed_90d | count | 0 | | failed_charges | Failed, 90 days | failed in [T-90 d, T)
    charge_success_rate | ratio | - | | charge_attempts_90d | Charge success rate, 90 days | succeeded / (succeeded + failed), 90 days
    failure_streak | count | 0 | | charge_attempts_90d | Failure streak, 90 days | longest run of consecutive failures, 90 days, each distinct card once (retries of a card count once; no card id: distinct)
    refund_rate | ratio | - | | succeeded_charges_90d | Refund rate, 90 days | refunded part / amount of the charges that succeeded in 90 days, when all in one currency
    refund_rate_prev | ratio | - | | succeeded_charges_prev_90d | Refund rate, previous 90 days | the same over [T-180 d, T-90 d)
    active_disputes | count | 0 | dispute | active_disputes | Active disputes | disputes in an active status, any age
    disputes_ever | count | 0 | dispute | disputes | Disputes ever | disputes opened before T
    dispute_rate | ratio | - | charge dispute | disputes | Dispute rate, 90 days | charges of 90 days with a dispute / succeeded of 90 days
    avg_risk_score | number | - | | charge_attempts_90d | Average risk score, 90 days | mean of the known risk scores of attempts, 90 days
    scored_charges_90d | count | 0 | | scored_charges | Charges with a risk level, 90 days | attempts with level normal, elevated or highest
    high_risk_charges_90d | count | 0 | | high_risk_charges | High-risk charges, 90 days | attempts with level elevated or highest
    highest_risk_charges_90d | count | 0 | | highest_risk_charges | Highest-risk charges, 90 days | attempts with level highest
    high_risk_share | ratio | - | | high_risk_charges | High-risk share, 90 days | high-risk / scored charges, 90 days
    last_charge_at | timestamp | - | | charges | Last charge attempt | latest created_at before T, pending ones too
    days_since_last_charge | days | - | | charges | Days since last charge attempt | whole days to T
    charge_currencies | count | 0 | | charges | Currencies charged | distinct currencies
    """,
)
_CARD_MONEY = _metrics(
    "card_money",
    "charge",
    """
    charge_volume_90d | money | 0 | | succeeded_charges_90d | Charged, 90 days | sum of succeeded amounts
    charge_volume_12m | money | 0 | | succeeded_charges_12m | Charged, 12 months | the same over [T-365 d, T)
    refunded_90d | money | 0 | | succeeded_charges_90d | Refunded, 90 days | sum of the refunded parts of the charges that succeeded
    net_charged_90d | money | 0 | | succeeded_charges_90d | Net of refunds, 90 days | charged minus refunded
    average_charge_90d | money | - | | succeeded_charges_90d | Average charge, 90 days | charged / succeeded, 90 days, rounded half to even
    disputed_amount | money | 0 | dispute | active_disputes | Disputed, open | sum over active disputes
    """,
)
_PEOPLE = _metrics(
    "people",
    "member",
    """
    members_now | count | 0 | | members_now | Team members (app) | users created before T and not removed
    members_added_90d | count | 0 | | members | Members added, 90 days | members now minus members at T-90 d
    drivers_now | count | 0 | driver | drivers_now | Drivers (app) | drivers created before T, not removed or deactivated
    drivers_added_90d | count | 0 | driver | drivers | Drivers added, 90 days | drivers now minus drivers at T-90 d
    last_login_at | timestamp | - | | members | Last login | latest login of a member before T
    days_since_login | days | - | | members | Days since login | whole days to T
    nps_latest | points | - | survey | surveys | Latest NPS, 180 days | latest NPS answer of 180 days, 0..10
    csat_latest | points | - | survey | surveys | Latest CSAT, 180 days | latest CSAT answer of 180 days, 1..5
    survey_latest_at | timestamp | - | survey | surveys | Latest survey, 180 days | when the latest answer of 180 days came
    """,
)
_SUPPORT = _metrics(
    "support",
    "ticket",
    """
    open_tickets | count | 0 | | open_tickets | Open tickets | open, surely matched
    open_tickets_over_7d | count | 0 | | open_tickets_over_7d | Open 7 to 30 days | open, created before T-7 d and not before T-30 d (exclusive of the older)
    open_tickets_over_30d | count | 0 | | open_tickets_over_30d | Open more than 30 days | open, created before T-30 d
    high_priority_open | count | 0 | | high_priority_open | High priority open | open with priority High
    oldest_open_days | days | - | | open_tickets | Oldest open ticket | days since the creation of the oldest open ticket
    resolved_90d | count | 0 | | resolved_tickets | Resolved, 90 days | status Done, last edit in [T-90 d, T)
    median_resolution_days | days | - | | resolved_tickets | Median resolution time | median of last edit minus creation over those (a proxy: Notion has no closed-at)
    tickets_30d | count | 0 | | tickets_30d | Tickets opened, 30 days | surely matched, created in [T-30 d, T)
    probable_tickets | count | 0 | | probable_tickets | Probable tickets | matched by title or text only; never deducted
    feature_requests_open | count | 0 | | feature_requests_open | Open feature requests | open with type Feature or Request
    commitments_open | count | 0 | | commitments_open | Enterprise commitments | open with tag Enterprise and a due date
    commitments_at_risk | count | 0 | | commitments_at_risk | Commitments at risk | past due, or due in less than 7 d and not in development, less than 14 d and still in design, less than 30 d and in backlog
    """,
)
_CRM = _metrics(
    "crm",
    "company",
    """
    lifecycle_stage | text | - | | company | Lifecycle stage | HubSpot lifecyclestage (never leaves customer)
    owner_id | text | - | | company | Account owner (HubSpot id) | HubSpot owner's id, which stays when a name changes
    owner_name | text | - | | company | Account owner | HubSpot owner
    contract_end_date | date | - | | company | Contract end | HubSpot contract_end_date
    contract_renewal_date | date | - | | company | Renewal date (HubSpot) | HubSpot renewal_date
    contacts | count | 0 | contact | contacts | Contacts | contacts of the company
    contacts_left | count | 0 | contact | contacts_left | Contacts that left | contacts marked as having left
    contacts_active | count | 0 | contact | contacts_active | Contacts still there | contacts minus those that left
    champion_left_noted | boolean | - | engagement | engagements | A contact's leaving was noted, 180 days | an engagement of 180 days says that a contact has left
    deals_open | count | 0 | deal | deals_open | Open deals | deals neither won nor lost
    deals_won | count | 0 | deal | deals_won | Won deals | deals won
    expansion_deals_open | count | 0 | deal | expansion_deals_open | Open expansion deals | open deals in the add-on pipeline or of existing business
    last_contact_at | timestamp | - | company engagement | engagements | Last contact | latest engagement before T, else HubSpot's last logged activity
    last_contact_type | text | - | engagement | engagements | Last contact's type | type of the latest engagement
    days_since_contact | days | - | company engagement | engagements | Days since last contact | whole days to T
    engagements_90d | count | 0 | engagement | engagements_90d | Engagements, 90 days | notes, e-mails, calls, meetings in [T-90 d, T)
    cancellation_mentioned | boolean | - | engagement | engagements_90d | Cancellation mentioned, 90 days | an engagement of 90 days speaks of cancelling
    """,
)
_DERIVED = _metrics(
    "derived",
    "subscription csm",
    """
    status | text | - | | status | Status | without an active or pending subscription: churned when the CSM view's last event is churn or Lago's base subscription has ended, never_started when all were canceled; else onboarding (tenure < 30 d, or < 60 d without a first trip; not known for a young subscription while the view with the day of sign-up is silent), no_subscription or active
    churned_on | date | - | | status | Churned on | end of the last subscription, else the CSM view's churn date, of a churned operator
    segment | text | - | subscription | subscriptions | Segment | segment of the plan; without an active base plan Free
    renewal_date | date | - | subscription company | status | Renewal | contract end, else HubSpot renewal date, else Lago's yearly period end; monthly plans have none
    days_to_renewal | days | - | subscription company | status | Days to renewal | days from T to the renewal date
    customer_since | date | - | | status | Customer since | earliest of sign-up and first subscription
    payment_success_worst | ratio | - | invoice charge | due_invoices | Worse success rate | the lower of the invoice rate (3 or more due invoices) and the charge rate (20 or more attempts); a rate that is unknown is left out
    usage_trend | ratio | - | reservation | reservations_60d | Usage trend | 30-day trend with the season taken out where 15 months allow, else the plain 30-day trend
    mrr_difference | usd_minor | - | subscription coupon csm | subscriptions | MRR: Lago minus CSM view | mrr_usd minus csm_mrr when they differ by more than 1 USD and by more than 2% of mrr_usd; else 0
    churn_conflict | boolean | - | | status | Sources disagree on churn | the CSM view or HubSpot says churn while Lago has an active subscription (R18)
    """,
)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            *_BILLING,
            *_BILLING_MONEY,
            *_CSM,
            *_USAGE,
            *_CARD,
            *_CARD_MONEY,
            *_PEOPLE,
            *_SUPPORT,
            *_CRM,
            *_DERIVED,
        )
    }
)
"""All metrics by name, in the order of the documentation."""

PARTLY = frozenset({"status", "churned_on", "payment_success_worst"})
"""Derived metrics that hold with part of their tables too (billing alone tells that a subscription runs); the others would
say something else without one of them, so they are a gap then."""
