-- uses: moment
-- Figures derived from other metrics: `account_metrics` has one row per operator and a column for every other metric of that
-- grain; null means unknown or none.
judged AS (
    SELECT
        a.operator_id,
        a.active_subscriptions,
        a.active_subscriptions = 0 AND a.pending_subscriptions = 0 AS unsubscribed,
        COALESCE(a.never_started, FALSE) AS never_started,
        COALESCE(a.csm_churned, FALSE) OR NOT a.subscription_ended_at IS NULL AS ended,
        COALESCE(CAST(a.subscription_ended_at AS DATE), a.csm_churned_on) AS ended_on,
        COALESCE(a.tenure_days, a.subscription_age_days) AS age_days,
        a.tenure_days IS NULL AND COALESCE(a.silent LIKE '% tenure_days %', FALSE) AS age_untold,
        COALESCE(a.reservations_ever, a.lifetime_reservations_csm) AS trips_ever,
        a.plan_segment,
        COALESCE(a.contract_end_date, a.contract_renewal_date, a.yearly_period_end) AS renews_on,
        a.signed_up_on,
        CAST(a.first_subscribed_at AS DATE) AS first_subscribed_on,
        CASE WHEN a.invoices_due >= 3 THEN a.invoice_success_rate END AS invoice_rate,
        CASE WHEN a.charge_attempts_90d >= 20 THEN a.charge_success_rate END AS charge_rate,
        COALESCE(a.trend_30d_seasonal, a.trend_30d) AS trend,
        a.mrr_usd,
        a.mrr_usd - a.csm_mrr AS mrr_gap,
        a.csm_churned,
        NOT a.hubspot_churn_hint IS NULL AS hubspot_says_churn,
        CAST(a.conversations_90d AS DOUBLE) * 100 / NULLIF(a.reservations_90d, 0) AS chats_per_100,
        CAST(a.conversations_prev_90d AS DOUBLE) * 100 / NULLIF(a.reservations_prev_90d, 0) AS chats_per_100_before
    FROM account_metrics AS a
),
stated AS (
    SELECT
        j.*,
        CASE
            WHEN j.unsubscribed IS NULL THEN NULL
            WHEN j.unsubscribed AND j.ended AND NOT j.never_started THEN 'churned'
            WHEN j.unsubscribed AND j.never_started THEN 'never_started'
            WHEN j.age_untold AND j.age_days < 60 THEN NULL
            WHEN j.age_days < 30 OR (j.age_days < 60 AND j.trips_ever = 0) THEN 'onboarding'
            WHEN j.unsubscribed THEN 'no_subscription'
            ELSE 'active'
        END AS standing
    FROM judged AS j
)
SELECT
    s.operator_id,
    s.standing AS status,
    CASE WHEN s.standing = 'churned' THEN s.ended_on END AS churned_on,
    CASE WHEN NOT s.active_subscriptions IS NULL THEN COALESCE(s.plan_segment, 'Free') END AS segment,
    s.renews_on AS renewal_date,
    DATE_DIFF('day', m.day, s.renews_on) AS days_to_renewal,
    CASE
        WHEN s.first_subscribed_on < s.signed_up_on THEN s.first_subscribed_on
        ELSE COALESCE(s.signed_up_on, s.first_subscribed_on)
    END AS customer_since,
    CASE
        WHEN s.charge_rate < s.invoice_rate THEN s.charge_rate
        ELSE COALESCE(s.invoice_rate, s.charge_rate)
    END AS payment_success_worst,
    s.trend AS usage_trend,
    CASE
        WHEN ABS(s.mrr_gap) > 100 AND ABS(s.mrr_gap) * 100 > 2 * s.mrr_usd THEN s.mrr_gap
        WHEN NOT s.mrr_gap IS NULL THEN 0
    END AS mrr_difference,
    CASE
        WHEN NOT s.csm_churned IS NULL THEN s.active_subscriptions > 0 AND (s.csm_churned OR s.hubspot_says_churn)
    END AS churn_conflict,
    s.chats_per_100 AS conversations_per_100_trips,
    s.chats_per_100_before AS conversations_per_100_trips_prev
FROM stated AS s
CROSS JOIN moment AS m
ORDER BY s.operator_id
