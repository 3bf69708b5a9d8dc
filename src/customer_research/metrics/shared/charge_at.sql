-- Charges made before T, with the window each is in. `attempt`: it succeeded or failed (a pending one is neither).
SELECT
    c.operator_id,
    c.charge_id,
    c.status,
    c.created_at,
    c.amount_minor,
    COALESCE(c.refunded_minor, 0) AS refunded_minor,
    c.currency,
    c.card_id,
    c.failure_reason,
    c.risk_level,
    c.risk_score,
    c.status IN ('succeeded', 'failed') AS attempt,
    c.created_at >= m.d365 AS in_12m,
    c.created_at >= m.d90 AS in_90d,
    c.created_at >= m.d180 AND c.created_at < m.d90 AS in_prev_90d
FROM charge AS c
CROSS JOIN moment AS m
WHERE c.created_at < m.t
