-- The instant T, its day, and the first instants of the windows [T - n days, T). One row.
SELECT
    instant.t,
    CAST(instant.t AS DATE) AS day,
    instant.t - INTERVAL 7 DAY AS d7,
    instant.t - INTERVAL 30 DAY AS d30,
    instant.t - INTERVAL 60 DAY AS d60,
    instant.t - INTERVAL 90 DAY AS d90,
    instant.t - INTERVAL 120 DAY AS d120,
    instant.t - INTERVAL 150 DAY AS d150,
    instant.t - INTERVAL 180 DAY AS d180,
    instant.t - INTERVAL 210 DAY AS d210,
    instant.t - INTERVAL 240 DAY AS d240,
    instant.t - INTERVAL 270 DAY AS d270,
    instant.t - INTERVAL 300 DAY AS d300,
    instant.t - INTERVAL 330 DAY AS d330,
    instant.t - INTERVAL 360 DAY AS d360,
    instant.t - INTERVAL 365 DAY AS d365,
    instant.t - INTERVAL 395 DAY AS d395,
    instant.t - INTERVAL 425 DAY AS d425,
    instant.t - INTERVAL 455 DAY AS d455,
    instant.t + INTERVAL 30 DAY AS in30
FROM (SELECT CAST($as_of AS TIMESTAMP) AS t) AS instant
