"""How often a scorecard was right on the lake's own past, as it was last worked out and is kept beside the lake."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from customer_research import private
from customer_research.domain.track import TrackRecord

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FOLDER = "track_record"
"""The folder of the lake in which track records lie, one a scorecard's digest."""


@cache
def _adapter() -> TypeAdapter[TrackRecord]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - start-up time

    return TypeAdapter(TrackRecord)


def track_of(lake: Path, digest: str) -> TrackRecord | None:
    """The track record of the scorecard with this digest; None where none was worked out, or its file cannot be read."""
    try:
        content = _path(lake, digest).read_bytes()
    except OSError:
        return None
    try:
        return _adapter().validate_json(content)
    except ValueError:  # of another version of the program: it is worked out anew
        return None


def due(lake: Path, digest: str, now: datetime) -> bool:
    """Whether a month has begun since the scorecard's track record was worked out, or there is none."""
    found = track_of(lake, digest)
    return found is None or (found.known_until.year, found.known_until.month) != (now.year, now.month)


def keep_track(lake: Path, record: TrackRecord) -> None:
    """Keep a scorecard's track record in place of its last one.

    Raises:
        OSError: it cannot be written.
    """
    path = _path(lake, record.digest)
    private.make_folder(path.parent)
    private.write(path, _adapter().dump_json(record))


def _path(lake: Path, digest: str) -> Path:
    return lake / FOLDER / f"{digest[:16]}.json"
