-- Tickets of the support chat created before T. `sure`: matched by the company of their conversation, or by contacts of this
-- company alone; the others are only probable and never counted. `is_open`: surely the operator's and not closed, and of no conversation
-- that is counted as open itself.
WITH counted_there AS (
    SELECT DISTINCT
        k.operator_id,
        k.ticket_id
    FROM chat_ticket AS k
    JOIN conversation_at AS c
        ON c.operator_id = k.operator_id AND STRPOS(k.conversation_ids, '|' || c.conversation_id || '|') > 0
    WHERE c.is_open
)
SELECT
    k.operator_id,
    k.ticket_id,
    k.number,
    k.category,
    k.state,
    k.matched_by,
    COALESCE(k.is_certain, FALSE) AS sure,
    COALESCE(k.is_certain, FALSE) AND COALESCE(k.is_open, FALSE) AND t.ticket_id IS NULL AS is_open,
    k.created_at,
    k.updated_at
FROM chat_ticket AS k
CROSS JOIN moment AS m
LEFT JOIN counted_there AS t ON t.operator_id = k.operator_id AND t.ticket_id = k.ticket_id
WHERE k.created_at < m.t
