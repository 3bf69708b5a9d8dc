"""What people recorded of accounts, in the store: interventions and churn, append-only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, String, Table, Text

from customer_research.domain.outcome import Outcome
from customer_research.store.beginnings import Beginnings
from customer_research.store.schema import METADATA, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

_BEGINNINGS = Beginnings(
    "record", 4, "`customer-research outcome list` shows the ids.", none="No record that counts has the id"
)

outcome = Table(
    "outcome",
    METADATA,
    Column("no", Integer, primary_key=True, autoincrement=True),
    Column("id", String(12), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("operator_id", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("what", String(24), nullable=False),
    Column("who", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("note", Text, nullable=False),
    Column("secondary", String(24), nullable=False),
    Column("churn_kind", String(16), nullable=False),
    Column("competitor", Text, nullable=False),
    Column("lost_minor", BigInteger),
    Column("returns", Boolean),
    Column("retracts", String(12), nullable=False),
    comment="What people recorded of accounts: interventions and churn. Rows are added, never changed or removed.",
)


class OutcomeBook:
    """The records in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, record: Outcome) -> Outcome:
        """Keep a record; it comes back with its id.

        Recording the same thing of the same account and day twice gives the record that is there, unless it was retracted.
        """
        with self._store.begin(alone=True) as connection:
            standing = _standing([_recorded(row) for row in connection.execute(_all()).mappings()])
            same = next((one for one in standing if _content(one) == _content(record)), None)
            return same or _insert(connection, record)

    def retract(self, id_or_beginning: str, *, who: str, note: str, now: datetime) -> Outcome:
        """Take a record back: it stays, and does not count any more.

        Raises:
            UsageError: there is no such record, or it does not count already.
        """
        with self._store.begin(alone=True) as connection:
            everything = [_recorded(row) for row in connection.execute(_all()).mappings()]
            wrong = _named(_standing(everything), id_or_beginning)
            taken = Outcome(
                "", "retraction", wrong.operator_id, wrong.name, wrong.on, wrong.what, who, now, note, retracts=wrong.id
            )
            return _insert(connection, taken)

    def records(self, operator_id: str | None = None) -> tuple[Outcome, ...]:
        """The records that count, by day and then in the order in which they were made; of one account, or of all."""
        query = _all() if operator_id is None else _all().where(outcome.c.operator_id == operator_id)
        with self._store.read() as connection:
            found = [_recorded(row) for row in connection.execute(query).mappings()]
        return tuple(sorted(_standing(found), key=lambda one: one.on))

    def everything(self) -> tuple[Outcome, ...]:
        """Every record as it was made, those that were retracted and the retractions, too."""
        with self._store.read() as connection:
            return tuple(_recorded(row) for row in connection.execute(_all()).mappings())


def _all() -> sa.Select[Any]:
    return sa.select(outcome).order_by(outcome.c.no)


def _standing(records: list[Outcome]) -> list[Outcome]:
    gone = {one.retracts for one in records if one.retracts}
    return [one for one in records if one.kind != "retraction" and one.id not in gone]


def _named(standing: list[Outcome], id_or_beginning: str) -> Outcome:
    text = _BEGINNINGS.read(id_or_beginning)
    return _BEGINNINGS.only([one for one in standing if one.id.startswith(text)], text)


def _content(record: Outcome) -> tuple[Any, ...]:
    """What is recorded, as it is kept, whoever did it and whenever."""
    told = _row(record)
    return tuple(value for name, value in told.items() if name not in {"id", "name", "who", "recorded_at", "retracts"})


def _insert(connection: sa.Connection, record: Outcome) -> Outcome:
    place = connection.execute(sa.select(sa.func.count()).select_from(outcome)).scalar_one()
    content = "|".join(map(str, (place, record.operator_id, record.kind, record.on, record.what, record.recorded_at)))
    kept = replace(record, id=hashlib.sha256(content.encode()).hexdigest()[:12])
    connection.execute(sa.insert(outcome).values(_row(kept)))
    return kept


def _row(record: Outcome) -> dict[str, Any]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    values["happened_on"] = values.pop("on")
    return {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}


def _recorded(row: Mapping[Any, Any]) -> Outcome:
    values = {name: value for name, value in row.items() if name != "no"}
    return Outcome(on=values.pop("happened_on"), **values)
