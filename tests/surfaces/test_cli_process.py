"""The command line as a process of its own: pipes, terminals, signals, completion."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import KEYS, SILENT_CHURN

from customer_research_sandbox.serve import Sandbox

PROGRAM = (sys.executable, "-m", "customer_research")


def piped(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program with everything piped."""
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=60, input=stdin)


def on_a_terminal(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Run the program on a terminal of its own; its exit code and all that the terminal was sent."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **(environment or {})}
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=variables, close_fds=True
    ) as process:
        os.close(theirs)
        sent = b"".join(iter(lambda: _read(ours), b""))
        code = process.wait(60)
    os.close(ours)
    return code, sent.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed: the program has ended
        return b""


def test_what_was_loaded_is_not_looked_through_when_the_program_ends() -> None:
    code = (
        "import atexit, gc, sys; atexit.register(lambda: print(len(gc.get_objects()), gc.get_freeze_count()));"
        "sys.argv = ['customer-research', 'metrics']; from customer_research.surfaces.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    left, frozen = map(int, done.stdout.splitlines()[-1].split())
    assert left < frozen // 10


def test_piped_output_has_neither_colour_nor_progress(config_path: Path) -> None:
    done = piped("--config", str(config_path), "quick", SILENT_CHURN)

    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith("Silvermead Livery")


def test_a_terminal_gets_colour_and_a_progress_line_that_goes_away(config_path: Path) -> None:
    code, sent = on_a_terminal("--config", str(config_path), "billing", SILENT_CHURN)

    assert code == 0
    assert "Looking the operator up" in sent
    assert "fetched" in sent
    report = sent[sent.rindex("\x1b[?25h") :]  # the cursor is back: the progress line is over
    assert "fetched" not in report
    assert "\x1b[2K" in sent
    assert "\x1b[1m" in report or "\x1b[3" in report


def test_no_color_is_heeded(config_path: Path) -> None:
    code, sent = on_a_terminal("--config", str(config_path), "quick", SILENT_CHURN, environment={"NO_COLOR": "1"})

    assert code == 0
    assert "\x1b[3" not in sent[sent.rindex("\x1b[?25h") :].removeprefix("\x1b[?25h")


@pytest.mark.parametrize("arguments", [("metrics",), ("--help",), ("profile", "--help"), ("rules", "--json")])
def test_a_reader_that_stops_early_is_no_failure(arguments: tuple[str, ...]) -> None:
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(60)

    assert (code, said) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="impossible here: the system has no /dev/full")
def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "metrics"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("Error: The output cannot be written: No space left on device.")
    assert "Traceback" not in done.stderr


def test_closed_standard_output_is_no_failure(config_path: Path) -> None:
    line = 'exec "$@" >&-'
    done = subprocess.run(
        ["/bin/sh", "-c", line, "sh", *PROGRAM, "--config", str(config_path), "quick", SILENT_CHURN],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_ends_it_quietly_with_nothing_written(
    clean_sandbox: Sandbox, config_path: Path, tmp_path: Path
) -> None:
    clean_sandbox.set_faults("metabase:slow")
    command = [*PROGRAM, "--config", str(config_path), "profile", SILENT_CHURN, "--output", str(tmp_path / "r.md")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not any(request.source == "lago" for request in clean_sandbox.request_log) and process.poll() is None:
            select.select([], [], [], 0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert not any(key in out + err for key in KEYS)
    assert list(tmp_path.iterdir()) == []


def test_the_shell_completes_commands_and_options() -> None:
    def offered(words: str, at: int) -> list[str]:
        asked = {
            **os.environ,
            "_CUSTOMER_RESEARCH_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(at),
        }
        done = subprocess.run(PROGRAM, env=asked, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert offered("customer-research pro", 1) == ["profile"]
    assert offered("customer-research profile --f", 2) == ["--format", "--full"]
    assert offered("customer-research profile x --format m", 4) == ["markdown"]


def test_an_unexpected_failure_is_one_sentence_and_the_traceback_is_for_those_who_ask(tmp_path: Path) -> None:
    (tmp_path / "tomllib.py").write_text("raise ZeroDivisionError('inner detail')\n", encoding="utf-8")
    broken = {**os.environ, "PYTHONPATH": str(tmp_path)}
    plain = subprocess.run([*PROGRAM, "quick", "x y"], env=broken, capture_output=True, text=True, check=False)
    asked = subprocess.run(
        [*PROGRAM, "quick", "x y"],
        env={**broken, "CUSTOMER_RESEARCH_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert plain.returncode == 1
    assert plain.stderr.startswith("Error: Unexpected failure (ZeroDivisionError).")
    assert "inner detail" not in plain.stderr
    assert "inner detail" in asked.stderr


def test_a_server_whose_port_is_taken_is_a_failure(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/own.db"\n', encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        call = [*PROGRAM, "--config", str(config), "mcp", "serve", "--http", "--port", port]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr
