"""The calendars that the settings name, opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Unpack

from customer_research.calendars.settings import GoogleSettings, IcsSettings, MeetingsSettings, MicrosoftSettings
from customer_research.connect.failures import gap_of
from customer_research.connect.http import Doubles
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.domain.evidence import Gap
from customer_research.errors import ConfigError
from customer_research.sources.hubspot.settings import HubSpotSettings

if TYPE_CHECKING:
    from customer_research.calendars.calendar import Calendar
    from customer_research.sources.hubspot.session import HubSpotSession


class CalendarTree(SettingsTree, Protocol):
    """All settings, as calendars see them."""

    @property
    def meetings(self) -> MeetingsSettings:
        """Meetings in general."""

    @property
    def ics(self) -> IcsSettings:
        """Calendar feeds."""


def names(settings: CalendarTree) -> tuple[str, ...]:
    """The calendars that the settings name."""
    google, microsoft = settings.of(GoogleSettings), settings.of(MicrosoftSettings)
    hubspot = settings.meetings.hubspot and settings.of(HubSpotSettings).missing() is None
    return (
        *(("hubspot",) if hubspot else ()),
        *(f"ics:{owner}" for owner in settings.ics.feeds),
        *(f"google:{person}" for person in google.calendars),
        *(f"microsoft:{person}" for person in microsoft.calendars),
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """The calendars, in the order in which they are told, and why others could not be opened. `close` each."""

    calendars: tuple[Calendar, ...]
    gaps: tuple[Gap, ...]


def opened(settings: CalendarTree, clock: Clock, hubspot: HubSpotSession | None, **doubles: Unpack[Doubles]) -> Opened:
    """Every calendar of the settings. What is wrong with one of them keeps no other from being read.

    Args:
        settings: say which.
        clock: the present instant.
        hubspot: the open session of the source; None: it has none, or its meetings are not wanted.
        doubles: what tests put in the place of the network and of time.
    """
    found: list[Calendar] = []
    gaps: list[Gap] = []
    for source, opening in _OPENINGS.items():
        try:
            found += opening(settings, clock, hubspot, doubles)
        except ConfigError as error:
            gaps.append(gap_of(error, source))
    return Opened(tuple(found), tuple(gaps))


def _hubspot(
    _settings: CalendarTree, _clock: Clock, hubspot: HubSpotSession | None, _doubles: Doubles
) -> Sequence[Calendar]:
    if hubspot is None:
        return ()
    from customer_research.calendars.hubspot import HubSpotMeetings  # noqa: PLC0415 - start-up time

    return (HubSpotMeetings(hubspot),)


def _ics(settings: CalendarTree, clock: Clock, _hubspot: HubSpotSession | None, doubles: Doubles) -> Sequence[Calendar]:
    if not settings.ics.feeds:
        return ()
    from customer_research.calendars.ics import feeds  # noqa: PLC0415 - start-up time

    return feeds(settings.ics, settings.meetings.zone, settings, clock, **doubles)


def _google(
    settings: CalendarTree, clock: Clock, _hubspot: HubSpotSession | None, doubles: Doubles
) -> Sequence[Calendar]:
    own = settings.of(GoogleSettings)
    if not own.calendars:
        return ()
    from customer_research.calendars.google import GoogleCalendar  # noqa: PLC0415 - start-up time

    return [GoogleCalendar(one, own, settings, clock, **doubles) for one in own.calendars]


def _microsoft(
    settings: CalendarTree, clock: Clock, _hubspot: HubSpotSession | None, doubles: Doubles
) -> Sequence[Calendar]:
    own = settings.of(MicrosoftSettings)
    if not own.calendars:
        return ()
    from customer_research.calendars.microsoft import MicrosoftCalendar, MicrosoftLogin  # noqa: PLC0415 - start-up time

    login = MicrosoftLogin(own, settings, clock, **doubles)
    return [MicrosoftCalendar(one, login) for one in own.calendars]


_OPENINGS = {"hubspot": _hubspot, "ics": _ics, "google": _google, "microsoft": _microsoft}
