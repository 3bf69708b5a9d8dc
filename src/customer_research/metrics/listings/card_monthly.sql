-- uses: moment, charge_at, last_months
-- Six calendar months of charges, T's own month up to T, from the month of the first charge on; a month without a charge is
-- shown with zeros.
currencies AS (
    SELECT currency, MIN(created_at) AS since
    FROM charge_at
    GROUP BY currency
)
SELECT
    n.month,
    SUM(CASE WHEN c.attempt THEN 1 ELSE 0 END) AS attempts,
    SUM(CASE WHEN c.status = 'succeeded' THEN 1 ELSE 0 END) AS succeeded,
    SUM(CASE WHEN c.status = 'failed' THEN 1 ELSE 0 END) AS failed,
    SUM(CASE WHEN c.status = 'succeeded' THEN COALESCE(c.amount_minor, 0) ELSE 0 END) AS charged_minor,
    SUM(CASE WHEN c.status = 'succeeded' THEN c.refunded_minor ELSE 0 END) AS refunded_minor,
    k.currency
FROM last_months AS n
CROSS JOIN currencies AS k
LEFT JOIN charge_at AS c
    ON c.currency = k.currency AND c.created_at >= n.starts_at AND c.created_at < n.ends_at
WHERE n.back < 6 AND n.ends_at > k.since
GROUP BY n.month, k.currency
ORDER BY n.month, k.currency
