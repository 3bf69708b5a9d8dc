-- Subscriptions known at T, each with its status at T. A subscription runs from its start up to its end, without it: one that
-- starts at T has started and one that ends at T has ended, so that of two that follow each other at T exactly one runs.
-- `begins_at` and `ends_at` bound the time it ran (ends_at null: still running). `ending_at` is the end that is planned for
-- one that still runs today: of one that has ended since T, nobody knows whether its end was planned by then.
SELECT
    s.operator_id,
    s.subscription_id,
    s.plan_code,
    s.plan_name,
    s.interval,
    s.amount_minor,
    s.monthly_minor,
    s.currency,
    s.is_base,
    s.segment,
    s.created_at,
    COALESCE(s.started_at, s.subscription_at) AS begins_at,
    CASE WHEN s.status = 'terminated' AND s.terminated_at <= m.t THEN s.terminated_at END AS ends_at,
    CASE
        WHEN s.status = 'canceled' AND s.canceled_at > m.t THEN 'pending'
        WHEN s.status IN ('active', 'terminated') AND s.started_at > m.t THEN 'pending'
        WHEN s.status = 'terminated' AND s.terminated_at > m.t THEN 'active'
        ELSE s.status
    END AS status,
    CASE WHEN s.status <> 'terminated' THEN s.ending_at END AS ending_at,
    CASE WHEN s.period_start IS NULL OR s.period_start <= m.t THEN s.period_end END AS period_end,
    s.next_plan_code,
    s.downgrade_plan_date,
    CASE WHEN s.trial_ends_at >= m.t THEN s.trial_ends_at END AS trial_ends_at
FROM subscription AS s
CROSS JOIN moment AS m
WHERE s.created_at <= m.t
