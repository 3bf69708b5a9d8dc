"""A calibration from the panel to its outcome: guards, ladder, fit, gates, and everything that is to be told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from customer_research.domain.calibration import (
    Adoption,
    AdoptionGate,
    BandCuts,
    Calibration,
    DimensionResult,
    Evaluation,
    LeakAlarm,
    Platt,
    SignalResult,
    Verdict,
)
from customer_research.domain.words import share_words
from customer_research.errors import UsageError
from customer_research.health.calibration.alarms import Effects, alarms
from customer_research.health.calibration.bands import cuts_by_churn
from customer_research.health.calibration.consequences import consequences
from customer_research.health.calibration.evaluation import ChurnRows, Prediction, RiskOrder, evaluate
from customer_research.health.calibration.fitting import Design, Fit, expert_slope, fit
from customer_research.health.calibration.ladder import (
    BASE_CONFIDENCE,
    CUTOFFS_AT,
    EXPERT_CONFIDENCE,
    Rung,
    rung,
)
from customer_research.health.calibration.leaks import alone, constant
from customer_research.health.calibration.logistic import losses
from customer_research.health.calibration.panel import WINDOW_DAYS, Floats, Panel, dimension_weights
from customer_research.health.calibration.points import PointScore, expert_score, shipped
from customer_research.health.calibration.refits import Sureness, sureness
from customer_research.health.calibration.validation import (
    FEW_EVENTS_TAU,
    TAUS,
    Fold,
    OutOfFold,
    account_folds,
    chosen_tau,
    forward_folds,
    gain,
    out_of_fold,
    platt,
)

Split = Literal["accounts", "forward"]
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """How to calibrate: the seed, how rows are split, the refits, a person's word, and the scorecard that is calibrated.

    `keep` and `drop` name signals of which a person has said so; `weights` and `bases` are its dimensions' (None: 40/25/20/15, all from 100); `cuts` those of its bands; `base` its name.
    """

    seed: int
    split: Split = "accounts"
    draws: int = DRAWS
    confirmed: bool = False
    weights: Mapping[str, float] | None = None
    bases: Mapping[str, int] | None = None
    cuts: tuple[int, int, int] = (80, 60, 40)
    base: str = ""
    window_days: int = WINDOW_DAYS
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    def expert_of(self, panel: Panel) -> PointScore:
        """The expert's score of the panel's signals."""
        weights = dimension_weights(panel.declared, None if self.weights is None else dict(self.weights))
        return expert_score(panel.declared, weights, dict(self.bases or {}))


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What is told of a calibration, and the score that it would write (the expert's own when refused)."""

    told: Calibration
    ships: PointScore


@dataclass(frozen=True, slots=True, eq=False)
class _FullFit:
    """A fit on all rows, the whole points that it ships as, and how sure they are."""

    fit: Fit
    ships: PointScore
    sure: Sureness


Progress = Callable[[str, int, int], None]


def calibrate(
    panel: Panel, terms: Terms, *, left_out: tuple[str, ...] = (), progress: Progress = lambda _s, _d, _a: None
) -> CalibrationResult:
    """Calibrate the expert's points on a panel of real churn, as far as its events allow.

    Raises:
        UsageError: `keep` or `drop` names no signal, every signal was dropped, or the dates do not reach for a split forward
            in time.
    """
    found = alarms(panel, terms.keep, terms.drop)
    return _CalibrationRun(panel, found, terms, progress).calibrated(left_out)


class _CalibrationRun:
    """One calibration under way."""

    def __init__(self, whole: Panel, alarms: tuple[LeakAlarm, ...], terms: Terms, progress: Progress) -> None:
        dropped = {alarm.signal for alarm in alarms if alarm.decision == "dropped"}
        panel = whole.only([name for name in whole.names if name not in dropped])
        expert = terms.expert_of(panel)
        self._whole, self._alarms = whole, alarms
        self._panel, self._expert, self._terms, self._progress = panel, expert, terms, progress
        self._rung: Rung = rung(panel.churned_accounts, panel.stayed_accounts)
        self._fits = self._rung.step in {"proposal", "adoption"}
        self._churn = ChurnRows(panel.churned, panel.accounts)
        self._design = Design.of(panel, expert)
        self._expert_scores = expert.scores(panel.signals)

    def calibrated(self, left_out: tuple[str, ...]) -> CalibrationResult:
        repeats = () if self._rung.step == "counts" else self._repeats()
        found = self._out_of_fold(repeats) if repeats else None
        tau = self._tau(found)
        fitted = self._fitted(tau) if self._fits else None
        gates = self._gates(found, tau) if found is not None and self._fits and tau else ()
        outcome, reason = self._decided(tau, gates)
        wins = outcome != "refused" and fitted is not None
        ships = fitted.ships if wins and fitted is not None else self._expert
        scores = self._judged_scores(found, tau) if wins else self._expert_scores.astype(np.float64)
        tested = np.ones(len(self._panel), dtype=bool) if found is None or not wins else found.tested
        panel, terms = self._panel, self._terms
        curve = self._curve(found, tau if wins else None)
        cuts = self._cuts(curve, wins=wins)
        effects = Effects(self._whole, terms.expert_of, repeats[0] if repeats else (), tau or 0.0)
        told = Calibration(
            outcome=outcome,
            reason=reason,
            step=self._rung.step,
            events=self._rung.events,
            needed=self._rung.next_at,
            rows=len(panel),
            accounts=panel.account_count,
            churned_rows=int(panel.churned.sum()),
            dates=len(set(panel.instants)),
            first_as_of=min(panel.instants),
            last_as_of=max(panel.instants),
            window_days=terms.window_days,
            embargo_days=terms.window_days if terms.split == "forward" else None,
            split=terms.split,
            seed=terms.seed,
            draws=terms.draws,
            tau=tau,
            base=terms.base,
            signals=tuple(self._signal(column, fitted) for column in range(len(panel.declared))),
            dimensions=tuple(self._dimension(name, fitted) for name in self._expert.weights),
            gates=gates,
            alarms=effects.told(self._alarms),
            left_out=left_out,
            base_log_loss=None if found is None else self._base_loss(found),
            expert=self._evaluation(self._expert_scores.astype(np.float64), None if found is None else found.expert[0]),
            fitted=self._of_fitted(found, tau),
            unrounded_auc=None if fitted is None else self._auc(panel.signals @ fitted.fit.effects(self._expert)),
            shipped_auc=None if fitted is None else self._auc(-fitted.ships.scores(panel.signals).astype(np.float64)),
            curve=curve,
            cuts=cuts,
            **consequences(
                panel.where(tested),
                scores[tested],
                before=self._expert_scores,
                after=ships.scores(panel.signals) if wins else None,
                panel_of_all=panel,
                cuts=cuts,
                draws=2 * terms.draws,
                seed=terms.seed,
            ),
            may_set_cutoffs=self._rung.events >= CUTOFFS_AT,
        )
        return CalibrationResult(told, ships)

    # --- the fit -----------------------------------------------------------------------------------------------------

    def _repeats(self) -> Sequence[Sequence[Fold]]:
        terms = self._terms
        if terms.split == "accounts":
            return account_folds(self._panel, terms.seed)
        if repeats := forward_folds(self._panel, terms.window_days):
            return repeats
        raise UsageError(
            f"The as-of dates do not reach for a split forward in time: no date lies {terms.window_days} days behind "
            "others with enough churn.",
            hint="Give a longer history, or use --split accounts.",
        )

    def _out_of_fold(self, repeats: Sequence[Sequence[Fold]]) -> OutOfFold:
        taus = () if not self._fits else TAUS if self._rung.step == "adoption" else (FEW_EVENTS_TAU,)
        return out_of_fold(
            self._panel,
            self._design,
            self._expert,
            repeats,
            taus,
            advance=lambda done, total: self._progress("Judging out of fold", done, total),
        )

    def _tau(self, found: OutOfFold | None) -> float | None:
        if found is None or not self._fits:
            return None
        return chosen_tau(found, self._panel) if self._rung.step == "adoption" else FEW_EVENTS_TAU

    def _fitted(self, tau: float | None) -> _FullFit:
        """The fit on all rows; where the expert is kept as he is (tau 0), that of the least held tau, to show."""
        tau = tau or FEW_EVENTS_TAU
        ones = np.ones(len(self._panel))
        s0 = expert_slope(self._design, ones)
        made = fit(self._design, ones, tau, s0)
        sure = sureness(
            self._design,
            self._expert,
            made,
            tau=tau,
            s0=s0,
            draws=self._terms.draws,
            seed=self._terms.seed,
            advance=lambda done, total: self._progress("Refitting", done, total),
        )
        return _FullFit(made, shipped(self._expert, made.effects(self._expert)), sure)

    def _gates(self, found: OutOfFold, tau: float) -> tuple[AdoptionGate, ...]:
        ours, _ = found.of(tau)
        against = (
            ("base rate", BASE_CONFIDENCE, found.base),
            ("expert's points with a probability", EXPERT_CONFIDENCE, found.expert),
        )
        gates = []
        for name, confidence, other in against:
            won, draws = gain(ours, other, self._panel, found.tested, self._terms.seed)
            gates.append(AdoptionGate(name, confidence, won, float(np.quantile(draws, 1 - confidence))))
        return tuple(gates)

    def _decided(self, tau: float | None, gates: tuple[AdoptionGate, ...]) -> tuple[Adoption, str]:
        outcome, reason = self._judged(tau, gates)
        open_ = [alarm for alarm in self._alarms if alarm.decision == "open"]
        if not open_ or self._rung.step == "counts":
            return outcome, reason
        if outcome == "refused":
            return outcome, f"{reason}; {_question(open_)}"
        confirming = ", and to confirm it" if outcome == "proposed" else ""
        return "proposed", f"fitted on {self._rung.events} churned accounts: {_question(open_)}{confirming}"

    def _judged(self, tau: float | None, gates: tuple[AdoptionGate, ...]) -> tuple[Adoption, str]:
        """The outcome as ladder and gates have it."""
        events = f"{self._rung.events} churned accounts"
        if not self._fits:
            return "refused", self._rung.words
        if not tau:
            return "refused", f"the expert's points stay: on {events} no others are better by one standard error"
        if failed := [gate for gate in gates if not gate.passed]:
            words = " nor than the ".join(
                f"{gate.name} with {share_words(gate.confidence)} confidence" for gate in failed
            )
            return "refused", f"the expert's points stay: on {events} fitted points are not better than the {words}"
        if self._rung.step == "proposal" and not self._terms.confirmed:
            return "proposed", f"fitted on {events} (fewer than {self._rung.next_at}): a person has to confirm it"
        return "adopted", f"fitted on {events}; better out of fold than the base rate and than the expert's points"

    # --- what is told ------------------------------------------------------------------------------------------------

    def _judged_scores(self, found: OutOfFold | None, tau: float | None) -> Floats:
        """Out-of-fold scores of the first repeat (n,); NaN where not tested."""
        return self._expert_scores.astype(np.float64) if found is None or not tau else found.of(tau)[1][0]

    def _evaluation(self, scores: Floats, predicted: Floats | None) -> Evaluation:
        tested = ~np.isnan(scores) if predicted is None else ~np.isnan(predicted)
        risk = 100.0 - scores[tested]
        p = None if predicted is None else predicted[tested]
        return evaluate(
            Prediction(risk, p), self._churn.where(tested), draws=2 * self._terms.draws, seed=self._terms.seed
        )

    def _of_fitted(self, found: OutOfFold | None, tau: float | None) -> Evaluation | None:
        if found is None or not tau:
            return None
        predicted, scores = found.of(tau)
        return self._evaluation(scores[0], predicted[0])

    def _base_loss(self, found: OutOfFold) -> float:
        tested = found.tested
        return float(losses(found.base[:, tested], self._panel.churned[tested].astype(np.float64)).mean())

    def _auc(self, risk: Floats) -> float:
        return RiskOrder(risk, self._panel.churned).auc(np.ones(len(self._panel)))

    def _curve(self, found: OutOfFold | None, tau: float | None) -> Platt | None:
        """The curve of the score that ships: a fitted one's on its out-of-fold scores, which are not flattered."""
        if found is None:
            return None
        churned = self._design.churned
        if not tau:
            return Platt(*platt(self._expert_scores, churned, np.ones(len(churned))))
        scores = found.of(tau)[1][:, found.tested]
        repeated = np.tile(churned[found.tested], len(scores))
        return Platt(*platt(scores.reshape(-1), repeated, np.full(scores.size, 1 / len(scores))))

    def _cuts(self, curve: Platt | None, *, wins: bool) -> BandCuts:
        """The bands follow a fitted score; where the expert's points stay, so do their bands."""
        before, base = self._terms.cuts, float(self._panel.churned.mean())
        if curve is None or not wins:
            return BandCuts(before, before, base, "the expert's points stay, and so do their bands")
        if curve.slope <= 0:
            return BandCuts(before, before, base, "the score does not tell who leaves")
        return BandCuts(before, cuts_by_churn((curve.intercept, curve.slope), base), base, "")

    def _signal(self, column: int, fitted: _FullFit | None) -> SignalResult:
        signal, known = self._panel.declared[column], alone(self._panel, column)
        share = None if fitted is None else fitted.sure.shares[column]
        expert_share = float(self._expert.shares[column])
        verdict: Verdict = "not_fitted"
        if constant(self._panel.signals[:, column]):
            verdict = "never_varies"
        elif fitted is not None and share is not None:
            verdict = "not_distinguishable" if share.holds(expert_share) else "differs"
            verdict = "pinned" if fitted.fit.pinned[column] else verdict
        return SignalResult(
            name=signal.name,
            dimension=signal.dimension,
            expert_points=signal.points,
            points=None if fitted is None else fitted.ships.signals[column].points,
            estimate=None if fitted is None else fitted.sure.points[column],
            expert_share=expert_share,
            share=share,
            verdict=verdict,
            fires=known.fires,
            churn_where_fires=known.churn_where_fires,
            auc=known.auc,
        )

    def _dimension(self, name: str, fitted: _FullFit | None) -> DimensionResult:
        return DimensionResult(
            name=name,
            expert_weight=self._expert.weights[name] / 1000,
            weight=None if fitted is None else fitted.sure.weights[name],
            shipped=None if fitted is None else fitted.ships.weights[name] / 1000,
        )


def _question(open_: Sequence[LeakAlarm]) -> str:
    """What a person has to say of the alarms that nobody has settled."""
    if len(open_) == 1:
        (alarm,) = open_
        return (
            f"{alarm.signal} may know the churn that it should foresee ({alarm.why}), so a person has to say "
            f"--keep {alarm.signal} or --drop {alarm.signal}"
        )
    names = ", ".join(alarm.signal for alarm in open_)
    return f"{names} may know the churn that they should foresee, so a person has to say --keep or --drop of each"
