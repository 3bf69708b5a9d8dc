-- uses: moment, reservation_at
-- The five partners that took over the most rides in 12 months.
SELECT farmee_name, COUNT(*) AS trips
FROM reservation_at
WHERE ride_12m AND NOT farmee_name IS NULL
GROUP BY farmee_name
ORDER BY trips DESC, farmee_name
LIMIT 5
