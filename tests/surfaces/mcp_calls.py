"""Calling the MCP server in memory, as an agent's client does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from mcp.client.client import Client
from mcp.types import CallToolResult, TextContent

from customer_research.documents.small_answer import LIMIT, compact
from customer_research.research.usecases import Actor, Runner, finished
from customer_research.settings import Settings
from customer_research.surfaces.mcp.server import server

T = TypeVar("T")

ERAS = ("auto", "legacy")
"""The protocol without a handshake, and that of older clients."""

KEY = b"k" * 32


ADA = Actor("ada", "stdio")


def talk(
    settings: Settings, work: Callable[[Client], Awaitable[T]], *, era: str = "auto", actor: Actor = ADA, **how: Any
) -> T:
    """A piece of work with a client of a server of one's own; `how`: what else the runner takes."""

    async def session() -> T:
        async with Runner(settings, **how) as runner:
            made = server(runner, lambda: actor, key=KEY)
            async with Client(made, mode=era) as client:
                return await work(client)

    return finished(session())


def told(result: CallToolResult) -> dict[str, Any]:
    """An answer; its text and its object say the same, in few characters."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    answer: dict[str, Any] = json.loads(content.text)
    assert answer == result.structured_content
    assert content.text == compact(answer)
    assert len(content.text) <= LIMIT
    return answer


def call(
    settings: Settings, tool: str, *, era: str = "auto", failed: bool = False, actor: Actor = ADA, **given: Any
) -> dict[str, Any]:
    """What one tool answers."""
    result = talk(settings, lambda client: client.call_tool(tool, given), era=era, actor=actor)
    assert result.is_error is failed, result
    return told(result)


def rows(answer: dict[str, Any], part: str) -> list[list[Any]]:
    """All rows of a part."""
    return [row for one in answer["statements"] if one["part"] == part for row in one.get("rows", ())]


def cited(answer: dict[str, Any]) -> set[int]:
    """The numbers that its statements cite."""
    found = {number for one in answer["statements"] for number in one.get("cites", ())}
    for one in answer["statements"]:
        if one.get("columns", [""])[-1] == "cites":
            found |= {number for row in one["rows"] for number in row[-1]}
    return found
