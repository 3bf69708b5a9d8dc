-- The CSM view's rows known at T with their status and event at T (an end or an event after T has not happened yet);
-- `place` 1 is the row that stands for the operator (`domain.collapse` spells the order out). A row without a creation instant belongs to an operator
-- without a subscription.
WITH known AS (
    SELECT
        c.*,
        CASE WHEN c.status = 'terminated' AND c.terminated_at > m.t THEN 'active' ELSE c.status END AS status_at,
        CASE WHEN CAST(c.event_date AS TIMESTAMP) <= m.t THEN c.waterfall_event END AS event,
        CASE WHEN CAST(c.event_date AS TIMESTAMP) > m.t THEN NULL ELSE c.waterfall_event END AS event_not_after
    FROM csm AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t OR c.created_at IS NULL
)
SELECT
    operator_id,
    subscription_id,
    status_at AS status,
    event,
    event_date,
    plan_code,
    plan_name,
    mrr_minor,
    started_at,
    CASE WHEN status_at = 'terminated' THEN terminated_at END AS terminated_at,
    app_plan,
    signed_up_on,
    vehicles,
    drivers,
    members,
    setup_score,
    customer_segment,
    fleet_size,
    hubspot_churn_status,
    reservations_total,
    reservation_amount_12m_minor,
    last_assignment_at,
    engagement_status,
    ROW_NUMBER() OVER (
        PARTITION BY operator_id
        ORDER BY CSM_PREFERENCE(status_at, event_not_after)
    ) AS place
FROM known
