-- Disputes opened before T.
SELECT
    d.operator_id,
    d.dispute_id,
    d.charge_id,
    d.status,
    COALESCE(d.is_active, FALSE) AS is_active,
    d.reason,
    d.amount_minor,
    d.currency,
    d.created_at
FROM dispute AS d
CROSS JOIN moment AS m
WHERE d.created_at < m.t
