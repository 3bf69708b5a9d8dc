"""The rule that nothing may be skipped in CI that could have run."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)

IMPOSSIBLE_HERE = "impossible here: "
"""How the reason of a skip begins that no set-up step could have avoided; any other skip fails in CI."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that was skipped, but could have run, fails."""
    report = yield
    return _judged(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a module that was skipped, but could have run, fails; pytest-xdist tells its controller of failures only."""
    report = yield
    return _judged(report)


def _judged(report: R) -> R:
    expected_to_fail = hasattr(report, "wasxfail")
    if os.environ.get("CI") == "true" and report.skipped and not expected_to_fail:
        reason = _reason(report.longrepr)
        if not reason.startswith(IMPOSSIBLE_HERE):
            report.outcome = "failed"
            report.longrepr = f"Skipped though it could have run: {report.nodeid}: {reason}"
    return report


def _reason(longrepr: object) -> str:
    """Why a test was skipped; pytest tells it as (path, line, "Skipped: reason")."""
    told = longrepr[-1] if isinstance(longrepr, tuple) else longrepr
    return str(told).removeprefix("Skipped: ")
