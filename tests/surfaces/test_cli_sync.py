"""sync through the real command line: what it prints, its exit codes, and that a second one changes nothing."""

from __future__ import annotations

import io
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_runs import WRONG, changed, command, one_sentence

from customer_research.domain.pull import Progress, PullResult
from customer_research.lake import Lake
from customer_research.research.usecases import use_case
from customer_research.surfaces.cli import progress
from customer_research.surfaces.cli.progress import counts_of, progress_of, pulls, time_words
from customer_research_sandbox.serve import Sandbox

SMALL = ("notion",)
"""A source that is pulled quickly: what all of them give is tested beside the sync itself."""


@pytest.fixture
def config(config_path: Path, tmp_path: Path) -> Path:
    """The sandbox's settings with a lake of the test's own."""
    return changed(config_path, tmp_path, {"lake": {"folder": str(tmp_path / "lake")}})


def test_a_sync_tells_each_stream_and_a_second_changes_nothing(config: Path, tmp_path: Path) -> None:
    done = command("sync", *SMALL, config=config)
    assert done.code == 0
    head, _, *lines = done.out.splitlines()
    assert head.split() == ["Source", "Stream", "Outcome", "Rows", "Gone", "In", "the", "lake", "Requests", "Seconds"]
    (line,) = lines
    assert line.split()[:3] == ["notion", "tickets", "done"]
    assert done.err.startswith("notion.tickets: done, ")
    digest = Lake(tmp_path / "lake").tables().digest
    again = json.loads(command("sync", *SMALL, "--full", "--json", config=config).out)
    assert again["schema"] == "customer-research/sync/1"
    (result,) = again["outcomes"]
    assert (result["state"], result["full"], result["gap"]) == ("unchanged", True, None)
    assert result["held"] == result["rows"] > 100
    assert result["started"].endswith("Z")
    assert Lake(tmp_path / "lake").tables().digest == digest


def test_a_source_that_fails_leaves_the_others(clean_sandbox: Sandbox, config_path: Path, tmp_path: Path) -> None:
    wrong = changed(config_path, tmp_path, {"lake": {"folder": str(tmp_path / "lake")}, "lago": {"api_key": WRONG}})
    done = command("sync", "notion", "lago", config=wrong)
    assert done.code == 3
    assert "lago.customers: Lago refused the credential" in done.out
    assert Lake(tmp_path / "lake").state().streams["notion.tickets"].succeeded_at is not None
    alone = command("sync", "lago", config=wrong)
    assert alone.code == 6
    clean_sandbox.set_faults("notion:down")
    down = command("sync", "notion", config=wrong)
    assert down.code == 6
    assert "Notion cannot be reached" in " ".join(down.out.split())
    assert "rows of 2026-11-01T00:00:00Z." in " ".join(down.out.split())


def test_wrong_calls_are_one_sentence(config: Path, config_path: Path, tmp_path: Path) -> None:
    assert "There is no source 'lagoo'. Did you mean lago?" in one_sentence(command("sync", "lagoo", config=config))
    assert "contradict" in one_sentence(command("sync", "--full", "--since", "2026-10-01", config=config))
    day = command("sync", "--since", "yesterday", config=config)
    assert (day.code, one_sentence(day)[:5]) == (2, "Error")
    (tmp_path / "bare").mkdir()
    bare = changed(config_path, tmp_path / "bare", {"notion": {"token": None}})
    missing = command("sync", "notion", config=bare)
    assert (missing.code, "token" in one_sentence(missing)) == (5, True)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "manifest.json").write_text("{", encoding="utf-8")
    broken = command("sync", "notion", config=config)
    assert (broken.code, "is damaged" in one_sentence(broken)) == (2, True)


def test_without_a_terminal_a_line_every_so_often_says_counts_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PACE_SECONDS", 0.05)
    clock = iter((0.0, 0.0, 30.0, 30.0, 60.0))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress_of(use_case("history backfill")) as heard:
        heard(0, 104)
        heard(4, 104)
        time.sleep(0.2)
    said = capsys.readouterr()
    assert said.out == ""
    assert set(said.err.splitlines()) == {"Scoring weeks: 4 of 104, 12 min left"}
    monkeypatch.setattr(progress, "time", time)
    with progress_of(use_case("sync")) as pulled:
        pulled(Progress("lago", "invoices", "Invoices", 100, 400))
        pulled(Progress("notion", "tickets", "Tickets", 7))
        time.sleep(0.2)
    lines = set(capsys.readouterr().err.splitlines())
    assert lines == {"lago.invoices: 100 of 400; notion.tickets: 7"}


def test_a_command_that_is_done_soon_says_no_such_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of(use_case("history backfill")) as heard:
        heard(1, 2)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59.4, "59 s"), (90, "2 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")]
)
def test_the_time_left_in_words(seconds: float, words: str) -> None:
    assert time_words(seconds) == words


def test_on_a_terminal_each_stream_has_a_bar_with_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    result = PullResult("notion", "tickets", "Tickets", "done", now, now, rows=4000)
    with pulls() as told:
        told(Progress("notion", "tickets", "Tickets"))
        told(Progress("notion", "tickets", "Tickets", 1200, 4000))
        told(Progress("lago", "invoices", "Invoices", 300))
        told(Progress("notion", "tickets", "Tickets", 4000, 4000, result))
    for said in ("notion.tickets", "lago.invoices", "done", "300"):
        assert said in terminal.getvalue()
    assert counts_of(Progress("notion", "tickets", "Tickets", 1200, 4000)) == "1,200 of 4,000"
