"""The canonical tables that Lago fills."""

from __future__ import annotations

from customer_research.domain.records import SourceRecords, tables

RECORDS = SourceRecords(
    source="lago",
    title="Lago",
    customer_title="Billing",
    place=1,
    tables=tables(
        "lago",
        """
        customer [operator_id] one row per operator that Lago knows
            operator_id text @ Lago's external_id, normalised
            lago_id text Lago's own UUID
            name text @ company name in billing
            legal_name text @ registered name
            email text *@ billing e-mail
            phone text *@ billing phone
            currency text @ ISO 4217; null until the first charge
            net_payment_term integer @ days a finalised invoice may stay unpaid
            timezone text @ IANA zone of its calendar: of issuing and due days, and of billing periods
            utc_offset_minutes integer + minutes that zone's standard time is ahead of UTC; null: no such zone, days are UTC's
            city text @ billing city
            country text @ ISO 3166 country
            payment_provider text e.g. stripe
            created_at timestamp @ when Lago created the customer
            fetch_id text receipt
        plan [plan_code] one row per plan
            plan_code text the key
            name text shown name
            interval text weekly, monthly, quarterly, semiannual, yearly
            amount_minor integer list price per interval
            currency text ISO 4217
            trial_days number + days of free trial at the start; null or 0: none
            fetch_id text receipt
        subscription [subscription_id] one row per Lago subscription, any status
            operator_id text @ the operator
            subscription_id text @ Lago's UUID
            external_id text the subscription's own external id (not the operator's)
            plan_code text @ plan code
            plan_name text @ plan name
            interval text @ billing interval of the plan
            status text @ active, pending, canceled (never started), terminated (ended)
            amount_minor integer @ effective price per interval before coupons (override before plan)
            plan_amount_minor integer list price of the plan per interval
            monthly_minor integer @ amount_minor as minor units per month (domain.money.monthly_minor)
            currency text @ ISO 4217
            is_base boolean @ whether the plan is a base plan (exact code list)
            segment text Free, SMB, Mid-Market or Enterprise for base plans, else null
            billing_time text calendar or anniversary
            created_at timestamp @ when the row became known
            subscription_at timestamp when the subscription was agreed to begin
            started_at timestamp @ when it did begin
            ending_at timestamp @ set when an end is planned (pending cancellation)
            canceled_at timestamp @ cancellation of a pending one
            terminated_at timestamp @ when it ended
            period_start timestamp @ current billing period, first instant
            period_end timestamp @ current billing period, last instant
            previous_plan_code text plan before a change
            next_plan_code text @ plan after a pending change
            downgrade_plan_date date @ when a pending downgrade takes effect
            trial_ends_at timestamp +@ when its free trial ends or ended; null: it has none
            fetch_id text receipt
        invoice [invoice_id] one row per Lago invoice, any status
            operator_id text @ the operator
            invoice_id text @ Lago's UUID
            number text @ shown number
            invoice_type text @ subscription, one_off, credit, advance_charges, add_on, progressive_billing
            status text @ draft, finalized, voided, failed, pending
            payment_status text @ pending, succeeded, failed
            payment_overdue boolean Lago's own flag
            currency text @ ISO 4217
            total_minor integer @ total with tax; can be 0 or negative
            taxes_minor integer @ tax part
            due_minor integer @ what is still to pay, where Lago tells; else null (all of it, while unpaid)
            issuing_date date @ day of issue, in the customer's calendar
            payment_due_date date @ day it is due, in the customer's calendar; null when not told
            issued_at timestamp + when the day of issue begins there; null: as in UTC
            overdue_at timestamp + when the due day is over there; null: as in UTC
            period_from date @ first day billed; null when not told
            period_to date @ last day billed; null when not told
            created_at timestamp @ when the row became known
            updated_at timestamp last change
            is_self_billed boolean +@ what we owe the operator (revenue share): in no figure
            dispute_lost_at timestamp +@ when the bank gave its payment back to the payer; null: never
            fetch_id text receipt
        payment [payment_id invoice_id] one row per payment and invoice it pays
            operator_id text @ the operator
            payment_id text @ Lago's UUID
            invoice_id text @ the invoice it pays
            amount_minor integer @ amount
            currency text @ ISO 4217
            status text @ pending, processing, succeeded, failed
            paid_at timestamp @ when it was made
            fetch_id text receipt
        credit_note [credit_note_id] one row per credit note
            operator_id text @ the operator
            credit_note_id text @ Lago's UUID
            number text @ shown number
            invoice_id text the invoice it corrects
            reason text Lago's reason code
            currency text @ ISO 4217
            total_minor integer @ total with tax (positive)
            balance_minor integer @ credit left
            void_minor integer +@ the part that was voided and credits nothing; null is 0
            issuing_date date @ day of issue
            created_at timestamp @ when the row became known
            fetch_id text receipt
        coupon [coupon_id] one row per coupon applied to the operator
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
)

TABLES = RECORDS.tables
