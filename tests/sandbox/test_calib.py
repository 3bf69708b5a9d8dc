"""The calibration world: a known mechanism of churn, and that the calibration finds it again and no more than it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from customer_research.health.calibration.evaluation import RiskOrder
from customer_research.health.calibration.fitting import Design, Fit, expert_slope, fit
from customer_research.health.calibration.logistic import losses, sigmoid
from customer_research.health.calibration.panel import Flags, Floats, Panel, dimension_weights
from customer_research.health.calibration.panel_file import read_panel
from customer_research.health.calibration.points import PointScore, expert_score, shipped
from customer_research.health.calibration.validation import platt, probabilities
from customer_research.surfaces.cli.group import run
from customer_research_sandbox.calib import DECOYS, SIGNALS, WINDOW, CalibWritten, lives, rows_of, write_calib
from customer_research_sandbox.months import month_edges

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
EFFECTS = {signal.name: signal.effect for signal in SIGNALS}
FREE = 8.0
"""A tau so large that the fit is nearly free of the expert."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> CalibWritten:
    """4,000 operators over 24 months, as `sandbox calib` writes them."""
    return write_calib(tmp_path_factory.mktemp("calib") / "world", seed=7, operators=4000, months=24, as_of=AS_OF)


@pytest.fixture(scope="module")
def panel(world: CalibWritten) -> Panel:
    """What the product reads of it: signals and points, never the truth."""
    return read_panel(world.signals, world.points).panel


@pytest.fixture(scope="module")
def expert(panel: Panel) -> PointScore:
    return expert_score(panel.declared, dimension_weights(panel.declared))


@pytest.fixture(scope="module")
def design(panel: Panel, expert: PointScore) -> Design:
    return Design.of(panel, expert)


def fitted(design: Design, weights: Floats, tau: float) -> Fit:
    return fit(design, weights, tau, expert_slope(design, weights))


def test_the_files_are_what_calibrate_takes(world: CalibWritten, panel: Panel) -> None:
    assert (len(panel), panel.account_count, panel.churned_accounts) == (world.rows, world.operators, world.churned)
    assert 600 < panel.churned_accounts < 1000
    assert 0.035 < panel.churned.mean() < 0.06  # the run that set the bounds had 4.96 %
    assert set(panel.names) == {signal.name for signal in SIGNALS}
    with world.signals.open(encoding="utf-8") as file:
        header = next(csv.reader(file))
    assert not set(header) & {"hazard", "frailty", "reason"}
    told = json.loads((world.truth / "effects.json").read_text(encoding="utf-8"))
    assert told == EFFECTS
    assert [name for name, effect in told.items() if effect == 0] == list(DECOYS)


def test_the_effects_come_back_in_sign_and_order_and_decoys_do_not(
    panel: Panel, expert: PointScore, design: Design
) -> None:
    """The free fit: no decoy is three standard errors above nothing, and what matters most is found to matter most."""
    whole = fitted(design, np.ones(len(panel)), FREE)
    effects = dict(zip(panel.names, whole.effects(expert) * 100, strict=True))
    middle = panel.signals - panel.signals.mean(axis=0)
    p = sigmoid(whole.intercept + panel.signals @ (whole.effects(expert) * 100))
    information = middle.T @ (middle * (p * (1 - p))[:, None]) / design.repeats  # overlapping windows repeat one churn
    spread = dict(zip(panel.names, np.sqrt(np.diag(np.linalg.inv(information))), strict=True))
    assert all(effects[name] < 3 * spread[name] for name in DECOYS)
    true = [name for name in panel.names if EFFECTS[name] > 0]
    assert all(effects[name] > 0 for name in true)
    order = _rank_correlation([EFFECTS[name] for name in true], [effects[name] for name in true])
    assert order > 0.8
    strong = [effects[name] for name in true if EFFECTS[name] >= 0.9]
    weak = [effects[name] for name in true if EFFECTS[name] <= 0.45]
    assert min(strong) > max(weak)


def _rank_correlation(first: list[float], second: list[float]) -> float:
    """Spearman's, ties in the mean."""
    ranks = [
        np.array([np.mean([(v < o) + 0.5 * (v == o) for v in values]) for o in values]) for values in (first, second)
    ]
    return float(np.corrcoef(np.array(ranks))[0, 1])


def test_the_fitted_score_tells_churn_of_other_operators_at_later_dates(
    panel: Panel, expert: PointScore, design: Design
) -> None:
    """Three folds of operators; the training rows' windows have closed before the first date that is tested."""
    instants = np.array([moment.timestamp() for moment in panel.instants])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    early: Flags = instants + WINDOW.total_seconds() <= begin.timestamp()
    late: Flags = instants >= begin.timestamp()
    fold = panel.accounts % 3
    churned = panel.churned.astype(np.float64)
    risk, ours, theirs = (np.full(len(panel), np.nan) for _ in range(3))
    before = expert.scores(panel.signals)
    expert_risk: Floats = 100.0 - before.astype(np.float64)
    for number in range(3):
        train, test = early & (fold != number), late & (fold == number)
        score = shipped(expert, fitted(design, train.astype(np.float64), 2.0).effects(expert))
        after = score.scores(panel.signals)
        ones = np.ones(int(train.sum()))
        risk[test] = 100.0 - after[test]
        ours[test] = probabilities(after[test], platt(after[train], churned[train], ones))
        theirs[test] = probabilities(before[test], platt(before[train], churned[train], ones))
    auc = RiskOrder(risk[late], panel.churned[late]).auc(np.ones(int(late.sum())))
    old = RiskOrder(expert_risk[late], panel.churned[late]).auc(np.ones(int(late.sum())))
    assert 0.64 <= auc <= 0.76
    assert auc > old
    assert losses(ours[late], churned[late]).mean() < losses(theirs[late], churned[late]).mean()


def test_rows_end_with_the_notice_and_before_open_windows() -> None:
    edges = month_edges(AS_OF, 24)
    for life in lives(3, 150, 24, AS_OF):
        decided = next((month.end for month in life.months if month.churned), None)
        for month, left in rows_of(life, edges[4], edges[-1]):
            assert month.end + timedelta(days=90) <= AS_OF
            assert decided is None or month.end <= decided
            assert left == (decided is not None and decided < month.end + WINDOW)


def test_the_same_seed_writes_the_same_bytes_and_nothing_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        assert run(["sandbox", "calib", "--operators", "60", "--seed", "5", "--output", str(tmp_path / name)]) == 0
    assert capsys.readouterr().out.count("gave notice") == 2
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / one).rglob("*.*")} for one in ("a", "b"))
    assert first == second
    assert run(["sandbox", "calib", "--operators", "60", "--output", str(tmp_path / "a")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").rglob("*.*")} == first
