"""A score that a silent source leaves open is neither a fall nor a rise beside another, in whatever reads the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alert_cases import reading, snapshot

from customer_research.domain.evidence import Fact
from customer_research.research.portfolio.moves import between, changes
from customer_research.store.database import open_store
from customer_research.store.history import History

THEN, NOW = 0.0, 30.0


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ({"score": 85}, {"score": 60}, "worse"),
        ({"score": 60}, {"score": 85}, "better"),
        ({"score": 85}, {"score": 60, "highest": 85}, "uncompared"),
        ({"score": 60, "highest": 90}, {"score": 85}, "uncompared"),
        ({"score": 60, "highest": 90}, {"score": 85, "highest": 95}, "uncompared"),
    ],
)
def test_an_open_score_is_no_change(then: dict[str, Any], now: dict[str, Any], told: str, tmp_path: Path) -> None:
    earlier, later = (replace(snapshot(days), operators=1) for days in (THEN, NOW))
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as store:
        history = History(store)
        for of, days, given in ((earlier, THEN, then), (later, NOW, now)):
            history.save(of, [replace(reading(days, **given), dimensions={"payment": 80})])
        moved = between(history, earlier, later, "here")

    found = {"worse": len(moved.worse), "better": len(moved.better), "uncompared": moved.uncompared}
    assert [kind for kind, count in found.items() if count] == [told]
    (change,) = changes(url, later, ["op-1"]).values()
    assert isinstance(change, Fact) is (told != "uncompared")
