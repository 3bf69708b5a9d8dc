"""The app's own database: a real Postgres of this machine's programs, filled from the sandbox's world, with a role that may only read.

The tables are those of an app, not the warehouse's: other names,
instants with a zone, amounts as the app keeps them (dollars), what was deleted marked.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any, Self

from customer_research_sandbox.dataset import Relation, Row
from customer_research_sandbox.servers.postgres import HOST, Postgres

if TYPE_CHECKING:
    import psycopg

ROLE = "customer_research"
DATABASE = "app"
_ROLE_SQL = resources.files("customer_research.sources.app_database").joinpath("role.sql")
_CLUSTER = ("--auth-local=trust", "--auth-host=scram-sha-256", "--username=sandbox", "--encoding=UTF8", "--no-sync")

_TABLES = {
    "operators": "id text PRIMARY KEY, name text, stripe_account text, created_at timestamptz NOT NULL, updated_at timestamptz",
    "trips": """id uuid PRIMARY KEY, operator_id text NOT NULL, confirmation_number text, order_number text, status text NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz, pickup_at timestamptz,
        cancelled_at timestamptz, total numeric(12, 2), paid numeric(12, 2), due numeric(12, 2), trip_type text, order_type text,
        distance_miles numeric, duration_minutes integer, driver_name text, company_name text, vehicle_name text,
        driver_app_used boolean, rating numeric, farmee_name text, passenger_phone text""",
    "users": """id text PRIMARY KEY, operator_id text NOT NULL, first_name text, last_name text, email text, role text,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, removed_at timestamptz, last_login_at timestamptz,
        password_digest text""",
    "drivers": """id text PRIMARY KEY, operator_id text NOT NULL, first_name text, last_name text, phone text,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deactivated_at timestamptz, removed_at timestamptz""",
    "vehicles": "id text PRIMARY KEY, operator_id text NOT NULL, name text, vehicle_type text, created_at timestamptz",
}
_INDEXES = tuple(f"CREATE INDEX ON app.{name} (operator_id)" for name in ("trips", "users", "drivers")) + tuple(
    f"CREATE INDEX ON app.{name} (updated_at, id)" for name in ("trips", "users", "drivers")
)
MAPPED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "trip": (
        "trips",
        {
            "trip_id": "id",
            **{
                name: name
                for name in [
                    "operator_id",
                    "confirmation_number",
                    "order_number",
                    "status",
                    "created_at",
                    "pickup_at",
                    "cancelled_at",
                    "total",
                    "paid",
                    "due",
                    "trip_type",
                    "order_type",
                    "distance_miles",
                    "duration_minutes",
                    "driver_name",
                    "company_name",
                    "vehicle_name",
                    "driver_app_used",
                    "rating",
                    "farmee_name",
                    "updated_at",
                ]
            },
            "deleted": "deleted_at",
        },
    ),
    "member": (
        "users",
        {
            "member_id": "id",
            **{
                name: name
                for name in [
                    "operator_id",
                    "first_name",
                    "last_name",
                    "role",
                    "created_at",
                    "removed_at",
                    "last_login_at",
                    "updated_at",
                ]
            },
        },
    ),
    "driver": (
        "drivers",
        {
            "driver_id": "id",
            **{name: name for name in ["operator_id", "created_at", "deactivated_at", "removed_at", "updated_at"]},
        },
    ),
}
"""What an app's table is to a reader: kind → table, and its columns by what they mean."""


def _utc(value: Any) -> Any:
    """An instant as COPY takes it: with its zone."""
    return value.isoformat() if isinstance(value, datetime) else value


def _latest(*instants: datetime | None) -> datetime | None:
    return max((one for one in instants if one is not None), default=None)


def _operator(row: Row) -> tuple[Any, ...]:
    return row["OPERATOR_ID"], row["NAME"], row["STRIPE_ACCOUNT"], row["CREATED_AT"], row["UPDATED_AT"]


def _trip(row: Row) -> tuple[Any, ...]:
    return (
        row["TRIP_ID"], row["OPERATOR_ID"], row["CONFIRMATION_NUMBER"], row["ORDER_NUMBER"], row["STATUS_SLUG"], row["CREATED_AT"],
        _latest(row["CREATED_AT"], row["CANCELLED"]), None, row["PICKUP_DATE_TIME"], row["CANCELLED"], row["TOTAL_AMOUNT"],
        row["AMOUNT_PAID"], row["AMOUNT_DUE"], row["TRIP_TYPE"], row["ORDER_TYPE"], row["DISTANCE_MILES"],
        row["TOTAL_TRIP_TIME_MINUTES"], row["DRIVER_FULL_NAME"], row["COMPANY_NAME"], row["VEHICLE_NAME"], row["DRIVER_APP_USED"],
        row["AVG_RATING"], row["FARMEE_OPERATOR_NAME"], "+1 212 555 0100",
    )  # fmt: skip


def _user(row: Row) -> tuple[Any, ...]:
    changed = _latest(row["CREATED_AT"], row["LAST_LOGIN_AT"], row["REMOVED_AT"])
    return (
        row["USER_ID"], row["OPERATOR_ID"], row["FIRST_NAME"], row["LAST_NAME"], row["EMAIL"], row["ROLE_SLUG"], row["CREATED_AT"],
        changed, row["REMOVED_AT"], row["LAST_LOGIN_AT"], "scrypt$never-to-be-read",
    )  # fmt: skip


def _driver(row: Row) -> tuple[Any, ...]:
    changed = _latest(row["CREATED_AT"], row["DEACTIVATED_AT"], row["REMOVED_AT"])
    return (
        row["DRIVER_ID"], row["OPERATOR_ID"], row["FIRST_NAME"], row["LAST_NAME"], row["PHONE"], row["CREATED_AT"], changed,
        row["DEACTIVATED_AT"], row["REMOVED_AT"],
    )  # fmt: skip


def _vehicle(row: Row) -> tuple[Any, ...]:
    return row["VEHICLE_ID"], row["OPERATOR_ID"], row["NAME"], row["VEHICLE_TYPE"], row["CREATED_AT"]


_FILLED: Mapping[str, tuple[str, Callable[[Row], tuple[Any, ...]]]] = {
    "operators": ("POSTGRES_SWOOP.OPERATOR", _operator),
    "trips": ("FACT.MOOVS_OPERATOR_RESERVATIONS", _trip),
    "users": ("POSTGRES_SWOOP.USER", _user),
    "drivers": ("POSTGRES_SWOOP.DRIVER", _driver),
    "vehicles": ("SWOOP.VEHICLE", _vehicle),
}


def fill(connection: psycopg.Connection[Any], warehouse: Mapping[str, Relation]) -> None:
    """Make the app's tables in the schema `app`, with the records of the world."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE SCHEMA app")
    for name, columns in _TABLES.items():
        relation, read = _FILLED[name]
        connection.execute(f"CREATE TABLE app.{name} ({columns})".encode())
        with connection.cursor() as cursor, cursor.copy(f"COPY app.{name} FROM STDIN".encode()) as copy:
            for row in warehouse[relation].rows:
                copy.write_row([_utc(value) for value in read(row)])
    for index in _INDEXES:
        connection.execute(index.encode())
    connection.execute("ANALYZE")


class AppDatabase(Postgres):
    """A Postgres for the app's tables, and the role that may read the mapped columns and nothing else."""

    def __init__(self, *options: str) -> None:
        super().__init__(*options, cluster=_CLUSTER)
        self.password = secrets.token_hex(12)

    @classmethod
    def of(cls, warehouse: Mapping[str, Relation]) -> Self:
        """One that has the world's records, and the role."""
        made = cls()
        try:
            made.populate(warehouse)
        except BaseException:
            made.stop()
            raise
        return made

    @property
    def url(self) -> str:
        """The address for the role, without its password."""
        return f"postgresql://{ROLE}@{HOST}:{self.port}/{DATABASE}"

    @property
    def settings(self) -> Iterator[str]:
        """The lines of a settings file by which it is read: address, role, and where trips, members and drivers are."""
        own = {"url": self.url, "password": self.password, "tls": "disable"}  # on this machine, nobody listens
        tables = {"app_database": own} | {
            f"app_database.mapping.{kind}": {"table": f"app.{table}", **columns}
            for kind, (table, columns) in MAPPED.items()
        }
        for name, values in tables.items():
            yield f"[{name}]"
            yield from (f"{key} = {json.dumps(value)}" for key, value in values.items())
            yield ""

    def administrator(self, database: str = DATABASE) -> psycopg.Connection[Any]:
        """A connection that may do everything."""
        import psycopg  # noqa: PLC0415 - an extra

        return psycopg.connect(host=str(self.folder), port=self.port, user="sandbox", dbname=database, autocommit=True)

    def populate(self, warehouse: Mapping[str, Relation]) -> None:
        """Make the database, its tables with the world's records, and the role by the script that comes with the program."""
        with self.administrator("postgres") as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        with self.administrator() as connection:
            fill(connection, warehouse)
            connection.execute(_ROLE_SQL.read_bytes())
            connection.execute(f"ALTER ROLE {ROLE} PASSWORD '{self.password}'".encode())
