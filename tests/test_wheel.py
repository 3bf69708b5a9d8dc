"""The wheel alone: what it declares is enough for what it promises, with and without the extra that makes documents."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = "Silvermead Livery"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    subprocess.run((*build, "--wheel-dir", str(folder), str(ROOT)), check=True)
    (built,) = folder.glob("*.whl")
    return built


def environment(folder: Path, wheel: Path, extras: tuple[str, ...]) -> Path:
    """The program of a clean environment that has the wheel and the distributions that it declares, and nothing else."""
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", str(folder)), check=True)
    python = folder / "bin" / "python"
    install = (sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet", "--no-deps", "--no-index")
    subprocess.run((*install, str(wheel)), check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (declared,) = site.glob("customer_research-*.dist-info")
    needs = importlib.metadata.PathDistribution(declared).requires or ()
    for name in _declared(needs, extras):
        _link(importlib.metadata.distribution(name), site)
    return folder / "bin" / "customer-research"


def _declared(requirements: Iterable[str], extras: Iterable[str]) -> set[str]:
    """The names of the distributions that these need, and theirs."""
    found: set[tuple[str, str]] = set()
    waiting = [(one, extra) for one in requirements for extra in ("", *extras)]
    while waiting:
        text, extra = waiting.pop()
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": extra}):
            continue
        for asked in ("", *sorted(needed.extras)):
            if (needed.name, asked) not in found:
                found.add((needed.name, asked))
                waiting += [(one, asked) for one in importlib.metadata.distribution(needed.name).requires or ()]
    return {name for name, _ in found}


def _link(distribution: importlib.metadata.Distribution, site: Path) -> None:
    """What a distribution installed, by links: nothing is asked of an index."""
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in {"..", "__pycache__"}}
    for top in tops:
        target = site / top
        if not target.exists():
            target.symlink_to(Path(str(distribution.locate_file(top))).resolve())


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program without any extra."""
    return environment(tmp_path_factory.mktemp("plain") / "env", wheel, ())


@pytest.fixture(scope="module")
def served(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The settings file of a sandbox of the scenarios, served by the plain wheel."""
    folder = tmp_path_factory.mktemp("served")
    command = (str(bare), "sandbox", "serve", "--operators", "0")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            yield Path(json.loads(serving.stdout.readline())["config"])
        finally:
            serving.terminate()


def said(program: Path, served: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the program answers in a folder of its own."""
    command = (str(program), "--config", str(served), *words)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_wheel_alone_profiles_and_syncs(bare: Path, served: Path, tmp_path: Path) -> None:
    profile = said(bare, served, tmp_path, "profile", SCENARIO, "--format", "markdown")
    assert (profile.returncode, SCENARIO in profile.stdout) == (0, True), profile.stderr
    sync = said(bare, served, tmp_path, "sync")
    assert sync.returncode == 0, sync.stderr
    scored = said(bare, served, tmp_path, "portfolio", "score")
    assert scored.returncode == 0, scored.stderr


def test_without_the_extra_a_pdf_is_refused_with_the_command_that_helps(
    bare: Path, served: Path, tmp_path: Path
) -> None:
    refused = said(bare, served, tmp_path, "profile", SCENARIO, "-o", "profile.pdf")
    assert refused.returncode == 5
    assert "pip install 'customer-research[documents]'" in refused.stderr
    assert not (tmp_path / "profile.pdf").exists()


def test_with_the_extra_the_wheel_writes_a_pdf(wheel: Path, served: Path, tmp_path: Path) -> None:
    program = environment(tmp_path / "env", wheel, ("documents",))
    written = said(program, served, tmp_path, "profile", SCENARIO, "-o", "profile.pdf")
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "profile.pdf").read_bytes().startswith(b"%PDF-")
