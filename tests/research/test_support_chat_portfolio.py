"""The support chat of everybody: what a sync brings is what the live path tells, and without Intercom nothing is lacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr
from worlds import Worlds

from customer_research.domain.catalogue import METRICS
from customer_research.domain.snapshot import Snapshot
from customer_research.record_tables import is_off
from customer_research.research import system_clock
from customer_research.research.off import lake_tables
from customer_research.research.portfolio.requests import Scoring
from customer_research.research.portfolio.snapshot_view import freshness_of
from customer_research.research.portfolio.take import take
from customer_research.research.sync import all_sources
from customer_research.settings import LakeSettings, Settings, StoreSettings, load_settings
from customer_research_sandbox.scenarios.chats import expected_chats
from customer_research_sandbox.serve import Sandbox

Taken = tuple[Path, Snapshot]
"""The folder of a snapshot's files, and the snapshot."""


@pytest.fixture(scope="module")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    with worlds.running(also=("intercom",)) as running:
        yield running


def settings_of(sandbox: Sandbox, folder: Path, *, on: bool) -> Settings:
    loaded = load_settings(sandbox.config_path)
    parts: dict[str, Any] = {
        "lake": LakeSettings(folder=folder / "lake"),  # type: ignore[call-arg]
        "store": StoreSettings(url=SecretStr(f"sqlite:///{folder / 'store.db'}")),
    }
    if not on:
        parts["intercom"] = loaded.intercom.model_copy(update={"token": None})  # type: ignore[attr-defined]
    return loaded.model_copy(update=parts)


def taken(settings: Settings, *sources: str, states: frozenset[str] = frozenset({"done"})) -> Taken:
    """Everybody as scored after a sync of these sources."""
    clock = lambda: settings.clock or system_clock()  # noqa: E731
    assert {one.state for one in all_sources.run(settings, clock, sources=sources)} <= states
    return take(settings, clock, Scoring())


@pytest.fixture(scope="module")
def snapshots(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Taken]:
    """Everybody with Intercom and billing alone, then while it is down, then after its token was taken away."""
    folder = tmp_path_factory.mktemp("chat")
    on = settings_of(sandbox, folder, on=True)
    found = {"on": taken(on, "intercom", "lago")}
    sandbox.set_faults("intercom:down")
    found["down"] = taken(on, "intercom", states=frozenset({"failed"}))
    sandbox.set_faults()
    found["off"] = taken(settings_of(sandbox, folder, on=False), "lago", states=frozenset({"done", "unchanged"}))
    return found


def rows(taken: Taken, name: str) -> dict[str, Mapping[str, Any]]:
    with duckdb.connect() as engine:
        found = engine.sql(f"SELECT * FROM '{taken[0]}/{name}.parquet'")
        names = list(found.columns)
        told = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {str(row["operator_id"]): row for row in told}


def test_the_scenarios_come_to_what_was_worked_out_by_hand(snapshots: dict[str, Taken]) -> None:
    accounts = rows(snapshots["on"], "accounts")
    for operator_id, expected in expected_chats().items():
        own = accounts[operator_id]
        alone = {name: value for name, value in expected.items() if "reservation" not in METRICS[name].tables}
        assert {name: own[name] for name in alone} == {
            name: None if value is None else pytest.approx(value) for name, value in alone.items()
        }
        assert {own[name] for name in expected.keys() - alone.keys()} <= {None}  # no trips were read


def test_on_down_or_off_every_score_is_the_same(snapshots: dict[str, Taken]) -> None:
    on, down, off = (rows(snapshots[name], "scores") for name in ("on", "down", "off"))
    assert on == down == off


def test_down_it_is_told_and_off_nothing_is_lacking(snapshots: dict[str, Taken]) -> None:
    gaps = {
        name: [gap.reason for gap in told.gaps if gap.source == "intercom"] for name, (_, told) in snapshots.items()
    }
    assert gaps == {"on": [], "down": ["stale"], "off": []}
    fresh = {name: "intercom" in {one.source for one in freshness_of(told)} for name, (_, told) in snapshots.items()}
    assert fresh == {"on": True, "down": True, "off": False}
    for name in ("down", "off"):
        accounts = rows(snapshots[name], "accounts")
        chat = [column for column in next(iter(accounts.values())) if "conversation" in column]
        assert chat
        assert {row[column] for row in accounts.values() for column in chat} == {None}


@pytest.mark.parametrize(("on", "reason"), [(True, "unavailable"), (False, "not_configured")])
def test_a_lake_without_it_lacks_it_only_where_it_is_on(
    sandbox: Sandbox, tmp_path: Path, *, on: bool, reason: str
) -> None:
    gap = lake_tables(settings_of(sandbox, tmp_path, on=on)).gaps["conversation"]
    assert (gap.source, gap.reason) == ("intercom", reason)
    assert is_off(gap) is not on
