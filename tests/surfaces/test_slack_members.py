"""Who is served in Slack and where: only full members of the workspace, only in conversations of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from customer_research.errors import NotAllowed
from customer_research.surfaces.slack.members import Members

TEAM = "T0OURS"
FULL = {
    "id": "U0ADA",
    "team_id": TEAM,
    "is_email_confirmed": True,
    "profile": {"real_name": "Ada Poe", "email": "a@o.example"},
}


class Slack:
    """Answers about one user and one conversation, and counts how often it is asked."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told, self.asked = told, 0

    async def users_info(self, user: str) -> dict[str, Any]:
        self.asked += 1
        return {"user": {**self._told, "id": self._told.get("id", user)}}

    async def conversations_info(self, channel: str) -> dict[str, Any]:
        self.asked += 1
        return {"channel": {"id": channel, **self._told}}


def members(told: Mapping[str, Any], work: Callable[[Members], Awaitable[Any]]) -> tuple[Any, int]:
    """What work gives with what Slack tells, and how often Slack was asked for it."""
    slack: Any = Slack(told)

    async def asked() -> Any:
        desk: Any = None
        return await work(Members(slack, desk, TEAM))

    return asyncio.run(asked()), slack.asked


async def inside(known: Members, channel: str = "C0LEADS") -> str:
    said = ""
    for _ in range(2):
        try:
            await known.require_inside(channel)
        except NotAllowed as error:
            said = error.message
    return said


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        ({}, True),
        ({"is_private": True}, True),
        ({"is_shared": True, "is_org_shared": True}, True),
        ({"is_ext_shared": False, "is_pending_ext_shared": False}, True),
        ({"is_ext_shared": True}, False),
        ({"is_ext_shared": True, "is_pending_ext_shared": False}, False),
        ({"is_ext_shared": False, "is_pending_ext_shared": True}, False),
    ],
)
def test_nothing_is_said_where_another_company_reads_or_is_about_to(told: dict[str, bool], ours: bool) -> None:
    said, asked = members(told, inside)
    assert ("shared with another company" in said) is not ours
    assert asked == 1, "what Slack says is believed for a while"
    assert members(told, lambda known: inside(known, "D0ADA")) == ("", 0), "one writes to the app alone"


@pytest.mark.parametrize(
    ("told", "served"),
    [
        ({}, True),
        ({"is_stranger": False, "deleted": False, "is_bot": False, "is_restricted": False}, True),
        ({"team_id": "T0THEIRS"}, False),
        ({"is_stranger": True}, False),
        ({"deleted": True}, False),
        ({"is_bot": True}, False),
        ({"is_workflow_bot": True}, False),
        ({"id": "USLACKBOT"}, False),
        ({"is_restricted": True}, False),
        ({"is_ultra_restricted": True}, False),
        ({"is_email_confirmed": False}, False),
        ({"is_email_confirmed": None}, False),
        ({"is_email_confirmed": "true"}, False),
    ],
)
def test_only_a_full_member_with_an_address_of_their_own_is_served(told: dict[str, Any], served: bool) -> None:
    async def named(known: Members) -> str:
        try:
            return await known.named("U0ADA")
        except NotAllowed:
            return ""

    assert members({**FULL, **told}, named)[0] == ("Ada Poe" if served else "")
