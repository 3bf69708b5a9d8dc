-- uses: moment, reservation_at
-- The five drivers with the most rides in 90 days.
SELECT driver_name, COUNT(*) AS trips, SUM(CASE WHEN driver_app_used THEN 1 ELSE 0 END) AS app_trips
FROM reservation_at
WHERE ride_90d AND NOT driver_name IS NULL
GROUP BY driver_name
ORDER BY trips DESC, driver_name
LIMIT 5
