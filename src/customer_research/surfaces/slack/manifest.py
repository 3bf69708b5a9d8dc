"""The app's manifest: what Slack asks for when an app is made, with no more scopes than the app uses."""

from __future__ import annotations

from typing import Any

from customer_research.surfaces.slack.app import PATH
from customer_research.surfaces.slack.commands import COMMAND
from customer_research.surfaces.slack.modals import LOOKUP

NAME = "Customer research"

SCOPES: dict[str, str] = {
    "app_mentions:read": "to be named in a conversation",
    "channels:read": "to tell whether a public channel is shared with another company",
    "chat:write": "to answer, and to share",
    "commands": f"for {COMMAND} and the shortcuts",
    "files:write": "to send a review as a PDF",
    "groups:read": "to tell whether a private channel is shared with another company",
    "im:history": "to be asked directly",
    "im:write": "to answer directly",
    "users:read": "to tell members from guests and programs",
    "users:read.email": "to know who asks by their confirmed e-mail address",
}
"""What the app is granted, and what for."""

LOOK_UP_SCOPES: dict[str, str] = {
    "channels:history": "to see whether a delivery is there before it is sent again",
    "groups:history": "the same in private channels",
}
"""What deliveries use beside, to tell after a crash whether a message was posted."""

EVENTS = ("app_home_opened", "app_mention", "message.im")


def manifest(url: str = "", *, look_up: bool = False) -> dict[str, Any]:
    """The manifest.

    Args:
        url: the server's address, without a path; empty: the app is reached by socket mode.
        look_up: whether deliveries look for a message before they send it again.
    """
    where = {"request_url": f"{url.rstrip('/')}{PATH}"} if url else {}
    to = {"url": where["request_url"]} if url else {}
    scopes = {**SCOPES, **(LOOK_UP_SCOPES if look_up else {})}
    return {
        "display_information": {
            "name": NAME,
            "description": "Who a customer is, how they do, what to say; every figure with its source.",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": NAME, "always_online": True},
            "shortcuts": [
                {
                    "name": "Look up a customer",
                    "type": "global",
                    "callback_id": LOOKUP,
                    "description": "Ask about one.",
                },
                {
                    "name": "Look up this customer",
                    "type": "message",
                    "callback_id": LOOKUP,
                    "description": "Ask about whom the message names.",
                },
            ],
            "slash_commands": [
                {
                    "command": COMMAND,
                    "description": "Ask about a customer",
                    "usage_hint": "TERM | profile | health | billing | brief | compare | at-risk | alerts | why | help",
                    "should_escape": False,
                    **to,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": sorted(scopes)}},
        "settings": {
            "event_subscriptions": {**where, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **where},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
