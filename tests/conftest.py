"""What all tests share: a sandbox of all vendors over real HTTP, and the rule that nothing may be skipped in CI."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from customer_research.research import Research
from customer_research.sandbox.serve import Sandbox
from customer_research.settings import Settings, load_settings

T = TypeVar("T")

IMPOSSIBLE_HERE = "impossible here: "
"""How the reason of a skip begins that no set-up step could have avoided; any other skip fails in CI."""


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """All vendors on loopback ports, 400 operators and the 42 scenarios; one a worker process."""
    with Sandbox.start(slow_seconds=30.0) as running:
        yield running


@pytest.fixture
def clean_sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox without faults, latency or logged requests, before and after the test."""
    sandbox.clear_request_log()
    yield sandbox
    sandbox.set_faults()
    sandbox.set_latency(0)
    sandbox.set_rate_limits(hold=True)


@pytest.fixture(scope="session")
def config_path(sandbox: Sandbox) -> Path:
    """The settings file that points at the sandbox."""
    return sandbox.config_path


@pytest.fixture(scope="session")
def settings(config_path: Path) -> Settings:
    """The settings that point at the sandbox."""
    return load_settings(config_path)


@pytest.fixture
def research(settings: Settings) -> Callable[[Callable[[Research], Awaitable[T]]], T]:
    """Runs a piece of work with an open `Research` on the sandbox."""

    def run(work: Callable[[Research], Awaitable[T]]) -> T:
        async def session() -> T:
            async with Research(settings) as opened:
                return await work(opened)

        return asyncio.run(session())

    return run


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped, but could have run, is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return
    avoidable = [
        report
        for report in reporter.stats.get("skipped", ())
        if IMPOSSIBLE_HERE not in str(getattr(report, "longrepr", ""))
    ]
    if avoidable:
        for report in avoidable:
            reporter.write_line(f"Skipped though it could have run: {report.nodeid}: {report.longrepr}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
