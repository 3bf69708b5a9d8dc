"""The set-up script itself, run on a copy with a made-up product: what it notices, repairs and says.

What takes long is replaced: pip by one that installs nothing, and fails when the lock says `nothing`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec {python} "$@"
{python} -m venv --without-pip "$3" && {copy} -r {pip} "$3"/lib/python3.*/site-packages
"""
PIP = 'import pathlib, sys\nsys.exit("nothing" in pathlib.Path(sys.argv[-1]).read_text())\n'
PROGRAM = 'import os, sys\nprint(os.getcwd(), *sys.argv[1:], sep="|")\n'


class Checkout:
    """A copy of the script with a product that prints where and how it was called."""

    def __init__(self, root: Path, path: str) -> None:
        self.root = root
        self.path = path
        (root / "requirements").mkdir(parents=True)
        (root / "src" / "customer_research").mkdir(parents=True)
        shutil.copy(ROOT / "dev", root)
        for name in ("run", "dev"):
            (root / "requirements" / f"{name}.lock").touch()
        (root / "src" / "customer_research" / "__init__.py").touch()
        (root / "src" / "customer_research" / "__main__.py").write_text(PROGRAM, encoding="utf-8")

    def dev(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `./dev` as somebody with nothing but a PATH would, without a home that can be written."""
        environment = {"PATH": self.path, "HOME": "/nowhere", "LANG": "C.UTF-8"}
        return subprocess.run(
            ["sh", str(self.root / "dev"), *arguments],
            cwd=cwd or self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for the PATH with the system's own tools, but no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "cmp", "dirname", "flock", "mkdir", "rm"):
        if found := shutil.which(name):  # flock is not everywhere
            (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, tools: Path) -> Checkout:
    pip = tmp_path / "pip"
    pip.mkdir()
    (pip / "__main__.py").write_text(PIP, encoding="utf-8")
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    wrapper = tools / "python3"
    wrapper.write_text(PYTHON.format(python=python, copy=shutil.which("cp"), pip=pip), encoding="utf-8")
    wrapper.chmod(0o755)
    return Checkout(tmp_path / "a folder with blanks", str(tools))


def _is_new(checkout: Checkout) -> bool:
    """Whether the environment was made anew since this was last asked."""
    mark = checkout.root / ".venv" / "mark"
    fresh = not mark.exists()
    mark.touch()
    return fresh


def test_the_environment_is_made_once_and_again_whenever_it_must_be(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    first = checkout.dev("run", "Harbor Line", "--output", "x y.md", cwd=elsewhere)
    assert first.stdout == f"{elsewhere}|Harbor Line|--output|x y.md\n", first.stderr
    assert first.stderr.count("\n") == 1
    assert _is_new(checkout)

    second = checkout.dev("run")
    assert (second.stdout, second.stderr) == (f"{checkout.root}\n", "")
    assert not _is_new(checkout)

    (checkout.root / ".venv" / ".incomplete").touch()
    assert checkout.dev("run").stdout == f"{checkout.root}\n"
    assert _is_new(checkout)

    checkout.root = checkout.root.rename(tmp_path / "moved")
    assert checkout.dev("run").stdout == f"{checkout.root}\n"
    assert _is_new(checkout)

    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(tmp_path / "a Python that was removed")
    assert checkout.dev("run").stdout == f"{checkout.root}\n"
    assert _is_new(checkout)

    (checkout.root / "requirements" / "run.lock").write_text("# another lock\n", encoding="utf-8")
    assert checkout.dev("run").stdout == f"{checkout.root}\n"
    assert _is_new(checkout)


def test_a_failed_installation_is_said_and_begun_again(checkout: Checkout) -> None:
    lock = checkout.root / "requirements" / "run.lock"
    lock.write_text("nothing\n", encoding="utf-8")
    failed = checkout.dev("run")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "The packages of requirements/run.lock could not be installed" in failed.stderr.splitlines()[-1]

    lock.write_text("", encoding="utf-8")
    assert checkout.dev("run").stdout == f"{checkout.root}\n"


def test_one_sentence_says_that_python_is_missing(tmp_path: Path, tools: Path) -> None:
    said = Checkout(tmp_path / "checkout", str(tools)).dev("run")
    assert said.returncode == 1
    assert said.stderr == "Python 3.11 or newer is needed: install it (Debian: apt-get install python3 python3-venv).\n"


def test_one_sentence_says_that_pythons_venv_is_missing(tmp_path: Path, tools: Path) -> None:
    python = tools / "python3"
    python.write_text(
        f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
    said = Checkout(tmp_path / "checkout", str(tools)).dev("run")
    assert said.returncode == 1
    assert said.stderr == "Python's venv module is missing: install it (Debian: apt-get install python3-venv).\n"
    assert not (tmp_path / "checkout" / ".venv").exists()


@pytest.mark.parametrize(("command", "code"), [((), 0), (("nonsense",), 2)])
def test_the_commands_are_listed(tmp_path: Path, tools: Path, command: tuple[str, ...], code: int) -> None:
    said = Checkout(tmp_path / "checkout", str(tools)).dev(*command)
    assert said.returncode == code
    assert "./dev demo" in said.stdout
