-- Payments made before T with the invoice each pays; `days_to_pay` from the beginning of the day of issue, for succeeded ones.
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
        WHEN p.paid_at > i.issued_at
            THEN CAST(FLOOR(CAST(DATE_DIFF('microsecond', i.issued_at, p.paid_at) AS DOUBLE) / 86400000000) AS BIGINT)
        WHEN NOT i.issued_at IS NULL THEN 0
    END AS days_to_pay
FROM payment AS p
CROSS JOIN moment AS m
LEFT JOIN invoice_at AS i ON i.operator_id = p.operator_id AND i.invoice_id = p.invoice_id
WHERE p.paid_at < m.t
