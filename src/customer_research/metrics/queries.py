"""The metric queries as text: a subject's figures, the records behind a figure, and the listings of reports.

Every query is in DuckDB's dialect, kept to what other dialects can say, names canonical tables only (`record_tables`) and
takes one parameter, `$as_of` (UTC). A `.sql` file begins with `-- uses: a, b`: the relations of `shared/` that stand in
front of it, in order; the rest of the file is the end of that `WITH` clause and the final `SELECT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

from customer_research.domain.catalogue import METRICS, SILENT, SUBJECTS, Unit
from customer_research.domain.evidence import ANSWERS
from customer_research.errors import UsageError
from customer_research.metrics.evidence import RECORDS

ANSWERED = (*sorted(ANSWERS), "not_configured", "past")
"""Reasons of gaps for which no source is silent: it answered, nobody set it up, or it is the past that is not told."""

_SQL_TYPES: Mapping[Unit, str] = {
    "count": "BIGINT",
    "usd_minor": "BIGINT",
    "points": "BIGINT",
    "ratio": "DOUBLE",
    "number": "DOUBLE",
    "days": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
}

ListingUnit = Literal["month", "date", "timestamp", "count", "minor", "text", "boolean"]
"""month: a date, the month's first day; minor: minor units of the row's `currency`."""


@dataclass(frozen=True, slots=True)
class ListingColumn:
    """One column of a listing; `personal` ones are masked by default."""

    name: str
    unit: ListingUnit
    label: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A detail table of a report about one operator: `sql` gives `columns`, from the canonical `tables`."""

    name: str
    title: str
    tables: tuple[str, ...]
    columns: tuple[ListingColumn, ...]

    @property
    def sql(self) -> str:
        """The query of this listing; the operator's filter is in the tables' bindings."""
        return _composed("listings", self.name)


def subject_sql(subject: str) -> str:
    """The query of one subject: operator_id, the currency for amounts, then every metric of the subject.

    One row per operator (and currency) that has a row known at `$as_of`; others are absent.

    Raises:
        UsageError: for a subject the catalogue does not have.
    """
    if subject not in SUBJECTS:
        raise UsageError(f"There is no subject {subject!r}.", hint=f"Known: {', '.join(SUBJECTS)}.")
    return _composed("", subject)


def derived_sql() -> str:
    """The query of the derived metrics over `account_metrics`."""
    return subject_sql("derived")


@cache
def evidence_sql(name: str) -> str:
    """The records behind a figure: ids first, `operator_id` last, newest first, not limited.

    Raises:
        UsageError: for a kind of evidence that does not exist.
    """
    records = RECORDS.get(name)
    if records is None:
        raise UsageError(f"There is no evidence {name!r}.", hint=f"Known: {', '.join(RECORDS)}.")
    return with_shared(records.uses, records.sql)


def account_columns() -> dict[str, str]:
    """The columns of the wide table with their SQL types: operator_id, the metrics of operator grain, and `SILENT`."""
    wide = {m.name: _SQL_TYPES[m.unit] for m in METRICS.values() if SUBJECTS[m.subject].grain == "operator"}
    return {"operator_id": "VARCHAR", **wide, SILENT: "VARCHAR"}


@cache
def _composed(folder: str, name: str) -> str:
    """A file's text behind the shared relations that its first line names."""
    first, _, body = _file(folder, name).partition("\n")
    uses = tuple(part.strip() for part in first.removeprefix("-- uses:").split(","))
    return with_shared(uses, body)


def with_shared(uses: tuple[str, ...], body: str) -> str:
    """A query behind relations of `shared/`, in the order in which they build on each other.

    Args:
        uses: the relations' names.
        body: the end of the `WITH` clause, or the `SELECT` itself.
    """
    relations = ",\n".join(f"{name} AS (\n{_indented(_file('shared', name))}\n)" for name in uses)
    lines = body.strip().splitlines()
    code = next(line for line in lines if not line.startswith("--"))
    joint = "\n" if code.startswith("SELECT") else ",\n"
    return f"WITH {relations}{joint}{body.strip()}\n"


def _file(folder: str, name: str) -> str:
    place = resources.files("customer_research.metrics")
    return (place / folder if folder else place).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.strip().splitlines())


def _listing(name: str, title: str, table: str, columns: str) -> Listing:
    """Parse `name unit label` columns, one a line; a `*` before the label marks personal data."""
    parsed = []
    for line in columns.strip().splitlines():
        column, unit, label = line.strip().split(maxsplit=2)
        parsed.append(ListingColumn(column, unit, label.lstrip("* "), personal=label.startswith("*")))  # type: ignore[arg-type]
    return Listing(name, title, (table,), tuple(parsed))


EVIDENCE: Mapping[str, tuple[str, ...]] = MappingProxyType({name: records.tables for name, records in RECORDS.items()})
"""Kind of evidence → the canonical tables it reads."""

LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        listing.name: listing
        for listing in (
            _listing(
                "usage_monthly",
                "Trips by month",
                "reservation",
                """
                month month Month
                trips count Trips
                completed count Completed
                cancelled count Cancelled
                revenue_minor minor Revenue
                currency text Currency
                """,
            ),
            _listing(
                "usage_daily",
                "Bookings and trips by day, two years",
                "reservation",
                """
                day date Day
                booked count Booked
                trips count Trips
                completed count Completed
                cancelled count Cancelled
                revenue_minor minor Revenue
                driver_trips count With a driver
                app_trips count With the driver app
                currency text Currency
                """,
            ),
            _listing(
                "usage_types",
                "Trips by type, 12 months",
                "reservation",
                """
                trip_type text Trip type
                order_type text Order type
                trips count Trips
                revenue_minor minor Revenue
                currency text Currency
                """,
            ),
            _listing(
                "usage_statuses",
                "Trips by status, 12 months",
                "reservation",
                """
                status text Status
                trips count Trips
                total_minor minor Total
                currency text Currency
                """,
            ),
            _listing(
                "usage_recent",
                "Last five bookings",
                "reservation",
                """
                confirmation_number text Confirmation
                created_at timestamp Booked
                pickup_at timestamp Pickup
                status text Status
                total_minor minor Total
                paid_minor minor Paid
                currency text Currency
                """,
            ),
            _listing(
                "usage_companies",
                "Top corporate accounts, 12 months",
                "reservation",
                """
                company_name text Company
                trips count Trips
                revenue_minor minor Revenue
                currency text Currency
                """,
            ),
            _listing(
                "usage_drivers",
                "Top drivers, 90 days",
                "reservation",
                """
                driver_name text * Driver
                trips count Trips
                app_trips count With the driver app
                """,
            ),
            _listing(
                "usage_farmouts",
                "Top farm-out partners, 12 months",
                "reservation",
                """
                farmee_name text Partner
                trips count Trips
                """,
            ),
            _listing(
                "card_monthly",
                "Charges by month",
                "charge",
                """
                month month Month
                attempts count Attempts
                succeeded count Succeeded
                failed count Failed
                charged_minor minor Charged
                refunded_minor minor Refunded
                currency text Currency
                """,
            ),
            _listing(
                "card_failures",
                "Last ten failed charges",
                "charge",
                """
                created_at timestamp When
                charge_id text Charge
                amount_minor minor Amount
                currency text Currency
                failure_reason text Reason
                cardholder text * Cardholder
                card_id text Card
                """,
            ),
            _listing(
                "card_disputes",
                "Disputes",
                "dispute",
                """
                created_at timestamp Opened
                dispute_id text Dispute
                charge_id text Charge
                status text Status
                reason text Reason
                amount_minor minor Amount
                currency text Currency
                is_active boolean Active
                """,
            ),
        )
    }
)
"""All listings by name; each is about one operator."""
