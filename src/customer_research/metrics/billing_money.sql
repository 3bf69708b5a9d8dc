-- uses: moment, subscription_at, net_mrr, invoice_at
-- Billing amounts: one row per operator and currency of an active subscription, an invoice or a credit note.
invoiced AS (
    SELECT
        operator_id,
        currency,
        SUM(CASE WHEN status = 'finalized' AND total_minor > 0 THEN total_minor ELSE 0 END) AS total_invoiced,
        SUM(CASE WHEN status = 'finalized' AND total_minor > 0 THEN 1 ELSE 0 END) AS positive_invoices,
        SUM(CASE WHEN paid THEN total_minor ELSE 0 END) AS total_paid,
        SUM(CASE WHEN awaiting OR failed THEN open_minor ELSE 0 END) AS outstanding,
        SUM(CASE WHEN overdue THEN open_minor ELSE 0 END) AS overdue_amount,
        SUM(CASE WHEN failed THEN open_minor ELSE 0 END) AS failed_amount,
        SUM(CASE WHEN status = 'finalized' AND total_minor < 0 THEN total_minor ELSE 0 END) AS negative_invoices,
        SUM(CASE WHEN status = 'voided' THEN total_minor ELSE 0 END) AS voided_amount,
        SUM(CASE WHEN given_back THEN total_minor ELSE 0 END) AS given_back_amount
    FROM invoice_at
    GROUP BY operator_id, currency
),
credited AS (
    SELECT c.operator_id, c.currency, SUM(c.total_minor - COALESCE(c.void_minor, 0)) AS total_minor
    FROM credit_note AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t
    GROUP BY c.operator_id, c.currency
),
currencies AS (
    SELECT operator_id, currency FROM net_mrr
    UNION
    SELECT operator_id, currency FROM invoiced
    UNION
    SELECT operator_id, currency FROM credited
),
divided AS (
    SELECT
        operator_id,
        currency,
        positive_invoices AS divisor,
        total_invoiced % NULLIF(positive_invoices, 0) AS rest,
        CAST((total_invoiced - total_invoiced % NULLIF(positive_invoices, 0)) / NULLIF(positive_invoices, 0) AS BIGINT)
            AS quotient
    FROM invoiced
)
SELECT
    k.operator_id,
    k.currency,
    COALESCE(n.mrr, 0) AS mrr,
    COALESCE(n.list_mrr, 0) AS list_mrr,
    COALESCE(i.total_invoiced, 0) AS total_invoiced,
    COALESCE(i.total_paid, 0) AS total_paid,
    COALESCE(i.outstanding, 0) AS outstanding,
    COALESCE(i.overdue_amount, 0) AS overdue_amount,
    COALESCE(i.failed_amount, 0) AS failed_amount,
    COALESCE(i.negative_invoices, 0) - COALESCE(c.total_minor, 0) AS credits,
    COALESCE(i.voided_amount, 0) AS voided_amount,
    COALESCE(i.given_back_amount, 0) AS given_back_amount,
    d.quotient + CASE
        WHEN 2 * d.rest > d.divisor THEN 1
        WHEN 2 * d.rest = d.divisor THEN d.quotient % 2
        ELSE 0
    END AS average_invoice
FROM currencies AS k
LEFT JOIN net_mrr AS n ON n.operator_id = k.operator_id AND n.currency = k.currency
LEFT JOIN invoiced AS i ON i.operator_id = k.operator_id AND i.currency = k.currency
LEFT JOIN credited AS c ON c.operator_id = k.operator_id AND c.currency = k.currency
LEFT JOIN divided AS d ON d.operator_id = k.operator_id AND d.currency = k.currency
ORDER BY k.operator_id, k.currency
