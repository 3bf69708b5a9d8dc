"""The store on SQLite and on a real Postgres: made once by whoever comes first, written whole or not at all."""

from __future__ import annotations

import contextlib
import multiprocessing
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from made_up_readings import DATABASES, many, new_url, server, snapshot

from customer_research.errors import ConfigError, CustomerResearchError, StoreBusy, StoreError
from customer_research.store import access, books, database, meetings, outbox, reviews, slack
from customer_research.store.database import VERSION_TABLE, newest_migration, open_store
from customer_research.store.history import History
from customer_research.store.schema import METADATA

pytestmark = pytest.mark.xdist_group("engines")
PASSWORD = "s3cret-of-the-store"


@pytest.fixture(scope="module", params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return server(request.param, tmp_path_factory.mktemp("stores"))


@pytest.fixture
def url(place: str) -> str:
    return new_url(place)


def test_the_migrations_make_the_tables_that_the_program_knows(url: str) -> None:
    with open_store(url) as store, store.begin() as connection:
        ours = {table.name for table in METADATA.sorted_tables}
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "include_name": lambda name, kind, _parents: kind != "table" or name in ours,
            },
        )
        ours_by_name = (
            books.book, access.noted_call, outbox.outbox, meetings.meeting_entry, slack.slack_person, reviews.review,
        )  # fmt: skip
        assert {table.name for table in ours_by_name} <= ours
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == newest_migration()


def test_the_newest_migration_is_found_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", "customer_research.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [newest_migration()]


def test_a_store_of_a_later_program_is_left_alone(url: str) -> None:
    with open_store(url) as store, store.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match="later version"):
        open_store(url)


def open_and_save(url: str, barrier: object) -> None:
    """What each of several programs does at once: make the store, save one snapshot that all have, and one of its own."""
    barrier.wait()  # type: ignore[attr-defined]
    with open_store(url) as store:
        shared = snapshot(operators=50)
        History(store).save(shared, many(shared))


def test_programs_may_make_the_store_and_save_the_same_at_once(url: str) -> None:
    spawning = multiprocessing.get_context("spawn")
    barrier = spawning.Barrier(3)
    programs = [spawning.Process(target=open_and_save, args=(url, barrier)) for _ in range(3)]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    assert [program.exitcode for program in programs] == [0] * 3
    with open_store(url) as store:
        history = History(store)
        (kept,) = history.snapshots()
        assert list(history.readings(kept.id)) == many(kept)


def test_what_a_body_raises_undoes_its_transaction(url: str) -> None:
    with open_store(url) as store:
        with contextlib.suppress(ZeroDivisionError), store.begin() as connection:
            connection.execute(sa.text("INSERT INTO scorecard VALUES ('x', 'x', 'x')"))
            _ = 1 / 0
        with store.read() as connection:
            assert connection.execute(sa.text("SELECT COUNT(*) FROM scorecard")).scalar() == 0


def test_a_store_that_another_program_holds_is_busy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(url).close()
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    with open_store(url) as holder, open_store(url) as waiter, holder.begin(alone=True):
        with pytest.raises(StoreBusy, match="held by another program"), waiter.begin(alone=True):
            pass
        with waiter.read() as connection:  # who reads waits for nobody
            assert connection.execute(sa.text("SELECT COUNT(*) FROM snapshot")).scalar() == 0


def test_sqlite_is_set_up_for_several_programs(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/s.db") as store, store.begin() as connection:
        asked = ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
        assert found == ["wal", 30_000, 1, 1]


def not_a_store(folder: Path) -> str:
    path = folder / "notes.txt"
    path.write_text("not a database, but long enough to be looked at as one" * 20, encoding="utf-8")
    return f"sqlite:///{path}"


def a_store_of_others(folder: Path) -> str:
    path = folder / "others.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE snapshot (something TEXT)")
    connection.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("url_of", "kind"),
    [
        (lambda _folder: f"nonsense {PASSWORD}", ConfigError),
        (lambda _folder: f"mysql://me:{PASSWORD}@127.0.0.1/x", ConfigError),
        (lambda _folder: "sqlite://", ConfigError),
        (lambda _folder: f"postgresql://me:{PASSWORD}@127.0.0.1:1/x", StoreError),
        (lambda folder: f"sqlite:///{folder}", StoreError),
        (lambda folder: f"{not_a_store(folder)}/below/a/file.db", StoreError),
        (not_a_store, StoreError),
        (a_store_of_others, StoreError),
    ],
)
def test_what_is_no_store_is_refused_in_one_sentence(
    tmp_path: Path, url_of: Callable[[Path], str], kind: type[CustomerResearchError]
) -> None:
    with pytest.raises(kind) as caught:
        open_store(url_of(tmp_path))
    assert PASSWORD not in f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    assert caught.value.__cause__ is None


def test_what_was_there_before_a_failed_migration_is_there_after_it(tmp_path: Path) -> None:
    url = a_store_of_others(tmp_path)
    with pytest.raises(StoreError):
        open_store(url)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["snapshot"]
    connection.close()
