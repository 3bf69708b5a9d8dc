-- Support conversations begun before T. `sure`: matched by the company, or by contacts of this company alone; the others are
-- only probable and never counted. `is_of_...`: surely the operator's, and begun by its people; null where it is not told who
-- began one of the window. `is_open`: they have written in it; null where that is not told either. `asked_at`: when they wrote first, in a conversation of ours too. A reply or rating after T is none yet.
SELECT
    c.operator_id,
    c.conversation_id,
    c.state,
    c.channel,
    c.begun_by,
    c.matched_by,
    COALESCE(c.is_certain, FALSE) AS sure,
    CASE
        WHEN NOT (COALESCE(c.is_certain, FALSE) AND COALESCE(c.is_open, FALSE)) THEN FALSE
        WHEN c.asked_at < m.t OR c.waiting_since < m.t THEN TRUE
        WHEN c.begun_by = 'us' THEN FALSE
    END AS is_open,
    COALESCE(c.is_certain, FALSE) AND c.state = 'open' AND COALESCE(c.waiting_since < m.t, FALSE) AS is_waiting,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d30 AND c.begun_by = 'contact' AS is_of_30d,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d60 AND c.created_at < m.d30 AND c.begun_by = 'contact'
        AS is_of_30d_before,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d90 AND c.begun_by = 'contact' AS is_of_90d,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d180 AND c.created_at < m.d90 AND c.begun_by = 'contact'
        AS is_of_90d_before,
    COALESCE(c.is_certain, FALSE) AND c.asked_at >= m.d90 AND c.asked_at < m.t AS is_asked_90d,
    CASE WHEN c.asked_at < m.t THEN c.asked_at END AS asked_at,
    c.waiting_since,
    CASE WHEN c.first_reply_at < m.t THEN c.first_reply_at END AS first_reply_at,
    CASE WHEN c.first_reply_at < m.t THEN c.first_reply_s END AS first_reply_s,
    c.median_reply_s,
    c.reopens,
    CASE WHEN c.rated_at IS NULL OR c.rated_at < m.t THEN c.rating END AS rating,
    c.ai_participated,
    c.company_since,
    c.created_at,
    c.updated_at
FROM conversation AS c
CROSS JOIN moment AS m
WHERE c.created_at < m.t
