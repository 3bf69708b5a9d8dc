"""What the renderers made of one account when somebody last looked: a digest for each kind and format.

A change that is meant is written down by `.venv/bin/python tests/reports/golden.py`, after a look at what the documents became.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

from document_charts import charted
from report_accounts import ACCOUNT_KINDS, full

from customer_research.documents.formats import FORMATS, render
from customer_research.domain.report import Report
from customer_research.reports.kinds import KINDS

FILE = Path(__file__).parent / "golden.json"
STYLES = tuple(name for name in FORMATS if name in {"markdown", "json", "csv", "xlsx", "pptx", "pdf"})
"""Formats whose bytes are held on to; of pages and messages the outlines are (`golden_screens`), a terminal has its own tests."""

ZIPPED = frozenset({"xlsx", "pptx"})
"""Formats that are ZIP files: how they are packed depends on the machine's zlib, what is in them does not."""


def reports() -> dict[str, Report]:
    """The reports that are held on to, by name."""
    return {**{kind: KINDS[kind].build(full()) for kind in ACCOUNT_KINDS}, "charts": charted()}


def digest(report: Report, style: str) -> str:
    """The SHA-256 of a report in a format."""
    made = render(report, style)
    if style in ZIPPED:
        with zipfile.ZipFile(io.BytesIO(made)) as parts:
            made = b"".join(name.encode() + b"\0" + _unpacked(parts.read(name)) for name in parts.namelist())
    return hashlib.sha256(made).hexdigest()[:24]


def _unpacked(part: bytes) -> bytes:
    """A part of a ZIP file; of a workbook inside a presentation the parts."""
    if not part.startswith(b"PK"):
        return part
    with zipfile.ZipFile(io.BytesIO(part)) as parts:
        return b"".join(name.encode() + b"\0" + parts.read(name) for name in parts.namelist())


def digests() -> dict[str, str]:
    """All digests as they are now."""
    return {f"{name}/{style}": digest(report, style) for name, report in reports().items() for style in STYLES}


if __name__ == "__main__":
    FILE.write_text(json.dumps(digests(), indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"Written: {FILE.name}\n")
