"""A source that is silent is not waited for by everybody: three uses that waited in vain speak for the others, for a while."""

from __future__ import annotations

import time

import pytest

from customer_research.connect.latest import LATEST
from customer_research.domain.evidence import Gap
from customer_research.errors import Denied, RateLimited, Unavailable
from customer_research.research import connections
from customer_research.research.connections import SILENT_SECONDS, SILENT_USES, Connections, OutOfReach, Shared
from customer_research.research.usecases import Actor, Call, use_case
from customer_research.settings import Settings

GAP = Gap("lago", "unavailable", "Lago did not answer within 12 s.")
LATE = Unavailable("Lago did not answer within 12 s.", source="lago")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which passes when it is added to."""
    told = [1_000.0]
    monkeypatch.setattr(f"{connections.__name__}.time.monotonic", lambda: told[0])
    return told


def use(settings: Settings, shared: Shared) -> Connections:
    """The connections of one more use case."""
    return Connections(settings, time.time, shared)  # type: ignore[arg-type] # nobody asks what time it is


def is_told(settings: Settings, shared: Shared) -> bool:
    """Whether one more use case is told that Lago is silent, without asking."""
    try:
        use(settings, shared).session("lago")
    except OutOfReach as error:
        return error.gap.reason == "unavailable"
    return False


@pytest.fixture
def plain() -> Settings:
    return Settings(lago={"api_key": "x"})  # type: ignore[call-arg]


def test_three_that_waited_in_vain_speak_for_the_others(plain: Settings, now: list[float]) -> None:
    shared = Shared()
    for _ in range(SILENT_USES):
        assert not is_told(plain, shared)
        one = use(plain, shared)
        for _ in range(5):
            one.failed("lago", LATE)  # all streams of one use case: it counts once
    assert is_told(plain, shared)
    now[0] += SILENT_SECONDS
    assert not is_told(plain, shared), "one asks again"
    assert is_told(plain, shared), "the others wait for what it hears"
    shared.heard("lago")
    assert not is_told(plain, shared)


def test_what_is_no_silence_does_not_count(plain: Settings, now: list[float]) -> None:
    shared = Shared()
    for error in (Denied("no", source="lago"), RateLimited("slower", source="lago")):
        for _ in range(SILENT_USES):
            use(plain, shared).failed("lago", error)
    for _ in range(SILENT_USES):
        use(plain, shared).failed("lago", LATE)
        now[0] += SILENT_SECONDS / 2
    assert not is_told(plain, shared), "two within the time"


def test_who_had_no_time_left_says_nothing_of_the_source(plain: Settings, now: list[float]) -> None:
    shared = Shared()
    token = LATEST.set(now[0])
    try:
        for _ in range(SILENT_USES):
            shared.not_heard("lago", GAP)
    finally:
        LATEST.reset(token)
    assert shared.silent("lago") is None


def test_a_program_that_does_one_thing_asks_each_time(plain: Settings) -> None:
    alone = Connections(plain, time.time)  # type: ignore[arg-type]
    for _ in range(SILENT_USES):
        alone.failed("lago", LATE)
        alone.forget()
    alone.session("lago")
    assert Call(use_case("quick"), Actor("ada", "cli"), lambda: plain).settings is plain
