"""The demo's portfolio: synced over real HTTP, scored, and equal to what the live path says; the scenarios' findings hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from portfolio_cases import Row, reading_of, said, unequal
from scenario_judge import EXPECTED, plain, same
from scored_demo import Scored, taken

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.health import BAND_LABELS, NO_BAND
from customer_research.domain.snapshot import Reading
from customer_research.metrics.queries import account_columns
from customer_research.research import Research
from customer_research.settings import Settings

AT_ONCE = 8


EVERY = 40
"""Of the operators without a scenario, one in so many is fetched live; `./dev bench live 447` compares everybody."""


_WITH_FAULT = {name for name, scenario in EXPECTED.items() if "fault" in scenario["expect"]}
"""Scenarios in which a source fails while it is asked; the lake was filled without faults."""


@pytest.fixture(scope="module")
def scored(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    return taken(portfolio_settings, "canonical", tmp_path_factory.mktemp("snapshots"))


@pytest.fixture(scope="module")
def live(scored: Scored, portfolio_settings: Settings) -> Mapping[str, tuple[Account, Row]]:
    """Accounts of the live path with their wide rows: every scenario's, and some of the others'."""
    own = {scenario["operator_id"] for scenario in EXPECTED.values()}
    others = sorted(set(scored.readings) - own)
    chosen = [*sorted(own & set(scored.readings)), *others[::EVERY]]

    patient = portfolio_settings.model_copy(update={"deadline_seconds": 120.0})  # many are asked for at once here

    async def session() -> dict[str, tuple[Account, Row]]:
        room = asyncio.Semaphore(AT_ONCE)
        async with Research(patient) as research:

            async def one(operator_id: str) -> tuple[Account, Row]:
                async with room:
                    account, measuring = await research.measured(operator_id)
                    return account, measuring.wide_row()

            return dict(zip(chosen, await asyncio.gather(*map(one, chosen)), strict=True))

    return asyncio.run(session())


def test_the_portfolio_says_of_each_operator_what_the_live_path_says(
    scored: Scored, live: Mapping[str, tuple[Account, Row]]
) -> None:
    assert scored.snapshot.gaps == ()
    assert len(live) > len(EXPECTED)
    for operator_id, (account, row) in live.items():
        reading, there = scored.readings[operator_id], dict(scored.rows[operator_id])
        assert there.pop("name") == account.name
        assert unequal(row, {name: there[name] for name in row}) == []
        assert account.score is not None
        assert said(reading) == reading_of(account.score, [finding.rule for finding in account.findings])


def test_score_and_band_are_one(scored: Scored) -> None:
    bands = {"healthy": range(80, 101), "monitor": range(60, 80), "at_risk": range(40, 60), "critical": range(40)}
    for told in scored.readings.values():
        assert told.band in NO_BAND or told.score in bands[told.band], told
        assert (told.band == "outside") is (
            told.status in {"onboarding", "churned", "never_started", "no_subscription"}
        )


def test_everybody_whom_a_source_knows_is_there(scored: Scored) -> None:
    listed = {scenario["operator_id"] for scenario in EXPECTED.values()}
    assert listed <= set(scored.readings)
    assert scored.snapshot.operators == len(scored.readings) >= 400


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - _WITH_FAULT))
def test_a_scenario_holds_in_the_portfolio(name: str, scored: Scored) -> None:
    scenario = EXPECTED[name]
    operator_id, expect = scenario["operator_id"], scenario["expect"]
    assert list(_mismatches(scored.readings[operator_id], scored.rows[operator_id], expect)) == []


def _mismatches(reading: Reading, row: Row, expect: Mapping[str, Any]) -> Iterator[str]:
    columns = account_columns()
    for metric, wanted in expect["metrics"].items():
        if metric in columns and not same(plain(row[metric]), wanted):
            yield f"metric {metric}: expected {wanted!r}, found {row[metric]!r}"
        assert metric in METRICS
    yield from (f"{metric} should be unknown" for metric in expect.get("unknown", ()) if row.get(metric) is not None)
    fired = {rule for rule, points in reading.contributions.items() if points is not None}
    yield from (f"rule {rule} should fire" for rule in expect["rules"]["fired"] if rule not in fired)
    yield from (f"rule {rule} should not fire" for rule in expect["rules"]["not_fired"] if rule in fired)
    for dimension, wanted in expect["dimensions"].items():
        if reading.dimensions[dimension] != wanted:
            yield f"dimension {dimension}: expected {wanted}, found {reading.dimensions[dimension]}"
    band = BAND_LABELS[reading.band]
    if expect.get("score", reading.score) != reading.score or expect.get("band", band) != band:
        yield f"score {reading.score}, band {band}"
    if expect.get("not_band") == band:
        yield f"band must not be {band}"
    if reading.status != expect["status"]:
        yield f"status {reading.status}"
    yield from _finding_mismatches(set(reading.findings), expect)


def _finding_mismatches(held: set[str], expect: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{rule} should hold" for rule in expect.get("correlations", ()) if rule not in held)
    yield from (f"{rule} should not hold" for rule in expect.get("correlations_not", ()) if rule in held)
    some = set(expect.get("correlations_any", ()))
    if some and not held & some:
        yield f"one of {sorted(some)} should hold"


def test_other_scorecards_judge_the_same_rows(portfolio_settings: Settings, scored: Scored, tmp_path: Path) -> None:
    billing, guide = (taken(portfolio_settings, card, tmp_path) for card in ("billing_guide", "guide"))
    assert billing.rows == guide.rows == scored.rows
    failed_and_overdue, big = EXPECTED["S05"], EXPECTED["S18"]
    payment = billing.readings[failed_and_overdue["operator_id"]].dimensions["payment"]
    assert payment == failed_and_overdue["expect"]["billing_guide"]["payment"]
    punished = guide.readings[big["operator_id"]].dimensions["payment"]
    assert punished is not None
    assert punished <= big["expect"]["guide"]["payment_at_most"]
