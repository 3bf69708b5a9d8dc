-- uses: moment, span, charge_at, dispute_at
-- Card processing: one row per operator with a passenger's charge or a dispute before T. A streak is the failed attempts
-- between two successful ones, by distinct cards.
attempts AS (
    SELECT
        c.operator_id,
        c.created_at,
        c.status,
        c.card_id,
        SUM(CASE WHEN c.status = 'succeeded' THEN 1 ELSE 0 END) OVER (
            PARTITION BY c.operator_id ORDER BY c.created_at, c.charge_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS run
    FROM charge AS c
    CROSS JOIN span AS s
    WHERE c.created_at >= s.first_t - INTERVAL 90 DAY AND c.created_at < s.last_t AND c.status IN ('succeeded', 'failed')
),
failures AS (
    SELECT
        a.operator_id,
        a.run,
        COUNT(DISTINCT a.card_id) + SUM(CASE WHEN a.card_id IS NULL THEN 1 ELSE 0 END) AS cards
    FROM attempts AS a
    CROSS JOIN moment AS m
    WHERE a.status = 'failed' AND a.created_at >= m.d90 AND a.created_at < m.t
    GROUP BY a.operator_id, a.run
),
streaks AS (
    SELECT operator_id, MAX(cards) AS failure_streak
    FROM failures
    GROUP BY operator_id
),
disputed AS (
    SELECT operator_id, charge_id, MIN(created_at) AS disputed_at
    FROM dispute
    GROUP BY operator_id, charge_id
),
charged AS (
    SELECT
        operator_id,
        SUM(CASE WHEN attempt THEN 1 ELSE 0 END) AS charge_attempts,
        MAX(created_at) AS last_charge_at,
        COUNT(DISTINCT currency) AS charge_currencies
    FROM charge_at
    GROUP BY operator_id
),
recent AS (
    SELECT
        c.operator_id,
        SUM(CASE WHEN c.attempt THEN 1 ELSE 0 END) AS charge_attempts_90d,
        SUM(CASE WHEN c.status = 'succeeded' THEN 1 ELSE 0 END) AS charges_succeeded_90d,
        SUM(CASE WHEN c.status = 'failed' THEN 1 ELSE 0 END) AS charges_failed_90d,
        SUM(CASE WHEN c.status = 'succeeded' THEN c.amount_minor END) AS volume_90d,
        SUM(CASE WHEN c.status = 'succeeded' THEN c.refunded_minor END) AS refunded_90d,
        MIN(CASE WHEN c.status = 'succeeded' THEN c.currency END) AS first_currency_90d,
        MAX(CASE WHEN c.status = 'succeeded' THEN c.currency END) AS last_currency_90d,
        SUM(CASE WHEN d.disputed_at < m.t THEN 1 ELSE 0 END) AS disputed_90d,
        AVG(CASE WHEN c.attempt THEN CAST(c.risk_score AS DOUBLE) END) AS avg_risk_score,
        SUM(CASE WHEN c.attempt AND c.risk_level IN ('normal', 'elevated', 'highest') THEN 1 ELSE 0 END)
            AS scored_charges_90d,
        SUM(CASE WHEN c.attempt AND c.risk_level IN ('elevated', 'highest') THEN 1 ELSE 0 END) AS high_risk_charges_90d,
        SUM(CASE WHEN c.attempt AND c.risk_level = 'highest' THEN 1 ELSE 0 END) AS highest_risk_charges_90d
    FROM charge_at AS c
    CROSS JOIN moment AS m
    LEFT JOIN disputed AS d ON d.operator_id = c.operator_id AND d.charge_id = c.charge_id
    WHERE c.in_90d
    GROUP BY c.operator_id
),
earlier AS (
    SELECT
        operator_id,
        SUM(amount_minor) AS volume_prev,
        SUM(refunded_minor) AS refunded_prev,
        MIN(currency) AS first_currency_prev,
        MAX(currency) AS last_currency_prev
    FROM charge_at
    WHERE in_prev_90d AND status = 'succeeded'
    GROUP BY operator_id
),
opened AS (
    SELECT
        operator_id,
        COUNT(*) AS disputes_ever,
        SUM(CASE WHEN is_active THEN 1 ELSE 0 END) AS active_disputes
    FROM dispute_at
    GROUP BY operator_id
),
operators AS (
    SELECT operator_id FROM charged
    UNION
    SELECT operator_id FROM opened
)
SELECT
    o.operator_id,
    COALESCE(c.charge_attempts, 0) AS charge_attempts,
    COALESCE(r.charge_attempts_90d, 0) AS charge_attempts_90d,
    COALESCE(r.charges_succeeded_90d, 0) AS charges_succeeded_90d,
    COALESCE(r.charges_failed_90d, 0) AS charges_failed_90d,
    CAST(r.charges_succeeded_90d AS DOUBLE) / NULLIF(r.charge_attempts_90d, 0) AS charge_success_rate,
    COALESCE(s.failure_streak, 0) AS failure_streak,
    CASE
        WHEN r.first_currency_90d = r.last_currency_90d THEN CAST(r.refunded_90d AS DOUBLE) / NULLIF(r.volume_90d, 0)
    END AS refund_rate,
    CASE
        WHEN p.first_currency_prev = p.last_currency_prev THEN CAST(p.refunded_prev AS DOUBLE) / NULLIF(p.volume_prev, 0)
    END AS refund_rate_prev,
    COALESCE(d.active_disputes, 0) AS active_disputes,
    COALESCE(d.disputes_ever, 0) AS disputes_ever,
    CAST(r.disputed_90d AS DOUBLE) / NULLIF(r.charges_succeeded_90d, 0) AS dispute_rate,
    r.avg_risk_score,
    COALESCE(r.scored_charges_90d, 0) AS scored_charges_90d,
    COALESCE(r.high_risk_charges_90d, 0) AS high_risk_charges_90d,
    COALESCE(r.highest_risk_charges_90d, 0) AS highest_risk_charges_90d,
    CAST(r.high_risk_charges_90d AS DOUBLE) / NULLIF(r.scored_charges_90d, 0) AS high_risk_share,
    c.last_charge_at,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', c.last_charge_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
        AS days_since_last_charge,
    COALESCE(c.charge_currencies, 0) AS charge_currencies
FROM operators AS o
CROSS JOIN moment AS m
LEFT JOIN charged AS c ON c.operator_id = o.operator_id
LEFT JOIN recent AS r ON r.operator_id = o.operator_id
LEFT JOIN earlier AS p ON p.operator_id = o.operator_id
LEFT JOIN streaks AS s ON s.operator_id = o.operator_id
LEFT JOIN opened AS d ON d.operator_id = o.operator_id
ORDER BY o.operator_id
