-- uses: moment, engagement_at
-- Relationship: one row per operator with a HubSpot company, contact, deal or engagement before T. Where a
-- deal's state is unknown no deals are counted, and where nobody knows whether a contact has left nobody who left.
companies AS (
    SELECT
        c.operator_id,
        c.lifecycle_stage,
        c.owner_id,
        c.owner_name,
        c.contract_end_date,
        c.renewal_date,
        CASE WHEN c.last_contacted_at < m.t THEN c.last_contacted_at END AS last_contacted_at,
        ROW_NUMBER() OVER (
            PARTITION BY c.operator_id
            ORDER BY
                CASE c.linked_by WHEN 'csm' THEN 0 WHEN 'property' THEN 1 ELSE 2 END,
                c.created_at,
                c.company_id
        ) AS place
    FROM company AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t
),
people AS (
    SELECT
        c.operator_id,
        COUNT(*) AS contacts,
        CASE WHEN COUNT(c.has_left) = COUNT(*) THEN SUM(CASE WHEN c.has_left THEN 1 ELSE 0 END) END AS contacts_left
    FROM contact AS c
    CROSS JOIN moment AS m
    WHERE c.created_at < m.t
    GROUP BY c.operator_id
),
deals AS (
    SELECT
        d.operator_id,
        CASE WHEN COUNT(d.is_open) = COUNT(*) THEN SUM(CASE WHEN d.is_open THEN 1 ELSE 0 END) END AS deals_open,
        CASE WHEN COUNT(d.is_open) = COUNT(*) THEN SUM(CASE WHEN d.is_won THEN 1 ELSE 0 END) END AS deals_won,
        CASE
            WHEN COUNT(d.is_open) = COUNT(*) THEN SUM(CASE WHEN d.is_open AND d.is_expansion THEN 1 ELSE 0 END)
        END AS expansion_deals_open
    FROM deal AS d
    CROSS JOIN moment AS m
    WHERE d.created_at < m.t
    GROUP BY d.operator_id
),
touches AS (
    SELECT
        e.operator_id,
        MAX(e.occurred_at) AS last_engagement_at,
        SUM(CASE WHEN e.occurred_at >= m.d90 THEN 1 ELSE 0 END) AS engagements_90d,
        MAX(CASE WHEN e.mentions_cancellation AND e.occurred_at >= m.d90 THEN 1 ELSE 0 END) AS cancellation_mentioned,
        MAX(CASE WHEN e.mentions_champion_left AND e.occurred_at >= m.d180 THEN 1 ELSE 0 END) AS champion_left_noted
    FROM engagement_at AS e
    CROSS JOIN moment AS m
    GROUP BY e.operator_id
),
latest AS (
    SELECT
        operator_id,
        type,
        ROW_NUMBER() OVER (PARTITION BY operator_id ORDER BY occurred_at DESC, engagement_id) AS recency
    FROM engagement_at
),
operators AS (
    SELECT operator_id FROM companies
    UNION
    SELECT operator_id FROM people
    UNION
    SELECT operator_id FROM deals
    UNION
    SELECT operator_id FROM touches
),
joined AS (
    SELECT
        o.operator_id,
        c.lifecycle_stage,
        c.owner_id,
        c.owner_name,
        c.contract_end_date,
        c.renewal_date,
        COALESCE(p.contacts, 0) AS contacts,
        CASE WHEN p.operator_id IS NULL THEN 0 ELSE p.contacts_left END AS contacts_left,
        CASE WHEN d.operator_id IS NULL THEN 0 ELSE d.deals_open END AS deals_open,
        CASE WHEN d.operator_id IS NULL THEN 0 ELSE d.deals_won END AS deals_won,
        CASE WHEN d.operator_id IS NULL THEN 0 ELSE d.expansion_deals_open END AS expansion_deals_open,
        COALESCE(t.last_engagement_at, c.last_contacted_at) AS last_contact_at,
        l.type AS last_contact_type,
        COALESCE(t.engagements_90d, 0) AS engagements_90d,
        COALESCE(t.champion_left_noted, 0) = 1 AS champion_left_noted,
        COALESCE(t.cancellation_mentioned, 0) = 1 AS cancellation_mentioned
    FROM operators AS o
    LEFT JOIN companies AS c ON c.operator_id = o.operator_id AND c.place = 1
    LEFT JOIN people AS p ON p.operator_id = o.operator_id
    LEFT JOIN deals AS d ON d.operator_id = o.operator_id
    LEFT JOIN touches AS t ON t.operator_id = o.operator_id
    LEFT JOIN latest AS l ON l.operator_id = o.operator_id AND l.recency = 1
)
SELECT
    j.operator_id,
    j.lifecycle_stage,
    j.owner_id,
    j.owner_name,
    j.contract_end_date,
    j.renewal_date AS contract_renewal_date,
    j.contacts,
    j.contacts_left,
    j.contacts - j.contacts_left AS contacts_active,
    j.champion_left_noted,
    j.deals_open,
    j.deals_won,
    j.expansion_deals_open,
    j.last_contact_at,
    j.last_contact_type,
    CAST(FLOOR(CAST(DATE_DIFF('microsecond', j.last_contact_at, m.t) AS DOUBLE) / 86400000000) AS BIGINT)
        AS days_since_contact,
    j.engagements_90d,
    j.cancellation_mentioned
FROM joined AS j
CROSS JOIN moment AS m
ORDER BY j.operator_id
