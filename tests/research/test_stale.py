"""Days that nobody fetched: tables out of date are gaps, one alert a source is raised, and nothing is said of operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alert_cases import CARD, at, reading, rules_of, snapshot
from made_up_lake import NOW, STOPPED, fill, settings_in, stories
from stale_lake import OUT, pulled, scored

from customer_research.domain.alert import Episode
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.snapshot import Reading, Snapshot
from customer_research.domain.tables import LastPull, TableFile, TableSet
from customer_research.health.alerts.alert_memory import AlertMemory
from customer_research.health.alerts.rule_states import Judgement, WatchRows
from customer_research.research.alerting.rule_check import check
from customer_research.research.past.history.backfill import backfill
from customer_research.research.portfolio.moves import changes
from customer_research.research.portfolio.snapshot_view import freshness_of
from customer_research.settings import Settings
from customer_research.store.alerts import AlertBook
from customer_research.store.database import open_store

PATIENCE = timedelta(hours=48)


@pytest.fixture
def filled(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    fill(settings.lake_folder, stories())
    return settings


def alerts(settings: Settings, moment: datetime) -> tuple[Episode, ...]:
    """Judge what waits; all episodes there are."""
    with open_store(settings.store_url) as store:
        check(settings, store, now=moment)
        return AlertBook(store).episodes(open_only=False)


def of_operators(episodes: tuple[Episode, ...]) -> set[tuple[object, ...]]:
    return {(e.subject, e.rule, e.number, e.raised, e.held, e.cleared) for e in episodes if not e.source}


def table(name: str, *pulls: LastPull) -> TableFile:
    return TableFile(name, (Path(f"{name}.parquet"),), 3, name, (), pulls)


def test_a_table_is_stale_by_age_or_by_a_failure_since_and_never_before_its_pull() -> None:
    pull = LastPull("lago", "invoices", at(10))
    assert not pull.is_stale(at(10), PATIENCE)
    assert not pull.is_stale(at(12), PATIENCE)
    assert pull.is_stale(at(12.01), PATIENCE)
    assert not pull.is_stale(at(3), PATIENCE)  # pulled later: it covers the past
    failed = replace(pull, failed_at=at(11), failure=OUT)
    assert [failed.is_stale(at(day), PATIENCE) for day in (3, 10.5, 11, 11.5)] == [False, False, True, True]


def test_stale_tables_give_way_to_gaps_but_the_list_of_operators_stays() -> None:
    old, fresh = LastPull("lago", "invoices", at(1)), LastPull("warehouse", "trips", at(9))
    files = (table("operator", old), table("invoice", old), table("reservation", fresh), table("survey"))
    tables = TableSet("here", {file.table: file for file in files}, {"deal": Gap("hubspot", "denied", "No.")})
    assert tables.at(at(2), PATIENCE) is tables
    found = tables.at(at(10), PATIENCE)
    assert sorted(found.files) == ["operator", "reservation", "survey"]
    assert found.stale == ("invoice", "operator")
    assert found.gaps["invoice"] == found.gaps["operator"]
    assert found.gaps["invoice"].detail == "Out of date: last pulled 2026-01-06 00:00 UTC."
    assert found.gaps["invoice"].next_step == "Run `customer-research sync lago`."
    assert found.digest != tables.digest
    assert found.pulled == {"lago": at(1), "warehouse": at(9)}


def test_a_failed_pull_says_why() -> None:
    failed = LastPull("lago", "invoices", at(9), at(10), OUT)
    gap = TableSet("here", {"invoice": table("invoice", failed)}).at(at(10), PATIENCE).gaps["invoice"]
    assert (gap.reason, gap.next_step) == ("stale", "Check lago.url.")
    assert gap.detail.endswith("; the pull after that failed: Lago cannot be reached.")


def test_five_days_without_a_pull_are_source_alerts_and_nothing_else(filled: Settings) -> None:
    pulled(filled, NOW, "lago", "warehouse")
    before, whole = scored(filled, NOW)
    raised = of_operators(alerts(filled, NOW))
    assert before.stale == ()
    assert {subject for subject, *_ in raised} >= {STOPPED}

    out = NOW + timedelta(days=5)
    during, dark = scored(filled, out)
    assert during.stale == ("invoice", "operator", "reservation", "subscription")
    assert {one.score for one in dark.values()} == {None}
    assert max(one.coverage for one in dark.values()) < min(one.coverage for one in whole.values())
    found = alerts(filled, out)
    assert of_operators(found) == raised
    assert {(e.subject, e.rule) for e in found if e.source} == {
        ("source:lago", "source_gap"),
        ("source:warehouse", "source_gap"),
    }
    lines = {line.source: line for line in freshness_of(during)}
    assert lines["lago"].gaps[0].reason == "stale"
    assert alerts(filled, out) == found  # the same again raises nothing new

    back = out + timedelta(days=1)
    pulled(filled, back, "lago", "warehouse")
    after, lit = scored(filled, back)
    assert after.stale == ()
    assert all(lit[name].coverage == whole[name].coverage for name in whole)
    episodes = alerts(filled, back)
    assert all(e.cleared is not None for e in episodes if e.source)
    assert {(e.subject, e.rule) for e in episodes if not e.source} >= {(subject, rule) for subject, rule, *_ in raised}


def test_a_failed_pull_of_one_source_leaves_the_others_figures_and_says_nothing_that_rests_on_it(
    filled: Settings,
) -> None:
    pulled(filled, NOW, "lago", "warehouse")
    scored(filled, NOW)
    raised = of_operators(alerts(filled, NOW))
    assert raised

    later = NOW + timedelta(days=1)
    pulled(filled, later, "warehouse")
    pulled(filled, NOW, "lago", failed=later)
    during, found = scored(filled, later)
    assert "reservation" not in during.stale
    assert found[STOPPED].dimensions["payment"] is None
    assert found[STOPPED].dimensions["engagement"] is not None
    episodes = alerts(filled, later)
    assert of_operators(episodes) == raised
    (source,) = [e for e in episodes if e.source]
    assert (source.subject, source.open) == ("source:lago", True)
    assert "Lago cannot be reached" in source.told.because


def test_no_change_is_told_between_readings_that_know_different_dimensions(filled: Settings) -> None:
    pulled(filled, NOW, "lago", "warehouse")
    backfill(filled, lambda: NOW, weeks=5, until=NOW)
    later = NOW + timedelta(days=1)
    pulled(filled, NOW, "lago", failed=later)
    during, found = scored(filled, later)
    assert during.stale
    told = changes(filled.store_url, during, list(found))
    assert all(figure.reason == "not_comparable" for figure in told.values() if isinstance(figure, Gap))
    assert any(isinstance(figure, Gap) for figure in told.values())
    assert len(told) == len(found)
    pulled(filled, later, "lago", "warehouse")
    after, found = scored(filled, later)
    assert all(isinstance(figure, Fact) for figure in changes(filled.store_url, after, list(found)).values())


RULES = rules_of(
    'id = "tickets"\nkind = "metric"\nmetric = "open_tickets"\nside = "high"\nraise_at = 3\nclear_at = 1\nbecause = "B."',
    'id = "payment"\nkind = "dimension"\ndimension = "payment"\nside = "low"\nraise_at = 39\nclear_at = 60',
    'id = "engagement"\nkind = "dimension"\ndimension = "engagement"\nside = "low"\nraise_at = 39\nclear_at = 60',
    'id = "falls"\nkind = "score_drop"\ndays = 30\nraise_at = -10\nclear_at = -5',
    'id = "banded"\nkind = "metric"\nmetric = "open_tickets"\nside = "high"\nraise_at = 3\nclear_at = 1\nbecause = "B."\n'
    'bands = ["healthy"]',
    'id = "R8"\nkind = "finding"\nfinding = "R8"',
).rules


TABLES = {metric.name: metric.tables for metric in METRICS.values()}


def stale_snapshot(day: float, *tables: str) -> Snapshot:
    made = snapshot(day)
    (receipt,) = made.receipts
    return replace(made, receipts=(replace(receipt, parameters=(("stale", " ".join(tables)),)),))


def judged(before: Snapshot, now: Snapshot, told: Callable[[float], Reading]) -> dict[str, str]:
    """What each rule says of the one operator, 30 days after another snapshot."""
    standings = AlertMemory(40)
    standings.add(before, [told(0)], {})
    watched = WatchRows(
        states={"op-1": {"segment": "SMB", "state_tickets": 1, "state_banded": 1}},
        findings={"op-1": {"case_r8": 1}},
        tables=TABLES,
    )
    judgement = Judgement(now, [told(30)], standings, card=CARD, watched=watched)
    return {rule.id: judgement.states(rule)["op-1"] for rule in RULES}


def test_a_reading_from_exactly_so_many_days_ago_is_within_them() -> None:
    memory = AlertMemory(40)
    for day in (0, 1):
        memory.add(snapshot(day), [reading(day)], {})
    assert [one.snapshot for one in memory.comparable(snapshot(30), reading(30), 30)] == [
        snapshot(0).id,
        snapshot(1).id,
    ]
    assert [one.snapshot for one in memory.comparable(snapshot(31), reading(31), 30)] == [snapshot(1).id]


def test_rules_that_rest_on_a_stale_table_say_nothing_and_the_others_go_on() -> None:
    def falling(day: float) -> Reading:
        return reading(day, 85 if day == 0 else 30, band="healthy")

    assert judged(snapshot(0), snapshot(30), falling) == dict.fromkeys((rule.id for rule in RULES), "holds")
    found = judged(stale_snapshot(0, "invoice"), stale_snapshot(30, "invoice"), falling)
    assert found == {
        "tickets": "holds",
        "engagement": "holds",
        "payment": "unknown",
        "falls": "unknown",
        "banded": "unknown",
        "R8": "unknown",
    }
