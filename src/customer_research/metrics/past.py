"""What of a past date the canonical tables can still tell, when they were read later: the one rule for it.

A table that was read after the date holds its rows as they are now. What has an instant of its own (a booking, a charge, an end
of a subscription) can be told as of any past date; a column that the source overwrites without a date cannot, and a score of
the past that used it would know the future. So such columns are taken away (`rewound_sql`), and the metrics that rest on them
are not judged (`unjudged`). A table that was read in time, or of which the lake keeps that version, is whole.

Of some overwritten columns another table tells what they were (`OverwrittenValue.again`): each attempt to pay has its instant, so
payments tell an invoice's status, and of HubSpot's properties the history is kept (`record_tables.STATES`). Such a record comes
as often as it changed, each time with the instants between which it stood so (`rewound_sql`), and of these a query at a past
instant reads the one that it had then (`with_rebuilt`). What it was before its history begins is unknown.
"""

# ruff: noqa: S608 - every name in these texts is of `record_tables`
from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from customer_research.domain.catalogue import METRICS
from customer_research.domain.records import SQL_TYPES
from customer_research.record_tables import LAKE_TABLES, STATES, TABLES


@dataclass(frozen=True, slots=True)
class OverwrittenValue:
    """Columns of a table that its source overwrites in place without telling when: a metric's entry names it by `name`.

    `again` is the table that tells what they were, where there is one; without its rows they are as lost as the others.
    """

    name: str
    words: str
    table: str
    columns: tuple[str, ...] = ()
    again: str = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that rest on it."""
        return tuple(metric.name for metric in METRICS.values() if self.name in metric.overwritten)


def _declared() -> Iterator[OverwrittenValue]:
    for name, entry in tomllib.loads((Path(__file__).parent / "overwritten.toml").read_text(encoding="utf-8")).items():
        columns = tuple(entry.get("columns", "").split())
        yield OverwrittenValue(name, entry["words"], entry.get("table", name), columns, entry.get("again", ""))


OVERWRITTEN = tuple(_declared())
"""What sources overwrite. Of the columns of a coupon see `UNTOLD_COUPON_SQL`."""

REBUILT_FROM: Mapping[str, str] = MappingProxyType({one.table: one.again for one in OVERWRITTEN if one.again})
"""Table → the table that tells what its records were."""

UNTOLD_COUPON_SQL = """
SELECT DISTINCT operator_id FROM coupon WHERE frequency = 'recurring' AND NOT frequency_duration_remaining IS NULL
"""
"""The operators of whose coupons nobody knows what a past month took off: those with one that runs out by counting down."""


def rebuildable(rows: Mapping[str, int]) -> frozenset[str]:
    """The tables of which others tell what their records were, by the number of rows that each table has."""
    return frozenset(table for table, again in REBUILT_FROM.items() if rows.get(again))


def unjudged(rewound: Collection[str], rebuilt: Collection[str]) -> Mapping[str, str]:
    """The metrics that cannot be told of a date before these tables were read, each with what is overwritten.

    `rebuilt` are the tables of which others tell what their records were (`rebuildable`).
    """
    return {
        metric: one.words
        for one in OVERWRITTEN
        if one.table in rewound and not (one.again and one.table in rebuilt)
        for metric in one.metrics
    }


def lost_words(rewound: Iterable[str], rebuilt: Collection[str]) -> tuple[str, ...]:
    """What is overwritten in these tables, in words, each once."""
    return tuple(dict.fromkeys(unjudged(tuple(rewound), rebuilt).values()))


def rewound_sql(table: str, rows: str, rebuilt: Collection[str]) -> str:
    """A table that was read after the date, from its `rows`: without the columns that may have changed since.

    A record of a table that is `rebuilt` comes as often as it changed: once for each state that it was in, with the instants
    between which it was (`with_rebuilt` reads those). An invoice stood otherwise from when it was made, a payment of it failed,
    one succeeded, and it was voided; one that is paid without a payment was so when it changed last at the latest.
    """
    if table == "invoice":
        return _INVOICE_SQL.format(rows=rows)
    if table in rebuilt:
        return _stood_sql(table, rows)
    return f"SELECT {_listed(table)} FROM {rows}"


def _listed(table: str, record: str = "", known: Mapping[str, str] = MappingProxyType({})) -> str:
    """The columns of a table: what it was where that is `known`, nothing where it is overwritten, else the record's own."""
    gone = {column for one in OVERWRITTEN if one.table == table for column in one.columns}
    own = f"{record}." if record else ""
    return ", ".join(
        f"{known[column.name]} AS {column.name}"
        if column.name in known
        else f"CAST(NULL AS {SQL_TYPES[column.type]}) AS {column.name}"
        if column.name in gone
        else f"{own}{column.name}"
        for column in TABLES[table].columns
    )


def _stood_sql(table: str, rows: str) -> str:
    """A record's states with the instants between which it was in them, and before the first what does not change."""
    state, key = LAKE_TABLES[STATES[table]], ("operator_id", *TABLES[table].key)
    listed = ", ".join(key)
    known = {name: f"s.{name}" for name in state.column_names if name not in {*state.key, "operator_id", "fetch_id"}}
    same = " AND ".join(f"r.{name} = s.{name}" for name in key)
    return f"""
SELECT {_listed(table, "r", known)}, s.since AS {SINCE}, s.until AS {UNTIL}
FROM {rows} AS r
INNER JOIN (
    SELECT w.*, LEAD(w.since) OVER (PARTITION BY {listed} ORDER BY w.since) AS until FROM {state.name} AS w
) AS s ON {same}
UNION ALL
SELECT {_listed(table, "r")}, CAST(NULL AS TIMESTAMP) AS {SINCE}, s.since AS {UNTIL}
FROM {rows} AS r
LEFT JOIN (SELECT {listed}, MIN(since) AS since FROM {state.name} GROUP BY {listed}) AS s ON {same}
"""


SINCE, UNTIL = "known_since", "known_until"
"""The columns of a rebuilt record that say from when it stood so (null: ever), and until when (null: still)."""

_GONE = {
    "payment_overdue": "FALSE",
    "due_minor": "CAST(NULL AS BIGINT)",
    "updated_at": "CAST(NULL AS TIMESTAMP)",
}


def _span(since: str, until: str, status: str, payment_status: str) -> str:
    """Invoices as they stood from one instant until another: each of its instants has one of its spans."""
    own = {
        **_GONE,
        "created_at": f"CASE WHEN n.{since} > n.created_at THEN n.{since} ELSE n.created_at END",
        "status": status,
        "payment_status": payment_status,
    }
    listed = ", ".join(f"{own.get(name, f'n.{name}')} AS {name}" for name in TABLES["invoice"].column_names)
    return f"SELECT {listed}, n.{since} AS {SINCE}, {until} AS {UNTIL} FROM ordered AS n WHERE NOT n.{since} IS NULL"


_STOOD = "CASE WHEN n.status = 'voided' THEN 'finalized' ELSE n.status END"
_SPANS = "\nUNION ALL\n".join(
    (
        _span("created_at", "COALESCE(n.tried_at, n.closed_at, n.voided_at)", _STOOD, "'pending'"),
        _span("tried_at", "COALESCE(n.closed_at, n.voided_at)", _STOOD, "'failed'"),
        _span("closed_at", "n.voided_at", _STOOD, "n.settled"),
        _span("voided_at", "CAST(NULL AS TIMESTAMP)", "n.status", "n.payment_status"),
    )
)
_INVOICE_SQL = f"""
WITH told AS (
    SELECT
        i.*,
        CASE
            WHEN NOT p.succeeded_at IS NULL THEN p.succeeded_at
            WHEN i.payment_status = 'succeeded' THEN COALESCE(i.updated_at, i.created_at)
            WHEN c.credited_minor >= i.total_minor THEN c.credited_at
        END AS settled_at,
        CASE
            WHEN p.succeeded_at IS NULL AND i.payment_status <> 'succeeded' THEN 'credited' ELSE 'succeeded'
        END AS settled,
        p.failed_at,
        CASE WHEN i.status = 'voided' THEN i.updated_at END AS voided_at
    FROM {{rows}} AS i
    LEFT JOIN (
        SELECT
            operator_id,
            invoice_id,
            MIN(CASE WHEN status = 'succeeded' THEN paid_at END) AS succeeded_at,
            MIN(CASE WHEN status = 'failed' THEN paid_at END) AS failed_at
        FROM payment
        GROUP BY operator_id, invoice_id
    ) AS p ON p.operator_id = i.operator_id AND p.invoice_id = i.invoice_id
    LEFT JOIN (
        SELECT
            operator_id,
            invoice_id,
            SUM(total_minor) AS credited_minor,
            MAX(created_at) AS credited_at
        FROM credit_note
        GROUP BY operator_id, invoice_id
    ) AS c ON c.operator_id = i.operator_id AND c.invoice_id = i.invoice_id
),
ordered AS (
    SELECT
        t.*,
        CASE WHEN t.voided_at IS NULL OR t.settled_at < t.voided_at THEN t.settled_at END AS closed_at,
        CASE
            WHEN t.settled_at <= t.failed_at OR t.voided_at <= t.failed_at THEN NULL ELSE t.failed_at
        END AS tried_at
    FROM told AS t
)
{_SPANS}
"""

_READ = r"(FROM {} AS (\w+)\s+CROSS JOIN moment AS m\s+WHERE )"
_READ_AS: Mapping[str, str] = MappingProxyType({"invoice": "dated"})
"""Table → the relation under whose name a query looks for what was known of it, where that is another."""


def with_rebuilt(sql: str, tables: Collection[str]) -> str:
    """A metric query over tables of which `rewound_sql` made states: each record as it was at the instant."""
    for table in sorted(tables):
        if re.search(rf"\bFROM {table} AS ", sql) is None:
            continue
        then = rf"\1NOT COALESCE(\2.{SINCE} >= m.t, FALSE) AND NOT COALESCE(\2.{UNTIL} < m.t, FALSE) AND "
        sql, found = re.subn(_READ.format(_READ_AS.get(table, table)), then, sql)
        assert found == 1
    return sql
