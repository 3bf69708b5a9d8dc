"""E-mail: one message that any program reads, the same bytes each time, nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest
from report_accounts import ACCOUNT_KINDS, HOSTILE, full, hostile, without
from report_charts import CHARTS, charted, fact, only

from customer_research.documents.formats import FORMATS, email_
from customer_research.domain.report import Report, Table, Text
from customer_research.reports.kinds import KINDS


def read(report: Report) -> EmailMessage:
    message = message_from_bytes(email_.render(report), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def page(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_a_message_is_the_same_bytes_each_time(kind: str) -> None:
    for account in (full(), hostile()):
        report = KINDS[kind].build(account)
        made = email_.render(report)
        assert made == email_.render(report)
        assert max(len(line) for line in made.split(b"\r\n")) <= 998  # RFC 5322
        assert made.count(b"\n") == made.count(b"\r\n")


def test_the_format_is_a_file_of_bytes() -> None:
    assert FORMATS["email"].binary
    assert FORMATS["email"].suffixes == (".eml",)


def test_a_message_has_text_page_and_pictures() -> None:
    message = read(only())
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        *["image/png"] * len(CHARTS),
    ]
    tags = Tags(page(message)).found
    shown = [str(attributes["src"]).removeprefix("cid:") for tag, attributes in tags if tag == "img"]
    held = [str(part["Content-ID"]).strip("<>") for part in message.walk() if part.get_content_type() == "image/png"]
    assert shown == held
    assert all(attributes["alt"] for tag, attributes in tags if tag == "img")


def test_a_picture_says_what_it_shows_to_who_cannot_see_it() -> None:
    tags = Tags(page(read(only(CHARTS["dimensions"])))).found
    (said,) = [str(attributes["alt"]) for tag, attributes in tags if tag == "img"]
    assert said == "Usage is lowest. Payment: 92; Usage: 41; Support: not available (Lago); Growth: 0."


def test_subject_date_and_draft() -> None:
    message = read(KINDS["billing"].build(without("lago")))
    assert message["Subject"] == "Alder Chauffeurs: Billing, 2026-11-01 (partial data)"
    assert message["Date"].datetime.isoformat() == "2026-11-01T00:00:05+00:00"
    assert message["X-Unsent"] == "1"
    assert message["To"] is None
    assert "Partial data: Lago" in page(message)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_names_stay_in_their_places(name: str) -> None:
    message = read(KINDS["profile"].build(full(name=HOSTILE[name])))
    assert message.defects == []
    assert "Profile, 2026-11-01" in message["Subject"]
    assert set(message.keys()) == {"Subject", "Date", "Message-ID", "X-Unsent", "MIME-Version", "Content-Type"}


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_a_page_in_a_message_fetches_and_runs_nothing(kind: str) -> None:
    for tag, attributes in Tags(page(read(KINDS[kind].build(hostile())))).found:
        assert tag not in {"script", "style", "link", "iframe", "form", "object"}
        assert not [name for name in attributes if name.startswith("on")]
        assert re.match(r"cid:|$", attributes.get("src") or "")
        assert re.match(r"https://(billing|crm|bi|notes)\.example\.com/|$", attributes.get("href") or "")
        assert "url(" not in (attributes.get("style") or "")


def test_a_long_report_is_cut_and_says_so() -> None:
    rows = tuple((Text(f"MOO-{at}"), fact(at, "count")) for at in range(1000))
    long = page(read(charted(Table(("Invoice", "Amount"), rows, caption="All"))))
    assert "975 more rows in the whole report" in long
    words = "Line. " * 3000
    report = charted()
    many = tuple(replace(section, blocks=(*section.blocks, *section.blocks)) for section in report.sections)
    wide = Table(("What",), tuple((Text(words),) for _ in range(20)))
    cut = page(read(replace(report, sections=(*many[:2], replace(many[2], blocks=(wide,)), *many[3:]))))
    assert f"{len(many) - 2} more sections in the whole report" in cut
    assert len(cut) < 102_000


def test_personal_data_is_masked_in_both_bodies() -> None:
    made = email_.render(KINDS["profile"].build(full()))
    assert b"dana.roe" not in made
