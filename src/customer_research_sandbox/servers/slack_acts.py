"""What Slack sends to an app, signed: a slash command, an event, a press of a button, a shortcut, a submitted modal.

Tests and demonstrations act as people in the sandbox's workspace with it; how it reaches the app is theirs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.slack import SIGNING_SECRET
from customer_research_sandbox.servers.slack_space import APP_ID, BOT_ID, BOT_USER, TEAM_ID, TEAM_NAME, Workspace

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of Slack's: its body, and the headers that sign it."""

    body: bytes
    headers: Mapping[str, str]
    payload: Row
    """The same as socket mode has it."""

    kind: str
    """As socket mode names it: `slash_commands`, `events_api`, `interactive`."""


@dataclass(slots=True)
class Acts:
    """Acts as people in a workspace. `address` is the server's, for `response_url`s."""

    space: Workspace
    address: str
    secret: str = SIGNING_SECRET

    def command(self, user: str, text: str, channel: str = "C0SUCCESS", command: str = "/customer") -> Sent:
        """Somebody types a slash command."""
        payload = {
            "command": command,
            "text": text,
            "team_id": self._team(user),
            "team_domain": "sandbox",
            "channel_id": channel,
            "channel_name": self._name(channel),
            "user_id": user,
            "user_name": self._profile(user)["display_name"],
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._answer_at(channel, user),
            "trigger_id": self.space.trigger(),
        }
        return self._sent(urlencode(payload), FORM, payload, "slash_commands")

    def event(self, event: Row, user: str, *, event_id: str = "", retry: int = 0) -> Sent:
        """Something happened that the app listens to; `retry` says that it is told again, for that time."""
        payload = {
            "token": "unused",
            "team_id": self._team(user),
            "api_app_id": APP_ID,
            "type": "event_callback",
            "event_id": event_id or f"Ev0SANDBOX{self.space.number()}",
            "event_time": int(time.time()),
            "event": {"user": user, "event_ts": self.space.stamp(), **event},
            "authorizations": [{"team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True}],
            "is_ext_shared_channel": self._shared(str(event.get("channel", ""))),
        }
        more = {"x-slack-retry-num": str(retry), "x-slack-retry-reason": "http_timeout"} if retry else {}
        return self._sent(json.dumps(payload), JSON, payload, "events_api", more)

    def mention(self, user: str, text: str, channel: str = "C0SUCCESS", **more: Any) -> Sent:
        """Somebody names the app in a conversation."""
        said = f"<@{BOT_USER}> {text}"
        found = self.space.channels[channel]
        message = self.space.post(found, {"text": said}, user)
        event = {"type": "app_mention", "channel": channel, "text": said, "ts": message["ts"]}
        return self.event(event, user, **more)

    def says(self, user: str, text: str, **more: Any) -> Sent:
        """Somebody writes to the app directly."""
        channel = self.space.direct(user)
        message = self.space.post(channel, {"text": text}, user)
        event = {"type": "message", "channel": channel.id, "channel_type": "im", "text": text, "ts": message["ts"]}
        return self.event(event, user, **more)

    def opens_home(self, user: str) -> Sent:
        """Somebody opens the app's home tab."""
        return self.event({"type": "app_home_opened", "tab": "home", "channel": self.space.direct(user).id}, user)

    def presses(self, user: str, action: Row, channel: str = "C0SUCCESS", message: Row | None = None) -> Sent:
        """Somebody presses a button; `message` None: one of a message that they alone see."""
        shown = message if message is not None else {"ts": self.space.stamp(), "text": "", "user": BOT_USER}
        container = {
            "type": "message",
            "message_ts": shown["ts"],
            "channel_id": channel,
            "is_ephemeral": message is None,
        }
        payload = {
            "type": "block_actions",
            **self._who(user),
            "trigger_id": self.space.trigger(),
            "container": container,
            "channel": {"id": channel, "name": self._name(channel)},
            "response_url": self._answer_at(channel, user),
            "actions": [{"block_id": "b", "action_ts": self.space.stamp(), **action}],
        }
        if message is not None:
            payload["message"] = {"bot_id": BOT_ID, **message}
        return self._interactive(payload)

    def presses_at_home(self, user: str, action: Row) -> Sent:
        """Somebody presses a button of the home tab, which has no `response_url`."""
        view = self.space.homes.get(user, {"id": "V0", "type": "home", "blocks": []})
        payload = {
            "type": "block_actions",
            **self._who(user),
            "trigger_id": self.space.trigger(),
            "container": {"type": "view", "view_id": view["id"]},
            "view": view,
            "actions": [{"block_id": "b", "action_ts": self.space.stamp(), **action}],
        }
        return self._interactive(payload)

    def shortcut(self, user: str, callback: str, message: Row | None = None, channel: str = "C0SUCCESS") -> Sent:
        """Somebody uses a shortcut: on a message, or the global one."""
        payload = {
            "type": "shortcut" if message is None else "message_action",
            **self._who(user),
            "callback_id": callback,
            "trigger_id": self.space.trigger(),
            "action_ts": self.space.stamp(),
        }
        if message is not None:
            payload |= {
                "channel": {"id": channel, "name": self._name(channel)},
                "message": message,
                "message_ts": message["ts"],
                "response_url": self._answer_at(channel, user),
            }
        return self._interactive(payload)

    def submits(self, user: str, view: Row, values: Row) -> Sent:
        """Somebody submits a modal; `values` as Slack has them: block → action → value."""
        payload = {
            "type": "view_submission",
            **self._who(user),
            "trigger_id": self.space.trigger(),
            "view": {**view, "state": {"values": values}},
            "response_urls": [],
        }
        return self._interactive(payload)

    def signed(self, body: str, at: float | None = None) -> dict[str, str]:
        """The headers that sign a body, at an instant of the real clock (seconds); None: now."""
        stamp = str(int(time.time() if at is None else at))
        digest = hmac.new(self.secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}

    def _interactive(self, payload: Row) -> Sent:
        return self._sent(urlencode({"payload": json.dumps(payload)}), FORM, payload, "interactive")

    def _sent(self, body: str, kind: str, payload: Row, name: str, more: Mapping[str, str] | None = None) -> Sent:
        headers = {"content-type": kind, **self.signed(body), **(more or {})}
        return Sent(body.encode(), headers, payload, name)

    def _who(self, user: str) -> Row:
        team = self._team(user)
        return {
            "team": {"id": TEAM_ID, "domain": "sandbox", "name": TEAM_NAME},
            "user": {"id": user, "team_id": team, "username": self._profile(user)["display_name"]},
            "api_app_id": APP_ID,
            "is_enterprise_install": False,
        }

    def _team(self, user: str) -> str:
        return str(self.space.users[user]["team_id"])

    def _profile(self, user: str) -> Row:
        found: Row = self.space.users[user]["profile"]
        return found

    def _name(self, channel: str) -> str:
        found = self.space.channels[channel]
        return "directmessage" if found.direct else found.name

    def _shared(self, channel: str) -> bool:
        return channel in self.space.channels and self.space.channels[channel].shared

    def _answer_at(self, channel: str, user: str) -> str:
        return self.address + self.space.answer_at(channel, user)
