"""E-mail as a channel, against the sandbox's mail server: what is written, to whom, over what, and what each failure means."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from far_sides import MailSide, message, outgoing, through
from pydantic import SecretStr, ValidationError

from customer_research.channels import email_
from customer_research.channels.channel import Delayed, NotDelivered, Refused, Unsure
from customer_research.channels.email_ import EmailChannel
from customer_research.channels.settings import EmailSettings
from customer_research.domain.delivery import Address

MADE = message(MailSide.address)
PASSWORD = "s3cret-of-the-mailbox"


@pytest.fixture(scope="module")
def running() -> Iterator[MailSide]:
    side = MailSide(None)  # type: ignore[arg-type]
    yield side
    side.end()


@pytest.fixture
def side(running: MailSide) -> Iterator[MailSide]:
    yield running
    running.fault()
    running.mailbox.clear()


def sent(channel: EmailChannel, made: Any = MADE) -> str:
    return str(through(channel, lambda one: one.send(outgoing(made))))


def test_a_message_is_text_and_html_under_an_id_of_its_key(side: MailSide) -> None:
    remote = sent(side.channel())
    (mail,) = side.mailbox.messages
    assert (mail.sender, mail.readers) == ("research@example.com", ("ada@example.com",))
    written = mail.message
    assert written["Message-ID"] == remote == f"<{MADE.key}@example.com>"
    assert (written["From"], written["To"], written["Subject"]) == (
        "Customer research <research@example.com>",
        "ada@example.com",
        "The week",
    )
    assert written["Auto-Submitted"] == "auto-generated"
    assert written["Date"] == "Sun, 01 Nov 2026 09:30:00 +0000"
    plain, page = (written.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert page is not None
    assert plain.get_content().strip() == "Two operators at risk"
    assert "<p>Two operators at risk</p>" in page.get_content()


def test_pictures_lines_that_begin_with_a_dot_and_other_letters_arrive_as_they_were(side: MailSide) -> None:
    text = ".\n..dots\nÉlan \N{EM DASH} 東京\n" + "x" * 3000
    pictures = [{"cid": "one@charts", "base64": base64.b64encode(b"\x89PNG").decode()}]
    content = {"text": text, "html": "<img src='cid:one@charts'>", "pictures": pictures}
    sent(side.channel(), message(MailSide.address, title="Élan\N{EM DASH}\nBcc: x@example.com", content=content))
    written = side.mailbox.messages[0].message
    assert written["Subject"] == "Élan\N{EM DASH} Bcc: x@example.com"
    assert written["Bcc"] is None
    plain = written.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == text
    images = [part for part in written.walk() if part.get_content_type() == "image/png"]
    assert [(part["Content-ID"], part.get_content()) for part in images] == [("<one@charts>", b"\x89PNG")]


def test_a_message_that_continues_a_thread_names_its_beginning(side: MailSide) -> None:
    sent(side.channel(), message(MailSide.address, "later", after=MADE.key))
    written = side.mailbox.messages[0].message
    assert written["In-Reply-To"] == written["References"] == f"<{MADE.key}@example.com>"


@pytest.mark.parametrize(
    ("place", "expected", "said"),
    [
        ("bounce@example.com", Refused, r"\(550\)"),
        ("busy@example.com", Delayed, r"\(450\)"),
        ("ada", Refused, "address"),
        ("ada@example.com, eve@example.com", Refused, "address"),
        ("Ada <ada@example.com>", Refused, "address"),
        ("ada@example.com\r\nRCPT TO:<eve@example.com>", Refused, "address"),
        ("äda@example.com", Refused, "address"),
    ],
)
def test_an_address_is_one_reader_or_refused(
    side: MailSide, place: str, expected: type[NotDelivered], said: str
) -> None:
    with pytest.raises(expected, match=said) as failed:
        sent(side.channel(), message(Address("email", place)))
    assert "ada" not in failed.value.message
    assert side.mailbox.messages == []


@pytest.mark.parametrize(
    ("kind", "expected"), [("http500", Delayed), ("http429", Delayed), ("auth", Refused), ("down", Delayed)]
)
def test_a_server_that_says_no_has_not_taken_the_message(
    side: MailSide, kind: str, expected: type[NotDelivered]
) -> None:
    side.fault(kind)
    with pytest.raises(expected):
        sent(side.channel())
    assert side.mailbox.messages == []


@pytest.mark.parametrize("kind", ["drop", "slow"])
def test_a_server_that_does_not_answer_the_last_step_may_have_taken_it(side: MailSide, kind: str) -> None:
    side.fault(kind)
    channel = side.channel(seconds=0.5)
    with pytest.raises(Unsure):
        sent(channel)
    seen = asyncio.run(channel.look_up(outgoing(MADE)))
    assert seen.found == "cannot_tell"


def test_what_was_not_handed_over_in_time_is_not_handed_over(side: MailSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_, "BEGUN_WITHIN", -1.0)
    with pytest.raises(Delayed, match="too slow"):
        sent(side.channel())
    assert side.mailbox.messages == []


def test_a_server_that_is_not_there_is_tried_again_and_one_that_is_not_set_is_refused(side: MailSide) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Delayed, match="cannot be reached"):
        sent(side.channel(port=port))
    with pytest.raises(Refused) as refused:
        sent(EmailChannel(EmailSettings.model_validate({})))
    assert refused.value.hint == "Set email.host."
    with pytest.raises(Refused) as refused:
        sent(side.channel(sender="nobody"))
    assert refused.value.hint == "Set email.sender."


def test_a_server_can_be_greeted_without_sending(side: MailSide) -> None:
    assert asyncio.run(side.channel().greeted()) == "127.0.0.1"
    assert side.mailbox.messages == []


def test_a_password_never_goes_to_another_machine_in_the_clear() -> None:
    with pytest.raises(ValidationError, match="must not be none"):
        EmailSettings.model_validate({"host": "mail.example.com", "security": "none"})
    for host in ("127.0.0.1", "::1", "localhost"):
        EmailSettings.model_validate({"host": host, "security": "none"})


# -- TLS ---------------------------------------------------------------------------------------------------------------


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "mail.pem", folder / "mail.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return certificate, context


def _signs_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"research", PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MailSide, Path]]:
    """A server that takes mail over STARTTLS alone, from who signs in."""
    certificate, context = _certificate(tmp_path_factory.mktemp("certificate"))
    side = MailSide(
        None,  # type: ignore[arg-type]
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_signs_in,
    )
    yield side, certificate
    side.end()


def test_who_signs_in_over_tls_may_send(guarded: tuple[MailSide, Path]) -> None:
    side, certificate = guarded
    own: dict[str, Any] = {"security": "starttls", "ca_file": certificate, "user": "research"}
    sent(side.channel(**own, password=SecretStr(PASSWORD)))
    assert side.arrived(MADE) == 1
    for password in (SecretStr("wrong"), None):
        with pytest.raises(Refused) as refused:
            sent(side.channel(**own, password=password))
        assert "wrong" not in f"{refused.value.message}{refused.value.hint}"
    assert side.arrived(MADE) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(guarded: tuple[MailSide, Path]) -> None:
    side, certificate = guarded
    with pytest.raises(Refused, match="certificate"):
        sent(side.channel(security="starttls", user="research", password=SecretStr(PASSWORD)))
    with pytest.raises(Refused, match="certificate"):
        sent(side.channel(security="starttls", ca_file=certificate, host="localhost"))


def test_a_server_without_tls_gets_nothing(side: MailSide) -> None:
    with pytest.raises(Refused, match="no TLS"):
        sent(side.channel(security="starttls"))
    with pytest.raises((Delayed, Refused)):
        sent(side.channel(security="tls"))
    with pytest.raises(Refused, match=r"no TLS|sign"):
        sent(side.channel(user="research", password=SecretStr(PASSWORD)))
    assert side.mailbox.messages == []


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    certificate, context = _certificate(tmp_path)
    listener = socket.create_server(("127.0.0.1", 0))
    said: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as line:
            line.sendall(b"220 ready\r\n")
            while command := line.recv(1000):
                said.append(command)
                line.sendall(b"221 bye\r\n" if command.startswith(b"QUIT") else b"250 ok\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    given = {"host": "127.0.0.1", "port": listener.getsockname()[1], "security": "tls", "sender": "a@example.com"}
    settings = EmailSettings.model_validate({**given, "ca_file": certificate})
    assert asyncio.run(EmailChannel(settings).greeted()) == "127.0.0.1"
    thread.join(5)
    listener.close()
    assert said[0].lower().startswith(b"ehlo")
