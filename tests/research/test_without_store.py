"""The portfolio without its store: everything but the change in 30 days is there, and that is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_lake import NOW, STOPPED, fill, settings_file, settings_in, stories

from customer_research.errors import EngineError
from customer_research.research.past.history.backfill import backfill
from customer_research.surfaces.cli.group import run

NO_STORE = "no SQLite database"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a history of five weeks, whose store has been overwritten by something else."""
    place = tmp_path_factory.mktemp("storeless")
    settings = settings_in(place)
    fill(settings.lake_folder, stories())
    backfill(settings, lambda: NOW, weeks=5)
    (place / "store.db").write_text("this is a text, and long enough to be looked at as a database " * 9)
    return place


def test_the_table_stands_and_the_change_is_a_stated_gap(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ("--config", str(settings_file(folder)))
    assert run([*config, "portfolio"]) == 3
    told = capsys.readouterr().out
    assert "Stopped Limo" in told
    assert "30 days" in told
    assert "What changed in 30 days is not known" in told
    assert NO_STORE in " ".join(told.split())
    assert run([*config, "portfolio", "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    (history,) = [line for line in report["freshness"] if line["source"] == "score history"]
    assert history["state"] == "missing"


def test_the_csv_has_an_empty_column_and_a_warning(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config", str(settings_file(folder)), "portfolio", "--csv"]) == 3
    told = capsys.readouterr()
    assert STOPPED in told.out
    assert "change_30d" in told.out.splitlines()[0]
    assert told.err.startswith("Warning: ")
    assert NO_STORE in told.err


def test_churn_risk_needs_no_store(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config", str(settings_file(folder)), "churn-risk"]) == 0
    assert capsys.readouterr().err == ""


def test_an_engine_that_fails_is_no_defect_of_the_program(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ("--config", str(settings_file(folder)))
    assert (
        run([*config, "portfolio", "score", "--engine", "postgres", "--engine-url", "postgresql://127.0.0.1:1/x"]) == 7
    )
    assert "does not answer" in capsys.readouterr().err
    assert EngineError("It failed.").hint.startswith("Check the `engine` settings")
    assert EngineError("It failed.", hint="Do this.").hint == "Do this."


@pytest.mark.parametrize(
    "words",
    [
        "today",
        "renewals",
        "portfolio",
        "digest",
        "churn-risk",
        "alerts",
        "alerts show 1234",
        "report portfolio-summary",
        "history list",
        "history show Stopped",
        "history verify",
        "outcome list",
    ],
)
def test_who_only_reads_makes_no_store(folder: Path, tmp_path: Path, words: str) -> None:
    place = tmp_path / "looked"
    place.mkdir()
    (place / "lake").symlink_to(settings_in(folder).lake_folder)
    assert run(["--config", str(settings_file(place)), *words.split()]) in {0, 2, 3, 4}
    assert {path.name for path in place.iterdir()} == {"lake", "settings.toml"}
