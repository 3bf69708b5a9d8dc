-- uses: moment, dispute_at
-- All disputes, active ones first.
SELECT created_at, dispute_id, charge_id, status, reason, amount_minor, currency, is_active
FROM dispute_at
ORDER BY CASE WHEN is_active THEN 0 ELSE 1 END, created_at DESC, dispute_id
