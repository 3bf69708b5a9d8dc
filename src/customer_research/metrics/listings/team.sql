-- uses: moment
-- Who uses the app: the five who logged in last, and the five who were removed last within 180 days.
SELECT name, role, last_login_at, removed_at
FROM (
    SELECT
        p.name,
        p.role,
        p.member_id,
        CASE WHEN p.last_login_at < m.t THEN p.last_login_at END AS last_login_at,
        CASE WHEN p.removed_at <= m.t THEN p.removed_at END AS removed_at,
        ROW_NUMBER() OVER (
            PARTITION BY CASE WHEN p.removed_at <= m.t THEN 1 ELSE 0 END
            ORDER BY
                CASE WHEN p.removed_at <= m.t THEN p.removed_at END DESC NULLS LAST,
                CASE WHEN p.last_login_at < m.t THEN p.last_login_at END DESC NULLS LAST,
                p.member_id
        ) AS place
    FROM member AS p
    CROSS JOIN moment AS m
    WHERE p.created_at < m.t AND (p.removed_at IS NULL OR p.removed_at > m.d180)
) AS ranked
WHERE place <= 5
ORDER BY
    CASE WHEN removed_at IS NULL THEN 0 ELSE 1 END,
    removed_at DESC NULLS LAST,
    last_login_at DESC NULLS LAST,
    member_id
