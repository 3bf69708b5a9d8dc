-- uses: moment, reservation_at
-- The five latest bookings.
SELECT confirmation_number, created_at, pickup_at, status, total_minor, paid_minor, currency
FROM reservation_at
ORDER BY created_at DESC, trip_id
LIMIT 5
