"""Where to alert, and where bands are cut: by what people can take, by what an alert costs, and by churn that happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from customer_research.domain.backtest import AlertThreshold, BandChoice, Economics
from customer_research.errors import UsageError
from customer_research.health.backtest.trial import (
    UNKNOWN,
    PanelScores,
    Rows,
    date_numbers,
    loads,
    new_alerts,
    weeks_of,
)
from customer_research.health.calibration.bands import BANDS, SCORES, band_codes, cuts_by_churn
from customer_research.health.calibration.evaluation import churn_by_group, separated
from customer_research.health.calibration.ladder import CUTOFFS_AT, PROBABILITY_AT
from customer_research.health.calibration.panel import Integers
from customer_research.health.calibration.validation import platt, probabilities


def by_capacity(rows: Rows, tried: PanelScores, a_week: float, *, seed: int = 0) -> AlertThreshold:
    """The highest threshold that raises at most so many new alerts a week.

    Raises:
        UsageError: there is one date only, so that nobody knows what is new.
    """
    own, scores = _known(rows, tried)
    weeks = weeks_of(own)
    if weeks <= 0:
        raise UsageError("The rows have one date only, so that nobody knows how many alerts are new in a week.")
    accounts, dates = own.panel.accounts, date_numbers(own.panel)
    at = None
    for level in _levels(scores):  # where nearly everybody stands below few are new: the first overload ends the search
        if new_alerts(scores <= level, accounts, dates).sum() / weeks > a_week:
            break
        at = level
    load = None if at is None else loads(own, scores, [at], seed=seed)[0]
    return AlertThreshold(at, "capacity", load, a_week, None, own.panel.churned_accounts)


def by_cost(rows: Rows, tried: PanelScores, economics: Economics, *, seed: int = 0) -> AlertThreshold:
    """The highest score at which an alert is worth its cost: `p x save rate x value > cost`.

    Raises:
        UsageError: there is too little churn for a probability.
    """
    own, scores = _known(rows, tried)
    events = own.panel.churned_accounts
    curve = curve_of(own, tried, scores)
    if curve is None:
        raise UsageError(
            f"Not enough churn for a probability: {events} of {PROBABILITY_AT} churned accounts.",
            hint="Choose by capacity (--capacity) until there is.",
        )
    worth = SCORES[probabilities(SCORES, curve) > economics.break_even]
    at = int(worth.max()) if len(worth) else None
    load = loads(own, scores, [at], seed=seed)[0] if at is not None else None
    return AlertThreshold(at, "cost", load, None, economics, events)


def curve_of(rows: Rows, tried: PanelScores, scores: Integers) -> tuple[float, float] | None:
    """The Platt curve of a scorecard: its own calibration's, else that of these rows; None with too little churn."""
    if tried.curve is not None:
        return tried.curve
    if rows.panel.churned_accounts < PROBABILITY_AT:
        return None
    return platt(scores, rows.panel.churned.astype(np.float64), np.ones(len(scores)))


def band_choice(rows: Rows, tried: PanelScores, *, seed: int = 0) -> BandChoice:
    """Churn by band, and cut-offs of its own where there is churn enough; bands that do not separate become one."""
    own, scores = _known(rows, tried)
    events, curve = own.panel.churned_accounts, curve_of(own, tried, scores)
    cuts, after = tried.cuts, None
    if events >= CUTOFFS_AT and curve is not None and curve[1] > 0:
        cuts = cuts_by_churn(curve, float(own.panel.churned.mean()))
    codes = band_codes(scores, cuts)
    merged = separated(codes, BANDS, own.churn, seed=seed)
    if events >= CUTOFFS_AT:
        cuts = after = merged_cuts(cuts, merged)
        codes = band_codes(scores, cuts)
    groups = tuple(group for group in churn_by_group(codes, BANDS, own.churn, seed=seed) if group.rows)
    present = {group.name for group in groups} if after is None else set(BANDS)
    told = tuple(tuple(name for name in names if name in present) for names in merged)
    return BandChoice(tried.cuts, after, groups, tuple(names for names in told if names), events, CUTOFFS_AT)


def merged_cuts(cuts: tuple[int, int, int], merged: Sequence[Sequence[str]]) -> tuple[int, int, int]:
    """Cut-offs under which the bands that do not separate are one, called by the milder name: the others are empty."""
    least = dict(zip(BANDS, (*cuts, 0), strict=True))
    for names in merged:
        for name in names:
            least[name] = least[names[-1]]
    return least["healthy"], least["monitor"], least["at_risk"]


def _known(rows: Rows, tried: PanelScores) -> tuple[Rows, Integers]:
    known = tried.scores != UNKNOWN
    return rows.where(known), tried.scores[known]


def _levels(scores: Integers) -> list[int]:
    """Every score that somebody has: between two of them a threshold changes nothing."""
    return [int(score) for score in np.unique(scores)]
