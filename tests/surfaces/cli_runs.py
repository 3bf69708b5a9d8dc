"""Running the real command line in this process, and what must hold of every run."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from customer_research.surfaces.cli.group import run
from customer_research_sandbox.servers import hubspot, lago, metabase, notion

KEYS = (lago.API_KEY, hubspot.TOKEN, metabase.API_KEY, notion.TOKEN)
WRONG = "wr0ng-credential-that-must-not-show"
SILENT_CHURN = "00000000-5ce0-11f0-a000-000000000002"
CREDENTIALS = {"lago": "api_key", "hubspot": "token", "metabase": "api_key", "notion": "token"}
SOURCES = {"lago": "lago", "hubspot": "hubspot", "metabase": "warehouse", "notion": "notion"}
"""Part of the settings → the source that reads it."""


@dataclass(frozen=True)
class Run:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def command(*arguments: str, config: Path | None = None) -> Run:
    """Run the command line; no run may show a credential or a traceback, and every failure says one thing on stderr."""
    out, err = io.StringIO(), io.StringIO()
    chosen = ["--config", str(config)] if config is not None else []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*chosen, *arguments])
    done = Run(code, out.getvalue(), err.getvalue())
    for said in (done.out, done.err):
        assert not any(key in said for key in (*KEYS, WRONG))
        assert "Traceback" not in said
        assert "Unexpected failure" not in said
        assert "\x1b" not in said
    return done


def one_sentence(done: Run) -> str:
    """The complaint of a run that failed: on stderr alone, its first line, ended like a sentence."""
    assert done.out == ""
    first = done.err.splitlines()[0]
    assert first.startswith("Error: ")
    assert first.endswith((".", "?", ")"))
    assert len(first) < 500
    return first


def changed(config: Path, folder: Path, changes: Mapping[str, Mapping[str, object]], *, only: str = "") -> Path:
    """A copy of a settings file with some settings changed (None: taken out; the part "" is the top); `only` keeps one source."""
    document = tomlkit.parse(config.read_text(encoding="utf-8"))
    for part in [name for name in CREDENTIALS if only and name != only]:
        del document[part]
    for part, values in changes.items():
        for name, value in values.items():
            if not part:
                document[name] = value
            elif value is None:
                document[part].remove(name)
            else:
                document.setdefault(part, tomlkit.table())[name] = value
    path = folder / "changed.toml"
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path
