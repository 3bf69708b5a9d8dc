-- uses: moment, reservation_at
-- Reservations: one row per operator with a reservation booked before T. Activity is counted by the booking's instant,
-- rides and revenue by the pickup's. A month of history is 30.4375 days; the months
-- in which an operator is active are the twelve times 30 days before T. Windows are summed apart: few rows are in each, and a
-- file's other parts need not be read.
known AS (
    SELECT
        operator_id,
        COUNT(*) AS reservations_ever,
        MIN(created_at) AS first_reservation_at,
        MAX(created_at) AS last_activity_at,
        SUM(CASE WHEN completed AND ride_past THEN COALESCE(due_minor, 0) ELSE 0 END) AS outstanding_trips
    FROM reservation_at
    GROUP BY operator_id
),
ahead AS (
    SELECT
        r.operator_id,
        SUM(CASE WHEN r.status <> 'cancelled' THEN 1 ELSE 0 END) AS future_trips,
        SUM(CASE WHEN r.pickup_at < m.in30 AND r.status <> 'cancelled' THEN 1 ELSE 0 END) AS future_trips_30d,
        SUM(CASE WHEN r.status <> 'cancelled' THEN COALESCE(r.total_minor, 0) ELSE 0 END) AS booked_value_future
    FROM reservation_at AS r
    CROSS JOIN moment AS m
    WHERE r.ride_ahead
    GROUP BY r.operator_id
),
booked AS (
    SELECT
        r.operator_id,
        SUM(CASE WHEN r.created_at >= m.d30 THEN 1 ELSE 0 END) AS in_30d,
        SUM(CASE WHEN r.created_at >= m.d60 THEN 1 ELSE 0 END) AS in_60d,
        SUM(CASE WHEN r.created_at >= m.d90 THEN 1 ELSE 0 END) AS in_90d,
        SUM(CASE WHEN r.created_at >= m.d120 THEN 1 ELSE 0 END) AS in_120d,
        SUM(CASE WHEN r.created_at >= m.d150 THEN 1 ELSE 0 END) AS in_150d,
        SUM(CASE WHEN r.created_at >= m.d180 THEN 1 ELSE 0 END) AS in_180d,
        SUM(CASE WHEN r.created_at >= m.d210 THEN 1 ELSE 0 END) AS in_210d,
        SUM(CASE WHEN r.created_at >= m.d240 THEN 1 ELSE 0 END) AS in_240d,
        SUM(CASE WHEN r.created_at >= m.d270 THEN 1 ELSE 0 END) AS in_270d,
        SUM(CASE WHEN r.created_at >= m.d300 THEN 1 ELSE 0 END) AS in_300d,
        SUM(CASE WHEN r.created_at >= m.d330 THEN 1 ELSE 0 END) AS in_330d,
        SUM(CASE WHEN r.created_at >= m.d360 THEN 1 ELSE 0 END) AS in_360d,
        SUM(CASE WHEN r.created_at >= m.d365 THEN 1 ELSE 0 END) AS in_365d,
        SUM(CASE WHEN r.created_at >= m.d395 THEN 1 ELSE 0 END) AS in_395d,
        SUM(CASE WHEN r.created_at >= m.d425 THEN 1 ELSE 0 END) AS in_425d,
        COUNT(*) AS in_455d
    FROM reservation_at AS r
    CROSS JOIN moment AS m
    WHERE r.booked_15m
    GROUP BY r.operator_id
),
rides AS (
    SELECT
        operator_id,
        COUNT(*) AS trips_12m,
        SUM(CASE WHEN completed THEN 1 ELSE 0 END) AS completed_12m,
        SUM(CASE WHEN cancelled THEN 1 ELSE 0 END) AS cancelled_12m,
        SUM(CASE WHEN pending THEN 1 ELSE 0 END) AS pending_12m,
        SUM(CASE WHEN completed THEN COALESCE(total_minor, 0) ELSE 0 END) AS revenue_12m,
        SUM(CASE WHEN completed THEN COALESCE(paid_minor, 0) ELSE 0 END) AS collected_12m,
        SUM(CASE WHEN completed AND NOT paid_minor IS NULL THEN total_minor END) AS billed_12m,
        AVG(CAST(rating AS DOUBLE)) AS average_rating,
        AVG(CASE WHEN completed THEN CAST(distance_miles AS DOUBLE) END) AS average_distance_miles,
        AVG(CASE WHEN completed THEN CAST(duration_minutes AS DOUBLE) END) AS average_duration_minutes
    FROM reservation_at
    WHERE ride_12m
    GROUP BY operator_id
),
recent AS (
    SELECT
        operator_id,
        COUNT(*) AS trips_90d,
        SUM(CASE WHEN completed THEN 1 ELSE 0 END) AS completed_90d,
        SUM(CASE WHEN cancelled THEN 1 ELSE 0 END) AS cancelled_90d,
        SUM(CASE WHEN completed THEN COALESCE(total_minor, 0) ELSE 0 END) AS revenue_90d,
        SUM(CASE WHEN completed THEN paid_minor END) AS collected_90d,
        SUM(CASE WHEN completed AND NOT paid_minor IS NULL THEN total_minor END) AS billed_90d,
        SUM(CASE WHEN NOT driver_name IS NULL THEN 1 ELSE 0 END) AS driver_trips_90d,
        SUM(CASE WHEN NOT driver_name IS NULL AND driver_app_used THEN 1 ELSE 0 END) AS app_trips_90d,
        SUM(CASE WHEN NOT farmee_name IS NULL THEN 1 ELSE 0 END) AS farmed_90d,
        SUM(CASE WHEN completed AND farmee_name IS NULL THEN 1 ELSE 0 END) AS own_completed_90d
    FROM reservation_at
    WHERE ride_90d
    GROUP BY operator_id
),
earlier AS (
    SELECT
        operator_id,
        COUNT(*) AS trips_prev_90d,
        SUM(CASE WHEN completed THEN 1 ELSE 0 END) AS completed_prev_90d,
        SUM(CASE WHEN cancelled THEN 1 ELSE 0 END) AS cancelled_prev_90d,
        SUM(CASE WHEN completed THEN COALESCE(total_minor, 0) ELSE 0 END) AS revenue_prev_90d,
        SUM(CASE WHEN NOT farmee_name IS NULL THEN 1 ELSE 0 END) AS farmed_prev_90d,
        SUM(CASE WHEN completed AND farmee_name IS NULL THEN 1 ELSE 0 END) AS own_completed_prev_90d
    FROM reservation_at
    WHERE ride_prev_90d
    GROUP BY operator_id
),
counted AS (
    SELECT
        k.operator_id,
        k.reservations_ever,
        COALESCE(b.in_30d, 0) AS reservations_30d,
        COALESCE(b.in_60d - b.in_30d, 0) AS reservations_prev_30d,
        COALESCE(b.in_60d, 0) AS reservations_60d,
        COALESCE(b.in_90d, 0) AS reservations_90d,
        COALESCE(b.in_180d - b.in_90d, 0) AS reservations_prev_90d,
        COALESCE(b.in_365d, 0) AS reservations_12m,
        COALESCE(b.in_395d - b.in_365d, 0) AS reservations_30d_year_ago,
        COALESCE(b.in_425d - b.in_395d, 0) AS reservations_prev_30d_year_ago,
        COALESCE(b.in_455d - b.in_365d, 0) AS reservations_90d_year_ago,
        k.first_reservation_at,
        k.last_activity_at,
        COALESCE(b.in_90d - b.in_60d, 0) AS reservations_month_3,
        COALESCE(b.in_120d - b.in_90d, 0) AS reservations_month_4,
        COALESCE(b.in_150d - b.in_120d, 0) AS reservations_month_5,
        COALESCE(b.in_180d - b.in_150d, 0) AS reservations_month_6,
        COALESCE(b.in_210d - b.in_180d, 0) AS reservations_month_7,
        COALESCE(b.in_240d - b.in_210d, 0) AS reservations_month_8,
        COALESCE(b.in_270d - b.in_240d, 0) AS reservations_month_9,
        COALESCE(b.in_300d - b.in_270d, 0) AS reservations_month_10,
        COALESCE(b.in_330d - b.in_300d, 0) AS reservations_month_11,
        COALESCE(b.in_360d - b.in_330d, 0) AS reservations_month_12,
        COALESCE(y.trips_12m, 0) AS trips_12m,
        COALESCE(y.completed_12m, 0) AS completed_12m,
        COALESCE(y.cancelled_12m, 0) AS cancelled_12m,
        COALESCE(y.pending_12m, 0) AS pending_12m,
        COALESCE(q.trips_90d, 0) AS trips_90d,
        COALESCE(q.completed_90d, 0) AS completed_90d,
        COALESCE(q.cancelled_90d, 0) AS cancelled_90d,
        COALESCE(p.trips_prev_90d, 0) AS trips_prev_90d,
        COALESCE(p.completed_prev_90d, 0) AS completed_prev_90d,
        COALESCE(p.cancelled_prev_90d, 0) AS cancelled_prev_90d,
        COALESCE(y.revenue_12m, 0) AS revenue_12m,
        COALESCE(q.revenue_90d, 0) AS revenue_90d,
        COALESCE(p.revenue_prev_90d, 0) AS revenue_prev_90d,
        COALESCE(y.collected_12m, 0) AS collected_12m,
        y.billed_12m,
        q.collected_90d,
        q.billed_90d,
        k.outstanding_trips,
        COALESCE(a.future_trips, 0) AS future_trips,
        COALESCE(a.future_trips_30d, 0) AS future_trips_30d,
        COALESCE(a.booked_value_future, 0) AS booked_value_future,
        COALESCE(q.driver_trips_90d, 0) AS driver_trips_90d,
        COALESCE(q.app_trips_90d, 0) AS app_trips_90d,
        COALESCE(q.farmed_90d, 0) AS farmed_90d,
        COALESCE(p.farmed_prev_90d, 0) AS farmed_prev_90d,
        COALESCE(q.own_completed_90d, 0) AS own_completed_90d,
        COALESCE(p.own_completed_prev_90d, 0) AS own_completed_prev_90d,
        y.average_rating,
        y.average_distance_miles,
        y.average_duration_minutes
    FROM known AS k
    LEFT JOIN ahead AS a ON a.operator_id = k.operator_id
    LEFT JOIN booked AS b ON b.operator_id = k.operator_id
    LEFT JOIN rides AS y ON y.operator_id = k.operator_id
    LEFT JOIN recent AS q ON q.operator_id = k.operator_id
    LEFT JOIN earlier AS p ON p.operator_id = k.operator_id
),
spanned AS (
    SELECT
        c.*,
        CAST(FLOOR(CAST(DATE_DIFF('microsecond', c.last_activity_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
            AS days_since_activity,
        CAST(DATE_DIFF('microsecond', c.first_reservation_at, m.t) AS DOUBLE) / 2629800000000 AS months,
        CASE WHEN c.reservations_30d > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_prev_30d > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_3 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_4 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_5 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_6 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_7 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_8 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_9 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_10 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_11 > 0 THEN 1 ELSE 0 END
            + CASE WHEN c.reservations_month_12 > 0 THEN 1 ELSE 0 END AS active_months_12m,
        c.revenue_12m % NULLIF(c.completed_12m, 0) AS revenue_rest,
        CAST((c.revenue_12m - c.revenue_12m % NULLIF(c.completed_12m, 0)) / NULLIF(c.completed_12m, 0) AS BIGINT)
            AS revenue_quotient
    FROM counted AS c
    CROSS JOIN moment AS m
),
seasoned AS (
    SELECT
        s.*,
        CAST(FLOOR(s.months) AS BIGINT) AS history_months,
        CASE
            WHEN s.months >= 15 AND s.reservations_prev_30d >= 20
                AND s.reservations_prev_30d_year_ago >= 20 AND s.reservations_30d_year_ago >= 20
                THEN CAST(s.reservations_30d_year_ago AS DOUBLE) / s.reservations_prev_30d_year_ago
        END AS seasonal_factor_30d
    FROM spanned AS s
)
SELECT
    operator_id,
    reservations_ever,
    reservations_30d,
    reservations_prev_30d,
    reservations_60d,
    reservations_90d,
    reservations_prev_90d,
    reservations_12m,
    reservations_30d_year_ago,
    reservations_prev_30d_year_ago,
    reservations_90d_year_ago,
    first_reservation_at,
    last_activity_at,
    days_since_activity,
    history_months,
    active_months_12m,
    CAST(reservations_12m AS DOUBLE) / CASE WHEN months < 1 THEN 1 WHEN months > 12 THEN 12 ELSE months END
        AS trips_per_month,
    CASE
        WHEN reservations_prev_30d >= 10
            THEN CAST(reservations_30d - reservations_prev_30d AS DOUBLE) / reservations_prev_30d
    END AS trend_30d,
    CASE
        WHEN reservations_prev_90d >= 10
            THEN CAST(reservations_90d - reservations_prev_90d AS DOUBLE) / reservations_prev_90d
    END AS trend_90d,
    CASE
        WHEN history_months >= 15 AND reservations_90d_year_ago >= 10
            THEN CAST(reservations_90d - reservations_90d_year_ago AS DOUBLE) / reservations_90d_year_ago
    END AS trend_90d_year,
    seasonal_factor_30d,
    CASE
        WHEN seasonal_factor_30d > 0 AND reservations_prev_30d >= 10
            THEN CAST(reservations_30d AS DOUBLE) / (reservations_prev_30d * seasonal_factor_30d) - 1
    END AS trend_30d_seasonal,
    completed_12m,
    cancelled_12m,
    pending_12m,
    trips_12m,
    CAST(cancelled_12m AS DOUBLE) / NULLIF(trips_12m, 0) AS cancellation_rate,
    CAST(cancelled_90d AS DOUBLE) / NULLIF(trips_90d, 0) AS cancellation_rate_90d,
    CAST(cancelled_prev_90d AS DOUBLE) / NULLIF(trips_prev_90d, 0) AS cancellation_rate_prev_90d,
    completed_90d,
    completed_prev_90d,
    revenue_12m,
    revenue_90d,
    revenue_prev_90d,
    booked_value_future,
    future_trips,
    future_trips_30d,
    revenue_quotient + CASE
        WHEN 2 * ABS(revenue_rest) < completed_12m THEN 0
        WHEN 2 * ABS(revenue_rest) = completed_12m AND revenue_quotient % 2 = 0 THEN 0
        WHEN revenue_rest < 0 THEN -1
        ELSE 1
    END AS avg_trip_value,
    collected_12m,
    CAST(collected_90d AS DOUBLE) / NULLIF(billed_90d, 0) AS collection_rate_90d,
    CAST(collected_12m AS DOUBLE) / NULLIF(billed_12m, 0) AS collection_rate_12m,
    outstanding_trips,
    driver_trips_90d,
    CAST(app_trips_90d AS DOUBLE) / NULLIF(driver_trips_90d, 0) AS driver_app_rate,
    CAST(farmed_90d AS DOUBLE) / NULLIF(trips_90d, 0) AS farm_out_rate_90d,
    CAST(farmed_prev_90d AS DOUBLE) / NULLIF(trips_prev_90d, 0) AS farm_out_rate_prev_90d,
    own_completed_90d,
    own_completed_prev_90d,
    average_rating,
    average_distance_miles,
    average_duration_minutes
FROM seasoned
ORDER BY operator_id
