"""`batch` through the sandbox over HTTP: every line has a row, nothing is done twice, limits hold, one failure ends nothing."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from customer_research.errors import ConfigError, UsageError
from customer_research.research.batch.batch import Order, Row, summary_csv
from customer_research.research.batch.entries import Entry
from customer_research.research.batch.journal import NAME, Journal
from customer_research.surfaces.cli.group import run
from customer_research_sandbox.serve import Sandbox

S02, S05, S39 = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in ("02", "05", "39"))
NOBODY = "99999999-5ce0-11f0-a000-000000000002"
BOOK = f"""\
# the book
{S02}
Dockyard Twin Limousine

Summit
nobody at all here
Silvermead Livery
%
{NOBODY}
{NOBODY}
"""
OUTCOMES = ["done", "done", "ambiguous", "not_found", "duplicate", "refused", "not_found", "not_found"]


@pytest.fixture
def call(clean_sandbox: Sandbox, config_path: Path, tmp_path: Path) -> Callable[..., int]:
    """Runs `batch` over a text, which lies in a file."""

    def batch(text: str, *options: str) -> int:
        (tmp_path / "book.txt").write_text(text, encoding="utf-8")
        return run(["--config", str(config_path), "batch", str(tmp_path / "book.txt"), *options])

    return batch


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _keys(folder: Path) -> list[str]:
    lines = (folder / NAME).read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["key"] for line in lines[1:]]


def test_every_line_has_a_row_and_every_operator_one_report(call: Any, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"

    assert call(BOOK, "--output", str(out)) == 4

    rows = _rows(out)
    assert [row["outcome"] for row in rows] == OUTCOMES
    assert [row["line"] for row in rows] == ["2", "3", "5", "6", "7", "8", "9", "10"]
    assert sorted(path.name for path in out.glob("0*")) == [f"002-{S02}.md", f"003-{S05}.md"]
    assert (rows[0]["mrr"], rows[0]["health"], rows[0]["plan"]) == ("$199.00", "79 Monitor", "Pro")
    assert (rows[0]["payment"], rows[0]["open_tickets"]) == ("Healthy, 100 of 100", "0")
    assert (rows[0]["trips_30d"], rows[0]["trend"]) == ("20", "-66.7%")
    assert rows[4]["detail"] == "The same operator as line 2."
    assert rows[4]["report"] == rows[0]["report"]
    assert "Summit Vale Black Car" in rows[2]["detail"]
    assert all(row["detail"] for row in rows[2:])
    printed = capsys.readouterr().out
    assert "8 lines: done 2, duplicate 1, not found 3, ambiguous 1, refused 1." in printed
    assert "Line 8, refused: %" in printed


def test_a_report_is_the_one_that_its_own_command_writes(
    call: Any, config_path: Path, tmp_path: Path, capsys: Any
) -> None:
    assert call(f"{S02}\n", "--kind", "health", "--json", "--output", str(tmp_path / "out")) == 0
    told = json.loads(capsys.readouterr().out)
    assert run(["--config", str(config_path), "health", S02, "--json"]) == 0

    assert (tmp_path / "out" / f"001-{S02}.json").read_text() == capsys.readouterr().out
    assert told["schema"] == "customer-research/batch/1"
    assert told["counts"] == {"done": 1}
    figure = told["rows"][0]["figures"]["health"]
    assert figure["text"] == "79 Monitor"
    assert set(figure["receipts"]) <= {
        r["id"] for r in json.loads((tmp_path / "out" / f"001-{S02}.json").read_text())["receipts"]
    }


def test_without_a_folder_nothing_is_written(call: Any, tmp_path: Path, capsys: Any) -> None:
    assert call(f"{S02}\n") == 0

    assert [path.name for path in tmp_path.iterdir()] == ["book.txt"]
    assert "Silvermead Livery" in capsys.readouterr().out


def test_it_reads_standard_input(
    clean_sandbox: Sandbox, config_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"operator,plan\r\nSilvermead Livery,pro\r\n")
    with (tmp_path / "in").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run(["--config", str(config_path), "batch", "-"]) == 0
    assert "79 Monitor" in capsys.readouterr().out


def test_a_missing_source_is_partial_and_said_so(
    call: Any, clean_sandbox: Sandbox, tmp_path: Path, capsys: Any
) -> None:
    clean_sandbox.set_faults("lago:auth")
    out = tmp_path / "out"

    assert call(f"{S02}\n{S05}\n", "--output", str(out)) == 3

    rows = _rows(out)
    assert [row["outcome"] for row in rows] == ["partial", "partial"]
    assert all("Lago" in row["detail"] for row in rows)
    assert "Lago" in rows[0]["mrr"]
    assert rows[0]["trips_30d"] == "20"

    clean_sandbox.set_faults()
    assert call(f"{S02}\n{S05}\n", "--output", str(out)) == 3
    assert call(f"{S02}\n{S05}\n", "--output", str(out), "--retry") == 0
    assert [row["mrr"] for row in _rows(out)] == ["$199.00", "$199.00"]


def test_one_broken_operator_does_not_end_the_batch(clean_sandbox: Sandbox, research: Any, tmp_path: Path) -> None:
    def render(report: Any) -> bytes:
        if report.operator_id == S05:
            raise ZeroDivisionError
        return b"report"

    entries = [Entry(1, S02), Entry(2, S05), Entry(3, S39), Entry(4, "Dockyard Twin Limousine")]
    heard: list[Row] = []

    rows = research(
        lambda opened: opened.batch(entries, Order("quick", render, "md"), folder=tmp_path / "out", told=heard.append)
    )

    assert [row.outcome for row in rows] == ["done", "failed", "done", "failed"]
    assert "ZeroDivisionError" in rows[1].detail
    assert sorted(row.line for row in heard) == [1, 2, 3, 4]


def test_a_wrong_setting_ends_it_at_once(clean_sandbox: Sandbox, research: Any) -> None:
    order = Order("quick", lambda _: b"", "md", scorecard="no-such-card")
    with pytest.raises(ConfigError, match="no-such-card"):
        research(lambda opened: opened.batch([Entry(1, S02), Entry(2, S05)], order))


def test_an_unknown_kind_is_refused(research: Any) -> None:
    with pytest.raises(UsageError, match="makes no"):
        research(lambda opened: opened.batch([Entry(1, S02)], Order("lookup", lambda _: b"", "md")))


def test_the_vendors_limits_hold(call: Any, clean_sandbox: Sandbox, tmp_path: Path) -> None:
    book = "\n".join(f"00000000-5ce0-11f0-a000-0000000000{number:02}" for number in range(1, 13))

    assert call(book, "--output", str(tmp_path / "out")) == 0

    assert [request for request in clean_sandbox.request_log if request.status == 429] == []


# --- continuing --------------------------------------------------------------------------------------------------------

MANY = [f"00000000-5ce0-11f0-a000-0000000000{number:02}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13)]
LONGEST_SECONDS = 120


def test_killed_in_the_middle_a_rerun_does_the_rest_and_no_more(
    call: Any, clean_sandbox: Sandbox, config_path: Path, tmp_path: Path
) -> None:
    book = "\n".join([*MANY, "Silvermead Livery", "Summit"])
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert call(book, "--output", str(whole)) == 4
    clean_sandbox.set_latency(40)
    done = _killed_after(3, [str(config_path), str(tmp_path / "book.txt"), str(cut)], cut)
    clean_sandbox.set_latency(0)
    before = _keys(cut)
    assert 3 <= len(before) < len(MANY)
    clean_sandbox.clear_request_log()

    assert call(book, "--output", str(cut)) == 4

    assert done.returncode == -signal.SIGKILL
    keys = _keys(cut)
    assert keys[: len(before)] == before
    assert Counter(keys).most_common(1)[0][1] == 1
    assert len(keys) == len(MANY) + 2
    assert (cut / "summary.csv").read_text() == (whole / "summary.csv").read_text()
    assert sorted(path.name for path in cut.glob("0*")) == sorted(path.name for path in whole.glob("0*"))
    asked = {
        operator for operator in MANY for r in clean_sandbox.request_log if r.source == "lago" and operator in r.path
    }
    assert len(asked) == len(MANY) - len(before)

    clean_sandbox.clear_request_log()
    assert call(book, "--output", str(cut)) == 4
    assert clean_sandbox.request_log == []


def _killed_after(records: int, arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Run the program until its journal has this many records, then kill it as a power cut would."""
    config, book, output = arguments
    command = [sys.executable, "-m", "customer_research", "--config", config, "batch", book, "--output", output]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        ends = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < ends and process.poll() is None:
            journal = folder / NAME
            if journal.exists() and journal.read_bytes().count(b"\n") > records:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.wait()
    return process


def test_a_line_cut_off_by_a_kill_is_done_again(call: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(f"{S02}\n{S05}\n", "--output", str(out)) == 0
    summary = (out / "summary.csv").read_text()
    content = (out / NAME).read_bytes()
    (out / NAME).write_bytes(content[:-40])

    assert call(f"{S02}\n{S05}\n", "--output", str(out)) == 0

    assert (out / "summary.csv").read_text() == summary
    assert len(_keys(out)) == 2


def test_a_report_that_is_gone_is_made_again(call: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(f"{S02}\n", "--output", str(out)) == 0
    report = out / f"001-{S02}.md"
    text = report.read_text()
    report.unlink()

    assert call(f"{S02}\n", "--output", str(out)) == 0

    assert report.read_text() == text


def test_a_line_that_was_changed_is_done_anew(call: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(f"{S02}\n{S05}\n", "--output", str(out)) == 0
    assert call(f"{S02}\n{S39}\n", "--output", str(out)) == 0

    assert [row["operator_id"] for row in _rows(out)] == [S02, S39]
    assert len(_keys(out)) == 3


def test_a_folder_serves_one_batch(call: Any, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert call(f"{S02}\n", "--output", str(out)) == 0
    assert call(f"{S02}\n", "--output", str(out), "--kind", "health") == 2
    assert "holds another batch (kind quick)" in capsys.readouterr().err


# --- the journal -------------------------------------------------------------------------------------------------------


def test_two_programs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with Journal(tmp_path, {"kind": "quick"}), pytest.raises(UsageError, match="Another batch is writing"):
        Journal(tmp_path, {"kind": "quick"})


def test_a_damaged_journal_is_named_by_its_line(tmp_path: Path) -> None:
    with Journal(tmp_path, {"kind": "quick"}) as journal:
        journal.add("a", {"x": 1})
    with (tmp_path / NAME).open("a") as file:
        file.write("{broken\n")
    with pytest.raises(UsageError, match="Line 3 of"):
        Journal(tmp_path, {"kind": "quick"})


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Cannot write to"):
        Journal(tmp_path / "file", {})


def test_a_spreadsheet_runs_nothing_of_the_summary() -> None:
    text = summary_csv([Row(1, "=cmd()", "done", name="@x", detail="+1"), Row(2, "-2", "refused")])
    assert "'=cmd()" in text
    assert "'@x" in text
    assert "'+1" in text
    assert "'-2" in text


def test_the_inputs_are_masked_unless_asked_for(call: Any, tmp_path: Path, capsys: Any) -> None:
    assert call("somebody@nowhere-known.example\n", "--output", str(tmp_path / "a")) == 4
    assert call("somebody@nowhere-known.example\n", "--output", str(tmp_path / "b"), "--show-personal") == 4

    for folder, shown in (("a", False), ("b", True)):
        texts = [path.read_text() for path in (tmp_path / folder).iterdir()]
        assert any("somebody@" in text for text in texts) is shown
