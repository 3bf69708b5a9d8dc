"""Writing reports into Notion: pages of one data source, found again by a key, their content as Markdown.

It writes only when a person asks for an export, or for messages to be delivered there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from customer_research.connect.http import Doubles, Http, segment
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.errors import ConfigError
from customer_research.sources.notion.normalise import SOURCE_NAME
from customer_research.sources.notion.session import VENDOR, VERSIONS
from customer_research.sources.notion.settings import NotionSettings

Body = Mapping[str, Any]

KEY = "Export key"
"""The property by which a page is found again: operator id and kind of report."""

PROPERTIES: Mapping[str, str] = {
    "Operator ID": "rich_text",
    "Report": "rich_text",
    "Score": "number",
    "Band": "select",
    "As of": "date",
    KEY: "rich_text",
}
"""Properties that the data source needs, with their types, beside its title."""

_FOUND = 10


class NotionPages:
    """The pages of the data source that the settings name.

    Raises:
        ConfigError: no token, or no data source.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(NotionSettings).model_copy(update={"version": VERSIONS[-1]})
        for value, name in ((own.secret, "notion.token"), (own.reports_data_source, "notion.reports_data_source")):
            if not value:
                hint = "Make a database for reports, share it with the integration, and set its data source's id."
                raise ConfigError.missing(name, hint, ", which an export to Notion needs")
        self.data_source = own.reports_data_source
        patience = max(settings.deadline_seconds, 60)
        self.http = Http(VENDOR, own, settings, clock, deadline_seconds=patience, **doubles)

    async def close(self) -> None:
        """Release sockets."""
        await self.http.close()

    def log(self) -> RequestLog:
        """Where the requests of one export are noted."""
        return self.http.log(f"{SOURCE_NAME}.export")

    async def bot(self, log: RequestLog) -> str:
        """The id of the integration's own user: who has edited a page if not a person."""
        return str((await self.http.read("/users/me", log)).get("id") or "")

    async def schema(self, log: RequestLog) -> Mapping[str, str]:
        """The data source's properties: name → type.

        Raises:
            NotThere: the id is of no data source that is shared with the integration.
        """
        body = await self.http.read(f"/data_sources/{segment(self.data_source)}", log)
        properties = body.get("properties") or {}
        return {str(name): str(one.get("type")) for name, one in properties.items() if isinstance(one, Mapping)}

    async def add_properties(self, names: Sequence[str], log: RequestLog) -> None:
        """Add properties of `PROPERTIES` to the data source."""
        added: Body = {name: {PROPERTIES[name]: {}} for name in names}
        await self._patch(f"/data_sources/{segment(self.data_source)}", {"properties": added}, log)

    async def find(self, key: str, log: RequestLog) -> list[Body]:
        """The pages of that key, the oldest first: one, none, or duplicates that somebody made."""
        body = {
            "filter": {"property": KEY, "rich_text": {"equals": key}},
            "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
            "page_size": _FOUND,
        }
        path = f"/data_sources/{segment(self.data_source)}/query"
        answer = await self.http.read(path, log, json=body)
        return self.http.results(answer, log)

    async def create(self, properties: Body, log: RequestLog) -> Body:
        """A new page without content; it is not sent again unless Notion surely has not made it."""
        body = {"parent": {"type": "data_source_id", "data_source_id": self.data_source}, "properties": properties}
        answer = await self.http.post("/pages", json=body, log=log, safe=False)
        return self.http.mapping(answer, log)

    async def page(self, identifier: str, log: RequestLog) -> Body:
        """A page's own description.

        Raises:
            NotThere: it was deleted.
        """
        return await self.http.read(f"/pages/{segment(identifier)}", log)

    async def set_properties(self, identifier: str, properties: Body, log: RequestLog) -> Body:
        """Write a page's properties; writing them twice changes nothing."""
        return await self._patch(f"/pages/{segment(identifier)}", {"properties": properties}, log)

    async def remove(self, identifier: str, log: RequestLog) -> None:
        """Put a page into the trash."""
        await self._patch(f"/pages/{segment(identifier)}", {"in_trash": True}, log)

    async def content(self, identifier: str, log: RequestLog) -> str:
        """A page's content as Notion tells it in Markdown."""
        return str((await self.http.read(f"/pages/{segment(identifier)}/markdown", log)).get("markdown") or "")

    async def replace(self, identifier: str, text: str, log: RequestLog) -> None:
        """Make a text the whole content of a page; child pages that people made below it are never deleted."""
        edit = {"type": "replace_content", "replace_content": {"new_str": text, "allow_deleting_content": False}}
        await self._patch(f"/pages/{segment(identifier)}/markdown", edit, log)

    async def append(self, identifier: str, text: str, log: RequestLog) -> None:
        """Add a text at a page's end; what stands in the page stays as it is."""
        edit = {"type": "insert_content", "insert_content": {"content": text, "position": {"type": "end"}}}
        await self._patch(f"/pages/{segment(identifier)}/markdown", edit, log, safe=False)

    async def _patch(self, path: str, body: Body, log: RequestLog, *, safe: bool = True) -> Body:
        reply = await self.http.send("PATCH", path, json=body, log=log, safe=safe)
        return self.http.mapping(reply.body, log)
