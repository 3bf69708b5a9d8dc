"""Lists of the command line on a terminal: no line is wider than it, and nothing is cut off."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from customer_research.domain.evidence import Gap
from customer_research.domain.pull import PullResult
from customer_research.research.usecases.lake import pull_table
from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.drawing import drawn, hanging
from customer_research.surfaces.cli.group import run

LISTS = (
    ("config", "show"),
    ("tables",),
    ("tables", "invoice"),
    ("metrics", "mrr"),
    ("rules",),
    ("alerts", "rules"),
    ("doctor",),
)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Standard output as a terminal of so many columns."""

    def sized(columns: int) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    return sized


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", LISTS, ids=" ".join)
def test_a_list_keeps_to_the_terminal(
    terminal: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], columns: int
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[lake]\nfolder = '{tmp_path / 'lake'}'\n", encoding="utf-8")
    terminal(columns)
    run(["--config", str(settings), *command])
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) > 3
    assert [line for line in lines if cell_len(line) > columns and " " in line.strip()] == []


def test_a_program_reads_one_line_each_and_a_terminal_every_word(terminal: Any) -> None:
    text = "one two three four five six seven eight nine ten"
    assert hanging("name    ", text) == f"name    {text}"
    terminal(40)
    wrapped = hanging("name    ", text).split("\n")
    assert wrapped[0] == "name    one two three four five six"
    assert wrapped[1] == "        seven eight nine ten"
    assert hanging("a long name of its own  ", text).split("\n")[:2] == [
        "a long name of its own",
        "    one two three four five six seven",
    ]


NOW = datetime(2026, 11, 1, tzinfo=UTC)
WORDS = Gap("lago", "unavailable", "Words that go on and on. " * 12)
RESULTS = (PullResult("lago", "invoices", "Invoices", "failed", NOW, NOW, rows=1_234_567, gap=WORDS),)


@pytest.mark.parametrize("term", ["dumb", "xterm-256color", "", None])
@pytest.mark.parametrize("piped", [True, False])
@pytest.mark.parametrize("width", [70, 100, 150])
def test_a_table_is_as_wide_as_columns_says(
    monkeypatch: pytest.MonkeyPatch, width: int, *, piped: bool, term: str | None
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: not piped)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", drawn(pull_table(RESULTS))).split("\n")
    assert width - len("Words that") < max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("columns", "wide"), [(None, 100), ("", 100), ("0", 100), ("wide", 100), ("80", 80)])
def test_without_a_terminal_the_width_is_a_hundred(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, wide: int
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert screen.columns(100) == wide


def test_a_dumb_terminal_gets_lines_and_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert (screen.coloured(), screen.lively(), "\x1b" in drawn(pull_table(RESULTS))) == (True, True, True)
    monkeypatch.setenv("TERM", "dumb")
    assert (screen.coloured(), screen.lively(), "\x1b" in drawn(pull_table(RESULTS))) == (False, False, False)
