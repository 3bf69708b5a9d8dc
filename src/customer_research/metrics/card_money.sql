-- uses: moment, charge_at, dispute_at
-- Card amounts: one row per operator and currency of a charge or a dispute before T. Only succeeded charges count.
charged AS (
    SELECT
        operator_id,
        currency,
        SUM(CASE WHEN in_90d AND status = 'succeeded' THEN amount_minor ELSE 0 END) AS volume_90d,
        SUM(CASE WHEN in_12m AND status = 'succeeded' THEN amount_minor ELSE 0 END) AS volume_12m,
        SUM(CASE WHEN in_90d AND status = 'succeeded' THEN refunded_minor ELSE 0 END) AS refunded_90d,
        SUM(CASE WHEN in_90d AND status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded_90d
    FROM charge_at
    GROUP BY operator_id, currency
),
disputed AS (
    SELECT operator_id, currency, SUM(CASE WHEN is_active THEN amount_minor ELSE 0 END) AS disputed_amount
    FROM dispute_at
    GROUP BY operator_id, currency
),
currencies AS (
    SELECT operator_id, currency FROM charged
    UNION
    SELECT operator_id, currency FROM disputed
),
divided AS (
    SELECT
        operator_id,
        currency,
        succeeded_90d AS divisor,
        volume_90d % NULLIF(succeeded_90d, 0) AS rest,
        CAST((volume_90d - volume_90d % NULLIF(succeeded_90d, 0)) / NULLIF(succeeded_90d, 0) AS BIGINT) AS quotient
    FROM charged
)
SELECT
    k.operator_id,
    k.currency,
    COALESCE(c.volume_90d, 0) AS charge_volume_90d,
    COALESCE(c.volume_12m, 0) AS charge_volume_12m,
    COALESCE(c.refunded_90d, 0) AS refunded_90d,
    COALESCE(c.volume_90d, 0) - COALESCE(c.refunded_90d, 0) AS net_charged_90d,
    v.quotient + CASE
        WHEN 2 * v.rest > v.divisor THEN 1
        WHEN 2 * v.rest = v.divisor THEN v.quotient % 2
        ELSE 0
    END AS average_charge_90d,
    COALESCE(d.disputed_amount, 0) AS disputed_amount
FROM currencies AS k
LEFT JOIN charged AS c ON c.operator_id = k.operator_id AND c.currency = k.currency
LEFT JOIN disputed AS d ON d.operator_id = k.operator_id AND d.currency = k.currency
LEFT JOIN divided AS v ON v.operator_id = k.operator_id AND v.currency = k.currency
ORDER BY k.operator_id, k.currency
