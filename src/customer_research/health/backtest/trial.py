"""One scorecard, or two side by side, on rows whose outcome is known: measures, bands, alerts and the time before churn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from customer_research.domain.backtest import CardTrial, Difference, Gate, LeadTime, Load, OverwrittenRule
from customer_research.domain.calibration import Estimate
from customer_research.domain.health import BAND_ORDER
from customer_research.errors import UsageError
from customer_research.health.calibration.evaluation import (
    DRAWS,
    ChurnRows,
    Measures,
    Prediction,
    alert_loads,
    churn_by_group,
    estimates,
    evaluate,
    separated,
    thresholds_of,
    weighed,
)
from customer_research.health.calibration.ladder import PROBABILITY_AT
from customer_research.health.calibration.panel import Flags, Floats, Integers, Panel
from customer_research.health.calibration.validation import account_folds, platt, probabilities

MARGIN = 0.02
"""By how much AUC a new scorecard may be worse and still pass: what no manager would see in the ranking."""

LEAD_DAYS = 365
"""No stand below a threshold is followed further back than this before the churn."""

CROSS_FITTED = "Platt scaling of the score, fitted on other accounts (five folds)"
UNKNOWN = -1
"""The score of a row of which too little is known."""

_WEEK = 7.0


@dataclass(frozen=True, slots=True, eq=False)
class PanelScores:
    """A scorecard's say on the n rows of a panel: scores (`UNKNOWN` where there is none), bands, and its own probabilities.

    `cuts` are the least scores of healthy, monitor and at_risk. `probability` (n,) is None where it has none of its own; `curve`
    is the (intercept, slope) that it was made by.
    """

    name: str
    version: str
    digest: str
    cuts: tuple[int, int, int]
    scores: Integers
    bands: tuple[str, ...]
    probability: Floats | None = None
    probability_from: str = ""
    curve: tuple[float, float] | None = None
    left_out: tuple[OverwrittenRule, ...] = ()

    def where(self, mask: Flags) -> PanelScores:
        """The same on some of the rows."""
        bands = tuple(band for band, kept in zip(self.bands, mask, strict=True) if kept)
        own = None if self.probability is None else self.probability[mask]
        return replace(self, scores=self.scores[mask], bands=bands, probability=own)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The n rows: the panel (its keys and labels), when each account churned if that has a date, and who looks after them.

    `step_days` lie between two dates; `managers` is 0 where nobody knows how many there are.
    """

    panel: Panel
    churned_at: tuple[datetime | None, ...] | None
    step_days: float
    managers: int = 0

    def where(self, mask: Flags) -> Rows:
        """Some of the rows."""
        known = self.churned_at
        dates = None if known is None else tuple(at for at, kept in zip(known, mask, strict=True) if kept)
        return Rows(self.panel.where(mask), dates, self.step_days, self.managers)

    @property
    def churn(self) -> ChurnRows:
        """What became of them."""
        return ChurnRows(self.panel.churned, self.panel.accounts)


def try_card(
    rows: Rows, tried: PanelScores, *, thresholds: Sequence[int] = (), alert_at: int | None = None, seed: int = 0
) -> CardTrial:
    """Everything about one scorecard.

    Args:
        rows: the rows with their churn.
        tried: what the scorecard says of them.
        thresholds: alert thresholds to be told besides its own cut-offs.
        alert_at: the threshold of the lead time; None: the highest score that is At Risk.
        seed: of folds and bootstrap.

    Raises:
        UsageError: no row has a score.
    """
    known = tried.scores != UNKNOWN
    if not known.any():
        raise UsageError(
            f"{tried.name} gives no score to any of the {len(tried.scores):,} rows: too little is known of those dates."
        )
    own, said = rows.where(known), tried.where(known)
    probability, source = _probability(own, said, seed)
    churn = own.churn
    risk = 100.0 - said.scores.astype(np.float64)
    present: list[str] = [band for band in BAND_ORDER if band in said.bands]
    codes = np.array([present.index(band) for band in said.bands], dtype=np.int64)
    at = said.cuts[1] - 1 if alert_at is None else alert_at
    return CardTrial(
        name=tried.name,
        version=tried.version,
        digest=tried.digest,
        rows=len(own.panel),
        unknown=int((~known).sum()),
        evaluation=evaluate(Prediction(risk, probability), churn, seed=seed),
        probability=source,
        bands=churn_by_group(codes, present, churn, seed=seed),
        merged=separated(codes, present, churn, seed=seed) if present else (),
        loads=loads(own, said.scores, sorted({*thresholds, *thresholds_of(said.scores, said.cuts), at}), seed=seed),
        lead=lead_time(own, said.scores, at, seed=seed),
        left_out=tried.left_out,
    )


def _probability(rows: Rows, tried: PanelScores, seed: int) -> tuple[Floats | None, str]:
    """The scorecard's own probabilities; else Platt scaling made on other accounts, where there is churn enough for it."""
    if tried.probability is not None:
        return tried.probability, tried.probability_from
    if rows.panel.churned_accounts < PROBABILITY_AT:
        return None, ""
    return cross_fitted(rows.panel, tried.scores, seed), CROSS_FITTED


def cross_fitted(panel: Panel, scores: Integers, seed: int) -> Floats:
    """(n,) each row's probability by a Platt curve that was fitted on the other folds' accounts."""
    found = np.full(len(panel), np.nan)
    churned = panel.churned.astype(np.float64)
    for fold in account_folds(panel, seed, repeats=1)[0]:
        curve = platt(scores[fold.train], churned[fold.train], np.ones(int(fold.train.sum())))
        found[fold.test] = probabilities(scores[fold.test], curve)
    return found


# --- alerts ------------------------------------------------------------------------------------------------------------


def loads(rows: Rows, scores: Integers, thresholds: Sequence[int], *, seed: int = 0) -> tuple[Load, ...]:
    """What alerting at each threshold would have meant."""
    churn, dates = rows.churn, date_numbers(rows.panel)
    count = int(dates.max()) + 1 if len(dates) else 0
    told = alert_loads(scores, churn, count, thresholds, seed=seed)
    weeks = weeks_of(rows)
    new = [new_alerts(scores <= threshold, churn.accounts, dates) for threshold in thresholds]
    weekly = _a_week(new, weeks, seed)
    return tuple(
        Load(
            threshold=one.threshold,
            rows=one.rows,
            standing=one.operators_a_date,
            a_week=rate,
            a_week_each=_each(rate, rows.managers),
            precision=one.precision,
            recall=one.recall,
        )
        for one, rate in zip(told, weekly, strict=True)
    )


def weeks_of(rows: Rows) -> float:
    """The weeks from the first date to the last."""
    return max(len(set(rows.panel.instants)) - 1, 0) * rows.step_days / _WEEK


def new_alerts(alerted: Flags, accounts: Integers, dates: Integers) -> Floats:
    """(accounts,) how often each account came to be alerted at a date after the first, not having been so at the one before."""
    count = int(accounts.max()) + 1 if len(accounts) else 0
    span = int(dates.max()) + 1 if len(dates) else 0
    stood = np.zeros((count, span + 1), dtype=bool)
    stood[accounts[alerted], dates[alerted] + 1] = True
    came = stood[:, 1:] & ~stood[:, :-1]
    new: Floats = came[:, 1:].sum(axis=1).astype(np.float64)
    return new


def _a_week(new: Sequence[Floats], weeks: float, seed: int) -> list[Estimate | None]:
    if weeks <= 0 or not new:
        return [None] * len(new)
    together = np.column_stack(new)
    return estimates(lambda counts: weighed(counts, together) / weeks, len(together), seed=seed)


def _each(rate: Estimate | None, managers: int) -> Estimate | None:
    if rate is None or managers == 0:
        return None
    low = None if rate.low is None else rate.low / managers
    return Estimate(rate.value / managers, low, None if rate.high is None else rate.high / managers)


def date_numbers(panel: Panel) -> Integers:
    """(n,) the number of each row's date, from 0 in order of time."""
    numbers = {instant: place for place, instant in enumerate(sorted(set(panel.instants)))}
    return np.array([numbers[instant] for instant in panel.instants], dtype=np.int64)


# --- lead time -----------------------------------------------------------------------------------------------------------


def lead_time(rows: Rows, scores: Integers, threshold: int, *, seed: int = 0) -> LeadTime | None:
    """How long churned accounts stood at or below a threshold before they churned; None where no churn has a date."""
    if rows.churned_at is None:
        return None
    leads = list(_leads(rows, scores, threshold).values())
    days = np.array([np.nan if lead is None else lead for lead in leads])
    if not len(days):
        return LeadTime(threshold, 0, 0, None, None)
    known = ~np.isnan(days)

    def statistic(counts: Floats) -> Floats:
        told = np.repeat(days[known], counts[known].astype(np.int64))
        share = float(counts[known].sum() / counts.sum()) if counts.sum() else float("nan")
        return np.array([share, float(np.median(told)) if len(told) else float("nan")])

    share, median = estimates(statistic, len(days), seed=seed)
    return LeadTime(threshold, len(days), int(known.sum()), share, median)


def _leads(rows: Rows, scores: Integers, threshold: int) -> Mapping[str, float | None]:
    """Account → days from the first date of its last unbroken stand to its churn; None: it did not stand so at the last date."""
    assert rows.churned_at is not None
    found: dict[str, float | None] = {}
    begun: dict[str, datetime | None] = {}
    told = zip(rows.panel.operator_ids, rows.panel.instants, rows.churned_at, scores, strict=True)
    for operator, instant, churned_at, score in sorted(told, key=lambda row: (row[0], row[1])):
        if churned_at is None or instant >= churned_at or (churned_at - instant).days > LEAD_DAYS:
            continue
        since = begun.get(operator) or instant
        begun[operator] = since if score <= threshold else None
        stands = begun[operator]
        found[operator] = None if stands is None else (churned_at - stands).total_seconds() / 86_400
    return found


# --- two of them ---------------------------------------------------------------------------------------------------------


def compare(rows: Rows, old: PanelScores, new: PanelScores, *, seed: int = 0) -> Difference:
    """The new scorecard less the old one, on the rows that both score; both with probabilities made the same way."""
    both = (old.scores != UNKNOWN) & (new.scores != UNKNOWN)
    own = rows.where(both)
    measured = [
        Measures(Prediction(100.0 - one.scores.astype(np.float64), p), own.churn)
        for one, p in _alike(own, both, old, new, seed)
    ]
    places = [Measures.NAMES.index(name) for name in ("auc", "average_precision", "log_loss")]

    def apart(counts: Floats) -> Floats:
        first, second = (measures(counts)[places] for measures in measured)
        return np.asarray(second - first, dtype=np.float64)

    count = own.panel.account_count
    auc, precision, loss = estimates(apart, count, draws=DRAWS, seed=seed) if count else (None, None, None)
    same = sum(a == b for a, b, kept in zip(old.bands, new.bands, both, strict=True) if kept)
    return Difference(len(own.panel), own.panel.churned_accounts, auc, precision, loss, same)


def _alike(
    own: Rows, both: Flags, old: PanelScores, new: PanelScores, seed: int
) -> list[tuple[PanelScores, Floats | None]]:
    """Each with its probabilities: their own when both have them, else cross-fitted ones of both."""
    pair = (old.where(both), new.where(both))
    if all(one.probability is not None for one in pair):
        return [(one, one.probability) for one in pair]
    if own.panel.churned_accounts < PROBABILITY_AT:
        return [(one, None) for one in pair]
    return [(one, cross_fitted(own.panel, one.scores, seed)) for one in pair]


def gate(found: Difference) -> Gate:
    """Whether the new scorecard is at least as good as the old one, within `MARGIN`.

    worse: the interval of the difference in AUC lies below 0, or that of log-loss above it. too_little: fewer churned accounts
    than a probability needs, or an interval that reaches beyond the margin: it may be worse, and nobody can tell.
    """
    events, auc, loss = found.churned_accounts, found.auc, found.log_loss
    if events < PROBABILITY_AT:
        why = f"Too little churn to tell: {events} of {PROBABILITY_AT} churned accounts."
        return Gate("too_little", why, found)
    if auc is None or auc.low is None or auc.high is None:
        return Gate("too_little", "Too little churn to tell: the difference in AUC has no interval.", found)
    told = f"AUC {auc.value:+.3f} [{auc.low:+.3f} to {auc.high:+.3f}]"
    if auc.high < 0 or (loss is not None and loss.low is not None and loss.low > 0 and auc.value < 0):
        return Gate("worse", f"The new scorecard is worse: {told}.", found)
    if auc.low < -MARGIN:
        return Gate("too_little", f"Too little churn to tell: it may be worse by more than {MARGIN} ({told}).", found)
    return Gate("pass", f"The new scorecard is no worse than the old one by more than {MARGIN}: {told}.", found)
