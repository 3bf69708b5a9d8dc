"""Opening the store: SQLite in WAL mode or Postgres, migrated to the newest schema, with faults told in one sentence.

A write transaction takes SQLite's lock at its begin (BEGIN IMMEDIATE): one that reads first and writes later cannot fail
half way because another program wrote in between.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from customer_research import private
from customer_research.connect.postgres import is_postgres, read_address, refused
from customer_research.errors import ConfigError, ExtraMissing, StoreBusy, StoreError

VERSION_TABLE = "store_version"
"""Where the database says which migration it has."""

BUSY_SECONDS = 30
"""How long a program waits for another that writes."""

_ALONE = 0x637265736561
"""The number of the lock that transactions take in Postgres which must be alone."""

_BUSY_SQLITE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_BUSY_POSTGRES = frozenset({"55P03", "40001", "40P01", "57014"})
"""lock_not_available, serialization_failure, deadlock_detected, query_canceled."""

SETTING = "store.url"
_HINT = "Check the setting store.url (`customer-research config show`) and the database it names."


class Store:
    """An open store. Use as a context manager; several threads may share it, each in transactions of its own."""

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self.place = place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def begin(self, *, alone: bool = False) -> Iterator[sa.Connection]:
        """A transaction that may write: all of it is kept, or nothing when the body raises.

        With `alone` it waits until no other such transaction is under way: always so in SQLite, where there is one writer.

        Raises:
            StoreBusy: another program holds the store.
            StoreError: the database refuses or cannot be reached.
        """
        with _told(self.place), self._writing.begin() as connection:
            if alone and connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ALONE)))
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: it sees one state, and waits for no writer.

        Raises:
            StoreBusy: another program holds the store.
            StoreError: the database refuses or cannot be reached.
        """
        with _told(self.place), self._engine.begin() as connection:
            yield connection

    def compact(self, tables: Collection[str]) -> None:
        """Write the store anew without what was deleted, so that no byte of it stays in its files. It waits until no other program writes.

        In Postgres the `tables` alone are written anew; its write-ahead log and backups keep what they had.

        Raises:
            StoreBusy: another program holds the store, or reads it so long that bytes are left.
            StoreError: the database refuses or cannot be reached.
        """
        with _told(self.place):
            if self._engine.dialect.name == "sqlite":
                raw = self._engine.raw_connection()
                try:
                    assert raw.driver_connection is not None
                    raw.driver_connection.execute("VACUUM")
                    is_read = raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                finally:
                    raw.close()
                if is_read:  # what was deleted still stands in the log that the reader needs
                    raise StoreBusy(
                        f"The store ({self.place}) is read by another program: what was deleted is still in its files.",
                        hint="Run the same command again when that program is done.",
                    )
                return
            with self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.execute(sa.text(f"VACUUM FULL {', '.join(tables)}"))


def insert_new(connection: sa.Connection, table: sa.Table, put: Mapping[str, Any] | None = None) -> Any:
    """An INSERT that leaves alone what is there: of two programs that save the same, the second saves nothing.

    With `put` (values by column) it is an INSERT of a whole row, and what stands under its key is set to these.
    """
    if connection.dialect.name == "sqlite":  # the other's is never loaded: it takes a fifth of a short command
        from sqlalchemy.dialects.sqlite import insert  # noqa: PLC0415 - start-up time
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment] # noqa: PLC0415 - start-up time

    made = insert(table)
    if put is None:
        return made.on_conflict_do_nothing()
    key = [column.name for column in table.primary_key]
    rest = {name: value for name, value in put.items() if name not in key}
    return made.values(**put).on_conflict_do_update(index_elements=key, set_=rest)


def is_there(url: str) -> bool:
    """Whether a store has been made at this URL: of a file it is known, of a server it is taken to be so.

    Raises:
        ConfigError: no such kind of database.
    """
    address = _address(url)
    return not address.drivername.startswith("sqlite") or Path(str(address.database)).exists()


def open_store(url: str) -> Store:
    """Open the store at a SQLAlchemy URL, bringing its schema up to date; one that is not there yet is made.

    Several programs may do so at once.

    Raises:
        ConfigError: no such kind of database, or its driver is not installed.
        StoreBusy: another program holds the store.
        StoreError: it cannot be reached, is no store, or was written by a later version of this program.
    """
    address = _address(url)
    place = _place(address)
    store = Store(_engine(address), place)
    try:
        with _told(place):
            _migrate(store, place)
    except BaseException:
        store.close()
        raise
    return store


def place_of(url: str) -> str:
    """Where the store is, without user and password.

    Raises:
        ConfigError: no such kind of database.
    """
    return _place(_address(url))


def open_to_read(url: str) -> Store:
    """Open the store to read what it has; where none has been made, an empty one, so that who only reads leaves no file behind.

    Raises:
        ConfigError, StoreBusy, StoreError: as `open_store`.
    """
    if is_there(url):
        return open_store(url)
    from customer_research.store.schema import METADATA  # noqa: PLC0415 - once in a store's life

    engine = sa.create_engine("sqlite+pysqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    METADATA.create_all(engine)
    return Store(engine, _place(_address(url)))


def examine(url: str) -> tuple[str, str | None]:
    """Where the store is, and the migration that it has (None: nothing yet); that it can be written to is tried.

    Nothing is left behind: what is tried is taken back.

    Raises:
        ConfigError, StoreBusy, StoreError: as `open_store`.
    """
    address = _address(url)
    store = Store(_engine(address), _place(address))
    try:
        with suppress(_TakenBackError), store.begin() as connection:
            version = _version(connection)
            connection.execute(sa.text("CREATE TABLE customer_research_doctor (tried INTEGER)"))
            raise _TakenBackError
    finally:
        store.close()
    return store.place, version


class _TakenBackError(Exception):
    """Ends a transaction without keeping it."""


def _address(url: str) -> sa.URL:
    if is_postgres(url):
        found = read_address(url, SETTING)
        return sa.URL.create(
            "postgresql+psycopg",
            username=found.user or None,
            password=found.password or None,
            host=found.host or None,
            port=found.port,
            database=found.database or None,
            query=found.options,
        )
    try:
        address = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "The setting store.url is no database URL.",
            setting="store.url",
            hint="Write postgresql://USER@HOST/DATABASE.",
        ) from None
    kind = address.drivername.partition("+")[0]
    if kind == "sqlite" and address.database and address.database != ":memory:":
        return address.set(drivername="sqlite+pysqlite")
    raise ConfigError(
        f"The setting store.url names {_kind_words(kind, address)}, which cannot be the store.",
        setting="store.url",
        hint="Use SQLite in a file (sqlite:///PATH) or Postgres (postgresql://USER@HOST/DATABASE).",
    )


def _kind_words(kind: str, address: sa.URL) -> str:
    return "SQLite without a file" if kind == "sqlite" else f"a database of the kind {address.drivername[:30]!r}"


def _place(address: sa.URL) -> str:
    """Where it is, without user and password."""
    if address.drivername.startswith("sqlite"):
        return str(address.database)
    port = f":{address.port}" if address.port else ""
    return f"Postgres at {address.host or 'this machine'}{port}, database {address.database or 'of the user'}"


def _engine(address: sa.URL) -> sa.Engine:
    if address.drivername.startswith("sqlite"):
        return _sqlite(address)
    options = f"-c lock_timeout={BUSY_SECONDS}s"
    try:
        return sa.create_engine(address, connect_args={"connect_timeout": 10, "options": options}, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ExtraMissing("The store on Postgres needs its driver", "postgres") from None


def _sqlite(address: sa.URL) -> sa.Engine:
    assert address.database is not None
    _make_private(Path(address.database))
    engine = sa.create_engine(address, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(file: Path) -> None:
    """Make the file, so that SQLite gives its own files beside it the same permissions; close what an older version left.

    Raises:
        StoreError: its folder cannot be made.
    """
    try:
        private.make_folder(file.parent)
    except OSError as error:
        raise StoreError(f"The folder of the store {file} cannot be made: {error.strerror}.", hint=_HINT) from None
    if not file.exists():
        with suppress(OSError):  # SQLite says then what is wrong
            private.open_file(file, "ab").close()
    for path in (file, *(file.with_name(f"{file.name}{ending}") for ending in ("-wal", "-shm", "-journal"))):
        private.close_to_others(path)
    if file.parent == private.data_folder():
        private.close_to_others(file.parent)


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    del record
    connection.isolation_level = None  # the driver begins no transaction: `_begin_sqlite` does
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")  # with WAL: a kill loses nothing, a power cut at most the last
    _to_wal(connection)


def _to_wal(connection: sqlite3.Connection) -> None:
    """Set write-ahead logging; SQLite does not wait when another program is just doing the same."""
    until = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _BUSY_SQLITE or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told(place: str) -> Iterator[None]:
    """What the database refuses, in our words: its own may quote rows or addresses."""
    try:
        yield
    except DBAPIError as error:
        raise _fault(error, place) from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StoreError(f"The store ({place}) failed: {type(error).__name__}.", hint=_HINT) from None


def _fault(error: DBAPIError, place: str) -> StoreError:
    code = getattr(error.orig, "sqlite_errorcode", None)
    state = getattr(error.orig, "sqlstate", None)
    if (code is not None and code & 0xFF in _BUSY_SQLITE) or state in _BUSY_POSTGRES:
        return StoreBusy(
            f"The store ({place}) is held by another program for more than {BUSY_SECONDS} seconds.",
            hint="Try again when it is done.",
        )
    if code is not None and code & 0xFF == sqlite3.SQLITE_NOTADB:
        return StoreError(f"The file {place} is no SQLite database.", hint=_HINT)
    if code is not None and code & 0xFF in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return StoreError(
            f"The store ({place}) cannot be written to.", hint="Check the permissions of it and its folder."
        )
    refusal = refused(error.orig, SETTING) if error.orig is not None and code is None else None
    if refusal is not None:
        return StoreError(f"The store ({place}) {refusal[0]}.", hint=refusal[1])
    name = getattr(error.orig, "sqlite_errorname", None) or state
    return StoreError(f"The store ({place}) cannot be used: {name}.", hint=_HINT)


def _migrate(store: Store, place: str) -> None:
    """Bring the schema up to date, in one transaction; of several programs one does it and the others wait."""
    head = newest_migration()
    with store.read() as connection:
        if _version(connection) == head:
            return
    with store.begin(alone=True) as connection:
        version = _version(connection)
        if version is not None and version > head:
            raise StoreError(
                f"The store ({place}) was written by a later version of this program.", hint="Update customer-research."
            )
        if version != head:
            _upgrade(connection)


def newest_migration() -> str:
    """The number of the newest migration that this program has (known without loading alembic)."""
    folder = resources.files("customer_research.store").joinpath("migrations", "versions")
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(".py"))
    return max(name.partition("_")[0] for name in names if name[0].isdigit())


def _version(connection: sa.Connection) -> str | None:
    """The number of the migration that the database has; None for one that has none."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if found is None else str(found)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - start-up time: needed once in a store's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "customer_research.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
