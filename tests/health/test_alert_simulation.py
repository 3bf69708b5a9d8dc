"""The simulation's counts, on a history whose every alert is known by hand."""

from __future__ import annotations

from collections.abc import Sequence

from alert_cases import at, reading, rules_of, snapshot

from customer_research.domain.alert import ChurnShare, SimulationResult
from customer_research.domain.health import Status
from customer_research.domain.snapshot import Reading
from customer_research.health.alerts.alert_memory import AlertMemory
from customer_research.health.alerts.rule_states import Judgement
from customer_research.health.alerts.simulation import HORIZON, Simulation

LOW = 'id = "low"\nkind = "dimension"\ndimension = "score"\nside = "low"\nraise_at = 29\nclear_at = 40'
GROWTH = 'id = "idle"\nkind = "metric"\nmetric = "days_since_login"\nbecause = "Idle."\nside = "high"\nraise_at = 7\nclear_at = 3'  # fmt: skip


def simulated(weeks: Sequence[Sequence[Reading]], *tables: str, since: int = 0) -> SimulationResult:
    before = AlertMemory(30)
    simulation = Simulation(rules_of(*tables).rules, at(7 * since))
    for number, readings in enumerate(weeks):
        simulation.take(Judgement(snapshot(7 * number), readings, before))
    return simulation.result()


def history(*scores: str) -> list[list[Reading]]:
    """A word of letters for each operator, a letter a week: low, middle, high, unknown, churned, `.` not there."""
    values = {"l": 20, "m": 35, "h": 90, "?": None, "c": 10}
    weeks: list[list[Reading]] = [[] for _ in range(max(map(len, scores)))]
    for number, word in enumerate(scores):
        for week, letter in enumerate(word):
            if letter in values:
                status: Status = "churned" if letter == "c" else "active"
                weeks[week].append(reading(7 * week, values[letter], operator=f"op-{number}", status=status))
    return weeks


def test_alerts_are_counted_once_an_episode() -> None:
    found = simulated(history("hllm?lhhhhhl", "llhhhhhhhhhh", "hhhhhhhhhhhh"), LOW)
    (tally,) = found.tallies
    assert (tally.alerts, tally.at_start, tally.operators, tally.still_open) == (3, 1, 2, 1)
    assert (tally.held, tally.unknown) == (6, 1)
    assert tally.worst_week == 1
    assert tally.per_week == 2 / 11
    assert tally.median_days == (35 + 14) / 2
    assert (found.weeks, len(found.instants)) == (11.0, 12)


def test_what_comes_before_the_beginning_is_only_remembered() -> None:
    (tally,) = simulated(history("lllllhl"), LOW, since=3).tallies
    assert (tally.alerts, tally.at_start) == (1, 1)


def test_the_outcome_counts_alerts_with_ninety_days_after_them() -> None:
    weeks = HORIZON.days // 7 + 2
    words = ["hl" + "h" * 4 + "c" * weeks, "hl" + "h" * (4 + weeks), "hh" + "h" * (3 + weeks) + "l"]
    found = simulated(history(*words), LOW)
    (tally,) = found.tallies
    assert tally.churn == ChurnShare(known=2, churned=1)
    assert found.base.share is not None
    assert found.base.share < 0.5
    short = simulated(history("hlh"), LOW)
    assert short.tallies[0].churn.share is None
    assert short.base == ChurnShare(0, 0)


def test_rules_over_metrics_are_unknown_where_the_metrics_are_gone() -> None:
    found = simulated(history("hhh"), GROWTH, LOW)
    assert found.blind == found.instants
    assert [(tally.alerts, tally.unknown) for tally in found.tallies] == [(0, 3), (0, 0)]


def test_without_a_snapshot_there_is_nothing() -> None:
    found = simulated([], LOW)
    assert (found.tallies[0].alerts, found.weeks, found.instants) == (0, 0.0, ())
