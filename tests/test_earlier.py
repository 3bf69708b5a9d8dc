"""What runs take from earlier ones: the same code finds it, other code never does, and old states go."""

from __future__ import annotations

from pathlib import Path

import earlier
import pytest


class Config:
    """A run's configuration whose cache lies in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.cache = self
        self._folder = folder

    def mkdir(self, name: str) -> Path:
        (self._folder / name).mkdir(exist_ok=True)
        return self._folder / name


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one file of code."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "code.py").write_text("1", encoding="utf-8")
    monkeypatch.setattr(earlier, "ROOT", root)
    monkeypatch.setattr(earlier, "_ALWAYS", ())
    return root


def found(tmp_path: Path) -> Path:
    folder = earlier.folder_of(Config(tmp_path), "worlds", ".")  # type: ignore[arg-type]
    assert folder is not None
    return folder


def test_the_same_code_finds_what_it_made_and_other_code_or_another_name_does_not(tmp_path: Path, code: Path) -> None:
    first = found(tmp_path)
    assert found(tmp_path) == first
    (code / "code.py").rename(code / "other.py")
    second = found(tmp_path)
    (code / "other.py").write_text("2", encoding="utf-8")
    assert len({first, second, found(tmp_path)}) == 3


def test_the_states_used_last_are_kept_and_older_ones_go(tmp_path: Path, code: Path) -> None:
    for state in range(earlier.KEPT + 2):
        (code / "code.py").write_text(str(state), encoding="utf-8")
        newest = found(tmp_path)
    states = list(newest.parent.iterdir())
    assert len(states) == earlier.KEPT
    assert newest in states


def test_a_run_without_a_cache_makes_everything_itself() -> None:
    assert earlier.folder_of(object(), "worlds") is None  # type: ignore[arg-type]


def test_what_was_left_half_made_is_made_anew_and_what_is_whole_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "half").touch()
    earlier.once(folder, folder.mkdir)
    assert list(folder.iterdir()) == []
    earlier.once(folder, folder.mkdir)
