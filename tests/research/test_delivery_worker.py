"""The worker over the outbox: what each failure leads to, who is told of it, when it is tried again, and how it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from far_sides import Clock, message

from customer_research.channels.channel import Delayed, Outgoing, Refused, Sighting, Unsure
from customer_research.domain.delivery import Address, Delivery, Message
from customer_research.errors import ConfigError, StoreBusy
from customer_research.research.delivering import worker as module
from customer_research.research.delivering.worker import ATTEMPTS, LEASE, LOOK_UP_SECONDS, SEND_SECONDS, Worker
from customer_research.store import outbox
from customer_research.store.database import Store, open_store
from customer_research.store.outbox import Outbox

SLACK, MAILBOX = Address("slack", "C0SUCCESS"), Address("email", "ada@example.com")
MADE = message(SLACK, elsewhere=MAILBOX)


class Scripted:
    """A channel that does what it is told, one thing after the other; then it takes everything."""

    title = "Slack"

    def __init__(self, *sends: Any, looks: tuple[Any, ...] = ()) -> None:
        self.sends, self.looks = list(sends), list(looks)
        self.sent: list[Outgoing] = []
        self.looked = 0

    async def send(self, outgoing: Outgoing) -> str:
        act = self.sends.pop(0) if self.sends else "C0SUCCESS/1.1"
        if isinstance(act, BaseException):
            raise act
        if callable(act):
            act = await act()
        self.sent.append(outgoing)
        return str(act)

    async def look_up(self, outgoing: Outgoing) -> Sighting:
        assert outgoing.begun_at is not None
        self.looked += 1
        act = self.looks.pop(0)
        if isinstance(act, BaseException):
            raise act
        assert isinstance(act, Sighting)
        return act

    async def close(self) -> None:
        """Nothing is open."""


class Lines(dict[str, Any]):
    """Channels by name; one that is not there is not set up."""

    def __missing__(self, name: str) -> Any:
        raise Refused(f"No {name} is set up.", hint=f"Set {name}.")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('worker')}/store.db") as opened:
        yield opened


@pytest.fixture
def box(store: Store) -> Outbox:
    with store.begin() as connection:
        connection.execute(sa.delete(outbox.outbox))
    return Outbox(store)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def deliver(box: Outbox, clock: Clock, **channels: Scripted) -> int:
    return asyncio.run(Worker(box, Lines(channels), clock, at_once=1).deliver_due())


def now(box: Outbox, made: Message = MADE) -> Delivery:
    return box.named(made.key)


def told(box: Outbox) -> list[Message]:
    return [one.message for one in box.list(kind="notice")[0]]


def test_what_is_refused_fails_at_once_and_is_told_elsewhere(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    mail = Scripted()
    slack = Scripted(Refused("Slack refused chat.postMessage (is_archived).", hint="Choose another channel."))
    assert deliver(box, clock, slack=slack, email=mail) == 2
    failed = now(box)
    assert (failed.state, failed.begun_at) == ("failed", None)
    assert failed.reason == "Slack refused chat.postMessage (is_archived). Choose another channel."
    (notice,) = told(box)
    assert (notice.address, notice.elsewhere, notice.title) == (MAILBOX, None, "Not delivered: The week")
    assert mail.sent[0].message == notice
    text = notice.content["text"]
    assert "'The week' could not be delivered by Slack." in text
    assert "is_archived" in text
    assert f"outbox retry {MADE.key[:8]}" in text
    assert deliver(box, clock, slack=slack, email=mail) == 0


def test_of_a_notice_that_fails_nobody_is_told_and_nothing_goes_round(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    refused = Refused("no")
    assert deliver(box, clock, slack=Scripted(refused), email=Scripted(refused)) == 2
    assert {one.state for one in box.list()[0]} == {"failed"}
    assert deliver(box, clock) == 0


def test_nobody_is_told_at_the_place_that_failed(box: Outbox, clock: Clock) -> None:
    box.put(message(SLACK, elsewhere=SLACK), now=clock())
    assert deliver(box, clock, slack=Scripted(Refused("no"))) == 1
    assert told(box) == []


def test_each_time_that_it_fails_after_a_retry_is_told(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    for times in (1, 2):
        deliver(box, clock, slack=Scripted(Refused("no")), email=Scripted())
        assert len(told(box)) == times
        clock.pass_(minutes=1)
        box.retry(MADE.key, now=clock())


def test_a_channel_that_is_not_set_up_is_a_failure_that_is_told(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    deliver(box, clock, email=Scripted())
    assert now(box).reason == "No slack is set up. Set slack."
    assert len(told(box)) == 1
    box.retry(MADE.key, now=clock())
    clock.pass_(minutes=1)
    deliver(box, clock, slack=Scripted(ConfigError("A package is missing.", hint="Install it.")), email=Scripted())
    assert now(box).reason == "A package is missing. Install it."


def test_what_was_not_taken_is_tried_again_after_longer_and_longer_waits(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    waits = []
    for _ in range(ATTEMPTS - 1):
        deliver(box, clock, slack=Scripted(Delayed("busy")))
        held = now(box)
        assert (held.state, held.begun_at, held.reason) == ("ready", None, "busy")
        waits.append((held.due - clock()).total_seconds())
        clock.now = held.due
    assert all(30 * 2**at <= wait <= 30 * 2**at * 1.25 for at, wait in enumerate(waits[:6]))
    assert max(waits) <= 3600 * 1.25
    assert sum(waits) > 4 * 3600, "an outage of hours is waited out"
    deliver(box, clock, slack=Scripted(Delayed("busy")), email=Scripted())
    assert now(box).state == "failed"
    assert len(told(box)) == 1


def test_a_channel_says_how_long_to_wait(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    deliver(box, clock, slack=Scripted(Delayed("limit", wait=900)))
    assert now(box).due >= clock() + timedelta(seconds=900)
    clock.now = now(box).due
    deliver(box, clock, slack=Scripted(Delayed("limit", wait=1e12)))
    assert now(box).due <= clock() + timedelta(days=1)


@pytest.mark.parametrize("error", [Unsure("cut"), RuntimeError("with what was sent: Ada"), TimeoutError()])
def test_what_may_be_there_is_looked_up_before_it_is_sent_again(
    box: Outbox, clock: Clock, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    box.put(MADE, now=clock())
    begun = clock()
    deliver(box, clock, slack=Scripted(error))
    assert (now(box).state, now(box).begun_at) == ("ready", begun)
    clock.now = now(box).due
    slack = Scripted(looks=(Sighting("there", "C0SUCCESS/7.7"),))
    deliver(box, clock, slack=slack)
    assert (now(box).state, now(box).remote, slack.sent) == ("sent", "C0SUCCESS/7.7", [])
    assert "Ada" not in caplog.text + now(box).reason, "logs and reasons have nothing of a message"


def test_what_is_certainly_not_there_is_sent(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    deliver(box, clock, slack=Scripted(Unsure("cut")))
    clock.now = now(box).due
    slack = Scripted(Delayed("busy"), looks=(Sighting("absent"),))
    deliver(box, clock, slack=slack)
    assert now(box).begun_at is None
    clock.now = now(box).due
    deliver(box, clock, slack=slack)
    assert (now(box).state, slack.looked) == ("sent", 1)


def test_what_cannot_be_told_is_unknown_told_and_sent_only_when_somebody_says_so(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    deliver(box, clock, slack=Scripted(Unsure("cut")))
    clock.now = now(box).due
    blind = Sighting("cannot_tell", because="The scope is missing.")
    deliver(box, clock, slack=Scripted(looks=(blind,)), email=Scripted())
    assert now(box).state == "unknown"
    assert now(box).reason.startswith("It may have been sent before: The scope is missing.")
    (notice,) = told(box)
    assert notice.title == "Not known to be delivered: The week"
    assert "may not have arrived by Slack" in notice.content["text"]
    clock.pass_(days=1)
    assert deliver(box, clock) == 0
    box.retry(MADE.key, now=clock())
    slack = Scripted(looks=(blind,))
    deliver(box, clock, slack=slack)
    assert (now(box).state, len(slack.sent)) == ("sent", 1)


def test_to_insist_counts_once(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    deliver(box, clock, slack=Scripted(Unsure("cut")))
    clock.now = now(box).due
    blind = Sighting("cannot_tell", because="x")
    deliver(box, clock, slack=Scripted(looks=(blind,)), email=Scripted())
    box.retry(MADE.key, now=clock())
    deliver(box, clock, slack=Scripted(Delayed("busy"), looks=(blind,)))
    assert now(box).insisted, "nothing was sent yet"
    clock.now = now(box).due
    deliver(box, clock, slack=Scripted(Unsure("cut"), looks=(blind,)))
    clock.now = now(box).due
    deliver(box, clock, slack=Scripted(looks=(blind,)), email=Scripted())
    assert now(box).state == "unknown"


def test_a_look_that_fails_is_made_again_and_in_the_end_it_is_unknown(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    deliver(box, clock, slack=Scripted(Unsure("cut")))
    for _ in range(ATTEMPTS - 1):
        clock.now = now(box).due
        deliver(box, clock, slack=Scripted(looks=(Delayed("busy"),)), email=Scripted())
    assert now(box).state == "unknown"
    assert len(told(box)) == 1


def test_what_ends_every_worker_that_takes_it_is_given_up(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())
    for _ in range(ATTEMPTS):
        assert box.claim("dies", now=clock(), lease=LEASE) is not None
        clock.pass_(seconds=LEASE.total_seconds())
    deliver(box, clock, slack=Scripted(), email=Scripted())
    assert (now(box).state, now(box).reason) == ("failed", f"It was tried {ATTEMPTS} times.")


def test_what_is_of_no_use_any_more_is_dropped_and_told_only_if_it_was_tried(box: Outbox, clock: Clock) -> None:
    until = clock() + timedelta(minutes=10)
    box.put(MADE, now=clock(), until=until)
    tried = message(SLACK, "tried", elsewhere=MAILBOX)
    box.put(tried, now=clock(), due=clock() - timedelta(minutes=1), until=until)
    box.mark(box.claim("w", now=clock(), lease=LEASE) or MADE, "ready", now=clock(), reason="busy")  # type: ignore[arg-type]
    clock.now = until
    slack = Scripted()
    deliver(box, clock, slack=slack, email=Scripted())
    assert slack.sent == []
    assert (now(box).state, now(box).reason) == ("dropped", "It was too late to be of use.")
    assert (now(box, tried).state, now(box, tried).reason) == (
        "failed",
        "It was tried in vain until it was too late: busy",
    )
    assert [one.subject for one in told(box)] == ["team"]


def test_what_may_be_there_is_looked_up_even_if_it_is_too_late(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock(), until=clock() + timedelta(seconds=1))
    deliver(box, clock, slack=Scripted(Unsure("cut")))
    clock.now = now(box).due
    deliver(box, clock, slack=Scripted(looks=(Sighting("there", "C0SUCCESS/7.7"),)))
    assert now(box).state == "sent"


def test_threads_and_changes_name_what_they_go_on_from(box: Outbox, clock: Clock) -> None:
    slack = Scripted("C0SUCCESS/1.1", "C0SUCCESS/2.2", "C0SUCCESS/1.1", "C0SUCCESS/9.9", "C0SUCCESS/9.9")
    box.put(MADE, now=clock())
    box.put(message(SLACK, "answer", after=MADE.key), now=clock())
    for words in ("moved", "again", "cancelled"):
        box.put(message(SLACK, words, updates=MADE.key), now=clock())
    box.put(message(SLACK, "of none", after="0" * 32), now=clock())
    assert deliver(box, clock, slack=slack) == 6
    given = {one.message.occasion: (one.thread, one.original) for one in slack.sent}
    assert given["answer"] == ("C0SUCCESS/1.1", "")
    assert given["moved"] == ("", "C0SUCCESS/1.1")
    assert given["cancelled"] == ("", "C0SUCCESS/9.9"), "the last that went in its place"
    assert given["of none"] == ("", "")


def test_a_delivery_that_another_took_meanwhile_is_let_go(box: Outbox, clock: Clock) -> None:
    box.put(MADE, now=clock())

    async def slowly() -> str:
        clock.pass_(seconds=LEASE.total_seconds())
        other = box.claim("other", now=clock(), lease=LEASE)
        assert other is not None
        box.mark(other, "sent", now=clock(), remote="C0SUCCESS/5.5")
        return "C0SUCCESS/1.1"

    assert deliver(box, clock, slack=Scripted(slowly)) == 1
    assert now(box).remote == "C0SUCCESS/5.5"


def test_a_lease_is_longer_than_looking_up_and_sending_may_take() -> None:
    assert LEASE.total_seconds() > LOOK_UP_SECONDS + SEND_SECONDS


def test_a_channel_that_hangs_is_cut_off(box: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forever() -> str:
        await asyncio.sleep(60)
        return ""

    monkeypatch.setattr(module, "SEND_SECONDS", 0.01)
    box.put(MADE, now=clock())
    deliver(box, clock, slack=Scripted(forever))
    assert now(box).begun_at == clock()
    assert now(box).reason == "Slack did not answer in time."


def test_a_worker_goes_on_over_faults_of_the_store_and_finishes_what_is_on_its_way_when_it_is_stopped(
    box: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKS_SECONDS", 0.01)
    real, faults = box.claim, [StoreBusy("held")]

    def claim(*given: Any, **more: Any) -> Delivery | None:
        if faults:
            raise faults.pop()
        return real(*given, **more)

    monkeypatch.setattr(box, "claim", claim)
    box.put(MADE, now=clock())
    box.put(message(SLACK, "second"), now=clock(), due=clock() + timedelta(seconds=1))

    async def session() -> None:
        stop = asyncio.Event()

        async def slowly() -> str:
            stop.set()
            clock.pass_(seconds=2)
            await asyncio.sleep(0.05)
            return "C0SUCCESS/1.1"

        worker = Worker(box, Lines(slack=Scripted(slowly)), clock, at_once=1)
        async with asyncio.timeout(10):
            await worker.run(stop)

    asyncio.run(session())
    assert now(box).state == "sent"
    assert box.waiting().counts == {"sent": 1, "ready": 1}


def test_no_two_workers_have_one_name(box: Outbox, clock: Clock) -> None:
    assert len({Worker(box, Lines(), clock).name for _ in range(10)}) == 10
