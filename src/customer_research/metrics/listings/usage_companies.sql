-- uses: moment, reservation_at
-- The five corporate accounts with the most rides in 12 months.
SELECT
    company_name,
    COUNT(*) AS trips,
    SUM(CASE WHEN status = 'completed' THEN COALESCE(total_minor, 0) ELSE 0 END) AS revenue_minor,
    currency
FROM reservation_at
WHERE ride_12m AND NOT company_name IS NULL
GROUP BY company_name, currency
ORDER BY trips DESC, revenue_minor DESC, company_name, currency
LIMIT 5
