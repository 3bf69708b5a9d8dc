-- uses: moment, conversation_at, chat_ticket_at
-- Tickets of the support chat: one row per operator with one created before T. Only surely matched ones count.
counted AS (
    SELECT
        k.operator_id,
        SUM(CASE WHEN k.is_open THEN 1 ELSE 0 END) AS chat_tickets_open,
        MIN(CASE WHEN k.is_open THEN k.created_at END) AS oldest_open_at
    FROM chat_ticket_at AS k
    GROUP BY k.operator_id
)
SELECT
    c.operator_id,
    c.chat_tickets_open,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', c.oldest_open_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
        AS chat_oldest_ticket_days
FROM counted AS c
CROSS JOIN moment AS m
ORDER BY c.operator_id
