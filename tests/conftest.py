"""What all tests share: a sandbox of all vendors over real HTTP, and the order in which files are run."""

from __future__ import annotations

import asyncio
import os
import pickle
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import earlier
import hypothesis
import pytest
from memories import Memories
from places import end_places
from pydantic import SecretStr
from skips import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401 - hooks
from worlds import DEMO, Worlds

from customer_research.connect import http
from customer_research.connect.http import Pace
from customer_research.domain.account import Account
from customer_research.reports.kinds import KINDS
from customer_research.research import Research, system_clock
from customer_research.research.one import operators
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.take import take
from customer_research.research.sync import all_sources
from customer_research.research.usecases import finished
from customer_research.settings import LakeSettings, Settings, StoreSettings, load_settings
from customer_research_sandbox.scenarios import expectations
from customer_research_sandbox.serve import Sandbox

T = TypeVar("T")

for _name in ("CLICOLOR", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PY_COLORS", "TERM"):
    os.environ.pop(_name, None)  # of whoever calls: tests of these set them
os.environ["TERM"] = "xterm"

hypothesis.settings.register_profile(
    "everywhere", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("everywhere")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a test that is not there by its name; workers of pytest-xdist would only say that no tests ran."""
    if hasattr(config, "workerinput"):
        return
    for wanted in config.args:
        path, *names = wanted.partition("[")[0].split("::")
        file = config.invocation_params.dir / path
        if not file.exists():
            raise pytest.UsageError(f"There is no {path} in {config.invocation_params.dir}.")
        for name in names:
            if not re.search(rf"\b(?:def|class) {re.escape(name)}\b", file.read_text(encoding="utf-8")):
                raise pytest.UsageError(f"There is no test {name} in {path}.")


LONGEST_FIRST = (
    "research/test_portfolio_spark.py",
    "docs/test_samples_of_the_lake.py",
    "docs/test_samples.py",
    "engines/test_differential_spark_judgement.py",
    "engines/test_differential_spark_figures.py",
    "engines/test_differential_spark_records.py",
    "engines/test_differential_snowflake.py",
    "sources/test_warehouse_views.py",
    "research/test_kinds_on_scenarios.py",
    "test_wheel.py",
    "research/test_sync_killed.py",
    "research/test_history_killed.py",
)
"""The files that take longest. A worker takes a file at a time: a long one that came last would leave the other idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the longest files to the front; the others stay as they were found."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is made once a run, whichever worker needs it first; see `worlds.alone`."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def worlds(shared_folder: Path, pytestconfig: pytest.Config) -> Worlds:
    """Worlds, and sandboxes of one's own, for tests that change them or need few operators."""
    made_of = ("src/customer_research_sandbox", "src/customer_research/private.py")
    return Worlds(earlier.folder_of(pytestconfig, "worlds", *made_of) or shared_folder)


@pytest.fixture(scope="session", autouse=True)
def _memories_are_used_again() -> Iterator[None]:
    """A memory with its planned queries is handed on from one `Research` to the next."""
    memories = Memories()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operators, "_memory", memories.of)
        yield
    memories.end()


@pytest.fixture(scope="session", autouse=True)
def _databases_end() -> Iterator[None]:
    """Databases that tests needed run until the worker is done."""
    yield
    end_places()


@pytest.fixture(scope="session")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    """All vendors on loopback ports, 400 operators and the 42 scenarios; one a worker process.

    The vendors' rate limits are off: all tests of a worker share one minute's budget, and the limits have tests of their own.
    """
    with worlds.running(DEMO, slow_seconds=30.0) as running:
        yield running


@pytest.fixture(autouse=True)
def _shared_store_stays_empty(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that scores, backfills or raises alerts does so in a store of its own: the sandbox's would tell later tests."""
    if "sandbox" not in request.fixturenames:
        yield
        return
    folder = request.getfixturevalue("sandbox").config_path.parent
    yield
    written = [name for name in ("customer-research.db", "lake", "snapshots") if (folder / name).exists()]
    assert not written, "This test wrote into the shared sandbox's store or lake: give it settings with its own."


@pytest.fixture
def clean_sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox without faults, latency or logged requests, before and after the test."""
    sandbox.clear_request_log()
    yield sandbox
    sandbox.set_faults()
    sandbox.set_latency(0)


@pytest.fixture(scope="session")
def config_path(sandbox: Sandbox) -> Path:
    """The settings file that points at the sandbox."""
    return sandbox.config_path


@pytest.fixture(scope="session")
def settings(config_path: Path) -> Settings:
    """The settings that point at the sandbox."""
    return load_settings(config_path)


@pytest.fixture(scope="session")
def portfolio_settings(settings: Settings, shared_folder: Path, pytestconfig: pytest.Config) -> Settings:
    """The settings with a lake that holds the whole sandbox and its newest snapshot, pulled once a state of `src`; to be read only.

    Under the widest umask: what is private there is so by what the program does.
    """
    folder = (earlier.folder_of(pytestconfig, "portfolios", "src", "tests/conftest.py") or shared_folder) / "portfolio"
    store = SecretStr(f"sqlite:///{folder / 'store.db'}")
    chosen = settings.model_copy(
        update={"lake": LakeSettings(folder=folder / "lake"), "store": StoreSettings(url=store)}  # type: ignore[call-arg]
    )
    earlier.once(folder, lambda: _pull(chosen))
    return chosen


def _pull(chosen: Settings) -> None:
    clock = lambda: chosen.clock or system_clock()  # noqa: E731
    umask = os.umask(0)
    try:
        outcomes = all_sources.run(chosen, clock)
        assert {outcome.state for outcome in outcomes} == {"done"}
        take(chosen, clock, Scoring())
    finally:
        os.umask(umask)


@pytest.fixture(scope="session")
def scenario_accounts(
    sandbox: Sandbox, settings: Settings, shared_folder: Path, pytestconfig: pytest.Config
) -> Mapping[str, Account]:
    """Every scenario's account with all that any kind of report reads, while no source fails; fetched once a state of `src`."""
    folder = (earlier.folder_of(pytestconfig, "accounts", "src", "tests/conftest.py") or shared_folder) / "accounts"
    file = folder / "accounts.pickle"

    def fetch() -> None:
        folder.mkdir()
        sandbox.set_faults()
        file.write_bytes(pickle.dumps(finished(_accounts(settings))))

    earlier.once(folder, fetch)
    made: dict[str, Account] = pickle.loads(file.read_bytes())
    return made


async def _accounts(settings: Settings) -> dict[str, Account]:
    needs = frozenset[str]().union(*(kind.needs for kind in KINDS.values()))
    async with Research(settings) as opened:
        return {
            name: await opened.account(scenario["operator_id"], listings=needs, also=("retention",), past=True)
            for name, scenario in expectations().items()
        }


@pytest.fixture(scope="module")
def no_waiting() -> Iterator[None]:
    """Waits between attempts are counted against the deadline, but not waited."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "Pace", lambda: Pace(sleep=lambda _seconds: asyncio.sleep(0)))
        yield


@pytest.fixture
def research(settings: Settings) -> Callable[[Callable[[Research], Awaitable[T]]], T]:
    """Runs a piece of work with an open `Research` on the sandbox."""

    def run(work: Callable[[Research], Awaitable[T]]) -> T:
        async def session() -> T:
            async with Research(settings) as opened:
                return await work(opened)

        return finished(session())

    return run
