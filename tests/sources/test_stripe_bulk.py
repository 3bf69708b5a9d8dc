"""Stripe in a sync: everybody's charges are the warehouse's, late refunds and settled disputes arrive, closed accounts are told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from worlds import Worlds

from customer_research.domain.pull import PullResult
from customer_research.lake import Lake
from customer_research.research.sync import run
from customer_research.settings import LakeSettings, Settings, load_settings
from customer_research_sandbox.serve import Sandbox
from customer_research_sandbox.servers.stripe_ledger import Owned, dispute_row, refund_row

Row = dict[str, Any]
Tables = dict[str, dict[str, Row]]
DAYS_LATER = 90


@dataclass
class Made:
    """A lake that was pulled from the warehouse alone, then with Stripe."""

    sandbox: Sandbox
    settings: Settings
    home: Tables
    first: Tables


def rows_of(folder: Path, table: str) -> dict[str, Row]:
    paths = [str(path) for path in Lake(folder).tables().files[table].paths]
    found = duckdb.execute(f"SELECT * FROM read_parquet({paths})")
    names = [one[0] for one in found.description or ()]
    rows = (dict(zip(names, row, strict=True)) for row in found.fetchall())
    return {f"{row[f'{table}_id']} {row['operator_id']}": row for row in rows}


def both(settings: Settings) -> Tables:
    return {table: rows_of(settings.lake_folder, table) for table in ("charge", "dispute")}


def synced(settings: Settings, *sources: str, days: float = 0) -> Sequence[PullResult]:
    assert settings.clock is not None
    now = settings.clock + timedelta(days=days)
    return run(settings, lambda: now, sources=sources)


@pytest.fixture(scope="module")
def made(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with worlds.running(also=("stripe",)) as running:
        loaded, folder = load_settings(running.config_path), tmp_path_factory.mktemp("lake")
        settings = loaded.model_copy(update={"lake": LakeSettings(folder=folder, full_days=999)})  # type: ignore[call-arg]
        synced(settings, "warehouse")
        home = both(settings)
        (told,) = synced(settings, "stripe")
        assert told.state == "done", told.gap
        yield Made(running, settings, home, both(settings))


def given(settings: Settings) -> set[str]:
    files = Lake(settings.lake_folder).tables().files
    return {receipt.source for name in ("charge", "dispute") for receipt in files[name].receipts}


DOLLARS = frozenset({"currency"})
"""The model calls every amount dollars."""

DAY_ONLY, RAW_ONLY = frozenset({"created_at"}), frozenset({"failure_reason", "cardholder"})
"""What the warehouse's charge model has of a dispute by the day alone; what Stripe's raw tables there have otherwise or not at all."""


def test_everybodys_rows_are_those_of_the_warehouse(made: Made) -> None:
    assert "stripe" in given(made.settings)
    compared = 0
    for table, home in made.home.items():
        near = made.first[table]
        assert set(home) - set(near) == set(), f"{table} records that only the warehouse has"
        for key, row in home.items():
            apart = {name for name, value in row.items() if not same(value, near[key][name])}
            told = DAY_ONLY if table == "dispute" else RAW_ONLY
            assert apart <= told | (DOLLARS if near[key]["currency"] != "USD" else set()), (table, row, near[key])
            compared += not apart
    assert compared > 3_000
    whole = [row for row in made.home["charge"].values() if row["operator_id"].endswith("18")]
    assert len(whole) == 3_000
    for row in whole:
        twin = made.first["charge"][f"{row['charge_id']} {row['operator_id']}"]
        assert all(same(value, twin[name]) for name, value in row.items())


def same(one: Any, other: Any) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) < timedelta(seconds=1)  # Stripe counts whole seconds
    return one == other or (isinstance(one, float) and isinstance(other, float) and math.isclose(one, other))


def owned(made: Made) -> Iterator[tuple[str, Owned]]:
    """Accounts of operators that are charged directly, with a charge made more than 120 days ago."""
    old = int((made.settings.clock or datetime.now(UTC)).timestamp()) - 150 * 86_400
    known = {row["stripe_account"] for row in made.first["charge"].values()}
    for name, one in made.sandbox.stripe.accounts.items():
        if name in known and one.home == "direct" and one.charges and one.charges[0]["created"] < old:
            yield name, one


def test_a_refund_and_a_verdict_of_months_later_arrive_from_either_home(made: Made) -> None:
    assert made.settings.clock is not None
    now, later = made.settings.clock, made.settings.clock + timedelta(days=DAYS_LATER)
    (name, direct), (moved, elsewhere), *_ = owned(made)
    elsewhere.home = "destination"
    charges, disputes = {}, {}
    for account, owner in ((name, direct), (moved, elsewhere)):
        charges[account] = next(x for x in owner.charges if x["status"] == "succeeded" and not x["amount_refunded"])
        disputes[account] = dispute_row(f"dp_{account}", charges[account], "needs_response", now - timedelta(days=100))
        owner.disputes.append(disputes[account])
    try:
        for days in (0.1, DAYS_LATER - 1):  # a pull reaches back 120 days before the pull before it
            synced(made.settings, "stripe", days=days)
        made.sandbox.clear_request_log()
        for account, owner in ((name, direct), (moved, elsewhere)):
            charge = charges[account]
            charge["amount_refunded"] = charge["amount"]
            disputes[account]["status"] = "won"
            owner.refunds.append(refund_row(f"re_{account}", charge, charge["amount"], later - timedelta(hours=1)))
        synced(made.settings, "stripe", days=DAYS_LATER)
        found, refunds = both(made.settings), rows_of(made.settings.lake_folder, "refund")
    finally:
        elsewhere.home = "direct"
    asked = [one.path for one in made.sandbox.request_log if "/v1/charges" in one.path]
    assert sum("created%5Bgte%5D" in path for path in asked) > len(asked) / 2
    for account, charge in charges.items():
        (row,) = [row for row in found["charge"].values() if row["charge_id"] == charge["id"]]
        assert (row["stripe_account"], row["refunded_minor"]) == (account, charge["amount"])
        (settled,) = [row for row in found["dispute"].values() if row["dispute_id"] == f"dp_{account}"]
        assert (settled["status"], settled["is_active"]) == ("won", False)
        (dated,) = [row for row in refunds.values() if row["refund_id"] == f"re_{account}"]
        assert dated["charge_id"] == charge["id"]
        assert dated["created_at"] == (later - timedelta(hours=1)).replace(tzinfo=None)


@pytest.mark.parametrize("way", ["revoked", "shut"])
def test_of_an_account_that_may_not_be_read_the_rows_are_the_warehouses(made: Made, way: str) -> None:
    name, _ = next(owned(made))
    home = {key for key, row in made.home["charge"].items() if row["stripe_account"] == name}
    lost: set[str] = getattr(made.sandbox.stripe, way)
    lost.add(name)
    try:
        (told,) = synced(made.settings, "stripe", days=DAYS_LATER + 1)
        found = both(made.settings)["charge"]
    finally:
        lost.discard(name)
    assert home
    assert {key for key, row in found.items() if row["stripe_account"] == name} == home
    for key in home:
        assert all(same(value, found[key][column]) for column, value in made.home["charge"][key].items())
    assert sum(row["operator_id"].endswith("18") for row in found.values()) == 3_000
    assert given(made.settings) == {"stripe", "warehouse"}
    assert told.state == "partial"
    assert told.gap is not None
    assert name in told.gap.detail


@pytest.mark.parametrize("fault", ["down", "auth", "http429"])
def test_a_pull_that_fails_is_named_and_the_rows_are_the_warehouses(made: Made, no_waiting: None, fault: str) -> None:
    del no_waiting
    made.sandbox.set_faults(f"stripe:{fault}")
    try:
        (told,) = synced(made.settings, "stripe", days=DAYS_LATER + 2)
        found = both(made.settings)
    finally:
        made.sandbox.set_faults()
    assert (told.state, bool(told.gap and told.gap.next_step)) == ("failed", True)
    assert found == made.home
    assert given(made.settings) == {"warehouse"}


def landed(settings: Settings) -> dict[str, tuple[str, int]]:
    """The charges that landed: whose each is, and what of it is refunded."""
    folder = settings.lake_folder
    file = folder / Lake(folder).state().streams["stripe.cards"].landed["stripe_charge"].file
    found = duckdb.execute(f"SELECT charge_id, stripe_account, refunded_minor FROM read_parquet('{file}')")
    return {charge: (account, refunded) for charge, account, refunded in found.fetchall()}


def test_a_pull_that_was_cut_off_goes_on_where_it_was(made: Made, no_waiting: None, tmp_path: Path) -> None:
    del no_waiting
    lake = LakeSettings(folder=tmp_path)  # type: ignore[call-arg]
    settings = made.settings.model_copy(update={"lake": lake})
    made.sandbox.clear_request_log()
    made.sandbox.set_faults("stripe:auth:0.012")  # the 84th request: behind the accounts, within their records
    try:
        told = synced(settings, "stripe", days=DAYS_LATER + 3)
    finally:
        made.sandbox.set_faults()
    assert (told[0].state, len(made.sandbox.request_log) > 60) == ("failed", True)
    made.sandbox.clear_request_log()
    assert synced(settings, "stripe", days=DAYS_LATER + 3)[0].state == "done"
    assert not any(one.path.startswith("/v1/accounts") for one in made.sandbox.request_log)
    synced(made.settings, "stripe", days=DAYS_LATER + 3)
    assert landed(settings) == landed(made.settings)


def test_an_account_that_is_connected_later_is_read_from_its_beginning(made: Made) -> None:
    assert made.settings.clock is not None
    old = made.settings.clock - timedelta(days=400)
    charge = {**next(owned(made))[1].charges[0], "id": "ch_1Newcomer", "created": int(old.timestamp())}
    made.sandbox.stripe.accounts.add("acct_1Newcomer", Owned("direct", [charge]))
    synced(made.settings, "stripe", days=DAYS_LATER + 4)
    assert landed(made.settings)["ch_1Newcomer"][0] == "acct_1Newcomer"
