"""Access tokens that a vendor gives for an hour: held in memory alone, never kept, never in a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack

from pydantic import Field, SecretStr

from customer_research.connect.http import Doubles, Http, Token, Vendor
from customer_research.connect.settings import SettingsTree, VendorSettings
from customer_research.connect.source import Clock
from customer_research.errors import BadAnswer, Denied


class TokenAccess(VendorSettings):
    """A vendor's place as a connection takes it: where tokens are given, or where one is used."""

    section = "calendars"
    place = 0

    url: str = ""
    token: SecretStr | None = None
    sent: Mapping[str, str] = Field(default_factory=dict)
    requests_per_second: float = 5
    concurrency: int = 4

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with every request."""
        return dict(self.sent)


def opened(  # noqa: PLR0917 - what a connection is made of
    vendor: Vendor,
    own: VendorSettings,
    url: str,
    secret: str,
    settings: SettingsTree,
    clock: Clock,
    *,
    headers: Mapping[str, str] | None = None,
    named: str = "",
    located: str = "url",
    token: Token | None = None,
    **doubles: Unpack[Doubles],
) -> Http:
    """A connection of a vendor to one of its places; errors name the vendor's own settings.

    Args:
        vendor: what the vendor is called.
        own: its settings: limits, and what is told where something is missing.
        url: the place.
        secret: what is struck out of all that is told.
        settings: what holds for every vendor.
        clock: the present instant.
        headers: what is sent with every request.
        named: the setting that errors name; empty: the one that holds the vendor's credential.
        located: the setting that says where the place is, for errors.
        token: as `Http` has it.
        doubles: as `Http` has them.

    Raises:
        ConfigError: the secret is not set, or the address is none.
    """

    class Access(TokenAccess):
        section = own.section
        credential = named or own.credential
        placed_by = located

        @property
        def secret(self) -> str:
            return secret

        def missing(self) -> Any:
            return own.missing()

    given = Access(
        url=url,
        sent=headers or {},
        requests_per_second=own.requests_per_second,
        concurrency=own.concurrency,
    )
    return Http(vendor, given, settings, clock, token=token, **doubles)


@dataclass(frozen=True, slots=True)
class Granted:
    """An access token, and for how many seconds it holds (None: that was not told)."""

    token: str = field(repr=False)
    seconds: float | None


async def token_of(http: Http, path: str, form: Mapping[str, str], setting: str) -> str:
    """The access token that a form gives (OAuth 2.0).

    Raises:
        SourceError: as `granted`.
    """
    return (await granted(http, path, form, setting)).token


async def granted(http: Http, path: str, form: Mapping[str, str], setting: str) -> Granted:
    """The access token that a form gives (OAuth 2.0), and for how long it holds.

    Raises:
        Denied: the credential is refused, whatever status says so.
        SourceError: as `Http.send`.
    """
    log = http.log("token")
    try:
        reply = await http.send("POST", path, form=form, log=log)
    except BadAnswer as error:
        hint = f"Check {setting}; `customer-research doctor --online` tries it."
        raise http.error(Denied, error.message, log.stream, hint) from None
    told = http.mapping(reply.body, log)
    token, seconds = told.get("access_token"), told.get("expires_in")
    if isinstance(token, str) and token:
        return Granted(token, float(seconds) if isinstance(seconds, (int, float)) else None)
    raise http.error(BadAnswer, f"{http.vendor.title} gave no access token.", log.stream, f"Check {setting}.")
