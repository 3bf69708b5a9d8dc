-- Engagements that were logged and took place before T (a meeting planned for later is no contact yet).
SELECT
    e.operator_id,
    e.engagement_id,
    e.type,
    e.title,
    COALESCE(e.occurred_at, e.created_at) AS occurred_at,
    COALESCE(e.mentions_cancellation, FALSE) AS mentions_cancellation,
    COALESCE(e.mentions_champion_left, FALSE) AS mentions_champion_left,
    e.created_at
FROM engagement AS e
CROSS JOIN moment AS m
WHERE e.created_at < m.t AND COALESCE(e.occurred_at, e.created_at) < m.t
