"""A mail server on a loopback port: it takes every message and keeps it. It needs aiosmtpd, which the extra `delivery` brings.

Addresses that begin with `bounce` are refused for good, those with `busy` for now. Faults (source `email`): `down` (at a lower
rate the connection is cut when it is made), `slow`, `http500` (451), `http429` (421), `auth` (530), `drop` (the message is taken,
and the connection cut before the answer).
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.mail import Mail, Mailbox
from customer_research_sandbox.servers.port import Port

SOURCE = "email"
_REFUSALS = {"http500": "451 Try again later", "http429": "421 Too many messages", "auth": "530 Sign in first"}


class MailHandler:
    """What the server does with what it is told."""

    def __init__(self, mailbox: Mailbox, controls: Controls) -> None:
        self._mailbox = mailbox
        self._controls = controls

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and form
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether a message for an address is taken."""
        del server, session, options
        name = address.partition("@")[0].lower()
        if name.startswith("bounce"):
            return "550 There is no such mailbox"
        if name.startswith("busy"):
            return "450 The mailbox is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message, unless a fault is in force."""
        del session
        fault = self._controls.faults.draw(SOURCE)
        if fault == "slow":
            await asyncio.sleep(self._controls.slow_seconds)
        elif fault in _REFUSALS:
            return _REFUSALS[fault]
        content = envelope.original_content or b""
        self._mailbox.keep(Mail(str(envelope.mail_from), tuple(map(str, envelope.rcpt_tos)), content))
        if fault == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


class MailListener(Port):
    """The server's port."""

    def __init__(self, mailbox: Mailbox, controls: Controls, **how: Any) -> None:
        super().__init__()
        self._handler = MailHandler(mailbox, controls)
        self._controls = controls
        self._how = how

    def _protocol(self) -> SMTP:
        return _Conversation(self._handler, self._controls, hostname="sandbox", **self._how)


class _Conversation(SMTP):
    """A connection that a `down` fault may cut when it is made."""

    def __init__(self, handler: MailHandler, controls: Controls, **how: Any) -> None:
        super().__init__(handler, loop=asyncio.get_running_loop(), **how)
        self._controls = controls

    def connection_made(self, transport: Any) -> None:
        """Greet, unless the server is down for this one."""
        super().connection_made(transport)
        if self._controls.faults.cuts(SOURCE):
            transport.abort()
