"""Calendar feeds (iCalendar over https): one person's calendar at one secret address."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import urljoin, urlsplit

from pydantic import SecretStr

from customer_research.calendars.settings import IcsSettings
from customer_research.connect.http import Doubles, Http, Reply, Vendor
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree, VendorSettings
from customer_research.connect.source import Clock
from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import CalendarReading, Occurrence, Window
from customer_research.errors import BadAnswer, ConfigError, ExtraMissing, SourceError, Truncated

if TYPE_CHECKING:
    from customer_research.calendars.feed import Entries, Entry

VENDOR = Vendor("ics", "The calendar feed", is_text=True)
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 3
"""Redirects that are followed, each judged as the first address was."""


class _Access(VendorSettings):
    """One address of a feed, as a connection takes it: the host in the open, the rest a secret."""

    section = "ics"
    place = 0
    credential = "feeds"

    url: str = ""
    feeds: SecretStr | None = None
    requests_per_second: float = 10
    concurrency: int = 1

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request: the address is the credential."""
        return {"Accept": "text/calendar"}


class FeedCalendar:
    """The feed of one person's calendar.

    Args:
        owner: the person's e-mail address.
        address: the feed's.
        own: the settings of feeds.
        zone: the time zone of hours without one, where the feed names none.
        settings: what holds for every vendor.
        clock: the present instant.
        doubles: what tests put in the place of the network and of time.

    Raises:
        ExtraMissing: the packages that read feeds are not installed.
    """

    def __init__(  # noqa: PLR0917 - what a feed is made of
        self,
        owner: str,
        address: str,
        own: IcsSettings,
        zone: str,
        settings: SettingsTree,
        clock: Clock,
        **doubles: Unpack[Doubles],
    ) -> None:
        if any(importlib.util.find_spec(name) is None for name in ("icalendar", "recurring_ical_events")):
            raise ExtraMissing("Calendar feeds need icalendar and recurring-ical-events", "delivery")
        self.name = f"ics:{owner}"
        self._owner = owner
        self._address = _https(address, private=own.allow_private)
        self._own, self._zone, self._settings, self._clock = own, zone, settings, clock
        self._doubles = doubles
        self._open: list[Http] = []

    async def read(self, window: Window) -> CalendarReading:
        """See `Calendar.read`.

        Raises:
            SourceError: it did not answer, or is no calendar that can be worked out.
            ConfigError: its address is none, or leads where feeds may not lie.
        """
        from customer_research.calendars.feed import FeedRefusedError  # noqa: PLC0415 - an extra

        reply, log = await self._fetched()
        try:
            found = await self._worked_out(str(reply.body), window)
        except FeedRefusedError as error:
            raise self._refused(f"The calendar feed of {self._owner} {error}.", log) from None
        receipt = log.receipt([asdict(one) for one in found.entries], truncated=bool(found.refused))
        occurrences = tuple(
            Occurrence(
                calendar=self.name,
                uid=one.uid,
                original=one.original,
                owner=self._owner,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                title=one.title,
                state=_state(one, self._owner),
                people=tuple(dict.fromkeys((self._owner, *one.people))),
                receipt=receipt,
                all_day=one.all_day,
                private=one.private,
                zone_unknown=one.zone_unknown,
            )
            for one in found.entries
        )
        return CalendarReading(self.name, occurrences, self._gaps(found), whole=not found.refused)

    async def close(self) -> None:
        """See `Calendar.close`."""
        for one in self._open:
            await one.close()
        self._open.clear()

    async def _fetched(self) -> tuple[Reply, RequestLog]:
        address, log = self._address, None
        for _ in range(HOPS + 1):
            http, target = self._connection(address)
            log = http.log("meetings", within=log)
            reply = await self._asked(http, target, log)
            if reply.status not in REDIRECTS:
                return reply, log
            following = urljoin(address, reply.headers.get("location", ""))
            address = _https(following, private=self._own.allow_private)
        assert log is not None
        raise self._refused(f"The calendar feed of {self._owner} is redirected more than {HOPS} times.", log)

    async def _asked(self, http: Http, target: str, log: RequestLog) -> Reply:
        from customer_research.connect.public import NotPublicError  # noqa: PLC0415 - start-up time

        try:
            return await http.send("GET", target, log=log, accept=REDIRECTS)
        except NotPublicError as error:
            raise _unsuitable(str(error)) from None
        except Truncated as error:
            hint = f"It is larger than ics.max_mb ({self._own.max_mb:g}): publish fewer years, or raise that."
            raise Truncated(error.message, source=error.source, stream=error.stream, hint=hint) from None

    def _connection(self, address: str) -> tuple[Http, str]:
        """The connection to an address's host, and what to ask it for."""
        import httpx2  # noqa: PLC0415 - start-up time

        url = httpx2.URL(address)
        target = url.raw_path.decode("ascii").lstrip("/")
        if not target:
            raise _unsuitable("it names a host and no calendar")
        access = _Access(url=f"{url.scheme}://{url.netloc.decode('ascii')}", feeds=SecretStr(target))
        doubles = self._doubles
        if not self._own.allow_private and doubles.get("transport") is None:
            from customer_research.connect.public import PublicTransport  # noqa: PLC0415 - start-up time

            doubles = Doubles(transport=PublicTransport()) | doubles
        http = Http(VENDOR, access, self._settings, self._clock, **doubles)
        http.bounds = http.bounds.model_copy(update={"body_mb": self._own.max_mb})
        self._open.append(http)
        return http, target

    async def _worked_out(self, text: str, window: Window) -> Entries:
        """The entries of a feed, worked out by a process that is ended when it takes too long.

        Raises:
            FeedRefusedError: as `feed.worked_out`, or it took too long.
        """
        from customer_research.calendars.feed import FeedRefusedError, heard  # noqa: PLC0415 - an extra

        asked = {
            "since": window.since.isoformat(),
            "until": window.until.isoformat(),
            "zone": self._zone,
            "most": self._own.max_entries,
            "seconds": self._own.seconds,
        }
        program = (sys.executable, "-X", "utf8", "-m", "customer_research.calendars.feed")
        worker = await asyncio.create_subprocess_exec(
            *program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(self._own.seconds):
                said, _ = await worker.communicate(f"{json.dumps(asked)}\n{text}".encode())
        except TimeoutError:
            raise FeedRefusedError(f"takes more than {self._own.seconds:g} s to work out") from None
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
        if worker.returncode:
            raise FeedRefusedError("cannot be worked out within the memory and time that a calendar may take")
        return heard(said.decode())

    def _gaps(self, found: Entries) -> tuple[Gap, ...]:
        if not found.refused:
            return ()
        detail = f"{found.refused} series of the calendar of {self._owner} repeat by the minute or cannot be worked out: left out."
        return (Gap("ics", "truncated", detail, "Correct or remove them in that calendar."),)

    def _refused(self, sentence: str, log: RequestLog) -> SourceError:
        hint = "Open the address in a calendar program: it must give that person's calendar."
        return BadAnswer(sentence, source="ics", stream=log.stream, hint=hint)


def feeds(
    own: IcsSettings, zone: str, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]
) -> tuple[FeedCalendar, ...]:
    """The calendars of all feeds of the settings.

    Raises:
        ConfigError: as `FeedCalendar`.
    """
    given: Mapping[str, Any] = own.feeds
    return tuple(
        FeedCalendar(owner, address.get_secret_value(), own, zone, settings, clock, **doubles)
        for owner, address in given.items()
    )


def _https(address: str, *, private: bool) -> str:
    """A feed's address as it is asked for.

    Raises:
        ConfigError: it is none, or would be read in the open.
    """
    address = address.strip()
    if urlsplit(address).scheme == "webcal":
        address = f"https{address.removeprefix('webcal')}"
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _unsuitable("it is no https address")
    if parts.scheme == "http" and not private:
        raise _unsuitable("it does not begin with https://")
    return address


def _unsuitable(why: str) -> ConfigError:
    hint = "Give the https address of a feed in the public network, or set ics.allow_private for your own server."
    return ConfigError(f"A calendar feed cannot be read: {why}.", setting="ics.feeds", hint=hint)


def _state(entry: Entry, owner: str) -> Any:
    if entry.cancelled:
        return "cancelled"
    return "declined" if owner in entry.declined else "planned"
