"""Exporting a report to Notion: one page for each operator and kind, found again, never twice, never over a person's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from customer_research.connect.request_log import RequestLog
from customer_research.connect.source import Clock
from customer_research.documents.formats.notion import pages as pieces_of
from customer_research.documents.masking import People, mask_text
from customer_research.domain.health import HealthScore, standing_label
from customer_research.domain.report import Report
from customer_research.domain.words import clean
from customer_research.errors import ConfigError, NotThere
from customer_research.research.receipts import text_digest
from customer_research.settings import Settings
from customer_research.sources.notion.pages import KEY, PROPERTIES, NotionPages
from customer_research.store.database import open_store
from customer_research.store.exports import Export, Exports

PageChange = Literal["created", "updated", "unchanged", "added a section"]

LOOKS = 3
"""How often a page is looked for after a run that was cut off: Notion may list a new page some moments late."""
_LOOK_SECONDS = 1.0
_LONGEST = 2000
"""Characters of one rich text in Notion."""

_NOT_OURS = "0" * 64
"""The digest of no content: what the page holds is not what we wrote."""

Body = Mapping[str, Any]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PageExport:
    """What an export did: the page's id and address, and a warning where something needs a person."""

    page: str
    url: str
    done: PageChange
    warning: str = ""


async def to_notion(
    settings: Settings,
    clock: Clock,
    report: Report,
    score: HealthScore | None,
    *,
    force: bool = False,
    prepare: bool = False,
    show_personal: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> PageExport:
    """Write a report to its page in the data source of the settings; `prepare` first adds the properties that it lacks.

    A page whose content a person has changed is not overwritten without `force`: the report is added as a section.

    Raises:
        ConfigError: no token, no data source, or properties that it lacks.
        SourceError: Notion did not do what was asked; running it again goes on where it stopped.
        StoreError: the store cannot be read or written.
    """
    notion = NotionPages(settings, clock)
    try:
        with open_store(settings.store_url) as store:
            export = _Export(notion, Exports(store), clock, sleep)
            return await export.run(report, score, force=force, prepare=prepare, show_personal=show_personal)
    finally:
        await notion.close()


@dataclass(frozen=True, slots=True)
class _PageContent:
    """What a page shall hold: its key, its text in pieces, its properties, and the digest of these."""

    key: str
    texts: Sequence[str]
    values: Body
    digest: str


class _Export:
    """One run."""

    def __init__(self, notion: NotionPages, exports: Exports, clock: Clock, sleep: Sleep) -> None:
        self._notion = notion
        self._exports = exports
        self._clock = clock
        self._sleep = sleep
        self._log: RequestLog = notion.log()

    async def run(
        self, report: Report, score: HealthScore | None, *, force: bool, prepare: bool, show_personal: bool
    ) -> PageExport:
        title = await self._title(prepare=prepare)
        key = f"{report.operator_id or 'everybody'}:{report.kind}:{report.audience}"
        texts = pieces_of(report, show_personal=show_personal)
        values = _properties(report, score, key, title)
        digest = _digest(*texts, repr(sorted(values.items())))
        known = self._exports.find(self._notion.data_source, key)
        page, others = await self._page(key, known, values)
        done = await self._write(page, known, _PageContent(key, texts, values, digest), force=force)
        return PageExport(str(page["id"]), str(page.get("url") or ""), done, _warning(done, others))

    async def _title(self, *, prepare: bool) -> str:
        """The name of the title property, once the data source has all the others."""
        schema = await self._notion.schema(self._log)
        lacking = [name for name in PROPERTIES if name not in schema]
        wrong = [f"{name} ({kind})" for name, kind in PROPERTIES.items() if schema.get(name, kind) != kind]
        if wrong:
            raise ConfigError(
                f"Properties of the data source have another type than an export needs: {', '.join(wrong)}.",
                setting="notion.reports_data_source",
                hint="Rename them in Notion; the export then adds its own with --prepare.",
            )
        if lacking and not prepare:
            raise ConfigError(
                f"The data source lacks properties that an export needs: {', '.join(lacking)}.",
                setting="notion.reports_data_source",
                hint="Run the export once with --prepare, which adds them.",
            )
        if lacking:
            await self._notion.add_properties(lacking, self._log)
        return next((name for name, kind in schema.items() if kind == "title"), "Name")

    async def _page(self, key: str, known: Export | None, values: Body) -> tuple[Body, int]:
        """The report's page (made if there is none), and how many further ones have its key."""
        if known is not None and known.page:
            page = await self._living(known.page)
            if page is not None:
                return page, 0
        looks = LOOKS if known is not None and known.state == "sending" else 1
        found = await self._found(key, looks)
        if found:
            return found[0], len(found) - 1
        self._exports.put(Export(self._notion.data_source, key, "sending", "", "", "", self._clock()))
        made = await self._notion.create(values, self._log)
        return await self._first(key, made), 0

    async def _living(self, identifier: str) -> Body | None:
        try:
            page = await self._notion.page(identifier, self._log)
        except NotThere:
            return None
        return None if page.get("in_trash") or page.get("archived") else page

    async def _found(self, key: str, looks: int) -> list[Body]:
        for look in range(looks):
            if look:
                await self._sleep(_LOOK_SECONDS)
            found = await self._notion.find(key, self._log)
            if found:
                return found
        return []

    async def _first(self, key: str, made: Body) -> Body:
        """Of two pages that two exports made at once the older stays: ours goes if it is not that."""
        found = await self._notion.find(key, self._log)
        if len(found) > 1:
            first = min(found, key=lambda page: (str(page.get("created_time")), str(page["id"])))
            if first["id"] != made["id"]:
                await self._notion.remove(str(made["id"]), self._log)
                return first
        return made

    async def _write(self, page: Body, known: Export | None, asked: _PageContent, *, force: bool) -> PageChange:
        identifier = str(page["id"])
        content = await self._notion.content(identifier, self._log)
        new = not content.strip()
        edited = not new and await self._edited(page, known, content)
        add = edited and not force
        if known is not None and (known.state, known.report) == ("sent", asked.digest) and not new and edited == add:
            return "unchanged"
        # until it is sent again the row must not say that a person's words are ours, whatever happens now
        ours = (known.content if known is not None else "") or _NOT_OURS if add else ""
        row = Export(self._notion.data_source, asked.key, "sending", identifier, "", ours, self._clock())
        self._exports.put(row)
        await self._put(identifier, asked, add=add)
        held = ours or _digest(await self._notion.content(identifier, self._log))
        self._exports.put(replace(row, state="sent", report=asked.digest, content=held, at=self._clock()))
        return "added a section" if add else "created" if new else "updated"

    async def _put(self, identifier: str, asked: _PageContent, *, add: bool) -> None:
        first, *rest = asked.texts
        if add:
            await self._notion.append(identifier, _section(first, self._clock()), self._log)
        else:
            await self._notion.replace(identifier, first, self._log)
        for text in rest:
            await self._notion.append(identifier, text, self._log)
        await self._notion.set_properties(identifier, asked.values, self._log)

    async def _edited(self, page: Body, known: Export | None, content: str) -> bool:
        """Whether a person has changed what we wrote: by what the page held then, else by who edited it last."""
        if known is not None and known.page == page["id"] and known.content:
            return _digest(content) != known.content
        by = str((page.get("last_edited_by") or {}).get("id") or "")
        return by != await self._notion.bot(self._log)


def _warning(done: PageChange, others: int) -> str:
    parts = []
    if done == "added a section":
        parts.append("A person has edited the page: the report was added as a section at its end (--force overwrites).")
    if others:
        parts.append(f"{others} more pages have the same export key: somebody copied the page. Delete the copies.")
    return " ".join(parts)


def _section(text: str, now: datetime) -> str:
    return f"---\n\n## PageExport {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC\n\n{text}"


def _digest(*texts: str) -> str:
    return text_digest("\0".join(texts))


def _properties(report: Report, score: HealthScore | None, key: str, title: str) -> Body:
    """The page's properties; score and band are internal, and empty where they are unknown."""
    internal = score if report.audience == "internal" else None
    people = People(report.people, report.operator_name)
    name = ": ".join(part for part in (mask_text(clean(report.operator_name), people), clean(report.title)) if part)
    return {
        title: {"title": _text(name)},
        "Operator ID": {"rich_text": _text(report.operator_id)},
        "Report": {"rich_text": _text(report.kind)},
        "Score": {"number": internal.score if internal else None},
        "Band": {"select": {"name": standing_label(internal.band, internal.status)} if internal else None},
        "As of": {"date": {"start": report.as_of.astimezone(UTC).isoformat()}},
        KEY: {"rich_text": _text(key)},
    }


def _text(words: str) -> list[Body]:
    return [{"type": "text", "text": {"content": words[:_LONGEST]}}] if words else []
