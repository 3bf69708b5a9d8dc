-- uses: moment, conversation_at
-- Support chat: one row per operator with a conversation begun before T. Only surely matched ones count, but for the probable.
-- Intercom's own durations leave closed office hours out, instants do not: the two clocks are never mixed.
counted AS (
    SELECT
        c.operator_id,
        SUM(CASE WHEN c.is_of_90d IS NULL OR c.is_of_90d_before IS NULL THEN 1 ELSE 0 END) AS begun_untold,
        MIN(c.company_since) AS company_since,
        SUM(CASE WHEN c.is_of_30d THEN 1 ELSE 0 END) AS begun_30d,
        SUM(CASE WHEN c.is_of_30d_before THEN 1 ELSE 0 END) AS begun_30d_before,
        SUM(CASE WHEN c.is_of_90d THEN 1 ELSE 0 END) AS begun_90d,
        SUM(CASE WHEN c.is_of_90d_before THEN 1 ELSE 0 END) AS begun_90d_before,
        SUM(CASE WHEN c.is_open THEN 1 ELSE 0 END) AS open_now,
        SUM(CASE WHEN c.is_open IS NULL THEN 1 ELSE 0 END) AS open_untold,
        SUM(CASE WHEN c.is_waiting THEN 1 ELSE 0 END) AS conversations_waiting,
        MIN(CASE WHEN c.is_waiting THEN c.waiting_since END) AS waiting_longest_since,
        MEDIAN(
            CASE
                WHEN c.is_asked_90d AND c.first_reply_at >= c.asked_at
                    THEN CAST(DATE_DIFF('microsecond', c.asked_at, c.first_reply_at) AS DOUBLE) / 3600000000
            END
        ) AS chat_first_reply_hours,
        MEDIAN(CASE WHEN c.is_asked_90d THEN CAST(c.first_reply_s AS DOUBLE) / 3600 END) AS chat_first_reply_office_hours,
        MEDIAN(CASE WHEN c.is_asked_90d THEN CAST(c.median_reply_s AS DOUBLE) / 3600 END) AS chat_reply_office_hours,
        SUM(CASE WHEN c.is_of_90d AND c.reopens > 0 THEN 1 ELSE 0 END) AS reopened,
        SUM(CASE WHEN c.is_of_90d AND c.reopens IS NULL THEN 1 ELSE 0 END) AS reopens_untold,
        SUM(CASE WHEN c.is_of_90d AND NOT c.rating IS NULL THEN 1 ELSE 0 END) AS ratings,
        AVG(CASE WHEN c.is_of_90d THEN CAST(c.rating AS DOUBLE) END) AS chat_rating_90d,
        SUM(CASE WHEN c.is_of_90d AND c.rating <= 2 THEN 1 ELSE 0 END) AS low_ratings,
        SUM(CASE WHEN c.is_of_90d AND c.ai_participated THEN 1 ELSE 0 END) AS with_agent,
        SUM(CASE WHEN c.is_of_90d AND NOT c.ai_participated IS NULL THEN 1 ELSE 0 END) AS telling_of_agents,
        SUM(CASE WHEN NOT c.sure THEN 1 ELSE 0 END) AS conversations_probable
    FROM conversation_at AS c
    GROUP BY c.operator_id
)
SELECT
    c.operator_id,
    CASE WHEN c.begun_untold = 0 THEN c.begun_30d END AS conversations_30d,
    CASE WHEN c.begun_untold = 0 AND c.company_since <= m.d60 THEN c.begun_30d_before END AS conversations_prev_30d,
    CASE WHEN c.begun_untold = 0 THEN c.begun_90d END AS conversations_90d,
    CASE WHEN c.begun_untold = 0 AND c.company_since <= m.d180 THEN c.begun_90d_before END AS conversations_prev_90d,
    CASE WHEN c.open_untold = 0 THEN c.open_now END AS conversations_open,
    c.conversations_waiting,
    CAST(DATE_DIFF('microsecond', c.waiting_longest_since, m.t) AS DOUBLE) / 3600000000 AS chat_longest_wait_hours,
    c.chat_first_reply_hours,
    c.chat_first_reply_office_hours,
    c.chat_reply_office_hours,
    CASE
        WHEN c.begun_untold = 0 AND (c.reopened > 0 OR c.reopens_untold = 0) THEN c.reopened
    END AS conversations_reopened_90d,
    CASE WHEN c.begun_untold = 0 THEN c.ratings END AS chat_ratings_90d,
    c.chat_rating_90d,
    CASE WHEN c.begun_untold = 0 THEN c.low_ratings END AS chat_low_ratings_90d,
    CAST(c.with_agent AS DOUBLE) / NULLIF(c.telling_of_agents, 0) AS chat_ai_share_90d,
    c.conversations_probable
FROM counted AS c
CROSS JOIN moment AS m
ORDER BY c.operator_id
