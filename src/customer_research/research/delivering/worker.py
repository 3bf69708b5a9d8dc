"""The worker over the outbox: takes what is due, sends it, and says what became of it.

Any number of workers, in any number of processes, may do so at once. A worker may end at any instant: what it held is taken by
another when its lease is over, and what may have been sent by then is looked up before it is sent again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Literal, Protocol
from uuid import uuid4

from customer_research.channels.channel import Channel, Delayed, Failure, Outgoing, Refused, Sighting, Unsure
from customer_research.connect.concurrent import slept
from customer_research.connect.source import Clock
from customer_research.domain.delivery import Channel as ChannelName
from customer_research.domain.delivery import Delivery, Message, State
from customer_research.errors import ConfigError, StoreError
from customer_research.research.delivering.notices import notice
from customer_research.store.outbox import LeaseLost, Outbox

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
"""How long a delivery is a worker's; longer than looking up and sending may take together."""

LOOK_UP_SECONDS, SEND_SECONDS = 60.0, 150.0
"""How long a channel may take to look a message up, and to send it."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
"""Between attempts: doubled each time, up to an hour."""

MOST_ASKED = 24 * 3600.0
"""Seconds that a channel may ask for at most."""

ATTEMPTS = 12
"""A message that was taken so often, over about six hours, is given up."""

LOOKS_SECONDS = 5.0
"""Between two looks at an outbox in which nothing is due."""

Point = Literal["before claim", "after claim", "after send", "after mark"]
"""Where a worker may be stopped, as tests name it."""


class Open(Protocol):
    """The channels by name."""

    def __getitem__(self, name: ChannelName) -> Channel:
        """A channel; raises `Refused` where it is not set up."""


def worker_name() -> str:
    """A name that no two workers have, in whichever process."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


class Worker:
    """Delivers what is due in one outbox.

    Args:
        box: the outbox.
        channels: the channels by name.
        clock: the present instant.
        name: who this is; no two workers have the same. Empty: a new one.
        at_once: how many deliveries at the same time.
        reached: hears at which point it is (tests).
    """

    def __init__(
        self,
        box: Outbox,
        channels: Open,
        clock: Clock,
        *,
        name: str = "",
        at_once: int = 4,
        reached: Callable[[Point], None] = lambda _point: None,
    ) -> None:
        self._box = box
        self._channels = channels
        self._clock = clock
        self.name = name or worker_name()
        self._at_once = at_once
        self._reached = reached
        self._random = SystemRandom()
        self.looked_at = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver what is due, again and again, until told to stop; what is on its way then is finished.

        A store that cannot be used is tried again.
        """
        while not stop.is_set():
            try:
                await self.deliver_due(stop)
            except StoreError as error:
                logger.warning("The outbox cannot be read: %s", error.message)
            await slept(LOOKS_SECONDS, stop)

    async def deliver_due(self, stop: asyncio.Event | None = None) -> int:
        """Deliver all that is due now; how many deliveries were taken.

        Raises:
            StoreError: the store cannot be used.
        """
        hands = [self._hand(stop) for _ in range(self._at_once)]
        taken = await asyncio.gather(*hands, return_exceptions=True)  # one that fails does not cut off what others send
        for one in taken:
            if isinstance(one, BaseException):
                raise one
        return sum(one for one in taken if isinstance(one, int))

    async def _hand(self, stop: asyncio.Event | None) -> int:
        """One after the other until nothing is due."""
        taken = 0
        while stop is None or not stop.is_set():
            self.looked_at = time.monotonic()
            self._reached("before claim")
            claimed = await asyncio.to_thread(self._box.claim, self.name, now=self._clock(), lease=LEASE)
            if claimed is None:
                break
            taken += 1
            self._reached("after claim")
            await self._handle(claimed)
            self._reached("after mark")
        return taken

    # -- one delivery --------------------------------------------------------------------------------------------------

    async def _handle(self, claimed: Delivery) -> None:
        """See a delivery through; one that is another's by now is let go."""
        try:
            done = await self._deliver(claimed)
        except LeaseLost:
            logger.info("delivery %s: another has it", claimed.key)
            return
        logger.info("delivery %s by %s: %s", claimed.key, claimed.message.address.channel, done.state)

    async def _deliver(self, claimed: Delivery) -> Delivery:
        outgoing = await self._outgoing(claimed)
        if claimed.attempts > ATTEMPTS:  # whoever took it so often never came to say why
            return await self._over(claimed, _lost(claimed), Refused(f"It was tried {ATTEMPTS} times."))
        try:
            channel = self._channels[claimed.message.address.channel]
        except Refused as error:
            return await self._over(claimed, _lost(claimed), error)
        if claimed.begun_at is not None:
            known = await self._looked_up(claimed, channel, outgoing)
            if known is not None:
                return known
            claimed = claimed if claimed.insisted else replace(claimed, begun_at=None)  # it is certainly not there
        if claimed.until is not None and claimed.until <= self._clock():
            return await self._too_late(claimed)
        return await self._send(claimed, channel, outgoing)

    async def _too_late(self, claimed: Delivery) -> Delivery:
        """It is of no use any more: a failure where it was tried in vain, else nothing has happened to it."""
        if claimed.reason:
            return await self._over(
                claimed, "failed", Refused(f"It was tried in vain until it was too late: {claimed.reason}")
            )
        return await self._mark(claimed, "dropped", reason="It was too late to be of use.")

    async def _outgoing(self, claimed: Delivery) -> Outgoing:
        """The message with what those are called over there that it continues or replaces, as far as they were sent."""
        thread, original = [
            (await asyncio.to_thread(self._box.remote_of, key)) if key else ""
            for key in (claimed.message.after, claimed.message.updates)
        ]
        return Outgoing(claimed.message, claimed.put_at, thread, original, claimed.begun_at)

    async def _looked_up(self, claimed: Delivery, channel: Channel, outgoing: Outgoing) -> Delivery | None:
        """What became of a message that may be over there already; None: it is to be sent."""
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                seen = await channel.look_up(outgoing)
        except TimeoutError:
            return await self._later(claimed, Delayed(f"{channel.title} did not answer in time."))
        except (Delayed, Unsure) as error:
            return await self._later(claimed, error)
        except Refused as error:
            seen = Sighting("cannot_tell", because=error.message)
        if seen.found == "there":
            return await self._mark(claimed, "sent", remote=seen.remote)
        if seen.found == "cannot_tell" and not claimed.insisted:
            reason = f"It may have been sent before: {seen.because}"
            return await self._over(
                claimed, "unknown", Refused(reason, hint="Look there; `outbox retry` sends it again.")
            )
        return None

    async def _send(self, claimed: Delivery, channel: Channel, outgoing: Outgoing) -> Delivery:
        begun = await asyncio.to_thread(self._box.begin, claimed, now=self._clock(), lease=LEASE)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                remote = await channel.send(outgoing)
        except (Refused, ConfigError) as error:
            return await self._over(claimed, "failed", error)
        except Delayed as error:
            return await self._later(claimed, error)
        except Unsure as error:
            return await self._later(begun, error)
        except TimeoutError:
            return await self._later(begun, Unsure(f"{channel.title} did not answer in time."))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the others; its text may hold what was sent
            logger.error("delivery %s: %s while it was sent", claimed.key, type(error).__name__)  # noqa: TRY400 - same
            return await self._later(begun, Unsure(f"Sending it failed ({type(error).__name__})."))
        self._reached("after send")
        return await self._mark(begun, "sent", remote=remote)

    async def _later(self, held: Delivery, error: Delayed | Unsure) -> Delivery:
        """Try again after a while, or give it up after many attempts."""
        if held.attempts >= ATTEMPTS:
            return await self._over(held, _lost(held), error)
        wait = min(FIRST_WAIT * 2 ** max(held.attempts - 1, 0), LONGEST_WAIT) * (1 + self._random.random() / 4)
        asked = error.wait if isinstance(error, Delayed) and error.wait is not None else 0.0
        wait = max(wait, timedelta(seconds=min(asked, MOST_ASKED)))
        return await self._mark(held, "ready", reason=error.message, due=self._clock() + wait)

    async def _over(self, held: Delivery, state: State, error: Failure | ConfigError) -> Delivery:
        """Say that it is not delivered, or not known to be, and tell who is to hear of it."""
        reason = f"{error.message} {error.hint}".strip()
        told = notice(held, state, reason)
        return await self._mark(held, state, reason=reason, told=() if told is None else (told,))

    async def _mark(
        self,
        held: Delivery,
        state: State,
        *,
        remote: str = "",
        reason: str = "",
        due: datetime | None = None,
        told: tuple[Message, ...] = (),
    ) -> Delivery:
        return await asyncio.to_thread(
            self._box.mark, held, state, now=self._clock(), remote=remote, reason=reason, due=due, told=told
        )


def _lost(held: Delivery) -> State:
    """What a delivery is that is given up: unknown where it may be over there."""
    return "failed" if held.begun_at is None else "unknown"
