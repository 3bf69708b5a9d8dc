"""What people do about an alert under its Slack message. The Slack app knows the names."""

from __future__ import annotations

from collections.abc import Mapping

from customer_research.documents.formats.slack_blocks import Blocks, actions, button, plain, select

ALERT_ACK, ALERT_SNOOZE, ALERT_ASSIGN, ALERT_OUTCOME = "alert_ack", "alert_snooze", "alert_assign", "alert_outcome"
ALERT_BLOCK = "alert:"
"""What the id of the block with an alert's controls begins with; the alert's id follows."""

SNOOZES: Mapping[int, str] = {1: "1 day", 3: "3 days", 7: "1 week", 14: "2 weeks", 30: "30 days"}
"""Days that an alert may be hidden for, and what they are called."""


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
    return [actions(elements, f"{ALERT_BLOCK}{alert_id}")]
