"""Reports and short words as messages: rendered once, in the form of the channel by which they leave.

Personal data is masked in every message, whoever reads it: what was sent cannot be masked later.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from customer_research.documents import formats
from customer_research.documents.formats import markup
from customer_research.domain.delivery import Channel, Envelope, Message
from customer_research.domain.report import Report
from customer_research.domain.words import clean, instant_text

Content = Mapping[str, Any]

PAYLOAD = "customer_research"
"""What the types of webhooks' payloads begin with."""

_PLAIN_FILE = "markdown"
"""The format of a file whose name does not say one."""

_TITLE = 200


def message_of(report: Report, envelope: Envelope, *, title: str = "") -> Message:
    """A report as a message.

    Args:
        report: what is told.
        envelope: whom it is about, and where it goes.
        title: what it is called; empty: the report's own title, whom it is about and its day.

    Raises:
        RenderError: a figure without a receipt.
        ExtraMissing: a package that the form of the channel needs is not installed.
    """
    address = envelope.address
    content = _REPORTS[address.channel](report, address.place)
    if address.channel == "webhook":
        content = _payload(envelope.kind, instant_text(report.generated_at), content)
    return envelope.sealed(title or title_of(report), content)


def title_of(report: Report) -> str:
    """What a report is called: whom it is about, what it is, of when; and that it is partial."""
    from customer_research.documents.formats.email_ import subject  # noqa: PLC0415 - start-up time

    return subject(report)


def plain_message(title: str, lines: Sequence[str], envelope: Envelope) -> Message:
    """A few sentences as a message; nothing in them commands the channel.

    Args:
        title: what it is called; the first line of it.
        lines: what it says, a paragraph each.
        envelope: whom it is about, and where it goes.
    """
    heading, said = clean(title)[:_TITLE], [clean(line) for line in lines if line.strip()]
    content = _PLAIN[envelope.address.channel](heading, said)
    if envelope.address.channel == "webhook":
        content = _payload(envelope.kind, "", content)
    return envelope.sealed(heading, content)


def _payload(kind: str, timestamp: str, inner: Content) -> Content:
    """What a program is told, in the form of Standard Webhooks."""
    dated = {"timestamp": timestamp} if timestamp else {}
    return {"payload": {"type": f"{PAYLOAD}.{kind}", **dated, "data": inner}}


# -- reports -----------------------------------------------------------------------------------------------------------


def _slack_report(report: Report, _place: str) -> Content:
    found: Content = json.loads(formats.render(report, "slack"))
    return found


def _email_report(report: Report, _place: str) -> Content:
    from customer_research.documents.formats import email_  # noqa: PLC0415 - start-up time

    made = email_.parts(report)
    pictures = [{"cid": one.cid, "base64": base64.b64encode(one.png).decode()} for one in made.letter.pictures]
    return {"text": made.text, "html": made.letter.html, "pictures": pictures}


def _notion_report(report: Report, _place: str) -> Content:
    from customer_research.documents.formats import notion  # noqa: PLC0415 - start-up time

    return {"markdown": list(notion.pages(report))}


def _webhook_report(report: Report, _place: str) -> Content:
    found: Content = json.loads(formats.render(report, "agent"))
    return found


def _file_report(report: Report, place: str) -> Content:
    """In the format that the file's name says."""
    suffix = PurePath(place).suffix.lower().removeprefix(".")
    name = formats.NAMES.get(suffix, _PLAIN_FILE)
    made = formats.as_file(report, name)
    return {"base64": base64.b64encode(made).decode()} if formats.FORMATS[name].binary else {"text": made.decode()}


_REPORTS: Mapping[Channel, Callable[[Report, str], Content]] = MappingProxyType(
    {
        "slack": _slack_report,
        "email": _email_report,
        "notion": _notion_report,
        "webhook": _webhook_report,
        "file": _file_report,
    }
)


# -- sentences ---------------------------------------------------------------------------------------------------------


def _slack_plain(title: str, lines: Sequence[str]) -> Content:
    from customer_research.documents.formats.slack_blocks import escape, section  # noqa: PLC0415 - start-up time

    text = "\n".join((f"*{escape(title)}*", *map(escape, lines)))
    return {"text": escape(title), "blocks": [section(text)]}


def _email_plain(title: str, lines: Sequence[str]) -> Content:
    paragraphs = [markup.element("p", line) for line in lines]
    body = markup.element("body", markup.element("h1", title, style="font-size:18px;"), *paragraphs)
    html = markup.element("html", markup.element("head", markup.element("title", title)), body, lang="en")
    return {"text": "\n\n".join((title, *lines)) + "\n", "html": f"<!doctype html>\n{html}\n"}


def _notion_plain(_title: str, lines: Sequence[str]) -> Content:
    from customer_research.documents.formats.notion import escape, escape_start  # noqa: PLC0415 - start-up time

    return {"markdown": ["\n\n".join(escape_start(escape(line)) for line in lines)]}


def _webhook_plain(title: str, lines: Sequence[str]) -> Content:
    return {"title": title, "lines": list(lines)}


def _file_plain(title: str, lines: Sequence[str]) -> Content:
    return {"text": "\n\n".join((title, *lines)) + "\n"}


_PLAIN: Mapping[Channel, Callable[[str, Sequence[str]], Content]] = MappingProxyType(
    {
        "slack": _slack_plain,
        "email": _email_plain,
        "notion": _notion_plain,
        "webhook": _webhook_plain,
        "file": _file_plain,
    }
)
