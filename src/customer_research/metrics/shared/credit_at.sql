-- Credits known at T: negative finalised invoices, and credit notes with their amount (without what was voided) as a
-- negative one.
SELECT operator_id, invoice_id AS record_id, 'invoice' AS record, number, total_minor, currency, issuing_date, created_at
FROM invoice_at
WHERE status = 'finalized' AND total_minor < 0
UNION ALL
SELECT
    c.operator_id,
    c.credit_note_id AS record_id,
    'credit note' AS record,
    c.number,
    COALESCE(c.void_minor, 0) - c.total_minor AS total_minor,
    c.currency,
    c.issuing_date,
    c.created_at
FROM credit_note AS c
CROSS JOIN moment AS m
WHERE c.created_at < m.t
