-- The calendar months from `back` months ago to the one that ends at T or holds it, each with its first instant and the next
-- month's. At midnight of a month's first day the month before is the last: the new one has not begun.
SELECT
    n.back,
    CAST(n.starts_at AS DATE) AS month,
    n.starts_at,
    n.starts_at + INTERVAL 1 MONTH AS ends_at
FROM (
    SELECT 0 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) AS starts_at FROM moment
    UNION ALL SELECT 1 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 1 MONTH AS starts_at FROM moment
    UNION ALL SELECT 2 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 2 MONTH AS starts_at FROM moment
    UNION ALL SELECT 3 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 3 MONTH AS starts_at FROM moment
    UNION ALL SELECT 4 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 4 MONTH AS starts_at FROM moment
    UNION ALL SELECT 5 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 5 MONTH AS starts_at FROM moment
    UNION ALL SELECT 6 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 6 MONTH AS starts_at FROM moment
    UNION ALL SELECT 7 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 7 MONTH AS starts_at FROM moment
    UNION ALL SELECT 8 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 8 MONTH AS starts_at FROM moment
    UNION ALL SELECT 9 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 9 MONTH AS starts_at FROM moment
    UNION ALL SELECT 10 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 10 MONTH AS starts_at FROM moment
    UNION ALL SELECT 11 AS back, DATE_TRUNC('month', t - INTERVAL 1 SECOND) - INTERVAL 11 MONTH AS starts_at FROM moment
) AS n
