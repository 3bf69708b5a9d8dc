"""Requests to addresses that people write into settings: over https, to the public network alone, whatever a name leads to.

A name is resolved here, its addresses are judged, and the connection goes to the very address that was judged: a name that
leads elsewhere a moment later changes nothing. Redirects are not followed by the client; who follows one asks here again.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx2

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) → its addresses, as the system's resolver tells them."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that stand for an IPv4 address in their last 32 bits."""


class NotPublicError(Exception):
    """The address is not https, or leads into a private network; the text says which, without naming the address."""


def is_public(address: str) -> bool:
    """Whether an IP address is reached over the public network, whatever it is wrapped in."""
    found = ip_address(address.partition("%")[0])
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    return found.is_global and not found.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class PublicTransport(httpx2.AsyncBaseTransport):
    """A transport that reaches the public network alone.

    Args:
        resolve: gives the addresses of a name.
        inner: what sends; the client's usual transport without a proxy, which would resolve names by itself.
    """

    def __init__(self, resolve: Resolve = resolved, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._resolve = resolve
        self._inner = inner or httpx2.AsyncHTTPTransport(verify=httpx2.create_ssl_context(), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request to the address that was judged; the certificate has to be the name's.

        Raises:
            NotPublicError: it must not be sent.
            ConnectError: the name has no address.
        """
        if request.url.scheme != "https":
            raise NotPublicError("it does not begin with https://")
        host = request.url.host
        try:
            addresses = await self._resolve(host, request.url.port or 443)
        except OSError:
            raise httpx2.ConnectError("the name has no address", request=request) from None
        if not addresses or not all(map(is_public, addresses)):
            raise NotPublicError("it leads into a private network")
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=addresses[0]),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Close the pool."""
        await self._inner.aclose()
