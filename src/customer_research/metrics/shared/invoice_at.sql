-- Invoices known at T with what T makes of them. Days of issue and due days are the customer's: `issued_at` is the instant
-- at which the day of issue begins there, `overdue_at` that at which the due day is over there (where the source tells no
-- zone, in UTC). An invoice whose day of issue begins at T or later is still a draft. `unpaid`, `failed`, `paid` are for
-- finalised invoices above zero; one is overdue from `overdue_at` on, or from when Lago said so, whichever is first
-- (`overdue_from`: one instant of the row, so that a pass over many instants counts it as one event). What is still to pay of an
-- unpaid one is `open_minor`: nothing more is asked for when that is zero. A payment that was given back after a lost dispute
-- pays nothing. Self-billed invoices are what we owe the operator, and are left out.
WITH dated AS (
    SELECT
        i.*,
        COALESCE(i.issued_at, CAST(i.issuing_date AS TIMESTAMP)) AS issue_begins_at,
        COALESCE(i.overdue_at, CAST(i.payment_due_date AS TIMESTAMP) + INTERVAL 1 DAY) AS due_over_at,
        CASE WHEN i.payment_overdue THEN COALESCE(i.updated_at, i.created_at) END AS flagged_at
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
        COALESCE(i.due_minor, i.total_minor) AS open_minor,
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
        CASE WHEN i.due_over_at IS NULL OR i.flagged_at < i.due_over_at THEN i.flagged_at ELSE i.due_over_at END AS overdue_from,
        COALESCE(i.dispute_lost_at < m.t, FALSE) AS lost
    FROM dated AS i
    CROSS JOIN moment AS m
    WHERE i.created_at < m.t AND NOT COALESCE(i.is_self_billed, FALSE)
)
SELECT
    k.*,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status = 'succeeded' AND NOT k.lost AS paid,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status = 'succeeded' AND k.lost AS given_back,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status = 'failed' AND k.open_minor > 0 AS failed,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status = 'pending' AND k.open_minor > 0 AS awaiting,
    k.status = 'finalized' AND k.total_minor > 0 AND k.payment_status IN ('pending', 'failed') AND k.open_minor > 0
        AND COALESCE(k.overdue_from <= m.t, FALSE) AS overdue
FROM known AS k
CROSS JOIN moment AS m
