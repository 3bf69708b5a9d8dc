"""What is done about an alert from its message: which use case a control asks, and how the message tells it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from customer_research.documents.formats.slack_blocks import context
from customer_research.documents.formats.slack_controls import ALERT_ACK, ALERT_ASSIGN, ALERT_SNOOZE
from customer_research.errors import UsageError
from customer_research.research.usecases import Answer
from customer_research.surfaces.slack.members import Members
from customer_research.surfaces.slack.messages import Told

STATE = "alert_state"
"""The id of the line that says what was done last."""

_MOST_BLOCKS = 50


async def acted(
    action: Mapping[str, Any], alert: str, members: Members, now: datetime
) -> tuple[str, Mapping[str, Any]]:
    """The use case and the request of a control.

    Args:
        action: what was pressed, as Slack tells it.
        alert: the alert's id as the block has it.
        members: tell what somebody who is given an alert is called.
        now: the present instant.

    Raises:
        NotAllowed: it is to be given to somebody who is no full member.
        UsageError: the control says nothing.
    """
    name = action["action_id"]
    if name == ALERT_ACK:
        return "alerts ack", {"alert": str(action.get("value") or alert)}
    if name == ALERT_SNOOZE:
        chosen = str((action.get("selected_option") or {}).get("value") or "")
        named, _, days = chosen.partition(" ")
        if days.isdecimal():
            until = now + timedelta(days=int(days))
            return "alerts snooze", {"alert": named, "until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    if name == ALERT_ASSIGN and action.get("selected_user"):
        return "alerts assign", {"alert": alert, "name": await members.named(str(action["selected_user"]))}
    raise UsageError("That button says nothing.", hint="Ask for the alert again.")


def told_in(body: Mapping[str, Any], answer: Answer, who: str) -> Told | None:
    """The alert's message with what was done; None: nobody but its reader sees it, and it cannot be changed."""
    message = body.get("message") or {}
    if body.get("container", {}).get("is_ephemeral") or not message.get("blocks"):
        return None
    done = " ".join(answer.lines)
    blocks = [block for block in message["blocks"] if block.get("block_id") != STATE]
    at = next((place for place, block in enumerate(blocks) if block["type"] == "actions"), len(blocks))
    if len(blocks) < _MOST_BLOCKS:
        blocks.insert(at, context(f"{done} ({who})", STATE))
    return Told(str(message.get("text") or ""), blocks)
