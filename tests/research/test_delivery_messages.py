"""Reports and sentences as messages: in the form of each channel, masked, with nothing in them that commands it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from far_sides import plain_settings

from customer_research.domain import delivery
from customer_research.domain.delivery import Address, Channel, Envelope, Message
from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.report import Prose, Report, Section
from customer_research.research.delivering.composing import message_of, plain_message, title_of
from customer_research.research.delivering.opening import CHANNELS, Channels, delivery_clock
from customer_research.settings import Settings

NOW = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
PROOF = Receipt("lago-1", "lago", "invoices", "GET /invoices", NOW, 3, "ab" * 32)
HOSTILE = "<!channel> <b>*Ltd*</b> | [x](http://evil.example) \x1b[31m\u202e"
PLACES: dict[Channel, str] = {
    "slack": "C0SUCCESS",
    "email": "ada@example.com",
    "notion": "source",
    "webhook": "crm",
    "file": "a/brief.md",
}


def envelope(channel: Channel, place: str = "", **changes: Any) -> Envelope:
    given = {
        "kind": "brief",
        "subject": "op-1",
        "occasion": "meeting 1",
        "elsewhere": Address("email", "b@example.com"),
    }
    return Envelope(address=Address(channel, place or PLACES[channel]), **{**given, **changes})


def report(text: str = "All is well.") -> Report:
    fact = Fact(3, "count", (PROOF,), NOW)
    section = Section("Standing", (Prose(text, (fact,)),), "standing")
    return Report("brief", "Brief", "op-1", f"Alder {HOSTILE}", NOW, NOW, (section,), freshness=())


def words(message: Message) -> str:
    return json.dumps(dict(message.content), ensure_ascii=False)


@pytest.mark.parametrize("channel", delivery.CHANNELS)
def test_a_report_is_a_message_with_the_parts_of_its_envelope(channel: Channel) -> None:
    sent = envelope(channel, after="a" * 32, updates="b" * 32)
    made = message_of(report(), sent)
    assert (made.key, made.after, made.updates, made.elsewhere) == (sent.key, "a" * 32, "b" * 32, sent.elsewhere)
    assert made.title == title_of(report())
    assert made.title.startswith("Alder")
    assert message_of(report(), sent, title="Own").title == "Own"
    assert words(message_of(report(), sent)) == words(made), "rendered again it is the same"
    assert "All is well." in words(made).replace("\\", "")
    assert json.loads(json.dumps(dict(made.content))) == made.content, "plain JSON"


@pytest.mark.parametrize("channel", delivery.CHANNELS)
def test_sentences_are_messages_and_command_nothing(channel: Channel) -> None:
    made = plain_message(f"Cancelled {HOSTILE}", ["It is off.", "", HOSTILE], envelope(channel))
    assert "\x1b" not in made.title + words(made)
    assert "\u202e" not in made.title + words(made)
    told = words(made)
    if channel == "slack":
        assert "<!channel>" not in told
        assert "&lt;!channel&gt;" in told
    if channel == "email":
        assert "<b>" not in made.content["html"]
        assert "<b>*Ltd*</b>" in made.content["text"]
    if channel == "notion":
        assert "\\[x\\]" in made.content["markdown"][0]
    if channel == "webhook":
        assert made.content["payload"]["type"] == "customer_research.brief"


@pytest.mark.parametrize("length", [10, 2_900, 3_000, 9_000])
def test_a_long_sentence_fits_slack_and_is_never_cut_within_an_escape(length: int) -> None:
    for shift in range(6):
        made = plain_message("T", ["x" * shift + "&" * length], envelope("slack"))
        (block,) = made.content["blocks"]
        text = block["text"]["text"]
        assert len(text) <= 3_000
        assert text.replace("&amp;", "").count("&") == 0


@pytest.mark.parametrize(
    ("place", "begins"), [("a.md", b"#"), ("a.txt", b""), ("a.json", b"{"), ("a", b"#"), ("a.eml", b"")]
)
def test_a_file_is_in_the_format_that_its_name_says(place: str, begins: bytes) -> None:
    content = message_of(report(), envelope("file", place)).content
    written = base64.b64decode(content["base64"]) if "base64" in content else content["text"].encode()
    assert written.lstrip().startswith(begins)
    assert ("base64" in content) == place.endswith(".eml")


def test_a_webhook_is_told_the_small_answer_with_its_time() -> None:
    payload = message_of(report(), envelope("webhook")).content["payload"]
    assert (payload["type"], payload["timestamp"]) == ("customer_research.brief", "2026-11-01T09:30:00Z")
    assert {"statements", "citations"} <= payload["data"].keys()


def test_an_address_is_read_as_it_is_written() -> None:
    for channel, place in PLACES.items():
        assert Address.read(str(Address(channel, place))) == Address(channel, place)
    assert Address.read(" Slack: C1 ") == Address("slack", "C1")
    assert Address.read("file:a:b.md") == Address("file", "a:b.md")
    for wrong in ("", "slack", "slack:", "sms:1", "ada@example.com"):
        with pytest.raises(ValueError, match="is no address: write slack:PLACE"):
            Address.read(wrong)


def test_every_channel_of_addresses_has_a_module_and_is_opened_by_settings() -> None:
    assert tuple(CHANNELS) == delivery.CHANNELS
    given = {"slack": {"token": "xoxb-1"}, "notion": {"token": "ntn_1", "reports_data_source": "abc"}}
    settings = Settings.model_validate(given)
    channels = Channels(settings, lambda: NOW)
    for name in delivery.CHANNELS:
        assert type(channels[name]).__module__.startswith(f"customer_research.channels.{name}")
        assert channels[name] is channels[name]


def test_the_clock_of_deliveries_goes_on_where_the_settings_fix_one() -> None:
    fixed = delivery_clock(plain_settings(clock=NOW))
    first = fixed()
    assert 0 <= (first - NOW).total_seconds() < 5
    assert fixed() > first
    assert abs((delivery_clock(plain_settings())() - datetime.now(UTC)).total_seconds()) < 5
