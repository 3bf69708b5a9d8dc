"""Answers of the sandbox's Intercom that a test changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from customer_research_sandbox.servers.intercom import IntercomServer
from customer_research_sandbox.servers.wire import answer


def answering(monkeypatch: pytest.MonkeyPatch, handler: str, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the answers that one handler of the Intercoms that begin hereafter gives."""
    kept = getattr(IntercomServer, handler)

    def answered(server: IntercomServer, request: Request) -> Response:
        response = kept(server, request)
        found = change(json.loads(response.body))
        return found if isinstance(found, Response) else answer(found, response.status_code)

    monkeypatch.setattr(IntercomServer, handler, answered)


def refused(status: int, code: str) -> Callable[[Any], Response]:
    """A refusal instead of whatever is answered."""
    return lambda _: answer({"type": "error.list", "errors": [{"code": code, "message": "no"}]}, status)
