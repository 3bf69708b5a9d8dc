"""Anybody's canonical tables: taken whole when they are sound, else refused with everything that is wrong in one report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_research.domain.records import Column
from customer_research.domain.tables import TableSet
from customer_research.domain.vocabularies import VOCABULARIES
from customer_research.engines.duckdb import DuckDB
from customer_research.errors import TablesRefused, UsageError
from customer_research.record_tables import LAKE_TABLES, STATES
from customer_research.research.sync.canonical import described, identity, needed_columns
from customer_research.research.sync.given_tables import check_tables
from customer_research.settings import EngineSettings, Settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Row = dict[str, Any]
Check = Callable[[], TableSet]


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


@pytest.fixture
def check(given: Path, tmp_path: Path) -> Check:
    settings = Settings(engine=EngineSettings(memory_mb=300, threads=1))  # type: ignore[call-arg]
    return lambda: check_tables(given, tmp_path / "scratch", settings, lambda: NOW)


def rows(table: str, count: int = 3) -> list[Row]:
    """Sound rows of a table, every cell known."""
    return [{c.name: value(table, c, n) for c in LAKE_TABLES[table].columns} for n in range(count)]


def value(table: str, column: Column, n: int) -> Any:
    words = VOCABULARIES.get(f"{table}.{column.name}")
    if words:
        return words[n % len(words)]
    if column.name == "currency":
        return ("USD", "CAD", "JPY")[n % 3]
    return {
        "text": f"{column.name} {n}, \"é'",
        "texts": "|a|b|" if n else "",
        "integer": 9_007_199_254_740_993 + n,
        "number": 0.1 + n,
        "boolean": n % 2 == 0,
        "date": date(2024, 2, 29),
        "timestamp": datetime(2026, 1, 1 + n, 12, 30, 0, 5, tzinfo=UTC),
    }[column.type]


def parquet(path: Path, table: str, told: list[Row]) -> None:
    path.parent.mkdir(exist_ok=True)
    with DuckDB() as duckdb:
        duckdb.load(table, told)
        duckdb.export(f"SELECT * FROM {table}", path)


def text(path: Path, told: list[Row]) -> None:
    """Rows as CSV, every value in quotes; nothing for null."""
    lines = [",".join(told[0]), *(",".join(map(cell, row.values())) for row in told)]
    path.write_text("\n".join(lines), encoding="utf-8")


def cell(told: Any) -> str:
    shown = f"{told:%Y-%m-%d %H:%M:%S.%f}" if isinstance(told, datetime) else str(told)
    return "" if told is None else '"' + shown.replace('"', '""') + '"'


def written(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def faults(check: Check) -> list[str]:
    with pytest.raises(TablesRefused) as caught:
        check()
    assert all(str(fault) in caught.value.hint for fault in caught.value.faults)
    return [str(fault) for fault in caught.value.faults]


def content(found: TableSet, table: str) -> list[Row]:
    with DuckDB() as duckdb:
        duckdb.attach(table, found.files[table].paths)
        return duckdb.run(f"SELECT * FROM {table} ORDER BY ALL")


# -- sound tables -------------------------------------------------------------------------------------------------------


def test_every_table_is_taken_from_either_form_with_equal_content(given: Path, check: Check) -> None:
    for table in LAKE_TABLES:
        parquet(given / f"{table}.parquet", table, rows(table))
    first = check()
    expected = {table: content(first, table) for table in LAKE_TABLES}
    for table in LAKE_TABLES:
        (given / f"{table}.parquet").unlink()
        text(given / f"{table}.csv", rows(table))
    second = check()
    for table in LAKE_TABLES:
        (given / f"{table}.csv").unlink()
        for n, row in enumerate(reversed(rows(table))):
            parquet(
                given / table / f"part-{n}.parquet", table, [row | ({"fetch_id": "x"} if "fetch_id" in row else {})]
            )
    third = check()
    assert first.digest == second.digest == third.digest
    assert list(first.files) == list(LAKE_TABLES)
    assert not first.gaps
    assert {table: content(second, table) for table in LAKE_TABLES} == expected
    assert expected["charge"] == sorted(rows("charge"), key=lambda row: str(row["operator_id"]))
    assert {file.rows for file in second.files.values()} == {3}
    receipt = third.files["charge"].receipts[0]
    assert (receipt.source, receipt.stream, receipt.rows, receipt.fetched_at) == ("import", "charge", 3, NOW)
    assert receipt.query == "charge/part-0.parquet\ncharge/part-1.parquet\ncharge/part-2.parquet"
    assert receipt.digest == first.files["charge"].digest
    assert receipt.place == str(given)


def test_what_is_not_given_is_a_gap_and_what_is_no_table_s_is_passed_over(given: Path, check: Check) -> None:
    parquet(given / "survey.parquet", "survey", rows("survey"))
    parquet(given / "member" / "a.parquet", "member", [])
    written(given / "README.md", "about these tables")
    written(given / "_SUCCESS")
    written(given / "member" / ".a.crc")
    found = check()
    assert set(found.files) == {"survey", "member"}
    assert found.files["member"].rows == 0
    assert set(found.gaps) == set(LAKE_TABLES) - {"survey", "member", "gap", *STATES.values()}
    assert {gap.reason for gap in found.gaps.values()} == {"not_configured"}
    assert found.files["survey"].paths == (given / "survey.parquet",)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01 12:00:00.5", datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01 12:00:00+09:00", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        (" 2026-03-01 12:00:00 UTC ", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("", None),
    ],
)
def test_instants_as_text_are_utc_or_say_their_zone(given: Path, check: Check, told: str, at: datetime | None) -> None:
    text(given / "survey.csv", [{**rows("survey")[0], "created_at": told}])
    assert content(check(), "survey")[0]["created_at"] == at


def test_numbers_as_pandas_and_spreadsheets_write_them(given: Path, check: Check) -> None:
    written(given / "survey.csv", "operator_id,survey_id,nps,csat,created_at", "o,s1, 9.0 ,,2026-01-01", '"",s2,+3,"",')
    assert faults(check) == ["survey.operator_id: is empty: 1 row (first: row 2 of survey.csv)."]
    written(given / "survey.csv", "Survey_ID,NPS,CSAT,operator_id,created_at", "s1, 9.0 ,,o,", '#s2,-0,"",o,')
    assert [(row["survey_id"], row["nps"], row["csat"]) for row in content(check(), "survey")] == [
        ("#s2", 0, None),
        ("s1", 9, None),
    ]


def test_wider_parquet_types_are_taken_as_they_are(given: Path, check: Check) -> None:
    told = {
        "operator_id": pa.array(["o", "o"]),
        "ticket_id": pa.array([1, 2]),
        "due_date": pa.array([datetime(2026, 1, 2, tzinfo=UTC), None], pa.timestamp("ns")),
        "stage": pa.array([["Backlog", "QA"], []]),
        "types": pa.array([["Bug"], None], pa.list_(pa.string())),
        "is_open": pa.array([1, 0], pa.int8()),
        "created_at": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("ms", "Asia/Tokyo")),
        "edited_at": pa.array([date(2026, 1, 1), None]),
    }
    others = {name: pa.array([None, None], pa.string()) for name in needed_columns("ticket") - set(told)}
    pq.write_table(pa.table({**told, **others}), given / "ticket.parquet")
    one, two = content(check(), "ticket")
    assert (one["ticket_id"], one["stage"], one["types"], one["is_open"]) == ("1", "|Backlog|QA|", "|Bug|", True)
    assert (two["stage"], two["types"], two["due_date"]) == ("", None, None)
    assert (one["due_date"], one["created_at"], one["edited_at"]) == (
        date(2026, 1, 2),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
    )


# -- what is wrong ------------------------------------------------------------------------------------------------------


def changed(table: str, *changes: Mapping[str, Any]) -> list[Row]:
    return [row | dict(change) for row, change in zip(rows(table, len(changes)), changes, strict=True)]


WRONG_CELLS: list[tuple[str, Any, str]] = [
    ("charge.amount_minor", "12.5", "not a whole number: 1 row (first: row 2 of charge.csv), e.g. '12.5'."),
    ("charge.amount_minor", "1,200", "not a whole number: 1 row (first: row 2 of charge.csv), e.g. '1,200'."),
    ("charge.amount_minor", "9" * 30, "not a whole number: 1 row"),
    ("charge.risk_score", "nan", "not a number: 1 row"),
    ("charge.risk_score", "1e999", "not a number: 1 row"),
    ("charge.risk_score", "-1E+999", "not a number: 1 row"),
    ("charge.risk_score", "9" * 400, "not a number: 1 row"),
    ("charge.risk_score", "high", "not a number: 1 row"),
    (
        "charge.currency",
        "dollars",
        "no currency's code (ISO 4217): 1 row (first: row 2 of charge.csv), e.g. 'dollars'.",
    ),
    ("charge.currency", "", "no currency's code"),
    ("charge.status", "settled", "none of succeeded, failed, pending: 1 row"),
    ("charge.created_at", "01/02/2026", "not an instant"),
    ("charge.created_at", "infinity", "not an instant"),
    ("charge.created_at", "2026-02-30 10:00:00", "not an instant"),
    (
        "charge.created_at",
        "2026-02-03 10:00:00Z",
        "has no time zone, while other rows have one: 2 rows (first: row 1",
    ),
    ("charge.charge_id", None, "is empty: 1 row (first: row 2 of charge.csv)."),
    ("ticket.is_open", "open", "neither true nor false"),
    ("ticket.due_date", "2026-02-03 10:00:00", "not a day (YYYY-MM-DD)"),
    ("ticket.stage", "Backlog", "not a list of the form |a|b|"),
]


@pytest.mark.parametrize(("place", "wrong", "said"), WRONG_CELLS)
def test_a_wrong_cell_is_named_with_its_row_and_value(
    given: Path, check: Check, place: str, wrong: Any, said: str
) -> None:
    table, _, column = place.partition(".")
    text(given / f"{table}.csv", changed(table, {}, {column: wrong}, {}))
    (fault,) = faults(check)
    assert fault.startswith(f"{table}.{column}: {said}")


def test_everything_that_is_wrong_is_in_one_report_and_nothing_is_left(
    given: Path, check: Check, tmp_path: Path
) -> None:
    text(given / "charge.csv", changed("charge", {"status": "lost", "currency": "XQQ"}, {}, {"status": "gone"}))
    sound = rows("invoice")
    pq.write_table(
        pa.table(
            {name: [row[name] for row in sound] for name in sound[0] if name not in {"status", "invoice_id"}}
            | {"colour": [1] * 3}
        ),
        given / "invoice.parquet",
    )
    pq.write_table(pa.table({"operator_id": [1.5], "survey_id": ["s"], "nps": [True]}), given / "survey.parquet")
    parquet(given / "plan.parquet", "plan", [*rows("plan", 2), *rows("plan", 2)])
    written(given / "charges.csv", "a")
    written(given / "member.json", "{}")
    (given / "driver").mkdir()
    parquet(given / "coupon.parquet", "coupon", rows("coupon"))
    text(given / "coupon.csv", rows("coupon"))
    written(given / "deal.csv", "deal_id,operator_id", "1,2,3")
    (given / "dispute.csv").write_bytes("dispute_id,é\n".encode("latin-1"))
    (given / "payment.parquet").write_bytes(b"no Parquet")
    said = faults(check)
    for start in (
        "charges.csv: is not the file of a canonical table (did you mean charge?).",
        "member.json: is neither a Parquet nor a CSV file.",
        "driver: holds no Parquet file.",
        "coupon: is there more than once (coupon.csv, coupon.parquet); leave one of them.",
        "invoice: has a column 'colour' that is not known.",
        "invoice.invoice_id: is missing; add it, empty where nothing is known.",
        "invoice.status: is missing",
        "charge.status: none of succeeded, failed, pending: 2 rows (first: row 1 of charge.csv), e.g. 'lost'.",
        "charge.currency: no currency's code (ISO 4217): 1 row (first: row 1 of charge.csv), e.g. 'XQQ'.",
        "survey.operator_id: is of type DOUBLE, not text.",
        "survey.nps: is of type BOOLEAN, not integer.",
        "plan: the key (plan_code) is that of another row: 2 rows, e.g. ",
        "deal: cannot be read at line 2: as many values as columns",
        "dispute: has no first line with the columns' names (CSV in UTF-8).",
        "payment: cannot be read: File ",
    ):
        assert [line for line in said if line.startswith(start)], (start, said)
    assert not [line for line in said if line.startswith(("invoice.fetch_id", "invoice.updated_at"))]
    assert all("\n" not in line and line.endswith(".") for line in said)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_key_may_be_used_by_two_operators_but_not_twice_by_one(given: Path, check: Check) -> None:
    same = {"ticket_id": "t"}
    text(given / "ticket.csv", changed("ticket", same | {"operator_id": "a"}, same | {"operator_id": "b"}))
    assert check().files["ticket"].rows == 2
    text(given / "ticket.csv", changed("ticket", *[same | {"operator_id": "a"}] * 3))
    assert faults(check) == ["ticket: the key (operator_id, ticket_id) is that of another row: 2 rows, e.g. 'a, t'."]


def test_a_gap_may_be_about_every_operator(given: Path, check: Check) -> None:
    text(given / "gap.csv", changed("gap", {"operator_id": None, "table_name": "charge"}))
    assert content(check(), "gap")[0]["operator_id"] is None


def test_a_column_that_some_files_lack_is_named(given: Path, check: Check) -> None:
    parquet(given / "survey" / "a.parquet", "survey", rows("survey", 1))
    with DuckDB() as duckdb:
        duckdb.export("SELECT 'o' AS operator_id, 's9' AS survey_id, 1 AS csat", given / "survey" / "b.parquet")
    assert faults(check) == [
        f"survey.{name}: is missing in some of the files; add it, empty where nothing is known."
        for name in ("nps", "created_at")
    ]


def test_personal_data_is_not_shown(given: Path, check: Check) -> None:
    pq.write_table(pa.table({"operator_id": ["o"], "charge_id": ["c"], "cardholder": [1.5]}), given / "charge.parquet")
    assert "charge.cardholder: is of type DOUBLE, not text." in faults(check)
    assert [column["personal"] for column in described("charge")[0]["columns"] if column["name"] == "cardholder"] == [
        True
    ]


def test_no_tables_at_all(given: Path, check: Check, tmp_path: Path) -> None:
    assert faults(check) == [f"{given}: has no file of a canonical table."]
    given.rmdir()
    with pytest.raises(UsageError, match="no folder"):
        check()


def test_every_vocabulary_is_of_a_column_and_every_key_is_needed() -> None:
    columns = {f"{table.name}.{name}" for table in LAKE_TABLES.values() for name in table.column_names}
    assert set(VOCABULARIES) <= columns
    for table in LAKE_TABLES.values():
        assert set(identity(table)) <= needed_columns(table.name)
        assert "fetch_id" not in needed_columns(table.name)


def test_tables_that_were_enough_once_are_enough_today() -> None:
    """A column that is added later is no fault of tables written before: it is marked so, or their owners are shut out."""
    first = json.loads(Path(__file__).with_name("first_tables.json").read_text(encoding="utf-8"))
    for name, table in LAKE_TABLES.items():
        assert {column.name for column in table.columns if not column.later} <= {*first[name].split()}, name
