"""Groups of similar operators of a snapshot: the middle of those that are active, without the user's own test accounts."""

from __future__ import annotations

from pathlib import Path

import duckdb

from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.peers import Peers
from customer_research.research.one.peer_groups import peers_of
from customer_research.research.portfolio.peers import keep_peers
from customer_research.research.portfolio.snapshots import snapshots_of
from customer_research.settings import LakeSettings, Settings


def _peers(settings: Settings, folder: Path, *tests: str) -> Peers:
    files, snapshot = next(snapshots_of(settings.lake_folder))
    own = settings.model_copy(update={"lake": LakeSettings(folder=folder), "test_operators": tests})  # type: ignore[call-arg]
    keep_peers(own, files, snapshot)
    receipt = Receipt("r", "memory", "made up", "", snapshot.as_of, 1, "0" * 64)
    found = peers_of(folder, {"segment": Fact("SMB", "text", (receipt,), snapshot.as_of, "segment")})
    assert isinstance(found, Peers)
    return found


def _by_hand(settings: Settings, condition: str) -> tuple[float, int]:
    files, _ = next(snapshots_of(settings.lake_folder))
    ((middle, count),) = duckdb.execute(
        f"SELECT MEDIAN(a.driver_app_rate), COUNT(a.driver_app_rate) FROM '{files}/accounts.parquet' AS a "
        f"JOIN '{files}/scores.parquet' AS s USING (operator_id) WHERE s.status = 'active' AND a.segment = 'SMB' AND {condition}"
    ).fetchall()
    return middle, count


def test_the_middle_is_of_active_operators_of_the_group(portfolio_settings: Settings, tmp_path: Path) -> None:
    found = _peers(portfolio_settings, tmp_path)
    middle, count = _by_hand(portfolio_settings, "TRUE")
    assert (found.middles["driver_app_rate"].value, found.operators["driver_app_rate"]) == (middle, count)


def test_test_accounts_are_no_peers(portfolio_settings: Settings, tmp_path: Path) -> None:
    scenarios = "00000000-5ce0-11f0-a000-"
    found = _peers(portfolio_settings, tmp_path, f"{scenarios}*", "o'nobody")
    middle, count = _by_hand(portfolio_settings, f"NOT starts_with(a.operator_id, '{scenarios}')")
    assert (found.middles["driver_app_rate"].value, found.operators["driver_app_rate"]) == (middle, count)
    assert count < _by_hand(portfolio_settings, "TRUE")[1]
