"""E-mail: one message with the report as plain text and as HTML of tables and inline styles; charts are pictures inside it.

The message has no sender and no recipients, and is marked as a draft (`X-Unsent`): mail programs open it ready to address. Its date
is the report's, its boundaries and its id come from its content: the same report gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from customer_research.documents.formats import terminal
from customer_research.documents.formats.letter import Attachment, Letter, Writer
from customer_research.documents.page import Page
from customer_research.domain.report import Report
from customer_research.domain.words import shortened

_WIDTH = 78
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message is made of: its subject, the plain text, the HTML and the pictures that it shows."""

    subject: str
    text: str
    letter: Letter


def subject(report: Report, *, show_personal: bool = False) -> str:
    """Whom a report is about, what it is, of when; and that it is partial."""
    return _subject(Page(report, show_personal=show_personal))


def parts(report: Report, *, show_personal: bool = False) -> Parts:
    """What a report is as an e-mail, for who sends it.

    Raises:
        RenderError: a figure without a receipt, or a chart without the package that draws it.
    """
    page = Page(report, show_personal=show_personal)
    text = terminal.render(report, show_personal=show_personal, width=_WIDTH)
    return Parts(_subject(page), text, Writer(page).letter())


def render(report: Report, *, show_personal: bool = False) -> bytes:
    """A report as an e-mail message (RFC 5322), lines ended by CR LF.

    Raises:
        RenderError: a figure without a receipt, or a chart without the package that draws it.
    """
    made = parts(report, show_personal=show_personal)
    text, letter = made.text, made.letter
    digest = hashlib.sha256(f"{report.generated_at.isoformat()}\x00{text}\x00{letter.html}".encode()).hexdigest()[:32]
    message = EmailMessage(policy=SMTP)
    message["Subject"] = made.subject
    message["Date"] = format_datetime(report.generated_at)
    message["Message-ID"] = f"<{digest}@customer-research.invalid>"
    message["X-Unsent"] = "1"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    _attach(message, letter.pictures)
    for number, part in enumerate(_multiparts(message), 1):
        part.set_boundary(f"=_{digest}_{number}")
    return message.as_bytes()


def _subject(page: Page) -> str:
    """Whom it is about, what it is, of when; and that it is partial."""
    name = shortened(page.name, _LONGEST_NAME)
    about = f"{name}: {page.title}" if name else page.title
    return f"{about}, {page.report.as_of:%Y-%m-%d}" + (" (partial data)" if page.report.partial else "")


def _attach(message: EmailMessage, pictures: tuple[Attachment, ...]) -> None:
    page = message.get_payload()[1]  # type: ignore[index] # the HTML part, added second
    assert isinstance(page, EmailMessage)
    for picture in pictures:
        page.add_related(
            picture.png,
            "image",
            "png",
            cid=f"<{picture.cid}>",
            disposition="inline",
            filename=f"{picture.cid.partition('@')[0]}.png",
        )


def _multiparts(message: EmailMessage) -> Iterator[EmailMessage]:
    for part in message.walk():
        if part.is_multipart():
            assert isinstance(part, EmailMessage)
            yield part
