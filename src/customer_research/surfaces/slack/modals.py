"""What opens over a conversation: a question to fill in, and what was done about an alert's operator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from customer_research.documents.formats.slack_blocks import plain, select
from customer_research.domain.outcome import Intervention
from customer_research.surfaces.slack.commands import COMMANDS

LOOKUP, OUTCOME = "lookup", "outcome"
"""The modals, by what Slack calls them back by; `LOOKUP` is both shortcuts' name, too."""

_TERM, _WORD, _KIND, _NOTE = "term", "word", "kind", "note"
_LONGEST_TERM, _LONGEST_NOTE = 200, 200
_OFFERED = ("quick", "profile", "health", "billing", "brief", "review", "reservations", "payments")


@dataclass(frozen=True, slots=True)
class Back:
    """Where a modal was opened, so that the answer goes there: a `response_url`, or nothing (directly)."""

    url: str = ""
    channel: str = ""
    subject: str = ""

    @property
    def kept(self) -> str:
        """As the modal carries it."""
        return json.dumps({"url": self.url, "channel": self.channel, "subject": self.subject})

    @classmethod
    def of(cls, kept: str) -> Back:
        """As it comes back."""
        told = json.loads(kept or "{}")
        return cls(str(told.get("url", "")), str(told.get("channel", "")), str(told.get("subject", "")))


def lookup(back: Back, term: str = "") -> dict[str, Any]:
    """Whom to ask about, and what."""
    written = _text(_TERM, _LONGEST_TERM, "Silvermead, an e-mail address, a phone or a number")
    if term:
        written["initial_value"] = term[:_LONGEST_TERM]
    words = select(_WORD, "What", ((COMMANDS[word].about, word) for word in _OFFERED))
    words["initial_option"] = words["options"][0]
    return _modal(LOOKUP, "Customer research", "Ask", back, [_input("Customer", written), _input("What", words)])


def outcome(back: Back) -> dict[str, Any]:
    """What was done about an operator, and a few words."""
    kinds = select(_KIND, "What was done", ((kind.replace("_", " "), kind) for kind in get_args(Intervention)))
    note = {**_text(_NOTE, _LONGEST_NOTE, "A few words"), "multiline": True}
    inputs = [_input("What was done", kinds), {**_input("Note", note), "optional": True}]
    return _modal(OUTCOME, "What was done", "Note it", back, inputs)


def _modal(name: str, title: str, submit: str, back: Back, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": name,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "private_metadata": back.kept,
        "blocks": blocks,
    }


def _text(name: str, longest: int, placeholder: str) -> dict[str, Any]:
    return {
        "type": "plain_text_input",
        "action_id": name,
        "max_length": longest,
        "placeholder": plain(placeholder, 150),
    }


def _input(label: str, element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "input", "block_id": element["action_id"], "label": plain(label), "element": element}


def _value(view: Mapping[str, Any], name: str) -> str:
    """What was filled in under a name; empty: nothing."""
    given = view.get("state", {}).get("values", {}).get(name, {}).get(name, {})
    chosen = given.get("selected_option") or {}
    return str(chosen.get("value") or given.get("value") or "").strip()


def asked_in(view: Mapping[str, Any]) -> str:
    """The question of a submitted `LOOKUP`, as it would be typed."""
    return f"{_value(view, _WORD)} {' '.join(_value(view, _TERM).split())}"


def done_in(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request of a submitted `OUTCOME`, without the operator."""
    return {"kind": _value(view, _KIND), "note": " ".join(_value(view, _NOTE).split())}
