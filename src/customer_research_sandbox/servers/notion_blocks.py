"""Markdown as Notion's blocks, and blocks as Markdown: the kinds that reports and tickets are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.notion_answers import kept_object
from customer_research_sandbox.servers.shapes import ShapeError
from customer_research_sandbox.servers.wire import made_up_id

MAX_TEXT = 2000
"""Characters in one rich text object."""

_PREFIXES = (
    ("heading_3", "### "),
    ("heading_2", "## "),
    ("heading_1", "# "),
    ("to_do", "- [ ] "),
    ("to_do", "- [x] "),
    ("bulleted_list_item", "- "),
    ("quote", "> "),
)
_NUMBERED = re.compile(r"^\d+\. ")


rich_text_shape = shapes.each(
    shapes.record({"type": shapes.text, "text": shapes.record({"content": shapes.text}), "plain_text": shapes.text})
)
"""An array of rich text objects, as clients send them."""


def block_shape(value: Any, place: str) -> None:
    """A block as clients send it: of a named type, with the object of that name, nested blocks inside."""
    shapes.mapping(value, place)
    kind = value.get("type")
    if not isinstance(kind, str) or not isinstance(value.get(kind), dict):
        raise ShapeError(f"{place}.type", "the name of a block type whose object is there", kind)
    fields = {"rich_text": rich_text_shape, "checked": shapes.flag, "children": shapes.each(block_shape)}
    shapes.record(fields)(value[kind], f"{place}.{kind}")


def rich_text(content: str) -> list[Row]:
    """Plain text as rich text objects of at most 2,000 characters each."""
    pieces = [content[start : start + MAX_TEXT] for start in range(0, len(content), MAX_TEXT)]
    plain = {
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "code": False,
        "color": "default",
    }
    return [
        {
            "type": "text",
            "text": {"content": piece, "link": None},
            "annotations": plain,
            "plain_text": piece,
            "href": None,
        }
        for piece in pieces
    ]


def text_of(parts: Any) -> str:
    """The plain text of rich text objects."""
    return "".join(str(part.get("plain_text") or (part.get("text") or {}).get("content") or "") for part in parts or ())


def blocks_of(markdown: str, page_id: str, created: str, edited: str) -> list[Row]:
    """The top-level blocks of a page; their ids depend on the page and the place.

    Args:
        markdown: the page's content.
        page_id: the page that the blocks belong to.
        created: when the page was made.
        edited: when it was changed last.
    """
    shared = {"parent": {"type": "page_id", "page_id": page_id}, "has_children": False, "in_trash": False}
    return [
        {**kept_object("block", made_up_id("block", page_id, place), created, edited), **shared, **_block(kind, body)}
        for place, (kind, body) in enumerate(_chunks(markdown))
    ]


def _chunks(markdown: str) -> list[tuple[str, str]]:
    """Kinds and texts: code fences as one, lists and headings by line, other lines by paragraph."""
    chunks: list[tuple[str, str]] = []
    paragraph: list[str] = []
    fence: list[str] | None = None
    for line in [*markdown.split("\n"), ""]:
        if line.startswith("```"):
            if fence is not None:
                chunks.append(("code", "\n".join(fence)))
            fence = [] if fence is None else None
            continue
        if fence is not None:
            fence.append(line)
            continue
        kind = _kind(line)
        if (kind is not None or not line.strip()) and paragraph:
            chunks.append(("paragraph", "\n".join(paragraph)))
            paragraph = []
        if kind is not None:
            chunks.append((kind, line))
        elif line.strip():
            paragraph.append(line)
    return chunks


def _kind(line: str) -> str | None:
    if line.strip() == "---":
        return "divider"
    if _NUMBERED.match(line):
        return "numbered_list_item"
    return next((kind for kind, prefix in _PREFIXES if line.startswith(prefix)), None)


def _block(kind: str, text: str) -> Row:
    if kind == "divider":
        return {"type": kind, kind: {}}
    body: Row = {"rich_text": rich_text(_without_prefix(kind, text)), "color": "default"}
    if kind == "to_do":
        body["checked"] = text.startswith("- [x] ")
    if kind == "code":
        body["language"] = "plain text"
    return {"type": kind, kind: body}


def _without_prefix(kind: str, text: str) -> str:
    if kind in {"paragraph", "code"}:
        return text
    if kind == "numbered_list_item":
        return _NUMBERED.sub("", text)
    return next(text.removeprefix(prefix) for known, prefix in _PREFIXES if known == kind and text.startswith(prefix))


def markdown_of(blocks: Sequence[Row]) -> str:
    """The Markdown of blocks, nested ones after their parent."""
    lines: list[str] = []
    for block in blocks:
        kind = str(block["type"])
        body = block.get(kind) or {}
        lines.append(_line(kind, body))
        if body.get("children"):
            lines.append(markdown_of(body["children"]))
    return "\n\n".join(lines)


def _line(kind: str, body: Row) -> str:
    text = text_of(body.get("rich_text"))
    if kind == "divider":
        return "---"
    if kind == "code":
        return f"```\n{text}\n```"
    if kind == "numbered_list_item":
        return f"1. {text}"
    if kind == "to_do":
        return f"- [{'x' if body.get('checked') else ' '}] {text}"
    return dict(_PREFIXES).get(kind, "") + text
