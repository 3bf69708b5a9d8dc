-- Base-plan changes until T: those that happened, and the downgrade that is pending.
SELECT
    operator_id,
    subscription_id,
    previous_plan_code,
    plan_code,
    CASE direction WHEN 1 THEN 'up' WHEN -1 THEN 'down' ELSE 'same' END AS direction,
    previous_monthly_minor,
    monthly_minor,
    currency,
    begins_at AS changed_at
FROM plan_change
WHERE NOT direction IS NULL
UNION ALL
SELECT
    operator_id,
    subscription_id,
    plan_code AS previous_plan_code,
    next_plan_code AS plan_code,
    'pending down' AS direction,
    monthly_minor AS previous_monthly_minor,
    CAST(NULL AS BIGINT) AS monthly_minor,
    currency,
    CAST(downgrade_plan_date AS TIMESTAMP) AS changed_at
FROM subscription_at
WHERE is_base AND status = 'active' AND NOT next_plan_code IS NULL AND NOT downgrade_plan_date IS NULL
