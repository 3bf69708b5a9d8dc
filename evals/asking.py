"""Asking the MCP server as a client does, in memory: no network but the vendors', no model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.client.client import Client
from mcp.types import TextContent

from customer_research.research.usecases import Actor, Runner
from customer_research.settings import Settings
from customer_research.surfaces.mcp.server import server
from evals.judging import Outcome, judged
from evals.questions import Question

ACTOR = Actor("evals", "stdio")


@asynccontextmanager
async def connected(settings: Settings, config: Path | None = None) -> AsyncIterator[Client]:
    """A client of a server of one's own."""
    async with Runner(settings, config=config) as runner, Client(server(runner, lambda: ACTOR)) as client:
        yield client


async def called(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """What a tool told, as its text says it, and whether the call was an error.

    Raises:
        ValueError: its text and its object do not say the same.
    """
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    text = content.text if isinstance(content, TextContent) else ""
    answer: dict[str, Any] = json.loads(text)
    if answer != result.structured_content:
        raise ValueError(f"{tool}: the text and the object of its answer differ.")
    return answer, bool(result.is_error)


async def asked(client: Client, chosen: Iterable[Question]) -> Sequence[Outcome]:
    """Ask each question by its one call."""
    outcomes = []
    for question in chosen:
        answer, failed = await called(client, question.tool, dict(question.arguments))
        outcomes.append(judged(question, answer, failed=failed))
    return outcomes
