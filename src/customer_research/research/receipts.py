"""The receipts of what no source was asked for: what the store keeps, and files that somebody gave."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from customer_research.domain.evidence import Receipt


def text_digest(text: str) -> str:
    """The SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def kept_receipt(
    name: str,
    lines: Sequence[str],
    *,
    source: str,
    stream: str,
    query: str,
    fetched_at: datetime,
    place: str,
    rows: int | None = None,
) -> Receipt:
    """The proof of records that were read where we keep them: `lines` says all of them, one a line; its id begins with `name`."""
    digest = text_digest("\n".join(lines))
    return Receipt(
        id=f"{name}-{digest[:12]}",
        source=source,
        stream=stream,
        query=query,
        fetched_at=fetched_at,
        rows=len(lines) if rows is None else rows,
        digest=digest,
        place=place,
    )


def file_receipt(path: Path, rows: int, digest: str, fetched_at: datetime) -> Receipt:
    """The proof of a file whose rows were all read."""
    return Receipt(
        id=text_digest(f"file\x1f{path.name}\x1f{digest}")[:16],
        source="file",
        stream=path.name,
        query=f"all rows of {path.name}",
        fetched_at=fetched_at,
        rows=rows,
        digest=digest,
        place=path.name,
    )
