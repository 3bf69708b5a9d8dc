-- uses: moment, csm_at
-- The CSM view collapsed to one row per operator: active before pending, terminated with a successor, churned, canceled;
-- then the latest start; then the higher MRR.
collapsed AS (
    SELECT *
    FROM csm_at
    WHERE place = 1
),
gathered AS (
    SELECT
        operator_id,
        SUM(CASE WHEN status = 'active' THEN mrr_minor ELSE 0 END) AS csm_mrr,
        MAX(CASE WHEN status IN ('active', 'pending') THEN 1 ELSE 0 END) AS subscribed,
        MAX(CASE WHEN status = 'terminated' THEN 1 ELSE 0 END) AS has_ended,
        MAX(CASE WHEN status = 'terminated' AND event = 'churn' THEN event_date END) AS last_churn_on,
        MAX(CASE WHEN status = 'active' AND event = 'reactivation' THEN 1 ELSE 0 END) = 1 AS reactivated
    FROM csm_at
    GROUP BY operator_id
),
latest AS (
    SELECT
        operator_id,
        event,
        ROW_NUMBER() OVER (
            PARTITION BY operator_id ORDER BY event_date DESC, started_at DESC NULLS LAST, place, subscription_id
        ) AS recency
    FROM csm_at
    WHERE NOT event IS NULL
),
judged AS (
    SELECT
        g.*,
        l.event AS last_event,
        g.subscribed = 0 AND g.has_ended = 1 AND COALESCE(l.event = 'churn', FALSE) AS churned
    FROM gathered AS g
    LEFT JOIN latest AS l ON l.operator_id = g.operator_id AND l.recency = 1
)
SELECT
    c.operator_id,
    c.status AS csm_status,
    c.plan_code AS csm_plan_code,
    j.csm_mrr,
    j.churned AS csm_churned,
    CASE WHEN j.churned THEN j.last_churn_on END AS csm_churned_on,
    j.last_event AS csm_last_event,
    j.reactivated,
    c.hubspot_churn_status AS hubspot_churn_hint,
    c.app_plan,
    c.setup_score,
    CAST(c.setup_score AS DOUBLE) / 30 AS setup_completion,
    c.vehicles,
    c.drivers,
    c.members,
    c.signed_up_on,
    DATE_DIFF('day', c.signed_up_on, m.day) AS tenure_days,
    COALESCE(c.reservations_total, 0) AS lifetime_reservations_csm,
    c.reservation_amount_12m_minor AS trip_revenue_12m_csm,
    CASE
        WHEN c.reservation_amount_12m_minor < 5000000 THEN '<50k'
        WHEN c.reservation_amount_12m_minor < 25000000 THEN '50k-250k'
        WHEN c.reservation_amount_12m_minor <= 100000000 THEN '250k-1M'
        WHEN c.reservation_amount_12m_minor > 100000000 THEN '>1M'
    END AS size_tier,
    c.customer_segment AS size_label,
    c.fleet_size AS fleet_label,
    CASE
        WHEN c.last_assignment_at < m.t
            THEN CAST(FLOOR(CAST(DATE_DIFF('microsecond', c.last_assignment_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
    END AS days_since_assignment,
    c.engagement_status
FROM collapsed AS c
CROSS JOIN moment AS m
INNER JOIN judged AS j ON j.operator_id = c.operator_id
ORDER BY c.operator_id
