"""What Slack takes of blocks, metadata and views: known types, required fields, and the lengths that its documentation names.

Limits: https://docs.slack.dev/reference/block-kit/blocks. How long all blocks of a message may be together is documented nowhere: the
API refuses more than about 13,200 characters with `msg_blocks_too_long` (github.com/slackapi/bolt-js/issues/2509), counted here over
the blocks as compact JSON, which is the strictest reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.shapes import Shape, ShapeError

MOST_BLOCKS, MOST_VIEW_BLOCKS = 50, 100
MOST_CHARACTERS = 13_200
MOST_TEXT = 4_000
"""Characters of a message's `text`: the documentation says 40,000, the API refuses far shorter ones with `msg_too_long`."""

MOST_METADATA = 3_000
"""Characters of a view's private metadata."""

Block = dict[str, Any]


class BlockError(ValueError):
    """What is not taken: the error's code, and a sentence for `response_metadata.messages`."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code
        self.said = said


def check_message(text: str, blocks: Any, metadata: Any) -> None:
    """Refuse a message that Slack refuses.

    Raises:
        BlockError: with the API's own code.
    """
    if not text and not blocks:
        raise BlockError("no_text", "a message has text or blocks")
    if len(text) > MOST_TEXT:
        raise BlockError("msg_too_long", f"{len(text)} characters of text")
    _check_blocks(blocks or [], MOST_BLOCKS, in_message=True)
    weight = len(json.dumps(blocks or [], ensure_ascii=False, separators=(",", ":")))
    if weight > MOST_CHARACTERS:
        raise BlockError("msg_blocks_too_long", f"{weight} characters of blocks")
    if metadata is not None:
        _shaped(_METADATA, metadata, "invalid_metadata_format")


def check_view(view: Any) -> None:
    """Refuse a modal or a home tab that Slack refuses.

    Raises:
        BlockError: with the API's own code.
    """
    _shaped(_VIEW, view, "invalid_arguments")
    if view["type"] not in {"modal", "home"}:
        raise BlockError("invalid_arguments", f"no view of type {view['type']}")
    if view["type"] == "modal":
        _shaped(_plain(24), view.get("title"), "invalid_arguments")
        for name in ("submit", "close"):
            if view.get(name) is not None:
                _shaped(_plain(24), view[name], "invalid_arguments")
    if len(view.get("private_metadata") or "") > MOST_METADATA:
        raise BlockError("invalid_arguments", "private_metadata is too long")
    inputs = any(block.get("type") == "input" for block in view["blocks"])
    if view["type"] == "modal" and inputs and not view.get("submit"):
        raise BlockError("invalid_arguments", "a modal with inputs has a submit button")
    _check_blocks(view["blocks"], MOST_VIEW_BLOCKS, in_message=False)


def _check_blocks(blocks: Any, most: int, *, in_message: bool) -> None:
    if not isinstance(blocks, list) or len(blocks) > most:
        raise BlockError("invalid_blocks", f"a list of at most {most} blocks")
    ids: set[str] = set()
    for place, block in enumerate(blocks):
        where = f"/blocks/{place}"
        shape = _BLOCKS.get(block.get("type")) if isinstance(block, dict) else None
        if shape is None or (in_message and block["type"] == "input"):
            raise BlockError("invalid_blocks", f"unsupported type [json-pointer:{where}/type]")
        _shaped(shape, block, "invalid_blocks", where)
        named = block.get("block_id")
        if named in ids:
            raise BlockError("invalid_blocks", f"`block_id` already exists [json-pointer:{where}/block_id]")
        if named:
            ids.add(named)
        actions = [one["action_id"] for one in _parts(block) if "action_id" in one]
        if len(actions) != len(set(actions)):
            raise BlockError("invalid_blocks", f"`action_id` already exists [json-pointer:{where}/elements]")


def _parts(block: Block) -> Iterator[Block]:
    yield from (one for one in block.get("elements", ()) if isinstance(one, dict))
    yield from (block[name] for name in ("accessory", "element") if isinstance(block.get(name), dict))


def texts(value: Any, *, marked: bool = False) -> Iterator[str]:
    """Every text that people see in blocks, in a view, or in a part of them; `marked`: those whose markup Slack reads."""
    if isinstance(value, Mapping):
        if marked and value.get("type") == "plain_text":
            return
        for name, inner in value.items():
            if name == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from texts(inner, marked=marked)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, marked=marked)


def _shaped(shape: Shape, value: Any, code: str, where: str = "") -> None:
    try:
        shape(value, where)
    except ShapeError as error:
        raise BlockError(code, str(error)) from None


# -- shapes ------------------------------------------------------------------------------------------------------------


def _short(longest: int) -> Shape:
    def check(value: Any, place: str) -> None:
        shapes.text(value, place)
        if not 0 < len(value) <= longest:
            raise ShapeError(place, f"1 to {longest} characters", f"{len(value)} characters")

    return check


def _list(shape: Shape, most: int, least: int = 1) -> Shape:
    def check(value: Any, place: str) -> None:
        shapes.each(shape)(value, place)
        if not least <= len(value) <= most:
            raise ShapeError(place, f"{least} to {most} entries", f"{len(value)} entries")

    return check


def _one_of(*words: str) -> Shape:
    def check(value: Any, place: str) -> None:
        if value not in words:
            raise ShapeError(place, " or ".join(words), value)

    return check


def _plain(longest: int) -> Shape:
    return shapes.record({"type": _one_of("plain_text"), "text": _short(longest), "emoji": shapes.flag}, "type", "text")


def _rich(longest: int) -> Shape:
    fields = {"type": _one_of("plain_text", "mrkdwn"), "text": _short(longest), "verbatim": shapes.flag}
    return shapes.record(fields, "type", "text")


def _by_type(kinds: Mapping[str, Shape]) -> Shape:
    def check(value: Any, place: str) -> None:
        shapes.mapping(value, place)
        shape = kinds.get(value.get("type"))
        if shape is None:
            raise ShapeError(f"{place}/type", " or ".join(kinds), value.get("type"))
        shape(value, place)

    return check


_IDS: dict[str, Shape] = {"block_id": _short(255), "action_id": _short(255)}
_CONFIRM = shapes.record(
    {"title": _plain(100), "text": _rich(300), "confirm": _plain(30), "deny": _plain(30)}, "title", "text", "confirm"
)
_OPTION = shapes.record({"text": _rich(75), "value": _short(150), "description": _plain(75)}, "text", "value")
_BUTTON = shapes.record(
    {
        **_IDS,
        "text": _plain(75),
        "value": _short(2000),
        "url": _short(3000),
        "style": _one_of("primary", "danger"),
        "confirm": _CONFIRM,
    },
    "text",
    "action_id",
)
_SELECT = shapes.record(
    {
        **_IDS,
        "options": _list(_OPTION, 100),
        "placeholder": _plain(150),
        "initial_option": _OPTION,
        "confirm": _CONFIRM,
    },
    "options",
    "action_id",
)
_OVERFLOW = shapes.record({**_IDS, "options": _list(_OPTION, 5), "confirm": _CONFIRM}, "options", "action_id")
_USERS = shapes.record({**_IDS, "placeholder": _plain(150), "initial_user": shapes.text}, "action_id")
_DAY = shapes.record({**_IDS, "placeholder": _plain(150), "initial_date": shapes.text}, "action_id")
_CHOICES = shapes.record(
    {**_IDS, "options": _list(_OPTION, 10), "initial_options": shapes.array}, "options", "action_id"
)
_WRITTEN = shapes.record(
    {
        **_IDS,
        "placeholder": _plain(150),
        "initial_value": shapes.text,
        "max_length": shapes.whole,
        "multiline": shapes.flag,
    },
    "action_id",
)
_IMAGE = {"image_url": _short(3000), "alt_text": _short(2000), "title": _plain(2000)}

_PRESSED: dict[str, Shape] = {
    "button": _BUTTON,
    "static_select": _SELECT,
    "overflow": _OVERFLOW,
    "users_select": _USERS,
    "datepicker": _DAY,
    "checkboxes": _CHOICES,
    "radio_buttons": _CHOICES,
}
_ELEMENT: Callable[[Any, str], None] = _by_type(_PRESSED)
_CELL = _by_type(
    {
        "raw_text": shapes.record({"text": shapes.text}, "text"),
        "rich_text": shapes.record({"elements": shapes.array}, "elements"),
    }
)

_BLOCKS: Mapping[Any, Shape] = {
    "header": shapes.record({**_IDS, "text": _plain(150)}, "text"),
    "divider": shapes.record({**_IDS}),
    "section": shapes.either(
        shapes.record({**_IDS, "text": _rich(3000), "fields": _list(_rich(2000), 10), "accessory": _ELEMENT}, "text"),
        shapes.record({**_IDS, "fields": _list(_rich(2000), 10), "accessory": _ELEMENT}, "fields"),
    ),
    "context": shapes.record(
        {
            **_IDS,
            "elements": _list(shapes.either(_rich(3000), shapes.record(dict(_IMAGE), "image_url", "alt_text")), 10),
        },
        "elements",
    ),
    "actions": shapes.record({**_IDS, "elements": _list(_ELEMENT, 25)}, "elements"),
    "image": shapes.record({**_IDS, **_IMAGE}, "image_url", "alt_text"),
    "rich_text": shapes.record({**_IDS, "elements": shapes.array}, "elements"),
    "table": shapes.record({**_IDS, "rows": _list(_list(_CELL, 20), 100)}, "rows"),
    "input": shapes.record(
        {
            **_IDS,
            "label": _plain(2000),
            "hint": _plain(2000),
            "element": _by_type({**_PRESSED, "plain_text_input": _WRITTEN}),
            "optional": shapes.flag,
        },
        "label",
        "element",
    ),
}
_METADATA = shapes.record({"event_type": _short(255), "event_payload": shapes.mapping}, "event_type", "event_payload")
_VIEW = shapes.record(
    {"type": shapes.text, "blocks": shapes.array, "private_metadata": shapes.text, "callback_id": _short(255)},
    "type",
    "blocks",
)
