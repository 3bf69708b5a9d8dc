"""E-mail: one message of text and HTML to one reader, over SMTP with TLS.

A mail server has no key of ours, and nobody can ask it later: a message whose last step went unanswered is not known to be sent.
All steps before that one leave nothing behind, so that they are tried again.
"""

from __future__ import annotations

import asyncio
import base64
import smtplib
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, ClassVar

from customer_research.channels.channel import Delayed, Outgoing, Refused, Sighting, Unsure
from customer_research.channels.settings import EmailSettings

_READY, _TAKEN, _FORWARDED, _PERMANENT = 354, 250, 251, 500

BEGUN_WITHIN = 60.0
"""Seconds within which a message is handed over, or not at all: whoever else may have it by then would send it, too."""

_POLICY = policy.SMTP.clone(max_line_length=998)


class EmailChannel:
    """Messages over one mail server.

    Args:
        settings: the server, and whom messages are from.
    """

    title: ClassVar[str] = "E-mail"

    def __init__(self, settings: EmailSettings) -> None:
        self._own = settings
        _, at, domain = parseaddr(settings.sender)[1].rpartition("@")
        self._domain = domain if at else ""

    async def send(self, outgoing: Outgoing) -> str:
        """Hand the message to the server; see `Channel.send`."""
        self._require()
        written = self._message(outgoing)
        await asyncio.to_thread(self._hand_over, outgoing.message.address.place, written)
        return str(written["Message-ID"])

    async def look_up(self, outgoing: Outgoing) -> Sighting:
        """Nobody can ask a mail server what it has taken."""
        del outgoing
        return Sighting("cannot_tell", because="A mail server cannot be asked whether it took a message.")

    async def close(self) -> None:
        """Nothing is open between messages."""

    async def greeted(self) -> str:
        """Connect and sign in without sending anything; the server's name.

        Raises:
            Refused, Delayed: as `send`.
        """
        self._require()

        def work() -> str:
            with self._session():
                return self._own.host

        return await asyncio.to_thread(work)

    def _require(self) -> None:
        for name, value in (("host", self._own.host), ("sender", self._domain)):
            if not value:
                raise Refused("No mail server is set up.", hint=f"Set email.{name}.")

    # -- the message ---------------------------------------------------------------------------------------------------

    def _id_of(self, key: str) -> str:
        return f"<{key}@{self._domain}>"

    def _message(self, outgoing: Outgoing) -> EmailMessage:
        """The message as it is sent, the same each time.

        Raises:
            Refused: an address or a title that no header holds.
        """
        message, content = outgoing.message, outgoing.message.content
        written = EmailMessage(policy=_POLICY)
        try:
            written["From"] = self._own.sender
            written["To"] = message.address.place
            readers = written["To"].addresses
            written["Subject"] = " ".join(message.title.split())
            written["Date"] = format_datetime(outgoing.put_at)
            written["Message-ID"] = self._id_of(outgoing.key)
            if message.after:
                written["In-Reply-To"] = written["References"] = self._id_of(message.after)
            written["Auto-Submitted"] = "auto-generated"
            written.set_content(str(content.get("text") or ""), cte="quoted-printable")
            if content.get("html"):
                written.add_alternative(str(content["html"]), subtype="html", cte="quoted-printable")
                _add_pictures(written, content.get("pictures") or ())
        except (ValueError, MessageError, IndexError):  # a broken address; the text would quote it
            raise Refused("The address or the title is nothing that an e-mail can have.") from None
        reader = message.address.place
        if not reader.isascii() or [one.addr_spec for one in readers] != [reader] or "@" not in reader.strip("@"):
            raise Refused("The address is none of one reader.", hint="Write name@example.com.")
        return written

    # -- the server ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A session with the server, signed in; what fails in it is told as `Refused` or `Delayed`: nothing was sent yet."""
        server: smtplib.SMTP | None = None
        try:
            server = self._connected()
            self._introduced(server)
            yield server
        except ssl.SSLCertVerificationError:
            raise Refused(
                "The mail server's certificate is not trusted.", hint="Check email.host and email.ca_file."
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            raise _answered(
                "The mail server did not sign us in", error.smtp_code, "Check email.user and email.password."
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise Refused(
                "The mail server has no TLS, or no sign-in.", hint="Check email.security and email.port."
            ) from None
        except smtplib.SMTPResponseException as error:
            raise _answered("The mail server refused", error.smtp_code) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Delayed(
                f"The mail server cannot be reached ({type(error).__name__}).", hint="Check email.host."
            ) from None
        finally:
            if server is not None:
                with suppress(OSError, smtplib.SMTPException):
                    server.quit()
                server.close()

    def _connected(self) -> smtplib.SMTP:
        own = self._own
        if own.security == "tls":
            return smtplib.SMTP_SSL(own.host, own.port, timeout=own.seconds, context=self._tls())
        return smtplib.SMTP(own.host, own.port, timeout=own.seconds)

    def _introduced(self, server: smtplib.SMTP) -> None:
        """Greet, go over to TLS, and sign in, as the settings say."""
        own = self._own
        server.ehlo_or_helo_if_needed()
        if own.security == "starttls":
            server.starttls(context=self._tls())
            server.ehlo()
        if own.user:
            server.login(own.user, own.password.get_secret_value() if own.password else "")

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._own.ca_file) if self._own.ca_file else None)

    def _hand_over(self, reader: str, written: EmailMessage) -> None:
        """Say who writes to whom, then hand the message over: only the last answer decides.

        Raises:
            Refused, Delayed: it was not taken.
            Unsure: it was handed over, and the server did not answer.
        """
        begun = time.monotonic()
        with self._session() as server:
            _step(server.mail(parseaddr(self._own.sender)[1]), "The mail server does not take messages from the sender")
            _step(server.rcpt(reader), "The mail server does not take messages for this address")
            if time.monotonic() - begun > BEGUN_WITHIN:
                raise Delayed("The mail server is too slow.")
            _step(server.docmd("DATA"), "The mail server does not take the message")
            try:
                server.send(_dotted(written.as_bytes()))
                code, _said = server.getreply()
            except (OSError, smtplib.SMTPException):
                raise Unsure("The mail server did not answer after it was handed the message.") from None
            if code != _TAKEN:
                raise _answered("The mail server did not take the message", code)


def _step(answer: tuple[int, bytes], otherwise: str) -> None:
    code = answer[0]
    if code not in {_TAKEN, _FORWARDED, _READY}:
        raise _answered(otherwise, code)


def _answered(sentence: str, code: int, hint: str = "") -> Refused | Delayed:
    """What an SMTP code means: 5xx is for good."""
    said = f"{sentence} ({code})."
    return Refused(said, hint=hint) if code >= _PERMANENT else Delayed(said, hint=hint)


def _dotted(content: bytes) -> bytes:
    """A message as DATA takes it: no line of it ends it, its end does."""
    lines = content.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"


def _add_pictures(written: EmailMessage, pictures: Any) -> None:
    """Pictures inside the HTML, by content id."""
    page = written.get_payload()[1]  # type: ignore[index] # the HTML part, added second
    assert isinstance(page, EmailMessage)
    for picture in pictures:
        assert isinstance(picture, Mapping)
        cid = str(picture["cid"])
        page.add_related(
            base64.b64decode(str(picture["base64"])),
            "image",
            "png",
            cid=f"<{cid}>",
            disposition="inline",
            filename=f"{cid.partition('@')[0]}.png",
        )
