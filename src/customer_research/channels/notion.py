"""Notion: a message is a page of the data source for reports, found again by its key.

Notion has no key of ours that makes a second page impossible. A page is therefore made with the key as a property, looked for
by it before another is made, and its text is written in the end: whoever comes after a crash finds the page and goes on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Protocol

from customer_research.channels.channel import Delayed, Outgoing, Refused, Sighting, Unsure, failure, harmless
from customer_research.connect.request_log import RequestLog
from customer_research.errors import NotThere, SourceError

LOOKS, LOOK_SECONDS = 3, 1.0
"""How often a page is looked for, and the time between: Notion may list a new page some moments late."""

_TITLE, _DIGITS = 2_000, 16
_NOT_OURS = "0" * _DIGITS
"""The digest of no content: what the page holds is not ours alone."""

Body = Mapping[str, Any]
Sleep = Callable[[float], Awaitable[None]]


class Pages(Protocol):
    """The pages of one data source, as `research` opens them."""

    @property
    def data_source(self) -> str:
        """Its id."""

    def log(self) -> RequestLog:
        """Where requests are noted."""

    async def close(self) -> None:
        """Release sockets."""

    async def schema(self, log: RequestLog) -> Mapping[str, str]:
        """Its properties: name → type."""

    async def find(self, key: str, log: RequestLog) -> list[Body]:
        """The pages of a key, the oldest first."""

    async def create(self, properties: Body, log: RequestLog) -> Body:
        """A new page without content."""

    async def page(self, identifier: str, log: RequestLog) -> Body:
        """A page's own description."""

    async def content(self, identifier: str, log: RequestLog) -> str:
        """A page's content as Markdown."""

    async def remove(self, identifier: str, log: RequestLog) -> None:
        """Put a page into the trash."""

    async def replace(self, identifier: str, text: str, log: RequestLog) -> None:
        """Make a text the whole content of a page."""

    async def append(self, identifier: str, text: str, log: RequestLog) -> None:
        """Add a text at a page's end."""


class NotionChannel:
    """Messages as pages of one data source.

    Args:
        pages: the pages.
        key_property: the property that has the key.
        sleep: waits so many seconds.
    """

    title: ClassVar[str] = "Notion"

    def __init__(self, pages: Pages, key_property: str, sleep: Sleep = asyncio.sleep) -> None:
        self._pages = pages
        self._key = key_property
        self._sleep = sleep

    async def send(self, outgoing: Outgoing) -> str:
        """Make the message's page, or rewrite the one in whose place it goes; see `Channel.send`."""
        log = self._pages.log()
        place = outgoing.message.address.place
        if place != self._pages.data_source:
            raise Refused(
                "The address is another data source than notion.reports_data_source.", hint="Give that one's id."
            )
        if outgoing.original:
            rewritten = await self._rewritten(outgoing, log)
            if rewritten:
                return rewritten
        values = await self._values(outgoing, log)
        try:
            made = await self._pages.create(values, log)
        except SourceError as error:
            raise failure(error) from None
        page = str(made.get("id") or "")
        try:
            return await self._written(page, outgoing, log)
        except Refused:
            with suppress(SourceError):
                await self._pages.remove(page, log)
            raise

    async def look_up(self, outgoing: Outgoing) -> Sighting:
        """Look for the page by its key; one that is there without its text is given it. See `Channel.look_up`."""
        log = self._pages.log()
        for look in range(LOOKS):
            if look:
                await self._sleep(LOOK_SECONDS)
            try:
                found = await self._pages.find(outgoing.key, log)
            except SourceError as error:
                kind = failure(error)
                if isinstance(kind, Refused):
                    return Sighting("cannot_tell", because=kind.message)
                raise Delayed(kind.message) from None
            if found:
                page = str(found[0].get("id") or "")
                try:
                    return Sighting("there", await self._written(page, outgoing, log))
                except Unsure as error:
                    raise Delayed(error.message, hint=error.hint) from None
        return Sighting("absent")

    async def close(self) -> None:
        """Release sockets."""
        await self._pages.close()

    # -- steps ---------------------------------------------------------------------------------------------------------

    async def _rewritten(self, outgoing: Outgoing, log: RequestLog) -> str:
        """Rewrite the original; what a person has changed is added to and never overwritten. Empty: it is no longer there."""
        page, _, ours = outgoing.original.partition("/")
        try:
            found = await self._pages.page(page, log)
            if found.get("in_trash") or found.get("archived"):
                return ""
            held = await self._pages.content(page, log)
        except NotThere:
            return ""
        except SourceError as error:
            raise harmless(failure(error)) from None
        if _digest(held) == ours:
            return await self._written(page, outgoing, log)
        return await self._added(page, held, outgoing, log)

    async def _values(self, outgoing: Outgoing, log: RequestLog) -> Body:
        """The properties of a new page: its title, its kind and its key.

        Raises:
            Refused: the data source has no property for the key.
        """
        try:
            schema = await self._pages.schema(log)
        except SourceError as error:
            raise harmless(failure(error)) from None
        if schema.get(self._key) != "rich_text":
            raise Refused(
                f"The data source has no text property {self._key!r}.", hint="Run an export with --prepare once."
            )
        title = next((name for name, kind in schema.items() if kind == "title"), "Name")
        values: dict[str, Body] = {
            title: {"title": _text(outgoing.message.title)},
            self._key: {"rich_text": _text(outgoing.key)},
        }
        if schema.get("Report") == "rich_text":
            values["Report"] = {"rich_text": _text(outgoing.message.kind)}
        return values

    async def _written(self, page: str, outgoing: Outgoing, log: RequestLog) -> str:
        """Give a page its text, which may be done again: the first piece takes the place of all that was there.

        Returns:
            The page's id, and the digest of what it holds now: by that it is seen later whether a person changed it.

        Raises:
            Refused: Notion does not take the text.
            Unsure: the page is there, its text perhaps not: whoever looks it up goes on.
        """
        first, *rest = _pieces(outgoing)
        try:
            await self._pages.replace(page, first, log)
            for piece in rest:
                await self._pages.append(page, piece, log)
            return f"{page}/{_digest(await self._pages.content(page, log))}"
        except SourceError as error:
            raise _of_a_page(error) from None

    async def _added(self, page: str, held: str, outgoing: Outgoing, log: RequestLog) -> str:
        """Add the text at a page's end, each piece under a line of its own by which it is seen that it is there already."""
        try:
            for number, piece in enumerate(_pieces(outgoing), 1):
                line = f"Changed {outgoing.put_at:%Y-%m-%d %H:%M} UTC" + (f", part {number}" if number > 1 else "")
                if line not in held:
                    await self._pages.append(page, f"---\n\n## {line}\n\n{piece}", log)
        except SourceError as error:
            raise _of_a_page(error) from None
        return f"{page}/{_NOT_OURS}"


def _pieces(outgoing: Outgoing) -> list[str]:
    """The text in pieces that Notion takes; one at least."""
    found = outgoing.message.content.get("markdown")
    return [str(piece) for piece in found] if isinstance(found, (list, tuple)) and found else [str(found or "")]


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]


def _text(words: str) -> list[Body]:
    return [{"type": "text", "text": {"content": words[:_TITLE]}}] if words else []


def _of_a_page(error: SourceError) -> Refused | Unsure:
    """A failure while a page that is there is written."""
    failed = failure(error)
    return failed if isinstance(failed, Refused) else Unsure(failed.message, hint=failed.hint)
