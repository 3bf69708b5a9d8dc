"""Canonical tables as awkward as they come, for several operators at once: drawn by hypothesis, or a fixed corpus.

Nulls, zeros, duplicate rows, several currencies, time zones, month ends, leap days, negative amounts, rows of the future,
instants a microsecond beside a window's edge, texts that quoting or ordering could spoil.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from customer_research.domain.records import CanonicalTable, Column
from customer_research.record_tables import LAKE_TABLES, STATES, TABLES

Row = dict[str, Any]
Tables = dict[str, list[Row]]

MOMENTS = (
    datetime(2026, 3, 15, 12, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 3, 31, tzinfo=UTC),
    datetime(2025, 1, 1, 8, 30, tzinfo=timezone(timedelta(hours=9))),
    datetime(2025, 3, 30, 1, 59, 59, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
)
"""Instants to measure at: noon, a leap day's last one, a month's end at midnight, New Year's Eve elsewhere, a shift of DST."""

_BUSY = ("op-1", "op-2", "OP-10", "öp-3", "o'p 4")
_QUIET = ("op_5", "Op-6", "op-7", "op-8", "op-9")
OPERATORS = _BUSY * 4 + _QUIET
"""Some have many rows in every table, others one or none."""

_EDGES = (
    0,
    1,
    7,
    30,
    45,
    45,
    60,
    90,
    120,
    180,
    300,
    360,
    365,
    370,
    395,
    410,
    410,
    425,
    455,
    457,
    600,
    -1,
    -7,
    -30,
    -400,
)
_SHIFTS = (-1, 0, 1, 500_000, -3_600_000_000)
_CALENDAR = (
    date(2024, 2, 29),
    date(2023, 12, 31),
    date(2024, 1, 31),
    date(2025, 2, 28),
    date(2026, 2, 28),
    date(2026, 3, 31),
    date(2027, 1, 1),
)
_ZONES = (UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11)), timezone(timedelta(hours=5, minutes=45)))
_TEXTS = ("word", "Word", "wörd", "it's", "50 %", "back\\slash", '"quoted"', " padded ", "", None)
_NUMBERS = (0.0, 0.1, 1.5, 4.0, 20.0, 33.333, 100.0, -2.5, 1e7, None)
_MONEY = (0, 1, -1, 5, 99, 100, 4_999, -12_345, 2_500_000, 99_999_999, None)
_WORDS: Mapping[str, tuple[str | None, ...]] = {
    "subscription.status": ("active", "active", "pending", "canceled", "terminated"),
    "subscription.interval": ("weekly", "monthly", "quarterly", "semiannual", "yearly", "daily"),
    "subscription.segment": ("Free", "SMB", "Mid-Market", "Enterprise", None),
    "subscription.plan_code": ("standard-monthly", "pro-monthly", "pro-yearly"),
    "subscription.next_plan_code": ("standard-monthly", None),
    "invoice.status": ("draft", "finalized", "finalized", "finalized", "voided", "failed", "pending"),
    "invoice.payment_status": ("pending", "succeeded", "failed"),
    "invoice.invoice_type": ("subscription", "subscription", "one_off", "credit"),
    "payment.status": ("pending", "succeeded", "succeeded", "failed"),
    "coupon.status": ("active", "active", "terminated"),
    "coupon.frequency": ("once", "recurring", "forever"),
    "csm.status": ("active", "pending", "terminated", "terminated", "terminated", "canceled", None),
    "csm.waterfall_event": ("new", "plan_change", "reactivation", "churn", "churn", None),
    "csm.hubspot_churn_status": ("Churned", None),
    "reservation.status": ("completed", "completed", "cancelled", "pending", "confirmed", "in_progress", "other"),
    "reservation.driver_name": ("Driver A", "driver a", None),
    "reservation.farmee_name": ("Partner", None, None),
    "charge.status": ("succeeded", "succeeded", "failed", "failed", "pending"),
    "charge.risk_level": ("normal", "elevated", "highest", "not_assessed", "unknown", None),
    "charge.card_id": ("card-a", "card-b", "card-c", None),
    "ticket.priority": ("Low", "High", None),
    "ticket.stage": ("|Backlog|", "|UI Design|", "|QA|Blocked|", "|Product Design / Work|", "|Ready for dev|", None),
    "ticket.types": ("|Feature|", "|Bug|Request|", "|100%|", None),
    "conversation.state": ("open", "closed", "snoozed"),
    "conversation.begun_by": ("contact", "contact", "contact", "us", None),
    "chat_ticket.conversation_ids": ("|conversation-1|", "|CONVERSATION_0|conversation_2|", "", None),
    "company.linked_by": ("csm", "property", "search"),
    "engagement.type": ("note", "email", "call", "meeting"),
}
_SHARED_KEYS: Mapping[str, str] = {"payment.invoice_id": "invoice", "dispute.charge_id": "charge"}
_CURRENCIES = ("USD", "USD", "USD", "CAD", "JPY")

Choose = Callable[[Sequence[Any]], Any]


def drawn_tables(largest: int) -> st.SearchStrategy[tuple[datetime, Tables]]:
    """An instant and up to `largest` rows for every canonical table, duplicates included.

    Hypothesis draws the instant, the sizes and a seed; the cells follow from the seed, since there are thousands.
    """

    @st.composite
    def draw_all(draw: st.DrawFn) -> tuple[datetime, Tables]:
        moment = draw(st.sampled_from(MOMENTS))
        seed = draw(st.integers(0, 2**32))
        counts = {name: draw(st.integers(0, largest)) for name in TABLES}
        return moment, _tables(moment, counts, seed)

    return draw_all()


def corpus(moment: datetime, rows: int) -> Tables:
    """The fixed corpus at an instant: so many rows in every table (of reservations, which are many, ten times as many)."""
    counts = dict.fromkeys(TABLES, rows) | {"reservation": 10 * rows, "invoice": 4 * rows}
    return _tables(moment, counts, seed=int(moment.timestamp()))


def states_of(tables: Mapping[str, Sequence[Row]], moment: datetime) -> Tables:
    """What the records of these tables have been: of some nothing is told, of others up to four states beside the instant."""
    choose = random.Random(1).choice
    made: Tables = {}
    for of, name in STATES.items():
        table, found = LAKE_TABLES[name], dict[tuple[Any, ...], Row]()
        for row in tables[of]:
            for since in {_instant(moment, choose, needed=True) for _ in range(choose((0, 1, 2, 4)))} - {None}:
                same = {column: row[column] for column in ("operator_id", *TABLES[of].key)}
                state = {c.name: _value(table, c, moment, choose) for c in table.columns if c.name != "fetch_id"}
                found[(*same.values(), since)] = {**state, **same, "since": since}
        made[name] = list(found.values())
    return made


def _tables(moment: datetime, counts: Mapping[str, int], seed: int) -> Tables:
    choose = random.Random(seed).choice
    tables = {name: _rows(TABLES[name], moment, count, choose) for name, count in counts.items()}
    for path, referred in _SHARED_KEYS.items():
        table, _, column = path.partition(".")
        owners = {row[column]: row["operator_id"] for row in tables[referred]}
        for row in tables[table]:
            if choose(range(4)):  # now and then the record of another operator
                row["operator_id"] = owners.get(row[column], row["operator_id"])
    return tables


def _rows(table: CanonicalTable, moment: datetime, count: int, choose: Choose) -> list[Row]:
    """Rows with ids of their own, now and then one twice."""
    made = [_row(table, moment, index, choose) for index in range(count)]
    if table.key == ("operator_id",):
        made = list({row["operator_id"]: row for row in made}.values())
    return made + [dict(row) for row in made if choose(range(8)) == 0]


def _row(table: CanonicalTable, moment: datetime, index: int, choose: Choose) -> Row:
    keys = {name for name in table.key if name not in {"operator_id", *_shared(table)}}
    return {
        column.name: _identifier(table.name, index) if column.name in keys else _value(table, column, moment, choose)
        for column in table.columns
        if column.name != "fetch_id"
    }


def _shared(table: CanonicalTable) -> set[str]:
    return {path.partition(".")[2] for path in _SHARED_KEYS if path.startswith(f"{table.name}.")}


def _identifier(table: str, index: int) -> str:
    """Ids whose order depends on how texts are compared."""
    return f"{table.upper() if index % 3 == 0 else table}{'-' if index % 2 else '_'}{index}"


def _value(table: CanonicalTable, column: Column, moment: datetime, choose: Choose) -> Any:
    path = f"{table.name}.{column.name}"
    if column.name == "operator_id":
        return choose(OPERATORS)
    if path in _SHARED_KEYS:
        return _identifier(_SHARED_KEYS[path], choose(range(12)))
    if column.name == "currency":
        return choose(_CURRENCIES)
    if path in _WORDS:
        return choose(_WORDS[path])
    return _of_type(column, moment, choose)


def _of_type(column: Column, moment: datetime, choose: Choose) -> Any:
    if column.type == "timestamp":
        return _instant(moment, choose, needed=column.name == "created_at")
    if column.type == "date":
        return choose((None, choose(_CALENDAR), (moment + timedelta(days=choose(_EDGES))).date(), moment.date()))
    if column.type == "integer":
        return choose(_MONEY) if column.name.endswith("_minor") else choose((*range(-2, 13), 30, 1_000, None))
    if column.type == "number":
        return choose(_NUMBERS)
    if column.type == "boolean":
        return choose((True, True, False, None))
    return choose(_TEXTS)


def _instant(moment: datetime, choose: Choose, *, needed: bool) -> datetime | None:
    """An instant at or beside a window's edge, or on a day of note, told in some time zone; seldom none."""
    if choose(range(30 if needed else 6)) == 0:
        return None
    if choose(range(6)) == 0:
        noted = datetime.combine(choose(_CALENDAR), datetime.max.time(), UTC)
        return noted.astimezone(choose(_ZONES))
    at = moment - timedelta(days=choose(_EDGES)) + timedelta(microseconds=choose(_SHIFTS))
    return at.astimezone(choose(_ZONES))


def wide_rows(columns: Mapping[str, str], literals: Sequence[Any], count: int, seed: int) -> list[Row]:
    """Rows of a wide table (name → SQL type), one an operator: values at and beside the rules' own thresholds."""
    choose = random.Random(seed).choice
    numbers = [value for value in literals if isinstance(value, int | float)]
    texts = [value for value in literals if isinstance(value, str)]
    chosen: Mapping[str, Callable[[], Any]] = {
        "BIGINT": lambda: int(choose(numbers)) + choose((-1, 0, 0, 1)),
        "DOUBLE": lambda: float(choose(numbers)) + choose((-0.01, 0.0, 0.0, 0.01)),
        "VARCHAR": lambda: choose(texts),
        "BOOLEAN": lambda: choose((True, False)),
        "DATE": lambda: choose(MOMENTS).date() + timedelta(days=choose(_EDGES)),
        "TIMESTAMP": lambda: choose(MOMENTS) + timedelta(days=choose(_EDGES), microseconds=choose(_SHIFTS)),
    }
    rows: list[Row] = []
    for index in range(count):
        unknown = choose(
            (2, 4, 20)
        )  # how many columns to one null: rows of little, of some, of nearly everything known
        values = {n: None if choose(range(unknown)) == 0 else chosen[kind]() for n, kind in columns.items()}
        rows.append({**values, "operator_id": f"{choose(OPERATORS)} {index}"})
    return rows
