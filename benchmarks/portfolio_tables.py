"""A made-up portfolio as Parquet files, written by DuckDB: as many operators, reservations, charges and invoices as asked.

Three years of a growing business, in order of time as a sync would bring it. A hundredth of the operators have a fifth of
the trips, and the half with the fewest an eighth of them less than its share. Every cell follows from the row's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from customer_research.domain.records import SQL_TYPES, CanonicalTable
from customer_research.record_tables import LAKE_TABLES

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
"""The instant until which there are rows; rides lie up to three months ahead of it."""

_START = "TIMESTAMP '2023-11-02'"
_MONTHS = 36


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows the large tables have; the others follow from the operators."""

    operators: int
    reservations: int
    charges: int
    invoices: int


def write_tables(folder: Path, size: Size, *, memory_mb: int = 4000) -> dict[str, tuple[Path, ...]]:
    """Write all tables of the lake into a folder, one Parquet file each; the files by table."""
    written: dict[str, tuple[Path, ...]] = {}
    with duckdb.connect(config={"memory_limit": f"{memory_mb}MB", "temp_directory": str(folder / "spill")}) as database:
        database.execute(f"SET enable_progress_bar = false; SET preserve_insertion_order = {size.reservations < 2e7}")
        database.execute(_operators(size.operators))
        for name, query in _queries(size).items():
            path = folder / f"{name}.parquet"
            database.execute(f"COPY ({_typed(LAKE_TABLES[name], query)}) TO '{path}' (COMPRESSION zstd)")
            written[name] = (path,)
    return written


def _typed(table: CanonicalTable, query: str) -> str:
    """A query's columns as the canonical table has them; what it does not say is null."""
    columns = ", ".join(f'CAST("{c.name}" AS {SQL_TYPES[c.type]}) AS "{c.name}"' for c in table.columns)
    nothing = ", ".join(f'NULL AS "{c.name}"' for c in table.columns)
    return f"SELECT {columns} FROM (SELECT * FROM ({query}) UNION ALL BY NAME SELECT {nothing} WHERE FALSE)"


def _share(salt: int, number: str = "n") -> str:
    """A number in [0, 1) that follows from the row's number."""
    return f"(hash({number}, {salt}) >> 11) / 9007199254740992.0"


def _pick(salt: int, *values: str, number: str = "n") -> str:
    """One of the values, each as likely as often as it is listed."""
    listed = ", ".join("NULL" if value == "NULL" else f"'{value}'" for value in values)
    return f"([{listed}])[1 + CAST(hash({number}, {salt}) % {len(values)} AS INT)]"


def _operators(count: int) -> str:
    """The operators with what their rows depend on: since when, until when, their currency."""
    uuid = "md5(CAST(n AS VARCHAR))"
    parts = " || '-' || ".join(f"{uuid}[{a}:{b}]" for a, b in ((1, 8), (9, 12), (13, 16), (17, 20), (21, 32)))
    return f"""
        CREATE TEMP TABLE made AS
        SELECT
            n, {parts} AS operator_id, 'Operator ' || n AS name,
            {_START} + to_hours(CAST(24 * 365 * 2.6 * power({_share(1)}, 1.6) AS BIGINT)) AS since,
            {_share(2)} < 0.12 AS ended,
            TIMESTAMP '2026-10-20' - to_hours(CAST(24 * 200 * {_share(3)} AS BIGINT)) AS ended_at,
            {_share(4)} < 0.18 AS yearly,
            {_pick(5, "SMB", "SMB", "SMB", "SMB", "Mid-Market", "Mid-Market", "Enterprise")} AS segment
        FROM range({count}) AS r(n)
    """


def _of_operators(rows: int, operators: int, salt: int) -> str:
    """So many rows in order of time, each of an operator drawn by size: `n`, `happened_at` and the operator's columns."""
    return f"""
        SELECT r.n, o.* EXCLUDE (n),
            {_START} + to_seconds(CAST(94694400 * power((r.n + {_share(salt, "r.n")}) / {rows}.0, 0.8) AS BIGINT)) AS happened_at
        FROM (
            SELECT n, CAST(FLOOR({operators} * power({_share(salt + 1)}, 3)) AS BIGINT) AS whose FROM range({rows}) AS s(n)
        ) AS r
        JOIN made AS o ON o.n = r.whose
    """


def _queries(size: Size) -> Mapping[str, str]:
    return {**_activity(size), **_billing(size), **_relationship(size)}


def _activity(size: Size) -> Mapping[str, str]:
    return {
        "reservation": f"""
            SELECT operator_id, 'trip_' || n AS trip_id, 'C' || n AS confirmation_number, 'O' || n // 2 AS order_number,
                CASE
                    WHEN {_share(11)} < 0.09 THEN 'cancelled'
                    WHEN happened_at + to_seconds(ahead) > TIMESTAMP '2026-11-02' THEN 'confirmed'
                    WHEN {_share(11)} < 0.96 THEN 'completed'
                    ELSE {_pick(12, "pending", "confirmed", "in_progress", "other")}
                END AS status,
                happened_at AS created_at, happened_at + to_seconds(ahead) AS pickup_at,
                CASE WHEN {_share(11)} < 0.09 THEN happened_at + to_seconds(CAST(ahead * {_share(13)} AS BIGINT)) END AS cancelled_at,
                total AS total_minor, CASE WHEN {_share(14)} < 0.93 THEN total WHEN {_share(14)} < 0.97 THEN 0 END AS paid_minor,
                CASE WHEN {_share(14)} < 0.93 THEN 0 ELSE total END AS due_minor, 'USD' AS currency,
                {_pick(15, "one-way", "one-way", "round-trip", "hourly")} AS trip_type,
                {_pick(16, "airport", "airport", "wedding", "corporate", "leisure")} AS order_type,
                ROUND(3 + 60 * power({_share(17)}, 3), 1) AS distance_miles,
                ROUND(15 + 200 * power({_share(18)}, 3)) AS duration_minutes,
                CASE WHEN {_share(19)} < 0.9 THEN 'Driver ' || hash(n, 20) % 30 END AS driver_name,
                CASE WHEN {_share(21)} < 0.3 THEN 'Company ' || hash(n, 22) % 40 END AS company_name,
                'Vehicle ' || hash(n, 23) % 12 AS vehicle_name, {_share(24)} < 0.7 AS driver_app_used,
                CASE WHEN {_share(25)} < 0.2 THEN 3 + hash(n, 26) % 3 END AS rating,
                CASE WHEN {_share(27)} < 0.06 THEN 'Partner ' || hash(n, 28) % 9 END AS farmee_name
            FROM (
                SELECT *, CAST(7776000 * power({_share(29)}, 4) AS BIGINT) AS ahead,
                    CAST(6000 + 60000 * power({_share(30)}, 3) AS BIGINT) AS total
                FROM ({_of_operators(size.reservations, size.operators, 31)})
            )
        """,
        "charge": f"""
            SELECT operator_id, 'ch_' || n AS charge_id, 'acct_' || operator_id AS stripe_account,
                CASE WHEN {_share(41)} < 0.93 THEN 'succeeded' WHEN {_share(41)} < 0.99 THEN 'failed' ELSE 'pending' END AS status,
                happened_at AS created_at, CAST(6000 + 60000 * power({_share(42)}, 3) AS BIGINT) AS amount_minor,
                CASE WHEN {_share(43)} < 0.03 THEN 5000 END AS refunded_minor, 'USD' AS currency,
                CASE WHEN {_share(44)} < 0.95 THEN 'card_' || hash(n, 45) % 5000 END AS card_id,
                {_pick(46, "card_declined", "insufficient_funds", "expired_card")} AS failure_reason,
                {_pick(47, *["normal"] * 17, "elevated", "highest", "not_assessed")} AS risk_level,
                CASE WHEN {_share(48)} < 0.6 THEN hash(n, 49) % 70 END AS risk_score, 'Cardholder ' || n % 9999 AS cardholder
            FROM ({_of_operators(size.charges, size.operators, 50)})
        """,
        "dispute": f"""
            SELECT operator_id, 'dp_' || n AS dispute_id, 'ch_' || n AS charge_id, 'needs_response' AS status,
                {_share(52)} < 0.1 AS is_active, 'fraudulent' AS reason, 12000 AS amount_minor, 'USD' AS currency,
                happened_at + to_days(20) AS created_at
            FROM ({_of_operators(size.charges, size.operators, 50)}) WHERE {_share(53)} < 0.003
        """,
        "member": f"""
            SELECT operator_id, 'm_' || n || '_' || k AS member_id, since + to_days(k * 30) AS created_at,
                CASE WHEN {_share(61, "n, k")} < 0.2 THEN since + to_days(k * 30 + 200) END AS removed_at,
                TIMESTAMP '2026-11-01' - to_hours(CAST(2000 * power({_share(62, "n, k")}, 4) AS BIGINT)) AS last_login_at
            FROM made, range(6) AS r(k)
        """,
        "driver": f"""
            SELECT operator_id, 'd_' || n || '_' || k AS driver_id, since + to_days(k * 25) AS created_at,
                CASE WHEN {_share(63, "n, k")} < 0.2 THEN since + to_days(k * 25 + 150) END AS deactivated_at,
                NULL AS removed_at
            FROM made, range(12) AS r(k)
        """,
        "survey": """
            SELECT operator_id, 's_' || n || '_' || k AS survey_id, hash(n, k, 1) % 11 AS nps, 1 + hash(n, k, 2) % 5 AS csat,
                since + to_days(90 * k) AS created_at
            FROM made, range(4) AS r(k)
        """,
    }


def _billing(size: Size) -> Mapping[str, str]:
    plan = "CASE segment WHEN 'SMB' THEN 'standard' WHEN 'Mid-Market' THEN 'pro' ELSE 'vip' END"
    price = "CASE segment WHEN 'SMB' THEN 14900 WHEN 'Mid-Market' THEN 34900 ELSE 89900 END"
    interval = "CASE WHEN yearly THEN 'yearly' ELSE 'monthly' END"
    every = size.invoices / size.operators
    invoices = f"""
        SELECT o.*, k, {_START} + to_seconds(CAST(94694400 * (k + {_share(71)}) / {every} AS BIGINT)) AS happened_at
        FROM made AS o, range({int(every)}) AS r(k)
    """
    return {
        "customer": "SELECT operator_id, 'l_' || n AS lago_id, name, 'USD' AS currency, 14 AS net_payment_term, since AS created_at FROM made",
        "plan": "SELECT * FROM (VALUES ('standard-monthly', 'Standard', 'monthly', 14900, 'USD'), ('pro-monthly', 'Pro', 'monthly', 34900, 'USD'), "
        "('vip-monthly', 'VIP', 'monthly', 89900, 'USD')) AS p(plan_code, name, interval, amount_minor, currency)",
        "subscription": f"""
            SELECT operator_id, 'sub_' || n || '_' || k AS subscription_id, {plan} || '-' || {interval} AS plan_code, {plan} AS plan_name,
                {interval} AS interval,
                CASE WHEN k = 0 AND moved THEN 'terminated' WHEN ended THEN 'terminated' ELSE 'active' END AS status,
                {price} * CASE WHEN k = 0 AND moved THEN 1 ELSE 2 END AS amount_minor,
                {price} * CASE WHEN k = 0 AND moved THEN 1 ELSE 2 END AS monthly_minor,
                'USD' AS currency, TRUE AS is_base, segment, begins AS created_at, begins AS subscription_at, begins AS started_at,
                CASE WHEN k = 0 AND moved THEN since + to_days(150) WHEN ended THEN ended_at END AS terminated_at,
                TIMESTAMP '2026-10-15' AS period_start, TIMESTAMP '2026-11-14 23:59:59' AS period_end
            FROM (
                SELECT *, CASE WHEN k = 0 THEN since ELSE since + to_days(150) END AS begins
                FROM (SELECT *, {_share(72)} < 0.3 AS moved FROM made), range(2) AS r(k)
                WHERE k = 0 OR moved
            )
        """,
        "invoice": f"""
            SELECT operator_id, 'in_' || n || '_' || k AS invoice_id, 'N-' || n || '-' || k AS number, 'subscription' AS invoice_type,
                CASE WHEN {_share(73, "n, k")} < 0.97 THEN 'finalized' ELSE 'voided' END AS status,
                CASE WHEN {_share(74, "n, k")} < 0.95 THEN 'succeeded' WHEN {_share(74, "n, k")} < 0.98 THEN 'failed' ELSE 'pending' END
                    AS payment_status,
                FALSE AS payment_overdue, 'USD' AS currency, {price} AS total_minor, 0 AS taxes_minor,
                CAST(happened_at AS DATE) AS issuing_date, CAST(happened_at AS DATE) + 14 AS payment_due_date, CAST(happened_at AS DATE) - 30 AS period_from,
                CAST(happened_at AS DATE) - 1 AS period_to, happened_at AS created_at, happened_at AS updated_at
            FROM ({invoices})
        """,
        "payment": f"""
            SELECT operator_id, 'pay_' || n || '_' || k AS payment_id, 'in_' || n || '_' || k AS invoice_id, {price} AS amount_minor,
                'USD' AS currency, 'succeeded' AS status, happened_at + to_hours(CAST(24 * 30 * power({_share(75, "n, k")}, 2) AS BIGINT)) AS paid_at
            FROM ({invoices}) WHERE {_share(74, "n, k")} < 0.95
        """,
        "credit_note": f"""
            SELECT operator_id, 'cn_' || n || '_' || k AS credit_note_id, 'CN-' || n AS number, 'in_' || n || '_' || k AS invoice_id,
                'USD' AS currency, 1500 AS total_minor, 0 AS balance_minor, CAST(happened_at AS DATE) AS issuing_date, happened_at AS created_at
            FROM ({invoices}) WHERE {_share(76, "n, k")} < 0.02
        """,
        "coupon": f"""
            SELECT operator_id, 'cp_' || n AS coupon_id, 'WELCOME' AS code, 'active' AS status, 'USD' AS currency, 20.0 AS percentage,
                'recurring' AS frequency, 3 AS frequency_duration_remaining, since AS created_at
            FROM made WHERE {_share(77)} < 0.2
        """,
    }


def _relationship(_: Size) -> Mapping[str, str]:
    return {
        "operator": "SELECT operator_id, name, 'acct_' || operator_id AS stripe_account, '9' || n AS hubspot_company_id, "
        "'|csm|app|lago|' AS known_by, since AS created_at FROM made",
        "gap": "SELECT operator_id, 'ticket' AS table_name, 'notion' AS source, 'unavailable' AS reason, 'The page could not be read.' AS detail, "
        "'Run sync again.' AS next_step FROM made WHERE n % 500 = 7",
        "csm": """
            SELECT operator_id, 'sub_' || n || '_0' AS subscription_id, CASE WHEN ended THEN 'terminated' ELSE 'active' END AS status,
                'pro-monthly' AS plan_code, 'Pro' AS plan_name, 'monthly' AS plan_interval, 34900 AS mrr_minor,
                CASE WHEN ended THEN 'churn' ELSE 'new' END AS waterfall_event,
                CAST(CASE WHEN ended THEN ended_at ELSE since END AS DATE) AS event_date, since AS started_at,
                CASE WHEN ended THEN ended_at END AS terminated_at, since AS created_at, name, CAST(since AS DATE) AS signed_up_on,
                hash(n, 1) % 40 AS vehicles, hash(n, 2) % 60 AS drivers, 1 + hash(n, 3) % 9 AS members, 5 * (hash(n, 4) % 7) AS setup_score,
                'SMB' AS customer_segment, '6-10' AS fleet_size, hash(n, 5) % 4000 AS reservations_total,
                100 * (hash(n, 6) % 1500000) AS reservation_amount_12m_minor, TIMESTAMP '2026-10-30' AS last_assignment_at, TRUE AS is_current
            FROM made
        """,
        "company": "SELECT operator_id, '9' || n AS company_id, name, 'customer' AS lifecycle_stage, 'Owner ' || n % 12 AS owner_name, "
        "CASE WHEN n % 5 = 0 THEN DATE '2027-01-01' + CAST(n % 300 AS INT) END AS renewal_date, since AS created_at, 'csm' AS linked_by FROM made",
        "contact": "SELECT operator_id, 'ct_' || n || '_' || k AS contact_id, k = 0 AS is_primary, n % 40 = 0 AS has_left, since AS created_at "
        "FROM made, range(3) AS r(k)",
        "deal": f"SELECT operator_id, 'de_' || n AS deal_id, {_share(81)} < 0.1 AS is_open, {_share(81)} > 0.3 AS is_won, {_share(82)} < 0.2 "
        "AS is_expansion, since AS created_at FROM made",
        "engagement": f"""
            SELECT operator_id, 'en_' || n || '_' || k AS engagement_id, {_pick(83, "note", "email", "call", "meeting", number="n, k")} AS type,
                happened_at AS occurred_at, happened_at AS created_at, {_share(84, "n, k")} < 0.01 AS mentions_cancellation, {_share(85, "n, k")} < 0.01
                AS mentions_champion_left
            FROM (SELECT *, since + to_hours(CAST(24 * 900 * {_share(86, "n, k")} AS BIGINT)) AS happened_at FROM made, range(20) AS r(k))
        """,
        "ticket": f"""
            SELECT operator_id, 'ti_' || n || '_' || k AS ticket_id, 'DOOM-' || n AS number, 'Ticket' AS title, 'In progress' AS status,
                '|Backlog|' AS stage, {_pick(87, "Low", "Medium", "High", number="n, k")} AS priority, '|Bug|' AS types, '||' AS tags,
                {_share(88, "n, k")} < 0.2 AS is_open, {_share(88, "n, k")} >= 0.2 AS is_done, FALSE AS is_commitment, 'tag' AS matched_by,
                TRUE AS is_certain, happened_at AS created_at, happened_at + to_days(5) AS edited_at
            FROM (SELECT *, since + to_hours(CAST(24 * 900 * {_share(89, "n, k")} AS BIGINT)) AS happened_at FROM made, range(5) AS r(k))
        """,
        "chat_ticket": f"""
            SELECT operator_id, 'ct_' || n || '_' || k AS ticket_id, {_share(95, "n, k")} < 0.2 AS is_open, '|co_' || n || '_' || k || '|' AS conversation_ids,
                'contact' AS matched_by, {_share(96, "n, k")} < 0.9 AS is_certain, happened_at AS created_at, happened_at + to_days(2) AS updated_at
            FROM (SELECT *, since + to_hours(CAST(24 * 900 * {_share(97, "n, k")} AS BIGINT)) AS happened_at FROM made, range(2) AS r(k))
        """,
        "conversation": f"""
            SELECT operator_id, 'co_' || n || '_' || k AS conversation_id, {_pick(90, "open", "closed", "snoozed", number="n, k")} AS state,
                state <> 'closed' AS is_open, 'company' AS matched_by, {_share(91, "n, k")} < 0.9 AS is_certain, happened_at AS created_at,
                happened_at + to_days(2) AS updated_at, happened_at + to_hours(3) AS first_reply_at, 7200 AS first_reply_s,
                3600 AS median_reply_s, CAST(3 * {_share(92, "n, k")} AS BIGINT) AS reopens, {_share(93, "n, k")} < 0.3 AS ai_participated
            FROM (SELECT *, since + to_hours(CAST(24 * 900 * {_share(94, "n, k")} AS BIGINT)) AS happened_at FROM made, range(5) AS r(k))
        """,
    }
