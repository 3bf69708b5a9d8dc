-- uses: moment, reservation_at
-- Rides of 12 months by status, most frequent first.
SELECT status, COUNT(*) AS trips, SUM(COALESCE(total_minor, 0)) AS total_minor, currency
FROM reservation_at
WHERE ride_12m
GROUP BY status, currency
ORDER BY trips DESC, status, currency
