"""`history` on the command line: which word is an operator and which a sub-command, exit codes, and what is printed."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
from made_up_lake import NAMES, STOPPED, fill, settings_file, settings_in, stories

from customer_research.store import schema
from customer_research.store.database import open_store
from customer_research.surfaces.cli.group import run


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history-cli")
    path = settings_file(folder)
    fill(settings_in(folder).lake_folder, stories())
    assert called(path, "portfolio", "score")[0] == 0
    return path


def called(config: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["--config", str(config), *arguments])
    assert "Traceback" not in err.getvalue()
    assert "Unexpected" not in err.getvalue()
    return code, out.getvalue(), err.getvalue()


def test_what_is_no_sub_command_is_an_operator(config: Path) -> None:
    for words in (("stopped limo",), ("show", STOPPED), ("--last", "1", STOPPED)):
        code, out, _ = called(config, "history", *words)
        assert code == 0
        assert NAMES[STOPPED] in out
        assert "Readings, newest first" in out
    code, out, _ = called(config, "history", STOPPED, "--json")
    assert (code, json.loads(out)["operator"]["id"]) == (0, STOPPED)


def test_whom_the_history_does_not_know_ends_as_in_every_report(config: Path) -> None:
    code, out, err = called(config, "history", "limo")
    assert (code, out) == (4, "")
    assert STOPPED in err
    assert called(config, "history", "3f0c2a10-7d11-11ef-9a00-0242ac120002")[0] == 4
    assert called(config, "history")[0] == 2
    assert called(config, "history", "list", "more")[0] == 2


def test_a_portfolio_that_was_scored_is_in_the_history_and_can_be_proven(config: Path) -> None:
    code, out, _ = called(config, "history", "list", "--json")
    (kept,) = json.loads(out)
    assert (code, kept["operators"], kept["kind"], sum(kept["bands"].values())) == (0, 3, "scored", 3)
    assert kept["id"] in called(config, "history", "list")[1]
    code, out, _ = called(config, "history", "verify", kept["id"][:6], "--json")
    assert code == 0
    assert json.loads(out) == {
        "snapshot": kept["id"], "as_of": "2026-11-01T00:00:00Z", "scorecard_digest": kept["digest"], "readings": 3,
        "findings": True, "same": True, "differences": [],
    }  # fmt: skip
    assert called(config, "history", "snapshot")[1].startswith("There already: ")


def test_the_past_is_filled_once_and_thinned_out(config: Path) -> None:
    words = ("history", "backfill", "--weeks", "2")
    assert called(config, *words)[:2] == (0, "2 weeks scored, 1 there already.\n")
    code, out, _ = called(config, *words, "--json")
    assert (code, json.loads(out)) == (
        0, {"until": "2026-11-01T00:00:00Z", "scored": [], "weeks_there": 3, "weeks_before_the_data": 0}
    )  # fmt: skip
    assert called(config, "history", "prune", "--keep-daily", "3")[:2] == (0, "0 snapshots removed.\n")
    for until in ("yesterday", "2026-11-02"):
        assert called(config, "history", "backfill", "--until", until)[0] == 2


def test_a_history_that_was_tampered_with_is_told(config: Path) -> None:
    url = settings_in(config.parent).store_url
    with open_store(url) as store, store.begin() as connection:
        connection.execute(schema.reading.update().values(score=1))
    code, out, _ = called(config, "history", "verify")
    assert code == 1
    assert out.startswith("Different: 3 values of snapshot ")
    assert f"{STOPPED}, score: kept 1, again " in out


def test_a_store_that_is_none_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    path = settings_file(tmp_path)
    (tmp_path / "store.db").write_bytes(b"not a database " * 100)
    code, out, err = called(path, "history", "list")
    assert (code, out) == (7, "")
    assert "is no SQLite database" in err
