"""Two vendors' models over their documented HTTP: Anthropic's messages and OpenAI's chat completions. No SDK is needed.

A key comes from the environment and goes into one header; no error and no log has it. Nothing here was tried with a real key.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx2
from mcp import types as mcp_types


class ModelError(Exception):
    """The vendor could not be asked, or did not answer as its documents say. Its text never has the key."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that a model asks for."""

    id: str
    tool: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a model said: words, calls that it asks for, and the tokens that this turn cost (read and written)."""

    text: str
    calls: tuple[Wanted, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a call."""

    call: Wanted
    text: str
    failed: bool


@dataclass
class Model(ABC):
    """A conversation with a model.

    Args:
        name: as the vendor calls it.
        system: what it is told first.
        tools: which tools it may ask for.
        url: where its vendor listens; empty: the vendor's own address.
        most: the most tokens that it may write in a turn.
    """

    name: str
    system: str
    tools: Sequence[mcp_types.Tool]
    url: str = ""
    most: int = 2_000
    messages: list[dict[str, Any]] = field(default_factory=list)

    key_name: ClassVar[str]
    address: ClassVar[str]
    path: ClassVar[str]

    async def ask(self, text: str, http: httpx2.AsyncClient) -> Turn:
        """Ask a question.

        Raises:
            ModelError: there is no answer.
        """
        self.messages.append({"role": "user", "content": text})
        return await self._turn(http)

    async def tell(self, results: Sequence[Told], http: httpx2.AsyncClient) -> Turn:
        """Tell what came of its calls.

        Raises:
            ModelError: there is no answer.
        """
        self.messages.extend(self._results(results))
        return await self._turn(http)

    async def _turn(self, http: httpx2.AsyncClient) -> Turn:
        key = os.environ.get(self.key_name, "")
        if not key:
            raise ModelError(f"{self.key_name} is not set.")
        url = f"{(self.url or self.address).rstrip('/')}{self.path}"
        try:
            response = await http.post(url, json=self._body(), headers=self._headers(key))
        except httpx2.HTTPError as error:
            raise ModelError(f"The model cannot be reached ({type(error).__name__}).") from None
        if response.status_code != httpx2.codes.OK:
            raise ModelError(f"The model's vendor answered {response.status_code}.")
        try:
            return self._read(response.json())
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ModelError(f"The vendor's answer is not as documented ({type(error).__name__}).") from None

    @abstractmethod
    def _headers(self, key: str) -> dict[str, str]: ...

    @abstractmethod
    def _body(self) -> dict[str, Any]: ...

    @abstractmethod
    def _read(self, told: Mapping[str, Any]) -> Turn:
        """What an answer says; the model's own words are kept for the next turn."""

    @abstractmethod
    def _results(self, results: Sequence[Told]) -> list[dict[str, Any]]: ...


class Anthropic(Model):
    """Messages API, version 2023-06-01."""

    key_name, address, path = "ANTHROPIC_API_KEY", "https://api.anthropic.com", "/v1/messages"

    def _headers(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def _body(self) -> dict[str, Any]:
        tools = [{"name": t.name, "description": t.description, "input_schema": t.input_schema} for t in self.tools]
        return {
            "model": self.name,
            "max_tokens": self.most,
            "system": self.system,
            "tools": tools,
            "messages": self.messages,
        }

    def _read(self, told: Mapping[str, Any]) -> Turn:
        content = told["content"]
        self.messages.append({"role": "assistant", "content": content})
        text = "".join(one["text"] for one in content if one["type"] == "text")
        calls = tuple(Wanted(one["id"], one["name"], one["input"]) for one in content if one["type"] == "tool_use")
        return Turn(text, calls, told["usage"]["input_tokens"] + told["usage"]["output_tokens"])

    def _results(self, results: Sequence[Told]) -> list[dict[str, Any]]:
        blocks = [
            {"type": "tool_result", "tool_use_id": one.call.id, "content": one.text, "is_error": one.failed}
            for one in results
        ]
        return [{"role": "user", "content": blocks}]


class OpenAI(Model):
    """Chat completions API."""

    key_name, address, path = "OPENAI_API_KEY", "https://api.openai.com", "/v1/chat/completions"

    def _headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def _body(self) -> dict[str, Any]:
        tools = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": t.input_schema},
            }
            for t in self.tools
        ]
        return {
            "model": self.name,
            "max_completion_tokens": self.most,
            "tools": tools,
            "messages": [{"role": "system", "content": self.system}, *self.messages],
        }

    def _read(self, told: Mapping[str, Any]) -> Turn:
        message = told["choices"][0]["message"]
        self.messages.append(dict(message))
        calls = tuple(
            Wanted(one["id"], one["function"]["name"], _arguments(one["function"]["arguments"]))
            for one in message.get("tool_calls") or ()
        )
        return Turn(message.get("content") or "", calls, told["usage"]["total_tokens"])

    def _results(self, results: Sequence[Told]) -> list[dict[str, Any]]:
        return [{"role": "tool", "tool_call_id": one.call.id, "content": one.text} for one in results]


def _arguments(written: str) -> Mapping[str, Any] | None:
    """A call's arguments, which the model wrote as JSON; None where it is none."""
    try:
        found = json.loads(written)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


VENDORS: Mapping[str, type[Model]] = {"anthropic": Anthropic, "openai": OpenAI}
"""By the name before the colon of `--model`."""
