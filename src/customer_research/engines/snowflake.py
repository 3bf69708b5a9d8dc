"""SQL in Snowflake: the same queries over temporary tables, or over the tables of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

from customer_research.domain.records import DIALECT as WRITTEN_IN
from customer_research.engines.dialect import column_type, quoted, stated
from customer_research.engines.engine import Room
from customer_research.engines.remote import Answer, Kind, Remote
from customer_research.engines.rows import check_columns, first_line, inward, named_rows
from customer_research.errors import ConfigError, EngineError, ExtraMissing

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor

DIALECT = "snowflake"

LOGIN_SECONDS = 30
"""How long a sign-in may take, retries included."""

NETWORK_SECONDS = 120
"""How long one request is tried again after network and server errors; the connector's default is without end."""

_STAGE = "CUSTOMER_RESEARCH_FILES"
"""The temporary stage that files are sent to; no other session sees it."""

_OPTIONS = frozenset(
    {"warehouse", "role", "host", "port", "protocol", "authenticator", "private_key_file", "private_key_file_pwd"}
)
_FORM = "snowflake://user@account/database/schema?private_key_file=PATH&warehouse=NAME&role=NAME"


class Snowflake(Remote):
    """One session of Snowflake; see `engines.engine.Engine`.

    Tables given here are temporary: no other session sees them. Parameters are bound by the server (`:1`). Names are stored
    in capitals, as Snowflake reads names without quotes.
    """

    _title, _dialect = "Snowflake", DIALECT
    _kinds: ClassVar[Mapping[str, Kind]] = {
        **dict.fromkeys(("timestamp", "timestamp_ntz", "timestamp_ltz", "timestamp_tz"), "TIMESTAMP"),
        "fixed": "NUMERIC",
        "real": "DOUBLE",
        "text": "VARCHAR",
        "boolean": "BOOLEAN",
        "date": "DATE",
    }

    def __init__(self, url: str, room: Room | None = None) -> None:
        super().__init__(room or Room())
        try:
            import snowflake.connector as driver  # noqa: PLC0415 - the driver is an extra, and takes seconds to import
        except ImportError as error:
            raise ExtraMissing("The engine snowflake needs its driver", "snowflake") from error
        self._failures = (driver.Error,)
        try:
            self._connection = driver.connect(
                **connection_options(url),
                paramstyle="numeric",
                login_timeout=LOGIN_SECONDS,
                network_timeout=NETWORK_SECONDS,
                session_parameters={"TIMEZONE": "UTC", "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ"},
            )
        except driver.Error as error:
            raise EngineError(f"Snowflake cannot be reached: {first_line(error)}.", hint="Check the URL.") from error

        self._made: set[str] = set()

    def close(self) -> None:
        """End the session; its tables go with it."""
        self._connection.close()
        super().close()

    def create(self, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a table of these columns these rows and no others (see `Engine.create`)."""
        check_columns(table, columns, rows)
        places = ", ".join(f":{place}" for place in range(1, len(columns) + 1))
        values = [[_stored(row.get(column)) for column in columns] for row in rows]
        with self._filling(table, columns) as cursor:
            if values:
                cursor.executemany(f"INSERT INTO {_name(table)} VALUES ({places})", values)  # noqa: S608 - quoted name

    def _attach(self, table: str, paths: Sequence[Path], columns: Mapping[str, str]) -> None:
        """A table filled by Snowflake itself from one file, which goes to a temporary stage of this session."""
        self._files.attach(table, paths, columns)
        sent = self._files.scratch / f"{uuid4().hex}.parquet"
        named = ", ".join(
            f"$1:{quoted(column.lower(), DIALECT)}::{column_type(kind, DIALECT)}" for column, kind in columns.items()
        )
        try:
            self._files.export(f"FROM {quoted(table, WRITTEN_IN)}", sent)
            with self._filling(table, columns) as cursor:
                cursor.execute(f"CREATE OR REPLACE TEMPORARY STAGE {_STAGE}")
                cursor.execute(f"PUT {_place(sent)} @{_STAGE} AUTO_COMPRESS = FALSE SOURCE_COMPRESSION = NONE")
                cursor.execute(
                    f"COPY INTO {_name(table)} FROM (SELECT {named} FROM @{_STAGE}/{sent.name}) "  # noqa: S608 - quoted
                    "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)"
                )
        finally:
            sent.unlink(missing_ok=True)
            self._files.drop(table)

    @contextmanager
    def _filling(self, table: str, columns: Mapping[str, str]) -> Iterator[SnowflakeCursor]:
        """The table anew, without rows, and a cursor to give it some."""
        definition = ", ".join(f"{_name(column)} {column_type(kind, DIALECT)}" for column, kind in columns.items())
        with self._giving(table), self._connection.cursor() as cursor:
            cursor.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_name(table)} ({definition})")
            self._own(table)
            yield cursor

    def _own(self, table: str) -> None:
        self._made.add(table.lower())
        self._bound.pop(table.lower(), None)

    def keep(self, table: str, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a query once and keep its rows (see `Engine.keep`); values are written into it, since this binds none."""
        text = stated(self._spelled(sql), parameters or {}, DIALECT)
        with self._asking(), self._connection.cursor() as cursor:
            cursor.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_name(table)} AS {text}")
        self._own(table)

    def _forget(self, table: str) -> None:
        if table.lower() in self._made:  # a table of the warehouse is never dropped
            self._made.discard(table.lower())
            with self._connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS {_name(table)}")

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of one query (see `Engine.run`)."""
        with self._asked(sql, parameters, 0) as answer:
            return named_rows(list(answer.columns), list(answer.rows))

    @contextmanager
    def _asked(self, sql: str, parameters: Mapping[str, Any] | None, size: int) -> Iterator[Answer]:
        """A cursor; the connector fetches an answer's chunks as they are asked for, whatever `size` is."""
        from snowflake.connector.constants import FIELD_ID_TO_NAME  # noqa: PLC0415 - the driver is an extra

        del size
        text, values = self._bindable(sql, parameters)
        with self._asking(), self._connection.cursor() as cursor:
            cursor.execute(text, list(values.values()) or None)
            types = {column.name: FIELD_ID_TO_NAME[column.type_code] for column in cursor.description}
            yield Answer(types, (tuple(row) for row in cursor))


def connection_options(url: str) -> dict[str, Any]:
    """The connector's options from a URL of the form `snowflake://user@account/database/schema?private_key_file=…&warehouse=…`.

    What stands behind the user as its password may be a programmatic access token: a password alone lets nobody in.

    Raises:
        ConfigError: for another form, or an option it does not know; it never repeats the password.
    """
    parts = urlsplit(url)
    names = [unquote(name) for name in parts.path.strip("/").split("/")]
    options = dict(parse_qsl(parts.query))
    unknown = sorted(options.keys() - _OPTIONS)
    if parts.scheme != "snowflake" or not parts.hostname or not parts.username or len(names) != 2:  # noqa: PLR2004
        raise ConfigError("The URL of Snowflake has another form.", setting="engine_url", hint=f"Write {_FORM}.")
    if unknown:
        raise ConfigError(f"The URL of Snowflake has the unknown option {unknown[0]!r}.", setting="engine_url")
    if not options.get("port", "0").isdecimal():
        raise ConfigError("The URL of Snowflake has a port that is no number.", setting="engine_url")
    account = parts.netloc.rpartition("@")[2]  # as written: `hostname` would be in small letters
    found: dict[str, Any] = {"account": account, "user": unquote(parts.username), **options}
    if parts.password is not None:
        found["password"] = unquote(parts.password)
    if "port" in options:
        found["port"] = int(options["port"])
    return found | {"database": names[0], "schema": names[1]}


def _name(name: str) -> str:
    return quoted(name.upper(), DIALECT)


def _place(path: Path) -> str:
    """A file of this machine as PUT names it: with blanks as they are."""
    return "'file://" + str(path.resolve()).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _stored(value: Any) -> Any:
    """Instants and dates as ISO text: many rows travel as one array, whose texts Snowflake converts to the column's type."""
    plain = inward(value)
    return (
        plain.isoformat(sep=" ")
        if isinstance(plain, datetime)
        else plain.isoformat()
        if isinstance(plain, date)
        else plain
    )
