"""Company facts in the store, what was asked in vain, and what was spent: each value with its licence, its day and its receipt.

A credit is reserved before it can be spent, and settled when it is known what was taken: a program that is killed in between
leaves it reserved, and reserved counts as spent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Double, Index, Integer, String, Table, Text

from customer_research.domain.evidence import Receipt
from customer_research.domain.firm import FirmFact, record_id
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Compact, Instant, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

firm_fact = Table(
    "firm_fact",
    METADATA,
    Column("operator_id", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("field", String(40), primary_key=True),
    Column("value", Compact, nullable=False),
    Column("unit", String(20), nullable=False),
    Column("provider_id", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("likelihood", Double),
    Column("matched_by", String(30), nullable=False),
    Column("observed_at", Instant),
    Column("fetched_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("is_erased", Boolean, nullable=False),
    Column("receipt", Compact, nullable=False),
    Index("firm_fact_by_record", "provider", "provider_id"),
    comment="What others say of operators' firms; a value that was deleted on its day is null.",
)

firm_miss = Table(
    "firm_miss",
    METADATA,
    Column("operator_id", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("asked", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    comment="Firms that a provider did not know, and until when it is not asked again by what was known of them (its digest).",
)

firm_budget = Table(
    "firm_budget",
    METADATA,
    Column("provider", Text, primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("spent", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    comment="Credits of a calendar month (UTC): spent, and reserved by calls whose end is not known.",
)

_DELETED = sa.literal("null", Text())
"""A value that was deleted, as it stands in the database."""

_VACUUMED = ("firm_fact", "firm_miss")


@dataclass(frozen=True, slots=True)
class Spent:
    """Credits of a month: spent, and reserved by calls that have not ended, or of which nobody knows how they did."""

    spent: int = 0
    reserved: int = 0

    @property
    def counted(self) -> int:
        """What counts against the budget."""
        return self.spent + self.reserved


@dataclass(frozen=True, slots=True)
class Holding:
    """What is kept of a provider: values, of how many operators, and firms that it did not know."""

    values: int
    operators: int
    misses: int


@dataclass(frozen=True, slots=True)
class FirmRecord:
    """A provider's record that facts of an operator's firm come from; `is_shared`: another operator's come from it, too."""

    operator_id: str
    provider: str
    provider_id: str
    matched_by: str
    fetched_at: datetime
    is_shared: bool

    @property
    def record_id(self) -> str:
        """See `FirmFact.record_id`."""
        return record_id(self.provider, self.provider_id)


class FirmBook:
    """Company facts of a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """A transaction that may write. What it deletes or replaces SQLite overwrites with zeros."""
        with self._store.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            yield connection

    # -- values --------------------------------------------------------------------------------------------------------

    def of(self, operator_id: str | None = None) -> tuple[FirmFact, ...]:
        """The facts of one operator, or of all, with those whose value was deleted."""
        own, other = firm_fact.c, firm_fact.alias("other")
        shared = (
            sa.select(sa.literal(1))
            .where(
                other.c.provider == own.provider,
                other.c.provider_id == own.provider_id,
                other.c.provider_id != "",
                other.c.operator_id != own.operator_id,
            )
            .exists()
        )
        query = sa.select(firm_fact, shared.label("is_shared")).order_by(own.operator_id, own.field, own.provider)
        if operator_id is not None:
            query = query.where(own.operator_id == operator_id)
        with self._store.read() as connection:
            return tuple(_fact(row) for row in connection.execute(query).mappings())

    def records(self) -> tuple[FirmRecord, ...]:
        """The records of providers that have an id and of which something is kept, each operator's."""
        own = firm_fact.c
        told = (own.operator_id, own.provider, own.provider_id)
        query = sa.select(*told, sa.func.min(own.matched_by), sa.func.max(own.fetched_at)).group_by(*told)
        with self._store.read() as connection:
            rows = connection.execute(query.where(own.provider_id != "", own.value != _DELETED).order_by(*told)).all()
        owners = Counter((provider, number) for _, provider, number, _, _ in rows)
        return tuple(FirmRecord(*row, is_shared=owners[row[1], row[2]] > 1) for row in rows)

    def keep(self, facts: Collection[FirmFact], *, whole: Collection[tuple[str, str]] = ()) -> None:
        """Keep facts in the place of earlier ones of the same operator, provider and field.

        Args:
            facts: the facts.
            whole: operators and providers of whom these are all: what was told before and is not any more is removed.
        """
        with self._writing() as connection:
            for operator_id, provider in whole:
                connection.execute(sa.delete(firm_fact).where(_of(firm_fact, operator_id, provider)))
            for one in facts:
                connection.execute(insert_new(connection, firm_fact, _row(one)))
            for operator_id, provider in {(one.operator_id, one.provider) for one in facts}:
                connection.execute(sa.delete(firm_miss).where(_of(firm_miss, operator_id, provider)))

    def erase(self, now: datetime) -> int:
        """Delete the values whose licence asks for it on the day from which they are too old: how many."""
        own = firm_fact.c
        gone = (own.is_erased, own.expires_at <= now, own.value != _DELETED)
        with self._store.read() as connection:
            if not connection.execute(sa.select(sa.literal(1)).where(*gone).limit(1)).first():
                return 0
        emptied: dict[str, Any] = {"value": None, "provider_id": "", "receipt": {}}
        with self._writing() as connection:
            return int(connection.execute(sa.update(firm_fact).where(*gone).values(**emptied)).rowcount)

    # -- misses --------------------------------------------------------------------------------------------------------

    def miss(self, provider: str, operator_id: str, asked: str, why: str, *, now: datetime, until: datetime) -> None:
        """Note that a provider did not know a firm by what it was asked; what it told earlier is removed."""
        row = {"operator_id": operator_id, "provider": provider, "asked": asked, "why": why}
        with self._writing() as connection:
            connection.execute(sa.delete(firm_fact).where(_of(firm_fact, operator_id, provider)))
            connection.execute(insert_new(connection, firm_miss, {**row, "asked_at": now, "until": until}))

    def misses(self, provider: str, now: datetime) -> Mapping[str, str]:
        """Operators of whom a provider is not asked now → by what it was asked (a digest)."""
        own = firm_miss.c
        query = sa.select(own.operator_id, own.asked).where(own.provider == provider, own.until > now)
        with self._store.read() as connection:
            return {row.operator_id: row.asked for row in connection.execute(query)}

    # -- money ---------------------------------------------------------------------------------------------------------

    def reserve(self, provider: str, now: datetime, number: int, budget: int) -> bool:
        """Reserve credits of the month before they can be spent; False where the budget does not have them, and nothing is reserved."""
        own = firm_budget.c
        with self._writing() as connection:
            new = {"provider": provider, "month": month_of(now), "spent": 0, "reserved": 0}
            connection.execute(insert_new(connection, firm_budget).values(**new))
            there = (own.provider == provider, own.month == month_of(now), own.spent + own.reserved + number <= budget)
            made = connection.execute(sa.update(firm_budget).where(*there).values(reserved=own.reserved + number))
            return bool(made.rowcount)

    def settle(self, provider: str, reserved_at: datetime, number: int, taken: int) -> None:
        """Say of reserved credits how many were taken."""
        own = firm_budget.c
        values = {"reserved": own.reserved - number, "spent": own.spent + taken}
        there = (own.provider == provider, own.month == month_of(reserved_at))
        with self._writing() as connection:
            connection.execute(sa.update(firm_budget).where(*there).values(**values))

    def spent(self, provider: str, now: datetime) -> Spent:
        """What was spent on a provider in the month of an instant."""
        own = firm_budget.c
        query = sa.select(own.spent, own.reserved).where(own.provider == provider, own.month == month_of(now))
        with self._store.read() as connection:
            row = connection.execute(query).first()
            return Spent(*row) if row is not None else Spent()

    # -- all of a provider ---------------------------------------------------------------------------------------------

    def holdings(self) -> Mapping[str, Holding]:
        """What is kept, by provider."""
        own = firm_fact.c
        facts = sa.select(
            own.provider,
            sa.func.count().filter(own.value != _DELETED).label("n"),
            sa.func.count(sa.distinct(own.operator_id)).label("operators"),
        ).group_by(own.provider)
        missed = sa.select(firm_miss.c.provider, sa.func.count().label("n")).group_by(firm_miss.c.provider)
        with self._store.read() as connection:
            values = {row.provider: (row.n, row.operators) for row in connection.execute(facts)}
            misses = {row.provider: row.n for row in connection.execute(missed)}
        names = sorted({*values, *misses})
        return {name: Holding(*values.get(name, (0, 0)), misses.get(name, 0)) for name in names}

    def forget(self, provider: str) -> Holding:
        """Remove all that a provider said, so that no byte of it stays in the store's files: what was kept of it.

        What was spent stays: it is ours.

        Raises:
            StoreBusy: it is removed, but the files could not be written anew, since another program reads them.
        """
        kept = self.holdings().get(provider, Holding(0, 0, 0))
        with self._writing() as connection:
            for table in (firm_fact, firm_miss):
                connection.execute(sa.delete(table).where(table.c.provider == provider))
        self._store.compact(_VACUUMED)
        return kept


def month_of(instant: datetime) -> str:
    """The calendar month of an instant, UTC."""
    return f"{instant:%Y-%m}"


def _of(table: Table, operator_id: str, provider: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.operator_id == operator_id, table.c.provider == provider)


def _row(fact: FirmFact) -> dict[str, Any]:
    values = {column.name: getattr(fact, column.name) for column in firm_fact.columns if column.name != "receipt"}
    told = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    receipt = {**asdict(fact.receipt), "fetched_at": fact.receipt.fetched_at.isoformat()}
    return {**told, "receipt": receipt}


def _fact(row: Mapping[Any, Any]) -> FirmFact:
    content = row["receipt"]
    if not content:  # of a value that was deleted
        content = {"id": f"{row['provider']}-deleted", "source": row["provider"], "stream": "deleted", "query": ""}
        content |= {"fetched_at": row["fetched_at"].isoformat(), "rows": 0, "digest": ""}
    parameters = tuple((name, value) for name, value in content.get("parameters", ()))
    made = Receipt(**{**content, "fetched_at": datetime.fromisoformat(content["fetched_at"]), "parameters": parameters})
    return FirmFact(**{**row, "receipt": made, "is_shared": bool(row["is_shared"])})
