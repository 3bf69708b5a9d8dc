"""Snapshots of a lake whose sources stopped: a past one is not stale, a day's one is taken anew, imported tables have no pulls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from made_up_lake import NOW, fill, settings_in, stories
from stale_lake import pulled, scored

from customer_research.research.past.history.backfill import backfill
from customer_research.research.past.history.backfill import take as take_today
from customer_research.research.portfolio.snapshot_view import freshness_of
from customer_research.settings import Settings
from customer_research.store.database import open_store
from customer_research.store.history import History


@pytest.fixture
def filled(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    fill(settings.lake_folder, stories())
    return settings


def test_a_backfill_of_the_past_is_not_stale_and_fills_what_an_outage_left(filled: Settings) -> None:
    pulled(filled, NOW - timedelta(days=10), "lago", "warehouse")
    done = backfill(filled, lambda: NOW, weeks=3, until=NOW)
    with open_store(filled.store_url) as store:
        kept = {one.as_of: one.stale for one in History(store).snapshots()}
    assert {moment for moment, stale in kept.items() if stale} == {NOW, NOW - timedelta(days=7)}
    assert len(done.scored) == 4
    pulled(filled, NOW, "lago", "warehouse")
    again = backfill(filled, lambda: NOW, weeks=3, until=NOW)
    assert again.scored == (NOW, NOW - timedelta(days=7))
    assert backfill(filled, lambda: NOW, weeks=3, until=NOW).scored == ()


def test_the_days_snapshot_is_taken_anew_when_the_source_is_back(filled: Settings) -> None:
    pulled(filled, NOW - timedelta(days=10), "lago", "warehouse")
    dark, new = take_today(filled, lambda: NOW)
    assert new
    assert dark.stale
    pulled(filled, NOW, "lago", "warehouse")
    lit, new = take_today(filled, lambda: NOW)
    assert (new, lit.stale) == (True, ())


def test_imported_tables_have_no_pulls_and_the_setting_is_the_users(filled: Settings) -> None:
    later = NOW + timedelta(days=20)
    assert scored(filled, later)[0].stale == ()
    pulled(filled, NOW, "lago", "warehouse")
    patient = filled.model_copy(update={"lake": filled.lake.model_copy(update={"stale_hours": 24 * 30})})
    found, _ = scored(patient, later + timedelta(hours=1))
    assert found.stale == ()
    unchanged = replace(found.receipts[0], source="lago", fetched_at=NOW - timedelta(days=90))
    (line,) = [
        one for one in freshness_of(replace(found, receipts=(*found.receipts, unchanged))) if one.source == "lago"
    ]
    assert (line.fetched_at, line.warning[:25]) == (NOW, "Pulled more than 48 hours")
