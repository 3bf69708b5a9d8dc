"""An authorised client of a running sandbox, for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers import hubspot, intercom, lago, metabase, notion, snowflake_account
from customer_research_sandbox.servers.notion_answers import SOURCES

HEADERS = {
    "lago": {"Authorization": f"Bearer {lago.API_KEY}"},
    "hubspot": {"Authorization": f"Bearer {hubspot.TOKEN}"},
    "metabase": {"x-api-key": metabase.API_KEY},
    "notion": {"Authorization": f"Bearer {notion.TOKEN}", "Notion-Version": SOURCES},
    "snowflake": {"Authorization": f"Bearer {snowflake_account.TOKEN}", "Accept": "application/json"},
    "intercom": {"Authorization": f"Bearer {intercom.TOKEN}", "Intercom-Version": "2.16"},
}


class Caller:
    """Asks a running sandbox; every call is one request."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = httpx2.Client(timeout=20)

    def __call__(
        self,
        source: str,
        path: str,
        json: Any = None,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """GET without *json*, POST with it, unless *method* says otherwise."""
        verb = method or ("GET" if json is None else "POST")
        sent = {**HEADERS[source], **(headers or {})}
        return self.client.request(verb, self.sandbox.addresses[source] + path, headers=sent, json=json)
