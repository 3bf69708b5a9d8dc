-- Base subscriptions that have begun, in order, each with what came before it. A subscription that begins within 7 days
-- of its predecessor's end (before or after) continues it; otherwise it begins a new chain. `direction` compares the
-- monthly prices of two continuing subscriptions in one currency: 1 up, -1 down, 0 the same, or only the billing interval
-- changed within a segment (a yearly payer's lower monthly price is no downgrade).
WITH begun AS (
    SELECT *
    FROM subscription_at
    WHERE is_base AND status IN ('active', 'terminated') AND NOT begins_at IS NULL
),
ordered AS (
    SELECT
        b.*,
        LAG(b.ends_at) OVER (PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id) AS previous_ends_at,
        LAG(b.plan_code) OVER (PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id) AS previous_plan_code,
        LAG(b.monthly_minor) OVER (PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id) AS previous_monthly_minor,
        LAG(b.currency) OVER (PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id) AS previous_currency,
        LAG(b.interval) OVER (PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id) AS previous_interval,
        LAG(b.segment) OVER (PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id) AS previous_segment,
        LAG(b.subscription_id) OVER (PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id) AS previous_subscription_id,
        MAX(COALESCE(b.ends_at, m.t)) OVER (
            PARTITION BY b.operator_id ORDER BY b.begins_at, b.subscription_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_until
    FROM begun AS b
    CROSS JOIN moment AS m
),
judged AS (
    SELECT
        o.*,
        CASE
            WHEN o.previous_ends_at IS NULL OR o.previous_currency <> o.currency THEN NULL
            WHEN o.begins_at > o.previous_ends_at + INTERVAL 7 DAY THEN NULL
            WHEN o.previous_ends_at > o.begins_at + INTERVAL 7 DAY THEN NULL
            WHEN o.previous_segment = o.segment AND o.previous_interval <> o.interval THEN 0
            WHEN o.monthly_minor > o.previous_monthly_minor THEN 1
            WHEN o.monthly_minor < o.previous_monthly_minor THEN -1
            ELSE 0
        END AS direction,
        CASE
            WHEN o.covered_until IS NULL OR o.begins_at > o.covered_until + INTERVAL 7 DAY THEN 1
            ELSE 0
        END AS begins_chain
    FROM ordered AS o
)
SELECT
    j.*,
    SUM(j.begins_chain) OVER (
        PARTITION BY j.operator_id ORDER BY j.begins_at, j.subscription_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS chain
FROM judged AS j
