"""A port of the sandbox: bound all the time, listening only while what answers there is up."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod

HOST = "127.0.0.1"


class Port(ABC):
    """One source's port on this machine; its number is `port`."""

    def __init__(self) -> None:
        self._socket = _bound(0)
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None

    @abstractmethod
    def _protocol(self) -> asyncio.BaseProtocol:
        """What speaks on a new connection."""

    async def open(self) -> None:
        """Accept connections."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(self._protocol, sock=self._socket)

    def close(self) -> None:
        """Refuse connections as `end` does, and keep the port for later."""
        if self._server is not None:
            self.end()
            self._socket = _bound(self.port)
            self._server = None

    def end(self) -> None:
        """Refuse connections, and give the port up."""
        if self._server is not None:
            self._server.close()
        self._socket.close()


def _bound(port: int) -> socket.socket:
    """A bound socket; asyncio sends small answers at once only on one that names TCP as its protocol."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((HOST, port))
    return made
