"""`score` and `portfolio score` on the command line: anybody's tables scored, wrong ones refused, nothing half written."""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path

import pytest
from cli_runs import command, one_sentence

from customer_research.record_tables import LAKE_TABLES
from customer_research.research.portfolio.snapshots import FILES, snapshots_of

Row = dict[str, str]
BEGUN = "2025-01-10T00:00:00Z"


def customer(operator_id: str, name: str, created_at: str) -> Row:
    return {"operator_id": operator_id, "name": name, "currency": "USD", "created_at": created_at}


def subscription(operator_id: str, plan: str, since: str, *, yearly: bool = False) -> Row:
    return {
        "operator_id": operator_id,
        "subscription_id": f"s-{operator_id}",
        "plan_code": plan,
        "plan_name": plan,
        "interval": "yearly" if yearly else "monthly",
        "status": "active",
        "amount_minor": "240000" if yearly else "9900",
        "monthly_minor": "20000" if yearly else "9900",
        "currency": "USD",
        "is_base": "true",
        "segment": "Mid-Market" if yearly else "SMB",
        "created_at": since,
        "started_at": since,
    }


def invoice(number: str, day: str) -> Row:
    return {
        "operator_id": "op-2",
        "invoice_id": number,
        "number": number,
        "invoice_type": "subscription",
        "status": "finalized",
        "payment_status": "failed",
        "currency": "USD",
        "total_minor": "9900",
        "issuing_date": day,
        "payment_due_date": day,
        "created_at": f"{day}T00:00:00Z",
    }


TABLES: dict[str, list[Row]] = {
    "customer": [
        customer("op-1", "First Limo", BEGUN),
        customer("op-2", "Second Limo", "2026-09-01T00:00:00Z"),
        customer("op-3", "Third Limo", "2026-10-20T00:00:00Z"),
    ],
    "subscription": [
        subscription("op-1", "pro-yearly", BEGUN, yearly=True),
        subscription("op-2", "standard-monthly", "2026-09-01T00:00:00Z"),
    ],
    "invoice": [invoice("i-1", "2026-09-01"), invoice("i-2", "2026-10-01")],
}
"""Somebody's billing, and nothing else."""


def write(folder: Path, tables: dict[str, list[Row]]) -> None:
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            columns = [column for column in LAKE_TABLES[name].column_names if column != "fetch_id"]
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A user's settings without any source, with a lake and a store of their own."""
    path = tmp_path / "settings.toml"
    store = f"[store]\nurl = 'sqlite:///{tmp_path / 'store.db'}'\n"
    path.write_text(f"clock = 2026-11-01T00:00:00Z\n[lake]\nfolder = '{tmp_path / 'lake'}'\n{store}", encoding="utf-8")
    return path


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Somebody's tables as CSV."""
    folder = tmp_path / "given"
    folder.mkdir()
    write(folder, TABLES)
    return folder


def test_anybodys_tables_are_scored_into_one_document(config: Path, given: Path, tmp_path: Path) -> None:
    done = command("score", "--tables", str(given), "--as-of", "2026-10-20", "--json", config=config)
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["schema"] == "customer-research/scores/1"
    assert told["snapshot"]["as_of"] == "2026-10-20T00:00:00Z"
    assert {receipt["source"] for receipt in told["receipts"]} == {"import", "portfolio"}
    assert "reservation" in " ".join(gap["detail"] for gap in told["gaps"])
    operators = {one["operator_id"]: one for one in told["operators"]}
    assert list(operators) == ["op-1", "op-2"]  # op-3 became known that day
    assert operators["op-1"]["name"] == "First Limo"
    assert operators["op-2"]["contributions"]["P2"] == -30
    assert operators["op-1"]["dimensions"]["engagement"] is None
    assert not (tmp_path / "lake").exists()
    assert not (tmp_path / "store.db").exists()
    again = command("score", "--tables", str(given), "--as-of", "2026-10-20T00:00:00+00:00", "--json", config=config)
    assert again.out == done.out


def test_without_json_the_standing_is_told(config: Path, given: Path) -> None:
    done = command("score", "--tables", str(given), config=config)
    assert done.code == 0
    first, _, *rest = done.out.splitlines()
    assert first == "3 operators as of 2026-11-01 00:00 UTC, scorecard canonical 2, on duckdb"
    assert any(line.startswith("Unknown of everybody, warehouse, not configured:") for line in rest)


def test_a_portfolio_is_scored_into_the_lake_once(config: Path, given: Path, tmp_path: Path) -> None:
    assert command("import", str(given), config=config).code == 0
    done = command("portfolio", "score", "--json", config=config)
    told = json.loads(done.out)
    found = next(snapshots_of(tmp_path / "lake"), None)
    assert found is not None
    folder, snapshot = found
    assert told["snapshot"]["folder"] == str(folder)
    assert told["snapshot"]["id"] == snapshot.id
    assert sum(one["operators"] for one in told["standing"]) == snapshot.operators == 3
    before = {name: (folder / f"{name}.parquet").stat().st_mtime_ns for name in FILES}
    again = command("portfolio", "score", config=config)
    assert again.out.splitlines()[-1] == f"Files: {folder}"
    assert {name: (folder / f"{name}.parquet").stat().st_mtime_ns for name in FILES} == before
    history = command("history", "list", config=config)
    assert snapshot.id[:8] in history.out
    sheet = command("portfolio", "--csv", config=config).out
    for name, asked in (("a.csv", ["--csv"]), ("b.csv", []), ("plain", ["--csv"])):
        written = command("portfolio", *asked, "-o", str(tmp_path / name), config=config)
        assert written.code == 3  # two tables were imported, and the others are unknown
        assert (tmp_path / name).read_text(encoding="utf-8") == sheet
    for words in (["--csv", "--json"], ["--csv", "--format", "markdown"], ["--json", "-o", str(tmp_path / "c.csv")]):
        both = command("churn-risk", *words, config=config)
        assert (both.code, "contradict each other" in one_sentence(both)) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--as-of", "yesterday"), (2, "neither a day nor an instant")),
        (("--as-of", "2027-01-01"), (2, "lies in the future")),
        (("--as-of", "2024-12-31"), (2, "first row became known at 2025-01-10")),
        (("--scorecard", "nonsense"), (5, "no scorecard 'nonsense'")),
        (("--engine", "duckdb", "--engine-url", "somewhere"), (5, "takes no URL")),
    ],
)
def test_a_wrong_question_is_one_sentence_and_leaves_nothing(
    arguments: tuple[str, ...], expected: tuple[int, str], config: Path, given: Path, tmp_path: Path
) -> None:
    code, said = expected
    for words in (("score",), ("portfolio", "score")):
        done = command(*words, "--tables", str(given), *arguments, config=config)
        assert (done.code, said in one_sentence(done)) == (code, True), done.err
    assert list((tmp_path / "lake" / "snapshots").glob("*")) == []
    assert not (tmp_path / "store.db").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [(("weight = 0.40", "weight = 0.50"), "add up to 1"), (("failure_streak", "failure_streaks"), "not a metric")],
)
def test_a_wrong_scorecard_is_told(
    change: tuple[str, str], said: str, config: Path, given: Path, tmp_path: Path
) -> None:
    old, new = change
    shipped = resources.files("customer_research.health").joinpath("scorecards", "canonical.toml")
    text = shipped.read_text(encoding="utf-8")
    assert old in text
    card = tmp_path / "own.toml"
    card.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = command("score", "--tables", str(given), "--scorecard", str(card), config=config)
    assert done.code == 5
    assert said in one_sentence(done)


def test_wrong_tables_an_empty_lake_and_no_folder_are_told(config: Path, given: Path, tmp_path: Path) -> None:
    empty = command("portfolio", "score", config=config)
    assert (empty.code, "have no rows" in one_sentence(empty)) == (2, True)
    write(given, {"invoice": [{**row, "currency": "XXQ", "invoice_id": "same"} for row in TABLES["invoice"]]})
    wrong = command("score", "--tables", str(given), config=config)
    assert wrong.code == 2
    assert "XXQ" in wrong.err
    assert "2 faults" in wrong.err
    none = command("score", "--tables", str(tmp_path / "nowhere"), config=config)
    assert (none.code, "no folder" in one_sentence(none)) == (2, True)
    assert list((tmp_path / "lake").glob("snapshots/*")) == []
