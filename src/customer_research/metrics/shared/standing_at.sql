-- What the two sources say of an operator's standing: Lago's subscriptions and the CSM view's rows, side by side.
SELECT
    operator_id,
    subscription_id AS record_id,
    'Lago' AS source,
    plan_code,
    status,
    '' AS event,
    CAST(begins_at AS DATE) AS begins_on,
    CAST(ends_at AS DATE) AS ends_on,
    created_at AS known_at
FROM subscription_at
UNION ALL
SELECT
    operator_id,
    subscription_id AS record_id,
    'CSM view' AS source,
    plan_code,
    status,
    COALESCE(event, '') AS event,
    CAST(started_at AS DATE) AS begins_on,
    CAST(terminated_at AS DATE) AS ends_on,
    started_at AS known_at
FROM csm_at
