"""Google Calendar, as its REST API (v3) documents it: read by a service account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Unpack

from customer_research.calendars.calendar import occurrences
from customer_research.calendars.settings import GoogleSettings, address_of
from customer_research.connect.http import Doubles, Http, Vendor, segment
from customer_research.connect.paging import Page, every
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.connect.tokens import opened, token_of
from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import CalendarReading, Occurrence, OccurrenceState, Window
from customer_research.domain.values import UnreadableError, instant
from customer_research.domain.words import instant_text
from customer_research.errors import BadAnswer, ConfigError, ExtraMissing

VENDOR = Vendor("google", "Google Calendar", own_limits=())
SCOPE = "https://www.googleapis.com/auth/calendar.events.readonly"
TOKEN_MINUTES = 10
PAGE = 2_500
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

NO_MEETINGS = frozenset({"birthday", "focusTime", "outOfOffice", "workingLocation"})
"""Kinds of entries that nobody meets in."""

_PRIVATE = frozenset({"private", "confidential"})


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account: its e-mail address, its key, and where it gets tokens."""

    email: str
    key: str
    key_id: str
    token_url: str


def service_account(file: Path) -> ServiceAccount:
    """The account of a key file as Google gives it.

    Raises:
        ConfigError: it cannot be read, or is no such file.
    """
    hint = "Give the JSON file that Google made with the service account's key."
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        parts = [told[name] for name in ("client_email", "private_key", "private_key_id", "token_uri")]
    except OSError as error:
        raise ConfigError(
            f"The key file {file} cannot be read: {error.strerror}.", setting="google.key_file", hint=hint
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f"The file {file} is no key of a service account.", setting="google.key_file", hint=hint
        ) from None
    return ServiceAccount(*map(str, parts))


class GoogleCalendar:
    """One person's calendar.

    Raises:
        ConfigError: the key file is not there or is none.
        ExtraMissing: the package that signs is not installed.
    """

    def __init__(
        self, person: str, own: GoogleSettings, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]
    ) -> None:
        gap = own.missing()
        if gap is not None or own.key_file is None:
            raise ConfigError.missing("google.key_file", "Set it to the key's file.")
        self.name = f"google:{person}"
        self._person, self._own, self._settings, self._clock, self._doubles = person, own, settings, clock, doubles
        self._account = service_account(own.key_file)
        self._open: list[Http] = []

    async def read(self, window: Window) -> CalendarReading:
        """See `Calendar.read`."""
        http = self._connection(self._own.url, await self._token())
        log = http.log("meetings")
        path = f"/calendars/{segment(self._person)}/events"
        asked: dict[str, str | int | bool | None] = {
            "singleEvents": True,
            "showDeleted": True,
            "orderBy": "startTime",
            "timeMin": instant_text(window.since, "seconds"),
            "timeMax": instant_text(window.until, "seconds"),
            "timeZone": "UTC",
            "maxResults": PAGE,
        }

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            reply = await http.read(path, log, params={**asked, "pageToken": cursor})
            items = reply.get("items")
            if not isinstance(items, list) or not all(isinstance(one, Mapping) for one in items):
                raise http.error(BadAnswer, "Google Calendar sent an answer without a list of entries.", log.stream)
            following = reply.get("nextPageToken")
            return Page(items, str(following) if following else None)

        found = await every(http, log, ask)
        receipt = log.receipt(found.records, truncated=not found.whole)
        wanted = [one for one in found.records if one.get("eventType") not in NO_MEETINGS]
        kept = occurrences(lambda one: self._occurrence(one, receipt), wanted, window, http, log)
        gaps = () if found.whole else (Gap("google", "truncated", f"The calendar of {self._person} came in part."),)
        return CalendarReading(self.name, kept, gaps, whole=found.whole)

    async def close(self) -> None:
        """See `Calendar.close`."""
        for one in self._open:
            await one.close()
        self._open.clear()

    def _connection(self, url: str, token: str | None) -> Http:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        secret = token or self._account.key
        http = opened(VENDOR, self._own, url, secret, self._settings, self._clock, headers=headers, **self._doubles)
        self._open.append(http)
        return http

    async def _token(self) -> str:
        base, _, path = self._account.token_url.rpartition("/")
        form = {"grant_type": GRANT, "assertion": self._assertion()}
        return await token_of(self._connection(base, None), path, form, "google.key_file")

    def _assertion(self) -> str:
        """A signed statement of who asks, and for whom."""
        try:
            import jwt  # noqa: PLC0415 - an extra
        except ModuleNotFoundError:
            raise ExtraMissing("Google Calendar needs PyJWT", "delivery") from None
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": self._account.email,
            "scope": SCOPE,
            "aud": self._account.token_url,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=TOKEN_MINUTES)).timestamp()),
        }
        if self._own.delegated:
            claims["sub"] = self._person
        try:
            return jwt.encode(claims, self._account.key, algorithm="RS256", headers={"kid": self._account.key_id})
        except (ValueError, TypeError, jwt.PyJWTError):
            raise ConfigError(
                "The key of google.key_file cannot sign.", setting="google.key_file", hint="Make a new key at Google."
            ) from None

    def _occurrence(self, entry: Mapping[str, Any], receipt: Any) -> Occurrence | None:
        """An entry; None: a deleted one of which Google tells no time."""
        series, original = entry.get("recurringEventId"), _time(entry.get("originalStartTime"))
        start = _time(entry.get("start")) or original
        if start is None:
            return None
        invited = [one for one in entry.get("attendees") or () if not one.get("resource")]
        asked = [entry.get("organizer") or {}, *invited]
        people = [address_of(str(one["email"])) for one in asked if one.get("email")]
        return Occurrence(
            calendar=self.name,
            uid=str(series or entry.get("id")),
            original=original if series else None,
            owner=self._person,
            starts_at=start,
            ends_at=max(_time(entry.get("end")) or start, start),
            title=str(entry.get("summary") or ""),
            state=_state(entry, invited, self._person),
            people=tuple(dict.fromkeys((self._person, *people))),
            receipt=receipt,
            all_day="date" in (entry.get("start") or {}),
            private=entry.get("visibility") in _PRIVATE,
        )


def _state(entry: Mapping[str, Any], invited: list[Mapping[str, Any]], person: str) -> OccurrenceState:
    if entry.get("status") == "cancelled":
        return "cancelled"
    own = (one for one in invited if one.get("self") or address_of(str(one.get("email") or "")) == person)
    return "declined" if any(one.get("responseStatus") == "declined" for one in own) else "planned"


def _time(told: Any) -> datetime | None:
    """An instant as Google tells it: `dateTime` with its offset, or of an all-day entry `date`."""
    if not isinstance(told, Mapping):
        return None
    try:
        return instant(told.get("dateTime") or told.get("date"))
    except UnreadableError:
        return None
