"""The product's scorecard against the one written by hand from the documentation: every line, dimension, gate, score and band."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rules_by_hand as by_hand
from drawn_accounts import drawn, nudged
from scored_accounts import NAMES, account, run, scorecard

from customer_research.domain.catalogue import METRICS, SILENT
from customer_research.health.scoring import scoring_sql
from customer_research.research.portfolio.snapshots import accounts, readings, snapshots_of
from customer_research.settings import Settings


def judged(row: Mapping[str, Any], past: Collection[str] = ()) -> by_hand.Judgement:
    return by_hand.judge(row, (row.get(SILENT) or "").split(), past)


def told(judgement: by_hand.Judgement) -> dict[str, Any]:
    """The judgement under the names of the product's columns."""
    return {
        **{f"case_{name.lower()}": line.row for name, line in judgement.lines.items()},
        **{f"points_{name.lower()}": line.points for name, line in judgement.lines.items()},
        **{f"score_{name}": score for name, score in judgement.dimensions.items()},
        **{f"high_{name}": score for name, score in judgement.high.items()},
        **{f"gate_{name}": row for name, row in judgement.gates.items()},
        "coverage": judgement.coverage,
        "uncapped": judgement.uncapped,
        "score": judgement.score,
        "score_high": judgement.highest,
        "band": judgement.band,
    }


Rows = list[tuple[dict[str, Any], dict[str, Any]]]
"""Each operator's metrics, and what the product makes of them."""


ODD = account(operator_id="odd", reservations_30d=300, reservations_prev_30d=100, usage_trend=2.0, reservations_60d=0)
"""A rise and no reservation: figures that contradict each other, for E5 to stand beside E2."""


@pytest.fixture(scope="module")
def rows() -> Rows:
    metrics = [account(), ODD, *drawn(1400, seed=8), *nudged(700, seed=9)]
    scored = {row["operator_id"]: row for row in run(scoring_sql(scorecard()), metrics)}
    return [(row, scored[row["operator_id"]]) for row in metrics]


@pytest.fixture(scope="module")
def judgements(rows: Rows) -> list[by_hand.Judgement]:
    """What the rules by hand make of each."""
    return [judged(row) for row, _ in rows]


def differences(rows: Rows, judgements: Iterable[by_hand.Judgement]) -> Iterator[str]:
    """Where the product says other than the rules by hand."""
    for (row, product), judgement in zip(rows, judgements, strict=True):
        for name, value in told(judgement).items():
            if product[name] != value:
                yield f"{row['operator_id']}: {name} is {product[name]} and by hand {value}"


def test_nothing_of_the_product_is_in_the_rules_by_hand() -> None:
    assert "customer_research" not in Path(by_hand.__file__).read_text(encoding="utf-8")


def test_every_rule_and_gate_is_written_by_hand() -> None:
    card = scorecard()
    assert [rule.id for rule in card.rules] == [rule.name for rule in by_hand.RULES]
    assert [gate.name for gate in card.gates] == list(by_hand.GATES)
    assert (card.name, card.version) == ("canonical", "2")


def test_the_rules_by_hand_agree_on_drawn_operators(rows: Rows, judgements: list[by_hand.Judgement]) -> None:
    assert list(differences(rows, judgements))[:10] == []


def test_every_row_of_every_rule_and_gate_is_drawn(judgements: list[by_hand.Judgement]) -> None:
    """Each row holds, does not hold, and is not to be told for someone, and each band and kind of score is somebody's."""
    seen = {(rule, line.row, line.open) for one in judgements for rule, line in one.lines.items()}
    for rule in by_hand.RULES:
        rows_of = [None, *range(len(rule.rows) + 1)]
        assert {row for name, row, _ in seen if name == rule.name} == set(rows_of), rule.name
        assert (rule.name, None, True) in seen
    for name, gate in by_hand.GATES.items():
        assert {one.gates[name] for one in judgements} == {None, *range(len(gate.rows) + 1)}, name
    bands = {"healthy", "monitor", "at_risk", "critical", "insufficient", "unsettled", "outside"}
    assert {one.band for one in judgements} == bands
    for name in by_hand.PARTS:
        assert {None, 100}.issubset({one.high[name] for one in judgements}), name
    for name in ("payment", "support"):
        assert 0 in {one.dimensions[name] for one in judgements}, name


def variants(rule: by_hand.Rule) -> Iterator[by_hand.Rule]:
    """The rule wrong in one way each."""
    yield replace(rule, points=rule.points + 1)
    for number in range(len(rule.rows)):
        yield replace(rule, rows=(*rule.rows[:number], lambda _: by_hand.Told(False), *rule.rows[number + 1 :]))
    if rule.beside:
        yield replace(rule, beside=())
    if rule.of:
        yield replace(rule, of=())


def test_no_rule_can_be_wrong_unnoticed(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points, each row, each exclusion: wrong on one side alone, it is found among the drawn operators."""
    for place, rule in enumerate(by_hand.RULES):
        for wrong in variants(rule):
            with monkeypatch.context() as patched:
                patched.setattr(by_hand, "RULES", (*by_hand.RULES[:place], wrong, *by_hand.RULES[place + 1 :]))
                assert next(differences(rows, (judged(row) for row, _ in rows)), None), wrong


@pytest.mark.parametrize("tables", [{"ticket"}, {"dispute", "invoice"}, {"subscription", "survey"}, {"reservation"}])
def test_the_rules_by_hand_agree_on_a_past_date(tables: set[str]) -> None:
    """What rests on these tables is not judged at that date."""
    past = frozenset(name for name in NAMES if tables.intersection(METRICS[name].tables))
    metrics = [row | dict.fromkeys(past) for row in drawn(200, seed=10)]
    query = scoring_sql(scorecard(), untold=past)
    scored = {row["operator_id"]: row for row in run(query, metrics)}
    rows = [(row, scored[row["operator_id"]]) for row in metrics]
    assert list(differences(rows, (judged(row, past) for row in metrics)))[:10] == []


def test_the_rules_by_hand_agree_on_the_demo(portfolio_settings: Settings) -> None:
    """What a portfolio's snapshot holds of its 400 operators, from the metrics that it holds."""
    found = next(snapshots_of(portfolio_settings.lake_folder), None)
    assert found is not None
    folder, snapshot = found
    assert (snapshot.scorecard, snapshot.version) == ("canonical", "2")
    metrics = {row["operator_id"]: row for row in accounts(folder)}
    for reading in readings(folder, snapshot):
        hand = judged(metrics[reading.operator_id])
        parts = {rule.name: rule.dimension for rule in by_hand.RULES}
        lines = {
            name: None if line.row is None else line.points
            for name, line in hand.lines.items()
            if line.row != 0 and hand.dimensions[parts[name]] is not None
        }
        assert reading.contributions == lines, reading.operator_id
        assert reading.dimensions == hand.dimensions, reading.operator_id
        assert (reading.score, reading.band, reading.coverage) == (hand.score, hand.band, hand.coverage)
