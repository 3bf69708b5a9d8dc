"""Webhooks: signed so that the published library verifies them, the same id each time, and never into a private network."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from far_sides import SECRET, Clock, WebhookSide, decoded, message, outgoing, plain_settings, through
from pydantic import SecretStr

from customer_research.channels.channel import Delayed, NotDelivered, Refused, Unsure
from customer_research.channels.settings import WebhookPlace, WebhookSettings
from customer_research.channels.webhook import WebhookChannel
from customer_research.domain.delivery import Address
from customer_research.settings import describe

MADE = message(WebhookSide.address, content={"payload": {"type": "customer_research.digest", "data": {"name": "É—東"}}})


@pytest.fixture
def side() -> WebhookSide:
    return WebhookSide(None)  # type: ignore[arg-type]


def sent(channel: WebhookChannel, made: Any = MADE) -> str:
    return str(through(channel, lambda one: one.send(outgoing(made))))


def place(url: str, secret: str = SECRET, **more: Any) -> WebhookSettings:
    return WebhookSettings(places={"crm": WebhookPlace(url=SecretStr(url), secret=SecretStr(secret))}, **more)


def real(settings: WebhookSettings) -> WebhookChannel:
    return WebhookChannel(settings, Clock())


def test_the_reader_verifies_what_it_is_told_and_knows_it_by_its_id(side: WebhookSide) -> None:
    assert sent(side.channel()) == MADE.key
    sent(side.channel())
    assert [one.headers["webhook-id"] for one in side.told] == [MADE.key] * 2
    assert side.told[0].body == side.told[1].body
    assert side.verified() == [MADE.content["payload"]] == [decoded(side.told[0].body)]
    assert asyncio.run(side.channel().look_up(outgoing(MADE))).found == "absent", "it may be told again"


@pytest.mark.parametrize(
    ("answer", "expected", "wait"),
    [
        (httpx2.Response(400), Refused, None),
        (httpx2.Response(410), Refused, None),
        (httpx2.Response(302, headers={"Location": "https://other.example.com"}), Refused, None),
        (httpx2.Response(429, headers={"Retry-After": "90"}), Delayed, 90),
        (httpx2.Response(503), Delayed, None),
        (httpx2.ConnectError("refused"), Delayed, None),
        (httpx2.ReadTimeout("slow"), Unsure, None),
        (httpx2.RemoteProtocolError("broken"), Unsure, None),
    ],
)
def test_what_each_answer_means(
    side: WebhookSide, answer: httpx2.Response | Exception, expected: type[NotDelivered], wait: float | None
) -> None:
    side.answers.append(answer)
    with pytest.raises(expected) as failed:
        sent(side.channel())
    assert getattr(failed.value, "wait", None) == wait
    assert "k=1" not in f"{failed.value.message}{failed.value.hint}", "the address may hold a secret"


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/in",
        "https://127.0.0.1/in",
        "https://10.1.2.3/in",
        "https://169.254.169.254/latest",
        "https://[::1]/in",
        "https://[::ffff:10.0.0.1]/in",
        "https://localhost/in",
        "ftp://crm.example.com",
        "nonsense",
    ],
)
def test_an_address_that_is_not_public_https_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(Refused):
        sent(real(place(url)))


def test_a_private_address_may_be_allowed() -> None:
    with pytest.raises(Delayed, match="cannot be reached"):
        sent(real(place("http://127.0.0.1:9/in", allow_private=True)))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "x"])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(Refused, match="secret") as refused:
        sent(real(place("https://crm.example.com/in", secret)))
    assert "%%%" not in refused.value.message


def test_a_name_that_the_settings_do_not_have_is_refused(side: WebhookSide) -> None:
    with pytest.raises(Refused, match="no webhook 'erp'"):
        sent(side.channel(), message(Address("webhook", "erp")))


def test_addresses_and_secrets_of_webhooks_are_never_shown() -> None:
    settings = plain_settings(webhook=place("https://crm.example.com/in?token=abc"))
    (shown,) = [one.shown for one in describe(settings, None) if one.name == "webhook.places"]
    assert shown == "crm = (set)"
    assert "abc" not in repr(settings)
