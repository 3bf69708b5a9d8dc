"""The registry of use cases and the one runner: many at once within the vendors' limits, cancelled, refused, audited."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from usecase_requests import ADA, OPERATORS

from customer_research.errors import Busy, NotAllowed, Overdue, UsageError
from customer_research.lake import Lake
from customer_research.research.request import Request
from customer_research.research.usecases import (
    EXIT_CODES,
    GROUPS,
    RIGHTS,
    USE_CASES,
    Actor,
    Answer,
    Runner,
    Use,
    UseCase,
    finished,
    schema,
    use_case,
    validated,
)
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

READER = Actor("grace", "test", frozenset({"read", "finance"}))


@pytest.mark.parametrize("case", USE_CASES.values(), ids=USE_CASES)
def test_an_entry_is_whole(case: UseCase) -> None:
    request = case.request()

    assert request.__doc__
    assert request.answer is not Request.answer
    assert case.about.strip()
    assert case.sentence.endswith((".", "`")) or "`" in case.sentence
    assert case.right in RIGHTS
    told = schema(request)
    assert told["additionalProperties"] is False
    for field in dataclasses.fields(request):
        if "part" not in field.metadata:
            assert field.metadata["description"]
            assert field.metadata["description"] == told["properties"][field.name]["description"]


def test_groups_have_use_cases_inside() -> None:
    for group in GROUPS:
        assert any(name.startswith(f"{group} ") for name in USE_CASES), group


def test_what_somebody_sends_is_checked() -> None:
    request: Any = use_case("why").request()
    assert validated(request, {"operator": "x", "metric": "mrr"}).rows == 20
    for wrong, said in (
        ({"operator": "x"}, "metric: Field required"),
        ({"operator": "x", "metric": "mrr", "rows": 0}, "rows: Input should be greater than or equal to 1"),
        ({"operator": "x", "metric": "mrr", "row": 3}, "row: Unexpected keyword argument"),
    ):
        with pytest.raises(UsageError, match=said):
            validated(request, wrong)
    with pytest.raises(UsageError, match="There is no use case 'profil'") as unknown:
        use_case("profil")
    assert "profile" in unknown.value.hint


async def _under_way(sandbox: Sandbox) -> None:
    """Wait until some requests have been answered."""
    async with asyncio.timeout(60):
        while len(sandbox.request_log) < 5:  # noqa: ASYNC110 - another thread answers them
            await asyncio.sleep(0.02)


def test_a_cancelled_one_stops_its_requests(clean_sandbox: Sandbox, settings: Settings) -> None:
    async def cancelled() -> tuple[int, int]:
        async with Runner(settings) as runner:
            uses = [
                asyncio.create_task(runner.use("profile", {"operator": one}, ADA)) for one in (*OPERATORS, "Silvermead")
            ]
            await _under_way(clean_sandbox)
            for use in uses:
                use.cancel()
            begun = asyncio.get_running_loop().time()
            ended = await asyncio.gather(*uses, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError) for one in ended)
            assert asyncio.get_running_loop().time() - begun < 1.0
            await asyncio.sleep(1.0 - (asyncio.get_running_loop().time() - begun))
            before = len(clean_sandbox.request_log)
            await asyncio.sleep(1.5)
            after = len(clean_sandbox.request_log)
            answer = await runner.use("lookup", {"term": OPERATORS[0]}, ADA)
            assert answer.state == "done", "the connections serve the next"
            return before, after

    clean_sandbox.set_latency(400)
    clean_sandbox.clear_request_log()
    before, after = finished(cancelled())
    assert 0 < before == after


def test_a_cancelled_sync_stops_its_requests_and_leaves_the_lake(
    clean_sandbox: Sandbox, settings: Settings, tmp_path: Path
) -> None:
    own = settings.model_copy(update={"lake": settings.lake.model_copy(update={"folder": tmp_path / "lake"})})

    async def cancelled() -> tuple[int, int]:
        async with Runner(own) as runner:
            use = asyncio.create_task(runner.use("sync", {"sources": ["lago", "hubspot"]}, ADA))
            await _under_way(clean_sandbox)
            use.cancel()
            with pytest.raises(asyncio.CancelledError):
                await use
            await asyncio.sleep(1.0)
            before = len(clean_sandbox.request_log)
            await asyncio.sleep(1.5)
            return before, len(clean_sandbox.request_log)

    clean_sandbox.set_latency(200)
    clean_sandbox.clear_request_log()
    before, after = finished(cancelled())
    assert before == after
    with Lake(own.lake_folder).writing():
        pass


def test_one_too_many_is_refused_and_the_others_go_on(settings: Settings) -> None:
    async def full() -> list[Any]:
        async with Runner(settings, at_once=1, waiting=1) as runner:
            uses = (runner.use("metrics", {}, ADA) for _ in range(4))
            return list(await asyncio.gather(*uses, return_exceptions=True))

    done = finished(full())
    refused = [one for one in done if isinstance(one, Busy)]
    assert len(refused) == 2
    assert all(one.retry_after > 0 and "Ask again in" in one.hint for one in refused)
    assert sum(isinstance(one, Answer) for one in done) == 2


def test_who_may_not_is_refused_before_anything_is_asked(clean_sandbox: Sandbox, settings: Settings) -> None:
    heard: list[Use] = []

    async def refused() -> None:
        async with Runner(settings, audit=heard.append) as runner:
            for name, given in (("sync", {}), ("alerts ack", {"alert": "x"}), ("doctor", {})):
                with pytest.raises(NotAllowed, match=f"grace may not use {name}"):
                    await runner.use(name, given, READER)
            await runner.use("quick", {"operator": OPERATORS[0]}, READER)

    finished(refused())
    assert [(use.name, use.outcome) for use in heard] == [
        ("sync", "NotAllowed"),
        ("alerts ack", "NotAllowed"),
        ("doctor", "NotAllowed"),
        ("quick", "done"),
    ]
    assert (heard[-1].operator, heard[-1].actor) == (OPERATORS[0], READER)
    assert heard[-1].receipts
    assert {request.status for request in clean_sandbox.request_log} <= {200, 202}


def test_what_takes_too_long_is_ended(clean_sandbox: Sandbox, settings: Settings) -> None:
    heard: list[Use] = []

    async def late() -> None:
        async with Runner(settings, audit=heard.append) as runner:
            with pytest.raises(Overdue, match="profile took longer than 0 s"):
                await runner.use("profile", {"operator": OPERATORS[0]}, ADA, seconds=0.3)

    clean_sandbox.set_latency(2000)
    finished(late())
    assert [use.outcome for use in heard] == ["Overdue"]


def test_states_have_exit_codes() -> None:
    assert EXIT_CODES["done"] == 0
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)


ADDED = """
import sys
from pathlib import Path
from customer_research.reports import kinds
own = Path(sys.argv[1])
for path in Path(kinds.__file__).parent.glob("[!_]*.py"):
    (own / path.name).symlink_to(path)
kinds.__path__[:], kinds._FOLDER = [str(own)], own
from customer_research.surfaces.cli.group import run
sys.exit(run(sys.argv[2:]))
"""


KIND = '''\
"""How many trips an operator had."""

from customer_research.reports.figure_lines import figures
from customer_research.reports.judgement import head
from customer_research.reports.kind import Kind, section

KIND = Kind(
    "trips",
    "Trips",
    head,
    (section("trips", "Trips", figures("reservations_30d: trips")),),
    answers="How many trips are there?",
    place=99,
    options=("audience", "since"),
)
'''


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--help",), "How many trips an operator had."),
        (("trips", "--help"), "--audience [internal|customer]"),
        (("trips", OPERATORS[0], "--format", "markdown"), "# Trips"),
        (("report", "trips", OPERATORS[0], "--format", "markdown"), "# Trips"),
    ],
    ids=["listed", "options", "command", "report"],
)
def test_a_kind_that_is_added_is_a_command(
    arguments: tuple[str, ...], said: str, config_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "trips.py").write_text(KIND, encoding="utf-8")
    command = [sys.executable, "-c", ADDED, str(tmp_path), "--config", str(config_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout
