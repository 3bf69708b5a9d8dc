"""The sandbox's Intercom as tests have it: served, its workspace put back after each, settings, and answers that a test changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from worlds import Worlds

from customer_research.settings import Settings, load_settings
from customer_research.sources.intercom.settings import IntercomSettings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.intercom import IntercomServer
from customer_research_sandbox.servers.wire import answer


def sandbox_of(worlds: Worlds) -> AbstractContextManager[Sandbox]:
    """A sandbox of one's own whose settings name Intercom, too."""
    return worlds.running(also=("intercom",))


@contextmanager
def put_back(sandbox: Sandbox) -> Iterator[Any]:
    """The workspace's records, put back as they were after the test."""
    told: Any = sandbox.dataset.intercom
    names = ("companies", "contacts", "conversations", "tickets", "deleted")
    kept = {name: list(getattr(told, name)) for name in names}
    yield told
    for name, rows in kept.items():
        setattr(told, name, rows)
    told.cursor_pages, told.by_day = False, True


def settings_of(sandbox: Sandbox, **changes: Any) -> Settings:
    """The sandbox's settings, with what a test changes of Intercom's."""
    loaded = load_settings(sandbox.config_path)
    return loaded.model_copy(update={"intercom": loaded.of(IntercomSettings).model_copy(update=changes)})


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
