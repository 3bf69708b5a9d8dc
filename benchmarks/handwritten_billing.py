"""The figures of subscriptions, invoices and payments as an expert would write them for DuckDB alone.

One aggregation over the invoices, one over the paid invoices' payments (the last one pays the invoice: a MAX, where the
product's definition, which must also hold along a calendar, looks at the next payment), and the subscriptions' small table
read once for their statuses and once, in order, for changes of plan.
"""

from __future__ import annotations


def billing(t: str) -> str:
    """The query that stands in for `billing_metrics`, at the instant that *t* spells."""
    issued, over = "COALESCE(issued_at, issuing_date)", "COALESCE(overdue_at, payment_due_date + INTERVAL 1 DAY)"
    final = f"status = 'finalized' AND ({issued} IS NULL OR {issued} < {t})"
    lost = f"COALESCE(dispute_lost_at < {t}, FALSE)"
    owed = f"{final} AND total_minor > 0"
    late = f"({over} <= {t} OR (payment_overdue AND COALESCE(updated_at, created_at) <= {t}))"
    new = f"{issued} >= {t} - INTERVAL 90 DAY"
    settled = f"{owed} AND payment_status = 'succeeded'"
    paid = f"{settled} AND NOT {lost}"
    failed, waits = (
        f"{owed} AND payment_status = '{state}' AND COALESCE(due_minor, total_minor) > 0"
        for state in ("failed", "pending")
    )
    overdue = f"(({failed}) OR ({waits})) AND {late}"
    return f"""
    WITH customers AS (
        SELECT operator_id, MAX(net_payment_term) AS net_payment_term, MAX(utc_offset_minutes) AS utc_offset_minutes
        FROM customer WHERE created_at < {t} GROUP BY operator_id
    ),
    subscriptions AS (
        SELECT operator_id, subscription_id, plan_code, plan_name, interval, segment, monthly_minor, currency, is_base, created_at,
            ending_at, next_plan_code, downgrade_plan_date, COALESCE(started_at, subscription_at) AS begins_at,
            status, utc_offset_minutes, CASE WHEN status = 'terminated' AND terminated_at <= {t} THEN terminated_at END AS ends_at,
            CASE
                WHEN status = 'canceled' AND canceled_at > {t} THEN 'pending'
                WHEN status IN ('active', 'terminated') AND started_at > {t} THEN 'pending'
                WHEN status = 'terminated' AND terminated_at > {t} THEN 'active'
                ELSE status
            END AS state,
            CASE WHEN period_start IS NULL OR period_start <= {t} THEN period_end END AS period_end,
            CASE WHEN trial_ends_at >= {t} THEN trial_ends_at END AS trial_ends_at,
            CAST(period_end + TO_MINUTES(COALESCE(utc_offset_minutes, 0)) AS DATE) AS period_last_on
        FROM subscription LEFT JOIN customers USING (operator_id) WHERE created_at <= {t}
    ),
    subscribed AS (
        SELECT operator_id, COUNT(*) AS subscriptions_ever, COUNT(CASE WHEN state = 'active' THEN 1 END) AS active_subscriptions,
            COUNT(CASE WHEN state = 'pending' THEN 1 END) AS pending_subscriptions,
            COUNT(CASE WHEN state = 'canceled' THEN 1 END) = COUNT(*) AS never_started,
            MIN(CASE WHEN state IN ('active', 'terminated') THEN begins_at END) AS first_subscribed_at,
            COUNT(CASE WHEN is_base AND state IN ('active', 'pending') THEN 1 END) > 0 AS has_base,
            MAX(CASE WHEN is_base THEN ends_at END) AS base_ended_at,
            COUNT(CASE WHEN is_base AND state = 'active' AND status <> 'terminated' AND ending_at IS NOT NULL THEN 1 END) > 0 AS pending_cancellation,
            COUNT(CASE WHEN is_base AND state = 'active' AND next_plan_code IS NOT NULL AND downgrade_plan_date IS NOT NULL THEN 1 END) > 0
                AS pending_downgrade,
            MIN(CASE WHEN is_base AND state = 'active' AND status <> 'terminated'
                THEN CAST(ending_at + TO_MINUTES(COALESCE(utc_offset_minutes, 0)) AS DATE) END) AS ends_on,
            COUNT(CASE WHEN state = 'active' AND currency <> 'USD' THEN 1 END) > 0 AS pays_other_currency,
            SUM(CASE WHEN state = 'active' AND currency = 'USD' THEN monthly_minor END) AS list_mrr,
            MAX(CASE WHEN state = 'active' THEN trial_ends_at END) AS trial_ends_at,
            MIN(CASE
                WHEN state = 'active' AND period_end >= {t}
                    AND (status = 'terminated' OR ending_at IS NULL OR period_end + INTERVAL 1 SECOND < ending_at) THEN period_last_on + 1
            END) AS next_bill_date,
            COUNT(CASE WHEN state = 'active' AND period_end IS NULL AND (status = 'terminated' OR ending_at IS NULL) THEN 1 END) > 0 AS untold,
            MAX(CASE WHEN state = 'active' AND currency = 'USD' THEN CASE interval
                WHEN 'weekly' THEN 52.0::DOUBLE / 12 WHEN 'monthly' THEN 1 WHEN 'quarterly' THEN 1.0::DOUBLE / 3
                WHEN 'semiannual' THEN 1.0::DOUBLE / 6 WHEN 'yearly' THEN 1.0::DOUBLE / 12 END END) AS invoices_per_month
        FROM subscriptions GROUP BY operator_id
    ),
    base AS (
        SELECT operator_id, state, plan_code, plan_name, interval, segment, period_last_on
        FROM subscriptions WHERE is_base AND state IN ('active', 'pending')
        QUALIFY ROW_NUMBER() OVER (
            PARTITION BY operator_id ORDER BY state = 'active' DESC, begins_at DESC NULLS LAST, created_at DESC, subscription_id
        ) = 1
    ),
    ordered AS (
        SELECT operator_id, state, begins_at, monthly_minor, segment, interval, currency, subscription_id,
            LAG(ends_at) OVER w AS last_end, LAG(monthly_minor) OVER w AS last_price, LAG(currency) OVER w AS last_currency,
            LAG(interval) OVER w AS last_interval, LAG(segment) OVER w AS last_segment,
            MAX(COALESCE(ends_at, {t})) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered_until
        FROM subscriptions WHERE is_base AND state IN ('active', 'terminated') AND begins_at IS NOT NULL
        WINDOW w AS (PARTITION BY operator_id ORDER BY begins_at, subscription_id)
    ),
    judged AS (
        SELECT operator_id, state, begins_at,
            COUNT(CASE WHEN covered_until IS NULL OR begins_at > covered_until + INTERVAL 7 DAY THEN 1 END)
                OVER (PARTITION BY operator_id ORDER BY begins_at, subscription_id ROWS UNBOUNDED PRECEDING) AS chain,
            CASE
                WHEN last_end IS NULL OR last_currency <> currency OR ABS(EPOCH_US(begins_at) - EPOCH_US(last_end)) > 604800000000
                    OR (last_segment = segment AND last_interval <> interval) THEN 0
                ELSE SIGN(monthly_minor - last_price)
            END AS direction
        FROM ordered
    ),
    changes AS (
        SELECT operator_id, COUNT(CASE WHEN direction > 0 THEN 1 END) > 0 AS upgraded, COUNT(CASE WHEN direction < 0 THEN 1 END) > 0 AS downgraded
        FROM judged WHERE begins_at >= {t} - INTERVAL 180 DAY GROUP BY operator_id
    ),
    running AS (
        SELECT operator_id, MAX(begins_at) AS subscription_started_at
        FROM (
            SELECT operator_id, MIN(begins_at) AS begins_at FROM judged GROUP BY operator_id, chain
            HAVING COUNT(CASE WHEN state = 'active' THEN 1 END) > 0
        ) GROUP BY operator_id
    ),
    coupons AS (
        SELECT operator_id,
            CASE
                WHEN MAX(percentage) >= 100 THEN 0
                WHEN MAX(percentage) > 0 THEN EXP(SUM(CASE WHEN percentage > 0 THEN LN(1 - percentage / 100) END))
                ELSE 1
            END AS kept,
            COALESCE(SUM(CASE WHEN amount_minor > 0 AND percentage IS NULL AND currency = 'USD' THEN amount_minor END), 0) AS off_minor
        FROM coupon
        WHERE created_at < {t} AND (status = 'active' OR terminated_at >= {t}) AND (expires_at IS NULL OR expires_at > {t})
            AND (frequency = 'forever' OR frequency = 'recurring' AND COALESCE(frequency_duration_remaining, 1) > 0)
        GROUP BY operator_id
    ),
    fixed AS (
        SELECT operator_id, currency, SUM(amount_minor) AS off_minor
        FROM coupon
        WHERE created_at < {t} AND (status = 'active' OR terminated_at >= {t}) AND (expires_at IS NULL OR expires_at > {t})
            AND (frequency = 'forever' OR frequency = 'recurring' AND COALESCE(frequency_duration_remaining, 1) > 0)
            AND amount_minor > 0 AND percentage IS NULL
        GROUP BY operator_id, currency
    ),
    spelt AS (
        SELECT operator_id,
            CASE WHEN COUNT(*) <= 4 THEN STRING_AGG(currency || ' ' || GREATEST(
                CAST(ROUND_EVEN(ROUND(list_mrr * COALESCE(kept, 1), 6), 0) AS BIGINT)
                    - CAST(ROUND_EVEN(ROUND(COALESCE(f.off_minor, 0) * COALESCE(invoices_per_month, 1), 6), 0) AS BIGINT), 0
            ), ' ' ORDER BY currency) END AS mrr_by_currency
        FROM (
            SELECT operator_id, currency, SUM(monthly_minor) AS list_mrr,
                MAX(CASE interval WHEN 'weekly' THEN 52.0::DOUBLE / 12 WHEN 'monthly' THEN 1 WHEN 'quarterly' THEN 1.0::DOUBLE / 3
                    WHEN 'semiannual' THEN 1.0::DOUBLE / 6 WHEN 'yearly' THEN 1.0::DOUBLE / 12 END) AS invoices_per_month
            FROM subscriptions WHERE state = 'active' GROUP BY operator_id, currency
        )
        LEFT JOIN coupons USING (operator_id)
        LEFT JOIN fixed AS f USING (operator_id, currency)
        GROUP BY operator_id
    ),
    invoiced AS (
        SELECT operator_id, COUNT(CASE WHEN {final} THEN 1 END) AS invoices_finalized, COUNT(CASE WHEN {paid} THEN 1 END) AS invoices_paid,
            COUNT(CASE WHEN {waits} THEN 1 END) AS invoices_pending, COUNT(CASE WHEN {failed} THEN 1 END) AS invoices_failed,
            COUNT(CASE WHEN status = 'draft' OR (status = 'finalized' AND {issued} >= {t}) THEN 1 END) AS invoices_draft,
            COUNT(CASE WHEN status = 'voided' THEN 1 END) AS invoices_voided,
            COUNT(CASE WHEN {failed} AND {new} THEN 1 END) AS invoices_failed_90d,
            COUNT(CASE WHEN {overdue} THEN 1 END) AS overdue_invoices,
            COUNT(CASE WHEN {overdue} AND NOT (payment_status = 'failed' AND COALESCE({new}, FALSE)) THEN 1 END) AS overdue_not_failed,
            MIN(CASE WHEN {overdue} AND {over} <= {t} THEN {over} END) AS oldest_overdue_at,
            COUNT(CASE WHEN {paid} OR ({overdue}) OR ({failed} AND payment_due_date IS NULL) OR ({settled} AND {lost}) THEN 1 END)
                AS invoices_due,
            MAX(CASE WHEN {final} THEN issuing_date END) AS last_invoice_on, MAX(CASE WHEN {final} THEN {issued} END) AS last_issued_at,
            MAX(CASE WHEN {final} AND invoice_type = 'subscription' THEN period_to END) AS last_period_to,
            COUNT(DISTINCT CASE WHEN {final} THEN currency END) AS invoice_currencies, MIN(currency) AS billed_in
        FROM invoice WHERE created_at < {t} AND NOT COALESCE(is_self_billed, FALSE) GROUP BY operator_id
    ),
    delays AS (
        SELECT operator_id, AVG(GREATEST((EPOCH_US(p.last_paid_at) - EPOCH_US(i.issued)) // 86400000000, 0)) AS avg_days_to_pay
        FROM (SELECT operator_id, invoice_id, CAST({issued} AS TIMESTAMP) AS issued FROM invoice WHERE created_at < {t} AND {settled}) AS i
        JOIN (
            SELECT operator_id, invoice_id, MAX(paid_at) AS last_paid_at FROM payment WHERE status = 'succeeded' AND paid_at < {t}
            GROUP BY operator_id, invoice_id
        ) AS p USING (operator_id, invoice_id)
        GROUP BY operator_id
    )
    SELECT operator_id, COALESCE(active_subscriptions, 0) AS active_subscriptions, COALESCE(pending_subscriptions, 0) AS pending_subscriptions,
        COALESCE(subscriptions_ever, 0) AS subscriptions_ever, never_started, b.plan_code AS base_plan_code, b.plan_name AS base_plan_name,
        b.interval AS base_plan_interval, CASE WHEN b.state = 'active' THEN b.segment END AS plan_segment, first_subscribed_at,
        subscription_started_at, (EPOCH_US({t}) - EPOCH_US(subscription_started_at)) // 86400000000 AS subscription_age_days,
        CASE WHEN NOT has_base THEN base_ended_at END AS subscription_ended_at,
        CASE
            WHEN next_bill_date IS NOT NULL THEN next_bill_date
            WHEN untold AND last_period_to >= CAST({t} AS DATE) THEN last_period_to + 1
        END AS next_bill_date,
        pending_cancellation, ends_on AS subscription_ends_on, DATE_DIFF('day', CAST({t} AS DATE), ends_on) AS days_to_end,
        CASE WHEN subscriptions_ever > 0 THEN COALESCE(upgraded, FALSE) END AS upgraded_180d,
        CASE WHEN subscriptions_ever > 0 THEN COALESCE(downgraded, FALSE) OR pending_downgrade END AS downgraded_180d,
        CASE WHEN b.state = 'active' AND b.interval = 'yearly' THEN b.period_last_on END AS yearly_period_end, trial_ends_at,
        CASE
            WHEN COALESCE(active_subscriptions, 0) = 0 THEN 0
            WHEN NOT pays_other_currency THEN GREATEST(
                CAST(ROUND_EVEN(ROUND(list_mrr * COALESCE(kept, 1), 6), 0) AS BIGINT)
                    - CAST(ROUND_EVEN(ROUND(COALESCE(off_minor, 0) * COALESCE(invoices_per_month, 1), 6), 0) AS BIGINT), 0)
        END AS mrr_usd,
        CASE WHEN COALESCE(active_subscriptions, 0) = 0 THEN billed_in || ' 0' ELSE mrr_by_currency END AS mrr_by_currency,
        net_payment_term, COALESCE(invoices_finalized, 0) AS invoices_finalized, COALESCE(invoices_paid, 0) AS invoices_paid,
        COALESCE(invoices_pending, 0) AS invoices_pending, COALESCE(invoices_failed, 0) AS invoices_failed,
        COALESCE(invoices_draft, 0) AS invoices_draft, COALESCE(invoices_voided, 0) AS invoices_voided,
        COALESCE(invoices_failed_90d, 0) AS invoices_failed_90d, COALESCE(overdue_invoices, 0) AS overdue_invoices,
        COALESCE(overdue_not_failed, 0) AS overdue_not_failed, (EPOCH_US({t}) - EPOCH_US(CAST(oldest_overdue_at AS TIMESTAMP))) // 86400000000 + 1 AS oldest_overdue_days,
        COALESCE(invoices_due, 0) AS invoices_due, invoices_paid / NULLIF(invoices_due, 0) AS invoice_success_rate, avg_days_to_pay,
        last_invoice_on, (EPOCH_US({t}) - EPOCH_US(CAST(last_issued_at AS TIMESTAMP))) // 86400000000 AS days_since_last_invoice,
        CASE b.interval WHEN 'weekly' THEN 7 WHEN 'monthly' THEN 30 WHEN 'quarterly' THEN 91 WHEN 'semiannual' THEN 182 WHEN 'yearly' THEN 365 END
            AS billing_interval_days,
        COALESCE(invoice_currencies, 0) AS invoice_currencies
    FROM customers
    FULL JOIN subscribed USING (operator_id)
    FULL JOIN invoiced USING (operator_id)
    LEFT JOIN base AS b USING (operator_id)
    LEFT JOIN changes USING (operator_id)
    LEFT JOIN running USING (operator_id)
    LEFT JOIN coupons USING (operator_id)
    LEFT JOIN delays USING (operator_id)
    LEFT JOIN spelt USING (operator_id)
    """
