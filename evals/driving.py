"""A model that answers the questions with the server's tools, within bounds; what it then says is held against the sources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp.client.client import Client

from customer_research.documents.small_answer import compact
from customer_research.drafts.claims import claims_of
from customer_research.drafts.verdicts import says
from customer_research.surfaces.mcp.server import INSTRUCTIONS
from evals.asking import called
from evals.questions import Question
from evals.vendors import Model, ModelError, Told

MOST_OPERATORS, MOST_DRAFT = 10, 20_000
"""What `draft_verify` takes."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a model may take for a question: turns, tokens read and written, seconds."""

    turns: int = 6
    tokens: int = 60_000
    seconds: float = 120.0


@dataclass
class Talk:
    """What a model did with a question.

    Args:
        question: which.
        text: its last words.
        tools: the tools that it called, in order.
        operators: whom their answers were about.
        read: characters of their answers.
        tokens: what its turns cost.
        faults: why it does not pass.
    """

    question: Question
    text: str = ""
    tools: list[str] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)
    read: int = 0
    tokens: int = 0
    faults: list[str] = field(default_factory=list)


async def driven(
    question: Question, client: Client, make: Callable[..., Model], bounds: Bounds, http: httpx2.AsyncClient
) -> Talk:
    """Have a model answer a question, and judge what it says.

    Args:
        question: which.
        client: of the server.
        make: a model's conversation, made with what it is told first and its tools.
        bounds: what it may take.
        http: over which its vendor is asked.
    """
    talk = Talk(question)
    tools = (await client.list_tools()).tools
    try:
        async with asyncio.timeout(bounds.seconds):
            await _converse(talk, client, make(system=INSTRUCTIONS, tools=tools), bounds, http)
    except TimeoutError:
        talk.faults.append(f"not done within {bounds.seconds:.0f} s")
    except ModelError as error:
        talk.faults.append(str(error))
    if not talk.faults:
        talk.faults.extend(_expected(question, talk.text))
        talk.faults.extend(await _checked(talk, client))
    return talk


async def _converse(talk: Talk, client: Client, model: Model, bounds: Bounds, http: httpx2.AsyncClient) -> None:
    turn = await model.ask(talk.question.asks, http)
    for _ in range(bounds.turns):
        talk.tokens += turn.tokens
        if not turn.calls:
            talk.text = turn.text
            return
        if talk.tokens > bounds.tokens:
            talk.faults.append(f"more than {bounds.tokens:,} tokens")
            return
        results = []
        for call in turn.calls:
            talk.tools.append(call.tool)
            answer, failed = await _tool(client, call.tool, call.arguments)
            _note(talk, answer)
            results.append(Told(call, compact(answer), failed))
            talk.read += len(results[-1].text)
        turn = await model.tell(results, http)
    talk.faults.append(f"no answer within {bounds.turns} turns")


async def _tool(client: Client, tool: str, arguments: Any) -> tuple[dict[str, Any], bool]:
    """What a tool told; a call that no server would take is told to the model, who may mend it."""
    known = {one.name for one in (await client.list_tools()).tools}
    if tool not in known or arguments is None:
        return {"error": f"There is no such tool, or its arguments are no object: {tool[:40]}."}, True
    return await called(client, tool, dict(arguments))


def _note(talk: Talk, answer: dict[str, Any]) -> None:
    operator = answer.get("operator", {}).get("id")
    if operator and operator not in talk.operators:
        talk.operators.append(operator)


def _expected(question: Question, text: str) -> Iterator[str]:
    """What must and must not stand in a model's own words; figures may be written in another way."""
    said = claims_of(text)
    for words in question.model or _figures(question.says[0] if question.says else ()):
        wanted = claims_of(words)
        there = all(any(says(claim, one) for claim in said) for one in wanted) if wanted else words in text
        if not there:
            yield f"the model does not say: {words}"
    for word in question.never:
        if word.casefold() in text.casefold():
            yield f"the model says: {word}"


def _figures(words: tuple[str, ...]) -> tuple[str, ...]:
    """Of what must stand in the answer: that which has a figure, or all of it where nothing has."""
    return tuple(one for one in words if claims_of(one)) or words


async def _checked(talk: Talk, client: Client) -> list[str]:
    """The numbers of a model's words that the sources do not support, as `draft_verify` says."""
    if not talk.operators or not claims_of(talk.text):
        return []
    arguments = {"draft": talk.text[:MOST_DRAFT], "operators": talk.operators[:MOST_OPERATORS]}
    answer, failed = await called(client, "draft_verify", arguments)
    if failed:
        return [f"draft_verify: {answer['error']}"]
    rows = [row for one in answer["statements"] if one["part"] == "numbers" for row in one["rows"]]
    return [f"{row[0]} is {row[1]}: {row[2]}" for row in rows if row[1] != "supported"]
