"""Measures, groups and alert loads: equal to scikit-learn's where it has them, honest intervals by account."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from customer_research.domain.calibration import Estimate
from customer_research.health.calibration.evaluation import (
    ChurnRows,
    Measures,
    Prediction,
    alert_loads,
    churn_by_group,
    estimates,
    evaluate,
    quantile_bins,
    separated,
)
from customer_research.health.calibration.logistic import intercept_of, line_of, log_odds, sigmoid
from customer_research.health.calibration.panel import Flags, Floats, Integers

DRAWS = 100


def _rows(count: int = 800, *, slope: float = 1.0, seed: int = 5) -> tuple[Prediction, ChurnRows]:
    """Rows whose log odds are known; the probabilities told are as much too extreme as `slope` is below 1."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1.5, 1.2, count).round(1)
    churned = rng.random(count) < sigmoid(odds)
    scored = Prediction(odds, sigmoid((odds + 1.5) / slope - 1.5))
    return scored, ChurnRows(churned, np.arange(count))


def test_measures_are_those_of_scikit_learn() -> None:
    scored, churn = _rows()
    assert scored.probability is not None
    counts = np.random.default_rng(2).integers(0, 4, 800).astype(np.float64)
    for weights in (np.ones(800), counts):
        found = dict(zip(Measures.NAMES, Measures(scored, churn)(weights), strict=True))
        y, p = churn.churned, scored.probability
        assert found["auc"] == pytest.approx(roc_auc_score(y, scored.risk, sample_weight=weights))
        precision = average_precision_score(y, scored.risk, sample_weight=weights)
        assert found["average_precision"] == pytest.approx(precision)
        assert found["brier"] == pytest.approx(brier_score_loss(y, p, sample_weight=weights))
        assert found["log_loss"] == pytest.approx(log_loss(y, p, sample_weight=weights))
        line = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds(p)[:, None], y, sample_weight=weights)
        assert found["slope"] == pytest.approx(line.coef_[0, 0], rel=1e-4)


def test_probabilities_that_are_right_are_told_so_and_too_extreme_ones_too() -> None:
    right = evaluate(*_rows(3000), draws=DRAWS)
    assert right.slope is not None
    assert right.slope.holds(1.0)
    assert right.intercept is not None
    assert right.intercept.holds(0.0)
    assert right.ece is not None
    assert right.ece.value < 0.02
    extreme = evaluate(*_rows(3000, slope=0.5), draws=DRAWS)
    assert extreme.slope is not None
    assert extreme.slope.value == pytest.approx(0.5, abs=0.08)
    assert not extreme.slope.holds(1.0)


def test_an_evaluation_tells_bins_and_deciles() -> None:
    scored, churn = _rows()
    found = evaluate(scored, churn, draws=DRAWS)
    assert (found.rows, found.accounts, found.churned) == (800, 800, int(churn.churned.sum()))
    assert len(found.reliability) == 5
    assert sum(line.rows for line in found.reliability) == 800
    assert [line.lowest for line in found.reliability] == sorted(line.lowest for line in found.reliability)
    assert sum(line.churned for line in found.deciles) == found.churned
    first, last = found.deciles[0].lift, found.deciles[-1].lift
    assert first is not None
    assert last is not None
    assert first.value > 1.5
    assert last.value < 0.7
    many = evaluate(*_rows(3000), draws=10)
    assert len(many.reliability) == 10


def test_without_probabilities_only_the_ranking_is_judged() -> None:
    scored, churn = _rows()
    found = evaluate(Prediction(scored.risk), churn, draws=10)
    assert found.auc is not None
    assert (found.brier, found.log_loss, found.slope, found.intercept, found.ece) == (None,) * 5
    assert found.reliability == ()


def test_rows_of_one_kind_have_no_ranking() -> None:
    scored, _ = _rows()
    found = evaluate(scored, ChurnRows(np.zeros(800, dtype=bool), np.arange(800)), draws=10)
    assert found.auc is None
    assert found.slope is None
    assert found.brier is not None


def test_copies_of_each_row_do_not_narrow_an_interval() -> None:
    scored, churn = _rows()
    assert scored.probability is not None
    single = evaluate(scored, churn, draws=DRAWS)
    copies = Prediction(np.tile(scored.risk, 3), np.tile(scored.probability, 3))
    tripled = evaluate(copies, ChurnRows(np.tile(churn.churned, 3), np.tile(churn.accounts, 3)), draws=DRAWS)
    for name in Measures.NAMES:
        one, three = getattr(single, name), getattr(tripled, name)
        assert (three.value, three.low, three.high) == pytest.approx((one.value, one.low, one.high)), name
    assert single.churned_accounts == tripled.churned_accounts


def test_an_interval_is_as_wide_as_theory_says() -> None:
    churned = np.random.default_rng(1).random(2000) < 0.1
    (found,) = estimates(lambda counts: np.array([counts @ churned / counts.sum()]), 2000, draws=1000, seed=3)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    spread = 2 * 1.96 * np.sqrt(found.value * (1 - found.value) / 2000)
    assert found.high - found.low == pytest.approx(spread, rel=0.1)


def test_a_figure_that_most_draws_cannot_tell_has_no_interval() -> None:
    def rarely(counts: Floats) -> Floats:
        return np.array([1.0 if counts[0] == 1 else np.nan])

    assert estimates(rarely, 5, draws=50) == [Estimate(1.0)]


def _groups(rates: list[float], rows: int = 400) -> tuple[Integers, Flags]:
    """Groups of equal size with these very shares churned."""
    codes = np.repeat(np.arange(len(rates)), rows)
    churned = np.concatenate([np.arange(rows) < rate * rows for rate in rates])
    return codes, churned


def test_groups_that_do_not_separate_are_merged() -> None:
    codes, churned = _groups([0.05, 0.06, 0.3, 0.25])
    churn = ChurnRows(churned, np.arange(len(codes)))
    names = ("healthy", "monitor", "at_risk", "critical")
    assert separated(codes, names, churn, draws=DRAWS) == (("healthy", "monitor"), ("at_risk", "critical"))
    found = churn_by_group(codes, names, churn, draws=DRAWS)
    assert [line.churned for line in found] == [20, 24, 120, 100]
    assert found[2].lift is not None
    assert found[2].lift.value == pytest.approx(0.3 / 0.165)


def test_a_group_without_rows_is_merged_and_has_no_rate() -> None:
    codes, churned = _groups([0.05, 0.3])
    churn = ChurnRows(churned, np.arange(len(codes)))
    assert separated(codes, ("a", "b", "none"), churn, draws=DRAWS) == (("a",), ("b", "none"))
    empty = churn_by_group(codes, ("a", "b", "none"), churn, draws=10)[2]
    assert (empty.rows, empty.rate, empty.lift) == (0, None, None)


def test_alert_loads_count_accounts_once() -> None:
    scores = np.array([10, 20, 90, 90, 30, 95])
    churn = ChurnRows(np.array([True, True, False, True, False, False]), np.array([0, 0, 1, 2, 3, 3]))
    low, high = alert_loads(scores, churn, 2, (20, 40), draws=10)
    assert (low.rows, low.operators_a_date, high.rows) == (2, 1.0, 3)
    assert low.precision is not None
    assert low.recall is not None
    assert (low.precision.value, low.recall.value) == (1.0, 0.5)
    assert high.precision is not None
    assert high.precision.value == pytest.approx(2 / 3)


def test_quantile_bins_keep_equal_values_together() -> None:
    assert len(set(quantile_bins(np.array([0.0] * 8 + [1.0, 2.0]), 5)[:8].tolist())) == 1
    bins = quantile_bins(np.array([1.0, 1.0, 1.0, 2.0, 3.0, 4.0]), 3)
    assert len(set(bins[:3].tolist())) == 1
    assert bins.tolist() == sorted(bins.tolist())


def test_curves_of_two_parameters() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(0, 1, 4000)
    y = (rng.random(4000) < sigmoid(-1 + 0.8 * x)).astype(np.float64)
    line = LogisticRegression(C=np.inf, tol=1e-10).fit(x[:, None], y)
    a, b = line_of(x, y, np.ones(4000))
    assert (a, b) == pytest.approx((line.intercept_[0], line.coef_[0, 0]), rel=1e-4)
    assert intercept_of(b * x, y, np.ones(4000)) == pytest.approx(a, rel=1e-4)
    constant = line_of(np.ones(4000), y, np.ones(4000))
    assert constant == pytest.approx((np.log(y.mean() / (1 - y.mean())), 0.0))
    parted = line_of(x, (x > 0).astype(np.float64), np.ones(4000))
    assert np.isfinite(parted).all()
    assert np.isnan(line_of(x, np.zeros(4000), np.ones(4000))).all()
