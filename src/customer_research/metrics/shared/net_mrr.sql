-- MRR per operator and currency: the monthly prices of active subscriptions, minus recurring and forever coupons that hold
-- at T: percentages first, one after the other, rounded half to even; then fixed amounts, as their share of a month at the
-- shortest billing interval (a fixed coupon comes off every invoice). A coupon that is limited to plans comes off those alone,
-- and a fixed one no further than what they cost. Never below 0.
WITH priced AS (
    SELECT
        operator_id,
        currency,
        COALESCE(plan_code, '') AS plan_code,
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
    GROUP BY operator_id, currency, COALESCE(plan_code, '')
),
held AS (
    SELECT c.operator_id, c.coupon_id, c.currency, c.amount_minor, c.percentage, c.plan_codes
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
        p.operator_id,
        p.currency,
        p.plan_code,
        CASE
            WHEN MAX(h.percentage) >= 100 THEN 0.0
            ELSE EXP(SUM(CASE WHEN h.percentage < 100 THEN LN(1 - CAST(h.percentage AS DOUBLE) / 100) END))
        END AS kept
    FROM priced AS p
    INNER JOIN held AS h ON h.operator_id = p.operator_id
    WHERE h.percentage > 0 AND (h.plan_codes IS NULL OR STRPOS(h.plan_codes, '|' || p.plan_code || '|') > 0)
    GROUP BY p.operator_id, p.currency, p.plan_code
),
kept AS (
    SELECT
        p.operator_id,
        p.currency,
        p.plan_code,
        p.list_mrr,
        p.invoices_per_month,
        CAST(p.list_mrr AS DOUBLE) * COALESCE(r.kept, 1.0) AS share
    FROM priced AS p
    LEFT JOIN percentages AS r ON r.operator_id = p.operator_id AND r.currency = p.currency AND r.plan_code = p.plan_code
),
taken AS (
    SELECT
        k.operator_id,
        k.currency,
        h.coupon_id,
        MAX(h.amount_minor) * COALESCE(MAX(k.invoices_per_month), 1.0) AS off_share,
        CASE WHEN MAX(h.plan_codes) IS NULL THEN NULL ELSE SUM(k.share) END AS most
    FROM kept AS k
    INNER JOIN held AS h ON h.operator_id = k.operator_id AND h.currency = k.currency
    WHERE h.amount_minor > 0 AND h.percentage IS NULL
        AND (h.plan_codes IS NULL OR STRPOS(h.plan_codes, '|' || k.plan_code || '|') > 0)
    GROUP BY k.operator_id, k.currency, h.coupon_id
),
amounts AS (
    SELECT operator_id, currency, SUM(CASE WHEN off_share > most THEN most ELSE off_share END) AS off_share
    FROM taken
    GROUP BY operator_id, currency
),
totals AS (
    SELECT operator_id, currency, SUM(list_mrr) AS list_mrr, SUM(share) AS share
    FROM kept
    GROUP BY operator_id, currency
),
shares AS (
    SELECT
        s.operator_id,
        s.currency,
        s.list_mrr,
        ROUND(s.share, 6) AS kept_share,
        ROUND(CAST(COALESCE(a.off_share, 0) AS DOUBLE), 6) AS off_share
    FROM totals AS s
    LEFT JOIN amounts AS a ON a.operator_id = s.operator_id AND a.currency = s.currency
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
