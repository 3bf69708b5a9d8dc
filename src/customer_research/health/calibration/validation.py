"""Out of fold: how the fitted score does on accounts (or dates) it has not seen, which tau to take, and the adoption gates.

What is judged is the score that ships (whole points, clipped dimensions, rounded) with its own Platt scaling, both made from
the training rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from customer_research.health.calibration.evaluation import resampled, weighed
from customer_research.health.calibration.fitting import Design, Fit, expert_slope, fit
from customer_research.health.calibration.logistic import line_of, losses, sigmoid
from customer_research.health.calibration.panel import WINDOW_DAYS, Flags, Floats, Integers, Panel
from customer_research.health.calibration.points import PointScore, shipped

TAUS = (0.0, 0.25, 0.5, 1.0, 2.0)
FEW_EVENTS_TAU = 0.5
FOLDS, REPEATS = 5, 5
GATE_DRAWS = 1000
_FEWEST_IN_TRAINING = 10


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Which rows a fit is made from, and which it is judged on; no account (or no time) is in both."""

    train: Flags
    test: Flags


def account_folds(panel: Panel, seed: int, folds: int = FOLDS, repeats: int = REPEATS) -> tuple[tuple[Fold, ...], ...]:
    """For each repeat, folds of whole accounts, each with its share of those that churned."""
    accounts = panel.accounts
    churned = np.zeros(panel.account_count, dtype=bool)
    churned[accounts[panel.churned]] = True
    rng = np.random.default_rng(seed)
    return tuple(tuple(_folds(accounts, churned, folds, rng)) for _ in range(repeats))


def _folds(accounts: Integers, churned: Flags, folds: int, rng: np.random.Generator) -> Iterator[Fold]:
    order = rng.permutation(len(churned))
    order = order[np.argsort(churned[order], kind="stable")]
    fold = np.empty(len(churned), dtype=np.int64)
    fold[order] = np.arange(len(churned)) % folds
    for number in range(folds):
        test = fold[accounts] == number
        yield Fold(~test, test)


def forward_folds(panel: Panel, window_days: int = WINDOW_DAYS, folds: int = FOLDS) -> tuple[tuple[Fold, ...], ...]:
    """One repeat of folds forward in time: each tests a run of as-ofs on rows whose windows had closed before it.

    The first as-ofs are never tested on. None when the dates do not reach, or the training rows hold too little churn.
    """
    instants = np.array([moment.timestamp() for moment in panel.instants])
    dates = np.unique(instants)
    embargo = timedelta(days=window_days).total_seconds()
    testable = dates[dates - dates[0] >= embargo]
    found = []
    for block in np.array_split(testable, min(folds, len(testable))) if len(testable) else []:
        train, test = instants + embargo <= block[0], np.isin(instants, block)
        known = panel.where(train)
        if min(known.churned_accounts, known.stayed_accounts) >= _FEWEST_IN_TRAINING:
            found.append(Fold(train, test))
    return (tuple(found),) if found else ()


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """What was predicted out of fold, for each repeat r and row n; NaN where a row was never tested.

    `base`, `expert` are (r, n) probabilities of the base rate and of expert + Platt; `fitted` of each tau, `scores` the whole
    scores behind them.
    """

    taus: tuple[float, ...]
    base: Floats
    expert: Floats
    fitted: tuple[Floats, ...]
    scores: tuple[Floats, ...]
    tested: Flags

    def of(self, tau: float) -> tuple[Floats, Floats]:
        """The probabilities and scores (r, n) of one tau."""
        place = self.taus.index(tau)
        return self.fitted[place], self.scores[place]


def platt(scores: Floats | Integers, churned: Floats, weights: Floats) -> tuple[float, float]:
    """The (intercept, slope) of `logit p = intercept + slope (100 - score)`; the slope is never below 0."""
    levels = np.asarray(scores, dtype=np.int64)
    rows: Floats = np.bincount(levels, weights).astype(np.float64)
    share = np.divide(np.bincount(levels, weights * churned), rows, out=np.zeros_like(rows), where=rows > 0)
    risk = 100.0 - np.arange(len(rows), dtype=np.float64)
    a, b = line_of(risk, share, rows)
    return (a, b) if b >= 0 else (line_of(np.zeros_like(risk), share, rows)[0], 0.0)


def probabilities(scores: Floats | Integers, curve: tuple[float, float]) -> Floats:
    """The probability of churn that a Platt curve gives each score."""
    return sigmoid(curve[0] + curve[1] * (100.0 - np.asarray(scores, dtype=np.float64)))


def out_of_fold(
    panel: Panel,
    design: Design,
    expert: PointScore,
    repeats: Sequence[Sequence[Fold]],
    taus: Sequence[float],
    *,
    advance: Callable[[int, int], None] = lambda _done, _all: None,
) -> OutOfFold:
    """Fit on each fold's training rows under each tau, and predict its other rows."""
    shape = (len(repeats), len(panel))
    base, own = np.full(shape, np.nan), np.full(shape, np.nan)
    fitted = tuple(np.full(shape, np.nan) for _ in taus)
    scores = tuple(np.full(shape, np.nan) for _ in taus)
    expert_scores = design.scores(expert)
    done, total = 0, sum(len(folds) for folds in repeats)
    start: Fit | None = None
    for number, folds in enumerate(repeats):
        for fold in folds:
            weights = fold.train.astype(np.float64)
            rate = float(design.churned[fold.train].mean())
            base[number, fold.test] = rate
            own[number, fold.test] = _predicted(expert_scores, design.churned, fold)
            s0 = expert_slope(design, weights)
            for place, tau in enumerate(taus):
                whole = expert_scores
                if tau > 0:
                    start = fit(design, weights, tau, s0, start)
                    whole = design.scores(shipped(expert, start.effects(expert)))
                scores[place][number, fold.test] = whole[fold.test]
                fitted[place][number, fold.test] = _predicted(whole, design.churned, fold)
            done += 1
            advance(done, total)
    return OutOfFold(tuple(taus), base, own, fitted, scores, ~np.isnan(base).any(axis=0))


def _predicted(scores: Integers, churned: Floats, fold: Fold) -> Floats:
    train = fold.train
    return probabilities(scores[fold.test], platt(scores[train], churned[train], np.ones(int(train.sum()))))


def account_losses(predicted: Floats, panel: Panel, tested: Flags) -> Floats:
    """(accounts,) the logarithmic loss of each account's tested rows, summed, in the mean of the repeats."""
    rows = losses(predicted[:, tested], panel.churned[tested].astype(np.float64)).mean(axis=0)
    accounts = panel.accounts
    return np.bincount(accounts[tested], rows, int(accounts.max()) + 1).astype(np.float64)


def chosen_tau(found: OutOfFold, panel: Panel) -> float:
    """The tau nearest to the expert whose loss is within one standard error (paired, by account) of the least."""
    lost = [account_losses(predicted, panel, found.tested) for predicted in found.fitted]
    best = int(np.argmin([loss.sum() for loss in lost]))
    for place in sorted(range(len(lost)), key=lambda place: found.taus[place]):
        worse = lost[place] - lost[best]
        if float(worse.sum()) <= float(np.sqrt(len(worse)) * worse.std()):
            return found.taus[place]
    return found.taus[best]


def gain(better: Floats, than: Floats, panel: Panel, tested: Flags, seed: int) -> tuple[float, Floats]:
    """How much less `better` loses a row than `than`, out of fold, and that of each bootstrap draw of accounts."""
    apart = account_losses(than, panel, tested) - account_losses(better, panel, tested)
    rows = np.bincount(panel.accounts[tested], minlength=len(apart)).astype(np.float64)
    both = np.column_stack((apart, rows))
    draws = [weighed(counts, both) for counts in resampled(len(rows), GATE_DRAWS, seed)]
    return float(apart.sum()) / float(rows.sum()), np.array([float(won) / max(float(of), 1.0) for won, of in draws])
