-- MRR per operator and currency: the monthly prices of active subscriptions, minus recurring and forever coupons that hold
-- at T: percentages first, one after the other, rounded half to even; then fixed amounts, as their share of a month at the
-- shortest billing interval (a fixed coupon comes off every invoice). Never below 0. (C37)
WITH priced AS (
    SELECT
        operator_id,
        currency,
        SUM(monthly_minor) AS list_mrr,
        MAX(
            CASE interval
                WHEN 'weekly' THEN CAST(52 AS DOUBLE) / 12
                WHEN 'monthly' THEN CAST(1 AS DOUBLE)
                WHEN 'quarterly' THEN CAST(1 AS DOUBLE) / 3
                WHEN 'semiannual' THEN CAST(1 AS DOUBLE) / 6
                WHEN 'yearly' THEN CAST(1 AS DOUBLE) / 12
            END
        ) AS invoices_per_month
    FROM subscription_at
    WHERE status = 'active'
    GROUP BY operator_id, currency
),
held AS (
    SELECT c.operator_id, c.currency, c.amount_minor, c.percentage
    FROM coupon AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t
        AND (c.status = 'active' OR c.terminated_at > m.t)
        AND (c.expires_at IS NULL OR c.expires_at > m.t)
        AND (
            c.frequency = 'forever'
            OR c.frequency = 'recurring' AND (c.frequency_duration_remaining IS NULL OR c.frequency_duration_remaining > 0)
        )
),
percentages AS (
    SELECT
        operator_id,
        CASE
            WHEN MAX(percentage) >= 100 THEN 0.0
            ELSE EXP(SUM(CASE WHEN percentage < 100 THEN LN(1 - CAST(percentage AS DOUBLE) / 100) END))
        END AS kept
    FROM held
    WHERE percentage > 0
    GROUP BY operator_id
),
amounts AS (
    SELECT operator_id, currency, SUM(amount_minor) AS off_minor
    FROM held
    WHERE amount_minor > 0 AND percentage IS NULL
    GROUP BY operator_id, currency
),
shares AS (
    SELECT
        p.operator_id,
        p.currency,
        p.list_mrr,
        ROUND(CAST(p.list_mrr AS DOUBLE) * COALESCE(r.kept, 1.0), 6) AS kept_share,
        ROUND(CAST(COALESCE(a.off_minor, 0) AS DOUBLE) * COALESCE(p.invoices_per_month, 1.0), 6) AS off_share
    FROM priced AS p
    LEFT JOIN percentages AS r ON r.operator_id = p.operator_id
    LEFT JOIN amounts AS a ON a.operator_id = p.operator_id AND a.currency = p.currency
),
rounded AS (
    SELECT
        operator_id,
        currency,
        list_mrr,
        CAST(FLOOR(kept_share) AS BIGINT) + CASE
            WHEN kept_share - FLOOR(kept_share) > 0.5 THEN 1
            WHEN kept_share - FLOOR(kept_share) = 0.5 THEN CAST(FLOOR(kept_share) AS BIGINT) % 2
            ELSE 0
        END AS kept_minor,
        CAST(FLOOR(off_share) AS BIGINT) + CASE
            WHEN off_share - FLOOR(off_share) > 0.5 THEN 1
            WHEN off_share - FLOOR(off_share) = 0.5 THEN CAST(FLOOR(off_share) AS BIGINT) % 2
            ELSE 0
        END AS off_minor
    FROM shares
)
SELECT
    operator_id,
    currency,
    list_mrr,
    CASE WHEN kept_minor > off_minor THEN kept_minor - off_minor ELSE 0 END AS mrr
FROM rounded
