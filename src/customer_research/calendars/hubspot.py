"""The meetings of HubSpot: those that were booked through it, or that people log there, with the companies they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from customer_research.calendars.settings import address_of
from customer_research.connect.concurrent import both, chunks
from customer_research.connect.paging import Page, every
from customer_research.connect.request_log import RequestLog
from customer_research.domain import values
from customer_research.domain.evidence import Gap
from customer_research.domain.meeting import CalendarReading, Occurrence, OccurrenceState, Window
from customer_research.domain.values import UnreadableError
from customer_research.errors import SchemaChanged
from customer_research.sources.hubspot.session import OWNERS_PAGE, SEARCH_SIZE, HubSpotSession

NAME = "hubspot"
PROPERTIES = (
    "hs_meeting_title",
    "hs_meeting_start_time",
    "hs_meeting_end_time",
    "hs_meeting_outcome",
    "hubspot_owner_id",
    "hs_attendee_owner_ids",
)
SEARCHED_MOST = 10_000
"""Records that HubSpot lets a search page through."""

ASSOCIATED_AT_ONCE = 1_000
"""Records whose associations one request gives."""

STATES: Mapping[str, OccurrenceState] = {
    "SCHEDULED": "planned",
    "RESCHEDULED": "planned",
    "CANCELED": "cancelled",
    "COMPLETED": "over",
    "NO_SHOW": "over",
}
"""HubSpot's outcomes. A meeting that was rescheduled stands at its new time; any other outcome, which a portal may have added,
leaves it planned while its time is to come."""


class HubSpotMeetings:
    """HubSpot as a calendar, over the session of the source."""

    name = NAME

    def __init__(self, session: HubSpotSession) -> None:
        self._session = session

    async def read(self, window: Window) -> CalendarReading:
        """What begins in a window: HubSpot is asked by the beginning, since a meeting's end may be missing there."""
        log = self._session.log("meetings")
        rows, total = await self._searched(window, log)
        ids = [str(row.get("id")) for row in rows]
        companies, contacts = await both(self._linked("companies", ids, log), self._linked("contacts", ids, log))
        owners = await self._owners(log) if rows else {}
        truncated = total is not None and total > len(rows)
        receipt = log.receipt([{"id": row.get("id"), **_told(row, log)} for row in rows], truncated=truncated)

        def occurrence(row: Mapping[str, Any]) -> Occurrence | None:
            identifier, told = str(row.get("id")), _told(row, log)
            start = _instant(told.get("hs_meeting_start_time"))
            if start is None or not window.holds(start):
                return None
            owner = owners.get(str(told.get("hubspot_owner_id") or ""), "")
            also = (owners.get(one.strip(), "") for one in str(told.get("hs_attendee_owner_ids") or "").split(";"))
            return Occurrence(
                calendar=NAME,
                uid=identifier,
                original=None,
                owner=owner,
                starts_at=start,
                ends_at=max(_instant(told.get("hs_meeting_end_time")) or start, start),
                title=str(told.get("hs_meeting_title") or ""),
                state=STATES.get(str(told.get("hs_meeting_outcome") or "").upper(), "planned"),
                people=tuple(dict.fromkeys(one for one in (owner, *also) if one)),
                receipt=receipt,
                companies=tuple(companies.get(identifier, ())),
                contacts=tuple(contacts.get(identifier, ())),
            )

        found = tuple(one for row in rows if (one := occurrence(row)) is not None)
        gaps = (self._cut(len(rows), total),) if truncated else ()
        return CalendarReading(NAME, found, gaps, whole=not truncated, under_way=False)

    async def close(self) -> None:
        """Nothing: the session is the source's."""

    async def _searched(self, window: Window, log: RequestLog) -> tuple[list[Mapping[str, Any]], int | None]:
        terms = [
            {"propertyName": "hs_meeting_start_time", "operator": operator, "value": str(int(at.timestamp() * 1000))}
            for operator, at in (("GTE", window.since), ("LT", window.until))
        ]
        totals: list[int | None] = []

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            body = {"properties": list(PROPERTIES), "limit": SEARCH_SIZE, "after": cursor or "0"}
            rows, total, following = await self._session.search("meetings", log, *terms, **body)
            totals.append(total)
            beyond = following is not None and following.isdigit() and int(following) + SEARCH_SIZE > SEARCHED_MOST
            return Page(rows, None if beyond else following)

        found = await every(self._session.http, log, ask)
        return found.records, totals[0]

    async def _linked(self, to: str, ids: Sequence[str], log: RequestLog) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for some in chunks(ids, ASSOCIATED_AT_ONCE):
            found |= await self._session.associations("meetings", to, some, log)
        return found

    async def _owners(self, log: RequestLog) -> Mapping[str, str]:
        """The e-mail addresses of HubSpot's owners by id."""

        async def ask(cursor: str | None, log: RequestLog) -> Page:
            http = self._session.http
            reply = await http.read(self._session.paths.owners, log, params={"limit": OWNERS_PAGE, "after": cursor})
            following = ((reply.get("paging") or {}).get("next") or {}).get("after")
            return Page(http.results(reply, log), str(following) if following else None)

        found = await every(self._session.http, log, ask)
        return {str(one.get("id")): address_of(str(one["email"])) for one in found.records if one.get("email")}

    @staticmethod
    def _cut(given: int, total: int | None) -> Gap:
        detail = f"HubSpot has {total:,} meetings in this time and gives {given:,} of them."
        return Gap(NAME, "truncated", detail, "Lower meetings.days_ahead.")


def _told(row: Mapping[str, Any], log: RequestLog) -> Mapping[str, Any]:
    properties = row.get("properties")
    if not isinstance(properties, Mapping) or "hs_meeting_start_time" not in properties:
        sentence = "HubSpot's meetings have no hs_meeting_start_time."
        raise SchemaChanged(sentence, source=NAME, stream=log.stream, hint="Run `customer-research doctor --online`.")
    return properties


def _instant(value: Any) -> datetime | None:
    try:
        return values.instant(value)
    except UnreadableError:
        return None
