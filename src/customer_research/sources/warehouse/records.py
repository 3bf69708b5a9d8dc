"""The canonical tables of the warehouse: the CSM view, whose rows are read, and those that stay there."""

from __future__ import annotations

from customer_research.domain.records import SourceRecords, tables

_READ = tables(
    "warehouse",
    """
    csm [operator_id subscription_id] one row per base-plan subscription in MOOVS.CSM_MOOVS (not per operator)
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
        is_current boolean the row that stands for the operator (`domain.collapse`)
        fetch_id text receipt
    """,
)

_BOUND = tables(
    "warehouse",
    """
    reservation [trip_id] one row per trip of the reservations model
        operator_id text the operator
        trip_id text unique
        confirmation_number text shown number
        order_number text not unique
        status text completed, cancelled, pending, in_progress, confirmed, other
        created_at timestamp booked
        pickup_at timestamp pickup time; may lie in the future
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
    charge [charge_id] one row per attempt to charge a passenger's card
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
    dispute [dispute_id] one row per dispute of a charge
        operator_id text the operator
        dispute_id text Stripe id
        charge_id text the charge
        status text Stripe's status
        is_active boolean warning_needs_response, warning_under_review, needs_response, under_review
        reason text Stripe's reason
        amount_minor integer disputed amount
        currency text ISO 4217
        created_at timestamp opened
    member [member_id] one row per user of the operator's team
        operator_id text the operator
        member_id text USER_ID
        name text *+ first and last name
        role text + ROLE_SLUG
        created_at timestamp added
        removed_at timestamp soft delete
        last_login_at timestamp true login signal
    driver [driver_id] one row per driver
        operator_id text the operator
        driver_id text DRIVER_ID
        created_at timestamp added
        deactivated_at timestamp deactivated
        removed_at timestamp soft delete
    survey [survey_id] one row per NPS or CSAT answer
        operator_id text the operator
        survey_id text id
        nps integer 0..10
        csat integer 1..5
        created_at timestamp answered
    """,
    bound=True,
)

RECORDS = SourceRecords(
    source="warehouse",
    title="Warehouse",
    customer_title="Trip and card records",
    place=4,
    tables={**_READ, **_BOUND},
)

TABLES = RECORDS.tables
