"""Packages of extras that are not installed: each use of one ends with exit 5 and the command that installs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN

PACKAGES = {
    "calibration": ("numpy", "scipy"),
    "documents": ("pptx", "typst", "vl_convert", "xlsxwriter"),
    "postgres": ("psycopg",),
    "snowflake": ("snowflake.connector",),
    "spark": ("pyspark", "pyarrow"),
}

PROGRAM = """
import contextlib, io, json, sys
packages, calls = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(packages))  # as if they were not installed
from customer_research.surfaces.cli.group import run
told = []
for call in calls:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(call)
    told.append((code, out.getvalue(), err.getvalue()))
sys.stdout.write(json.dumps(told))
"""


def _told(packages: tuple[str, ...], calls: list[list[str]]) -> list[tuple[int, str, str]]:
    """What the command line says to the calls where the packages are not there."""
    ran = subprocess.run(
        (sys.executable, "-c", PROGRAM, json.dumps([packages, calls])), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return [(code, out, err) for code, out, err in json.loads(ran.stdout)]


def _calls(extra: str, folder: Path) -> list[list[str]]:
    """Every way to need an extra."""
    stored = folder / "stored.toml"
    stored.write_text(
        f"[lake]\nfolder = '{folder / 'lake'}'\n[store]\nurl = 'postgresql://nobody@127.0.0.1:1/none'\n",
        encoding="utf-8",
    )
    scored = ["--config", str(folder / "plain.toml"), "portfolio", "score", "--engine", extra]
    (folder / "plain.toml").write_text(f"[lake]\nfolder = '{folder / 'lake'}'\n", encoding="utf-8")
    return {
        "calibration": [[name] for name in ("backtest", "thresholds", "drift")],
        "postgres": [
            [*scored, "--engine-url", "postgresql://nobody@127.0.0.1:1/none"],
            ["--config", str(stored), "history", "list"],
        ],
        "snowflake": [[*scored, "--engine-url", "snowflake://user:word@place/base/part"]],
        "spark": [scored],
    }[extra]


def _refused(told: tuple[int, str, str], extra: str) -> None:
    code, out, err = told
    assert (code, out) == (5, ""), err
    assert err.count("\n") == 1
    assert err.endswith(f"which is not installed. Run: pip install 'customer-research[{extra}]'.\n")


@pytest.mark.parametrize("extra", sorted(PACKAGES.keys() - {"documents"}))
def test_a_missing_extra_is_named_with_the_command_that_installs_it(extra: str, tmp_path: Path) -> None:
    for told in _told(PACKAGES[extra], _calls(extra, tmp_path)):
        _refused(told, extra)


def test_without_documents_figures_are_told_and_a_document_is_refused(config_path: Path, tmp_path: Path) -> None:
    """Nothing but what the plain product declares is there."""
    profile = ["--config", str(config_path), "profile", SILENT_CHURN]
    documents = [[*profile, "-o", str(tmp_path / f"profile.{suffix}")] for suffix in ("pdf", "xlsx", "pptx")]
    packages = tuple(name for names in PACKAGES.values() for name in names)
    plain, *refused = _told(packages, [[*profile, "--format", "markdown"], *documents])
    assert (plain[0], "Silvermead Livery" in plain[1]) == (0, True), plain[2]
    for told in refused:
        _refused(told, "documents")
    assert list(tmp_path.iterdir()) == []
