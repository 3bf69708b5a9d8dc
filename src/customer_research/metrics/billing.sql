-- uses: moment, subscription_at, plan_change, net_mrr, invoice_at
-- Billing standing: one row per operator that Lago knows (as a customer, by a subscription or by an invoice).
customers AS (
    SELECT c.operator_id, MAX(c.net_payment_term) AS net_payment_term, MAX(c.utc_offset_minutes) AS utc_offset_minutes
    FROM customer AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t
    GROUP BY c.operator_id
),
subscribed AS (
    SELECT
        s.operator_id,
        COUNT(*) AS subscriptions_ever,
        SUM(CASE WHEN s.status = 'active' THEN 1 ELSE 0 END) AS active_subscriptions,
        SUM(CASE WHEN s.status = 'pending' THEN 1 ELSE 0 END) AS pending_subscriptions,
        MIN(CASE WHEN s.status = 'canceled' THEN 1 ELSE 0 END) = 1 AS never_started,
        MIN(CASE WHEN s.status IN ('active', 'terminated') THEN s.begins_at END) AS first_subscribed_at,
        MAX(CASE WHEN s.is_base AND s.status IN ('active', 'pending') THEN 1 ELSE 0 END) = 1 AS has_base,
        MAX(CASE WHEN s.is_base THEN s.ends_at END) AS base_ended_at,
        MAX(CASE WHEN s.is_base AND s.status = 'active' AND NOT s.ending_at IS NULL THEN 1 ELSE 0 END) = 1
            AS pending_cancellation,
        MAX(
            CASE
                WHEN s.is_base AND s.status = 'active'
                    AND NOT s.next_plan_code IS NULL AND NOT s.downgrade_plan_date IS NULL THEN 1
                ELSE 0
            END
        ) AS pending_downgrade,
        MAX(CASE WHEN s.status = 'active' AND s.currency <> 'USD' THEN 1 ELSE 0 END) AS pays_other_currency,
        MAX(CASE WHEN s.status = 'active' THEN s.trial_ends_at END) AS trial_ends_at
    FROM subscription_at AS s
    GROUP BY s.operator_id
),
-- `period_last_on`: the last day of the running period in the customer's calendar. A period ends as a day ends there, so that
-- the zone's standard time tells the day in summer, too.
periods AS (
    SELECT
        s.*,
        LOCAL_DAY(s.period_end, k.utc_offset_minutes) AS period_last_on,
        LOCAL_DAY(s.ending_at, k.utc_offset_minutes) AS ending_on
    FROM subscription_at AS s
    LEFT JOIN customers AS k ON k.operator_id = s.operator_id
),
base AS (
    SELECT
        operator_id,
        status,
        plan_code,
        plan_name,
        interval,
        segment,
        period_last_on,
        ROW_NUMBER() OVER (
            PARTITION BY operator_id
            ORDER BY CASE WHEN status = 'active' THEN 0 ELSE 1 END, begins_at DESC NULLS LAST, created_at DESC, subscription_id
        ) AS place
    FROM periods
    WHERE is_base AND status IN ('active', 'pending')
),
-- Of several subscriptions the next bill is the first, and after the end of one it bills no more.
bills AS (
    SELECT
        p.operator_id,
        MIN(
            CASE
                WHEN p.status <> 'active' OR p.period_end < m.t OR p.period_end + INTERVAL 1 SECOND >= p.ending_at THEN NULL
                ELSE CAST(p.period_last_on + INTERVAL 1 DAY AS DATE)
            END
        ) AS next_bill_date,
        MIN(CASE WHEN p.is_base AND p.status = 'active' THEN p.ending_on END) AS ends_on,
        MAX(CASE WHEN p.status = 'active' AND p.period_end IS NULL AND p.ending_at IS NULL THEN 1 ELSE 0 END) AS untold
    FROM periods AS p
    CROSS JOIN moment AS m
    GROUP BY p.operator_id
),
changes AS (
    SELECT
        c.operator_id,
        MAX(CASE WHEN c.direction = 1 AND c.begins_at >= m.d180 THEN 1 ELSE 0 END) AS upgraded,
        MAX(CASE WHEN c.direction = -1 AND c.begins_at >= m.d180 THEN 1 ELSE 0 END) AS downgraded
    FROM plan_change AS c
    CROSS JOIN moment AS m
    GROUP BY c.operator_id
),
chains AS (
    SELECT operator_id, chain, MIN(begins_at) AS begins_at
    FROM plan_change
    GROUP BY operator_id, chain
    HAVING MAX(CASE WHEN status = 'active' THEN 1 ELSE 0 END) = 1
),
running AS (
    SELECT operator_id, MAX(begins_at) AS subscription_started_at
    FROM chains
    GROUP BY operator_id
),
invoiced AS (
    SELECT
        operator_id,
        SUM(CASE WHEN status = 'finalized' THEN 1 ELSE 0 END) AS invoices_finalized,
        SUM(CASE WHEN paid THEN 1 ELSE 0 END) AS invoices_paid,
        SUM(CASE WHEN awaiting THEN 1 ELSE 0 END) AS invoices_pending,
        SUM(CASE WHEN failed THEN 1 ELSE 0 END) AS invoices_failed,
        SUM(CASE WHEN status = 'draft' THEN 1 ELSE 0 END) AS invoices_draft,
        SUM(CASE WHEN status = 'voided' THEN 1 ELSE 0 END) AS invoices_voided,
        SUM(CASE WHEN failed AND issued_90d THEN 1 ELSE 0 END) AS invoices_failed_90d,
        SUM(CASE WHEN overdue THEN 1 ELSE 0 END) AS overdue_invoices,
        SUM(CASE WHEN overdue AND NOT (failed AND issued_90d) THEN 1 ELSE 0 END) AS overdue_not_failed,
        MIN(CASE WHEN (failed OR awaiting) AND overdue_at <= m.t THEN overdue_at END) AS oldest_overdue_at,
        SUM(CASE WHEN paid THEN 1 ELSE 0 END) + SUM(CASE WHEN given_back THEN 1 ELSE 0 END)
            + SUM(CASE WHEN overdue OR failed AND payment_due_date IS NULL THEN 1 ELSE 0 END) AS invoices_due,
        MAX(CASE WHEN status = 'finalized' THEN issuing_date END) AS last_invoice_on,
        MAX(CASE WHEN status = 'finalized' THEN issued_at END) AS last_issued_at,
        MAX(CASE WHEN status = 'finalized' AND invoice_type = 'subscription' THEN period_to END) AS last_period_to,
        COUNT(DISTINCT CASE WHEN status = 'finalized' THEN currency END) AS invoice_currencies,
        MIN(currency) AS billed_in
    FROM invoice_at
    CROSS JOIN moment AS m
    GROUP BY operator_id
),
successes AS (
    SELECT
        p.operator_id,
        p.invoice_id,
        p.paid_at,
        LEAD(p.paid_at) OVER (PARTITION BY p.operator_id, p.invoice_id ORDER BY p.paid_at) AS next_paid_at
    FROM payment AS p
    WHERE p.status = 'succeeded' AND NOT p.paid_at IS NULL
),
delays AS (
    SELECT
        i.operator_id,
        AVG(
            CAST(
                CASE
                    WHEN p.paid_at > i.issued_at
                        THEN FLOOR(CAST(DATE_DIFF('microsecond', i.issued_at, p.paid_at) AS DOUBLE) / 86400000000)
                    ELSE 0
                END AS DOUBLE
            )
        ) AS avg_days_to_pay
    FROM invoice_at AS i
    INNER JOIN successes AS p ON p.operator_id = i.operator_id AND p.invoice_id = i.invoice_id
    CROSS JOIN moment AS m
    WHERE (i.paid OR i.given_back) AND p.paid_at < m.t AND (p.next_paid_at IS NULL OR p.next_paid_at >= m.t)
    GROUP BY i.operator_id
),
-- A column holds one value: the MRR of each currency stands in a text, which lists of many operators read.
stated AS (
    SELECT
        n.operator_id,
        n.currency || ' ' || CAST(n.mrr AS VARCHAR) AS amount,
        ROW_NUMBER() OVER (PARTITION BY n.operator_id ORDER BY n.currency) AS place
    FROM net_mrr AS n
),
by_currency AS (
    SELECT
        operator_id,
        CASE
            WHEN COUNT(*) = COUNT(amount) AND COUNT(*) <= 4
                THEN MAX(CASE WHEN place = 1 THEN amount END)
                    || COALESCE(MAX(CASE WHEN place = 2 THEN ' ' || amount END), '')
                    || COALESCE(MAX(CASE WHEN place = 3 THEN ' ' || amount END), '')
                    || COALESCE(MAX(CASE WHEN place = 4 THEN ' ' || amount END), '')
        END AS mrr_by_currency
    FROM stated
    GROUP BY operator_id
),
operators AS (
    SELECT operator_id FROM customers
    UNION
    SELECT operator_id FROM subscribed
    UNION
    SELECT operator_id FROM invoiced
)
SELECT
    o.operator_id,
    COALESCE(s.active_subscriptions, 0) AS active_subscriptions,
    COALESCE(s.pending_subscriptions, 0) AS pending_subscriptions,
    COALESCE(s.subscriptions_ever, 0) AS subscriptions_ever,
    s.never_started,
    b.plan_code AS base_plan_code,
    b.plan_name AS base_plan_name,
    b.interval AS base_plan_interval,
    CASE WHEN b.status = 'active' THEN b.segment END AS plan_segment,
    s.first_subscribed_at,
    r.subscription_started_at,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', r.subscription_started_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
        AS subscription_age_days,
    CASE WHEN NOT s.has_base THEN s.base_ended_at END AS subscription_ended_at,
    CASE
        WHEN NOT n.next_bill_date IS NULL THEN n.next_bill_date
        WHEN n.untold = 1 AND i.last_period_to >= m.day THEN CAST(i.last_period_to + INTERVAL 1 DAY AS DATE)
    END AS next_bill_date,
    s.pending_cancellation,
    n.ends_on AS subscription_ends_on,
    DATE_DIFF('day', m.day, n.ends_on) AS days_to_end,
    CASE WHEN NOT s.operator_id IS NULL THEN COALESCE(c.upgraded, 0) = 1 END AS upgraded_180d,
    CASE
        WHEN NOT s.operator_id IS NULL THEN COALESCE(c.downgraded, 0) = 1 OR s.pending_downgrade = 1
    END AS downgraded_180d,
    CASE WHEN b.status = 'active' AND b.interval = 'yearly' THEN b.period_last_on END AS yearly_period_end,
    s.trial_ends_at,
    CASE
        WHEN COALESCE(s.active_subscriptions, 0) = 0 THEN 0
        WHEN s.pays_other_currency = 0 THEN u.mrr
    END AS mrr_usd,
    CASE
        WHEN COALESCE(s.active_subscriptions, 0) = 0 THEN i.billed_in || ' 0'
        ELSE y.mrr_by_currency
    END AS mrr_by_currency,
    k.net_payment_term,
    COALESCE(i.invoices_finalized, 0) AS invoices_finalized,
    COALESCE(i.invoices_paid, 0) AS invoices_paid,
    COALESCE(i.invoices_pending, 0) AS invoices_pending,
    COALESCE(i.invoices_failed, 0) AS invoices_failed,
    COALESCE(i.invoices_draft, 0) AS invoices_draft,
    COALESCE(i.invoices_voided, 0) AS invoices_voided,
    COALESCE(i.invoices_failed_90d, 0) AS invoices_failed_90d,
    COALESCE(i.overdue_invoices, 0) AS overdue_invoices,
    COALESCE(i.overdue_not_failed, 0) AS overdue_not_failed,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', i.oldest_overdue_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT) + 1
        AS oldest_overdue_days,
    COALESCE(i.invoices_due, 0) AS invoices_due,
    CAST(i.invoices_paid AS DOUBLE) / NULLIF(i.invoices_due, 0) AS invoice_success_rate,
    d.avg_days_to_pay,
    i.last_invoice_on,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', i.last_issued_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
        AS days_since_last_invoice,
    CASE b.interval
        WHEN 'weekly' THEN 7
        WHEN 'monthly' THEN 30
        WHEN 'quarterly' THEN 91
        WHEN 'semiannual' THEN 182
        WHEN 'yearly' THEN 365
    END AS billing_interval_days,
    COALESCE(i.invoice_currencies, 0) AS invoice_currencies
FROM operators AS o
CROSS JOIN moment AS m
LEFT JOIN subscribed AS s ON s.operator_id = o.operator_id
LEFT JOIN base AS b ON b.operator_id = o.operator_id AND b.place = 1
LEFT JOIN bills AS n ON n.operator_id = o.operator_id
LEFT JOIN changes AS c ON c.operator_id = o.operator_id
LEFT JOIN running AS r ON r.operator_id = o.operator_id
LEFT JOIN net_mrr AS u ON u.operator_id = o.operator_id AND u.currency = 'USD'
LEFT JOIN by_currency AS y ON y.operator_id = o.operator_id
LEFT JOIN invoiced AS i ON i.operator_id = o.operator_id
LEFT JOIN delays AS d ON d.operator_id = o.operator_id
LEFT JOIN customers AS k ON k.operator_id = o.operator_id
ORDER BY o.operator_id
