"""Whatever a page or a comment names is in this repository: links, anchors, code, files, numbered things."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest
from named_things import ROOT, absent_code, broken_links, references_out

REFERENCE = ROOT / "docs" / "reference"


@cache
def _files() -> tuple[Path, ...]:
    """The repository's files that hold words of ours."""
    kinds = {".md", ".py", ".sql", ".toml"}
    skipped = {".venv", "node_modules", "demo-out", "dist", ".git"}
    found = (
        path for path in ROOT.rglob("*") if path.suffix in kinds and not skipped & set(path.relative_to(ROOT).parts)
    )
    return tuple(sorted((*found, ROOT / "dev")))


PAGES = tuple(path for path in _files() if path.suffix == ".md")
WRITTEN = tuple(path for path in PAGES if path.parent != REFERENCE and path.name != "CHANGELOG.md")
"""Pages by hand that speak of the present."""


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_a_file_and_an_anchor(page: Path) -> None:
    assert broken_links(_text(page), page.parent) == []


@pytest.mark.parametrize("page", WRITTEN, ids=_name)
def test_modules_functions_and_files_that_a_page_names_exist(page: Path) -> None:
    assert absent_code(_text(page), page.parent) == []


def test_what_words_refer_to_is_in_the_repository() -> None:
    found = {_name(path): references_out(_text(path), path) for path in _files()}
    assert {name: outside for name, outside in found.items() if outside} == {}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("See decision 9 and [it](README.md#guides).", []),
        ("See decision 99.", ["decision 99"]),
        ("Drawn as issue 12 says (section 4).", ["issue 12", "section 4"]),
        ("S02 has the finding R11 and the rule E10; C" + "15 is nothing.", ["C" + "15"]),
        ("The contracts lie in ../elsewhere/contracts.", ["../elsewhere/contracts"]),
        ("Read docs/nowhere.md, not docs/README.md.", ["docs/nowhere.md"]),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(words: str, named: list[str]) -> None:
    assert references_out(words, ROOT / "PAGE.md") == named
    assert references_out(f'"""{words}"""', ROOT / "module.py") == named
    assert references_out(f"-- {words}", ROOT / "query.sql") == named


def test_a_broken_link_is_found() -> None:
    page = "# One & two\n\n[a](#one--two) [b](#three) [c](README.md#documentation) [d](nowhere.md) [e](README.md#e)\n"
    assert broken_links(page, ROOT / "docs") == ["#three", "nowhere.md", "README.md#e"]


def test_an_absent_name_is_found() -> None:
    page = (
        "`health.scoring.scoring_sql` `health.scoring.no_such` `domain.evidence.Fact.basis` `lake.stale_hours` "
        "`metrics/*.sql` `metrics/nothing.sql` `sources/VENDOR/live.py` `no_such_module.py` `AND/OR`\n"
    )
    assert absent_code(page, ROOT / "docs") == ["health.scoring.no_such", "metrics/nothing.sql", "no_such_module.py"]


def test_the_files_are_those_of_git() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("impossible here: this is a plain copy")
    command = ("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "*.md")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()} <= set(PAGES)
