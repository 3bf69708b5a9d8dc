"""A vendor's answer read within bounds: so many bytes after unpacking, so many values, so deep, and texts that can be shown.

Nothing a vendor sends is believed to be of a bearable size: the body is read piece by piece and given up as soon as it is
larger than `bounds` allow, before it is parsed; so is a document of too many values or levels.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from customer_research.connect.settings import BoundsSettings

if TYPE_CHECKING:
    import httpx2

MEGABYTE = 1 << 20

ERROR_BYTES = 1 << 16
"""Bytes of an error's body that are read: its message stands at the beginning."""

OFF_LOOP_BYTES = 1 << 18
"""Bodies from this size on are parsed in a thread, so that the other sources' answers are not kept waiting."""

BREATH_BYTES = 4 * MEGABYTE
"""Unpacked bytes after which the others may run: one packed piece may hold a thousand times its size."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
_HALF = re.compile("[\ud800-\udfff]")


class TooMuchError(Exception):
    """An answer beyond a bound: `what` it is more than (`larger than 32 MB`), and the `setting` that bounds it."""

    def __init__(self, what: str, setting: str) -> None:
        super().__init__(what)
        self.what = what
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names without regard to case) and body of an answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace")


async def received(response: httpx2.Response, bounds: BoundsSettings, *, wanted: bool) -> Answer:
    """The answer of an open response; of one that is not `wanted` (an error's) the body's beginning is enough.

    Raises:
        TooMuchError: the unpacked body is larger than the bounds allow.
    """
    most = int(bounds.body_mb * MEGABYTE) if wanted else ERROR_BYTES
    body, breath = bytearray(), BREATH_BYTES
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most:
            if wanted:
                raise TooMuchError(f"larger than {bounds.body_mb:g} MB", "bounds.body_mb")
            break
        if len(body) >= breath:
            breath += BREATH_BYTES
            await asyncio.sleep(0)
    return Answer(response.status_code, response.headers, bytes(body))


async def parsed(content: bytes, bounds: BoundsSettings) -> Any:
    """The JSON of a body, as `document`; a large one is parsed beside the event loop."""
    if len(content) < OFF_LOOP_BYTES:
        return document(content, bounds)
    return await asyncio.to_thread(document, content, bounds)


def document(content: bytes, bounds: BoundsSettings) -> Any:
    """The JSON of a body (None: it is empty); halves of characters in its texts become U+FFFD.

    Raises:
        TooMuchError: it has more values or levels than the bounds allow.
        ValueError: it is not JSON.
    """
    if not content:
        return None
    opened = content.count(b"[") + content.count(b"{")
    if opened + content.count(b",") > bounds.values:
        raise TooMuchError(f"of more than {bounds.values:,} values", "bounds.values")
    try:
        found = _loaded(content)
    except RecursionError:
        raise _deep(bounds) from None
    if _is_deeper(found, bounds.depth, opened):
        raise _deep(bounds)
    return whole_texts(found) if _has_halves(content) else found


def _loaded(content: bytes) -> Any:
    """The JSON of a body; the quick reader refuses some that the standard one takes (halves of characters, other encodings)."""
    try:
        return from_json(content, cache_strings="keys")
    except ValueError:
        return json.loads(content)


def _has_halves(content: bytes) -> bool:
    """Whether a body may hold a half of a character; most have no byte that one begins with, which is told at once."""
    return (b"\\u" in content or b"\xed" in content) and _ESCAPED_HALF.search(content) is not None


def _deep(bounds: BoundsSettings) -> TooMuchError:
    return TooMuchError(f"nested more than {bounds.depth} levels deep", "bounds.depth")


def _is_deeper(found: Any, levels: int, opened: int) -> bool:
    """Whether lists and objects lie in each other more often than *levels* times; level by level, without recursion.

    *opened* is how many brackets the body opens, those in its texts included: when as many were seen, none lies deeper.
    """
    level = [found] if isinstance(found, (list, dict)) else []
    for _ in range(levels):
        opened -= len(level)
        if not level or not opened:
            return False
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, (list, dict))]
    return bool(level)


def _inside(outer: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def whole_texts(found: Any) -> Any:
    """A parsed document with U+FFFD for each half of a character (a lone surrogate: an emoji that somebody cut)."""
    if isinstance(found, str):
        return _HALF.sub(REPLACEMENT, found)
    if isinstance(found, list):
        return [whole_texts(one) for one in found]
    if isinstance(found, dict):
        return dict(_whole_pairs(found))
    return found


def _whole_pairs(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        yield _HALF.sub(REPLACEMENT, name), whole_texts(value)


def json_message(body: Any) -> str:
    """A vendor's own words in an error body: `message`, else `error` (text, or an object with a message), else text."""
    if isinstance(body, str):
        return body
    if not isinstance(body, Mapping):
        return ""
    for key in ("message", "error", "error_description", "errors"):
        value = body.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, Mapping) and value:
            return json_message(value) or ", ".join(map(str, value))
    return ""
