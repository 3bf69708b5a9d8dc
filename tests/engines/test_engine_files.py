"""Every engine with files and names: attached Parquet, named and kept queries, rows in batches, exported answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from awkward_tables import MOMENTS, corpus
from places import PLACES, as_fakesnow_says, place

from customer_research.engines import open_engine
from customer_research.engines.content import content_digest
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Engine, Room
from customer_research.engines.postgres import Postgres
from customer_research.engines.rows import canonical_columns
from customer_research.engines.snowflake import Snowflake
from customer_research.errors import EngineError
from customer_research.record_tables import LAKE_TABLES, TABLES

pytestmark = pytest.mark.xdist_group("engines")

AT = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "operator_id": "öp 'n\" \\ 5 %",
        "charge_id": "",
        "created_at": AT,
        "amount_minor": 9_007_199_254_740_993,
        "risk_score": 0.1,
    },
    {"operator_id": "a,b\nc", "charge_id": "c2", "created_at": None, "amount_minor": -1, "risk_score": None},
    {"operator_id": None, "charge_id": "c3", "created_at": AT, "amount_minor": None, "risk_score": 2.0},
]


@pytest.fixture(scope="module", params=("duckdb", *PLACES))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("spilled")
    if request.param == "duckdb":
        with open_engine("duckdb", folder=folder) as opened:
            yield opened
    else:
        with open_engine(request.param, place(request.param), folder=folder) as opened:
            yield opened
    assert list(folder.iterdir()) == []


@pytest.fixture(scope="module")
def duckdb() -> Iterator[DuckDB]:
    with DuckDB() as opened:
        yield opened


def told(engine: Engine, rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the faults of fakesnow."""
    if not isinstance(engine, Snowflake):
        return rows
    return [
        {name: as_fakesnow_says(value, wanted[name]) for name, value in row.items()}
        for row, wanted in zip(rows, expected, strict=True)
    ]


def same(engine: Engine, sql: str, expected: list[dict[str, Any]]) -> None:
    rows = engine.run(sql)
    assert len(rows) == len(expected)
    assert told(engine, rows, expected) == expected


# -- attach -------------------------------------------------------------------------------------------------------------


def test_files_together_are_a_table_whatever_columns_they_have(engine: Engine, duckdb: DuckDB, tmp_path: Path) -> None:
    folder = tmp_path / "odd [1] *{x}?"
    folder.mkdir()
    duckdb.load("charge", ROWS)
    duckdb.export("SELECT * FROM charge ORDER BY charge_id LIMIT 2", folder / "one.parquet")
    duckdb.export("SELECT 'c3' AS \"CHARGE_ID\", 7 AS other, 2 AS risk_score", folder / "two.parquet")
    engine.attach("charge", [folder / "one.parquet", folder / "two.parquet"])
    expected = [{column: row.get(column) for column in TABLES["charge"].column_names} for row in ROWS]
    expected[2] |= {"created_at": None}
    same(engine, "SELECT * FROM charge ORDER BY charge_id", expected)
    engine.attach("charge", [])
    assert engine.run("SELECT COUNT(*) AS n FROM charge") == [{"n": 0}]
    assert set(engine.run("SELECT COUNT(operator_id) AS a, COUNT(risk_score) AS b FROM charge")[0].values()) == {0}


def test_instants_with_a_zone_and_other_widths_are_converted(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "survey.parquet"
    zoned = pa.array([datetime(2026, 1, 1, 3, tzinfo=UTC), None], pa.timestamp("us", tz="America/New_York"))
    pq.write_table(
        pa.table({"survey_id": ["s1", "s2"], "created_at": zoned, "nps": pa.array([9, None], pa.int8())}), path
    )
    engine.attach("survey", [path])
    created, unknown = datetime(2026, 1, 1, 3, tzinfo=UTC), None
    same(
        engine,
        "SELECT survey_id, created_at, nps, csat FROM survey ORDER BY survey_id",
        [
            {"survey_id": "s1", "created_at": created, "nps": 9, "csat": None},
            {"survey_id": "s2", "created_at": unknown, "nps": None, "csat": None},
        ],
    )


def test_the_awkward_corpus_is_the_same_attached_as_loaded(engine: Engine, duckdb: DuckDB, tmp_path: Path) -> None:
    for table, rows in corpus(MOMENTS[0], rows=12).items():
        duckdb.load(table, rows)
        duckdb.export(f"SELECT * FROM {table}", tmp_path / f"{table}.parquet")
        engine.attach(table, [tmp_path / f"{table}.parquet"])
        expected = duckdb.run(f"SELECT * FROM {table} ORDER BY ALL")
        same(engine, f"SELECT * FROM {table} ORDER BY {', '.join(canonical_columns(table))}", expected)


def test_a_table_of_other_columns_is_attached_when_they_are_told(
    engine: Engine, duckdb: DuckDB, tmp_path: Path
) -> None:
    duckdb.export("SELECT 1 AS id, 'x' AS name", tmp_path / "landed.parquet")
    engine.attach("landed", [tmp_path / "landed.parquet"], {"id": "BIGINT", "told_at": "TIMESTAMP", "name": "VARCHAR"})
    same(engine, "SELECT * FROM landed", [{"id": 1, "told_at": None, "name": "x"}])
    with pytest.raises(EngineError, match="no canonical table 'landed'"):
        engine.attach("landed", [tmp_path / "landed.parquet"])


def test_a_file_that_is_not_there_or_none_is_said(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no file of that kind", encoding="utf-8")
    for name in ("none.parquet", "text.parquet"):
        with pytest.raises(EngineError, match="member") as caught:
            engine.attach("member", [tmp_path / name])
        assert "\n" not in caught.value.message


# -- names and kept queries ---------------------------------------------------------------------------------------------


def test_a_name_stands_for_its_query_over_what_there_is_then(engine: Engine) -> None:
    engine.create("numbers", {"n": "BIGINT"}, [{"n": 1}, {"n": 2}])
    engine.bind("doubled", "SELECT n * 2 AS n FROM numbers")
    engine.bind("large", "SELECT n FROM doubled WHERE n > 2")
    assert engine.run("SELECT n FROM large") == [{"n": 4}]
    engine.create("numbers", {"n": "BIGINT"}, [{"n": 8}])
    assert engine.run("WITH own AS (SELECT n FROM large) SELECT n FROM own") == [{"n": 16}]
    engine.bind("large", "SELECT n FROM numbers")
    assert engine.run("SELECT n FROM large") == [{"n": 8}]
    with pytest.raises(EngineError, match="large"):
        engine.bind("large", "SELECT n FROM large")
    engine.create("large", {"n": "BIGINT"}, [{"n": 3}])
    assert engine.run("SELECT n FROM large") == [{"n": 3}]
    engine.drop("large", "doubled", "never there")
    for gone in ("large", "doubled"):
        with pytest.raises(EngineError):
            engine.run(f"SELECT n FROM {gone}")


def test_a_kept_query_is_a_table_that_later_ones_read_and_replace(engine: Engine) -> None:
    engine.create(
        "numbers", {"n": "BIGINT", "w": "VARCHAR"}, [{"n": n, "w": w} for n, w in ((1, "b"), (2, "B"), (3, None))]
    )
    at = datetime(2026, 1, 1, tzinfo=UTC)
    engine.keep(
        "kept",
        "SELECT n, w, CAST($at AS TIMESTAMP) AS told_at, $word AS word FROM numbers WHERE n < 9",
        {"at": at, "word": "it's \\ 5 %"},
    )
    engine.create("numbers", {"n": "BIGINT", "w": "VARCHAR"}, [])
    assert engine.run("SELECT w, told_at, word FROM kept ORDER BY w") == [
        {"w": w, "told_at": at, "word": "it's \\ 5 %"} for w in ("B", "b", None)
    ]
    engine.keep("kept", "SELECT n + 1 AS n FROM kept WHERE n > $least", {"least": 1})
    engine.bind("named", "SELECT n FROM kept")
    engine.keep("named", "SELECT MAX(n) AS n FROM named")
    assert engine.run("SELECT n FROM kept ORDER BY n") == [{"n": 3}, {"n": 4}]
    assert engine.run("SELECT n FROM named") == [{"n": 4}]
    with pytest.raises(EngineError):
        engine.keep("kept", "SELECT absent FROM kept")
    assert engine.run("SELECT COUNT(*) AS n FROM kept") == [{"n": 2}]
    engine.drop("kept")
    with pytest.raises(EngineError):
        engine.run("SELECT n FROM kept")


def test_what_the_place_has_itself_is_hidden_and_never_dropped(engine: Engine) -> None:
    if not isinstance(engine, Postgres | Snowflake):
        return
    engine._connection.cursor().execute("CREATE TABLE lasting (n BIGINT)")
    engine._connection.cursor().execute("INSERT INTO lasting VALUES (1)")
    engine.drop("lasting")
    engine.keep("lasting", "SELECT n + 1 AS n FROM lasting")
    assert engine.run("SELECT n FROM lasting") == [{"n": 2}]
    engine.drop("lasting")
    if isinstance(engine, Postgres):  # in fakesnow a temporary table replaces the other
        assert engine.run("SELECT n FROM lasting") == [{"n": 1}]


# -- rows out -----------------------------------------------------------------------------------------------------------


def test_rows_come_in_batches_while_other_queries_run(engine: Engine) -> None:
    engine.create("many", {"n": "BIGINT"}, [{"n": n} for n in range(25)])
    one = engine.batches("SELECT n FROM many WHERE n >= $least ORDER BY n", {"least": 3}, size=10)
    other = engine.batches("SELECT n FROM many ORDER BY n DESC", size=20)
    first, last = next(one), next(other)
    assert engine.run("SELECT COUNT(*) AS n FROM many") == [{"n": 25}]
    assert [row["n"] for batch in (first, *one) for row in batch] == list(range(3, 25))
    assert [len(last), *(len(batch) for batch in other)] == [20, 5]
    left = engine.batches("SELECT n FROM many", size=2)
    next(left)
    left.close()
    assert list(engine.batches("SELECT n FROM many WHERE n < 0")) == []
    with pytest.raises(EngineError):
        next(engine.batches("SELECT absent FROM many"))


def test_an_exported_answer_reads_as_run_gives_it(engine: Engine, duckdb: DuckDB, tmp_path: Path) -> None:
    engine.load("charge", ROWS)
    sql = (
        "SELECT *, amount_minor % 10 AS rest, CAST(created_at AS DATE) AS day, risk_score > $least AS risky, "
        "SUM(amount_minor) OVER () AS total, 'word' AS word FROM charge ORDER BY charge_id DESC"
    )
    path = tmp_path / "out.parquet"
    assert engine.export(sql, path, {"least": 1}) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet"]
    read = duckdb.run(f"FROM read_parquet('{path}')")
    expected = engine.run(sql, {"least": 1})
    assert [row["charge_id"] for row in read] == ["c3", "c2", ""]
    assert told(engine, expected, read) == told(engine, read, read)
    kinds = duckdb.kinds(f"FROM read_parquet('{path}')")
    assert {name: kind for name, kind in kinds.items() if name in canonical_columns("charge")} == canonical_columns(
        "charge"
    )
    assert {name: kinds[name] for name in ("rest", "day", "risky", "word")} == {
        "rest": "BIGINT",
        "day": "DATE",
        "risky": "BOOLEAN",
        "word": "VARCHAR",
    }
    assert kinds["total"] == "BIGINT" or isinstance(engine, Snowflake)


def test_many_rows_are_exported_in_the_query_s_order(engine: Engine, duckdb: DuckDB, tmp_path: Path) -> None:
    count = 200_000 if isinstance(engine, DuckDB) else 12_000
    if isinstance(engine, Snowflake):
        count = 300
    engine.create("many", {"n": "BIGINT"}, [{"n": (n * 7919) % count} for n in range(count)])
    assert engine.export("SELECT n, n + 0.5 AS half FROM many ORDER BY n DESC", tmp_path / "many.parquet") == count
    file = pq.read_table(tmp_path / "many.parquet").to_pydict()
    assert file["n"] == list(range(count - 1, -1, -1))
    assert file["half"][-1] == 0.5


def test_a_failed_export_leaves_the_old_file_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    engine.export("SELECT 1 AS n", path)
    before = path.read_bytes()
    with pytest.raises(EngineError):
        engine.export("SELECT absent FROM nowhere", path)
    with pytest.raises(EngineError, match="does not exist"):
        engine.export("SELECT 1 AS n", tmp_path / "no folder" / "out.parquet")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet"]


# -- DuckDB's own -------------------------------------------------------------------------------------------------------


def test_files_out_of_reach_are_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    with DuckDB() as free:
        free.export("SELECT 'm' AS member_id", outside / "member.parquet")
    (inside / "link.parquet").symlink_to(outside / "member.parquet")
    with DuckDB(Room(folder=tmp_path / "spilled", reach=(inside,))) as duckdb:
        duckdb.export("SELECT 'm' AS member_id", inside / "member.parquet")
        duckdb.attach("member", [inside / "member.parquet"])
        for path in (outside / "member.parquet", inside / "link.parquet"):
            with pytest.raises(EngineError, match="cannot be read") as caught:
                duckdb.attach("member", [path])
            assert "reach" in caught.value.hint
        with pytest.raises(EngineError):
            duckdb.export("SELECT 1 AS n", outside / "out.parquet")
        with pytest.raises(EngineError):
            duckdb.run("SELECT * FROM read_text('https://example.com/')")
        with pytest.raises(EngineError):
            duckdb.run("SET enable_external_access = true")
    with DuckDB(Room(reach=(outside / "member.parquet",))) as duckdb:
        duckdb.attach("member", [outside / "member.parquet"])
        assert duckdb.run("SELECT member_id FROM member") == [{"member_id": "m"}]


def test_more_than_fits_into_memory_is_spilled_and_cleared_away(tmp_path: Path) -> None:
    with DuckDB(Room(memory_mb=60, threads=2, folder=tmp_path)) as duckdb:
        duckdb.keep(
            "large", "SELECT n, n * 7919 % 1000003 AS other, CONCAT('text ', n) AS word FROM range(3000000) AS t(n)"
        )
        assert any(tmp_path.glob("*/*"))
        rows = next(duckdb.batches("SELECT n, other FROM large ORDER BY other, n", size=2))
        assert rows == [{"n": 0, "other": 0}, {"n": 1_000_003, "other": 0}]
    assert list(tmp_path.iterdir()) == []


def test_closing_breaks_off_a_query_that_another_thread_runs(tmp_path: Path) -> None:
    duckdb = DuckDB(Room(folder=tmp_path))
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(duckdb.run, "SELECT COUNT(*) AS n FROM range(30000000000) AS t(n) WHERE n % 7 = 3")
        time.sleep(0.3)  # it would run for many seconds; one that has not begun by now fails as well
        duckdb.close()
        with pytest.raises(EngineError):
            running.result()
    assert list(tmp_path.iterdir()) == []


def test_rows_are_added_to_a_table_that_was_created(duckdb: DuckDB) -> None:
    duckdb.create("grown", {"n": "BIGINT"}, [])
    duckdb.extend("grown", [{"n": 1}])
    duckdb.extend("grown", [{"n": 2}, {"n": 3}])
    assert duckdb.run("SELECT SUM(n) AS n FROM grown") == [{"n": 6}]
    duckdb.create("grown", {"n": "BIGINT"}, [])
    assert duckdb.run("SELECT n FROM grown") == []
    with pytest.raises(EngineError, match="no table 'never'"):
        duckdb.extend("never", [])


# -- the content's digest -----------------------------------------------------------------------------------------------


def test_a_digest_is_of_the_rows_not_of_their_order_files_or_receipts(duckdb: DuckDB, tmp_path: Path) -> None:
    columns = [name for name in canonical_columns("ticket") if name != "fetch_id"]
    rows = [{"ticket_id": f"t{n}", "due_date": date(2026, 1, 1 + n), "created_at": AT} for n in range(6)]
    duckdb.load("ticket", [{**row, "fetch_id": "f1"} for row in rows])
    digest = content_digest(duckdb, "ticket", columns)
    duckdb.export("SELECT * FROM ticket WHERE ticket_id > 't2'", tmp_path / "a.parquet")
    duckdb.export("SELECT * FROM ticket WHERE ticket_id <= 't2' ORDER BY ticket_id DESC", tmp_path / "b.parquet")
    duckdb.attach("ticket", [tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert content_digest(duckdb, "ticket", columns[::-1]) == digest
    assert content_digest(duckdb, "(SELECT * FROM ticket)", columns) == digest
    assert len(digest) == 64


@pytest.mark.parametrize(
    "other",
    [
        [{"ticket_id": "a", "title": "b"}],
        [{"ticket_id": "a"}, {"ticket_id": "a"}],
        [{"ticket_id": "a", "title": ""}],
        [{"ticket_id": "a", "title": "null"}],
        [{"ticket_id": None, "title": "a"}],
        [{"ticket_id": "a", "created_at": AT}],
        [{"ticket_id": "a", "is_open": False}],
        [],
    ],
)
def test_other_rows_have_another_digest(duckdb: DuckDB, other: list[dict[str, Any]]) -> None:
    columns = tuple(canonical_columns("ticket"))
    duckdb.load("ticket", [{"ticket_id": "a"}])
    digest = content_digest(duckdb, "ticket", columns)
    duckdb.load("ticket", other)
    assert content_digest(duckdb, "ticket", columns) != digest


def test_lake_tables_are_known() -> None:
    assert all(canonical_columns(table) for table in LAKE_TABLES)
