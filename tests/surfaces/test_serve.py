"""`serve`: one process does what is scheduled, delivers, answers agents, tells how it stands, and ends when it is told to."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cli_runs import SILENT_CHURN, changed, command, one_sentence
from http_servers import KEY, headers_of, request

from customer_research.domain.access import Token
from customer_research.domain.schedule import Run
from customer_research.errors import StoreBusy
from customer_research.research.usecases import Actor, Background, Use
from customer_research.settings import Settings, load_settings
from customer_research.store.access import TokenBook
from customer_research.store.database import open_store
from customer_research.store.outbox import Outbox
from customer_research.store.schedules import ScheduleBook
from customer_research.surfaces.logs import Lines, log_lines
from customer_research.surfaces.serve.application import Serving, application
from customer_research.surfaces.serve.metrics import Figures

SECONDS = 40.0


@dataclass(frozen=True)
class Process:
    """A server that runs as a process of its own."""

    made: subprocess.Popen[str]
    url: str

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"{self.url}{path}", timeout=10, trust_env=False)

    def ended(self) -> list[dict[str, str]]:
        """Tell it to end; its log."""
        self.made.send_signal(signal.SIGTERM)
        _, told = self.made.communicate(timeout=SECONDS)
        return [json.loads(line) for line in told.splitlines()]


def until(true: Callable[[], bool]) -> None:
    """Wait for something of another process."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.05)


@contextmanager
def process(config: Path, *more: str) -> Iterator[Process]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [
        sys.executable,
        "-m",
        "customer_research",
        "--config",
        str(config),
        "serve",
        "--port",
        str(port),
        *more,
    ]
    made = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    found = Process(made, f"http://127.0.0.1:{port}")

    def answers() -> bool:
        assert made.poll() is None, made.communicate()[1]
        try:
            return found.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    try:
        until(answers)
        yield found
    finally:
        if made.poll() is None:
            made.kill()
            made.communicate()


@pytest.fixture(scope="module")
def config(config_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve")
    places = {"store": {"url": f"sqlite:///{folder}/own.db"}, "deliveries": {"folder": str(folder / "out")}}
    (folder / "out").mkdir()
    return changed(config_path, folder, places)


def asked(server: Process, token: str) -> httpx2.Response:
    """What an agent is told of a metric."""
    called = request("tools/call", name="figure_why", arguments={"operator": SILENT_CHURN, "figure": "mrr"})
    told = headers_of("tools/call", token, "figure_why")
    return httpx2.post(f"{server.url}/mcp", json=called, headers=told, timeout=SECONDS, trust_env=False)


def test_two_processes_do_each_thing_once_and_end_when_told(config: Path) -> None:
    """Both see that a time has come: the settings' clock goes on from 2026-11-01 00:00 UTC."""
    settings = load_settings(config)
    assert settings.clock is not None
    ends = settings.clock + timedelta(days=9)
    granted = Token("", "test", "ada@example.com", ("read", "finance"), "", settings.clock, "tests", ends)
    made = command(
        "schedule", "add", "yearly", "metrics", "--set", "search=mrr", "--cron", "0 0 1 11 *", "--to", "file:mrr.txt",
        config=config,
    )  # fmt: skip
    assert made.code == 0, made.err
    with open_store(settings.store_url) as store:  # its first time came a minute ago
        book = ScheduleBook(store)
        _, token = TokenBook(store).add(granted)
        book.pause("yearly", paused=True, now=settings.clock)
        book.pause("yearly", paused=False, now=settings.clock - timedelta(minutes=1))
    with process(config) as one, process(config) as two, open_store(settings.store_url) as store:
        box = Outbox(store)
        until(lambda: box.waiting().counts.get("sent", 0) >= 1)
        for path, status, said in (
            ("/healthz", 200, "ok"),
            ("/readyz", 200, "ready"),
            ("/absent", 404, ""),
            ("/slack/absent", 404, ""),
        ):
            for server in (one, two):
                answer = server.get(path)
                assert answer.status_code == status
                assert said in answer.text
        shown = [server.get("/metrics").text for server in (one, two)]
        assert all('customer_research_messages{state="sent"} 1.0' in text for text in shown), "both read one store"
        ran = [text.count('customer_research_runs_total{schedule="yearly",state="done"}') for text in shown]
        assert sorted(ran) == [0, 1], "one of them did it"
        unsigned = httpx2.post(f"{one.url}/slack/events", data={"command": "/customer"}, timeout=10, trust_env=False)
        assert unsigned.status_code == 401, "nobody but Slack is listened to there"
        answer = asked(two, token)
        assert answer.status_code == 200, answer.text
        shown = [server.get("/metrics").text for server in (one, two)]
        why = 'customer_research_uses_total{outcome="done",surface="http",use_case="why"} 1.0'
        assert [why in text for text in shown] == [False, True], answer.text
        assert not any(word in text for text in shown for word in ("ada@example.com", SILENT_CHURN))
        logs = [one.ended(), two.ended()]
        assert [run.state for run in ScheduleBook(store).runs()] == ["done"]
    assert (settings.deliveries.folder or Path()).joinpath("mrr.txt").read_text(encoding="utf-8").startswith("yearly: ")
    lines = [line["said"] for log in logs for line in log]
    assert sum(line.startswith("Schedule yearly, planned for 2026-11-01 00:00 UTC: done after") for line in lines) == 1
    assert all(line["level"] == "info" for log in logs for line in log), logs
    assert "ada@example.com" not in json.dumps(logs)


def test_the_pages_are_served_beside_agents_and_to_others_by_their_address_alone(config: Path, tmp_path: Path) -> None:
    own = changed(config, tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/pages.db"}})
    with process(own, "--only", "web", "--only", "mcp") as running:
        assert "API token" in running.get("/sign-in").text
        assert running.get("/today").headers["location"].startswith("/sign-in")
        assert running.get("/mcp").status_code == 401
        assert running.get("/healthz").json() == {"status": "ok", "because": []}
    refused = command("serve", "--only", "web", "--host", "0.0.0.0", config=own)
    assert (refused.code, "web.url" in one_sentence(refused)) == (5, True)


def test_an_address_for_others_needs_a_way_in_and_parts_their_packages(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = changed(config, tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/empty.db"}})
    refused = command("serve", "--host", "0.0.0.0", config=own)
    assert (refused.code, "nobody could be let in" in one_sentence(refused)) == (2, True)
    from customer_research.surfaces.serve import command as serve_command

    monkeypatch.setattr(serve_command, "find_spec", lambda name: None if name == "cronsim" else name)
    refused = command("serve", config=own)
    assert refused.code == 5
    assert "pip install 'customer-research[delivery]'" in refused.err


@pytest.fixture
def _logs_as_they_were() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("customer_research")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    logging.captureWarnings(capture=False)


@pytest.mark.usefixtures("_logs_as_they_were")
def test_a_part_that_cannot_begin_says_why(config: Path, tmp_path: Path) -> None:
    own = changed(config, tmp_path, {"slack": {"token": None}})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = command("serve", "--only", "slack", "--log", "text", "--port", port, config=own)
        assert done.code == 5
        assert "Error: The setting slack.token is missing." in done.err
        done = command("serve", "--only", "outbox", "--log", "text", "--port", port, config=own)
        assert (done.code, "address already in use" in done.err) == (1, True)


# -- the application by itself -----------------------------------------------------------------------------------------


@contextmanager
def background(settings: Settings) -> Iterator[tuple[asyncio.Runner, Background]]:
    with asyncio.Runner() as runner:
        made = Background(settings)
        runner.run(made.__aenter__())
        try:
            yield runner, made
        finally:
            runner.run(made.__aexit__(None, None, None))


def test_health_says_when_a_part_hangs_and_readiness_when_the_store_is_away(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with background(load_settings(config)) as (_, made):
        assert (made.unwell(), made.unready()) == ((), ())
        made.scheduler.looked_at -= 61
        assert made.unwell() == ("scheduler",)
        made.worker.looked_at -= 301
        assert made.unwell() == ("scheduler", "outbox")
        made.worker.looked_at += 301
        made.stopping = True
        assert (made.unwell(), made.unready()) == ((), ("stopping",))
        made.stopping = False
        made.scheduler.looked_at += 61

        def refused() -> None:
            raise StoreBusy("The store is held by another program.")

        monkeypatch.setattr(made._opened, "read", refused)
        assert made.unready() == ("store",)
        figures = Figures()
        figures.watch(made)
        shown = figures.written().decode()
        assert "customer_research_store_up 0.0" in shown
        assert "customer_research_messages" not in shown


def test_a_part_that_ends_by_a_fault_of_ours_ends_the_process(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[BaseException] = []

    async def served() -> None:
        serving = Serving(load_settings(config), config, ("scheduler",), "", KEY, ended=faults.append)
        made = application(serving)
        async with made.router.lifespan_context(made):
            await asyncio.wait_for(serving.stop.wait(), 10)

    async def look(_self: object) -> int:
        raise KeyError("a fault")

    monkeypatch.setattr("customer_research.research.scheduling.scheduler.Scheduler.look", look)
    logging.disable(logging.ERROR)
    try:
        asyncio.run(served())
    finally:
        logging.disable(logging.NOTSET)
    assert [type(error) for error in faults] == [KeyError]


def test_a_run_that_is_not_done_in_time_is_given_back(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = changed(config, tmp_path, {"store": {"url": f"sqlite:///{tmp_path}/stop.db"}})
    assert command("schedule", "add", "one", "metrics", "--cron", "* * * * *", config=own).code == 0
    settings = load_settings(own)
    assert settings.clock is not None
    later = settings.clock + timedelta(minutes=1)
    begun = asyncio.Event()

    async def never(_self: object, _schedule: object, _run: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("customer_research.research.usecases.scheduled.Performing.__call__", never)

    async def served() -> None:
        stop = asyncio.Event()
        async with Background(settings, parts=["scheduler"], stop_seconds=0.05, clock=lambda: later) as made:
            work = asyncio.create_task(made.run(stop))
            await asyncio.wait_for(begun.wait(), 10)
            assert made.scheduler.running == 1
            stop.set()
            await asyncio.wait_for(work, 10)

    asyncio.run(served())
    with open_store(settings.store_url) as store:
        (run,) = ScheduleBook(store).runs()
        assert (run.state, run.lease_until) == ("running", later)
        assert ScheduleBook(store).standing(later).cut_off == (run,), "any process may begin it again at once"


def test_what_is_counted_names_nobody() -> None:
    figures = Figures()
    now = datetime(2026, 11, 1, tzinfo=UTC)
    figures.used(Use(Actor("ada@example.com", "http"), "quick", now, 0.4, "done", "op-1", ("r1",), 99))
    run = Run("weekly", now, "failed", False, 0, now, "one", None, 1, now, "Kim is unknown.", 0)
    figures.ran(None, run)  # type: ignore[arg-type] # not looked at
    shown = figures.written().decode()
    assert 'customer_research_uses_total{outcome="done",surface="http",use_case="quick"} 1.0' in shown
    assert 'customer_research_use_seconds_bucket{le="1.0",use_case="quick"} 1.0' in shown
    assert 'customer_research_runs_total{schedule="weekly",state="failed"} 1.0' in shown
    assert not any(word in shown for word in ("ada@example.com", "op-1", "Kim"))


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("name", ["httpx2", "httpcore2.http11"])
def test_addresses_that_are_secrets_are_in_no_log(
    name: str, debug: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of a webhook or a calendar's feed the whole address is one."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setenv("CUSTOMER_RESEARCH_DEBUG", debug)
    try:
        log_lines(as_json=True)
        logging.getLogger(name).info("HTTP Request: GET https://calendar.example/private-3f9a/basic.ics")
        logging.getLogger(name).warning("slow")
    finally:
        root.handlers[:], root.level = before
    told = capfd.readouterr().err
    assert "private-3f9a" not in told
    assert "slow" in told


def test_a_line_of_the_log_is_json_and_has_no_text_of_an_exception() -> None:
    try:
        int("a secret of Ada")
    except ValueError:
        record = logging.LogRecord("ours", logging.ERROR, __file__, 1, "ada@example.com\n%s", ("said",), sys.exc_info())
    told = json.loads(Lines().format(record))
    assert set(told) == {"at", "level", "logger", "said", "fault"}
    assert (told["level"], told["logger"]) == ("error", "ours")
    assert told["fault"].startswith("ValueError < test_serve.py:")
    assert "secret" not in json.dumps(told)
    assert "ada@example.com" not in told["said"]
    assert os.linesep not in told["said"]
