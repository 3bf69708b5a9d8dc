"""Who asks: a full member of the workspace, known by the e-mail address that Slack has confirmed, and let in by us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from customer_research.errors import NotAllowed
from customer_research.research.usecases import Actor, SlackDesk
from customer_research.surfaces.slack.talking import code_of

KNOWN_SECONDS, CHANNEL_SECONDS = 600.0, 60.0
"""How long what Slack says of somebody, and of a conversation, is believed."""

_MOST = 5_000
_ASK = "Ask whoever runs customer-research to let you in."
_SHARED = ("is_ext_shared", "is_pending_ext_shared")


@dataclass(frozen=True, slots=True)
class Member:
    """Who asks: their rights, their id and name in Slack, the account owner that they are (empty: none)."""

    actor: Actor
    user: str
    name: str
    owner_id: str


@dataclass(slots=True)
class _Known:
    """What was asked of Slack lately, each answer until its time is over."""

    now: Callable[[], float]
    seconds: float
    _found: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    def get(self, key: str) -> Mapping[str, Any] | None:
        until, value = self._found.get(key, (0.0, {}))
        return value if self.now() < until else None

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        if len(self._found) >= _MOST:
            self._found.clear()
        self._found[key] = (self.now() + self.seconds, value)


class Members:
    """Tells who asks, and whether a conversation is the workspace's own.

    Args:
        client: asks Slack.
        desk: says whom we let in.
        team: the workspace's id.
    """

    def __init__(self, client: AsyncWebClient, desk: SlackDesk, team: str) -> None:
        self._client, self._desk, self._team = client, desk, team
        clock = asyncio.get_running_loop().time
        self._users, self._channels = _Known(clock, KNOWN_SECONDS), _Known(clock, CHANNEL_SECONDS)

    async def who(self, user: str) -> Member:
        """Who a user of the workspace is to us.

        Raises:
            NotAllowed: nobody whom we serve, in one sentence.
            SlackApiError: Slack does not say.
            StoreError: the store does not answer.
        """
        found = await self._user(user)
        refused = _refusal(found, self._team)
        email = str(found.get("profile", {}).get("email") or "")
        if not refused and not email:
            refused = "Slack does not tell me your e-mail address."
        if refused:
            raise NotAllowed(refused, hint=_ASK)
        let_in = await self._desk.person(email, user)
        if let_in is None:
            raise NotAllowed("You are not among those who may ask here.", hint=_ASK)
        actor, person = let_in
        name = str(found.get("profile", {}).get("real_name") or found.get("real_name") or actor.name)
        return Member(actor, user, name, person.owner_id)

    async def named(self, user: str) -> str:
        """What somebody is called, for people to read.

        Raises:
            NotAllowed: nobody of this workspace.
            SlackApiError: Slack does not say.
        """
        found = await self._user(user)
        refused = _refusal(found, self._team)
        if refused:
            raise NotAllowed("Only a full member of this workspace can be given an alert.", hint="Choose another.")
        return str(found.get("profile", {}).get("real_name") or found.get("name") or user)

    async def _user(self, user: str) -> Mapping[str, Any]:
        known = self._users.get(user)
        if known is None:
            answer = await self._client.users_info(user=user)
            known = dict(answer["user"])
            self._users.put(user, known)
        return known

    async def require_inside(self, channel: str) -> None:
        """The conversation is of this workspace alone; a direct one with the app is always so.

        Raises:
            NotAllowed: it is shared with another company, or it cannot be told.
            SlackApiError: Slack does not say.
        """
        if not channel or channel.startswith("D"):
            return
        known = self._channels.get(channel)
        if known is None:
            try:
                known = dict((await self._client.conversations_info(channel=channel))["channel"])
            except SlackApiError as error:
                if code_of(error) != "channel_not_found":
                    raise
                raise NotAllowed(
                    "I cannot see whether this conversation is shared with another company.",
                    hint="Invite me to it, or write to me directly.",
                ) from None
            self._channels.put(channel, known)
        if any(known.get(name) for name in _SHARED):
            raise NotAllowed(
                "This conversation is shared with another company: I say nothing here.", hint="Write to me directly."
            )


def _refusal(user: Mapping[str, Any], team: str) -> str:
    """Why somebody is not served, in a sentence; empty: they may be."""
    if user.get("team_id") != team or user.get("is_stranger"):
        return "You are of another workspace."
    if user.get("deleted"):
        return "Your account is deactivated."
    if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == "USLACKBOT":
        return "I do not answer to programs."
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "I do not answer to guests."
    if user.get("is_email_confirmed") is not True:
        return "Your e-mail address is not confirmed in Slack."
    return ""
