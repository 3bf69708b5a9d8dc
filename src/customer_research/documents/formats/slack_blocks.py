"""Slack's blocks, of which every message, view and control is built here: texts escaped and cut, sections, what can be pressed.

Limits: https://docs.slack.dev/reference/block-kit (3,000 characters a section, 150 a header, 75 a button).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from customer_research.domain.words import counted, shortened

Block = dict[str, Any]
Blocks = list[Block]

ASK = "ask"
"""A button whose value is asked as if it had been typed; followed by a colon and what tells it from its neighbours."""

_SECTION, _HEADER, _LABEL = 2_900, 150, 75
_LOOKALIKES = {
    "*": "\N{ASTERISK OPERATOR}",
    "_": "\N{MODIFIER LETTER LOW MACRON}",
    "~": "\N{TILDE OPERATOR}",
    "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
}
_FORMATTING = re.compile(r"(?<!\w)[*_~`](?=\S)|(?<=\S)[*_~`](?!\w)|`")


# -- texts -------------------------------------------------------------------------------------------------------------


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mention, link or markup comes of it (a mark that would format gives way to its like)."""
    plain = _FORMATTING.sub(lambda found: _LOOKALIKES[found[0]], text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, longest: int = _SECTION) -> str:
    """As much of an escaped text as has room; a cut never leaves half of an escape."""
    if len(text) <= longest:
        return text
    return re.sub(r"&[a-z]{0,3}$", "", text[: longest - 2]) + "…"


def within(lines: Sequence[str], longest: int, more: str, *, joint: int = 1) -> list[str]:
    """As many lines as have room in so many characters, and how many are left.

    Args:
        lines: the lines.
        longest: how many characters there is room for.
        more: says how many lines are left, which stands in place of its {}.
        joint: how many characters a line's end counts.
    """
    used = 0
    for at, line in enumerate(lines):
        used += len(line) + joint
        if used > longest:
            return [*lines[:at], more.format(counted(len(lines) - at, "more line"))]
    return list(lines)


def texts(value: Any) -> Iterator[str]:
    """Every text of blocks that people see."""
    if isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from (inner,) if name == "text" and isinstance(inner, str) else texts(inner)


# -- blocks ------------------------------------------------------------------------------------------------------------


def plain(text: str, longest: int = _LABEL) -> Block:
    """A text that has no markup, as long as its place allows."""
    return {"type": "plain_text", "text": shortened(text, longest) or "-", "emoji": False}


def header(text: str) -> Block:
    """A title, as much of it as a header holds once it is escaped."""
    longest = _HEADER
    while len(title := escape(shortened(text, longest))) > _HEADER:
        longest -= 1
    return {"type": "header", "text": plain(title, _HEADER)}


def section(text: str) -> Block:
    """A paragraph, already escaped."""
    return {"type": "section", "text": _marked(text)}


def sections(lines: Iterable[str]) -> Blocks:
    """Lines, already escaped, as paragraphs, each within Slack's length."""
    blocks: Blocks = []
    current = ""
    for line in map(cut, lines):
        if current and len(current) + len(line) + 1 > _SECTION:
            blocks.append(section(current))
            current = ""
        current = f"{current}\n{line}" if current else line
    return [*blocks, section(current)] if current else blocks


def context(text: str, block_id: str = "") -> Block:
    """A small line of any text; `block_id` finds it again."""
    return _named({"type": "context", "elements": [_marked(escape(text))]}, block_id)


def actions(elements: Blocks, block_id: str = "") -> Block:
    """What can be pressed, in a row."""
    return _named({"type": "actions", "elements": elements}, block_id)


def _marked(text: str) -> Block:
    return {"type": "mrkdwn", "text": cut(text), "verbatim": True}


def _named(block: Block, block_id: str) -> Block:
    return {**block, "block_id": block_id} if block_id else block


# -- what can be pressed -----------------------------------------------------------------------------------------------


def button(label: str, action: str, value: str = "") -> Block:
    """A button; `value` comes back when it is pressed."""
    more = {"value": value} if value else {}
    return {"type": "button", "text": plain(label), "action_id": action, **more}


def asks(choices: Iterable[tuple[str, str]]) -> Blocks:
    """Buttons that ask further: what each says, and what it asks."""
    return [button(label, f"{ASK}:{at}", text) for at, (label, text) in enumerate(choices)]


def select(action: str, placeholder: str, choices: Iterable[tuple[str, str]]) -> Block:
    """A list to choose from: what each choice says, and its value."""
    options = [{"text": plain(label), "value": value} for label, value in choices]
    return {"type": "static_select", "action_id": action, "placeholder": plain(placeholder), "options": options}
