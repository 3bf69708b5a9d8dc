"""An open way to the app's database: transactions that read, each with its own bounds, and what its failures mean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from customer_research.connect.http import Pace
from customer_research.connect.latest import LATEST
from customer_research.connect.limits import bucket
from customer_research.connect.postgres import (
    NO_DATABASE,
    NO_TLS,
    NOT_ADMITTED,
    UNREACHABLE,
    WRONG_LOGIN,
    read_address,
    refused,
)
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.domain.evidence import Gap
from customer_research.errors import (
    BadAnswer,
    ConfigError,
    Denied,
    ExtraMissing,
    SchemaChanged,
    SourceError,
    Unavailable,
)
from customer_research.sources.app_database import statements
from customer_research.sources.app_database.normalise import SOURCE_NAME
from customer_research.sources.app_database.records import INSTANTS, LOGICAL
from customer_research.sources.app_database.settings import TABLE, AppDatabaseSettings

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
Types = Mapping[str, str]
"""A table's columns, each with its type as Postgres writes it."""

ATTEMPTS = 4
"""How often a transaction is tried that was called off, or whose connection was cut."""

CONNECT_SECONDS = 5
FIRST_WAIT = 0.2

AGAIN = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300"})
"""SQLSTATEs after which the same transaction may come through: a standby calls off what holds up its replay (40001), a server restarts."""

NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric"})
"""Types of a status that would need the app's own list of what its numbers mean."""

TIMED_OUT, NOT_SUPPORTED = "57014", "0A000"
_REFUSED: Mapping[str, str] = {
    WRONG_LOGIN[0]: "Correct the role in app_database.url, or app_database.password.",
    NOT_ADMITTED[
        0
    ]: "Have the server's pg_hba.conf admit the role from here, with the encryption that app_database.tls asks for.",
    NO_DATABASE[0]: "Correct the database in app_database.url.",
    NO_TLS[0]: "Correct app_database.tls or app_database.root_certificate; the server must offer what they ask for.",
}
"""What a server refuses → what to do about it, by our settings: password and encryption stand in no address here."""
_ROLE = "Grant it as role.sql beside this source does; `customer-research doctor --online` names what is lacking."
_DOCTOR = "`customer-research doctor --online` compares the mapping with the tables."


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the server is a standby, and how far behind: bytes received and not replayed, seconds since it replayed last."""

    in_recovery: bool | None
    behind_bytes: int | None = None
    receiving: bool = False
    replayed_ago: float | None = None

    def behind(self) -> timedelta | None:
        """By how much it may lag; None: it is no standby, or has replayed all that it received.

        The instant of the last replay alone says nothing: on a quiet primary it ages though nothing is missing. Without a receiver, or
        with something left to replay, it is what there is.
        """
        if not self.in_recovery or (self.receiving and self.behind_bytes == 0):
            return None
        return timedelta.max if self.replayed_ago is None else timedelta(seconds=max(self.replayed_ago, 0.0))


class Ask:
    """One transaction; statements are those of `statements`, values are parameters."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], log: RequestLog) -> None:
        self._connection, self._log = connection, log

    async def __call__(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of one statement."""
        self._log.sent("SQL", sql.split(maxsplit=1)[0])
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql.encode(), list(values))
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]

    async def standing(self) -> Standing:
        """Whether it is a standby, and how far behind; a server that has no such functions tells nothing."""
        import psycopg  # noqa: PLC0415 - an extra, and slow to import

        try:
            async with self._connection.transaction():  # a savepoint
                (row,) = await self(statements.STANDING)
        except psycopg.errors.FeatureNotSupported:
            return Standing(None)
        return Standing(row["in_recovery"], row["behind_bytes"], row["receiving"], row["replayed_ago"])


class AppDatabaseSession:
    """Connections to one replica, opened when needed.

    Raises:
        ConfigError: no address.
        ExtraMissing: the driver is not installed.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, pace: Pace | None = None) -> None:
        try:
            import psycopg  # noqa: F401, PLC0415 - an extra, and slow to import
        except ImportError as error:
            raise ExtraMissing("The app's database needs Postgres' driver", "postgres") from error
        self.own = settings.of(AppDatabaseSettings)
        gap = self.own.missing()
        if gap is not None:
            raise ConfigError(gap.detail, setting="app_database.url", hint=gap.next_step)
        address = read_address(self.own.url, "app_database.url")
        self.bounds = settings.bounds
        self.place = f"{address.place}, mapping {self.own.mapping_digest}"
        self._server, self._clock, self._pace = address.place, clock, pace or Pace()
        self._libpq = {**address.libpq, **_encryption(self.own)}
        self._deadline = settings.deadline_seconds
        self._gate = asyncio.Semaphore(self.own.concurrency)
        self._bucket = bucket(self.own.requests_per_second)
        self.too_many = set[tuple[str, str]]()
        """Kinds of records, each with the operator who proved to have more of them than are taken at once: these are not read again."""
        self._idle: list[psycopg.AsyncConnection[Any]] = []

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            await self._idle.pop().close()

    def log(self, stream: str) -> RequestLog:
        """A new log of a stream's statements."""
        return RequestLog(SOURCE_NAME, stream, self.place, self._clock)

    async def run(self, log: RequestLog, seconds: float, work: Callable[[Ask], Awaitable[T]]) -> T:
        """What *work* gives within one transaction that only reads, each statement of which may take so many seconds.

        A transaction that was called off or cut off is tried anew, a few times.

        Raises:
            SourceError: the server is out of reach, refuses the role, or failed; nothing of what it said is repeated.
        """
        import psycopg  # noqa: PLC0415 - an extra, and slow to import

        left = LATEST.get() - self._pace.timer()
        try:
            async with asyncio.timeout(max(min(self._deadline, left), 0.0)), self._gate:
                for attempt in range(1, ATTEMPTS + 1):
                    try:
                        await self._bucket.acquire()
                        async with self._connected() as connection:
                            return await self._transaction(connection, log, seconds, work)
                    except psycopg.Error as error:
                        failure = self._failure(error, log.stream)
                        if attempt == ATTEMPTS or not _again(error, failure):
                            raise failure from None
                    await self._pace.sleep(FIRST_WAIT * 2 ** (attempt - 1) * (1 + self._pace.jitter()))
        except TimeoutError:
            said = "in the time that was left" if left < self._deadline else f"within {self._deadline:g} s"
            raise self._error(Unavailable, f"did not answer {said}", log.stream, _LATER) from None
        raise AssertionError("unreachable")

    async def _transaction(
        self,
        connection: psycopg.AsyncConnection[Any],
        log: RequestLog,
        seconds: float,
        work: Callable[[Ask], Awaitable[T]],
    ) -> T:
        ask = Ask(connection, log)
        async with connection.transaction():
            async with connection.cursor() as cursor:
                await cursor.execute(statements.SURROUNDINGS.encode(), [str(int(seconds * 1000))])
            return await work(ask)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A connection; one on which anything failed is not used again."""
        connection = self._idle.pop() if self._idle else await self._opened()
        try:
            yield connection
        except BaseException:
            with suppress(Exception):
                await connection.close()
            raise
        self._idle.append(connection)

    async def _opened(self) -> psycopg.AsyncConnection[Any]:
        import psycopg  # noqa: PLC0415 - an extra, and slow to import
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415

        connection: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
            make_conninfo("", connect_timeout=CONNECT_SECONDS, **self._libpq),
            autocommit=True,
            prepare_threshold=None,  # a pooler gives each transaction another server's process
            cursor_factory=psycopg.AsyncRawCursor,
        )
        await connection.set_read_only(True)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        return connection

    # -- failures -----------------------------------------------------------------------------------------------------

    def _failure(self, error: psycopg.Error, stream: str) -> SourceError:
        """What a failure means; never the driver's words, which may hold values."""
        import psycopg  # noqa: PLC0415 - an extra, and slow to import

        state = error.sqlstate
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            return self._error(Denied, "does not let this role read what the mapping names", stream, _ROLE)
        if isinstance(
            error, psycopg.errors.UndefinedColumn | psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName
        ):
            return self._error(SchemaChanged, "has no longer what the mapping names", stream, _DOCTOR)
        if state == TIMED_OUT:
            return self._error(Unavailable, "ended a statement that took too long", stream, _SLOW)
        if state in {"40001", "40P01", "55P03"}:
            return self._error(Unavailable, f"called the reading off {ATTEMPTS} times", stream, _CALLED_OFF)
        words = refused(error, "app_database.url") if isinstance(error, psycopg.OperationalError) else None
        if words is None:
            return self._error(BadAnswer, f"failed ({state or type(error).__name__})", stream, _DOCTOR)
        does, hint = words
        return self._error(Denied if does in _REFUSED else Unavailable, does, stream, _REFUSED.get(does, hint))

    def _error(self, kind: type[SourceError], does: str, stream: str, hint: str) -> SourceError:
        return kind(f"The app's database ({self._server}) {does}.", source=SOURCE_NAME, stream=stream, hint=hint)

    # -- what there is ------------------------------------------------------------------------------------------------

    def mapping(self, kind: str) -> Mapping[str, str]:
        """The mapping of one kind of records.

        Raises:
            Unmapped: there is none.
        """
        if kind not in self.own.mapping:
            raise Unmapped(kind)
        return self.own.mapping[kind]

    async def types(self, ask: Ask, kind: str) -> Types:
        """The types of a mapped table's columns, looked up before anything is read of it.

        Raises:
            SchemaChanged: the table, or a mapped column, is not there, or no instant, or no word, where one is needed.
            Denied: the role may not read a mapped column.
            ConfigError: instants have no zone, and the settings tell none.
        """
        mapping = self.mapping(kind)
        found = await ask(statements.COLUMNS, *statements.place_of(mapping))
        types = {row["name"]: str(row["type"]) for row in found}
        columns = {name: column for name, column in mapping.items() if name != TABLE}
        if gone := sorted({column for column in columns.values() if column not in types}):
            what = (
                f"has no table {mapping[TABLE]}"
                if not types
                else f"has no column {', '.join(gone)} in {mapping[TABLE]}"
            )
            raise self._error(SchemaChanged, what, kind, f"Correct app_database.mapping.{kind}; {_DOCTOR}")
        readable = {row["name"] for row in found if row["readable"]}
        if refused_ones := sorted(set(columns.values()) - readable):
            what = f"does not let this role read {', '.join(refused_ones)} of {mapping[TABLE]}"
            raise self._error(Denied, what, kind, _ROLE)
        self._check_instants(kind, columns, types)
        if types.get(columns.get("status", "")) in NUMBERS:
            status = columns["status"]
            what = f"has no words in the column {status} ({types[status]})"
            raise self._error(SchemaChanged, what, kind, "Make a view that gives the status in words, and map that.")
        return types

    def _check_instants(self, kind: str, columns: Mapping[str, str], types: Types) -> None:
        for name, column in columns.items():
            stored = types[column]
            marks = name == "deleted" and stored != "boolean"
            if name not in INSTANTS and not marks:
                continue
            if not stored.startswith(("timestamp", "date")):
                raise self._error(SchemaChanged, f"has no instants in the column {column} ({stored})", kind, _DOCTOR)
            if "with time zone" not in stored and not self.own.zone:
                detail = f"The column {column} has instants without a zone, and app_database.zone is not set."
                hint = "Set app_database.zone to the zone in which the app writes them, e.g. UTC."
                raise ConfigError(detail, setting="app_database.zone", hint=hint)

    def stale(self, standing: Standing, kind: str) -> Gap | None:
        """The gap of a replica that lags by more than the settings allow; None: it does not, as far as it tells."""
        behind = standing.behind()
        if behind is None or behind <= timedelta(minutes=self.own.stale_minutes):
            return None
        lag = "by an unknown time" if behind == timedelta.max else f"by {behind.total_seconds() / 60:.0f} minutes"
        detail = f"The replica of the app's database lags {lag} ({LOGICAL[kind].table} records)."
        return Gap(SOURCE_NAME, "stale", detail, "Look at its replication; it is used again when it has caught up.")


class Unmapped(ConfigError):  # noqa: N818 - read as a statement
    """Nobody has said where records of this kind are: they are not read here."""

    def __init__(self, kind: str) -> None:
        detail = f"app_database.mapping has no {kind}: the warehouse tells of these records alone."
        super().__init__(detail, setting="app_database.mapping", hint=f"Set app_database.mapping.{kind}; {_DOCTOR}")

    @property
    def gap(self) -> Gap:
        """The gap of its table."""
        return Gap(SOURCE_NAME, "not_configured", self.message, self.hint)


_LATER = "Run the same command again later; `customer-research doctor --online` tests the connection."
_SLOW = "Add an index on the operator's column, or raise app_database.live_seconds or bulk_seconds."
_CALLED_OFF = (
    "Run it again; if it stays, raise max_standby_streaming_delay at the replica, or set hot_standby_feedback."
)


def _again(error: psycopg.Error, failure: SourceError) -> bool:
    """Whether the same transaction may come through when it is tried anew."""
    cut = error.sqlstate is None and isinstance(failure, Unavailable) and UNREACHABLE[0] in failure.message
    return error.sqlstate in AGAIN or cut or (error.sqlstate or "").startswith("08")


def _encryption(own: AppDatabaseSettings) -> dict[str, str]:
    """What libpq is told of password and TLS, by its own names; without a file the system's authorities are trusted."""
    checks = own.tls.startswith("verify")
    root = str(own.root_certificate) if own.root_certificate is not None else "system" if checks else ""
    told = {"sslmode": own.tls, "sslrootcert": root, "password": own.secret}
    return {name: value for name, value in told.items() if value}


def limit_of(bounds: int, columns: Sequence[str]) -> int:
    """How many records may come, so that no more values come than are taken of one answer."""
    return max(bounds // max(len(columns), 1), 1)
