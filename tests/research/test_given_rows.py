"""One file of rows that somebody gives: taken whole when it is sound, else refused with everything that is wrong in it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer_research.domain.records import tables
from customer_research.errors import TablesRefused, UsageError
from customer_research.research.sync.given_rows import GivenRows, read_rows
from customer_research.settings import EngineSettings, Settings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TABLE = tables(
    "things",
    """
    thing [operator_id what] one row per thing of an operator
        operator_id text the operator
        what text which thing
        size integer how large
        kind text what kind it is
        seen_on date when it was seen
        seen_at timestamp the instant
        phone text * whose number
    """,
)["thing"]


def read(path: Path) -> GivenRows:
    settings = Settings(engine=EngineSettings(memory_mb=300, threads=1))  # type: ignore[call-arg]
    return read_rows(path, TABLE, settings, NOW, {"kind": ("Great", "Small")})


def faults(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TablesRefused) as refused:
        read(path)
    told = refused.value
    assert "nothing was taken" in told.message
    assert all(str(fault) in told.hint for fault in told.faults)
    return [str(fault) for fault in told.faults]


def test_csv_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    csv, parquet = tmp_path / "things.csv", tmp_path / "things.parquet"
    csv.write_text(
        "\ufeffOperator_id,what,size,kind,seen_at\nOP-1,  a ,007,SMALL,2026-10-01T02:00:00+02:00\nop-1,b,,,\n",
        encoding="utf-8",
    )
    rows: dict[str, list[Any]] = {
        "operator_id": ["op-1", "op-1"],
        "what": ["a", "b"],
        "size": [7, None],
        "kind": ["Small", None],
        "seen_at": [datetime(2026, 10, 1, tzinfo=UTC), None],
    }
    pq.write_table(pa.table(rows), parquet)
    found = read(csv)
    assert found.rows == read(parquet).rows
    nothing = {"seen_on": None, "phone": None}
    first, second = found.rows
    assert first == {
        "operator_id": "op-1",
        "what": "a",
        "size": 7,
        "kind": "Small",
        "seen_at": rows["seen_at"][0],
        **nothing,
    }
    assert second == {"operator_id": "op-1", "what": "b", "size": None, "kind": None, "seen_at": None, **nothing}
    assert found.columns == frozenset(rows)
    assert found.receipt.rows == 2
    assert found.receipt.place == "things.csv"


def test_a_day_is_a_day(tmp_path: Path) -> None:
    path = tmp_path / "things.csv"
    path.write_text("operator_id,what,seen_on\no,a,2026-02-28\n")
    assert read(path).rows[0]["seen_on"] == date(2026, 2, 28)


def test_each_thing_that_is_wrong_is_told_once_with_its_first_row(tmp_path: Path) -> None:
    text = "operator_id,what,size,kind,seen_at,phone\no,a,many,Huge,yesterday,1\n,b,2,,,2\no,c,1.5,,,\no,c,3,,,\n"
    assert faults(tmp_path / "things.csv", text) == [
        "thing.operator_id: is empty: 1 row (first: row 2 of things.csv).",
        "thing.size: not a whole number: 2 rows (first: row 1 of things.csv), e.g. 'many'.",
        "thing.kind: none of Great, Small: 1 row (first: row 1 of things.csv), e.g. 'Huge'.",
        (
            "thing.seen_at: not an instant (YYYY-MM-DD HH:MM:SS in UTC, or with Z or +HH:MM): 1 row (first: row 1 of things.csv),"
            " e.g. 'yesterday'."
        ),
        "thing: the key (operator_id, what) is that of another row: 1 row, e.g. 'o, c'.",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("operator_id,what,sise\no,a,1\n", "thing: has a column 'sise' that is not known (did you mean size?)."),
        ("operator_id,size\no,1\n", "thing.what: is missing."),
        ("operator_id,what,what\no,a,b\n", "thing.what: has the column twice."),
        ("", "thing: has no first line with the columns' names (CSV in UTF-8)."),
        ("operator_id,what\no,a,b,c\n", "thing: cannot be read at line 2: as many values as columns, closed quotes and UTF-8 are expected."),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    assert faults(tmp_path / "things.csv", text) == [told]


def test_what_is_no_file_of_rows_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read(tmp_path / "none.csv")
    (tmp_path / "things.xlsx").write_bytes(b"PK")
    with pytest.raises(UsageError, match="neither a CSV nor a Parquet file"):
        read(tmp_path / "things.xlsx")
    (tmp_path / "things.parquet").write_bytes(b"no parquet")
    with pytest.raises(TablesRefused, match="nothing was taken"):
        read(tmp_path / "things.parquet")
