"""The home tab: one's own book and meetings, how one is told, when what is sent, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from customer_research.documents.formats.slack_blocks import Blocks, actions, asks, button, header, section, select
from customer_research.domain.person import EVERYTHING, KINDS
from customer_research.errors import CustomerResearchError
from customer_research.research.usecases import Runner
from customer_research.surfaces.slack.commands import COMMAND, asked
from customer_research.surfaces.slack.members import Member
from customer_research.surfaces.slack.messages import Told, content, of_error

REFRESH, HERE, MUTE, UNMUTE = "home_refresh", "home_here", "home_mute", "home_unmute"
"""What is pressed on the tab: show it anew; be told in Slack; hear nothing of a kind for a time; hear all again."""

MUTED_DAYS = 7
_MOST = 100
_SHOWN = ("today", "meetings --kept", "me", "schedules")
"""The questions whose answers stand on the tab, as far as their use cases are there and the reader may ask them."""

_FURTHER = (("Who is at risk", "at-risk"), ("Renewals", "renewals"), ("Alerts", "alerts"), ("The week", "week"))


async def home_of(runner: Runner, member: Member) -> dict[str, Any]:
    """The tab of one person."""
    blocks: Blocks = [header("Customer research")]
    blocks.append(actions([button("Refresh", REFRESH), *asks(_FURTHER)]))
    for text in _SHOWN:
        blocks += [{"type": "divider"}, *(await _part(runner, member, text)).blocks]
        if text == "me":
            blocks.append(actions(_preferences()))
    rest = section(
        f"Ask anywhere: `{COMMAND} TERM`, or `{COMMAND} help`. Answers are yours alone until you share them."
    )
    return {"type": "home", "blocks": [*blocks[: _MOST - 1], rest]}


def _preferences() -> Blocks:
    kinds = ((f"{kind} for {MUTED_DAYS} days", kind) for kind in (*KINDS, EVERYTHING))
    return [button("Tell me here", HERE), select(MUTE, "Mute", kinds), button("Unmute all", UNMUTE)]


async def preferred(runner: Runner, member: Member, action: Mapping[str, Any]) -> None:
    """Do what was pressed about how somebody is told.

    Raises:
        CustomerResearchError: as the use case says.
    """
    name, actor = action["action_id"], member.actor
    if name == HERE:
        await runner.use("me set", {"address": f"slack:{member.user}", "name": member.name}, actor)
    elif name == MUTE:
        kind = str((action.get("selected_option") or {}).get("value") or EVERYTHING)
        until = runner.now() + timedelta(days=MUTED_DAYS)
        await runner.use("me mute", {"kind": kind, "until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}, actor)
    elif name == UNMUTE:
        await runner.use("me unmute", {"kind": EVERYTHING}, actor)


async def _part(runner: Runner, member: Member, text: str) -> Told:
    question = asked(text, member.owner_id)
    assert question is not None, "a command's own word"
    try:
        _answer, told = await runner.told(question.command.use_case, question.request, member.actor, content)
    except CustomerResearchError as error:
        return of_error(error)
    return told
