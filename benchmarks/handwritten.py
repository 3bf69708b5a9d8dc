"""The figures of the large tables as an expert would write them for DuckDB alone, at one date written into the text.

No shared definitions, no other dialect in mind: each window is read apart (so that a file's other parts are skipped), rows are
counted by `COUNT(CASE ...)` (measured: a third cheaper than `SUM` or `FILTER`), statuses are compared, never rewritten, and
nothing is sorted that need not be. Billing is in `benchmarks.handwritten_billing`; the figures of the small tables, a tenth of
the work, come from the product's own queries. `benchmarks.portfolio` compares every cell with the product's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from benchmarks.handwritten_billing import billing


def by_hand(as_of: datetime) -> Mapping[str, str]:
    """The queries that stand in for the product's of the same names."""
    t = f"TIMESTAMP '{as_of.replace(tzinfo=None).isoformat(sep=' ')}'"
    return {"usage_metrics": _usage(t), "card_metrics": _card(t), "billing_metrics": billing(t)}


def _ago(t: str, days: int) -> str:
    return f"{t} - INTERVAL {days} DAY"


def _figures(relation: str, names: Sequence[str]) -> str:
    """The figures of a window; an operator without rows there has 0."""
    return ", ".join(f"COALESCE({relation}.{name}, 0) AS {name}" for name in names)


_CUMULATIVE = (30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360, 365, 395, 425)
_SPANS = {
    "30d": (30, 0), "prev_30d": (60, 30), "60d": (60, 0), "90d": (90, 0), "prev_90d": (180, 90), "12m": (365, 0),
    "30d_year_ago": (395, 365), "prev_30d_year_ago": (425, 395), "90d_year_ago": (455, 365),
}  # fmt: skip


def _span(since: int, until: int) -> str:
    return f"COALESCE(b.in_{since}{f' - b.in_{until}' if until else ''}, 0)"


def _usage(t: str) -> str:
    done = "status = 'completed'"
    gone = f"status = 'cancelled' AND (cancelled_at IS NULL OR cancelled_at < {t})"
    known = f"FROM reservation WHERE created_at < {t}"
    since = ", ".join(f"COUNT(CASE WHEN created_at >= {_ago(t, d)} THEN 1 END) AS in_{d}" for d in _CUMULATIVE)
    months = " + ".join(f"({_span(days, days - 30)} > 0)::INT" for days in range(30, 361, 30))
    ride_365, ride_90 = (f"pickup_at >= {_ago(t, days)} AND pickup_at < {t}" for days in (365, 90))
    return f"""
    WITH known AS (
        SELECT operator_id, COUNT(*) AS reservations_ever, MIN(created_at) AS first_reservation_at, MAX(created_at) AS last_activity_at,
            SUM(CASE WHEN {done} AND pickup_at < {t} THEN due_minor END) AS outstanding_trips
        {known} GROUP BY operator_id
    ),
    ahead AS (
        SELECT operator_id, COUNT(*) AS future_trips, COUNT(CASE WHEN pickup_at < {t} + INTERVAL 30 DAY THEN 1 END) AS future_trips_30d,
            SUM(total_minor) AS booked_value_future
        {known} AND pickup_at >= {t} AND (status <> 'cancelled' OR cancelled_at >= {t}) GROUP BY operator_id
    ),
    booked AS (
        SELECT operator_id, {since}, COUNT(*) AS in_455 {known} AND created_at >= {_ago(t, 455)} GROUP BY operator_id
    ),
    year AS (
        SELECT operator_id, COUNT(*) AS trips_12m, COUNT(CASE WHEN {done} THEN 1 END) AS completed_12m,
            COUNT(CASE WHEN {gone} THEN 1 END) AS cancelled_12m,
            COUNT(CASE WHEN status IN ('pending', 'confirmed', 'in_progress') OR (status = 'cancelled' AND cancelled_at >= {t}) THEN 1 END)
                AS pending_12m,
            SUM(CASE WHEN {done} THEN total_minor END) AS revenue_12m, SUM(CASE WHEN {done} THEN paid_minor END) AS collected_12m,
            SUM(CASE WHEN {done} AND paid_minor IS NOT NULL THEN total_minor END) AS billed_12m,
            AVG(rating) AS average_rating, AVG(CASE WHEN {done} THEN distance_miles END) AS average_distance_miles,
            AVG(CASE WHEN {done} THEN duration_minutes END) AS average_duration_minutes
        {known} AND {ride_365} GROUP BY operator_id
    ),
    quarter AS (
        SELECT operator_id, COUNT(*) AS trips_90d, COUNT(CASE WHEN {done} THEN 1 END) AS completed_90d,
            COUNT(CASE WHEN {gone} THEN 1 END) AS cancelled_90d, SUM(CASE WHEN {done} THEN total_minor END) AS revenue_90d,
            SUM(CASE WHEN {done} THEN paid_minor END) AS collected_90d,
            SUM(CASE WHEN {done} AND paid_minor IS NOT NULL THEN total_minor END) AS billed_90d,
            COUNT(driver_name) AS driver_trips_90d, COUNT(CASE WHEN driver_app_used THEN driver_name END) AS app_trips_90d,
            COUNT(farmee_name) AS farmed_90d, COUNT(CASE WHEN {done} AND farmee_name IS NULL THEN 1 END) AS own_completed_90d
        {known} AND {ride_90} GROUP BY operator_id
    ),
    before AS (
        SELECT operator_id, COUNT(*) AS trips_prev_90d, COUNT(CASE WHEN {done} THEN 1 END) AS completed_prev_90d,
            COUNT(CASE WHEN {gone} THEN 1 END) AS cancelled_prev_90d, SUM(CASE WHEN {done} THEN total_minor END) AS revenue_prev_90d,
            COUNT(farmee_name) AS farmed_prev_90d, COUNT(CASE WHEN {done} AND farmee_name IS NULL THEN 1 END) AS own_completed_prev_90d
        {known} AND pickup_at >= {_ago(t, 180)} AND pickup_at < {_ago(t, 90)} GROUP BY operator_id
    ),
    summed AS (
        SELECT k.operator_id, k.reservations_ever, k.first_reservation_at, k.last_activity_at,
            COALESCE(k.outstanding_trips, 0) AS outstanding_trips,
            {", ".join(f"{_span(*span)} AS reservations_{name}" for name, span in _SPANS.items())},
            {months} AS active_months_12m,
            {_figures("a", ("future_trips", "future_trips_30d", "booked_value_future"))},
            {_figures("y", ("trips_12m", "completed_12m", "cancelled_12m", "pending_12m", "revenue_12m", "collected_12m"))},
            y.billed_12m, y.average_rating, y.average_distance_miles, y.average_duration_minutes,
            {_figures("q", ("trips_90d", "completed_90d", "cancelled_90d", "revenue_90d", "driver_trips_90d", "app_trips_90d"))},
            {_figures("q", ("farmed_90d", "own_completed_90d"))}, q.collected_90d, q.billed_90d,
            {_figures("p", ("trips_prev_90d", "completed_prev_90d", "cancelled_prev_90d", "revenue_prev_90d", "farmed_prev_90d"))},
            COALESCE(p.own_completed_prev_90d, 0) AS own_completed_prev_90d,
            (EPOCH_US({t}) - EPOCH_US(k.first_reservation_at)) / 2629800000000 AS months,
            CAST(FLOOR(months) AS BIGINT) AS history_months,
            CASE WHEN months >= 15 AND LEAST(reservations_prev_30d, reservations_prev_30d_year_ago, reservations_30d_year_ago) >= 20
                THEN reservations_30d_year_ago / reservations_prev_30d_year_ago END AS seasonal_factor_30d
        FROM known AS k
        LEFT JOIN ahead AS a USING (operator_id)
        LEFT JOIN booked AS b USING (operator_id)
        LEFT JOIN year AS y USING (operator_id)
        LEFT JOIN quarter AS q USING (operator_id)
        LEFT JOIN before AS p USING (operator_id)
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
    FROM summed
    """


def _card(t: str) -> str:
    known = f"FROM charge WHERE created_at < {t}"
    recent = f"{known} AND created_at >= {_ago(t, 90)}"
    attempt = "status IN ('succeeded', 'failed')"
    return f"""
    WITH charged AS (
        SELECT operator_id, COUNT(CASE WHEN {attempt} THEN 1 END) AS charge_attempts, MAX(created_at) AS last_charge_at,
            COUNT(DISTINCT currency) AS charge_currencies
        {known} GROUP BY operator_id
    ),
    quarter AS (
        SELECT operator_id, COUNT(CASE WHEN {attempt} THEN 1 END) AS charge_attempts_90d,
            COUNT(CASE WHEN status = 'succeeded' THEN 1 END) AS charges_succeeded_90d,
            COUNT(CASE WHEN status = 'failed' THEN 1 END) AS charges_failed_90d,
            SUM(CASE WHEN status = 'succeeded' THEN amount_minor END) AS volume,
            SUM(CASE WHEN status = 'succeeded' THEN COALESCE(refunded_minor, 0) END) AS refunded,
            MIN(CASE WHEN status = 'succeeded' THEN currency END) = MAX(CASE WHEN status = 'succeeded' THEN currency END) AS one_currency,
            AVG(CASE WHEN {attempt} THEN risk_score END) AS avg_risk_score,
            COUNT(CASE WHEN {attempt} AND risk_level IN ('normal', 'elevated', 'highest') THEN 1 END) AS scored_charges_90d,
            COUNT(CASE WHEN {attempt} AND risk_level IN ('elevated', 'highest') THEN 1 END) AS high_risk_charges_90d,
            COUNT(CASE WHEN {attempt} AND risk_level = 'highest' THEN 1 END) AS highest_risk_charges_90d
        {recent} GROUP BY operator_id
    ),
    before AS (
        SELECT operator_id, SUM(COALESCE(refunded_minor, 0)) / NULLIF(SUM(amount_minor), 0) AS refund_rate_prev
        {known} AND created_at >= {_ago(t, 180)} AND created_at < {_ago(t, 90)} AND status = 'succeeded'
        GROUP BY operator_id HAVING MIN(currency) = MAX(currency)
    ),
    disputes AS (
        SELECT operator_id, COUNT(*) AS disputes_ever, COUNT(CASE WHEN is_active THEN 1 END) AS active_disputes
        FROM dispute WHERE created_at < {t} GROUP BY operator_id
    ),
    disputed AS (
        SELECT operator_id, COUNT(*) AS disputed_90d
        FROM (SELECT operator_id, charge_id {recent}) SEMI JOIN (FROM dispute WHERE created_at < {t}) USING (operator_id, charge_id)
        GROUP BY operator_id
    ),
    streaks AS (
        SELECT operator_id, MAX(cards) AS failure_streak
        FROM (
            SELECT operator_id, run, COUNT(DISTINCT card_id) + COUNT(*) - COUNT(card_id) AS cards
            FROM (
                SELECT operator_id, status, card_id, SUM(CASE WHEN status = 'succeeded' THEN 1 ELSE 0 END)
                    OVER (PARTITION BY operator_id ORDER BY created_at, charge_id ROWS UNBOUNDED PRECEDING) AS run
                {recent} AND {attempt}
            ) WHERE status = 'failed' GROUP BY operator_id, run
        ) GROUP BY operator_id
    )
    SELECT operator_id, COALESCE(charge_attempts, 0) AS charge_attempts,
        {_figures("q", ("charge_attempts_90d", "charges_succeeded_90d", "charges_failed_90d", "scored_charges_90d"))},
        {_figures("q", ("high_risk_charges_90d", "highest_risk_charges_90d"))},
        q.charges_succeeded_90d / NULLIF(q.charge_attempts_90d, 0) AS charge_success_rate,
        COALESCE(failure_streak, 0) AS failure_streak,
        CASE WHEN one_currency THEN refunded / NULLIF(volume, 0) END AS refund_rate, refund_rate_prev,
        COALESCE(active_disputes, 0) AS active_disputes, COALESCE(disputes_ever, 0) AS disputes_ever,
        COALESCE(disputed_90d, 0) / NULLIF(q.charges_succeeded_90d, 0) AS dispute_rate,
        avg_risk_score, q.high_risk_charges_90d / NULLIF(q.scored_charges_90d, 0) AS high_risk_share, last_charge_at,
        (EPOCH_US({t}) - EPOCH_US(last_charge_at)) // 86400000000 AS days_since_last_charge,
        COALESCE(charge_currencies, 0) AS charge_currencies
    FROM charged
    FULL JOIN disputes USING (operator_id)
    LEFT JOIN quarter AS q USING (operator_id)
    LEFT JOIN before USING (operator_id)
    LEFT JOIN streaks USING (operator_id)
    LEFT JOIN disputed USING (operator_id)
    """
