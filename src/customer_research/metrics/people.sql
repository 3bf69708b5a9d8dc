-- uses: moment
-- People in the app: one row per operator with a member, a driver or a survey answer before T.
team AS (
    SELECT
        p.operator_id,
        SUM(CASE WHEN p.removed_at IS NULL OR p.removed_at > m.t THEN 1 ELSE 0 END) AS members_now,
        SUM(
            CASE WHEN p.created_at < m.d90 AND (p.removed_at IS NULL OR p.removed_at > m.d90) THEN 1 ELSE 0 END
        ) AS members_then,
        MAX(CASE WHEN p.last_login_at < m.t THEN p.last_login_at END) AS last_login_at
    FROM member AS p
    CROSS JOIN moment AS m
    WHERE p.created_at < m.t
    GROUP BY p.operator_id
),
fleet AS (
    SELECT
        p.operator_id,
        SUM(
            CASE
                WHEN (p.removed_at IS NULL OR p.removed_at > m.t)
                    AND (p.deactivated_at IS NULL OR p.deactivated_at > m.t) THEN 1
                ELSE 0
            END
        ) AS drivers_now,
        SUM(
            CASE
                WHEN p.created_at < m.d90
                    AND (p.removed_at IS NULL OR p.removed_at > m.d90)
                    AND (p.deactivated_at IS NULL OR p.deactivated_at > m.d90) THEN 1
                ELSE 0
            END
        ) AS drivers_then
    FROM driver AS p
    CROSS JOIN moment AS m
    WHERE p.created_at < m.t
    GROUP BY p.operator_id
),
answers AS (
    SELECT
        a.operator_id,
        a.nps,
        a.csat,
        a.created_at,
        ROW_NUMBER() OVER (
            PARTITION BY a.operator_id
            ORDER BY CASE WHEN a.nps IS NULL THEN 1 ELSE 0 END, a.created_at DESC, a.survey_id DESC
        ) AS nps_place,
        ROW_NUMBER() OVER (
            PARTITION BY a.operator_id
            ORDER BY CASE WHEN a.csat IS NULL THEN 1 ELSE 0 END, a.created_at DESC, a.survey_id DESC
        ) AS csat_place
    FROM survey AS a
    CROSS JOIN moment AS m
    WHERE a.created_at >= m.d180 AND a.created_at < m.t
),
surveyed AS (
    SELECT
        operator_id,
        MAX(CASE WHEN nps_place = 1 THEN nps END) AS nps_latest,
        MAX(CASE WHEN csat_place = 1 THEN csat END) AS csat_latest,
        MAX(created_at) AS survey_latest_at
    FROM answers
    GROUP BY operator_id
),
operators AS (
    SELECT operator_id FROM team
    UNION
    SELECT operator_id FROM fleet
    UNION
    SELECT operator_id FROM surveyed
)
SELECT
    o.operator_id,
    COALESCE(t.members_now, 0) AS members_now,
    COALESCE(t.members_now - t.members_then, 0) AS members_added_90d,
    COALESCE(f.drivers_now, 0) AS drivers_now,
    COALESCE(f.drivers_now - f.drivers_then, 0) AS drivers_added_90d,
    t.last_login_at,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', t.last_login_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
        AS days_since_login,
    s.nps_latest,
    s.csat_latest,
    s.survey_latest_at
FROM operators AS o
CROSS JOIN moment AS m
LEFT JOIN team AS t ON t.operator_id = o.operator_id
LEFT JOIN fleet AS f ON f.operator_id = o.operator_id
LEFT JOIN surveyed AS s ON s.operator_id = o.operator_id
ORDER BY o.operator_id
