"""What was asked and what it gave: the requests of one stream, and the receipt over the rows they brought."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from customer_research.connect.source import Clock, Row
from customer_research.domain.evidence import Receipt

ID_LENGTH = 16
"""Hex digits of a receipt's id."""

FLOAT_DIGITS = 12
"""Significant digits of a float that a digest sees."""


class RequestLog:
    """The requests that one stream sends, in the order in which they were asked for, without secrets.

    `Http` writes to it; the stream closes it with `receipt`. One log is one stream's time budget: `Http` counts
    `deadline` (a reading of its monotonic timer) from the first request on.
    """

    def __init__(self, source: str, stream: str, place: str, clock: Clock) -> None:
        self.source = source
        self.stream = stream
        self.place = place
        self.deadline: float | None = None
        self._clock = clock
        self._requests: list[str] = []

    @property
    def requests(self) -> tuple[str, ...]:
        """The requests so far, e.g. `GET /customers/abc/invoices?page=1&per_page=100` or `POST /search {"limit":1}`."""
        return tuple(self._requests)

    def sent(self, method: str, target: str, body: Any = None) -> None:
        """Note one request: *target* is path and query below `place`, *body* its JSON (None: no body)."""
        tail = "" if body is None else " " + canonical_json(body)
        self._requests.append(f"{method} {target}{tail}")

    def receipt(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        truncated: bool = False,
        query: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Receipt:
        """The receipt of everything sent so far for the *rows* it gave.

        `query` replaces the request lines where something else is the better proof (the SQL a request carried), with its
        `parameters`.
        """
        asked = "\n".join(self._requests) if query is None else query
        digest = digest_rows(rows)
        return Receipt(
            id=_short_hash(self.source, self.stream, asked, digest),
            source=self.source,
            stream=self.stream,
            query=asked,
            fetched_at=self._clock(),
            rows=len(rows),
            digest=digest,
            truncated=truncated,
            requests=len(self._requests),
            place=self.place,
            parameters=tuple((name, _plain_text(value)) for name, value in (parameters or {}).items()),
        )


def stamp(rows: Iterable[Mapping[str, Any]], receipt: Receipt) -> list[Row]:
    """The rows with `fetch_id` set to the receipt that proves them."""
    return [{**row, "fetch_id": receipt.id} for row in rows]


def digest_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 (hex) of the rows' canonical JSON, `fetch_id` left out; the rows' order does not matter.

    Floats count to 12 digits: a warehouse adds them up in any order, so that an average's last bits differ from run to run.
    """
    lines = sorted(
        _ENCODER.encode(
            {
                key: _rounded(value) if isinstance(value, float) else value
                for key, value in row.items()
                if key != "fetch_id"
            }
        )
        for row in rows
    )
    digest = hashlib.sha256()
    for at, line in enumerate(lines):
        digest.update((f"\n{line}" if at else line).encode())
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks; instants as UTC with `Z`, decimals as text."""
    return _ENCODER.encode(value)


def _rounded(value: float) -> float:
    return float(f"{value:.{FLOAT_DIGITS}g}")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"A record holds a {type(value).__name__}, which has no canonical JSON.")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
"""Made once: a portfolio's receipts are over millions of rows."""


def _plain_text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).strip('"')


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:ID_LENGTH]
