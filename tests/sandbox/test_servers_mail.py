"""The sandbox's mail server, asked by Python's own client: what it takes, refuses and loses."""

from __future__ import annotations

import smtplib
import sys
from urllib.parse import urlsplit

import pytest
from sandbox_caller import Caller

from customer_research_sandbox.serve import Sandbox, _mail_listener
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.mail import Mailbox

MAIL = "Subject: Hello\r\n\r\nÉlan\r\n.dot\r\n".encode()


@pytest.fixture
def box(running: Sandbox, ask: Caller) -> Sandbox:
    running.mailbox.clear()
    return running


def send(box: Sandbox, reader: str = "ada@example.com") -> None:
    address = urlsplit(box.addresses["email"])
    with smtplib.SMTP(str(address.hostname), address.port or 0, timeout=5) as client:
        client.sendmail("research@example.com", [reader], MAIL)


def test_a_message_is_kept_with_its_envelope_and_as_a_file(box: Sandbox) -> None:
    send(box)
    (mail,) = box.mailbox.messages
    assert (mail.sender, mail.readers) == ("research@example.com", ("ada@example.com",))
    assert mail.message["Subject"] == "Hello"
    assert mail.content.replace(b"\r\n", b"\n") == MAIL.replace(b"\r\n", b"\n")
    files = sorted((box.config_path.parent / "mail").iterdir())
    assert files[-1].read_bytes() == mail.content


@pytest.mark.parametrize(("reader", "code"), [("bounce1@example.com", 550), ("busy@example.com", 450)])
def test_some_readers_are_refused(box: Sandbox, reader: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(box, reader)
    assert refused.value.recipients[reader][0] == code
    assert box.mailbox.messages == []


@pytest.mark.parametrize(("kind", "code", "kept"), [("http500", 451, 0), ("http429", 421, 0), ("drop", None, 1)])
def test_faults_refuse_a_message_or_take_it_without_an_answer(
    box: Sandbox, kind: str, code: int | None, kept: int
) -> None:
    box.set_faults(f"email:{kind}")
    with pytest.raises(smtplib.SMTPException) as failed:
        send(box)
    assert getattr(failed.value, "smtp_code", None) == code
    assert len(box.mailbox.messages) == kept


def test_a_server_that_is_down_refuses_connections_and_comes_back(box: Sandbox) -> None:
    box.set_faults("email:down")
    with pytest.raises(OSError, match="refused"):
        send(box)
    box.set_faults()
    send(box)
    assert len(box.mailbox.messages) == 1


def test_without_the_package_that_speaks_smtp_there_is_a_sandbox_without_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "customer_research_sandbox.servers.mail_server", None)
    assert _mail_listener(Mailbox(), Controls()) == {}
