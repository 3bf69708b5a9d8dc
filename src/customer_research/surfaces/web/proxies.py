"""The header in which the company's reverse proxy says who somebody is: believed of the peers that the settings list, and of no other."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import Request

from customer_research.domain.words import clean
from customer_research.errors import ConfigError
from customer_research.web_settings import SOCKET, WebSettings, network

LONGEST = 320
"""Characters of a name: those of the longest e-mail address."""

MOST_GROUPS = 500
"""Groups that one header may list."""


class Proxy:
    """Reads who somebody is.

    Args:
        web: names the headers and the peers.

    Raises:
        ConfigError: there is a header, and no peer from whom it counts: anybody who reaches the pages could write it.
    """

    def __init__(self, web: WebSettings) -> None:
        if web.user_header and not web.trusted_peers:
            raise ConfigError(
                "The setting web.user_header is on, and no peer is named from whom it counts.",
                setting="web.trusted_peers",
                hint="Name the proxy's address (10.0.0.5), its network, or unix for the Unix socket.",
            )
        self._header, self._groups = web.user_header, web.groups_header
        self._socket = SOCKET in web.trusted_peers
        self._networks = tuple(network(peer) for peer in web.trusted_peers if peer != SOCKET)

    def told(self, request: Request) -> tuple[str, tuple[str, ...]] | None:
        """Who somebody is, and their groups; None: nobody says so who is to be believed."""
        if not self._header or not self._believed(request):
            return None
        named = [one.strip() for one in request.headers.getlist(self._header)]
        if len(named) != 1 or not named[0] or len(named[0]) > LONGEST or clean(named[0]) != named[0]:
            return None  # two of them: one is not the proxy's
        listed = request.headers.getlist(self._groups) if self._groups else []
        groups = [group.strip() for group in listed[0].split(",")] if len(listed) == 1 else []
        return named[0], tuple(group for group in groups[:MOST_GROUPS] if group)

    def _believed(self, request: Request) -> bool:
        """Whether it comes from one of the peers; over the Unix socket nobody has an address."""
        if request.client is None:
            return self._socket
        try:
            here = ip_address(request.client.host)
        except ValueError:
            return False
        plain = getattr(here, "ipv4_mapped", None) or here
        return any(plain in known for known in self._networks)
