-- Tickets created before T. `sure`: matched by operator id or tag; the others are only probable and never counted against
-- an operator. `phase` is how far a ticket is, by its stages; `is_late`: so near its due day that it will
-- hardly be met from there.
WITH known AS (
    SELECT
        k.operator_id,
        k.ticket_id,
        k.number,
        k.status,
        k.stage,
        k.priority,
        k.types,
        k.due_date,
        k.matched_by,
        COALESCE(k.is_certain, FALSE) AS sure,
        COALESCE(k.is_certain, FALSE) AND COALESCE(k.is_open, FALSE) AS is_open,
        COALESCE(k.is_certain, FALSE) AND COALESCE(k.is_done, FALSE) AND k.edited_at >= m.d90 AND k.edited_at < m.t
            AS resolved_90d,
        COALESCE(k.is_commitment, FALSE) AS is_commitment,
        k.types LIKE '%|Feature|%' OR k.types LIKE '%|Request|%' AS is_request,
        CASE
            WHEN k.stage LIKE '%|In Development|%' OR k.stage LIKE '%|QA|%' OR k.stage LIKE '%|Code Review|%'
                THEN 'development'
            WHEN k.stage LIKE '%|Ready for dev|%' THEN 'ready'
            WHEN k.stage LIKE '%|Problem Validation|%' OR k.stage LIKE '%|Product Design / Work|%'
                OR k.stage LIKE '%|UI Design|%' OR k.stage LIKE '%|Eng Design|%' THEN 'design'
            ELSE 'backlog'
        END AS phase,
        DATE_DIFF('day', m.day, k.due_date) AS days_left,
        k.created_at,
        k.edited_at
    FROM ticket AS k
    CROSS JOIN moment AS m
    WHERE k.created_at < m.t
)
SELECT
    k.*,
    k.days_left < 0
        OR (k.days_left < 7 AND k.phase <> 'development')
        OR (k.days_left < 14 AND k.phase IN ('design', 'backlog'))
        OR (k.days_left < 30 AND k.phase = 'backlog') AS is_late
FROM known AS k
