-- The first and the last instant that is asked about: of one instant itself, of a calendar its ends. One row.
SELECT
    MIN(t) AS first_t,
    MAX(t) AS last_t
FROM moment
