"""The app's records to canonical rows: pure, strict about meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from customer_research.connect.source import Row
from customer_research.domain import values
from customer_research.domain.values import UnreadableError
from customer_research.domain.vocabularies import trip_status
from customer_research.errors import SchemaChanged
from customer_research.sources.app_database.records import AMOUNTS, LOGICAL, Logical
from customer_research.sources.app_database.settings import AppDatabaseSettings

SOURCE_NAME = "app_database"
DOLLARS = "USD"
"""The currency of trips where no column tells one, as in the warehouse's model."""

_HUNDRED = 100


class Reader:
    """Reads records of one kind as the settings say: zone of naive instants, unit of amounts."""

    def __init__(self, kind: str, own: AppDatabaseSettings) -> None:
        self.kind: Logical = LOGICAL[kind]
        self._zone = ZoneInfo(own.zone) if own.zone else None
        self._minor = own.amounts == "minor"
        canonical = {minor: told for told, minor in AMOUNTS.items()}
        self._columns = [
            (name, canonical.get(name, name), self._readers.get(name) or self._by_type(name))
            for name in self.kind.columns
        ]

    def rows(self, records: Iterable[Mapping[str, Any]]) -> list[Row]:
        """The canonical rows, one for each record, in order; one that names no operator has None there.

        Raises:
            SchemaChanged: a value cannot be read: which column, never the value.
        """
        return [self._row(record) for record in records]

    def _row(self, record: Mapping[str, Any]) -> Row:
        row: Row = {}
        for name, source, read in self._columns:
            try:
                row[name] = read(record.get(source), record)
            except (ValueError, ArithmeticError):
                raise SchemaChanged(
                    f"The column of {source} in the app's {self.kind.table} records holds a value that cannot be read.",
                    source=SOURCE_NAME,
                    stream=self.kind.table,
                    hint="Check app_database.mapping; `customer-research doctor --online` checks the columns.",
                ) from None
        return row

    @property
    def _readers(self) -> Mapping[str, Callable[[Any, Mapping[str, Any]], Any]]:
        return {
            "operator_id": lambda value, _: values.operator_key(value),
            "status": lambda value, _: trip_status(values.text(value)),
            "currency": lambda value, _: (values.text(value) or DOLLARS).upper(),
            "trip_type": lambda value, _: values.enumerated(value),
            "order_type": lambda value, _: values.enumerated(value),
            "name": lambda value, record: values.text(value) or _full_name(record),
        }

    def _by_type(self, name: str) -> Callable[[Any, Mapping[str, Any]], Any]:
        kind = self.kind.columns[name]
        if kind == "timestamp":
            return lambda value, _: self.instant(value)
        if kind == "integer":
            return lambda value, _: self._amount(value)
        if kind == "number":
            return lambda value, _: None if (found := values.number(value)) is None else float(found)
        if kind == "boolean":
            return lambda value, _: values.flag(value)
        return lambda value, _: values.text(value)

    def instant(self, value: Any) -> datetime | None:
        """An instant in UTC; one without a zone is of the settings' zone, a day its midnight there.

        Raises:
            UnreadableError: it is none, or it has no zone and the settings tell none.
        """
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            raise UnreadableError("no instant")
        moment: datetime = value
        if moment.tzinfo is None and self._zone is None:
            raise UnreadableError("no zone")
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)).astimezone(UTC)

    def as_stored(self, moment: datetime, stored: str) -> datetime:
        """An instant as a parameter for a column of this type: `instant` undone."""
        if "with time zone" in stored or self._zone is None:
            return moment
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _amount(self, value: Any) -> int | None:
        number = values.number(value)
        if number is None:
            return None
        return int((number if self._minor else number * _HUNDRED).quantize(Decimal(1), ROUND_HALF_UP))


def _full_name(record: Mapping[str, Any]) -> str | None:
    parts = (values.text(record.get(name)) for name in ("first_name", "last_name"))
    return " ".join(part for part in parts if part) or None
