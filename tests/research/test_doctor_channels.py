"""`doctor` on the channels by which messages leave: what is set up is checked, and nothing is ever sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from far_sides import NOW, SECRET, MailSide, plain_settings

from customer_research.channels import slack as slack_channel
from customer_research.domain.check import CheckResult
from customer_research.research.doctor_channels import channels


@pytest.fixture(scope="module")
def mail() -> Iterator[MailSide]:
    side = MailSide(None)  # type: ignore[arg-type]
    yield side
    side.end()


def rows(*, online: bool = True, **tables: Any) -> dict[str, CheckResult]:
    found = asyncio.run(channels(plain_settings(**tables), lambda: NOW, online=online))
    return {one.check: one for one in found}


def test_what_is_not_set_up_has_no_row() -> None:
    assert rows() == {}


def test_a_mail_server_is_greeted_and_nothing_is_sent(mail: MailSide) -> None:
    own = mail.settings()
    assert rows(email=own, online=False)["channel.email"].status == "skipped"
    assert rows(email=own)["channel.email"].found == "127.0.0.1 answers; nothing was sent."
    assert mail.mailbox.messages == []
    without = rows(email=mail.settings(sender=""))["channel.email"]
    assert (without.status, without.fix) == ("fail", "Set email.sender.")


def test_a_token_of_slack_is_asked_who_it_is(monkeypatch: pytest.MonkeyPatch, no_waiting: None) -> None:
    given: dict[str, Any] = {"slack": {"token": "xoxb-1", "url": "http://127.0.0.1:9/api/"}}
    assert rows(**given, online=False)["channel.slack"].status == "skipped"
    failed = rows(**given)["channel.slack"]
    assert failed.status == "fail"
    assert "xoxb" not in f"{failed.found}{failed.fix}"

    async def identity(_self: object) -> dict[str, str]:
        return {"user": "research", "team": "Sandbox"}

    monkeypatch.setattr(slack_channel.SlackChannel, "identity", identity)
    assert rows(**given)["channel.slack"].found == "Slack knows the token: research in Sandbox."


@pytest.mark.parametrize(
    ("url", "secret", "status", "said"),
    [
        ("https://crm.example.com/in", SECRET, "ok", "the right form"),
        ("http://crm.example.com/in", SECRET, "fail", "https://"),
        ("https://crm.example.com/in", "whsec_", "fail", "secret"),
    ],
)
def test_a_webhook_is_looked_at_and_not_told(url: str, secret: str, status: str, said: str) -> None:
    found = rows(webhook={"places": {"crm": {"url": url, "secret": secret}}})["channel.webhook.crm"]
    assert found.status == status
    assert said in found.found
    assert url not in found.found


def test_the_folder_of_files_has_to_be_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows(deliveries={"folder": tmp_path / "new"})["channel.file"].status == "ok"
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(os, "access", lambda *_given: False)
    assert rows(deliveries={"folder": tmp_path})["channel.file"].status == "fail"
