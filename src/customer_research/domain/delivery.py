"""What is sent to people and programs: a message to one address, delivered once, and how far it has come.

A message's key says what it is about and for whom. Whoever makes the same message again (another process, a run after a
crash) makes the same key, and the outbox has it already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, get_args

Channel = Literal["slack", "email", "notion", "webhook", "file"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

State = Literal["ready", "sending", "sent", "unknown", "failed", "dropped"]
STATES: tuple[State, ...] = get_args(State)
"""`ready` waits for its time; `sending` is a worker's until its lease ends; `sent` is over there; `unknown` may be there or
not, and nobody sends it again by itself; `failed` was refused for good, or tried in vain for too long; `dropped` is not to be
sent (muted, empty, replaced, too late), as its reason says."""

OVER: frozenset[State] = frozenset({"sent", "unknown", "failed", "dropped"})
"""The states in which nothing more happens by itself."""

KEY_DIGITS = 32

MUTED = "Muted by its reader."
"""Why a message is dropped that its reader does not want."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes.

    Args:
        channel: by which way.
        place: whom or where there: a Slack channel's or user's id, an e-mail address, the id of a Notion data source, the
            name of a webhook of the settings, a path below the folder of deliveries.
    """

    channel: Channel
    place: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.place}"

    @classmethod
    def read(cls, text: str) -> Address:
        """An address as `str` writes it.

        Raises:
            ValueError: there is no such channel, or no place.
        """
        channel, _, place = text.strip().partition(":")
        found = next((one for one in CHANNELS if one == channel.strip().lower()), None)
        if found is None or not place.strip():
            raise ValueError(f"{text[:60]!r} is no address: write {', '.join(f'{one}:PLACE' for one in CHANNELS)}.")
        return cls(found, place.strip())


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message but for what it says.

    Args:
        kind: what it is: `digest`, `alert`, `brief`, `notice`.
        subject: whom it is about: an operator's id, an owner's id, `team`.
        occasion: the period or occurrence (`2026-W48`, a meeting's occurrence, an episode and its band): the same thing for
            the same occasion is the same message.
        address: where it goes.
        elsewhere: who is told, and where, if it cannot be delivered; None: nobody.
        after: the key of a message that goes first and whose thread this one continues (Slack, e-mail); empty: none.
        updates: the key of a message in whose place this one goes: it is rewritten where the channel can (Slack, Notion,
            file), else sent anew; empty: none.
    """

    kind: str
    subject: str
    occasion: str
    address: Address
    elsewhere: Address | None = None
    after: str = ""
    updates: str = ""

    @property
    def key(self) -> str:
        """32 hexadecimal digits that are the same for the same message; they tell nothing of it to who reads them."""
        return message_key(self.kind, self.subject, self.occasion, self.address)

    def sealed(self, title: str, content: Mapping[str, Any]) -> Message:
        """The message, with what it says."""
        told = {one.name: getattr(self, one.name) for one in fields(Envelope)}
        return Message(**told, title=title, content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Envelope):
    """One message to one address, rendered once: what is kept is what is sent.

    Args:
        title: what it is called in lists, and an e-mail's subject.
        content: what is sent, as the channel takes it (plain JSON): for `slack` `text` and `blocks`; for `email` `text` and
            `html`; for `notion` `markdown`; for `webhook` `payload`; for `file` `text`, or `base64` of bytes.
    """

    title: str
    content: Mapping[str, Any]


def message_key(kind: str, subject: str, occasion: str, address: Address) -> str:
    """The key of the message with these parts."""
    parts = (kind, subject, occasion, address.channel, address.place)
    told = "".join(f"{len(part)}:{part}" for part in parts)  # no part can run into the next
    told = told.replace("\0", "\N{REPLACEMENT CHARACTER}")  # as the store keeps it: what is read back has the same key
    return hashlib.sha256(told.encode()).hexdigest()[:KEY_DIGITS]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as the outbox has it.

    Args:
        message: what is sent.
        state: how far it has come.
        put_at: when it was put into the outbox.
        due: not sent before.
        until: of no use from then on: it is dropped instead; None: always of use.
        changed_at: when its state changed last.
        attempts: how many times a worker has taken it.
        worker: who has it, or had it last.
        lease_until: until when it is that worker's; None: nobody's.
        begun_at: since when it may be over there, unconfirmed: what is there since then is looked up before it is sent again;
            None: it was certainly not sent.
        insisted: somebody asked for it to be sent even if it cannot be told whether it is there already.
        remote: what it is called over there, once sent.
        reason: why it is as it is, in a sentence; empty where the state says it.
    """

    message: Message
    state: State
    put_at: datetime
    due: datetime
    until: datetime | None
    changed_at: datetime
    attempts: int = 0
    worker: str = ""
    lease_until: datetime | None = None
    begun_at: datetime | None = None
    insisted: bool = False
    remote: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        """The message's key."""
        return self.message.key


@dataclass(frozen=True, slots=True)
class Waiting:
    """How an outbox stands: how many deliveries of each state, and since when the oldest is due that is not yet sent."""

    counts: Mapping[State, int] = field(default_factory=dict)
    oldest_due: datetime | None = None
