-- uses: moment, ticket_at
-- Tickets: one row per operator with a ticket created before T. Only surely matched tickets count, but for the probable.
counted AS (
    SELECT
        k.operator_id,
        SUM(CASE WHEN k.is_open THEN 1 ELSE 0 END) AS open_tickets,
        SUM(CASE WHEN k.is_open AND k.created_at < m.d7 AND k.created_at >= m.d30 THEN 1 ELSE 0 END)
            AS open_tickets_over_7d,
        SUM(CASE WHEN k.is_open AND k.created_at < m.d30 THEN 1 ELSE 0 END) AS open_tickets_over_30d,
        SUM(CASE WHEN k.is_open AND k.priority = 'High' THEN 1 ELSE 0 END) AS high_priority_open,
        MIN(CASE WHEN k.is_open THEN k.created_at END) AS oldest_open_at,
        SUM(CASE WHEN k.resolved_90d THEN 1 ELSE 0 END) AS resolved_90d,
        MEDIAN(
            CASE
                WHEN k.resolved_90d
                    THEN CAST(DATE_DIFF('microsecond', k.created_at, k.edited_at) AS DOUBLE) / 86400000000
            END
        ) AS median_resolution_days,
        SUM(CASE WHEN k.sure AND k.created_at >= m.d30 THEN 1 ELSE 0 END) AS tickets_30d,
        SUM(CASE WHEN NOT k.sure THEN 1 ELSE 0 END) AS probable_tickets,
        SUM(CASE WHEN k.is_open AND k.is_request THEN 1 ELSE 0 END) AS feature_requests_open,
        SUM(CASE WHEN k.is_open AND k.is_commitment THEN 1 ELSE 0 END) AS commitments_open,
        SUM(CASE WHEN k.is_open AND k.is_commitment AND k.is_late THEN 1 ELSE 0 END) AS commitments_at_risk
    FROM ticket_at AS k
    CROSS JOIN moment AS m
    GROUP BY k.operator_id
)
SELECT
    c.operator_id,
    c.open_tickets,
    c.open_tickets_over_7d,
    c.open_tickets_over_30d,
    c.high_priority_open,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', c.oldest_open_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
        AS oldest_open_days,
    c.resolved_90d,
    c.median_resolution_days,
    c.tickets_30d,
    c.probable_tickets,
    c.feature_requests_open,
    c.commitments_open,
    c.commitments_at_risk
FROM counted AS c
CROSS JOIN moment AS m
ORDER BY c.operator_id
