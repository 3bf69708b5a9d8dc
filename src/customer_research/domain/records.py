"""The canonical tables: every column that metrics and reports may name, documented once.

Sources normalise vendors' records into these tables (live: rows in memory; warehouse: a binding that renames the vendor's
columns and stays where the data is). Timestamps are UTC; `*_minor` are integer minor units of the row's `currency`;
`fetch_id` is the id of the receipt that brought the row (memory tables only; bindings have none).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp", "texts"]
"""SQL types: VARCHAR, BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP (UTC, naive), VARCHAR (a `|`-delimited list, `|a|b|`)."""

Home = Literal["lago", "hubspot", "notion", "warehouse"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table."""

    name: str
    type: ColumnType
    meaning: str
    personal: bool = False
    later: bool = False
    """Added after the table was first described: tables without it are read as if it were empty."""


@dataclass(frozen=True, slots=True)
class CanonicalTable:
    """One canonical table: where its rows come from, what one row is, its key and its columns.

    `bound` tables live in the warehouse and are reached by a binding; the others are rows in memory.
    """

    name: str
    home: Home
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    bound: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)


def _columns(text: str) -> tuple[Column, ...]:
    """Parse `name type meaning` lines; before the meaning a `*` marks personal data, a `+` a column that came later."""
    columns = []
    for line in text.strip().splitlines():
        name, kind, told = line.strip().split(maxsplit=2)
        mark, meaning = told[0], told.lstrip("*+ ")
        columns.append(Column(name, kind, meaning, personal=mark == "*", later=mark == "+"))  # type: ignore[arg-type]
    return tuple(columns)


def _table(
    name: str, home: Home, grain: str, key: str, columns: str, *, bound: bool = False
) -> tuple[str, CanonicalTable]:
    return name, CanonicalTable(name, home, grain, tuple(key.split()), _columns(columns), bound=bound)


TABLES: Mapping[str, CanonicalTable] = MappingProxyType(
    dict(
        (
            _table(
                "customer",
                "lago",
                "one row per operator that Lago knows",
                "operator_id",
                """
                operator_id text Lago's external_id, normalised
                lago_id text Lago's own UUID
                name text company name in billing
                legal_name text registered name
                email text * billing e-mail
                phone text * billing phone
                currency text ISO 4217; null until the first charge
                net_payment_term integer days a finalised invoice may stay unpaid
                timezone text IANA zone of its calendar: of issuing and due days, and of billing periods
                utc_offset_minutes integer + minutes that zone's standard time is ahead of UTC; null: no such zone, days are UTC's
                city text billing city
                country text ISO 3166 country
                payment_provider text e.g. stripe
                created_at timestamp when Lago created the customer
                fetch_id text receipt
                """,
            ),
            _table(
                "plan",
                "lago",
                "one row per plan",
                "plan_code",
                """
                plan_code text the key
                name text shown name
                interval text weekly, monthly, quarterly, semiannual, yearly
                amount_minor integer list price per interval
                currency text ISO 4217
                trial_days number + days of free trial at the start; null or 0: none
                fetch_id text receipt
                """,
            ),
            _table(
                "subscription",
                "lago",
                "one row per Lago subscription, any status",
                "subscription_id",
                """
                operator_id text the operator
                subscription_id text Lago's UUID
                external_id text the subscription's own external id (not the operator's)
                plan_code text plan code
                plan_name text plan name
                interval text billing interval of the plan
                status text active, pending, canceled (never started), terminated (ended)
                amount_minor integer effective price per interval before coupons (override before plan)
                plan_amount_minor integer list price of the plan per interval
                monthly_minor integer amount_minor as minor units per month (domain.money.monthly_minor)
                currency text ISO 4217
                is_base boolean whether the plan is a base plan (exact code list)
                segment text Free, SMB, Mid-Market or Enterprise for base plans, else null
                billing_time text calendar or anniversary
                created_at timestamp when the row became known
                subscription_at timestamp when the subscription was agreed to begin
                started_at timestamp when it did begin
                ending_at timestamp set when an end is planned (pending cancellation)
                canceled_at timestamp cancellation of a pending one
                terminated_at timestamp when it ended
                period_start timestamp current billing period, first instant
                period_end timestamp current billing period, last instant
                previous_plan_code text plan before a change
                next_plan_code text plan after a pending change
                downgrade_plan_date date when a pending downgrade takes effect
                trial_ends_at timestamp + when its free trial ends or ended; null: it has none
                fetch_id text receipt
                """,
            ),
            _table(
                "invoice",
                "lago",
                "one row per Lago invoice, any status",
                "invoice_id",
                """
                operator_id text the operator
                invoice_id text Lago's UUID
                number text shown number
                invoice_type text subscription, one_off, credit, advance_charges, add_on, progressive_billing
                status text draft, finalized, voided, failed, pending
                payment_status text pending, succeeded, failed
                payment_overdue boolean Lago's own flag
                currency text ISO 4217
                total_minor integer total with tax; can be 0 or negative
                taxes_minor integer tax part
                due_minor integer what is still to pay, where Lago tells; else null (all of it, while unpaid)
                issuing_date date day of issue, in the customer's calendar
                payment_due_date date day it is due, in the customer's calendar; null when not told
                issued_at timestamp + when the day of issue begins there; null: as in UTC
                overdue_at timestamp + when the due day is over there; null: as in UTC
                period_from date first day billed; null when not told
                period_to date last day billed; null when not told
                created_at timestamp when the row became known
                updated_at timestamp last change
                is_self_billed boolean + what we owe the operator (revenue share): in no figure
                dispute_lost_at timestamp + when the bank gave its payment back to the payer; null: never
                fetch_id text receipt
                """,
            ),
            _table(
                "payment",
                "lago",
                "one row per payment and invoice it pays",
                "payment_id invoice_id",
                """
                operator_id text the operator
                payment_id text Lago's UUID
                invoice_id text the invoice it pays
                amount_minor integer amount
                currency text ISO 4217
                status text pending, processing, succeeded, failed
                paid_at timestamp when it was made
                fetch_id text receipt
                """,
            ),
            _table(
                "credit_note",
                "lago",
                "one row per credit note",
                "credit_note_id",
                """
                operator_id text the operator
                credit_note_id text Lago's UUID
                number text shown number
                invoice_id text the invoice it corrects
                reason text Lago's reason code
                currency text ISO 4217
                total_minor integer total with tax (positive)
                balance_minor integer credit left
                void_minor integer + the part that was voided and credits nothing; null is 0
                issuing_date date day of issue
                created_at timestamp when the row became known
                fetch_id text receipt
                """,
            ),
            _table(
                "coupon",
                "lago",
                "one row per coupon applied to the operator",
                "coupon_id",
                """
                operator_id text the operator
                coupon_id text Lago's UUID of the application
                code text coupon code
                plan_codes texts + codes of the plans that it is limited to; null: it takes off every plan's price
                status text active, terminated
                amount_minor integer fixed amount off; null for a percentage
                currency text ISO 4217 of the fixed amount
                percentage number percent off (20 = 20 %); null for a fixed amount
                frequency text once, recurring, forever
                frequency_duration_remaining integer billing periods left for recurring ones
                created_at timestamp when applied
                expires_at timestamp when it ends
                terminated_at timestamp when it ended
                fetch_id text receipt
                """,
            ),
            _table(
                "company",
                "hubspot",
                "one row per HubSpot company linked to the operator",
                "company_id",
                """
                operator_id text the operator
                company_id text HubSpot id
                name text company name
                domain text web domain
                industry text industry
                city text city
                state text state
                country text country
                phone text * phone
                website text web site
                lifecycle_stage text never leaves customer after churn
                lead_status text lead status
                owner_id text HubSpot owner
                owner_name text owner's name
                customer_segment text display-only size label
                fleet_size text display-only fleet bucket
                contract_end_date date renewal precedence 1
                renewal_date date renewal precedence 2
                created_at timestamp HubSpot createdate
                last_contacted_at timestamp HubSpot notes_last_updated (last logged activity)
                linked_by text csm, property, search: how the company was linked to the operator
                fetch_id text receipt
                """,
            ),
            _table(
                "contact",
                "hubspot",
                "one row per contact of the company",
                "contact_id",
                """
                operator_id text the operator
                contact_id text HubSpot id
                name text * full name
                email text * e-mail
                phone text * phone
                job_title text role
                is_primary boolean first associated contact
                has_left boolean marked as having left the operator
                created_at timestamp HubSpot createdate
                modified_at timestamp last change
                fetch_id text receipt
                """,
            ),
            _table(
                "deal",
                "hubspot",
                "one row per deal of the company",
                "deal_id",
                """
                operator_id text the operator
                deal_id text HubSpot id
                name text deal name
                pipeline text pipeline label or id
                stage text stage label or id
                deal_type text e.g. newbusiness, existingbusiness
                amount_minor integer deal amount; null when not set
                currency text ISO 4217
                is_open boolean neither won nor lost
                is_won boolean closed won, paid account or fully onboarded
                is_expansion boolean add-on pipeline or existing-business type
                close_date timestamp expected or real close
                closed_lost_reason text reason
                created_at timestamp HubSpot createdate
                fetch_id text receipt
                """,
            ),
            _table(
                "engagement",
                "hubspot",
                "one row per note, e-mail, call or meeting",
                "engagement_id",
                """
                operator_id text the operator
                engagement_id text HubSpot id
                type text note, email, call, meeting
                title text subject or title
                body text note text (untrusted)
                duration_seconds number calls only (HubSpot tells milliseconds)
                owner_id text who logged it
                occurred_at timestamp hs_timestamp
                created_at timestamp when logged
                mentions_cancellation boolean the text speaks of cancelling, leaving or switching
                mentions_champion_left boolean the text says that a contact has left
                fetch_id text receipt
                """,
            ),
            _table(
                "ticket",
                "notion",
                "one row per ticket matched to the operator",
                "ticket_id",
                """
                operator_id text the operator
                ticket_id text Notion page id
                number text DOOM-n
                title text title (untrusted)
                status text status option
                stage texts stages
                priority text Low, Medium, High or null
                types texts types
                tags texts tags
                due_date date due date
                is_open boolean status not Done, Archived, Not doing anymore, and no stage Deployed / Done
                is_done boolean status Done
                is_commitment boolean tag Enterprise and a due date
                matched_by text operator_id, tag, title, text
                is_certain boolean matched by operator_id or tag; probable matches never deduct
                created_at timestamp page creation
                edited_at timestamp last edit (minute precision)
                url text Notion page
                fetch_id text receipt
                """,
            ),
            _table(
                "csm",
                "warehouse",
                "one row per base-plan subscription in MOOVS.CSM_MOOVS (not per operator)",
                "operator_id subscription_id",
                """
                operator_id text LAGO_EXTERNAL_CUSTOMER_ID
                subscription_id text LAGO_ID
                status text LAGO_STATUS: active, pending, terminated, canceled
                plan_code text LAGO_PLAN_CODE
                plan_name text LAGO_PLAN_NAME
                plan_interval text monthly, yearly
                mrr_minor integer CALCULATED_MRR in USD cents
                waterfall_event text new, expansion_moovs, contraction_moovs, plan_change, reactivation, churn
                event_date date day of the event
                started_at timestamp LAGO_STARTED_AT
                terminated_at timestamp LAGO_TERMINATED_AT
                created_at timestamp LAGO_CREATED_AT
                name text P_COMPANY_NAME
                email text * P_GENERAL_EMAIL
                phone text * PHONE_NUMBER
                app_plan text P_PLAN (may lag Lago)
                stripe_account text P_STRIPE_ACCOUNT_ID
                stripe_customer text P_STRIPE_CUSTOMER
                custom_domain text P_CUSTOM_DOMAIN
                signed_up_on date P_CREATED_DATE
                vehicles integer P_VEHICLES_TOTAL
                drivers integer P_DRIVERS_COUNT
                members integer P_TOTAL_MEMBERS
                setup_score integer 0..30 in steps of 5
                latitude number degrees; null for 0,0
                longitude number degrees; null for 0,0
                hubspot_company_id text HS_C_ID as an integer string
                hubspot_deal_id text HS_D_DEAL_ID as an integer string
                customer_segment text HS_C_PROPERTY_CUSTOMER_SEGMENT (size label)
                fleet_size text HS_C_PROPERTY_MOOVS_FLEET_SIZE, normalised ("1.0" is "1")
                hubspot_churn_status text HS_D_CHURN_STATUS (a stale hint)
                pipeline_segment text HS_D pipeline
                reservations_total integer R_TOTAL_RESERVATIONS_COUNT; null means none
                reservations_30d integer R_LAST_30_DAYS_RESERVATIONS_COUNT
                reservation_amount_12m_minor integer R_T12M_TOTAL_AMOUNT in USD cents
                last_reservation_at timestamp R_LAST_TRIP_CREATED_AT
                last_assignment_at timestamp DA_LAST_ASSIGNED_DRIVER_AT
                engagement_status text DA_ENGAGEMENT_STATUS, an exact list
                is_current boolean the row that stands for the operator (`identity.collapse`)
                fetch_id text receipt
                """,
            ),
            _table(
                "reservation",
                "warehouse",
                "one row per trip of the reservations model",
                "trip_id",
                """
                operator_id text the operator
                trip_id text unique
                confirmation_number text shown number
                order_number text not unique
                status text completed, cancelled, pending, in_progress, confirmed, other
                created_at timestamp booked
                pickup_at timestamp ride time; may lie in the future
                cancelled_at timestamp when cancelled
                total_minor integer TOTAL_AMOUNT
                paid_minor integer AMOUNT_PAID
                due_minor integer AMOUNT_DUE
                currency text USD: the model has no currency
                trip_type text one-way, round-trip, hourly
                order_type text airport, wedding, corporate ...
                distance_miles number miles
                duration_minutes number minutes
                driver_name text * driver
                company_name text corporate account
                vehicle_name text vehicle
                driver_app_used boolean null counts as false among assigned trips
                rating number 1..5
                farmee_name text farm-out partner; null when not farmed out
                """,
                bound=True,
            ),
            _table(
                "charge",
                "warehouse",
                "one row per attempt to charge a passenger's card",
                "charge_id",
                """
                operator_id text the operator
                charge_id text Stripe id
                stripe_account text the operator's connected account
                status text succeeded, failed, pending
                created_at timestamp attempt
                amount_minor integer attempted amount
                refunded_minor integer refunded part; null is 0
                currency text ISO 4217; USD in the model
                card_id text null counts as a distinct card
                failure_reason text vendor's reason
                risk_level text normal, elevated, highest, not_assessed, unknown
                risk_score number 0..100, often null
                cardholder text * billing name
                """,
                bound=True,
            ),
            _table(
                "dispute",
                "warehouse",
                "one row per dispute of a charge",
                "dispute_id",
                """
                operator_id text the operator
                dispute_id text Stripe id
                charge_id text the charge
                status text Stripe's status
                is_active boolean warning_needs_response, warning_under_review, needs_response, under_review
                reason text Stripe's reason
                amount_minor integer disputed amount
                currency text ISO 4217
                created_at timestamp opened
                """,
                bound=True,
            ),
            _table(
                "member",
                "warehouse",
                "one row per user of the operator's team",
                "member_id",
                """
                operator_id text the operator
                member_id text USER_ID
                created_at timestamp added
                removed_at timestamp soft delete
                last_login_at timestamp true login signal
                """,
                bound=True,
            ),
            _table(
                "driver",
                "warehouse",
                "one row per driver",
                "driver_id",
                """
                operator_id text the operator
                driver_id text DRIVER_ID
                created_at timestamp added
                deactivated_at timestamp deactivated
                removed_at timestamp soft delete
                """,
                bound=True,
            ),
            _table(
                "survey",
                "warehouse",
                "one row per NPS or CSAT answer",
                "survey_id",
                """
                operator_id text the operator
                survey_id text id
                nps integer 0..10
                csat integer 1..5
                created_at timestamp answered
                """,
                bound=True,
            ),
        )
    )
)
"""The canonical tables about an operator's records, by name; metrics read these."""


def _states(of: str, columns: str) -> tuple[str, CanonicalTable]:
    """The table of what the records of another one have been: those of its columns of which the source keeps the history."""
    table, name = TABLES[of], STATES[of]
    known = {column.name: column for column in table.columns}
    since = Column("since", "timestamp", "when it came to be so; it stood until the record's next row")
    listed = (*table.key, "since", *columns.split(), "fetch_id")
    own = tuple(since if column == "since" else known[column] for column in ("operator_id", *listed))
    return name, CanonicalTable(
        name, table.home, f"one row per state that a record of {of} has been in", (*table.key, "since"), own
    )


STATES: Mapping[str, str] = MappingProxyType({of: f"{of}_state" for of in ("company", "contact", "deal")})
"""Table → the table that tells what its records have been at past instants. Nothing lacks where there is none, but the past."""

LAKE_TABLES: Mapping[str, CanonicalTable] = MappingProxyType(
    {
        **TABLES,
        **dict(
            (
                _table(
                    "operator",
                    "warehouse",
                    "one row per operator of the portfolio",
                    "operator_id",
                    """
                    operator_id text the operator
                    name text company name: the CSM view's, else the app's, else billing's
                    stripe_account text the account whose charges are the operator's; null: it takes no cards
                    hubspot_company_id text the HubSpot company that the CSM view names
                    known_by texts the systems that know it: csm, app, lago
                    created_at timestamp when it became known (earliest of sign-up and billing); null: not told
                    fetch_id text receipt
                    """,
                ),
                _table(
                    "gap",
                    "warehouse",
                    "one row per operator and table whose rows are unknown (not: absent)",
                    "operator_id table_name",
                    """
                    operator_id text the operator; null: every operator
                    table_name text the canonical table that is unknown
                    source text the source that should have told
                    reason text unavailable, denied, not_configured, not_applicable, stale, truncated
                    detail text why
                    next_step text what to do
                    """,
                ),
                _states(
                    "company",
                    "lifecycle_stage owner_id owner_name contract_end_date renewal_date last_contacted_at",
                ),
                _states("contact", "has_left"),
                _states("deal", "pipeline stage deal_type amount_minor is_open is_won is_expansion close_date"),
            )
        ),
    }
)
"""All canonical tables of a portfolio: `TABLES`, the list of operators, what is unknown of whom, and what records have been."""
