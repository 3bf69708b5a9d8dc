"""`web serve --demo`: the sandbox is started and filled, then its pages are served; what fails is not shown as if it were filled."""

from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from customer_research.surfaces import demo
from customer_research.surfaces.cli.group import run
from customer_research.surfaces.web import serving

CONFIG = Path("invented/settings.toml")
WHOLE = ["up", "sync", "portfolio score", "history backfill", "alerts check", "pages", "down"]

Told = Callable[[dict[str, int]], list[str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Runs the command with commands that end in these exit codes: what happened, in order."""

    def happens(codes: dict[str, int]) -> list[str]:
        happened: list[str] = []

        @contextmanager
        def sandbox() -> Iterator[tuple[Path, str]]:
            happened.append("up")
            try:
                yield CONFIG, "http://slack"
            finally:
                happened.append("down")

        def step(config: Path, *arguments: str) -> int:
            assert config == CONFIG
            happened.append(" ".join(arguments[:2]))
            return codes.get(arguments[0], 0)

        def served(config: Path, *, opens: bool, **_more: object) -> int:
            assert (config, opens) == (CONFIG, True)
            happened.append("pages")
            return 0

        monkeypatch.setattr(demo, "sandbox", sandbox)
        monkeypatch.setattr(demo, "step", step)
        monkeypatch.setattr(serving, "served", served)
        happened.append(str(run(["web", "serve", "--demo", "--open"])))
        return happened

    return happens


def test_the_demo_is_filled_before_its_pages_are_served(told: Told) -> None:
    assert told({}) == [*WHOLE, "0"]


def test_a_demo_that_could_not_be_filled_is_not_shown(told: Told) -> None:
    assert told({"portfolio": 6}) == ["up", "sync", "portfolio score", "down", "6"]


def test_the_demo_has_settings_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text("")
    assert run(["--config", str(tmp_path / "mine.toml"), "web", "serve", "--demo"]) == 2
    assert "--demo and --config contradict each other." in capsys.readouterr().err


class _Process:
    """The sandbox's process, as far as the demo uses it."""

    def __init__(self, ended: list[str]) -> None:
        self._ended = ended
        self.stdout = io.StringIO('{"config": "invented/settings.toml", "addresses": {"slack": "http://slack"}}\n')

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.append("waited for")

    def terminate(self) -> None:
        self._ended.append("told to end")


def test_a_demo_that_is_told_to_end_takes_the_sandbox_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_given, **_named: _Process(ended))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), demo.sandbox():
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended == ["told to end", "waited for"]
    assert signal.getsignal(signal.SIGTERM) is before
