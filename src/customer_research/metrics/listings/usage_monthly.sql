-- uses: moment, reservation_at, last_months
-- Twelve calendar months by pickup, T's own month up to T; months without a ride are shown with zeros.
currencies AS (
    SELECT DISTINCT currency FROM reservation_at
)
SELECT
    n.month,
    COUNT(r.trip_id) AS trips,
    SUM(CASE WHEN r.status = 'completed' THEN 1 ELSE 0 END) AS completed,
    SUM(CASE WHEN r.status = 'cancelled' THEN 1 ELSE 0 END) AS cancelled,
    SUM(CASE WHEN r.status = 'completed' THEN COALESCE(r.total_minor, 0) ELSE 0 END) AS revenue_minor,
    k.currency
FROM last_months AS n
CROSS JOIN currencies AS k
LEFT JOIN reservation_at AS r
    ON r.currency = k.currency AND r.ride_past AND r.pickup_at >= n.starts_at AND r.pickup_at < n.ends_at
GROUP BY n.month, k.currency
ORDER BY n.month, k.currency
