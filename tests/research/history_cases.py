"""What the tests of score history share."""

from __future__ import annotations

from typing import Any

from customer_research.domain.snapshot import SNAPSHOTS
from customer_research.settings import Settings
from customer_research.store.database import open_store
from customer_research.store.history import History


def content(settings: Settings) -> dict[str, Any]:
    """All that the history says, whatever numbers the store gave its rows."""
    with open_store(settings.store_url) as store:
        history = History(store)
        snapshots = history.snapshots()
        readings = {one.id: sorted(map(repr, history.readings(one.id))) for one in snapshots}
        counts = history.counts()
        cards = {one.digest: history.scorecard(one.digest) for one in snapshots}
    files = {path.parent.name for path in settings.lake_folder.glob(f"{SNAPSHOTS}/[!.]*/snapshot.json")}
    return {"snapshots": snapshots, "readings": readings, "counts": counts, "cards": cards, "files": files}
