-- Reservations booked before T (a ride may still lie ahead), with their status at T (a cancellation after T has not
-- happened yet) and the ride's window. Statuses: completed, cancelled, pending, confirmed, in_progress, other.
-- `booked_24m` and `ride_24m` are of the month that T ends or lies in and the 23 before it.
-- The statuses that are counted are told as truth values, too: they cost less than a text made for each row.
SELECT
    r.operator_id,
    r.trip_id,
    r.confirmation_number,
    r.created_at,
    r.pickup_at,
    CASE WHEN r.status = 'cancelled' AND r.cancelled_at > m.t THEN 'confirmed' ELSE r.status END AS status,
    r.total_minor,
    r.paid_minor,
    r.due_minor,
    r.currency,
    r.trip_type,
    r.order_type,
    r.distance_miles,
    r.duration_minutes,
    r.driver_name,
    r.company_name,
    r.driver_app_used,
    r.rating,
    r.farmee_name,
    r.status = 'completed' AS completed,
    r.status = 'cancelled' AND NOT COALESCE(r.cancelled_at > m.t, FALSE) AS cancelled,
    r.status IN ('pending', 'confirmed', 'in_progress') OR (r.status = 'cancelled' AND r.cancelled_at > m.t) AS pending,
    r.created_at >= m.d455 AS booked_15m,
    r.created_at >= DATE_TRUNC('month', m.t - INTERVAL 1 SECOND) - INTERVAL 23 MONTH AS booked_24m,
    r.pickup_at >= m.t AS ride_ahead,
    r.pickup_at < m.t AS ride_past,
    r.pickup_at >= DATE_TRUNC('month', m.t - INTERVAL 1 SECOND) - INTERVAL 23 MONTH AND r.pickup_at < m.t AS ride_24m,
    r.pickup_at >= m.d365 AND r.pickup_at < m.t AS ride_12m,
    r.pickup_at >= m.d90 AND r.pickup_at < m.t AS ride_90d,
    r.pickup_at >= m.d180 AND r.pickup_at < m.d90 AS ride_prev_90d
FROM reservation AS r
CROSS JOIN moment AS m
WHERE r.created_at < m.t
