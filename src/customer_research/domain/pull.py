"""What became of one stream in a sync, and how far it has come meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from customer_research.domain.evidence import Gap

PullState = Literal["done", "unchanged", "partial", "failed", "skipped"]
"""done: pulled, and the lake's records changed; unchanged: pulled, and they are as before; partial: pulled to the end, and
the source told only a part, or sent records that cannot be read; failed: the source did not give
all (what it gave is kept, and the next sync goes on from there); skipped: the source is not configured."""


@dataclass(frozen=True, slots=True)
class PullResult:
    """One stream of one sync.

    `rows` counts the records that came in this sync, `gone` those that the lake no longer has; `held` those that it has
    now, as they were at `as_of` (None: the stream was never pulled completely). `gap` says why a stream failed or was
    skipped, or what is missing of a partial one. `full` says that everything was asked for, not only what changed. `seconds`
    is what it took, whatever clock the settings fix.
    """

    source: str
    stream: str
    title: str
    state: PullState
    started: datetime
    ended: datetime
    rows: int = 0
    gone: int = 0
    held: int = 0
    as_of: datetime | None = None
    requests: int = 0
    seconds: float = 0.0
    full: bool = False
    gap: Gap | None = None

    @property
    def name(self) -> str:
        """Source and stream, e.g. `lago.invoices`."""
        return f"{self.source}.{self.stream}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream has come: records done and, where the source tells, in all; its result at the end."""

    source: str
    stream: str
    title: str
    done: int = 0
    total: int | None = None
    result: PullResult | None = None

    @property
    def name(self) -> str:
        """Source and stream, e.g. `lago.invoices`."""
        return f"{self.source}.{self.stream}"
