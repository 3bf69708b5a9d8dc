"""Trials of scorecards on rows whose outcome is known: alerts, time before churn, comparisons, gates, thresholds and drift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from customer_research.domain.backtest import Difference, Economics
from customer_research.domain.calibration import Estimate, ObservedChurn
from customer_research.errors import UsageError
from customer_research.health.backtest.drift import check_drift, poisson_interval, stability_index
from customer_research.health.backtest.thresholds import band_choice, by_capacity, by_cost, merged_cuts
from customer_research.health.backtest.trial import (
    CROSS_FITTED,
    UNKNOWN,
    PanelScores,
    Rows,
    compare,
    cross_fitted,
    gate,
    lead_time,
    new_alerts,
    try_card,
)
from customer_research.health.calibration.panel import Flags, Integers, panel_of

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
CUTS = (80, 60, 40)
BANDS = ("healthy", "monitor", "at_risk", "critical")


def rows_of(accounts: int, dates: int, churned: Flags, churned_at: tuple[datetime | None, ...] | None = None) -> Rows:
    """`accounts` x `dates` rows, thirty days apart, each account's in order."""
    ids = [f"op-{one:04d}" for one in range(accounts) for _ in range(dates)]
    at = [BEGIN + timedelta(days=30 * date) for _ in range(accounts) for date in range(dates)]
    panel = panel_of(ids, at, np.zeros((len(ids), 0)), churned, ())
    return Rows(panel, churned_at, 30.0, managers=2)


def tried(scores: Integers, name: str = "card", curve: tuple[float, float] | None = None) -> PanelScores:
    bands = tuple(BANDS[int(np.sum(score < np.array(CUTS)))] for score in scores)
    p = None if curve is None else 1 / (1 + np.exp(-(curve[0] + curve[1] * (100.0 - scores))))
    return PanelScores(name, "1", "d" * 64, CUTS, scores, bands, p, "its own" if curve else "", curve)


def telling(accounts: int, dates: int, slope: float, seed: int) -> tuple[Rows, PanelScores]:
    """A score that tells churn: log odds rise by `slope` for each lost point."""
    rng = np.random.default_rng(seed)
    scores = np.clip(np.repeat(rng.normal(75, 15, accounts), dates) + rng.normal(0, 4, accounts * dates), 0, 100)
    whole = np.round(scores).astype(np.int64)
    p = 1 / (1 + np.exp(-(-4 + slope * (100.0 - whole))))
    return rows_of(accounts, dates, rng.random(len(p)) < p), tried(whole, curve=None)


def test_an_alert_is_new_where_it_did_not_stand_at_the_date_before() -> None:
    accounts = np.repeat([0, 1, 2], 4)
    dates = np.tile(np.arange(4), 3)
    alerted = np.array([1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0], dtype=bool)
    assert new_alerts(alerted, accounts, dates).tolist() == [1, 2, 0]


def test_the_time_before_churn_is_the_last_unbroken_stand_up_to_it() -> None:
    churn = BEGIN + timedelta(days=130)
    at = (*([churn] * 5), *([churn] * 5), *([None] * 5))
    rows = rows_of(3, 5, np.zeros(15, dtype=bool), at)
    scores = np.array([50, 90, 50, 40, 50, 50, 50, 50, 50, 90, 0, 0, 0, 0, 0])
    found = lead_time(rows, scores, 59)
    assert found is not None
    assert (found.churned, found.alerted) == (2, 1)  # the second rose above the threshold before it left
    assert found.median_days is not None
    assert found.median_days.value == 70
    assert found.share is not None
    assert found.share.value == 0.5
    assert lead_time(rows_of(3, 5, np.zeros(15, dtype=bool)), scores, 59) is None


def test_what_stood_at_the_instant_of_churn_itself_told_nothing_before_it() -> None:
    churn = BEGIN + timedelta(days=120)
    found = lead_time(rows_of(1, 5, np.zeros(5, dtype=bool), (churn,) * 5), np.array([90, 90, 50, 50, 90]), 59)
    assert found is not None
    assert found.median_days is not None
    assert (found.alerted, found.median_days.value) == (1, 60), (
        "the score of the day they left is no warning, nor its end"
    )


def test_a_stand_is_not_followed_further_back_than_a_year() -> None:
    churn = BEGIN + timedelta(days=700)
    rows = rows_of(1, 24, np.zeros(24, dtype=bool), (churn,) * 24)
    found = lead_time(rows, np.full(24, 10), 59)
    assert found is not None
    assert found.median_days is not None
    assert found.median_days.value <= 365


def test_a_card_that_scores_no_row_is_refused_in_a_sentence() -> None:
    rows, card = telling(30, 2, 0.08, 1)
    unknown = np.full(len(card.scores), UNKNOWN)
    with pytest.raises(UsageError, match="card gives no score to any of the 60 rows"):
        try_card(rows, PanelScores("card", "1", "d" * 64, CUTS, unknown, card.bands))


def test_a_trial_tells_everything_and_leaves_rows_without_a_score_out() -> None:
    rows, card = telling(300, 4, 0.08, 1)
    scores = card.scores.copy()
    scores[:7] = UNKNOWN
    found = try_card(rows, PanelScores("card", "1", "d" * 64, CUTS, scores, card.bands), thresholds=(50,))
    assert (found.rows, found.unknown) == (1193, 7)
    assert found.probability == CROSS_FITTED
    evaluation = found.evaluation
    assert evaluation.auc is not None
    assert evaluation.auc.value > 0.7
    assert evaluation.auc.low is not None
    assert evaluation.auc.low < evaluation.auc.value
    assert evaluation.slope is not None
    assert evaluation.slope.holds(1.0)
    assert [band.name for band in found.bands] == [name for name in BANDS if name in card.bands]
    told = {load.threshold: load for load in found.loads}
    assert {39, 50, 59, 79} <= set(told)
    assert told[59].a_week is not None
    assert told[59].a_week_each is not None
    assert told[59].a_week.value == pytest.approx(2 * told[59].a_week_each.value)
    recalls = [load.recall.value for load in found.loads if load.recall is not None]
    assert recalls == sorted(recalls)


@pytest.mark.parametrize("cuts", [CUTS, (90, 77, 20), (81, 61, 60)])
def test_alerts_are_for_the_lower_two_bands_unless_another_threshold_is_asked_for(cuts: tuple[int, int, int]) -> None:
    highest = max(score for score in range(101) if sum(score < cut for cut in cuts) == 2)
    each = np.array([highest] * 12 + [highest + 1] * 5 + [95] * 23)
    left = np.arange(40) < 17
    gone = [BEGIN + timedelta(days=130) if churned else None for churned in np.repeat(left, 4)]
    rows = rows_of(40, 4, np.tile([False, False, False, True], 40) & np.repeat(left, 4), tuple(gone))
    scores = np.repeat(each, 4)
    card = PanelScores("card", "1", "d" * 64, cuts, scores, tuple("monitor" for _ in scores))
    for asked, alerted in ((None, 12), (highest - 1, 0), (highest + 1, 17)):
        lead = try_card(rows, card, alert_at=asked).lead
        assert lead is not None
        assert (lead.churned, lead.alerted) == (17, alerted)


def test_too_little_churn_gives_no_probability() -> None:
    churned = np.zeros(80, dtype=bool)
    churned[:19] = True
    rows = rows_of(80, 1, churned)
    found = try_card(rows, tried(np.arange(80)))
    assert found.probability == ""
    assert found.evaluation.brier is None
    assert found.evaluation.auc is not None


def test_probabilities_of_a_row_are_made_without_its_account() -> None:
    rows, card = telling(120, 3, 0.1, 2)
    before = cross_fitted(rows.panel, card.scores, 0)
    labels = rows.panel.churned.copy()
    labels[:3] = ~labels[:3]  # the first account's own outcome
    same_folds = rows.panel.churned[:3].any() == labels[:3].any()
    after = cross_fitted(Rows(rows_of(120, 3, labels).panel, None, 30.0).panel, card.scores, 0)
    if same_folds:
        assert np.array_equal(before[:3], after[:3])
    assert ((before > 0) & (before < 1)).all()


# --- two of them -------------------------------------------------------------------------------------------------------


def test_a_scorecard_passes_against_itself_and_a_worse_one_fails() -> None:
    rows, good = telling(600, 4, 0.1, 3)
    rng = np.random.default_rng(9)
    noise = tried(rng.integers(0, 101, len(good.scores)))
    assert gate(compare(rows, good, good)).verdict == "pass"
    worse = gate(compare(rows, good, noise))
    assert worse.verdict == "worse"
    assert worse.difference.auc is not None
    assert worse.difference.auc.high is not None
    assert worse.difference.auc.high < 0
    assert gate(compare(rows, noise, good)).verdict == "pass"


def test_the_gate_does_not_open_where_nobody_can_tell() -> None:
    rows, card = telling(60, 2, 0.02, 4)
    rng = np.random.default_rng(1)
    other = tried(np.clip(card.scores + rng.integers(-20, 21, len(card.scores)), 0, 100))
    assert gate(compare(rows, card, other)).verdict == "too_little"
    few = Difference(100, 19, Estimate(0.1, 0.05, 0.2), None, None, 10)
    assert gate(few).verdict == "too_little"
    assert "19 of 20" in gate(few).why
    wide = Difference(1000, 90, Estimate(0.01, -0.05, 0.07), None, None, 10)
    assert gate(wide).verdict == "too_little"
    blurred = Difference(1000, 90, Estimate(-0.004, -0.012, 0.004), None, Estimate(0.001, 0.0004, 0.002), 10)
    assert gate(blurred).verdict == "worse"


def test_rows_that_one_of_the_two_cannot_score_count_for_neither() -> None:
    rows, card = telling(100, 3, 0.1, 5)
    scores = card.scores.copy()
    scores[50:80] = UNKNOWN
    found = compare(rows, card, PanelScores("b", "1", "", CUTS, scores, card.bands))
    assert found.rows == 270
    assert found.same_band == 270


# --- thresholds ----------------------------------------------------------------------------------------------------------


def test_capacity_takes_the_highest_threshold_that_people_can_take() -> None:
    rows, card = telling(400, 6, 0.1, 6)
    found = by_capacity(rows, card, 3.0)
    assert found.at is not None
    assert found.load is not None
    assert found.load.a_week is not None
    assert found.load.a_week.value <= 3.0
    over = by_capacity(rows, card, 4.5)
    assert over.at is not None
    assert over.at >= found.at
    assert by_capacity(rows, card, 1e-9).at is None or by_capacity(rows, card, 1e-9).load is not None
    with pytest.raises(UsageError, match="one date only"):
        by_capacity(Rows(rows.panel, None, 0.0), card, 3.0)


def test_cost_alerts_where_an_alert_is_worth_more_than_it_costs() -> None:
    rows, _ = telling(400, 6, 0.1, 7)
    scores = np.round(np.linspace(0, 100, len(rows.panel))).astype(np.int64)
    curve = (-4.0, 0.05)
    card = tried(scores, curve=curve)
    terms = Economics(cost_minor=5_000, value_minor=100_000, save_rate=0.25)
    found = by_cost(rows, card, terms)
    assert terms.break_even == pytest.approx(0.2)
    # logit(0.2) = -4 + 0.05 (100 - s)  <=>  s = 100 - (4 - 1.386) / 0.05 = 47.7
    assert found.at == 47
    assert by_cost(rows, card, Economics(100_000, 100_000, 1.0)).at is None
    few = rows_of(30, 1, np.arange(30) < 5)
    with pytest.raises(UsageError, match="5 of 20 churned accounts"):
        by_cost(few, tried(np.arange(30)), terms)


def test_bands_that_do_not_separate_are_one_under_the_milder_name() -> None:
    assert merged_cuts((80, 60, 40), (("healthy",), ("monitor",), ("at_risk",), ("critical",))) == (80, 60, 40)
    assert merged_cuts((80, 60, 40), (("healthy", "monitor"), ("at_risk",), ("critical",))) == (60, 60, 40)
    assert merged_cuts((80, 60, 40), (("healthy",), ("monitor",), ("at_risk", "critical"))) == (80, 60, 0)
    assert merged_cuts((80, 60, 40), (("healthy",), ("monitor", "at_risk", "critical"))) == (80, 0, 0)


def test_cut_offs_follow_churn_from_three_hundred_churned_accounts_on() -> None:
    rows, card = telling(3000, 1, 0.1, 8)
    assert rows.panel.churned_accounts >= 300
    found = band_choice(rows, card)
    assert found.after is not None
    healthy, monitor, at_risk = found.after
    assert healthy >= monitor >= at_risk
    rates = [group.rate.value for group in found.groups if group.rate is not None]
    assert rates == sorted(rates)
    few = band_choice(*telling(200, 2, 0.05, 8))
    assert few.after is None
    assert few.needed == 300


# --- drift ---------------------------------------------------------------------------------------------------------------


def test_the_poisson_interval_is_the_exact_one() -> None:
    assert poisson_interval(0)[0] == 0
    assert poisson_interval(0)[1] == pytest.approx(3.689, abs=1e-3)
    low, high = poisson_interval(10)
    assert stats.poisson.sf(9, low) == pytest.approx(0.025)
    assert stats.poisson.cdf(10, high) == pytest.approx(0.025)


def test_the_stability_index_is_zero_for_the_same_distribution() -> None:
    same = np.array([0.2, 0.3, 0.5])
    assert stability_index(same, same) == 0
    assert stability_index(np.array([0.5, 0.3, 0.2]), same) == pytest.approx(0.6 * np.log(2.5))
    assert np.isfinite(stability_index(np.array([0.0, 0.5, 0.5]), same))


REFERENCE = tuple(
    ObservedChurn(low, high, 100, 100, 5, 5, Estimate(0.05)) for low, high in ((0, 24), (25, 49), (50, 74), (75, 100))
)


def test_drift_asks_for_a_new_intercept_when_churn_is_twice_what_was_said() -> None:
    accounts, dates = 2000, 2
    rng = np.random.default_rng(11)
    scores = rng.integers(0, 101, accounts * dates)
    curve = (-5.0, 0.03)
    card = tried(scores, curve=curve)
    assert card.probability is not None
    right = rows_of(accounts, dates, rng.random(len(scores)) < card.probability)
    closed = np.ones(len(scores), dtype=bool)
    steady = check_drift(right, card, closed, REFERENCE)
    assert not steady.refit
    assert not steady.shifted
    assert steady.refitted == pytest.approx(-5.0, abs=0.3)
    risen = 1 / (1 + np.exp(-(-4.0 + 0.03 * (100.0 - scores))))
    wrong = check_drift(rows_of(accounts, dates, rng.random(len(scores)) < risen), card, closed, REFERENCE)
    assert wrong.refit
    assert wrong.refitted == pytest.approx(-4.0, abs=0.2)


def test_drift_of_scores_is_told_while_windows_are_still_open() -> None:
    scores = np.full(400, 90)
    card = tried(scores, curve=(-5.0, 0.03))
    found = check_drift(rows_of(400, 1, np.zeros(400, dtype=bool)), card, np.zeros(400, dtype=bool), REFERENCE)
    assert found.shifted
    assert not found.refit
    assert found.months[0].observed is None
    assert found.refitted is None
