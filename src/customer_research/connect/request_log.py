"""What was asked and what it gave: the requests of one stream, and the receipt over the rows they brought."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from pydantic_core import to_json

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

    def add(self, *others: RequestLog) -> None:
        """Note behind one's own requests those of logs within this one, in this order, whichever of them was answered first."""
        for other in others:
            self._requests += other.requests
        times = [one.deadline for one in (self, *others) if one.deadline is not None]
        self.deadline = max(times, default=None)

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
    lines = sorted(line for names, alike in groupby(rows, key=tuple) for line in _lines(names, list(alike)))
    digest = hashlib.sha256()
    for at, line in enumerate(lines):
        digest.update(b"\n" + line if at else line)
    return digest.hexdigest()


def _lines(names: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> Iterable[bytes]:
    """Each row of these columns as canonical JSON: of plain values by columns, which is four times as fast."""
    kept = sorted(name for name in names if name != _FETCH_ID)
    columns = [_plain_column([row[name] for row in rows]) for name in kept]
    told = [column for column in columns if column is not None]
    if not kept or len(told) < len(columns):
        return (_line(row) for row in rows)
    return (to_json(dict(zip(kept, values, strict=True))) for values in zip(*told, strict=True))


def _line(row: Mapping[str, Any]) -> bytes:
    """A row as canonical JSON, whatever it holds."""
    kept = {name: value for name, value in row.items() if name != _FETCH_ID}
    rounded = {name: _rounded(value) if isinstance(value, float) else value for name, value in kept.items()}
    return _ENCODER.encode(rounded).encode()


def _plain_column(values: list[Any]) -> list[Any] | None:
    """Values that the quick writer writes as the canonical one does, floats rounded; None: some are of another kind.

    The two write floats otherwise where they need an exponent, and instants that are not UTC.
    """
    kinds = set(map(type, values))
    if kinds <= _INSTANTS:
        return [None if value is None else _plain(value) for value in values]
    if not kinds <= _PLAIN_KINDS:
        return None
    if float not in kinds:
        return values
    rounded = [_rounded(value) if type(value) is float else value for value in values]
    plain = all(_LEAST <= abs(value) < _MOST or not value for value in rounded if type(value) is float)
    return rounded if plain else None


_FETCH_ID = "fetch_id"
_PLAIN_KINDS = frozenset({str, int, float, bool, type(None)})
_INSTANTS = frozenset({datetime, type(None)})
_LEAST, _MOST = 1e-4, 1e15
"""Between these a float is written without an exponent."""


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
