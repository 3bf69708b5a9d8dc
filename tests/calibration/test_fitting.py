"""Points, the fit and its gates: equal to scikit-learn's where it is free, the expert's where it is not, whole points last."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from signal_files import made_up
from sklearn.linear_model import LogisticRegression

from customer_research.health.calibration.evaluation import RiskOrder
from customer_research.health.calibration.fitting import Design, expert_slope, fit
from customer_research.health.calibration.panel import Panel, Signal, dimension_weights, panel_of
from customer_research.health.calibration.points import PointScore, expert_score, fitted_points, shipped
from customer_research.health.calibration.validation import (
    account_folds,
    chosen_tau,
    forward_folds,
    out_of_fold,
    platt,
    probabilities,
)

TRUTH = {
    "usage_fell": 1.4,
    "bad_rating": 1.2,
    "downgraded": 0.8,
    "late_payments": 0.5,
    "old_tickets": 0.4,
    "no_usage": 0.9,
}


def _expert(panel: Panel) -> PointScore:
    return expert_score(panel.declared, dimension_weights(panel.declared))


def test_a_score_is_the_weighted_mean_of_its_dimensions() -> None:
    score = _expert(made_up(5, {}, seed=1))
    severities = np.zeros((4, 7))
    names = [signal.name for signal in score.signals]
    severities[1, names.index("late_payments")] = 1  # 30 of payment's 100, at weight .4
    severities[2, names.index("usage_fell")] = 0.5  # 20 of engagement's 100, at weight .25
    severities[3] = 1  # payment 50, engagement 30, support 50, growth 70
    assert score.scores(severities).tolist() == [100, 88, 95, 48]
    assert score.effects.sum() == pytest.approx(0.52)


def test_a_dimension_is_held_within_its_bounds_and_a_bonus_raises_it() -> None:
    signals = (Signal("bad", "growth", 80), Signal("worse", "growth", 80), Signal("upgraded", "growth", -30))
    score = PointScore(signals, {"growth": 1000}, {"growth": 50})
    found = score.scores(np.array([[1.0, 1, 0], [0, 0, 1], [0, 0, 0], [0.5, 0, 1]]))
    assert found.tolist() == [0, 80, 50, 40]


def test_weights_and_points_have_the_effects_that_were_fitted() -> None:
    score = _expert(made_up(5, {}, seed=1))
    effects = score.effects * np.array([0.5, 2, 1, 1.5, 0.2, 3, 1])
    points, weights = fitted_points(score, effects)
    again = np.array([weights[s.dimension] * points[place] / 100 for place, s in enumerate(score.signals)])
    assert again / again.sum() == pytest.approx(effects / effects.sum())
    assert sum(weights.values()) == pytest.approx(1)
    for dimension in weights:
        kept = [place for place, s in enumerate(score.signals) if s.dimension == dimension]
        assert points[kept].sum() == pytest.approx(sum(score.signals[place].points for place in kept))


def test_what_ships_is_whole_and_adds_up() -> None:
    score = _expert(made_up(5, {}, seed=1))
    made = shipped(score, score.effects * np.array([0.37, 2.1, 1.3, 0, 0.2, 3, 1]))
    assert sum(made.weights.values()) == 1000
    assert all(signal.points == int(signal.points) for signal in made.signals)
    for dimension in made.weights:
        was = sum(signal.points for signal in score.signals if signal.dimension == dimension)
        assert sum(signal.points for signal in made.signals if signal.dimension == dimension) == was
    assert shipped(score, score.effects * 3).weights == score.weights
    assert shipped(score, score.effects * 3).signals == score.signals


def test_a_dimension_without_effect_gets_neither_weight_nor_points() -> None:
    score = _expert(made_up(5, {}, seed=1))
    dead = np.array([0.0 if s.dimension == "support" else 1.0 for s in score.signals])
    made = shipped(score, score.effects * dead)
    assert made.weights["support"] == 0
    assert {signal.points for signal in made.signals if signal.dimension == "support"} == {0.0}
    nothing = shipped(score, score.effects * 0)
    assert (nothing.weights, nothing.signals) == (score.weights, score.signals)


def test_a_free_fit_is_logistic_regression() -> None:
    panel = made_up(4000, {**TRUTH, "failed_payments": 0.5}, seed=2)
    expert = _expert(panel)
    design, ones = Design.of(panel, expert), np.ones(len(panel))
    assert len(design.features) < 130  # 2^7 patterns of seven signals that fire or not
    found = fit(design, ones, 1000.0, expert_slope(design, ones))
    free = LogisticRegression(C=np.inf, tol=1e-9).fit(panel.signals, panel.churned)
    steep = found.factors * expert.effects * 100
    assert not any(found.pinned)
    assert steep == pytest.approx(free.coef_[0], abs=0.02)
    assert found.intercept == pytest.approx(free.intercept_[0], abs=0.02)


def test_a_held_fit_is_near_the_expert_and_a_contrary_signal_is_pinned() -> None:
    panel = made_up(4000, {**TRUTH, "no_usage": -1.0}, seed=3)
    expert = _expert(panel)
    design, ones = Design.of(panel, expert), np.ones(len(panel))
    s0 = expert_slope(design, ones)
    spread = [float(np.std(fit(design, ones, tau, s0).factors)) for tau in (0.02, 0.25, 1.0)]
    assert spread == sorted(spread)
    assert spread[0] < 0.1 * s0
    free = fit(design, ones, 2.0, s0)
    assert [name for name, pinned in zip(panel.names, free.pinned, strict=True) if pinned] == ["no_usage"]
    assert free.factors[panel.names.index("no_usage")] == 0


def test_a_warm_start_ends_where_a_cold_one_does() -> None:
    panel = made_up(1500, TRUTH, seed=4)
    expert = _expert(panel)
    design = Design.of(panel, expert)
    weights = np.random.default_rng(0).integers(0, 3, len(panel)).astype(np.float64)
    s0 = expert_slope(design, weights)
    cold = fit(design, weights, 0.5, s0)
    warm = fit(design, weights, 0.5, s0, fit(design, np.ones(len(panel)), 0.5, s0))
    assert warm.factors / s0 == pytest.approx(cold.factors / s0, abs=2e-3)


def _copies(panel: Panel, times: int) -> Panel:
    days = [date(2026, 1, 1) + timedelta(days=30 * month) for month in range(times)]
    return panel_of(
        [operator for _ in days for operator in panel.operator_ids],
        [day for day in days for _ in panel.operator_ids],
        np.tile(panel.signals, (times, 1)),
        np.tile(panel.churned, times),
        panel.declared,
    )


def test_monthly_copies_of_each_account_are_no_more_evidence() -> None:
    panel = made_up(900, TRUTH, seed=5)
    copies = _copies(panel, 3)
    assert (copies.churned_accounts, copies.account_count) == (panel.churned_accounts, 900)
    found = []
    for one in (panel, copies):
        expert = _expert(one)
        design, ones = Design.of(one, expert), np.ones(len(one))
        found.append(fit(design, ones, 0.5, expert_slope(design, ones)).factors)
    assert found[1] == pytest.approx(found[0], rel=1e-3)


def test_whole_points_cost_next_to_no_ranking() -> None:
    panel = made_up(5000, TRUTH, seed=6)
    expert = _expert(panel)
    design, ones = Design.of(panel, expert), np.ones(len(panel))
    found = fit(design, ones, 1.0, expert_slope(design, ones)).effects(expert)
    exact = RiskOrder(panel.signals @ found, panel.churned).auc(ones)
    whole = RiskOrder(-shipped(expert, found).scores(panel.signals).astype(np.float64), panel.churned).auc(ones)
    assert abs(exact - whole) < 0.005


def test_folds_hold_whole_accounts_with_their_share_of_churn() -> None:
    panel = _copies(made_up(300, TRUTH, seed=7), 3)
    for folds in account_folds(panel, seed=1, repeats=2):
        assert np.array_equal(sum(fold.test.astype(int) for fold in folds), np.ones(900, dtype=int))
        events = [panel.where(fold.test).churned_accounts for fold in folds]
        assert max(events) - min(events) <= 1
        for fold in folds:
            assert not set(panel.accounts[fold.train]) & set(panel.accounts[fold.test])


def test_forward_folds_train_on_closed_windows_only() -> None:
    panel = _copies(made_up(300, TRUTH, seed=7), 12)
    (folds,) = forward_folds(panel, window_days=90)
    for fold in folds:
        latest = max(moment for moment, trains in zip(panel.instants, fold.train, strict=True) if trains)
        first = min(moment for moment, tests in zip(panel.instants, fold.test, strict=True) if tests)
        assert latest + timedelta(days=90) <= first
    assert forward_folds(made_up(300, TRUTH, seed=7)) == ()


def test_tau_leaves_a_wrong_expert_and_stays_with_one_whom_nothing_betters() -> None:
    for effects, free in ((TRUTH, True), ({}, False)):
        panel = made_up(2400, effects, seed=8)
        expert = _expert(panel)
        folds = account_folds(panel, 1, repeats=2)
        found = out_of_fold(panel, Design.of(panel, expert), expert, folds, (0.0, 0.5, 2.0))
        assert (chosen_tau(found, panel) > 0) is free


def test_platt_is_never_steeper_the_wrong_way() -> None:
    scores, churned = np.array([90] * 50 + [10] * 50), np.array([1.0] * 20 + [0.0] * 30 + [1.0] * 5 + [0.0] * 45)
    intercept, slope = platt(scores, churned, np.ones(100))
    assert slope == 0
    assert probabilities(scores, (intercept, slope)) == pytest.approx(np.full(100, 0.25))
    intercept, slope = platt(scores, 1 - churned, np.ones(100))
    assert probabilities(np.array([90, 10]), (intercept, slope)) == pytest.approx(np.array([0.6, 0.9]), abs=1e-3)
