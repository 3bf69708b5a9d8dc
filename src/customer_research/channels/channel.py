"""The port of a channel: what it is given, how it answers, and the three ways in which sending may fail.

Which of the three it is decides what happens next, so that a channel says it by what it knows and never by a guess: a message
that may be over there is `Unsure`, whatever the error looks like.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from customer_research.domain.delivery import Message
from customer_research.errors import CustomerResearchError, RateLimited, SourceError, Unavailable


class NotDelivered(CustomerResearchError):  # noqa: N818 - read as a statement
    """A channel did not take a message; one of the three below."""


class Refused(NotDelivered):
    """It will not be taken as it is, however often it is sent: somebody has to change something."""


class Delayed(NotDelivered):
    """It was certainly not taken, and may be later; `wait` is how many seconds the channel asked for (None: it did not)."""

    def __init__(self, message: str, *, wait: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class Unsure(NotDelivered):
    """It may have been taken, or not: nobody can tell from here."""


Failure = Refused | Delayed | Unsure


def failure(error: SourceError) -> Failure:
    """What a request over `connect.http` that failed means for the message: what the far side did not get it did not do."""
    if isinstance(error, RateLimited):
        return Delayed(error.message, wait=error.retry_after)
    if isinstance(error, Unavailable):
        return Delayed(error.message) if error.never_sent else Unsure(error.message)
    return Refused(error.message, hint=error.hint)


def harmless(error: Failure) -> Refused | Delayed:
    """The same of what only reads, or may be done twice: it can be asked again."""
    return Delayed(error.message, hint=error.hint) if isinstance(error, Unsure) else error


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way.

    Args:
        message: what is sent.
        put_at: when it was put into the outbox.
        thread: what the message is called over there whose thread this one continues; empty: it begins one.
        original: what the message is called over there in whose place this one goes; empty: in nobody's.
        begun_at: since when it may be over there; None: it certainly is not.
    """

    message: Message
    put_at: datetime
    thread: str = ""
    original: str = ""
    begun_at: datetime | None = None

    @property
    def key(self) -> str:
        """The message's key."""
        return self.message.key


@dataclass(frozen=True, slots=True)
class Sighting:
    """What came of looking a message up.

    Args:
        found: `there`: it has arrived; `absent`: it has not, or sending it again makes no second one; `cannot_tell`: nobody can
            say.
        remote: what it is called over there.
        because: why it cannot be told, in a sentence.
    """

    found: Literal["there", "absent", "cannot_tell"]
    remote: str = ""
    because: str = ""


class Channel(Protocol):
    """A way by which messages leave. It may serve many at once."""

    title: ClassVar[str]

    async def send(self, outgoing: Outgoing) -> str:
        """Send a message, and give what it is called over there.

        Raises:
            Refused: it will never be taken so.
            Delayed: it was certainly not taken now.
            Unsure: it may have been taken.
        """

    async def look_up(self, outgoing: Outgoing) -> Sighting:
        """Whether a message is there that was begun to be sent at `begun_at` or later.

        Raises:
            Delayed: it cannot be asked now.
        """

    async def close(self) -> None:
        """Release connections."""
