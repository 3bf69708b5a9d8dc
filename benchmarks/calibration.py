"""Calibration: how well it tells churn beside logistic regression, how often noise is adopted, and what a fit costs.

Run: `python -m benchmarks.calibration [SEEDS]`. Two public churn tables (`churn_tables`): 5-fold over customers, one also with an
honest signal that looks like a leak (kept by a person, and dropped by one), and CDNOW also forward in time (fitted on 1997,
judged on 1998), each fold a whole calibration; beside it scikit-learn's logistic regression on all the table's signals. Then pure noise and a right expert over SEEDS seeds (50), and the cost of fit and 200
refits on 5,000 x 12 as a multiple of scikit-learn's own single fit, with the cost of whole points in AUC.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import date

import customer_research.health.calibration  # noqa: F401 # isort: skip - loads numpy with one thread, before others do

import numpy as np

from benchmarks.churn_tables import STRONGEST, cdnow, mlc, mlc_strongest
from benchmarks.measured import cost
from customer_research.health.calibration.evaluation import ChurnRows, Prediction, RiskOrder, evaluate
from customer_research.health.calibration.fitting import Design, expert_slope, fit
from customer_research.health.calibration.logistic import sigmoid
from customer_research.health.calibration.panel import Flags, Floats, Panel, Signal, dimension_weights, panel_of
from customer_research.health.calibration.points import expert_score, shipped
from customer_research.health.calibration.procedure import Terms, calibrate
from customer_research.health.calibration.refits import sureness
from customer_research.health.calibration.validation import account_folds, probabilities

DRAWS = 50
REFITS = 200


def run(seeds: int = 50) -> None:
    """Tables, noise, cost."""
    strongest = (STRONGEST.name,)
    for name, made, forward, keep, drop in (
        ("mlc_churn, 5-fold", mlc, False, (), ()),
        ("mlc_churn with a suspected leak kept, 5-fold", mlc_strongest, False, strongest, ()),
        ("mlc_churn with a suspected leak dropped, 5-fold", mlc_strongest, False, (), strongest),
        ("CDNOW, 5-fold", cdnow, False, (), ()),
        ("CDNOW, forward in time", cdnow, True, (), ()),
    ):
        found = cost(_table, made, forward, Terms(seed=0, draws=DRAWS, keep=keep, drop=drop))
        print(f"{name}: {found.told} ({found.cpu:.0f} CPU s)", flush=True)
    print(_adoptions(seeds), flush=True)
    print(_costs(), flush=True)


def _table(made: Callable[[], Panel], forward: bool, terms: Terms) -> str:  # noqa: FBT001 - an argument of a fresh process
    panel = made()
    if not forward:
        (folds,) = account_folds(panel, seed=0, repeats=1)
        return _judged(panel, [(fold.train, fold.test) for fold in folds], terms)
    early = np.array([moment.date() < date(1998, 1, 1) for moment in panel.instants])
    return _judged(panel, [(early, ~early)], terms)


def _judged(panel: Panel, splits: list[tuple[Flags, Flags]], terms: Terms) -> str:
    """A whole calibration on each split's training rows, and what it says of the others."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - a development dependency

    rows, risk, own, other, expert = [], [], [], [], []
    adoptions, taus = [], []
    for train, test in splits:
        found = calibrate(panel.where(train), terms)
        names = [signal.name for signal in found.ships.signals]
        kept = panel.only(names)
        curve = found.told.curve
        assert curve is not None
        scores = found.ships.scores(kept.signals[test])
        adoptions.append(found.told.outcome)
        taus.append(found.told.tau)
        rows.append(np.flatnonzero(test))
        own.append(probabilities(scores, (curve.intercept, curve.slope)))
        risk.append(own[-1])
        weights = dimension_weights(kept.declared)
        expert.append(100.0 - expert_score(kept.declared, weights).scores(kept.signals[test]))
        free = LogisticRegression(max_iter=1000).fit(panel.signals[train], panel.churned[train])
        other.append(free.predict_proba(panel.signals[test])[:, 1])
    at = np.concatenate(rows)
    churned = ChurnRows(panel.churned[at], np.unique(panel.accounts[at], return_inverse=True)[1].astype(np.int64))
    ours, theirs, before = (
        evaluate(Prediction(np.concatenate(r), None if p is None else np.concatenate(p)), churned, draws=DRAWS)
        for r, p in ((risk, own), (other, other), (expert, None))
    )
    slope, ece, auc, their_ece = (
        float(one.value) if one else float("nan") for one in (ours.slope, ours.ece, ours.auc, theirs.ece)
    )
    aucs = [float(one.auc.value) if one.auc else float("nan") for one in (theirs, before)]
    return (
        f"{panel.churned_accounts} churned accounts, {len(at)} rows judged, {'/'.join(adoptions)}, tau {taus}; AUC {auc:.3f}, "
        f"logistic regression {aucs[0]:.3f} (apart {auc - aucs[0]:+.4f}), expert {aucs[1]:.3f}; slope {slope:.2f}, ECE {ece:.3f} "
        f"(logistic regression {their_ece:.3f})"
    )


# --- simulations -----------------------------------------------------------------------------------------------------

TWELVE = tuple(
    Signal(f"signal_{number:02d}", dimension, points)
    for number, (dimension, points) in enumerate(
        (d, p) for d in ("payment", "engagement", "support", "growth") for p in (20.0, 30.0, 15.0)
    )
)
"""Twelve signals of an invented expert."""


def simulated(rows: int, steep: float, seed: int, *, whole: bool = True, base: float = -2.6) -> Panel:
    """One row an account; log odds follow the expert's own effects, `steep` for each point of the score (0: pure noise)."""
    rng = np.random.default_rng(seed)
    severities: Floats = rng.random((rows, len(TWELVE)))
    severities = (severities < 0.2).astype(np.float64) if whole else severities**3
    effects = expert_score(TWELVE, dimension_weights(TWELVE)).effects * 100
    churned = rng.random(rows) < sigmoid(base + steep * (severities @ effects))
    return panel_of([f"op-{row:05d}" for row in range(rows)], [date(2026, 1, 1)] * rows, severities, churned, TWELVE)


def _adoptions(seeds: int) -> str:
    parts = []
    for words, rows, steep in (
        ("noise", 1_200, 0.0),
        ("noise", 2_400, 0.0),
        ("right expert", 900, 0.06),
        ("right expert", 2_400, 0.06),
    ):
        told = list(_outcomes(rows, steep, seeds))
        events = sorted(events for _, events in told)
        adopted = sum(outcome == "adopted" for outcome, _ in told)
        parts.append(f"{words}, {events[0]}-{events[-1]} churned accounts: {adopted} of {seeds} adopted")
    return "; ".join(parts)


def _outcomes(rows: int, steep: float, seeds: int) -> Iterator[tuple[str, int]]:
    for seed in range(seeds):
        panel = simulated(rows, steep, seed)
        told = calibrate(panel, Terms(seed=seed, draws=DRAWS, confirmed=True)).told
        yield told.outcome, told.events


def _costs() -> str:
    parts = []
    for words, whole in (("signals that fire or not", True), ("signals of any severity", False)):
        ours, theirs = cost(_refitted, whole), cost(_regressed, whole)
        exact, ships = ours.told
        parts.append(
            f"fit and {REFITS} refits on 5,000 x 12, {words}: {ours.cpu:.1f} CPU s ({ours.cpu / theirs.cpu:.2f} x one process of "
            f"{REFITS} scikit-learn fits, imports in both); AUC before whole points {exact:.4f}, as it ships {ships:.4f}"
        )
    return "\n".join(parts)


def _refitted(whole: bool) -> tuple[float, float]:  # noqa: FBT001 - an argument of a fresh process
    panel = simulated(5_000, 0.05, 7, whole=whole)
    expert = expert_score(panel.declared, dimension_weights(panel.declared))
    design, ones = Design.of(panel, expert), np.ones(len(panel))
    s0 = expert_slope(design, ones)
    made = fit(design, ones, 1.0, s0)
    sureness(design, expert, made, tau=1.0, s0=s0, draws=REFITS, seed=0)
    effects = made.effects(expert)
    ships = shipped(expert, effects).scores(panel.signals)
    return tuple(  # type: ignore[return-value] # made of the two
        RiskOrder(one, panel.churned).auc(ones) for one in (panel.signals @ effects, -ships.astype(np.float64))
    )


def _regressed(whole: bool) -> None:  # noqa: FBT001 - an argument of a fresh process
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - a development dependency

    panel = simulated(5_000, 0.05, 7, whole=whole)
    rng = np.random.default_rng(0)
    for _ in range(REFITS):
        drawn = rng.integers(0, len(panel), len(panel))
        LogisticRegression(max_iter=1000).fit(panel.signals[drawn], panel.churned[drawn])


if __name__ == "__main__":
    run(*map(int, sys.argv[1:2]))
