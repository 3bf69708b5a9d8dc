-- Payments made before T with the invoice each pays; `days_to_pay` from the day of issue, for succeeded ones.
SELECT
    p.operator_id,
    p.payment_id,
    p.invoice_id,
    i.number,
    p.status,
    p.amount_minor,
    p.currency,
    i.issuing_date,
    p.paid_at,
    CASE
        WHEN p.status <> 'succeeded' THEN NULL
        WHEN CAST(p.paid_at AS DATE) > i.issuing_date THEN DATE_DIFF('day', i.issuing_date, CAST(p.paid_at AS DATE))
        WHEN NOT i.issuing_date IS NULL THEN 0
    END AS days_to_pay
FROM payment AS p
CROSS JOIN moment AS m
LEFT JOIN invoice_at AS i ON i.operator_id = p.operator_id AND i.invoice_id = p.invoice_id
WHERE p.paid_at < m.t
