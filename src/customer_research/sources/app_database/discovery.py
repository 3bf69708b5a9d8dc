"""A mapping proposed from the catalogue alone: names, types, keys and the planner's statistics; no table is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import Any

from customer_research.domain.records import names
from customer_research.domain.words import counted
from customer_research.sources.app_database.records import AMOUNTS, INSTANTS, LOGICAL
from customer_research.sources.app_database.settings import TABLE

TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "operator": names("operator operators company companies"),
        "trip": names("trip trips reservation reservations booking bookings ride rides"),
        "member": names("member members user users"),
        "driver": names("driver drivers chauffeur chauffeurs"),
        "vehicle": names("vehicle vehicles car cars"),
    }
)
"""What tables of each kind are called, the likeliest first. Operators and vehicles are named; no canonical table takes their rows."""

SPELT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "operator_id": names("operator_id operator company_id tenant_id"),
        "trip_id": names("trip_id id uuid"),
        "member_id": names("member_id user_id id uuid"),
        "driver_id": names("driver_id id uuid"),
        "confirmation_number": names("confirmation_number confirmation_no confirmation reference"),
        "order_number": names("order_number order_no"),
        "status": names("status status_slug state"),
        "created_at": names("created_at inserted_at created created_on"),
        "updated_at": names("updated_at modified_at last_modified updated"),
        "pickup_at": names("pickup_at pickup_date_time pickup_time starts_at"),
        "cancelled_at": names("cancelled_at canceled_at cancelled"),
        "total": names("total total_amount amount total_cents"),
        "paid": names("paid amount_paid paid_amount paid_cents"),
        "due": names("due amount_due due_amount balance_due due_cents"),
        "currency": names("currency currency_code"),
        "trip_type": names("trip_type type"),
        "order_type": names("order_type"),
        "distance_miles": names("distance_miles miles"),
        "duration_minutes": names("duration_minutes total_trip_time_minutes minutes"),
        "driver_name": names("driver_name driver_full_name"),
        "company_name": names("company_name account_name"),
        "vehicle_name": names("vehicle_name"),
        "driver_app_used": names("driver_app_used used_driver_app"),
        "rating": names("rating avg_rating"),
        "farmee_name": names("farmee_name farmee_operator_name"),
        "name": names("name full_name"),
        "first_name": names("first_name given_name"),
        "last_name": names("last_name surname family_name"),
        "role": names("role role_slug"),
        "removed_at": names("removed_at deleted_at archived_at"),
        "deactivated_at": names("deactivated_at disabled_at"),
        "last_login_at": names("last_login_at last_sign_in_at last_seen_at"),
        "deleted": names("deleted is_deleted deleted_at"),
    }
)
"""What columns are called, the likeliest first."""

MANY_NULLS = 0.5
CENTS = "_cents"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One kind of records, and the table that is likely its: the mapping as far as it was found, and what it lacks."""

    kind: str
    table: str
    rows: float
    mapping: Mapping[str, str]
    lacking: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it can be set as it is."""
        return not self.lacking and self.kind in LOGICAL

    @property
    def amounts(self) -> str:
        """The unit of the amounts (`app_database.amounts`), where what their columns are called says so; empty: it does not."""
        called = {self.mapping[name].endswith(CENTS) for name in AMOUNTS if name in self.mapping}
        return "minor" if called == {True} else ""

    @property
    def text(self) -> str:
        """What was found, in a sentence."""
        size = f"about {counted(round(self.rows), 'row')}" if self.rows >= 0 else "never counted"
        said = f"{self.kind}: {self.table} ({size})"
        if self.kind not in LOGICAL:
            return f"{said}, not read"
        told = [f"lacks {', '.join(self.lacking)}"] if self.lacking else []
        return "; ".join([said, *told, *self.doubts])

    @property
    def settings(self) -> str:
        """The mapping as the settings file has it, to be pasted."""
        lines = (f'{name} = "{value}"' for name, value in self.mapping.items())
        return "\n".join([f"[app_database.mapping.{self.kind}]", *lines])


@dataclass(slots=True)
class _Relation:
    name: str
    rows: float
    columns: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def proposals(found: Sequence[Mapping[str, Any]]) -> tuple[Proposal, ...]:
    """For each kind of records the likeliest table of the catalogue's answer (`statements.RELATIONS`)."""
    relations = list(_relations(found))
    told = (_likeliest(kind, relations) for kind in TABLES)
    return tuple(proposal for proposal in told if proposal is not None)


def _relations(found: Sequence[Mapping[str, Any]]) -> Iterator[_Relation]:
    for (schema, name), rows in groupby(found, key=lambda row: (row["schema"], row["name"])):
        columns = {str(row["column"]): row for row in rows}
        size = float(next(iter(columns.values()))["rows"])
        yield _Relation(f"{schema}.{name}", size, columns)


def _likeliest(kind: str, relations: Sequence[_Relation]) -> Proposal | None:
    """By name first; among tables of like names the one with more of the columns, then the larger one."""
    named = [one for one in relations if one.name.partition(".")[2].lower() in TABLES[kind]]
    if kind not in LOGICAL:
        return next((Proposal(kind, one.name, one.rows, {}) for one in _by_size(named)), None)
    made = [_proposed(kind, one) for one in named]
    return min(made, key=lambda one: (len(one.lacking), -len(one.mapping), -one.rows, one.table), default=None)


def _by_size(relations: Sequence[_Relation]) -> list[_Relation]:
    return sorted(relations, key=lambda one: -one.rows)


def _proposed(kind: str, relation: _Relation) -> Proposal:
    own = LOGICAL[kind]
    mapping = {TABLE: relation.name}
    for name in own.known:
        column = next((word for word in SPELT[name] if _fits(name, relation.columns.get(word))), None)
        if column is not None and (name != "deleted" or column not in mapping.values()):
            mapping[name] = column
    lacking = tuple(name for name in own.needed if name not in mapping)
    return Proposal(kind, relation.name, relation.rows, mapping, lacking, tuple(_doubts(own.key, mapping, relation)))


def _fits(name: str, column: Mapping[str, Any] | None) -> bool:
    if column is None:
        return False
    stored = str(column["type"])
    return stored.startswith(("timestamp", "date")) if name in INSTANTS else name != "deleted" or _marks(stored)


def _marks(stored: str) -> bool:
    return stored == "boolean" or stored.startswith("timestamp")


def _doubts(key: str, mapping: Mapping[str, str], relation: _Relation) -> Iterator[str]:
    """What in the catalogue speaks against it."""
    told = {name: relation.columns[column] for name, column in mapping.items() if name != TABLE}
    if key in told and not told[key]["in_key"]:
        yield f"{mapping[key]} is no primary key"
    owner = told.get("operator_id")
    if owner is not None and (owner["nulls"] or 0) > MANY_NULLS:
        yield f"{mapping['operator_id']} is mostly empty"
    cents = {mapping[name].endswith(CENTS) for name in AMOUNTS if name in mapping}
    if True in cents:
        yield "give all amounts in one unit, by a view" if False in cents else "set app_database.amounts to minor"
    unread = sorted(str(mapping[name]) for name, column in told.items() if not column["readable"])
    if unread:
        yield f"to be granted: {', '.join(unread)}"
