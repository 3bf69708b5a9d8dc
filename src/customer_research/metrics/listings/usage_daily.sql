-- uses: moment, reservation_at
-- Every day on which something was booked or ridden, in the month of T and the 23 before it: bookings by the day they were
-- made, rides up to T by the day of their pickup.
counted AS (
    SELECT
        CAST(r.created_at AS DATE) AS day,
        r.currency,
        1 AS booked,
        0 AS trips,
        0 AS completed,
        0 AS cancelled,
        0 AS revenue_minor,
        0 AS driver_trips,
        0 AS app_trips
    FROM reservation_at AS r
    WHERE r.booked_24m
    UNION ALL
    SELECT
        CAST(r.pickup_at AS DATE) AS day,
        r.currency,
        0 AS booked,
        1 AS trips,
        CASE WHEN r.status = 'completed' THEN 1 ELSE 0 END AS completed,
        CASE WHEN r.status = 'cancelled' THEN 1 ELSE 0 END AS cancelled,
        CASE WHEN r.status = 'completed' THEN COALESCE(r.total_minor, 0) ELSE 0 END AS revenue_minor,
        CASE WHEN NOT r.driver_name IS NULL THEN 1 ELSE 0 END AS driver_trips,
        CASE WHEN NOT r.driver_name IS NULL AND r.driver_app_used THEN 1 ELSE 0 END AS app_trips
    FROM reservation_at AS r
    WHERE r.ride_24m
)
SELECT
    day,
    SUM(booked) AS booked,
    SUM(trips) AS trips,
    SUM(completed) AS completed,
    SUM(cancelled) AS cancelled,
    SUM(revenue_minor) AS revenue_minor,
    SUM(driver_trips) AS driver_trips,
    SUM(app_trips) AS app_trips,
    currency
FROM counted
GROUP BY day, currency
ORDER BY day, currency
