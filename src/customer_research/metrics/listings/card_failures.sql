-- uses: moment
-- The ten latest failed charges.
SELECT c.created_at, c.charge_id, c.amount_minor, c.currency, c.failure_reason, c.cardholder, c.card_id
FROM charge AS c
CROSS JOIN moment AS m
WHERE c.created_at < m.t AND c.status = 'failed'
ORDER BY c.created_at DESC, c.charge_id
LIMIT 10
