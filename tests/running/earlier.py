"""What is dear to make and follows from the code alone: later runs take it again for as long as that code is the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds import alone

ROOT = Path(__file__).resolve().parents[2]

KEPT = 3
"""How many states of the code are remembered: the one at work, and those before and beside it."""

_ALWAYS = ("requirements/dev.lock", "tests/running")


def folder_of(config: pytest.Config, name: str, *made_of: str) -> Path | None:
    """The folder for what this code makes, in pytest's cache; none where pytest runs without one.

    Args:
        config: of this run.
        name: the kind of thing in it; each kind has its own few states.
        made_of: the files and folders of the repository that it follows from, beside the tests' own and the pinned packages.
    """
    if (cache := getattr(config, "cache", None)) is None:
        return None
    states: Path = cache.mkdir(name)
    own = states / _digest((*_ALWAYS, *made_of))
    own.mkdir(exist_ok=True)
    os.utime(own)
    for old in sorted(states.iterdir(), key=_used, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)  # the other worker may be at it
    return own


def once(folder: Path, make: Callable[[], None]) -> None:
    """See that *folder* is there and whole: *make* is called when it is not, and no other worker does so meanwhile."""
    whole = folder.with_suffix(".whole")
    with alone(folder):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was stopped in the middle
            make()
            whole.touch()


def _used(folder: Path) -> float:
    return folder.stat().st_mtime if folder.exists() else 0.0


def _digest(made_of: tuple[str, ...]) -> str:
    """Of the names and contents of these files, and of the Python that runs them."""
    told = hashlib.sha256(sys.version.encode())
    for name in made_of:
        start = ROOT / name
        for file in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if file.is_file() and file.suffix != ".pyc":
                told.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return told.hexdigest()[:16]
