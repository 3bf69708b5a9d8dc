"""`tables` and `import` on the command line: the schema as told, tables taken whole, faults in one report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import command, one_sentence

from customer_research.engines.duckdb import DuckDB
from customer_research.lake import Lake
from customer_research.record_tables import LAKE_TABLES, STATES

SURVEYS = "operator_id,survey_id,nps,csat,created_at\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A user's settings without any source, and a lake of their own."""
    path = tmp_path / "settings.toml"
    path.write_text(f"clock = 2026-11-01T00:00:00Z\n[lake]\nfolder = '{tmp_path / 'lake'}'\n", encoding="utf-8")
    return path


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


def test_tables_are_told_with_their_columns(config: Path) -> None:
    done = command("tables", config=config)
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(LAKE_TABLES)
    told = command("tables", "subscription", config=config).out
    assert "one of active, pending, canceled, terminated" in told
    names = [line.split()[0] for line in told.splitlines()[2:]]
    assert names == list(LAKE_TABLES["subscription"].column_names)
    document = json.loads(command("tables", "charge", "--json", config=config).out)
    (charge,) = document["tables"]
    assert document["schema"] == "customer-research/tables/1"
    assert charge["key"] == ["operator_id", "charge_id"]
    assert {column["name"] for column in charge["columns"] if column["personal"]} == {"cardholder"}
    unknown = command("tables", "charges", config=config)
    assert unknown.code == 2
    assert "no canonical table 'charges'" in one_sentence(unknown)


def test_tables_are_put_into_the_lake_whole_and_again_change_nothing(config: Path, given: Path, tmp_path: Path) -> None:
    (given / "survey.csv").write_text(f"{SURVEYS}o2,s2,,4,2026-01-02T10:00:00\no1,s1,9,,\n", encoding="utf-8")
    done = command("import", str(given), config=config)
    assert (done.code, done.out.split()) == (0, ["survey", "new", "2", "rows"])
    lake = Lake(tmp_path / "lake")
    file = lake.tables().files["survey"]
    with DuckDB() as duckdb:
        duckdb.attach("survey", file.paths)
        assert [row["survey_id"] for row in duckdb.run("SELECT survey_id FROM survey")] == ["s1", "s2"]
    assert [receipt.source for receipt in file.receipts] == ["import"]
    assert set(lake.tables().gaps) == set(LAKE_TABLES) - {"survey", *STATES.values()}

    again = json.loads(command("import", str(given), "--json", config=config).out)
    assert [(table["table"], table["state"]) for table in again["tables"]] == [("survey", "unchanged")]
    assert lake.tables().files["survey"] == file

    (given / "survey.csv").write_text(f"{SURVEYS}o1,s1,9,,\n", encoding="utf-8")
    (given / "plan.csv").write_text("plan_code\np\n", encoding="utf-8")
    done = command("import", str(given), config=config)
    assert "replaced              1 rows (before: 2)" in done.out
    assert {name: found.rows for name, found in lake.tables().files.items()} == {"survey": 1, "plan": 1}


def test_an_imported_row_names_the_import_s_receipt(config: Path, given: Path, tmp_path: Path) -> None:
    (given / "plan.csv").write_text("plan_code,fetch_id\np,somebody's\n", encoding="utf-8")
    assert command("import", str(given), config=config).code == 0
    file = Lake(tmp_path / "lake").tables().files["plan"]
    with DuckDB() as duckdb:
        duckdb.attach("plan", file.paths)
        assert duckdb.run("SELECT fetch_id FROM plan") == [{"fetch_id": file.receipts[0].id}]


def test_faults_are_one_report_and_the_lake_stays_as_it_was(config: Path, given: Path, tmp_path: Path) -> None:
    (given / "survey.csv").write_text(f"{SURVEYS}o1,s1,9,,\n", encoding="utf-8")
    assert command("import", str(given), config=config).code == 0
    before = Lake(tmp_path / "lake").state()
    (given / "survey.csv").write_text(f"{SURVEYS}o1,s1,many,,\no1,s1,1,,yesterday\n", encoding="utf-8")
    (given / "plan.csv").write_text("plan_code\np\n", encoding="utf-8")
    done = command("import", str(given), config=config)
    assert done.code == 2
    assert "have 3 faults; nothing was taken." in one_sentence(done)
    assert done.err.splitlines()[1:] == [
        "  survey.nps: not a whole number: 1 row (first: row 1 of survey.csv), e.g. 'many'.",
        (
            "  survey.created_at: not an instant (YYYY-MM-DD HH:MM:SS in UTC, or with Z or +HH:MM): 1 row (first: row 2 of "
            "survey.csv), e.g. 'yesterday'."
        ),
        "  survey: the key (operator_id, survey_id) is that of another row: 1 row, e.g. 'o1, s1'.",
    ]
    assert Lake(tmp_path / "lake").state() == before
    nowhere = command("import", str(tmp_path / "nowhere"), config=config)
    assert nowhere.code == 2
    assert "There is no folder" in one_sentence(nowhere)
