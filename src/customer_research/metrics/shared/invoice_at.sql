-- Invoices known at T with what T makes of them. Days of issue and due days are the customer's: `issued_at` is the instant
-- at which the day of issue begins there, `overdue_at` that at which the due day is over there (where the source tells no
-- zone, in UTC). An invoice whose day of issue begins at T or later is still a draft. `unpaid`, `failed`, `paid` are for
-- finalised invoices above zero; one is overdue from `overdue_at` on (Lago's own flag counts only without a due date).
WITH dated AS (
    SELECT
        i.*,
        COALESCE(i.issued_at, CAST(i.issuing_date AS TIMESTAMP)) AS issue_begins_at,
        COALESCE(i.overdue_at, CAST(i.payment_due_date AS TIMESTAMP) + INTERVAL 1 DAY) AS due_over_at
    FROM invoice AS i
),
known AS (
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
        i.issue_begins_at AS issued_at,
        i.due_over_at AS overdue_at,
        i.created_at,
        CASE
            WHEN i.status = 'finalized' AND i.issue_begins_at >= m.t THEN 'draft'
            ELSE i.status
        END AS status,
        COALESCE(i.issue_begins_at >= m.d90, FALSE) AS issued_90d,
        i.due_over_at <= m.t OR (i.due_over_at IS NULL AND i.payment_overdue) AS past_due
    FROM dated AS i
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
