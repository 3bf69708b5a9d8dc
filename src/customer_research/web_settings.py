"""What the web pages need to be told: their address, who signs people in, and what a group of the company may do and see."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from customer_research.connect.settings import SettingsPart
from customer_research.domain.access import Permission

ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
LOOPBACK = re.compile(r"http://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?(/|$)")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")

SOCKET = "unix"
"""The word for whoever comes by the Unix socket that the pages are served on."""

OWN_HEADERS = frozenset({"host", "cookie", "authorization", "origin", "referer", "user-agent", "content-type"})
"""What browsers say of themselves: no proxy tells by it who somebody is."""


class RoleSettings(SettingsPart):
    """What members of some groups may do and see."""

    groups: tuple[str, ...] = Field(description="The identity provider's groups whose members have it")
    permissions: tuple[Permission, ...] = Field(("read",), description="read, act, finance, personal")
    book: Literal["own", "all"] = Field("own", description="Whose operators: those of their own book, or all")

    def __str__(self) -> str:
        whose = "own book" if self.book == "own" else "all"
        return f"{', '.join(self.groups)}: {', '.join(self.permissions)} ({whose})"


class WebSettings(SettingsPart):
    """The web pages (`web serve`)."""

    url: str = Field(
        "",
        description="Their address as browsers know it (https://research.example.com), without a path; empty: this machine's",
    )
    client_id: str = Field(
        "",
        description="What your identity provider (oidc.issuer) calls these pages: people sign in there; empty: they do not",
    )
    client_secret: SecretStr | None = Field(None, description="With what these pages prove to it that it is they")
    scopes: tuple[str, ...] = Field(("openid", "email", "profile"), description="What it is asked to tell of people")
    groups_claim: str = Field("groups", description="The claim of its ID tokens that lists somebody's groups")
    roles: Mapping[str, RoleSettings] = Field(
        default_factory=dict,
        description="Names, each with groups, permissions (read, act, finance, personal) and book (own or all); empty: nobody"
        " who signs in there may see anything",
    )
    user_header: str = Field(
        "",
        description="The header in which your reverse proxy says who somebody is, by e-mail address; empty: none is believed",
    )
    groups_header: str = Field("", description="The header in which it lists their groups, between commas")
    trusted_peers: tuple[str, ...] = Field(
        (), description="From where those headers count: addresses or networks of the proxy, or unix (the Unix socket)"
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        """Cookies go there: over https, or to this machine."""
        if value and (not ADDRESS.fullmatch(value) or (value.startswith("http:") and not LOOPBACK.match(value))):
            raise ValueError("is no https address; write https://research.example.com")
        if value.rstrip("/").count("/") > 2:  # noqa: PLR2004 - those of https://
            raise ValueError("must have no path; write https://research.example.com")
        return value.rstrip("/")

    @field_validator("scopes")
    @classmethod
    def _tells_who(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("must have openid: without it nobody is told who somebody is")
        return value

    @field_validator("user_header", "groups_header")
    @classmethod
    def _header(cls, value: str) -> str:
        if value and (not _HEADER.fullmatch(value) or value.lower() in OWN_HEADERS):
            raise ValueError("is no header that a proxy tells by; write X-Forwarded-Email")
        return value.lower()

    @field_validator("trusted_peers")
    @classmethod
    def _peers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for peer in value:
            if peer != SOCKET and network(peer).prefixlen == 0:
                raise ValueError(f"must not hold {peer}: everybody would be believed")
        return value

    def granted(self, groups: Collection[str]) -> tuple[frozenset[Permission], bool]:
        """What members of these groups may do and see, and whether of their own book alone.

        Who has roles of both kinds sees everybody's operators, with what the roles for everybody's grant: nothing is granted for
        all that a role grants for one book.
        """
        held = [role for role in self.roles.values() if set(role.groups) & set(groups)]
        whole = [role for role in held if role.book == "all"]
        return frozenset(one for role in whole or held for one in role.permissions), not whole


def network(peer: str) -> IPv4Network | IPv6Network:
    """An address or a network, as it is written in settings.

    Raises:
        ValueError: it is none.
    """
    try:
        return ip_network(peer)
    except ValueError:
        raise ValueError(
            f"is neither an address, a network, nor unix: {peer[:60]}; write 10.0.0.5 or 10.0.0.0/24"
        ) from None
