"""Who churned and when, by billing's own records: from the lake's subscriptions, invoices and payments.

An account churned when its last base subscription ended and nothing of its was active or pending within seven days: a plan
change has a successor and is none; what was canceled before its start never was a customer. HubSpot and the CSM view's churn
flags are hints and not looked at; only where the CSM view calls an end a plan change, and no successor is there, the end is
unclear, and nothing is counted from it.
"""

from __future__ import annotations

from customer_research.engines.engine import Engine

CHURNS = "churn_of_billing"
"""operator_id, churned_at, kind: `voluntary`, `non_payment`, `untold` (no payments are known) or `unclear`."""

ACTIVE = "active_spell"
"""operator_id, begins_at, ends_at (null: still running): when a base subscription was active."""

SPELLS_SQL = """
WITH held AS (
    SELECT
        s.operator_id,
        s.subscription_id,
        COALESCE(s.is_base, FALSE) AND s.status IN ('active', 'terminated') AS base,
        CASE
            WHEN s.status IN ('active', 'terminated') AND COALESCE(s.started_at, s.subscription_at) < s.created_at
                THEN COALESCE(s.started_at, s.subscription_at)
            ELSE s.created_at
        END AS from_at,
        CASE WHEN s.status = 'terminated' THEN s.terminated_at WHEN s.status = 'canceled' THEN s.canceled_at END AS ends_at,
        CASE WHEN s.status IN ('terminated', 'canceled') THEN 0 ELSE 1 END AS open,
        CASE WHEN s.status = 'terminated' AND s.terminated_at IS NULL THEN 1 ELSE 0 END AS undated
    FROM subscription AS s
),
ordered AS (
    SELECT
        h.*,
        MAX(CASE WHEN h.open = 1 THEN TIMESTAMP '9999-01-01 00:00:00' ELSE h.ends_at END) OVER (
            PARTITION BY h.operator_id ORDER BY h.from_at, h.subscription_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_until
    FROM held AS h
),
numbered AS (
    SELECT
        o.*,
        SUM(
            CASE WHEN o.covered_until IS NULL OR o.from_at > o.covered_until + INTERVAL 7 DAY THEN 1 ELSE 0 END
        ) OVER (
            PARTITION BY o.operator_id ORDER BY o.from_at, o.subscription_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS spell
    FROM ordered AS o
)
SELECT
    n.operator_id,
    n.spell,
    MAX(n.ends_at) AS ended_at,
    MAX(n.undated) AS undated,
    MAX(CASE WHEN n.base THEN n.ends_at END) AS base_ended_at
FROM numbered AS n
GROUP BY n.operator_id, n.spell
HAVING MAX(n.open) = 0 AND MAX(CASE WHEN n.base THEN 1 ELSE 0 END) = 1
"""
"""Closed runs of subscriptions that touch each other, with a base one among them: each is an end of the relation."""

_KINDS_SQL = """
WITH ended AS (
    SELECT operator_id, spell, ended_at, undated, base_ended_at FROM churn_spell
),
changed AS (
    SELECT e.operator_id, e.spell, MAX(CASE WHEN c.waterfall_event = 'plan_change' THEN 1 ELSE 0 END) AS plan_change
    FROM ended AS e
    INNER JOIN subscription AS s ON s.operator_id = e.operator_id AND s.terminated_at = e.base_ended_at AND s.is_base
    INNER JOIN csm AS c ON c.operator_id = s.operator_id AND c.subscription_id = s.subscription_id
    GROUP BY e.operator_id, e.spell
),
paid AS (
    SELECT operator_id, invoice_id, MIN(paid_at) AS paid_at
    FROM payment
    WHERE status = 'succeeded'
    GROUP BY operator_id, invoice_id
),
owed AS (
    SELECT
        e.operator_id,
        e.spell,
        COUNT(*) AS invoices,
        MIN(i.payment_due_date) AS oldest_due_on
    FROM ended AS e
    INNER JOIN invoice AS i ON i.operator_id = e.operator_id
    LEFT JOIN paid AS p ON p.operator_id = i.operator_id AND p.invoice_id = i.invoice_id
    WHERE i.status = 'finalized' AND i.total_minor > 0 AND i.created_at < e.ended_at
        AND CAST(i.payment_due_date AS TIMESTAMP) < e.ended_at AND (p.paid_at IS NULL OR p.paid_at >= e.ended_at)
    GROUP BY e.operator_id, e.spell
),
known AS (
    SELECT COUNT(*) AS payments FROM payment
)
SELECT
    e.operator_id,
    e.ended_at AS churned_at,
    CASE
        WHEN e.undated = 1 OR c.plan_change = 1 THEN 'unclear'
        WHEN k.payments = 0 THEN 'untold'
        WHEN o.invoices >= 2 OR CAST(o.oldest_due_on AS TIMESTAMP) < e.ended_at - INTERVAL 60 DAY THEN 'non_payment'
        ELSE 'voluntary'
    END AS kind
FROM ended AS e
CROSS JOIN known AS k
LEFT JOIN changed AS c ON c.operator_id = e.operator_id AND c.spell = e.spell
LEFT JOIN owed AS o ON o.operator_id = e.operator_id AND o.spell = e.spell
"""
"""Non-payment: at the end two invoices were past due and unpaid, or one for more than sixty days."""

_ACTIVE_SQL = """
SELECT
    s.operator_id,
    COALESCE(s.started_at, s.subscription_at) AS begins_at,
    CASE WHEN s.status = 'terminated' THEN s.terminated_at END AS ends_at,
    s.monthly_minor,
    s.currency
FROM subscription AS s
WHERE s.is_base AND s.status IN ('active', 'terminated') AND NOT COALESCE(s.started_at, s.subscription_at) IS NULL
    AND (s.status = 'active' OR NOT s.terminated_at IS NULL)
"""


def find_churn(engine: Engine) -> None:
    """Leave `CHURNS` and `ACTIVE` on the engine, from the canonical tables that are there.

    Raises:
        EngineError: a query failed.
    """
    engine.keep("churn_spell", SPELLS_SQL)
    engine.keep(CHURNS, _KINDS_SQL)
    engine.keep(ACTIVE, _ACTIVE_SQL)
    engine.drop("churn_spell")
