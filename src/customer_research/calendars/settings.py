"""What meetings and calendars need to be told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from customer_research.connect.settings import SettingsPart, VendorSettings


def address_of(text: str) -> str:
    """An e-mail address as calendars are compared by it: in lower case, without `mailto:`."""
    return text.strip().casefold().removeprefix("mailto:").strip()


def _addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all("@" in one.strip("@") for one in value):
        raise ValueError("holds something that is no e-mail address")
    return tuple(map(address_of, value))


class MeetingsSettings(SettingsPart):
    """Meetings with operators: who is ours, how far ahead calendars are read, when briefs come."""

    own_domains: tuple[str, ...] = Field(
        (), description="Our own mail domains: people there are no customers, and a meeting among them is internal"
    )
    hubspot: bool = Field(default=True, description="Read the meetings of HubSpot, where a token for it is set")
    days_ahead: int = Field(14, ge=2, le=60, description="How many days ahead calendars are read")
    brief_hours: tuple[float, ...] = Field(
        (24, 1), description="How many hours before a meeting its brief comes; empty: never"
    )
    zone: str = Field("UTC", description="Time zone of hours for which a calendar names none (IANA, Europe/London)")

    @field_validator("own_domains")
    @classmethod
    def _domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(one.strip().casefold().removeprefix("@").removeprefix("www.") for one in value)
        if not all("." in one and "/" not in one and "@" not in one for one in found):
            raise ValueError("holds something that is no mail domain; write example.com")
        return found

    @field_validator("brief_hours")
    @classmethod
    def _hours(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < hours <= 24 * 7 for hours in value):
            raise ValueError("has hours beyond 0 to 168")
        return tuple(sorted(set(value), reverse=True))

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        from customer_research.domain.zones import known  # noqa: PLC0415 - start-up time

        if not known(value):
            raise ValueError("is no time zone; write Europe/London")
        return value


class IcsSettings(SettingsPart):
    """Calendar feeds (iCalendar): whose calendar lies at which address. An address is a secret: who has it reads the calendar."""

    feeds: Mapping[str, SecretStr] = Field(
        default_factory=dict, description="Our people's e-mail addresses, each with the address of that calendar's feed"
    )
    allow_private: bool = Field(
        default=False, description="Feeds may lie in a private network, and be read over http: your own server's"
    )
    max_mb: float = Field(5, gt=0, description="Megabytes of one feed")
    max_entries: int = Field(20_000, ge=1, description="Entries of one feed")
    seconds: float = Field(20, gt=0, description="Seconds within which a feed's repetitions have to be worked out")

    @field_validator("feeds")
    @classmethod
    def _feeds(cls, value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        if not all("@" in owner.strip("@") for owner in value):
            raise ValueError("holds something that is no e-mail address")
        if not all(
            urlsplit(one.get_secret_value().strip()).scheme in {"http", "https", "webcal"} for one in value.values()
        ):
            raise ValueError("holds something that is no https address")
        return {address_of(owner): one for owner, one in value.items()}


class GoogleSettings(VendorSettings):
    """Google Calendar, read by a service account: with domain-wide delegation, or calendars that are shared with it."""

    section = "google"
    place = 20
    credential = "key_file"

    url: str = Field("https://www.googleapis.com/calendar/v3", description="API base")
    key_file: Path | None = Field(None, description="The service account's key (JSON, as Google gives it)")
    calendars: tuple[str, ...] = Field((), description="Whose calendars are read: e-mail addresses")
    delegated: bool = Field(
        default=True,
        description="The account acts for each person (domain-wide delegation); else calendars are shared with it",
    )
    requests_per_second: float = Field(5, gt=0, description="Requests a second")
    concurrency: int = Field(4, ge=1, description="Requests under way at once")

    _people = field_validator("calendars")(_addresses)

    @property
    def secret(self) -> str:
        """The file of the key."""
        return str(self.key_file or "")


class MicrosoftSettings(VendorSettings):
    """Outlook calendars over Microsoft Graph, read by an application with the permission Calendars.Read."""

    section = "microsoft"
    place = 21
    credential = "client_secret"

    url: str = Field("https://graph.microsoft.com/v1.0", description="API base")
    login_url: str = Field("https://login.microsoftonline.com", description="Where tokens are given")
    tenant: str = Field("", description="Directory (tenant) id")
    client_id: str = Field("", description="Application (client) id")
    client_secret: SecretStr | None = Field(None, description="The application's secret")
    calendars: tuple[str, ...] = Field((), description="Whose calendars are read: e-mail addresses")
    requests_per_second: float = Field(5, gt=0, description="Requests a second")
    concurrency: int = Field(4, ge=1, description="Requests under way at once")

    _people = field_validator("calendars")(_addresses)
