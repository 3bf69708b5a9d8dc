-- uses: moment, reservation_at
-- Rides of 12 months by kind of trip and order, most frequent first.
SELECT
    COALESCE(trip_type, 'not told') AS trip_type,
    COALESCE(order_type, 'not told') AS order_type,
    COUNT(*) AS trips,
    SUM(CASE WHEN status = 'completed' THEN COALESCE(total_minor, 0) ELSE 0 END) AS revenue_minor,
    currency
FROM reservation_at
WHERE ride_12m
GROUP BY COALESCE(trip_type, 'not told'), COALESCE(order_type, 'not told'), currency
ORDER BY trips DESC, trip_type, order_type, currency
