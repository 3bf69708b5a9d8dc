"""How people want to be told, in the store: one row a person, by e-mail address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Column, String, Table, Text

from customer_research.domain.person import Person
from customer_research.store.database import insert_new
from customer_research.store.schema import METADATA, Compact, storable

if TYPE_CHECKING:
    from customer_research.store.database import Store

person = Table(
    "person",
    METADATA,
    Column("email", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner_id", Text, nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("quiet_from", String(5), nullable=False),
    Column("quiet_until", String(5), nullable=False),
    Column("muted", Compact, nullable=False),
    comment="Our own people whom messages come to: where, by which clock, and when not.",
)


class People:
    """The people in a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, email: str) -> Person | None:
        """Who has this e-mail address, in whatever case it is written."""
        return self._one(person.c.email == folded(email))

    def owning(self, owner_id: str) -> tuple[Person, ...]:
        """Whose HubSpot owner id this is, by e-mail address: several may look after one book."""
        return tuple(one for one in self.all() if owner_id and one.owner_id == owner_id)

    def all(self) -> tuple[Person, ...]:
        """Everybody, by e-mail address."""
        with self._store.read() as connection:
            return tuple(map(_person, connection.execute(sa.select(person).order_by(person.c.email)).mappings()))

    def change(self, email: str, change: Callable[[Person], Person]) -> Person:
        """Change what is kept of a person, who need not be there yet; as it is now."""
        with self._store.begin(alone=True) as connection:
            query = sa.select(person).where(person.c.email == folded(email))
            row = connection.execute(query).mappings().first()
            changed = replace(change(Person(folded(email)) if row is None else _person(row)), email=folded(email))
            connection.execute(insert_new(connection, person, _row(changed)))
            return changed

    def forget(self, email: str) -> bool:
        """Remove what is kept of a person; whether there was anything."""
        with self._store.begin() as connection:
            return bool(connection.execute(sa.delete(person).where(person.c.email == folded(email))).rowcount)

    def _one(self, condition: sa.ColumnElement[bool]) -> Person | None:
        with self._store.read() as connection:
            query = sa.select(person).where(condition).order_by(person.c.email)
            row = connection.execute(query).mappings().first()
            return None if row is None else _person(row)


def folded(email: str) -> str:
    """An e-mail address as it is compared."""
    return email.strip().lower()


def _row(one: Person) -> dict[str, Any]:
    row = {field.name: getattr(one, field.name) for field in fields(one)}
    row = {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}
    muted = {kind: until and until.isoformat() for kind, until in one.muted.items()}
    hours = {name: _written(row[name]) for name in ("quiet_from", "quiet_until")}
    return {**row, **hours, "muted": muted}


def _person(row: Mapping[Any, Any]) -> Person:
    muted = {kind: until and datetime.fromisoformat(until) for kind, until in row["muted"].items()}
    hours = {name: time.fromisoformat(row[name]) if row[name] else None for name in ("quiet_from", "quiet_until")}
    return Person(**{**row, **hours, "muted": muted})


def _written(hour: time | None) -> str:
    return "" if hour is None else f"{hour:%H:%M}"
