"""Edits of a page's Markdown: replace it, replace parts of it, insert at a place or behind a selection."""

from __future__ import annotations

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.notion_filters import FilterError


def edited(text: str, edit: str, given: Row) -> str:
    """The text after one edit of Notion's Markdown endpoint.

    Raises:
        FilterError: the text to replace or the selection is not in it.
    """
    if edit == "replace_content":
        return str(given.get("new_str", ""))
    if edit == "update_content":
        for update in given.get("content_updates") or []:
            old, new = str(update.get("old_str", "")), str(update.get("new_str", ""))
            if not old or old not in text:
                raise FilterError(f"Could not find the text to replace: {old[:80]!r}")
            text = text.replace(old, new) if update.get("replace_all_matches") else text.replace(old, new, 1)
        return text
    content = str(given.get("content", ""))
    if edit == "insert_content":
        return _inserted(text, content, given)
    start, end = _selection(text, str(given.get("content_range", "")))
    return text[:start] + content + text[end:]


def _inserted(text: str, content: str, given: Row) -> str:
    if given.get("after"):
        _, end = _selection(text, str(given["after"]))
        return f"{text[:end]}\n\n{content}{text[end:]}"
    at_start = (given.get("position") or {}).get("type") == "start"
    parts = (content, text) if at_start else (text, content)
    return "\n\n".join(part.strip("\n") for part in parts if part.strip("\n"))


def _selection(text: str, selection: str) -> tuple[int, int]:
    """Where `start text...end text` lies."""
    first, _, last = selection.partition("...")
    start = text.find(first) if first else -1
    end = text.find(last, start + len(first)) if start >= 0 else -1
    if start < 0 or end < 0:
        raise FilterError(f"Could not find the selection: {selection[:80]!r}")
    return start, end + len(last)
