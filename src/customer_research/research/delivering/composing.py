"""Reports and short words as messages: rendered once, in the form of the channel by which they leave.

Personal data is masked in every message, whoever reads it: what was sent cannot be masked later.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from customer_research.documents import formats
from customer_research.documents.formats import markup
from customer_research.domain.delivery import Channel, Envelope, Message
from customer_research.domain.report import Report
from customer_research.domain.words import clean, instant_text
from customer_research.reports.company_facts import SECTION as COMPANY_FACTS
from customer_research.reports.reviews import SECTION as REVIEWS

Content = Mapping[str, Any]

_FORGOTTEN = frozenset({COMPANY_FACTS, REVIEWS})
"""Sections of what the program may keep for a time only: they are in no message."""

PAYLOAD = "customer_research"
"""What the types of webhooks' payloads begin with."""

_PLAIN_FILE = "markdown"
"""The format of a file whose name does not say one."""

_TITLE = 200


@dataclass(frozen=True, slots=True)
class Form:
    """What a channel takes.

    Args:
        title: what it is called within a sentence.
        report: makes the content of a report.
        sentences: makes the content of a title and sentences.
        text: what a content says, without markup.
    """

    title: str
    report: Callable[[Report, Envelope], Content]
    sentences: Callable[[str, Sequence[str], Envelope], Content]
    text: Callable[[Content], str]


def message_of(report: Report, envelope: Envelope, *, title: str = "") -> Message:
    """A report as a message; without what others say of the operator's firm, and reviews: that must be forgotten one day.

    Args:
        report: what is told.
        envelope: whom it is about, and where it goes.
        title: what it is called; empty: the report's own title, whom it is about and its day.

    Raises:
        RenderError: a figure without a receipt.
        ExtraMissing: a package that the form of the channel needs is not installed.
    """
    told = replace(report, sections=tuple(one for one in report.sections if one.id not in _FORGOTTEN))
    content = FORMS[envelope.address.channel].report(told, envelope)
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
    return envelope.sealed(heading, FORMS[envelope.address.channel].sentences(heading, said, envelope))


def text_of(message: Message) -> str:
    """What a message says, as text without markup; empty where it is no longer kept."""
    return FORMS[message.address.channel].text(message.content) if message.content else ""


# -- reports -----------------------------------------------------------------------------------------------------------


def _slack_report(report: Report, _envelope: Envelope) -> Content:
    found: Content = json.loads(formats.render(report, "slack"))
    return found


def _email_report(report: Report, _envelope: Envelope) -> Content:
    from customer_research.documents.formats import email_  # noqa: PLC0415 - start-up time

    made = email_.parts(report)
    pictures = [{"cid": one.cid, "base64": base64.b64encode(one.png).decode()} for one in made.letter.pictures]
    return {"text": made.text, "html": made.letter.html, "pictures": pictures}


def _notion_report(report: Report, _envelope: Envelope) -> Content:
    from customer_research.documents.formats import notion  # noqa: PLC0415 - start-up time

    return {"markdown": list(notion.pages(report))}


def _webhook_report(report: Report, envelope: Envelope) -> Content:
    return _payload(envelope, json.loads(formats.render(report, "agent")), timestamp=instant_text(report.generated_at))


def _payload(envelope: Envelope, inner: Content, **dated: str) -> Content:
    """What a program is told, in the form of Standard Webhooks."""
    return {"payload": {"type": f"{PAYLOAD}.{envelope.kind}", **dated, "data": inner}}


def _file_report(report: Report, envelope: Envelope) -> Content:
    """In the format that the file's name says."""
    suffix = PurePath(envelope.address.place).suffix.lower().removeprefix(".")
    name = formats.NAMES.get(suffix, _PLAIN_FILE)
    made = formats.as_file(report, name)
    return {"base64": base64.b64encode(made).decode()} if formats.FORMATS[name].binary else {"text": made.decode()}


# -- sentences ---------------------------------------------------------------------------------------------------------


def _slack_plain(title: str, lines: Sequence[str], _envelope: Envelope) -> Content:
    from customer_research.documents.formats.slack_blocks import escape, section  # noqa: PLC0415 - start-up time

    text = "\n".join((f"*{escape(title)}*", *map(escape, lines)))
    return {"text": escape(title), "blocks": [section(text)]}


def _email_plain(title: str, lines: Sequence[str], _envelope: Envelope) -> Content:
    paragraphs = [markup.element("p", line) for line in lines]
    body = markup.element("body", markup.element("h1", title, style="font-size:18px;"), *paragraphs)
    html = markup.element("html", markup.element("head", markup.element("title", title)), body, lang="en")
    return {"text": "\n\n".join((title, *lines)) + "\n", "html": f"<!doctype html>\n{html}\n"}


def _notion_plain(_title: str, lines: Sequence[str], _envelope: Envelope) -> Content:
    from customer_research.documents.formats.notion import escape, escape_start  # noqa: PLC0415 - start-up time

    return {"markdown": ["\n\n".join(escape_start(escape(line)) for line in lines)]}


def _webhook_plain(title: str, lines: Sequence[str], envelope: Envelope) -> Content:
    return _payload(envelope, {"title": title, "lines": list(lines)})


def _file_plain(title: str, lines: Sequence[str], _envelope: Envelope) -> Content:
    return {"text": "\n\n".join((title, *lines)) + "\n"}


# -- what they say -----------------------------------------------------------------------------------------------------


def _slack_text(content: Content) -> str:
    texts = [
        part["text"]
        for block in content.get("blocks") or ()
        for part in (block.get("text"), *(block.get("elements") or ()))
        if isinstance(part, Mapping) and isinstance(part.get("text"), str)
    ]
    return "\n".join(texts) or _text(content)


def _text(content: Content) -> str:
    return str(content.get("text") or "")


def _notion_text(content: Content) -> str:
    return "\n".join(map(str, content.get("markdown") or ()))


def _webhook_text(content: Content) -> str:
    return json.dumps(content.get("payload"), ensure_ascii=False, indent=1)


def _file_text(content: Content) -> str:
    return "A file that is no text." if "base64" in content else _text(content)


FORMS: Mapping[Channel, Form] = MappingProxyType(
    {
        "slack": Form("Slack", _slack_report, _slack_plain, _slack_text),
        "email": Form("e-mail", _email_report, _email_plain, _text),
        "notion": Form("Notion", _notion_report, _notion_plain, _notion_text),
        "webhook": Form("a webhook", _webhook_report, _webhook_plain, _webhook_text),
        "file": Form("a file", _file_report, _file_plain, _file_text),
    }
)
"""What each channel takes."""
