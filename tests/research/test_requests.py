"""What a profile costs in requests, and what waits for what, by the sandbox's own log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest
from scenario_judge import EXPECTED

from customer_research.connect.source import Stream
from customer_research.research import Research
from customer_research.settings import Settings
from customer_research.sources import discover
from customer_research_sandbox.serve import Sandbox

MOST_REQUESTS = 25
SCENARIOS = ("S01", "S02", "S06", "S16", "S20", "S34", "S37")
PATIENCE = 20.0

Run = Callable[[Callable[[Research], Awaitable[Any]]], Any]


def generated(sandbox: Sandbox, count: int) -> list[str]:
    """Some operators of the generated crowd, spread over the whole of it."""
    known = {scenario["operator_id"] for scenario in EXPECTED.values()}
    crowd = sorted({row["external_id"] for row in sandbox.dataset.lago.customers} - known)
    return crowd[:: len(crowd) // count][:count]


def asked(sandbox: Sandbox) -> list[str]:
    """The requests so far: source, method and path."""
    return [f"{request.source} {request.method} {request.path.partition('?')[0]}" for request in sandbox.request_log]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_profile_costs_few_requests(name: str, clean_sandbox: Sandbox, research: Run) -> None:
    research(lambda opened: opened.report("profile", EXPECTED[name]["operator_id"]))

    assert 10 < len(clean_sandbox.request_log) <= MOST_REQUESTS


def test_a_profile_of_anybody_costs_few_requests(clean_sandbox: Sandbox, research: Run) -> None:
    for operator_id in generated(clean_sandbox, 5):
        clean_sandbox.clear_request_log()
        research(partial(Research.report, kind="profile", term=operator_id))
        assert 10 < len(clean_sandbox.request_log) <= MOST_REQUESTS, operator_id


@pytest.mark.parametrize("name", ["S02", "S20"])
def test_a_profile_by_name_costs_few_requests(name: str, clean_sandbox: Sandbox, research: Run) -> None:
    async def by_name(opened: Research) -> str:
        account = await opened.account(EXPECTED[name]["operator_id"])
        clean_sandbox.clear_request_log()
        async with Research(opened.settings) as another:
            return (await another.report("profile", account.name)).operator_id

    assert research(by_name) == EXPECTED[name]["operator_id"]
    assert 10 < len(clean_sandbox.request_log) <= MOST_REQUESTS


def test_a_second_profile_does_not_ask_again_for_what_all_share(clean_sandbox: Sandbox, research: Run) -> None:
    async def twice(opened: Research) -> tuple[list[str], list[str]]:
        await opened.report("profile", EXPECTED["S02"]["operator_id"])
        first = asked(clean_sandbox)
        clean_sandbox.clear_request_log()
        await opened.report("profile", EXPECTED["S20"]["operator_id"])
        return first, asked(clean_sandbox)

    first, second = research(twice)

    def shared(requests: Sequence[str]) -> list[str]:
        return [one for one in requests if one.startswith("notion GET") or one.endswith("/plans")]

    assert len(shared(first)) == 3
    assert shared(second) == []


def profile_until(
    settings: Settings, operator_id: str, enough: Callable[[], bool], *, patience: float = PATIENCE
) -> bool:
    """Begin a profile and give it up as soon as `enough` holds; whether it came to hold while the profile ran."""

    async def begun() -> bool:
        async with Research(settings) as opened:
            work = asyncio.create_task(opened.report("profile", operator_id))
            deadline = asyncio.get_running_loop().time() + patience
            while not enough() and not work.done() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - another thread
                await asyncio.sleep(0.01)
            held = enough() and not work.done()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return held

    return asyncio.run(begun())


def test_billing_and_the_tickets_place_do_not_wait_for_the_warehouse(
    clean_sandbox: Sandbox, settings: Settings
) -> None:
    """While the CSM view is silent, all that needs only the operator's id is fetched; what needs more is not asked yet."""
    clean_sandbox.set_faults("metabase:slow")
    operator_id = EXPECTED["S02"]["operator_id"]

    def early() -> bool:
        requests = asked(clean_sandbox)
        return (
            sum(one.startswith("lago") for one in requests) == 7 and sum("notion GET" in one for one in requests) == 2
        )

    assert profile_until(settings, operator_id, early)
    assert not [one for one in asked(clean_sandbox) if one.startswith(("hubspot", "notion POST"))]


def test_only_the_crm_waits_for_its_company(clean_sandbox: Sandbox, settings: Settings) -> None:
    """While HubSpot is silent, every other source is read to the end: the critical path is CSM view, company, its records."""
    clean_sandbox.set_faults("hubspot:slow")
    operator_id = EXPECTED["S02"]["operator_id"]

    def rest() -> bool:
        answered = [(one.source, one.method) for one in clean_sandbox.request_log if one.status < 300]
        return answered.count(("metabase", "POST")) >= 6 and ("notion", "POST") in answered

    assert profile_until(settings, operator_id, rest)


def test_every_stream_says_whether_the_id_is_enough() -> None:
    streams: dict[str, Stream] = {
        f"{s.name}.{stream.name}": stream for s in discover().values() for stream in s.streams
    }

    waiting = {name for name, stream in streams.items() if not stream.by_id}

    assert waiting == {"hubspot.relationship", "notion.tickets", "stripe.cards", "stripe.refunds"}
    assert {name for name, stream in streams.items() if stream.learn is not None} == {"notion.tickets"}
