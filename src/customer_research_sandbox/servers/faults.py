"""What can go wrong with a vendor, on purpose: one `Fault` a source and kind, drawn by counting requests.

| kind | what the client meets |
|---|---|
| `down` | connection refused (at rate 1), else the connection is cut before an answer |
| `slow` | the right answer, after `Controls.slow_seconds` |
| `http500`, `http429`, `auth` | the vendor's own 500, 429 and 401 |
| `truncate` | fewer records than the answer's own count promises (Lago `meta`, HubSpot `total` or inputs, Notion `has_more` without a cursor, Intercom `total_count`, Metabase `rows_truncated`, Snowflake `numRows`, Stripe `has_more`) |
| `badjson` | status 200 and half a JSON document |
| `drop` | the connection is cut in the middle of the body |
| `schema` | a field is gone: Lago `payment_status` and `status`, HubSpot records' `properties`, Notion's `Status` property, conversations' `state`, Stripe's `amount`, the warehouse's `STATUS_SLUG`, `LAGO_STATUS` and `TOTAL_DOLLARS_CHARGED` columns |
| `bomb` | a small body that unpacks to 200 MB of blanks |
| `endless` | a body that never ends |
| `deep` | lists in each other, 100,000 times |
| `pages` | a thousand million pages announced, each naming a next one (Notion: the first one again); Metabase has no pages |
| `repeat` | the first page again and again instead of the later ones (not Metabase) |
| `short` | one record fewer than announced |
| `surrogate` | half a character (a cut emoji) at the end of titles, notes and legal names |
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

SOURCES = ("lago", "hubspot", "metabase", "notion", "intercom")
"""The sandbox's vendors, in the order in which they are listed everywhere."""

DESTINATIONS = ("slack", "email")
"""What the program sends to; no figure comes from there. Faults: down, slow, http500, http429, auth, badjson, drop, bomb, endless, deep;
those of `email` stand in `servers.mail_server`."""

CARRIERS = ("snowflake", "stripe")
"""Second ways to what the warehouse has: Snowflake's own API, before which Metabase stands, and Stripe, whose charges it holds. Faults: as
of a vendor, Snowflake's without those of lists."""

DIARIES = ("calendar",)
"""The calendars of our own people: a feed, Google's and Microsoft's API over one diary. Faults: as of a vendor, without those of lists."""

TELLERS = ("facts",)
"""Who tells company facts: the register of carriers and People Data Labs. Faults: as of a vendor, without those of lists."""

PLACES = ("g2", "google_places")
"""Where reviews are read. Faults: as of a vendor, without those of lists; `truncate` changes nothing, as neither counts its records."""

BODIES = ("bomb", "endless", "deep")
"""Faults of the body as a whole, which no client can take in."""

LISTS = ("pages", "repeat", "short", "surrogate")
"""Faults of lists and texts: what of them a source meets depends on what it is asked."""

KINDS = ("down", "slow", "http500", "http429", "auth", "truncate", "badjson", "drop", "schema", *BODIES, *LISTS)
"""Every kind of fault."""

ALIASES = {"warehouse": "metabase"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one source, for the share `rate` (0..1) of its requests, evenly spread."""

    source: str
    kind: str
    rate: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", ALIASES.get(self.source, self.source))
        known = (*SOURCES, *CARRIERS, *DESTINATIONS, *DIARIES, *TELLERS, *PLACES)
        if self.source not in known:
            raise ValueError(f"Unknown source {self.source!r}: use one of {', '.join((*known, *ALIASES))}.")
        if self.kind not in KINDS:
            raise ValueError(f"Unknown fault {self.kind!r}: use one of {', '.join(KINDS)}.")
        if not 0 <= self.rate <= 1:
            raise ValueError(f"The rate of a fault is a share from 0 to 1, not {self.rate}.")


def parse_fault(text: str) -> Fault:
    """Read `SOURCE:KIND[:RATE]`.

    Raises:
        ValueError: with one sentence that says what to write instead.
    """
    parts = text.split(":")
    if len(parts) not in {2, 3}:
        raise ValueError(f"A fault is written SOURCE:KIND or SOURCE:KIND:RATE, not {text!r}.")
    try:
        rate = float(parts[2]) if len(parts) == 3 else 1.0
    except ValueError:
        raise ValueError(f"The rate of a fault is a share from 0 to 1, not {parts[2]!r}.") from None
    return Fault(parts[0], parts[1], rate)


class Request(NamedTuple):
    """One request as the sandbox answered it; `path` includes the query string, `status` is 0 when it was cut off."""

    source: str
    method: str
    path: str
    status: int


class Faults:
    """The faults in force. The n-th request to a source meets a fault when n x rate passes a whole number."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._faults: tuple[Fault, ...] = tuple(faults)
        self._seen: Counter[Fault] = Counter()
        self.first_pages: dict[str, Any] = {}
        """What `repeat` gives again."""

    def replace(self, faults: Iterable[Fault]) -> None:
        """Put these faults in force instead of all earlier ones, counting from zero."""
        with self._lock:
            self._faults = tuple(faults)
            self._seen.clear()
            self.first_pages.clear()

    def draw(self, source: str) -> str | None:
        """The kind of fault that this request meets, or None; `down` is drawn by `cuts`."""
        return self._draw(source, down=False)

    def cuts(self, source: str) -> bool:
        """Whether this request's connection is cut before anything is read."""
        return self._draw(source, down=True) is not None

    def refuses(self, source: str) -> bool:
        """Whether the source must not even listen: a `down` fault of rate 1."""
        return any(fault.source == source and fault.kind == "down" and fault.rate == 1 for fault in self._faults)

    def _draw(self, source: str, *, down: bool) -> str | None:
        with self._lock:
            met = [f for f in self._faults if f.source == source and (f.kind == "down") is down and self._meets(f)]
        return met[0].kind if met else None

    def _meets(self, fault: Fault) -> bool:
        self._seen[fault] += 1
        seen = self._seen[fault]
        return math.floor(seen * fault.rate) > math.floor((seen - 1) * fault.rate)


@dataclass(slots=True)
class Controls:
    """What a running sandbox can be told: faults, latency, whether rate limits hold; and what it was asked."""

    faults: Faults = field(default_factory=Faults)
    latency_seconds: float = 0.0
    slow_seconds: float = 30.0
    rate_limits: bool = True
    requests: list[Request] = field(default_factory=list)

    async def pause(self, kind: str | None) -> None:
        """Wait as long as the latency and a `slow` fault say."""
        seconds = self.latency_seconds + (self.slow_seconds if kind == "slow" else 0.0)
        if seconds > 0:
            await asyncio.sleep(seconds)
