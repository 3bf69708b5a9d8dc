"""What a Slack message has to press: buttons that ask further, and what people do about an alert. The Slack app knows the names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customer_research.documents.formats.slack_ import Blocks

ASK = "ask"
"""A button whose value is asked as if it had been typed; followed by a colon and what tells it from its neighbours."""

ALERT_ACK, ALERT_SNOOZE, ALERT_ASSIGN, ALERT_OUTCOME = "alert_ack", "alert_snooze", "alert_assign", "alert_outcome"
ALERT_BLOCK = "alert:"
"""What the id of the block with an alert's controls begins with; the alert's id follows."""

SNOOZES: Mapping[int, str] = {1: "1 day", 3: "3 days", 7: "1 week", 14: "2 weeks", 30: "30 days"}
"""Days that an alert may be hidden for, and what they are called."""

_LABEL = 75


def plain(text: str, longest: int = _LABEL) -> dict[str, Any]:
    """A text that has no markup, as long as its place allows."""
    shown = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return {"type": "plain_text", "text": shown or "-", "emoji": False}


def button(label: str, action: str, value: str = "") -> dict[str, Any]:
    """A button; `value` comes back when it is pressed."""
    more = {"value": value} if value else {}
    return {"type": "button", "text": plain(label), "action_id": action, **more}


def asks(choices: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Buttons that ask further: what each says, and what it asks."""
    return [button(label, f"{ASK}:{at}", text) for at, (label, text) in enumerate(choices)]


def select(action: str, placeholder: str, choices: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A list to choose from: what each choice says, and its value."""
    options = [{"text": plain(label), "value": value} for label, value in choices]
    return {"type": "static_select", "action_id": action, "placeholder": plain(placeholder), "options": options}


def alert_controls(alert_id: str, operator_id: str) -> Blocks:
    """What can be done about an alert under its message: acknowledge, snooze, assign, say what was done.

    Args:
        alert_id: the episode's id.
        operator_id: whom it is about; empty: a source, about which there is nothing to be done for an operator.
    """
    snooze = select(ALERT_SNOOZE, "Snooze", ((name, f"{alert_id} {days}") for days, name in SNOOZES.items()))
    assign = {"type": "users_select", "action_id": ALERT_ASSIGN, "placeholder": plain("Assign")}
    elements = [button("Acknowledge", ALERT_ACK, alert_id), snooze, assign]
    if operator_id:
        elements.append(button("Say what was done", ALERT_OUTCOME, f"{alert_id} {operator_id}"))
    return [{"type": "actions", "block_id": f"{ALERT_BLOCK}{alert_id}", "elements": elements}]
