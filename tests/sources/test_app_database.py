"""The app's database as a source, over a real Postgres with the shipped role: what it gives, refuses, and says when it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from app_postgres import AS_OF, MAPPING, PASSWORD, ROLE, certified, opened, served, settings_of, standby_of
from pydantic import ValidationError
from worlds import Worlds

from customer_research.connect.latest import LATEST
from customer_research.connect.source import Batch, Pull, Slice, Source, Subject
from customer_research.domain.check import Diagnosis
from customer_research.errors import ConfigError, Denied, SchemaChanged, SourceError, Truncated, Unavailable
from customer_research.record_tables import TABLES
from customer_research.sources import discover
from customer_research.sources.app_database import bulk, discovery, live, statements
from customer_research.sources.app_database.records import INSTANTS, LOGICAL
from customer_research.sources.app_database.session import AppDatabaseSession, Ask, Standing
from customer_research.sources.app_database.settings import AppDatabaseSettings
from customer_research_sandbox.servers.app_database import AppDatabase

T = TypeVar("T")
OPERATOR = "00000000-5ce0-11f0-a000-000000000005"


def source() -> Source:
    return discover()["app_database"]


@pytest.fixture(scope="module")
def app(worlds: Worlds) -> Iterator[AppDatabase]:
    with served(worlds.dataset().warehouse) as running:
        yield running


def with_session(app: AppDatabase, work: Callable[[AppDatabaseSession], Awaitable[T]], **own: Any) -> T:
    async def run() -> T:
        session = opened(app, **own)
        try:
            return await work(session)
        finally:
            await session.close()

    return asyncio.run(run())


def fetched(app: AppDatabase, kind: str, operator: str = OPERATOR, **own: Any) -> Batch:
    stream = next(one for one in source().streams if one.name == f"{kind}s")
    return with_session(app, lambda session: stream.fetch(session, Subject(operator, AS_OF)), **own)


def checked(app: AppDatabase, name: str, **own: Any) -> Diagnosis:
    check = next(one for one in source().checks if one.name == name)
    return with_session(app, lambda session: check.run(session, None), **own)


@contextmanager
def altered(app: AppDatabase, change: str, back: str) -> Iterator[None]:
    """While the administrator has changed something."""
    with app.administrator() as connection:
        connection.execute(change.encode())
        try:
            yield
        finally:
            connection.execute(back.encode())


def failed(app: AppDatabase, kind: str = "driver", **own: Any) -> SourceError:
    """How a fetch fails; no failure tells the password."""
    with pytest.raises(SourceError) as caught:
        fetched(app, kind, **own)
    told = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert PASSWORD not in told
    assert ROLE not in caught.value.message
    assert caught.value.__cause__ is None
    return caught.value


# -- what it gives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LOGICAL)
def test_rows_have_the_canonical_columns_of_the_warehouses_table(kind: str) -> None:
    own = LOGICAL[kind]
    assert dict(own.columns) == TABLES[own.table].types()
    assert own.table in source().streams[list(LOGICAL).index(kind)].tables


def test_one_operators_members_are_those_of_the_world(app: AppDatabase, worlds: Worlds) -> None:
    batch = fetched(app, "member")
    world = [row for row in worlds.dataset().warehouse["POSTGRES_SWOOP.USER"].rows if row["OPERATOR_ID"] == OPERATOR]
    assert world
    assert {
        row["member_id"]: (row["name"], row["last_login_at"], row["created_at"]) for row in batch.tables["member"]
    } == {
        row["USER_ID"]: (f"{row['FIRST_NAME']} {row['LAST_NAME']}", row["LAST_LOGIN_AT"], row["CREATED_AT"])
        for row in world
    }
    (receipt,) = batch.receipts
    assert receipt.source == "app_database"
    assert '"app"."users"' in receipt.query
    assert "password_digest" not in receipt.query
    assert PASSWORD not in repr(receipt)
    assert not batch.gaps


def test_an_operator_of_another_kind_of_id_has_nothing_and_a_kind_that_is_not_mapped_is_left_to_the_warehouse(
    app: AppDatabase,
) -> None:
    assert fetched(app, "trip", "legacy:12345").tables == {"reservation": []}
    only = {"member": MAPPING["member"]}
    gap = fetched(app, "driver", mapping=only).gaps["driver"]
    assert (gap.source, gap.reason) == ("app_database", "not_configured")


def test_keys_of_a_fixed_length_are_whole_ones(app: AppDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value cast to `character` is cut to its first sign: nothing would be found, and a pull would bring its first slice for ever."""
    expected = fetched(app, "driver").tables["driver"]
    assert expected
    monkeypatch.setattr(bulk, "SLICE_ROWS", 100)
    columns = ("id", "operator_id")
    change = ", ".join(f"ALTER {column} TYPE character(60)" for column in columns)
    back = ", ".join(f"ALTER {column} TYPE text" for column in columns)
    with altered(app, f"ALTER TABLE app.drivers {change}", f"ALTER TABLE app.drivers {back}"):
        found = fetched(app, "driver").tables["driver"]
        slices = pulled(app, "driver", most=20)
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert len(keys(slices)) == len(set(keys(slices)))


@pytest.mark.parametrize(
    ("number", "stored", "expected"),
    [
        ("2147483647", "integer", "2147483647"),
        ("2147483648", "integer", None),
        ("40000", "smallint", None),
        ("9007199254740991", "bigint", "9007199254740991"),
        ("9223372036854775808", "bigint", None),
        ("9223372036854775808", "numeric", "9223372036854775808"),
        ("12x", "numeric", None),
    ],
)
def test_a_number_is_asked_for_where_its_column_can_have_it(number: str, stored: str, expected: str | None) -> None:
    assert live._as_stored(f"legacy:{number}", stored) == expected


def test_more_records_than_are_taken_at_once_are_no_short_list_and_are_not_read_again(app: AppDatabase) -> None:
    async def few(session: AppDatabaseSession) -> tuple[int, ...]:
        session.bounds = session.bounds.model_copy(update={"values": 40})
        asked, run = list[str](), session.run

        async def counted(log: Any, *given: Any) -> Any:
            asked.append(log.stream)
            return await run(log, *given)

        session.run = counted  # type: ignore[method-assign,assignment]
        sent = []
        for operator_id in (OPERATOR, OPERATOR, "00000000-0000-0000-0000-000000000000"):
            with (
                pytest.raises(Truncated, match=r"more than 1 reservation records")
                if operator_id == OPERATOR
                else nullcontext()
            ):
                await source().streams[0].fetch(session, Subject(operator_id, AS_OF))
            sent.append(len(asked))
        return tuple(sent)

    assert with_session(app, few) == (1, 1, 2)


def test_instants_without_a_zone_need_the_setting(app: AppDatabase) -> None:
    shape = "id text, operator_id text, created_at timestamp, deactivated_at timestamp, removed_at timestamp"
    made = (
        f"CREATE TABLE app.naive ({shape}); GRANT SELECT ON app.naive TO {ROLE};"
        f"INSERT INTO app.naive VALUES ('d', '{OPERATOR}', '2026-07-01 12:00', NULL, NULL)"
    )
    columns = {column: column for column in LOGICAL["driver"].needed if column != "driver_id"}
    own = {"driver": {"table": "app.naive", "driver_id": "id", **columns}}
    with altered(app, made, "DROP TABLE app.naive"):
        with pytest.raises(ConfigError, match=r"created_at has instants without a zone"):
            fetched(app, "driver", mapping=own)
        (row,) = fetched(app, "driver", mapping=own, zone="America/Los_Angeles").tables["driver"]
    assert row["created_at"] == datetime(2026, 7, 1, 19, tzinfo=UTC)


# -- the role ---------------------------------------------------------------------------------------------------------

REFUSED = (
    "INSERT INTO app.drivers (id, operator_id) VALUES ('x', 'y')",
    "UPDATE app.users SET role = 'owner'",
    "CREATE TABLE app.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "COPY app.drivers (id) TO PROGRAM 'true'",
    "SELECT * FROM app.users",
    "SELECT password_digest FROM app.users",
    "SELECT name FROM app.operators",
)


@pytest.mark.parametrize("sql", REFUSED)
def test_the_shipped_role_refuses_what_it_must(app: AppDatabase, sql: str) -> None:
    """Even to one who has switched its defaults off: the grants hold."""
    with psycopg.connect(app.url, password=PASSWORD, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(sql.encode())


def test_doctor_finds_the_shipped_role_right_and_names_what_another_may_do(app: AppDatabase) -> None:
    assert checked(app, "role").status == "ok"
    with altered(app, f"GRANT SELECT ON app.users TO {ROLE}", f"REVOKE SELECT ON app.users FROM {ROLE}"):
        told = checked(app, "role")
        assert (told.status, "app.users.password_digest" in told.found) == ("fail", True)
    with (
        app.administrator() as connection
    ):  # a grant on a table takes those on its columns with it when it is taken back
        connection.execute(
            f"GRANT SELECT ({', '.join(list(MAPPING['member'].values())[1:])}) ON app.users TO {ROLE}".encode()
        )
    grants = {
        "may write to app.drivers": ("GRANT INSERT ON app.drivers TO {}", "REVOKE INSERT ON app.drivers FROM {}"),
        "pg_execute_server_program": (
            "GRANT pg_execute_server_program TO {}",
            "REVOKE pg_execute_server_program FROM {}",
        ),
        "goes around row security": ("ALTER ROLE {} BYPASSRLS", "ALTER ROLE {} NOBYPASSRLS"),
        "may create in app": ("GRANT CREATE ON SCHEMA app TO {}", "REVOKE CREATE ON SCHEMA app FROM {}"),
    }
    for words, (given, taken) in grants.items():
        with altered(app, given.format(ROLE), taken.format(ROLE)):
            told = checked(app, "role")
            assert (told.status, words in told.found) == ("fail", True), told
    assert checked(app, "role").status == "ok"


def test_doctor_names_ids_that_one_operators_statement_would_not_find(app: AppDatabase) -> None:
    """A list reads an id in any spelling, a report asks for one: it would find nothing where doctor found all well."""
    assert checked(app, "ids").status == "ok"
    with altered(
        app,
        "UPDATE app.drivers SET operator_id = upper(operator_id)",
        "UPDATE app.drivers SET operator_id = lower(operator_id)",
    ):
        told = checked(app, "ids", mapping={"driver": MAPPING["driver"]})
    assert told.status == "fail"
    assert "in lower case, with dashes" in told.fix


def test_a_primary_is_used_and_doctor_warns(app: AppDatabase) -> None:
    told = checked(app, "connection")
    assert told.status == "warn"
    assert "no standby" in told.found


def test_the_catalogue_proposes_the_mapping_and_no_table_is_read(app: AppDatabase) -> None:
    told = checked(app, "mapping", mapping={})
    assert told.settings == {f"app_database.mapping.{kind}": columns for kind, columns in MAPPING.items()}
    assert '[app_database.mapping.trip]\ntable = "app.trips"' in told.fix
    assert "operator: app.operators (about 5" in told.found
    assert checked(app, "mapping").status == checked(app, "ids").status == "ok"
    assert checked(app, "mapping", mapping={"trip": MAPPING["trip"]}).status == "warn"


def test_amounts_that_are_called_cents_are_proposed_as_cents() -> None:
    """Else every amount would be a hundred times as large."""
    words = {"total": "total_cents", "paid": "paid_cents", "due": "due_cents"}
    columns = {name: words.get(name, column) for name, column in MAPPING["trip"].items() if name != "table"}
    kinds = dict.fromkeys(INSTANTS, "timestamp with time zone")
    common = {"schema": "app", "name": "trips", "rows": 9.0, "readable": True, "in_key": True, "nulls": 0.0}
    found = [{**common, "column": column, "type": kinds.get(name, "text")} for name, column in columns.items()]
    (proposed,) = discovery.proposals(found)
    assert proposed.mapping["total"] == "total_cents"
    assert "set app_database.amounts to minor" in proposed.text
    assert proposed.amounts == "minor"
    plain = [{**row, "column": str(row["column"]).replace("_cents", "")} for row in found]
    (dollars,) = discovery.proposals(plain)
    assert (dollars.amounts, "minor" in dollars.text) == ("", False)
    some = [{**row, "column": str(row["column"]).replace("paid_cents", "paid")} for row in found]
    (mixed,) = discovery.proposals(some)
    assert mixed.amounts == ""
    assert "give all amounts in one unit" in mixed.text


# -- faults -----------------------------------------------------------------------------------------------------------


def test_a_lost_column_is_named_before_anything_is_read(app: AppDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    async def listening(session: AppDatabaseSession) -> Batch:
        logged = session.log
        monkeypatch.setattr(session, "log", lambda stream: _heard(logged(stream), sent))
        return await source().streams[2].fetch(session, Subject(OPERATOR, AS_OF))

    with altered(
        app,
        "ALTER TABLE app.drivers RENAME removed_at TO gone_at",
        "ALTER TABLE app.drivers RENAME gone_at TO removed_at",
    ):
        with pytest.raises(SchemaChanged, match=r"no column removed_at in app\.drivers"):
            with_session(app, listening)
        assert len(sent) == 1
        assert checked(app, "mapping").status == "fail"
    with altered(app, "ALTER TABLE app.drivers RENAME TO chauffeurs", "ALTER TABLE app.chauffeurs RENAME TO drivers"):
        assert "has no table app.drivers" in failed(app).message


def _heard(log: Any, sent: list[str]) -> Any:
    sending = log.sent

    def hear(method: str, target: str, body: Any = None) -> None:
        sent.append(target)
        sending(method, target, body)

    log.sent = hear
    return log


def test_statuses_that_are_numbers_are_no_trips_of_another_status(app: AppDatabase) -> None:
    """Their words are the app's own: taken as they are, no trip would be a completed one."""
    with app.administrator() as connection:
        connection.execute("CREATE VIEW app.numbered AS SELECT *, 3 AS state FROM app.trips")
        connection.execute(f"GRANT SELECT ON app.numbered TO {ROLE}".encode())
    try:
        error = failed(app, "trip", mapping={"trip": {**MAPPING["trip"], "table": "app.numbered", "status": "state"}})
    finally:
        with app.administrator() as connection:
            connection.execute("DROP VIEW app.numbered")
    assert isinstance(error, SchemaChanged)
    assert "has no words in the column state (integer)" in error.message
    assert "view" in error.hint


def test_a_column_that_may_no_longer_be_read_and_a_wrong_password_are_denied(app: AppDatabase) -> None:
    given = f"GRANT SELECT (removed_at) ON app.drivers TO {ROLE}"
    with altered(app, f"REVOKE SELECT (removed_at) ON app.drivers FROM {ROLE}", given):
        error = failed(app)
        assert isinstance(error, Denied)
        assert "removed_at of app.drivers" in error.message
    error = failed(app, password="another")
    assert isinstance(error, Denied)
    assert "app_database.password" in error.hint
    with altered(app, f"ALTER ROLE {ROLE} NOLOGIN", f"ALTER ROLE {ROLE} LOGIN"):
        assert isinstance(failed(app), Denied)


def test_the_servers_name_and_certificate_are_checked(app: AppDatabase, tmp_path: Path) -> None:
    root = tmp_path / "authority.pem"
    error = failed(app, tls="require")  # it offers no TLS yet
    assert isinstance(error, Denied)
    assert "app_database.tls" in error.hint
    assert "sslmode" not in error.hint
    root.write_bytes(certified(app).read_bytes())
    assert fetched(app, "driver", tls="verify-full", root_certificate=root).tables["driver"]
    assert "TLS" in checked(app, "connection", tls="require").found
    assert isinstance(failed(app, tls="verify-full"), Denied)  # nobody the system trusts has signed it
    elsewhere = app.url.replace("127.0.0.1", "localhost")
    assert isinstance(failed(app, tls="verify-full", root_certificate=root, url=elsewhere), Denied)
    assert fetched(app, "driver", tls="verify-ca", root_certificate=root, url=elsewhere).tables["driver"]


def test_a_statement_that_takes_too_long_is_ended_by_the_server(app: AppDatabase) -> None:
    listed = ", ".join(LOGICAL["driver"].needed).replace("driver_id", "id")
    made = "CREATE VIEW app.slow AS SELECT * FROM app.drivers WHERE pg_sleep(10) IS NOT NULL;"
    slow = {"driver": {**MAPPING["driver"], "table": "app.slow"}}
    del slow["driver"]["updated_at"]
    begun = time.monotonic()
    with altered(app, f"{made} GRANT SELECT ({listed}) ON app.slow TO {ROLE}", "DROP VIEW app.slow"):
        error = failed(app, mapping=slow, live_seconds=0.3)
    assert time.monotonic() - begun < 3
    assert isinstance(error, Unavailable)
    assert "took too long" in error.message


def test_a_slow_server_is_not_waited_for_beyond_the_time_that_who_asked_has_left(app: AppDatabase) -> None:
    """Else a whole report was too late for one source, where a gap of it does."""
    listed = ", ".join(LOGICAL["driver"].needed).replace("driver_id", "id")
    made = "CREATE VIEW app.slow AS SELECT * FROM app.drivers WHERE pg_sleep(10) IS NOT NULL;"
    slow = {"driver": {**MAPPING["driver"], "table": "app.slow"}}
    del slow["driver"]["updated_at"]
    with altered(app, f"{made} GRANT SELECT ({listed}) ON app.slow TO {ROLE}", "DROP VIEW app.slow"):
        begun = time.monotonic()
        token = LATEST.set(begun + 0.5)
        try:
            error = failed(app, mapping=slow, live_seconds=4)
        finally:
            LATEST.reset(token)
    assert time.monotonic() - begun < 3
    assert isinstance(error, Unavailable)
    assert "did not answer in the time that was left" in error.message


def test_a_connection_that_was_cut_is_opened_anew(app: AppDatabase) -> None:
    async def twice(session: AppDatabaseSession) -> tuple[Batch, Batch]:
        stream, subject = source().streams[2], Subject(OPERATOR, AS_OF)
        first = await stream.fetch(session, subject)
        with app.administrator() as connection:
            connection.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'".encode()
            )
        return first, await stream.fetch(session, subject)

    first, second = with_session(app, twice)
    assert first.tables == second.tables
    assert first.tables["driver"]


def test_each_transaction_only_reads_and_is_bounded_and_nothing_is_prepared(app: AppDatabase) -> None:
    async def look(session: AppDatabaseSession) -> list[Any]:
        async def work(ask: Ask) -> list[Any]:
            names = "transaction_read_only statement_timeout lock_timeout search_path TimeZone application_name"
            told = [(await ask(f"SHOW {name}"))[0] for name in names.split()]
            return [
                *(next(iter(one.values())) for one in told),
                (await ask("SELECT count(*) AS n FROM pg_prepared_statements"))[0]["n"],
            ]

        for _ in range(7):  # the driver would prepare after five
            last = await session.run(session.log("look"), 5, work)
        return last

    default = f"ALTER ROLE {ROLE} SET default_transaction_read_only = "
    with altered(app, f"{default}off", f"{default}on"):  # it is not the role's default that holds
        assert with_session(app, look) == ["on", "5s", "2s", "pg_catalog", "UTC", "customer-research", 0]


# -- a standby --------------------------------------------------------------------------------------------------------


def test_a_standby_tells_its_lag_and_a_reading_that_it_calls_off_is_tried_again_until_it_is_down(
    app: AppDatabase,
) -> None:
    primary = app
    with standby_of(primary) as standby:
        told = checked(standby, "connection")
        assert "a standby with" in told.found
        assert not fetched(standby, "driver", stale_minutes=1e-6).gaps  # quiet for a while, and nothing is missing
        attempts: list[int] = []

        async def interrupted(ask: Ask) -> list[dict[str, Any]]:
            attempts.append(1)
            found = await ask(statements.operators(MAPPING["driver"]), 5)
            if (
                len(attempts) == 1
            ):  # what the reading may still see is removed at the primary, and the standby replays it
                with primary.administrator() as connection:
                    connection.execute("UPDATE app.drivers SET phone = phone")
                    connection.execute("VACUUM (FREEZE) app.drivers")
                await asyncio.sleep(0.5)
            await ask(statements.operators(MAPPING["driver"]), 5)
            return found

        assert with_session(standby, lambda session: session.run(session.log("driver"), 5, interrupted))
        assert len(attempts) == 2
        with standby.administrator() as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
        with primary.administrator() as connection:
            connection.execute("UPDATE app.drivers SET phone = phone")
            connection.execute("SELECT pg_switch_wal()")
        time.sleep(0.3)
        gap = fetched(standby, "driver", stale_minutes=1e-6).gaps["driver"]
        assert (gap.source, gap.reason) == ("app_database", "stale")
        assert not fetched(standby, "driver").gaps  # an hour is allowed
        standby.stop()
        begun = time.monotonic()
        error = failed(standby)
        assert isinstance(error, Unavailable)
        assert "does not answer" in error.message
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("standing", "minutes"),
    [
        (Standing(None), None),
        (Standing(in_recovery=False), None),
        (Standing(True, 0, receiving=True, replayed_ago=9e9), None),
        (Standing(True, 1, receiving=True, replayed_ago=120), 2),
        (Standing(True, 0, receiving=False, replayed_ago=120), 2),
        (Standing(True, None, receiving=False, replayed_ago=None), timedelta.max.total_seconds() / 60),
    ],
)
def test_how_far_a_server_may_lag(standing: Standing, minutes: float | None) -> None:
    behind = standing.behind()
    assert (behind and behind.total_seconds() / 60) == minutes


# -- everybody's ------------------------------------------------------------------------------------------------------


def pulled(
    app: AppDatabase, kind: str, resume: str | None = None, since: str | None = None, most: int = 10_000, **own: Any
) -> list[Slice]:
    """The slices of a pull, or the first of them."""
    stream = next(one for one in source().bulk if one.name == f"{kind}s")
    asked = Pull(AS_OF, since, resume, timedelta(days=2), lambda _sql: [])

    async def run(session: AppDatabaseSession) -> list[Slice]:
        found: list[Slice] = []
        async for piece in stream.pull(session, asked):
            found.append(piece)
            if len(found) == most:
                break
        return found

    return with_session(app, run, **own)


def keys(slices: list[Slice]) -> list[str]:
    return [
        row[f"{name.removeprefix('app_database_')}_id"]
        for piece in slices
        for name, rows in piece.rows.items()
        for row in rows
    ]


def test_a_pull_brings_each_record_once_whether_cut_off_or_not(
    app: AppDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = pulled(app, "driver")
    monkeypatch.setattr(bulk, "SLICE_ROWS", 100)
    first = pulled(app, "driver", most=2)
    rest = pulled(app, "driver", resume=first[-1].cursor)
    assert len(first) == 2
    assert sorted(keys([*first, *rest])) == sorted(keys([whole]))
    assert len(set(keys([whole]))) == len(keys([whole])) > 400
    assert (rest[-1].whole, whole.whole) == (("app_database_driver",),) * 2
    assert rest[-1].mark == whole.mark
    changed = pulled(app, "driver", since=(AS_OF - timedelta(days=300)).isoformat())
    assert 0 < len(keys(changed)) < len(keys([whole]))
    assert not changed[-1].whole
    again = [*pulled(app, "driver", since=(AS_OF - timedelta(days=300)).isoformat(), most=1)]
    assert keys(
        [*again, *pulled(app, "driver", since=(AS_OF - timedelta(days=300)).isoformat(), resume=again[-1].cursor)]
    ) == keys(changed)


def test_what_was_deleted_or_changed_since_the_mark_comes_by_itself(app: AppDatabase) -> None:
    whole = pulled(app, "trip")
    mark = whole[-1].mark
    assert mark is not None
    victim, other = keys(whole[:1])[:2]
    late = AS_OF - timedelta(hours=1)
    sql = "UPDATE app.trips SET {} = %s, updated_at = %s WHERE id = %s"
    with app.administrator() as connection:
        before = connection.execute("SELECT updated_at FROM app.trips WHERE id = %s", [victim]).fetchone()
        connection.execute(sql.format("deleted_at").encode(), [late, late, victim])
        connection.execute(sql.format("pickup_at").encode(), [late, late, other])
    try:
        (changed,) = pulled(app, "trip", since=mark)
        assert (victim,) in changed.gone["app_database_trip"]
        assert other in keys([changed])
        assert victim not in keys([changed])
        assert victim not in keys(pulled(app, "trip", most=1))
    finally:
        with app.administrator() as connection:
            assert before is not None
            connection.execute(sql.format("deleted_at").encode(), [None, before[0], victim])


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"url": f"postgresql://role:{PASSWORD}@db.example/app"}, "the password has a setting of its own"),
        ({"url": f"postgresql://role@db.example/app?password={PASSWORD}"}, "the password has a setting of its own"),
        (
            {"url": f"postgresql://role@db.example/app?sslmode=require&sslpassword={PASSWORD}"},
            "the password has a setting of its own",
        ),
        ({"url": "mysql://role@db.example/app"}, "write postgresql"),
        ({"mapping": {"trip": {"table": "app.trips"}}}, "trip lacks trip_id"),
        ({"mapping": {"truck": {"table": "app.trips"}}}, "truck is none of trip, member, driver"),
        ({"mapping": {"driver": {**MAPPING["driver"], "shoe": "size"}}}, "driver has no shoe"),
        ({"mapping": {"driver": {**MAPPING["driver"], "table": "drivers"}}}, "must be SCHEMA.TABLE"),
        ({"zone": "Mars/Base"}, "is no name of a zone"),
    ],
)
def test_wrong_settings_are_named_and_not_repeated(own: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AppDatabaseSettings.model_validate(own)
    (fault,) = caught.value.errors(include_input=False, include_url=False)
    assert said in fault["msg"]
    assert PASSWORD not in fault["msg"]


def test_without_an_address_it_is_off_and_another_mapping_is_another_place(app: AppDatabase) -> None:
    assert AppDatabaseSettings.model_construct().missing() is not None
    first, second = opened(app), opened(app, mapping={"trip": MAPPING["trip"]})
    assert first.place != second.place
    assert PASSWORD not in first.place
    with pytest.raises(ConfigError):
        AppDatabaseSession(settings_of(app, url=""), lambda: AS_OF)
    checking = AppDatabaseSettings.model_construct(url="postgresql://r@db.example/app")
    assert checking.tls == "verify-full"
