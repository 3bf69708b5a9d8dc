-- Support conversations begun before T. `sure`: matched by the company, or by contacts of this company alone; the others are
-- only probable and never counted. A reply or rating after T is none yet.
SELECT
    c.operator_id,
    c.conversation_id,
    c.state,
    c.priority,
    c.channel,
    c.matched_by,
    COALESCE(c.is_certain, FALSE) AS sure,
    COALESCE(c.is_certain, FALSE) AND COALESCE(c.is_open, FALSE) AS is_open,
    COALESCE(c.is_certain, FALSE) AND c.state = 'open' AND c.waiting_since < m.t AS is_waiting,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d30 AS is_of_30d,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d60 AND c.created_at < m.d30 AS is_of_30d_before,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d90 AS is_of_90d,
    COALESCE(c.is_certain, FALSE) AND c.created_at >= m.d180 AND c.created_at < m.d90 AS is_of_90d_before,
    c.waiting_since,
    CASE WHEN c.first_reply_at < m.t THEN c.first_reply_at END AS first_reply_at,
    CASE WHEN c.first_reply_at < m.t THEN c.first_reply_s END AS first_reply_s,
    c.median_reply_s,
    c.reopens,
    CASE WHEN c.rated_at < m.t THEN c.rating END AS rating,
    c.rated_at,
    c.ai_participated,
    c.created_at,
    c.updated_at
FROM conversation AS c
CROSS JOIN moment AS m
WHERE c.created_at < m.t
