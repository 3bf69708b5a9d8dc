"""The figures of reservations and charges as an expert would write them for DuckDB alone, at one date written into the text.

No shared definitions, no other dialect in mind: one aggregation a table, FILTER clauses, months as bits of a number, the
streaks over the charges of 90 days. The figures of the small tables come from the product's own queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


def by_hand(as_of: datetime) -> Mapping[str, str]:
    """The queries that stand in for the product's of the same names."""
    t = f"TIMESTAMP '{as_of.replace(tzinfo=None).isoformat(sep=' ')}'"
    return {"usage_metrics": _usage(t), "card_metrics": _card(t)}


def _usage(t: str) -> str:
    def since(days: int, until: int = 0, clock: str = "created_at") -> str:
        upper = f" AND {clock} < {t} - INTERVAL {until} DAY" if until else ""
        return f"{clock} >= {t} - INTERVAL {days} DAY{upper}"

    def ride(days: int, until: int = 0) -> str:
        return f"pickup_at >= {t} - INTERVAL {days} DAY AND pickup_at < {t} - INTERVAL {until} DAY"

    return f"""
    WITH trips AS (
        SELECT * REPLACE (CASE WHEN status = 'cancelled' AND cancelled_at >= {t} THEN 'confirmed' ELSE status END AS status)
        FROM (
            SELECT operator_id, status, created_at, pickup_at, cancelled_at, total_minor, paid_minor, due_minor, driver_name,
                driver_app_used, farmee_name, rating, distance_miles, duration_minutes
            FROM reservation WHERE created_at < {t}
        )
    ),
    summed AS (
        SELECT operator_id, COUNT(*) AS reservations_ever,
            COUNT(*) FILTER ({since(30)}) AS reservations_30d,
            COUNT(*) FILTER ({since(60, 30)}) AS reservations_prev_30d,
            COUNT(*) FILTER ({since(60)}) AS reservations_60d,
            COUNT(*) FILTER ({since(90)}) AS reservations_90d,
            COUNT(*) FILTER ({since(180, 90)}) AS reservations_prev_90d,
            COUNT(*) FILTER ({since(365)}) AS reservations_12m,
            COUNT(*) FILTER ({since(395, 365)}) AS reservations_30d_year_ago,
            COUNT(*) FILTER ({since(425, 395)}) AS reservations_prev_30d_year_ago,
            COUNT(*) FILTER ({since(455, 365)}) AS reservations_90d_year_ago,
            MIN(created_at) AS first_reservation_at, MAX(created_at) AS last_activity_at,
            BIT_COUNT(BIT_OR(1 << LEAST(CAST((EPOCH_US({t}) - EPOCH_US(created_at) - 1) // 2592000000000 AS INT), 12))
                FILTER ({since(360)})) AS active_months_12m,
            COUNT(*) FILTER ({ride(365)}) AS trips_12m,
            COUNT(*) FILTER ({ride(365)} AND status = 'completed') AS completed_12m,
            COUNT(*) FILTER ({ride(365)} AND status = 'cancelled') AS cancelled_12m,
            COUNT(*) FILTER ({ride(365)} AND status IN ('pending', 'confirmed', 'in_progress')) AS pending_12m,
            COUNT(*) FILTER ({ride(90)}) AS trips_90d,
            COUNT(*) FILTER ({ride(90)} AND status = 'completed') AS completed_90d,
            COUNT(*) FILTER ({ride(90)} AND status = 'cancelled') AS cancelled_90d,
            COUNT(*) FILTER ({ride(180, 90)}) AS trips_prev_90d,
            COUNT(*) FILTER ({ride(180, 90)} AND status = 'completed') AS completed_prev_90d,
            COUNT(*) FILTER ({ride(180, 90)} AND status = 'cancelled') AS cancelled_prev_90d,
            COALESCE(SUM(total_minor) FILTER ({ride(365)} AND status = 'completed'), 0) AS revenue_12m,
            COALESCE(SUM(total_minor) FILTER ({ride(90)} AND status = 'completed'), 0) AS revenue_90d,
            COALESCE(SUM(total_minor) FILTER ({ride(180, 90)} AND status = 'completed'), 0) AS revenue_prev_90d,
            COALESCE(SUM(paid_minor) FILTER ({ride(365)} AND status = 'completed'), 0) AS collected_12m,
            SUM(total_minor) FILTER ({ride(365)} AND status = 'completed' AND paid_minor IS NOT NULL) AS billed_12m,
            SUM(paid_minor) FILTER ({ride(90)} AND status = 'completed') AS collected_90d,
            SUM(total_minor) FILTER ({ride(90)} AND status = 'completed' AND paid_minor IS NOT NULL) AS billed_90d,
            COALESCE(SUM(due_minor) FILTER (pickup_at < {t} AND status = 'completed'), 0) AS outstanding_trips,
            COUNT(*) FILTER (pickup_at >= {t} AND status <> 'cancelled') AS future_trips,
            COUNT(*) FILTER (pickup_at >= {t} AND pickup_at < {t} + INTERVAL 30 DAY AND status <> 'cancelled') AS future_trips_30d,
            COALESCE(SUM(total_minor) FILTER (pickup_at >= {t} AND status <> 'cancelled'), 0) AS booked_value_future,
            COUNT(driver_name) FILTER ({ride(90)}) AS driver_trips_90d,
            COUNT(driver_name) FILTER ({ride(90)} AND driver_app_used) AS app_trips_90d,
            COUNT(farmee_name) FILTER ({ride(90)}) AS farmed_90d,
            COUNT(farmee_name) FILTER ({ride(180, 90)}) AS farmed_prev_90d,
            COUNT(*) FILTER ({ride(90)} AND status = 'completed' AND farmee_name IS NULL) AS own_completed_90d,
            COUNT(*) FILTER ({ride(180, 90)} AND status = 'completed' AND farmee_name IS NULL) AS own_completed_prev_90d,
            AVG(rating) FILTER ({ride(365)}) AS average_rating,
            AVG(distance_miles) FILTER ({ride(365)} AND status = 'completed') AS average_distance_miles,
            AVG(duration_minutes) FILTER ({ride(365)} AND status = 'completed') AS average_duration_minutes
        FROM trips GROUP BY operator_id
    ),
    aged AS (
        SELECT *, (EPOCH_US({t}) - EPOCH_US(first_reservation_at)) / 2629800000000 AS months,
            CAST(FLOOR(months) AS BIGINT) AS history_months,
            CASE WHEN months >= 15 AND reservations_prev_30d_year_ago >= 10
                THEN reservations_30d_year_ago / reservations_prev_30d_year_ago END AS seasonal_factor_30d
        FROM summed
    )
    SELECT *,
        (EPOCH_US({t}) - EPOCH_US(last_activity_at)) // 86400000000 AS days_since_activity,
        reservations_12m / LEAST(GREATEST(months, 1), 12) AS trips_per_month,
        CASE WHEN reservations_prev_30d >= 10 THEN (reservations_30d - reservations_prev_30d) / reservations_prev_30d END AS trend_30d,
        CASE WHEN reservations_prev_90d >= 10 THEN (reservations_90d - reservations_prev_90d) / reservations_prev_90d END AS trend_90d,
        CASE WHEN history_months >= 15 AND reservations_90d_year_ago >= 10
            THEN (reservations_90d - reservations_90d_year_ago) / reservations_90d_year_ago END AS trend_90d_year,
        CASE WHEN seasonal_factor_30d > 0 AND reservations_prev_30d >= 10
            THEN reservations_30d / (reservations_prev_30d * seasonal_factor_30d) - 1 END AS trend_30d_seasonal,
        cancelled_12m / NULLIF(trips_12m, 0) AS cancellation_rate,
        cancelled_90d / NULLIF(trips_90d, 0) AS cancellation_rate_90d,
        cancelled_prev_90d / NULLIF(trips_prev_90d, 0) AS cancellation_rate_prev_90d,
        CAST(ROUND_EVEN(revenue_12m / NULLIF(completed_12m, 0), 0) AS BIGINT) AS avg_trip_value,
        collected_90d / NULLIF(billed_90d, 0) AS collection_rate_90d,
        collected_12m / NULLIF(billed_12m, 0) AS collection_rate_12m,
        app_trips_90d / NULLIF(driver_trips_90d, 0) AS driver_app_rate,
        farmed_90d / NULLIF(trips_90d, 0) AS farm_out_rate_90d,
        farmed_prev_90d / NULLIF(trips_prev_90d, 0) AS farm_out_rate_prev_90d
    FROM aged
    """


def _card(t: str) -> str:
    recent = f"created_at >= {t} - INTERVAL 90 DAY"
    before = f"created_at >= {t} - INTERVAL 180 DAY AND created_at < {t} - INTERVAL 90 DAY"
    attempt = "status IN ('succeeded', 'failed')"
    return f"""
    WITH known AS (FROM charge WHERE created_at < {t}),
    disputes AS (
        SELECT operator_id, COUNT(*) AS disputes_ever, COUNT(*) FILTER (is_active) AS active_disputes
        FROM dispute WHERE created_at < {t} GROUP BY operator_id
    ),
    disputed AS (
        SELECT c.operator_id, COUNT(*) AS disputed_90d
        FROM known AS c SEMI JOIN (FROM dispute WHERE created_at < {t}) AS d
            ON d.operator_id = c.operator_id AND d.charge_id = c.charge_id
        WHERE {recent} GROUP BY c.operator_id
    ),
    streaks AS (
        SELECT operator_id, MAX(cards) AS failure_streak
        FROM (
            SELECT operator_id, run, COUNT(DISTINCT card_id) + COUNT(*) - COUNT(card_id) AS cards
            FROM (
                SELECT operator_id, status, card_id, COUNT(*) FILTER (status = 'succeeded')
                    OVER (PARTITION BY operator_id ORDER BY created_at, charge_id ROWS UNBOUNDED PRECEDING) AS run
                FROM known WHERE {recent} AND {attempt}
            ) WHERE status = 'failed' GROUP BY operator_id, run
        ) GROUP BY operator_id
    ),
    charged AS (
        SELECT operator_id, COUNT(*) FILTER ({attempt}) AS charge_attempts,
            COUNT(*) FILTER ({recent} AND {attempt}) AS charge_attempts_90d,
            COUNT(*) FILTER ({recent} AND status = 'succeeded') AS charges_succeeded_90d,
            COUNT(*) FILTER ({recent} AND status = 'failed') AS charges_failed_90d,
            SUM(amount_minor) FILTER ({recent} AND status = 'succeeded') AS volume_90d,
            SUM(COALESCE(refunded_minor, 0)) FILTER ({recent} AND status = 'succeeded') AS refunded_90d,
            COUNT(DISTINCT currency) FILTER ({recent} AND status = 'succeeded') AS currencies_90d,
            SUM(amount_minor) FILTER ({before} AND status = 'succeeded') AS volume_prev,
            SUM(COALESCE(refunded_minor, 0)) FILTER ({before} AND status = 'succeeded') AS refunded_prev,
            COUNT(DISTINCT currency) FILTER ({before} AND status = 'succeeded') AS currencies_prev,
            AVG(risk_score) FILTER ({recent} AND {attempt}) AS avg_risk_score,
            COUNT(*) FILTER ({recent} AND {attempt} AND risk_level IN ('normal', 'elevated', 'highest')) AS scored_charges_90d,
            COUNT(*) FILTER ({recent} AND {attempt} AND risk_level IN ('elevated', 'highest')) AS high_risk_charges_90d,
            COUNT(*) FILTER ({recent} AND {attempt} AND risk_level = 'highest') AS highest_risk_charges_90d,
            MAX(created_at) AS last_charge_at, COUNT(DISTINCT currency) AS charge_currencies
        FROM known GROUP BY operator_id
    )
    SELECT COALESCE(c.operator_id, d.operator_id) AS operator_id,
        COALESCE(charge_attempts, 0) AS charge_attempts, COALESCE(charge_attempts_90d, 0) AS charge_attempts_90d,
        COALESCE(charges_succeeded_90d, 0) AS charges_succeeded_90d, COALESCE(charges_failed_90d, 0) AS charges_failed_90d,
        charges_succeeded_90d / NULLIF(charge_attempts_90d, 0) AS charge_success_rate,
        COALESCE(failure_streak, 0) AS failure_streak,
        CASE WHEN currencies_90d = 1 THEN refunded_90d / NULLIF(volume_90d, 0) END AS refund_rate,
        CASE WHEN currencies_prev = 1 THEN refunded_prev / NULLIF(volume_prev, 0) END AS refund_rate_prev,
        COALESCE(active_disputes, 0) AS active_disputes, COALESCE(disputes_ever, 0) AS disputes_ever,
        CASE WHEN c.operator_id IS NOT NULL THEN COALESCE(disputed_90d, 0) / NULLIF(charges_succeeded_90d, 0) END AS dispute_rate,
        avg_risk_score, COALESCE(scored_charges_90d, 0) AS scored_charges_90d,
        COALESCE(high_risk_charges_90d, 0) AS high_risk_charges_90d,
        COALESCE(highest_risk_charges_90d, 0) AS highest_risk_charges_90d,
        high_risk_charges_90d / NULLIF(scored_charges_90d, 0) AS high_risk_share, last_charge_at,
        (EPOCH_US({t}) - EPOCH_US(last_charge_at)) // 86400000000 AS days_since_last_charge,
        COALESCE(charge_currencies, 0) AS charge_currencies
    FROM charged AS c
    FULL JOIN disputes AS d ON d.operator_id = c.operator_id
    LEFT JOIN streaks AS s ON s.operator_id = c.operator_id
    LEFT JOIN disputed AS p ON p.operator_id = c.operator_id
    """
