"""What the app's database can give: no table of its own, but rows of the warehouse's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from customer_research.domain.records import ColumnType, SourceRecords, names

RECORDS = SourceRecords(
    source="app_database",
    title="App database",
    customer_title="App records",
    place=7,
    tables={},
    optional=True,
    instead_of=("reservation", "member", "driver"),
)


@dataclass(frozen=True, slots=True)
class Logical:
    """One kind of the app's records: the canonical table that it is, its key, and what a mapping may name a column for.

    Without a column for each of `needed` some figure would be wrong, so that a mapping must have them; `further` ones are null where
    they are not mapped. `updated_at` makes pulls of what changed possible, `deleted` (an instant or a truth value) marks what is no more.
    """

    table: str
    key: str
    needed: tuple[str, ...]
    further: tuple[str, ...]
    columns: Mapping[str, ColumnType]

    @property
    def known(self) -> tuple[str, ...]:
        """Everything that a mapping may name a column for."""
        return (*self.needed, *self.further, *UPKEEP)


UPKEEP = ("updated_at", "deleted")
"""What a mapping may name besides: for pulls, not for rows."""

INSTANTS = frozenset(names("created_at updated_at pickup_at cancelled_at removed_at deactivated_at last_login_at"))
"""What must be an instant."""

AMOUNTS = {"total": "total_minor", "paid": "paid_minor", "due": "due_minor"}
"""What is an amount → the canonical column, which is in minor units."""


def _typed(text: str) -> dict[str, ColumnType]:
    found: dict[str, ColumnType] = {}
    for line in text.strip().splitlines():
        kind, _, listed = line.strip().partition(": ")
        found |= dict.fromkeys(names(listed), kind)  # type: ignore[arg-type]
    return found


LOGICAL: Mapping[str, Logical] = MappingProxyType(
    {
        "trip": Logical(
            "reservation",
            "trip_id",
            names(
                "trip_id operator_id confirmation_number status created_at pickup_at total paid due driver_name company_name "
                "driver_app_used farmee_name"
            ),
            names(
                "order_number cancelled_at currency trip_type order_type distance_miles duration_minutes vehicle_name rating"
            ),
            _typed("""
                text: operator_id trip_id confirmation_number order_number status
                timestamp: created_at pickup_at cancelled_at
                integer: total_minor paid_minor due_minor
                text: currency trip_type order_type
                number: distance_miles duration_minutes
                text: driver_name company_name vehicle_name
                boolean: driver_app_used
                number: rating
                text: farmee_name
            """),
        ),
        "member": Logical(
            "member",
            "member_id",
            names("member_id operator_id created_at removed_at last_login_at"),
            names("name first_name last_name role"),
            _typed("""
                text: operator_id member_id name role
                timestamp: created_at removed_at last_login_at
            """),
        ),
        "driver": Logical(
            "driver",
            "driver_id",
            names("driver_id operator_id created_at deactivated_at removed_at"),
            (),
            _typed("""
                text: operator_id driver_id
                timestamp: created_at deactivated_at removed_at
            """),
        ),
    }
)
"""The app's records by the name that a mapping gives them."""
