-- uses: moment, reservation_at, last_months
-- Twelve calendar months by pickup, T's own month up to T, from the month of the first booking on; a month without a ride
-- is shown with zeros.
currencies AS (
    SELECT currency, MIN(created_at) AS since
    FROM reservation_at
    GROUP BY currency
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
WHERE n.ends_at > k.since
GROUP BY n.month, k.currency
ORDER BY n.month, k.currency
