"""Slack's workspace as the sandbox holds it: people, conversations, messages, views, files, and what was answered privately."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.slack_blocks import texts

TEAM_ID, OTHER_TEAM_ID = "T0SANDBOX", "T0PARTNER"
TEAM_NAME = "Sandbox"
BOT_USER, BOT_ID, APP_ID = "U0RESEARCH", "B0RESEARCH", "A0RESEARCH"
TRIGGER_SECONDS, ANSWER_SECONDS, ANSWERS = 3.0, 1800.0, 5
"""How long a trigger opens a view; how long and how often a `response_url` takes an answer."""

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "users:read",
    "users:read.email",
)
"""What the sandbox's installation of the app was granted; a test may take some away (`Workspace.scopes`)."""


@dataclass(slots=True)
class Channel:
    """A conversation: its people by id, and its messages, the oldest first."""

    id: str
    name: str
    members: set[str]
    private: bool = False
    direct: str = ""
    shared: bool = False
    archived: bool = False
    messages: list[Row] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """As scopes name it: `channels`, `groups` or `im`."""
        return "im" if self.direct else "groups" if self.private else "channels"


@dataclass(slots=True)
class Answering:
    """A `response_url`: where and to whom it answers, from when on, and how often it has been used."""

    channel: str
    user: str
    since: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Private:
    """A message that one person alone sees. It has no history."""

    channel: str
    user: str
    message: Row


@dataclass(slots=True)
class File:
    """An upload: announced, then sent, then shared."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    shared_in: list[str] = field(default_factory=list)


class Workspace:
    """Everything that the sandbox's Slack knows. `now` gives the present instant, and may be replaced by a test."""

    def __init__(self, people: Iterable[Row], as_of: datetime) -> None:
        began = time.monotonic()
        start = as_of.timestamp()
        self.now: Callable[[], float] = lambda: start + time.monotonic() - began
        self.scopes: set[str] = set(SCOPES)
        self.users: dict[str, Row] = {}
        self.channels: dict[str, Channel] = {}
        self.private: list[Private] = []
        self.homes: dict[str, Row] = {}
        self.modals: list[Row] = []
        self.files: dict[str, File] = {}
        self.answering: dict[str, Answering] = {}
        self._triggers: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._last = 0
        self._people(people)
        self._conversations()

    # -- who and where -------------------------------------------------------------------------------------------------

    def _people(self, people: Iterable[Row]) -> None:
        """The vendor's own people as members; beside them everybody whom an app must not serve."""
        for place, person in enumerate(people):
            name = f"{person['firstName']} {person['lastName']}"
            self.add_user(f"U0MEMBER{place}", name, person["email"])
        self.add_user("U0STRANGER", "Nils Unknown", "nils@elsewhere.example.org")
        self.add_user("U0GUEST", "Greta Guest", "greta@moovs-team.example.com", is_restricted=True)
        self.add_user(
            "U0SINGLE", "Sal Single", "sal@moovs-team.example.com", is_ultra_restricted=True, is_restricted=True
        )
        self.add_user("U0LEFT", "Lena Left", "lena@moovs-team.example.com", deleted=True)
        self.add_user("U0PENDING", "Pia Pending", "pia@moovs-team.example.com", is_email_confirmed=False)
        self.add_user("U0ROBOT", "Deploy Robot", "", is_bot=True)
        self.add_user("U0PARTNER", "Paul Partner", "", team_id=OTHER_TEAM_ID, is_stranger=True)
        self.add_user(BOT_USER, "Customer research", "", is_bot=True)

    def add_user(self, user: str, name: str, email: str, **flags: Any) -> None:
        """A person or a bot; `flags` are those of Slack's user object."""
        profile = {"real_name": name, "display_name": name.split(" ", maxsplit=1)[0].lower()}
        if email:
            profile["email"] = email
        plain = dict.fromkeys(
            ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_admin", "is_owner", "is_app_user"), False
        )
        self.users[user] = {
            "id": user,
            "team_id": TEAM_ID,
            "name": profile["display_name"],
            "real_name": name,
            "tz": "America/New_York",
            "is_email_confirmed": bool(email),
            **plain,
            **flags,
            "profile": profile,
        }

    def _conversations(self) -> None:
        everybody = {user for user, row in self.users.items() if row["team_id"] == TEAM_ID and not row["deleted"]}
        self.add_channel(Channel("C0SUCCESS", "customer-success", set(everybody)))
        self.add_channel(Channel("C0ALERTS", "alerts", set(everybody)))
        self.add_channel(Channel("G0LEADS", "leads", {BOT_USER, "U0MEMBER0", "U0MEMBER1"}, private=True))
        self.add_channel(Channel("C0PARTNER", "with-partner", {*everybody, "U0PARTNER"}, shared=True))
        self.add_channel(Channel("C0OLD", "old-accounts", set(everybody), archived=True))
        self.add_channel(Channel("C0CLOSED", "sales", everybody - {BOT_USER}))

    def add_channel(self, channel: Channel) -> None:
        """A conversation."""
        self.channels[channel.id] = channel

    def direct(self, user: str) -> Channel:
        """The conversation of the app with one person, made where there is none."""
        found = next((one for one in self.channels.values() if one.direct == user), None)
        if found is None:
            found = Channel(f"D{user[1:]}", "", {BOT_USER, user}, private=True, direct=user)
            self.add_channel(found)
        return found

    # -- messages ------------------------------------------------------------------------------------------------------

    def stamp(self) -> str:
        """A message's `ts`: the present in microseconds, never twice."""
        with self._lock:
            self._last = max(int(self.now() * 1_000_000), self._last + 1)
            return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def post(self, channel: Channel, content: Row, user: str = BOT_USER) -> Row:
        """Keep a message."""
        message = {"type": "message", "user": user, **content, "ts": self.stamp()}
        if user == BOT_USER:
            message |= {"bot_id": BOT_ID, "app_id": APP_ID, "team": TEAM_ID}
        channel.messages.append(message)
        return message

    def tell(self, channel: str, user: str, message: Row, *, instead: bool = False) -> None:
        """Show a message to one person alone; `instead` of what they were last shown there."""
        shown = [one for one in self.private if (one.channel, one.user) == (channel, user)]
        if instead and shown:
            self.private.remove(shown[-1])
        self.private.append(Private(channel, user, {**message, "ts": self.stamp()}))

    def posted(self, channel: str = "") -> list[Row]:
        """The app's messages, of one conversation or of all, the oldest first."""
        found = (one for one in self.channels.values() if channel in {"", one.id})
        mine = [message for one in found for message in one.messages if message["user"] == BOT_USER]
        return sorted(mine, key=lambda message: message["ts"])

    def commands_in(self, message: Row) -> list[str]:
        """What Slack would act on in a message: mentions of people, channels and everybody."""
        return [found for text in texts(message, marked=True) for found in commands_of(text)]

    # -- triggers, answers, files --------------------------------------------------------------------------------------

    def number(self) -> int:
        """A number that was not given before."""
        return next(self._numbers)

    def trigger(self) -> str:
        """A trigger that opens one view within three seconds."""
        made = f"{self.number()}.{TEAM_ID}.{hashlib.sha256(str(time.monotonic()).encode()).hexdigest()[:16]}"
        self._triggers[made] = time.monotonic()
        return made

    def take_trigger(self, trigger: str) -> str:
        """Use a trigger; "" or the error that it gives."""
        if trigger not in self._triggers:
            return "invalid_trigger_id" if "." not in trigger else "exchanged_trigger_id"
        late = time.monotonic() - self._triggers.pop(trigger) > TRIGGER_SECONDS
        return "expired_trigger_id" if late else ""

    def answer_at(self, channel: str, user: str) -> str:
        """The path of a new `response_url`."""
        path = f"/commands/{TEAM_ID}/{self.number()}/{hashlib.sha256(self.stamp().encode()).hexdigest()[:24]}"
        self.answering[path] = Answering(channel, user, self.now())
        return path

    def announce(self, name: str, length: int) -> File:
        """A file that is about to be sent."""
        number = self.number()
        made = File(f"F0FILE{number}", name, length)
        self.files[made.id] = made
        return made


def commands_of(text: str) -> Iterator[str]:
    """`<!channel>`, `<@U…>` and `<#C…>` as Slack reads them."""
    for piece in text.split("<")[1:]:
        inner, closed, _ = piece.partition(">")
        if closed and inner[:1] in {"!", "@", "#"}:
            yield inner


def moment(stamp: str) -> datetime:
    """When a message was posted."""
    return datetime.fromtimestamp(float(stamp), UTC)
