"""Outlook calendars, as Microsoft Graph (v1.0) documents its calendar view: read by an application."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Unpack

from customer_research.calendars.calendar import occurrences
from customer_research.calendars.settings import MicrosoftSettings, address_of
from customer_research.connect.http import Doubles, Http, Vendor, segment
from customer_research.connect.paging import Page, every
from customer_research.connect.request_log import RequestLog
from customer_research.connect.session import Once
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.connect.tokens import opened, token_of
from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import CalendarReading, Occurrence, OccurrenceState, Window
from customer_research.domain.values import UnreadableError, instant
from customer_research.domain.words import instant_text
from customer_research.errors import BadAnswer, ConfigError

VENDOR = Vendor("microsoft", "Microsoft Graph")
PAGE = 200
PREFER = 'outlook.timezone="UTC", IdType="ImmutableId"'
"""Times in UTC, and ids that stay when an entry is put into another folder."""

FIELDS = "id,subject,start,end,isCancelled,isAllDay,organizer,attendees,responseStatus,type,seriesMasterId,originalStart,sensitivity"
_UTC = frozenset({"utc", "etc/utc", "tzone://microsoft/utc"})
_PRIVATE = frozenset({"private", "confidential", "personal"})
_FRACTION = re.compile(r"(\.\d{6})\d+")


class MicrosoftLogin:
    """The application's token, asked for once and shared by all calendars.

    Raises:
        ConfigError: a setting of it is missing.
    """

    def __init__(
        self, own: MicrosoftSettings, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]
    ) -> None:
        for name in ("tenant", "client_id", "client_secret"):
            if not getattr(own, name):
                hint = "Take it from the application's page in Microsoft Entra."
                raise ConfigError.missing(f"microsoft.{name}", hint)
        self.own = own
        self._settings, self._clock, self._doubles = settings, clock, doubles
        self._api: Once[Http] = Once()
        self._open: list[Http] = []

    async def http(self) -> Http:
        """The connection with its token."""
        return await self._api.get(self._logged_in)

    async def _logged_in(self) -> Http:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.own.client_id,
            "client_secret": self.own.secret,
            "scope": f"{_root(self.own.url)}/.default",
        }
        login = self._connection(self.own.login_url, self.own.secret, {})
        path = f"/{segment(self.own.tenant)}/oauth2/v2.0/token"
        token = await token_of(login, path, form, "microsoft.client_secret")
        return self._connection(self.own.url, token, {"Authorization": f"Bearer {token}", "Prefer": PREFER})

    def _connection(self, url: str, secret: str, headers: Mapping[str, str]) -> Http:
        http = opened(VENDOR, self.own, url, secret, self._settings, self._clock, headers=headers, **self._doubles)
        self._open.append(http)
        return http

    async def close(self) -> None:
        """Close the connections."""
        for one in self._open:
            await one.close()
        self._open.clear()


class MicrosoftCalendar:
    """One person's calendar."""

    def __init__(self, person: str, login: MicrosoftLogin) -> None:
        self.name = f"microsoft:{person}"
        self._person, self._login = person, login

    async def read(self, window: Window) -> CalendarReading:
        """See `Calendar.read`."""
        http = await self._login.http()
        log = http.log("meetings")
        path = f"/users/{segment(self._person)}/calendarView"
        asked: dict[str, str | int] = {
            "startDateTime": instant_text(window.since, "seconds"),
            "endDateTime": instant_text(window.until, "seconds"),
            "$select": FIELDS,
            "$orderby": "start/dateTime",
            "$top": PAGE,
        }

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            reply = await http.read(path, log, params=asked) if cursor is None else await http.read(cursor, log)
            items = reply.get("value")
            if not isinstance(items, list) or not all(isinstance(one, Mapping) for one in items):
                raise http.error(BadAnswer, "Microsoft Graph sent an answer without a list of entries.", log.stream)
            return Page(items, _below(http, reply.get("@odata.nextLink"), self._login.own.url, log))

        found = await every(http, log, ask)
        receipt = log.receipt(found.records, truncated=not found.whole)
        kept = occurrences(lambda one: self._occurrence(one, receipt), found.records, window, http, log)
        gaps = () if found.whole else (Gap("microsoft", "truncated", f"The calendar of {self._person} came in part."),)
        return CalendarReading(self.name, kept, gaps, whole=found.whole)

    async def close(self) -> None:
        """Close the connections, which all calendars share."""
        await self._login.close()

    def _occurrence(self, entry: Mapping[str, Any], receipt: Any) -> Occurrence | None:
        start, known = _time(entry.get("start"))
        if start is None:
            return None
        ends_at, _ = _time(entry.get("end"))
        series = entry.get("seriesMasterId")
        asked = [
            entry.get("organizer") or {},
            *(one for one in entry.get("attendees") or () if one.get("type") != "resource"),
        ]
        people = [address_of(str(one["emailAddress"]["address"])) for one in asked if _has_address(one)]
        return Occurrence(
            calendar=self.name,
            uid=str(series or entry.get("id")),
            original=_original(entry) if series else None,
            owner=self._person,
            starts_at=start,
            ends_at=max(ends_at or start, start),
            title=str(entry.get("subject") or ""),
            state=_state(entry),
            people=tuple(dict.fromkeys((self._person, *people))),
            receipt=receipt,
            all_day=bool(entry.get("isAllDay")),
            private=entry.get("sensitivity") in _PRIVATE,
            zone_unknown=not known,
        )


def _original(entry: Mapping[str, Any]) -> datetime | None:
    try:
        return instant(_FRACTION.sub(r"\1", str(entry.get("originalStart") or "")))
    except UnreadableError:
        return None


def _has_address(one: Mapping[str, Any]) -> bool:
    address = one.get("emailAddress")
    return isinstance(address, Mapping) and bool(address.get("address"))


def _state(entry: Mapping[str, Any]) -> OccurrenceState:
    if entry.get("isCancelled"):
        return "cancelled"
    return "declined" if (entry.get("responseStatus") or {}).get("response") == "declined" else "planned"


def _time(told: Any) -> tuple[datetime | None, bool]:
    """An instant as Graph tells it, and whether its zone is the one that was asked for."""
    if not isinstance(told, Mapping):
        return None, True
    known = str(told.get("timeZone") or "UTC").casefold() in _UTC
    try:
        return instant(_FRACTION.sub(r"\1", str(told.get("dateTime") or ""))), known
    except UnreadableError:
        return None, known


def _below(http: Http, link: Any, base: str, log: RequestLog) -> str | None:
    """What is behind the API's own address in a link to the next page.

    Raises:
        BadAnswer: the link leads elsewhere: the token is not sent there.
    """
    if not link:
        return None
    if not str(link).startswith(f"{base.rstrip('/')}/"):
        raise http.error(BadAnswer, "Microsoft Graph names a next page at another address.", log.stream)
    return str(link).removeprefix(base.rstrip("/"))


def _root(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
