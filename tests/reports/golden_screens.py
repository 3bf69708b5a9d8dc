"""What screens show of every kind, as an outline that is kept: `python tests/reports/golden_screens.py` writes it anew.

With `digests` it prints the SHA-256 of every kind in every format instead: another process must come to the same.
"""

from __future__ import annotations

import hashlib
import json
import sys
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from report_accounts import ACCOUNT_KINDS, full
from report_charts import charted

from customer_research.documents.formats import render
from customer_research.documents.site import Menu, Site
from customer_research.domain.report import Report
from customer_research.reports.kinds import KINDS

PLACE = Path(__file__).parent / "golden_screens.json"
FORMATS = ("html", "email", "slack")
SITE = Site((Menu("Lists", (("Today", "index.html"), ("Portfolio", ""))),), searched=True)
"""Neighbours of a page."""


def reports() -> dict[str, Report]:
    """Every kind about the same made-up account, and a report with a chart of every form."""
    return {**{kind: KINDS[kind].build(full()) for kind in ACCOUNT_KINDS}, "charts": charted()}


def outlines() -> dict[str, Any]:
    """By report: the outline of its page, of its message by e-mail, of its message to Slack."""
    return {
        name: {
            "html": _Outline(render(report, "html").decode()).lines,
            "email": _message(render(report, "email")),
            "slack": _blocks(json.loads(render(report, "slack"))),
        }
        for name, report in reports().items()
    } | {"in a site": {"html": _Outline(render(KINDS["profile"].build(full()), "html", site=SITE).decode()).lines}}


def digests() -> dict[str, str]:
    """By report and format: what its bytes come to."""
    return {
        f"{name}.{chosen}": hashlib.sha256(render(report, chosen)).hexdigest()
        for name, report in reports().items()
        for chosen in FORMATS
    }


class _Outline(HTMLParser):
    """Headings, regions and figures of a page in order, with what they hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._heading = False
        self._count: dict[str, int] = {}
        self.feed(html)
        self._close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in {"h1", "h2", "figure"} or attributes.get("role") == "region":
            self._close()
            name = attributes.get("aria-label") or attributes.get("id") or ""
            self.lines.append(f"{tag} {name}".strip())
            self._heading = tag in {"h1", "h2"}
        elif tag in {"dt", "tr", "li", "p", "text"}:
            self._count[tag] = self._count.get(tag, 0) + 1

    def handle_data(self, data: str) -> None:
        if self._heading and data.strip() not in {"", "#"}:
            self.lines[-1] += f": {data.strip()}"
            self._heading = False

    def _close(self) -> None:
        if self.lines and self._count:
            self.lines[-1] += " | " + ", ".join(f"{number} {tag}" for tag, number in sorted(self._count.items()))
        self._count = {}


def _message(made: bytes) -> list[str]:
    message = message_from_bytes(made, policy=default)
    return [str(message["Subject"]), *(part.get_content_type() for part in message.walk())]


def _blocks(made: dict[str, Any]) -> list[str]:
    told = [made["text"]]
    for block in made["blocks"]:
        texts = [part["text"] for part in (block.get("text"), *block.get("elements", ())) if part]
        told.append(f"{block['type']}: {texts[0].splitlines()[0][:60]}" if texts else str(block["type"]))
    return told


if __name__ == "__main__":
    if sys.argv[1:] == ["digests"]:
        sys.stdout.write(json.dumps(digests()))
    else:
        PLACE.write_text(json.dumps(outlines(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
