"""The project's own rules: dependencies, locks, layers, words, names, paths, and skips that fail in CI."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import skips

import customer_research

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "customer_research"
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LONGEST_MODULE = 600

DISTRIBUTIONS = {
    "hubspot": "hubspot-api-client",
    "PIL": "pillow",
    "jwt": "pyjwt",
    "markdown_it": "markdown-it-py",
    "pptx": "python-pptx",
    "stdnum": "python-stdnum",
    "py4j": "pyspark",
    "sklearn": "scikit-learn",
    "snowflake": "snowflake-connector-python",
    "vl_convert": "vl-convert-python",
}
"""Imports whose distribution is not their own name with hyphens."""

TOOLS = {
    "fakesnow",
    "hatchling",
    "import-linter",
    "mypy",
    "pytest-timeout",
    "pytest-xdist",
    "rfc3339-validator",
    "ruff",
    "uv",
}
"""Development dependencies that are run or looked for, not imported."""

WORDS = re.compile("T[O]DO|F[I]XME|X[X]X|N[o]tImplementedError|pragma: n[o] cover")
"""What is left undone says so in these words; the brackets keep the pattern from finding itself."""

REGISTRIES = re.compile(r"p[y]pi\.org|p[y]thonhosted\.|n[p]mjs\.|y[a]rnpkg\.|d[e]bian\.org")
ELSEWHERE = re.compile(
    r"\bC[0-9]{2}\b|\b[Rr]esolutions? C[0-9n]|\bhouse[ ]plan|\bhouse's notes|\bdomain notes?[ ]?\(|"
    r"\bdomain [a-h][0-9]{0,2}[,;:.)]|\bnotes \([a-h]\)|\(issue [0-9]+|\(c[0-9]+\)|\brule of c[0-9]|"
    r"\bvendors' notes\b|\bread(?:er|ing) of the notes\b|\bthe notes want\b|"
    r"\b[Ss]ynthetic specification|\bhouse's own check\b|\b[Hh]ouse design\b"
)
"""Words that lead to a page which is not in this repository: whoever reads them has nothing to look it up in."""

MACHINE_PATHS = re.compile(r"(?<![\w.}])/(?:work|tmp|root|home|opt|Users)/\w")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "data", "info", "process", "handle", "common", "misc"}


@cache
def _files() -> tuple[Path, ...]:
    """Files of the repository, new ones included, ignored ones not."""
    listed = _known_to_git() if (ROOT / ".git").exists() and shutil.which("git") is not None else _not_ignored(ROOT)
    return tuple(path for path in sorted(listed) if path.is_file())


def _known_to_git() -> set[Path]:
    command = ("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {ROOT / name for name in listed.split("\0") if name}


def _not_ignored(folder: Path) -> set[Path]:
    """The same of a plain copy, which has no history, or on a machine without Git: `.gitignore` has names and suffixes only."""
    patterns = [line.rstrip("/") for line in (folder / ".gitignore").read_text(encoding="utf-8").splitlines()]
    found: set[Path] = set()
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git" and not any(fnmatch(name, one) for one in patterns)]
        found |= {Path(place, name) for name in names if not any(fnmatch(name, one) for one in patterns)}
    return found


def _found(pattern: re.Pattern[str], files: Iterable[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in files
        if path.suffix not in {".png", ".ttf", ".gz"}  # pictures, fonts and packed files are no text
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


# -- dependencies ------------------------------------------------------------------------------------------------------


def _imported(*folders: str) -> set[str]:
    """Distributions of everything imported below the folders that is neither ours nor Python's."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    names = {name for path in paths for name in _imports(path)} - sys.stdlib_module_names
    beside = {path.stem for path in paths if path.is_relative_to(ROOT / "tests")}
    ours = {"customer_research", "customer_research_sandbox", "benchmarks", "evals"} | beside
    return {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in names - ours}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _names(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower() for line in requirements}


def _declared() -> set[str]:
    extras = PROJECT["project"].get("optional-dependencies", {})
    return _names(PROJECT["project"]["dependencies"]) | {name for lines in extras.values() for name in _names(lines)}


def test_what_is_referred_to_is_in_the_repository() -> None:
    told = [path for path in _files() if path.suffix in {".py", ".sql", ".toml", ".md"} and path != Path(__file__)]
    assert _found(ELSEWHERE, told) == []


def test_the_changelog_has_the_version_first() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert next(one for one in versions if one != "Unreleased") == customer_research.__version__


def test_what_the_product_imports_is_what_it_declares() -> None:
    assert _imported("src") == _declared()


def test_what_only_tests_import_is_in_the_development_group() -> None:
    development = _names(PROJECT["dependency-groups"]["dev"])
    drivers = _declared() & development  # of the extras, which the tests run
    assert _imported("tests", "benchmarks", "evals") - _declared() == development - TOOLS - drivers
    assert development >= TOOLS


_PIN = re.compile(r"^(?P<pin>[\w.-]+==[^ \\]+).*\\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)  # fmt: skip


def _lock(name: str) -> Mapping[str, str]:
    """Pins of a lock with their hashes; every line of the lock belongs to one."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    found = {match["pin"]: match["hashes"] for match in _PIN.finditer(text)}
    assert _PIN.sub("", text).strip() == ""
    return found


def test_the_locks_pin_by_hash_whatever_is_declared() -> None:
    run, dev = ({pin.partition("==")[0] for pin in _lock(name)} for name in ("run", "dev"))
    assert run >= _names(PROJECT["project"]["dependencies"]) | {"sqlglotc"}
    assert dev >= _names(PROJECT["dependency-groups"]["dev"])


def test_the_development_lock_holds_the_whole_other_lock() -> None:
    assert _lock("run").items() <= _lock("dev").items()


# -- files -------------------------------------------------------------------------------------------------------------


def test_no_file_names_a_registry() -> None:
    assert _found(REGISTRIES, _files()) == []


def test_no_file_has_a_path_of_one_machine() -> None:
    assert _found(MACHINE_PATHS, _files()) == []


def test_nothing_is_left_undone() -> None:
    assert _found(WORDS, (path for path in _files() if path.name != "package-lock.json")) == []


def test_the_patterns_find_what_they_forbid() -> None:
    assert WORDS.search("# TO" + "DO later")
    assert REGISTRIES.search("https://files.pythonhosted" + ".org/x")
    assert MACHINE_PATHS.search("'/tm" + "p/x'")
    assert not MACHINE_PATHS.search("https://example.com/home/page {id}/wo" + "rk/1")


def test_no_module_is_longer_than_can_be_read() -> None:
    lengths = {
        path.relative_to(SOURCE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_module_has_a_vague_name() -> None:
    assert [path for path in SOURCE.rglob("*") if path.stem.strip("_") in VAGUE_NAMES] == []


def test_no_two_test_modules_have_one_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py") if "node_modules" not in path.parts]
    assert sorted(names) == sorted(set(names))


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="impossible here: this is a plain copy"
)
def test_a_plain_copy_has_the_files_that_git_knows() -> None:
    found = _not_ignored(ROOT)
    assert {path for path in _known_to_git() if path.is_file()} <= found
    assert not any(".venv" in path.parts or path.suffix == ".pyc" for path in found)


# -- layers ------------------------------------------------------------------------------------------------------------


def test_the_layers_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    ran = subprocess.run((program, "--no-cache"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_part_of_the_house_is_in_a_layer() -> None:
    contracts = {contract["name"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
    layers = " | ".join(contracts["Layers"]["layers"]).split(" | ")
    parts = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {f"customer_research.{part}" for part in parts if not part.startswith("__")} == set(layers)


def test_every_vendor_is_independent_because_it_is_a_folder() -> None:
    contracts = {contract["name"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
    assert contracts["Vendors do not know each other"]["modules"] == ["customer_research.sources.*"]


# -- skips -------------------------------------------------------------------------------------------------------------

UNAVOIDABLE = """
import pytest


def test_runs():
    pass


def test_cannot_run():
    pytest.skip("impossible here: there is one processor only")


@pytest.mark.xfail
def test_is_known_to_fail():
    assert False
"""
AVOIDABLE = """
import pytest


def test_could_run():
    pytest.skip("Node is missing")


@pytest.mark.skipif(True, reason="said too late, impossible here: nothing")
def test_could_run_too():
    pass
"""
AVOIDABLE_MODULE = """
import pytest

pytest.importorskip("a_module_that_nobody_wrote")
"""


def _run(folder: Path, modules: Mapping[str, str], workers: int, *, ci: bool) -> tuple[int, str]:
    """Run the modules under our rule, in processes of their own."""
    shutil.copy(ROOT / "tests" / "running" / "skips.py", folder / "conftest.py")
    for name, text in modules.items():
        (folder / name).write_text(text, encoding="utf-8")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", str(workers), str(folder))
    ran = subprocess.run(
        command,
        cwd=folder,
        env=environment | ({"CI": "true"} if ci else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_the_rule_of_skips_holds_here(request: pytest.FixtureRequest) -> None:
    hook = request.config.hook
    held = {
        one.function
        for one in (*hook.pytest_runtest_makereport.get_hookimpls(), *hook.pytest_make_collect_report.get_hookimpls())
    }
    assert held >= {skips.pytest_runtest_makereport, skips.pytest_make_collect_report}


@pytest.mark.parametrize("workers", [0, 1], ids=["in one process", "with workers"])
def test_in_ci_a_skip_that_was_avoidable_fails(tmp_path: Path, workers: int) -> None:
    code, said = _run(tmp_path, {"test_a.py": UNAVOIDABLE, "test_b.py": AVOIDABLE}, workers, ci=True)
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error" in said
    assert set(re.findall(r"^Skipped though it could have run: (\S+): ", said, re.MULTILINE)) == {
        "test_b.py::test_could_run",
        "test_b.py::test_could_run_too",
    }


@pytest.mark.parametrize("workers", [0, 1], ids=["in one process", "with workers"])
def test_in_ci_a_module_whose_skip_was_avoidable_fails(tmp_path: Path, workers: int) -> None:
    code, said = _run(tmp_path, {"test_a.py": UNAVOIDABLE, "test_b.py": AVOIDABLE_MODULE}, workers, ci=True)
    assert code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}, said
    assert "Skipped though it could have run: test_b.py: " in said


def test_in_ci_what_is_impossible_may_be_skipped(tmp_path: Path) -> None:
    code, said = _run(tmp_path, {"test_a.py": UNAVOIDABLE}, 0, ci=True)
    assert code == pytest.ExitCode.OK, said
    assert "1 passed, 1 skipped, 1 xfailed" in said


def test_elsewhere_any_test_may_be_skipped(tmp_path: Path) -> None:
    code, said = _run(tmp_path, {"test_a.py": UNAVOIDABLE, "test_b.py": AVOIDABLE}, 0, ci=False)
    assert code == pytest.ExitCode.OK, said
    assert "1 passed, 3 skipped, 1 xfailed" in said
