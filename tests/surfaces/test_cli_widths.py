"""Lists of the command line on a terminal: no line is wider than it, and nothing is cut off."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from customer_research.surfaces.cli.group import run
from customer_research.surfaces.cli.hanging import hanging

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
        monkeypatch.setattr(shutil, "get_terminal_size", lambda *_: shutil.os.terminal_size((columns, 24)))  # type: ignore[attr-defined]
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
