"""Calendars of our own people: a feed (iCalendar), and the same diary as Google Calendar and Microsoft Graph give it.

Written from the documentation: Google's `events.list` with `singleEvents` and `showDeleted`, Graph's `calendarView` with
`Prefer: outlook.timezone`. What they do not have: writing, sync tokens, changes, other calendars than a person's first.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.diary import Diary, Entry, Instance
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.wire import Vendor, answer, fault_of, made_up_id, served, whole_number

FEED_SECRET = "private-5a9db0c5sandbox"  # noqa: S105  (the sandbox's own, opens nothing)
GOOGLE_TOKEN, GRAPH_TOKEN = "ya29.sandbox-google", "eyJ0.sandbox.graph"
TENANT, CLIENT_ID = "5a9db0c5-0000-5000-8000-00000000aaaa", "5a9db0c5-0000-5000-8000-00000000bbbb"
CLIENT_SECRET = "sandbox-graph-secret"  # noqa: S105
SCOPE = "https://www.googleapis.com/auth/calendar.events.readonly"

GOOGLE_PAGE, GOOGLE_MOST, GRAPH_PAGE, GRAPH_MOST = 250, 2_500, 10, 1_000
_ANSWERS = {
    "accepted": "accepted",
    "declined": "declined",
    "tentative": "tentativelyAccepted",
    "needsAction": "notResponded",
}
_LINE = 73
"""Octets of a line of a feed, before it is folded."""


class CalendarServer(Vendor):
    """One diary behind three ways of reading it."""

    source = "calendar"
    public_prefixes = ("/token", "/login/")

    def __init__(self, diary: Diary, controls: Controls) -> None:
        super().__init__(controls)
        self.diary = diary
        self.assertions: list[str] = []
        """The signed statements with which Google tokens were asked for."""

    def routes(self) -> Sequence[BaseRoute]:
        """The feed, and the paths of both APIs."""
        return [
            Route("/feeds/{secret}/{person}.ics", self._feed),
            Route("/moved/{secret}/{person}.ics", self._moved_feed),
            Route("/token", self._google_token, methods=["POST"]),
            Route("/calendar/v3/calendars/{person}/events", self._google_events),
            Route("/login/{tenant}/oauth2/v2.0/token", self._graph_token, methods=["POST"]),
            Route("/v1.0/users/{person}/calendarView", self._graph_view),
        ]

    def authorised(self, request: Request) -> bool:
        """A feed's address is its credential; the APIs want the tokens they gave."""
        path, given = request.url.path, request.headers.get("authorization", "")
        if path.startswith("/calendar/v3/"):
            return given == f"Bearer {GOOGLE_TOKEN}"
        return given == f"Bearer {GRAPH_TOKEN}" if path.startswith("/v1.0/") else True

    def error(self, status: int, message: str = "") -> Response:
        """Google's and Graph's form at once: `{error: {code, message}}`."""
        return answer({"error": {"code": status, "message": message or f"Refused ({status})."}}, status)

    # -- feeds ---------------------------------------------------------------------------------------------------------

    def _feed(self, request: Request) -> Response:
        person = request.path_params["person"]
        if request.path_params["secret"] != FEED_SECRET or person not in self.diary.people:
            return self.error(404)
        lines = list(_calendar(self.diary.of(person)))
        if fault_of(request) == "truncate":
            lines = lines[: len(lines) // 2]
        if fault_of(request) == "schema":
            lines = ["<html>", "Sign in", "</html>"]
        text = "".join(f"{line}\r\n" for line in lines)
        return Response(text, media_type="text/calendar; charset=utf-8")

    def _moved_feed(self, request: Request) -> Response:
        place = f"/feeds/{request.path_params['secret']}/{request.path_params['person']}.ics"
        return Response(status_code=302, headers={"Location": place})

    # -- Google --------------------------------------------------------------------------------------------------------

    async def _google_token(self, request: Request) -> Response:
        form = await _form(request)
        parts = form.get("assertion", "").split(".")
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" or len(parts) != 3:
            return answer({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400)
        claims = json.loads(base64.urlsafe_b64decode(f"{parts[1]}=="))
        self.assertions.append(form["assertion"])
        if claims.get("aud") != str(request.url) or claims.get("scope") != SCOPE:
            return answer({"error": "invalid_grant", "error_description": "Invalid JWT: aud or scope"}, 400)
        if claims.get("sub") not in {None, *self.diary.people}:
            words = "Client is unauthorized to retrieve access tokens using this method."
            return answer({"error": "unauthorized_client", "error_description": words}, 401)
        return answer({"access_token": GOOGLE_TOKEN, "expires_in": 3599, "token_type": "Bearer"})

    def _google_events(self, request: Request) -> Response:
        person, query = request.path_params["person"], request.query_params
        if person not in self.diary.people:
            return self.error(404, "Not Found")
        if query.get("singleEvents") != "true":
            return self.error(400, "The sandbox expands series: ask with singleEvents=true.")
        since, until = (datetime.fromisoformat(query[name]) for name in ("timeMin", "timeMax"))
        found = self.diary.between(person, since, until)
        if query.get("showDeleted") != "true":
            found = [one for one in found if not one.is_cancelled]
        most = min(whole_number(query.get("maxResults"), GOOGLE_PAGE), GOOGLE_MOST)
        start = whole_number(query.get("pageToken"), 0)
        items = [_google(one, person) for one in served(request, found[start : start + most])]
        if fault_of(request) == "schema":
            return answer({"kind": "calendar#events"})
        more = {"nextPageToken": str(start + most)} if start + most < len(found) else {}
        return answer({"kind": "calendar#events", "summary": person, "timeZone": "UTC", "items": items, **more})

    # -- Graph ---------------------------------------------------------------------------------------------------------

    async def _graph_token(self, request: Request) -> Response:
        form = await _form(request)
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        if request.path_params["tenant"] != TENANT or any(form.get(name) != value for name, value in wanted.items()):
            words = "AADSTS7000215: Invalid client secret provided."
            return answer({"error": "invalid_client", "error_description": words}, 401)
        if not form.get("scope", "").endswith("/.default"):
            return answer({"error": "invalid_scope", "error_description": "AADSTS70011: The scope is not valid."}, 400)
        return answer({"token_type": "Bearer", "expires_in": 3599, "access_token": GRAPH_TOKEN})

    def _graph_view(self, request: Request) -> Response:
        person, query = request.path_params["person"], request.query_params
        if person not in self.diary.people:
            return self.error(404, "The specified object was not found in the store.")
        since, until = (datetime.fromisoformat(query[name]) for name in ("startDateTime", "endDateTime"))
        found = self.diary.between(person, since, until)
        most = min(whole_number(query.get("$top"), GRAPH_PAGE), GRAPH_MOST)
        start = whole_number(query.get("$skip"), 0)
        zone = "UTC" if 'outlook.timezone="UTC"' in request.headers.get("prefer", "") else "Eastern Standard Time"
        items = [_graph(one, person, zone) for one in served(request, found[start : start + most])]
        if fault_of(request) == "schema":
            return answer({"@odata.context": "events"})
        told: Row = {"@odata.context": str(request.url.replace(query="")), "value": items}
        if start + most < len(found):
            following = urlencode({**query, "$skip": start + most})
            told["@odata.nextLink"] = str(request.url.replace(query=following))
        return answer(told)


async def _form(request: Request) -> Mapping[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


# -- one diary, three forms --------------------------------------------------------------------------------------------


def _calendar(entries: Sequence[Entry]) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//customer-research//sandbox//EN", "CALSCALE:GREGORIAN")
    for entry in entries:
        for line in _events(entry):
            yield from _folded(line)
    yield "END:VCALENDAR"


def _events(entry: Entry) -> Iterator[str]:
    """A series and those of it that are otherwise, each as a component of its own."""
    each = list(entry.each())
    alone = each[0] if each and not entry.repeats else None
    if entry.repeats or alone is not None:
        first = alone or Instance(entry, entry.starts_at, entry.starts_at, entry.starts_at, is_cancelled=False)
        ends = [f"RRULE:FREQ=DAILY;INTERVAL={entry.days};COUNT={entry.times}"] if entry.repeats else []
        ends += [_at(entry, "EXDATE", one) for one in sorted(entry.left_out)]
        yield from _event(first, ends)
    for one in each:
        if entry.repeats and (one.is_cancelled or one.begins != one.planned):
            yield from _event(one, [_at(entry, "RECURRENCE-ID", one.planned)])


def _event(one: Instance, more: Sequence[str]) -> Iterator[str]:
    entry = one.entry
    yield from ("BEGIN:VEVENT", f"UID:{entry.uid}", "DTSTAMP:20261101T000000Z", _at(entry, "DTSTART", one.begins))
    if not entry.all_day:
        yield f"DURATION:PT{entry.minutes}M"
    yield from more
    yield f"SUMMARY:{_escaped(entry.title)}"
    yield f"STATUS:{'CANCELLED' if one.is_cancelled else 'CONFIRMED'}"
    yield f"CLASS:{'PRIVATE' if entry.private else 'PUBLIC'}"
    yield f"ORGANIZER:mailto:{entry.organizer or entry.person}"
    for person, said in {entry.person: entry.answer, **entry.people}.items():
        yield f"ATTENDEE;PARTSTAT={'NEEDS-ACTION' if said == 'needsAction' else said.upper()}:mailto:{person}"
    yield "END:VEVENT"


def _at(entry: Entry, name: str, instant: datetime) -> str:
    local = instant.astimezone(ZoneInfo(entry.zone))
    if entry.all_day:
        return f"{name};VALUE=DATE:{local:%Y%m%d}"
    return f"{name};TZID={entry.zone}:{local:%Y%m%dT%H%M%S}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    yield line[:_LINE]
    for start in range(_LINE, len(line), _LINE):
        yield f" {line[start : start + _LINE]}"


def _google(one: Instance, person: str) -> Row:
    entry, identifier = one.entry, made_up_id("google", one.entry.uid, person).replace("-", "")
    stamp = f"{one.planned:%Y%m%dT%H%M%SZ}"
    told: Row = {
        "kind": "calendar#event",
        "id": f"{identifier}_{stamp}" if entry.repeats else identifier,
        "status": "cancelled" if one.is_cancelled else "confirmed",
    }
    if entry.repeats:
        told |= {
            "recurringEventId": identifier,
            "originalStartTime": {"dateTime": _z(one.planned), "timeZone": entry.zone},
        }
        if one.is_cancelled:
            return told  # a cancelled one of a series: nothing else is promised
    said = {entry.person: entry.answer, **entry.people}
    told |= {
        "iCalUID": entry.uid,
        "summary": entry.title,
        "eventType": "default",
        "organizer": {"email": entry.organizer or entry.person},
        "attendees": [
            {"email": email, "responseStatus": answered, **({"self": True} if email == person else {})}
            for email, answered in said.items()
        ],
        **({"visibility": "private"} if entry.private else {}),
    }
    zone = ZoneInfo(entry.zone)
    if entry.all_day:
        return told | {
            "start": {"date": f"{one.begins.astimezone(zone):%Y-%m-%d}"},
            "end": {"date": f"{one.ends.astimezone(zone):%Y-%m-%d}"},
        }
    return told | {"start": {"dateTime": _z(one.begins)}, "end": {"dateTime": _z(one.ends)}}


def _graph(one: Instance, person: str, zone: str) -> Row:
    entry, identifier = one.entry, made_up_id("graph", one.entry.uid, person)
    place = UTC if zone == "UTC" else ZoneInfo(entry.zone)
    invited = [
        {
            "type": "required",
            "status": {"response": _ANSWERS[said], "time": "0001-01-01T00:00:00Z"},
            "emailAddress": {"name": email.partition("@")[0], "address": email},
        }
        for email, said in {entry.person: entry.answer, **entry.people}.items()
    ]
    series: dict[str, Any] = {"type": "singleInstance", "seriesMasterId": None}
    if entry.repeats:
        kind = "exception" if one.begins != one.planned else "occurrence"
        series = {"type": kind, "seriesMasterId": identifier, "originalStart": _z(one.planned)}
    organizer = entry.organizer or entry.person
    return {
        "id": f"{identifier}.{one.planned:%Y%m%d%H%M}" if entry.repeats else identifier,
        "subject": entry.title,
        "start": {"dateTime": f"{one.begins.astimezone(place):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone},
        "end": {"dateTime": f"{one.ends.astimezone(place):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone},
        "isCancelled": one.is_cancelled,
        "isAllDay": entry.all_day,
        "organizer": {"emailAddress": {"name": organizer.partition("@")[0], "address": organizer}},
        "attendees": invited,
        "responseStatus": {"response": "organizer" if organizer == person else _ANSWERS[entry.answer]},
        "sensitivity": "private" if entry.private else "normal",
        **series,
    }


def _z(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
