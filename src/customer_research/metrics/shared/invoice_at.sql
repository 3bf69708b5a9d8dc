-- Invoices known at T with what T makes of them. An invoice issued at T or later is still a draft. `unpaid`, `failed`, `paid`
-- are for finalised invoices above zero; an invoice is overdue once its due day is over (Lago's own flag counts only
-- where no due date is told).
WITH known AS (
    SELECT
        i.operator_id,
        i.invoice_id,
        i.number,
        i.invoice_type,
        i.payment_status,
        i.currency,
        i.total_minor,
        i.issuing_date,
        i.payment_due_date,
        i.payment_overdue,
        i.period_from,
        i.period_to,
        i.created_at,
        CASE
            WHEN i.status = 'finalized' AND CAST(i.issuing_date AS TIMESTAMP) >= m.t THEN 'draft'
            ELSE i.status
        END AS status,
        COALESCE(CAST(i.issuing_date AS TIMESTAMP) >= m.d90, FALSE) AS issued_90d,
        i.payment_due_date < m.day OR (i.payment_due_date IS NULL AND i.payment_overdue) AS past_due
    FROM invoice AS i
    CROSS JOIN moment AS m
    WHERE i.created_at < m.t
)
SELECT
    k.*,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status = 'succeeded' AS paid,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status = 'failed' AS failed,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status = 'pending' AS awaiting,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status IN ('pending', 'failed')
        AND COALESCE(k.past_due, FALSE) AS overdue
FROM known AS k
