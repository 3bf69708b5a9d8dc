"""The demo's parts that run beside others, and what its commands are spared."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from customer_research.research.usecases.runner import YOUNG
from customer_research.surfaces import demo
from customer_research.surfaces.cli.group import run


def test_reports_made_beside_others_are_told_when_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def step(config: Path, *arguments: str, show: bool = True) -> int:
        sys.stdout.write(f"{config.name} {arguments[0]} {show}\n")
        made.append(arguments)
        return len(made)

    made: list[tuple[str, ...]] = []
    monkeypatch.setattr(demo, "step", step)
    codes, printed = demo.reports_of_one(tmp_path / "settings.toml")

    assert capsys.readouterr().out == ""
    assert codes == list(range(1, len(made) + 1))  # no failure is lost
    assert printed.splitlines()[:2] == ["settings.toml snapshot True", "settings.toml report False"]
    assert {Path(one[-1]).name for one in made[1:]} == {
        *(f"{kind}.{suffix}" for kind in demo.KINDS for suffix in demo.PLAIN),
        *(f"{demo.REVIEW}.{suffix}" for suffix in demo.HANDED),
    }


def test_a_command_looks_seldom_for_garbage(capsys: pytest.CaptureFixture[str]) -> None:
    before = gc.get_threshold()
    try:
        assert run(["rules"]) == 0
        assert gc.get_threshold() == (YOUNG, *before[1:])
    finally:
        gc.set_threshold(*before)
    assert capsys.readouterr().out
