"""Whose records are whose: the list of operators, and card charges by the three steps of the live path.

`WarehouseSession.card_query` decides for one operator: the charge model by the account of the CSM view, else the model
joined through the app's operator table; Stripe's raw tables only when the model has no charge of the account. This is the
same decision for everybody, as SQL over what has landed. Accounts are compared exactly, capital letters included (S28).
"""

from __future__ import annotations

from customer_research.connect.source import Link
from customer_research.domain.collapse import preference_sql
from customer_research.sources.warehouse.records import TABLES

_CARDS = ("csm", "app_operator", "charge_by_account", "raw_charge_by_account")


def _preferred(column: str) -> str:
    """An operator's value of a column: what the preferred row lacks is taken from the next one that has it."""
    return f"""preferred_{column} AS (
    SELECT operator_id, {column}
    FROM (
        SELECT operator_id, {column}, ROW_NUMBER() OVER (PARTITION BY operator_id ORDER BY {preference_sql()}) AS place
        FROM csm
        WHERE {column} IS NOT NULL
    ) AS told
    WHERE place = 1
)"""  # noqa: S608 - columns of our own


OPERATOR = f"""WITH {_preferred("name")},
{_preferred("stripe_account")},
{_preferred("hubspot_company_id")},
seen AS (
    SELECT
        operator_id,
        LEAST(MIN(created_at), CAST(MIN(signed_up_on) AS TIMESTAMP)) AS created_at,
        MIN(CASE WHEN is_current THEN fetch_id END) AS fetch_id
    FROM csm
    GROUP BY operator_id
),
app AS (
    SELECT
        operator_id,
        MIN(name) AS name,
        MIN(stripe_account) AS stripe_account,
        MIN(created_at) AS created_at,
        MIN(fetch_id) AS fetch_id
    FROM app_operator
    GROUP BY operator_id
),
everybody AS (
    SELECT operator_id FROM seen
    UNION
    SELECT operator_id FROM app
)
SELECT
    e.operator_id,
    COALESCE(n.name, p.name) AS name,
    COALESCE(a.stripe_account, p.stripe_account) AS stripe_account,
    h.hubspot_company_id,
    '|' || CASE WHEN s.operator_id IS NOT NULL THEN 'csm|' ELSE '' END
        || CASE WHEN p.operator_id IS NOT NULL THEN 'app|' ELSE '' END AS known_by,
    LEAST(s.created_at, p.created_at) AS created_at,
    COALESCE(s.fetch_id, p.fetch_id) AS fetch_id
FROM everybody AS e
LEFT JOIN seen AS s ON s.operator_id = e.operator_id
LEFT JOIN app AS p ON p.operator_id = e.operator_id
LEFT JOIN preferred_name AS n ON n.operator_id = e.operator_id
LEFT JOIN preferred_stripe_account AS a ON a.operator_id = e.operator_id
LEFT JOIN preferred_hubspot_company_id AS h ON h.operator_id = e.operator_id"""  # noqa: S608 - text of our own
"""One row per operator of the CSM view or of the app. A row without a sign-up or billing date was always known."""

_PATHS = f"""{_preferred("stripe_account")},
account_of AS (
    SELECT operator_id, stripe_account FROM preferred_stripe_account
    UNION
    SELECT a.operator_id, a.stripe_account
    FROM app_operator AS a
    WHERE a.stripe_account IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM preferred_stripe_account AS p WHERE p.operator_id = a.operator_id)
),
in_model AS (
    SELECT DISTINCT a.operator_id
    FROM account_of AS a
    INNER JOIN charge_by_account AS c ON c.stripe_account = a.stripe_account
),
raw_account_of AS (
    SELECT a.operator_id, MIN(a.stripe_account) AS stripe_account
    FROM account_of AS a
    WHERE NOT EXISTS (SELECT 1 FROM in_model AS m WHERE m.operator_id = a.operator_id)
    GROUP BY a.operator_id
)"""  # noqa: S608 - text of our own
"""`account_of`: the accounts by which the model is asked; `raw_account_of`: the account of operators it has nothing of."""


def _linked(table: str) -> str:
    columns = [name for name in TABLES[table].column_names if name != "operator_id"]
    listed = ", ".join(f"c.{name}" for name in columns)
    return f"""WITH {_PATHS}
SELECT a.operator_id, {listed}
FROM account_of AS a
INNER JOIN {table}_by_account AS c ON c.stripe_account = a.stripe_account
INNER JOIN in_model AS m ON m.operator_id = a.operator_id
UNION ALL
SELECT a.operator_id, {listed}
FROM raw_account_of AS a
INNER JOIN raw_{table}_by_account AS c ON c.stripe_account = a.stripe_account"""  # noqa: S608 - names of our own


CHARGE = _linked("charge")
DISPUTE = _linked("dispute")

NO_CARDS = "No card processing: neither the CSM view nor the operator table has a Stripe account."
NOTHING_TO_DO = "Nothing to do: the operator takes no cards here."

GAP = f"""WITH {_PATHS},
card_table AS (
    SELECT 'charge' AS table_name
    UNION ALL
    SELECT 'dispute' AS table_name
),
lacking AS (
    SELECT
        table_name AS landing,
        CASE WHEN table_name LIKE '%dispute%' THEN 'dispute' ELSE 'charge' END AS canonical,
        table_name LIKE 'raw%' AS is_raw,
        reason,
        detail,
        next_step
    FROM card_gap
    WHERE table_name NOT LIKE 'raw%' OR NOT EXISTS (
        SELECT 1 FROM card_gap AS g WHERE g.table_name = 'raw_charge_by_account' AND g.reason = 'not_configured'
    )
)
SELECT o.operator_id, t.table_name, 'warehouse' AS source, 'not_applicable' AS reason,
    '{NO_CARDS}' AS detail, '{NOTHING_TO_DO}' AS next_step
FROM operator AS o
CROSS JOIN card_table AS t
WHERE o.stripe_account IS NULL
    AND NOT EXISTS (SELECT 1 FROM lacking AS l WHERE l.landing = 'charge_by_account')
UNION ALL
SELECT a.operator_id, t.table_name, 'warehouse' AS source, l.reason, l.detail, l.next_step
FROM raw_account_of AS a
INNER JOIN lacking AS l ON l.is_raw
INNER JOIN card_table AS t ON t.table_name = l.canonical OR l.canonical = 'charge'
WHERE l.canonical = 'charge' OR NOT EXISTS (SELECT 1 FROM lacking AS c WHERE c.landing = 'raw_charge_by_account')
UNION ALL
SELECT m.operator_id, l.canonical AS table_name, 'warehouse' AS source, l.reason, l.detail, l.next_step
FROM in_model AS m
INNER JOIN lacking AS l ON l.landing = 'dispute_by_account'
UNION ALL
SELECT CAST(NULL AS VARCHAR) AS operator_id, t.table_name, 'warehouse' AS source, l.reason, l.detail, l.next_step
FROM lacking AS l
CROSS JOIN card_table AS t
WHERE l.landing = 'charge_by_account'"""  # noqa: S608 - text of our own
"""Card tables that do not apply to an operator (it takes no cards) or could not be read by the path that is its own."""

LINKS = (
    Link("operator", ("csm", "app_operator"), OPERATOR),
    Link("charge", _CARDS, CHARGE),
    Link("dispute", (*_CARDS, "dispute_by_account", "raw_dispute_by_account"), DISPUTE),
    Link("gap", (*_CARDS, "card_gap", "operator"), GAP),
)
