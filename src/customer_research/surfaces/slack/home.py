"""The home tab: one's own book, when what is sent, and where to go on."""

from __future__ import annotations

from typing import Any

from customer_research.documents.formats.slack_ import Blocks
from customer_research.documents.formats.slack_controls import asks, button, plain
from customer_research.errors import CustomerResearchError
from customer_research.research.usecases import Runner
from customer_research.surfaces.slack.commands import COMMAND, COMMANDS, asked
from customer_research.surfaces.slack.members import Member
from customer_research.surfaces.slack.messages import Told, content, of_error, section

REFRESH = "home_refresh"
_MOST = 100
_SHOWN = ("today", "schedules", "meetings")
"""The questions whose answers stand on the tab, as far as their use cases are there and the reader may ask them."""

_FURTHER = (("Who is at risk", "at-risk"), ("Renewals", "renewals"), ("Alerts", "alerts"), ("The week", "week"))


async def home_of(runner: Runner, member: Member) -> dict[str, Any]:
    """The tab of one person."""
    blocks: Blocks = [{"type": "header", "text": plain("Customer research", 150)}]
    blocks.append({"type": "actions", "elements": [button("Refresh", REFRESH), *asks(_FURTHER)]})
    for word in _SHOWN:
        if word in COMMANDS and member.actor.may(_right(word)):
            blocks += [{"type": "divider"}, *(await _part(runner, member, word)).blocks]
    rest = section(
        f"Ask anywhere: `{COMMAND} TERM`, or `{COMMAND} help`. Answers are yours alone until you share them."
    )
    return {"type": "home", "blocks": [*blocks[: _MOST - 1], rest]}


def _right(word: str) -> str:
    from customer_research.research.usecases import use_case  # noqa: PLC0415 - beside what needs it

    return use_case(COMMANDS[word].use_case).right


async def _part(runner: Runner, member: Member, word: str) -> Told:
    question = asked(word, member.owner_id)
    assert question is not None, "a command's own word"
    try:
        _answer, told = await runner.told(question.command.use_case, question.request, member.actor, content)
    except CustomerResearchError as error:
        return of_error(error)
    return told
