"""A calibration as a whole: the ladder, the gates, leaks, copies, shuffles, and seeds; small, so that it is told in seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from signal_files import EXPERT, made_up

from customer_research.domain.calibration import Calibration, SignalResult
from customer_research.errors import UsageError
from customer_research.health.calibration.alarms import alarms
from customer_research.health.calibration.bands import cuts_by_churn
from customer_research.health.calibration.ladder import rung
from customer_research.health.calibration.leaks import DENIED
from customer_research.health.calibration.panel import Floats, Panel, Signal, panel_of
from customer_research.health.calibration.procedure import Terms, calibrate

TRUTH = {"usage_fell": 1.5, "bad_rating": 1.5, "downgraded": 1.0}
"""Effects that the expert's points have wrong: payment tells nothing, a bad rating much."""

RIGHT = {s.name: 0.06 * e for s, e in zip(EXPERT, (12, 8, 10, 7.5, 6, 4, 4.5), strict=True)}
"""The expert's own effects (weight times points), as log odds."""

TERMS = Terms(seed=1, draws=50)


def _told(panel: Panel, terms: Terms = TERMS) -> Calibration:
    return calibrate(panel, terms).told


def _with(panel: Panel, name: str, values: Floats, dimension: str = "support") -> Panel:
    return panel_of(
        panel.operator_ids,
        panel.as_of,
        np.column_stack((panel.signals, values)),
        panel.churned,
        (*panel.declared, Signal(name, dimension, 20)),
    )


@pytest.mark.parametrize(
    ("events", "step", "needed"),
    [(0, "counts", 20), (19, "counts", 20), (20, "expert", 65), (64, "expert", 65), (65, "proposal", 100), (99, "proposal", 100), (100, "adoption", None), (300, "adoption", None)],
)  # fmt: skip
def test_the_ladder(events: int, step: str, needed: int | None) -> None:
    assert (rung(events).step, rung(events).next_at) == (step, needed)
    assert (f"not enough churn: {events} of {needed}" in rung(events).words) is (events < 65)


def test_ten_churned_accounts_give_counts_and_nothing_else() -> None:
    panel = made_up(400, TRUTH, seed=1)
    few = panel.where(~panel.churned | (np.cumsum(panel.churned) <= 10))
    told = _told(few)
    assert (told.events, told.outcome) == (10, "refused")
    assert told.reason == "not enough churn: 10 of 20 churned accounts for a probability"
    assert (told.curve, told.fitted, told.gates, told.tau) == (None, None, (), None)
    assert sum(line.churned_accounts for line in told.bands) == 10
    assert {signal.verdict for signal in told.signals} == {"not_fitted"}


def test_where_hardly_anybody_stayed_nothing_is_fitted() -> None:
    panel = made_up(300, {}, seed=1, base=0.96)
    told = _told(panel)
    assert told.reason == f"not enough operators who stayed: {panel.stayed_accounts} of 20 accounts to compare with"
    assert (told.outcome, told.curve) == ("refused", None)


def test_some_churn_gives_the_expert_a_probability() -> None:
    told = _told(made_up(450, TRUTH, seed=2))
    assert 20 <= told.events < 65
    assert (told.outcome, told.step) == ("refused", "expert")
    assert told.curve is not None
    assert told.curve.probability(40) > told.curve.probability(100)
    assert told.fitted is None
    assert told.expert.slope is not None
    assert {signal.points for signal in told.signals} == {None}


def test_more_churn_proposes_and_a_person_adopts() -> None:
    panel = made_up(900, TRUTH, seed=3)
    assert 65 <= panel.churned_accounts < 100
    told = _told(panel)
    assert (told.outcome, told.step, told.tau) == ("proposed", "proposal", 0.5)
    assert all(gate.passed for gate in told.gates)
    assert _told(panel, replace(TERMS, confirmed=True)).outcome == "adopted"


def test_much_churn_adopts_what_it_proves() -> None:
    panel = made_up(3000, TRUTH, seed=4)
    found = calibrate(panel, TERMS)
    told = found.told
    assert told.outcome == "adopted"
    assert told.tau in {0.25, 0.5, 1.0, 2.0}
    assert told.fitted is not None
    assert told.fitted.auc is not None
    assert told.expert.auc is not None
    assert told.fitted.auc.value > told.expert.auc.value + 0.05
    assert told.fitted.slope is not None
    assert told.fitted.slope.holds(1.0)
    shares = {signal.name: signal for signal in told.signals}
    assert shares["bad_rating"].verdict == "differs"
    assert shares["bad_rating"].share is not None
    assert shares["bad_rating"].share.value > shares["bad_rating"].expert_share
    assert {name for name, one in shares.items() if one.points} <= {*TRUTH, "failed_payments", "late_payments", "no_usage", "old_tickets"}  # fmt: skip
    assert sum(found.ships.weights.values()) == 1000
    assert told.unrounded_auc == pytest.approx(told.shipped_auc, abs=0.005)
    assert sum(line.operators for line in told.moved) == 3000
    assert len(told.movers) == sum(line.operators for line in told.moved if line.before != line.after)
    assert sum(line.rows for line in told.bands) == 3000
    assert told.observed[0].rate.value > told.observed[-1].rate.value
    assert [load.threshold for load in told.alert_loads] == sorted(load.threshold for load in told.alert_loads)
    assert told.may_set_cutoffs is (told.events >= 300)


def test_a_fit_moves_the_bands_to_where_churn_is() -> None:
    told = _told(made_up(3000, TRUTH, seed=4))
    assert told.curve is not None
    assert (told.cuts.before, told.cuts.stay) == ((80, 60, 40), "")
    healthy, monitor, at_risk = told.cuts.after
    base = told.churned_rows / 3000
    assert told.cuts.base_rate == base
    for cut, multiple in ((healthy, 1), (monitor, 2), (at_risk, 4)):
        assert told.curve.probability(cut) < multiple * base <= told.curve.probability(cut - 1)
    rates = [band.rate.value / base for band in told.bands if band.rate is not None]
    assert rates[0] < 1 < rates[1] < 2 < rates[2] < 4 < rates[3]  # each band is what its name is said to mean
    assert {line.before for line in told.moved} != {line.after for line in told.moved}


def test_without_a_fit_the_bands_stay_and_it_is_said() -> None:
    for rows in (200, 450):
        cuts = _told(made_up(rows, TRUTH, seed=2), replace(TERMS, cuts=(85, 70, 50))).cuts
        assert (cuts.after, cuts.stay) == ((85, 70, 50), "the expert's points stay, and so do their bands")


def test_bands_that_no_score_reaches_are_empty() -> None:
    assert cuts_by_churn((-2.0, 0.05), 0.4) == (69, 33, 0)  # four times 40 % is more than everybody
    assert cuts_by_churn((5.0, 0.05), 0.01) == (100, 100, 100)


def test_a_contrary_signal_is_pinned_and_told() -> None:
    told = _told(made_up(3000, {**TRUTH, "late_payments": -1.5}, seed=5))
    (late,) = (signal for signal in told.signals if signal.name == "late_payments")
    assert (late.verdict, late.points) == ("pinned", 0)


def test_a_signal_that_never_varies_says_so() -> None:
    told = _told(_with(made_up(900, TRUTH, seed=3), "never", np.zeros(900)))
    assert {signal.name: signal.verdict for signal in told.signals}["never"] == "never_varies"


def test_noise_is_not_adopted() -> None:
    adopted = [
        _told(made_up(900, {}, seed=seed), Terms(seed=seed, draws=50, confirmed=True)).outcome for seed in range(12)
    ]
    assert adopted.count("adopted") <= 1


def test_a_right_expert_is_kept() -> None:
    outcomes = [_told(made_up(1300, RIGHT, seed=seed), Terms(seed=seed, draws=50)).outcome for seed in range(10)]
    assert outcomes.count("refused") >= 9


def test_shuffled_rows_and_another_run_give_the_same() -> None:
    panel = made_up(900, TRUTH, seed=3)
    order = np.random.default_rng(1).permutation(900)
    columns = [3, 1, 6, 0, 2, 5, 4]
    shuffled = panel_of(
        [panel.operator_ids[row] for row in order],
        [panel.as_of[row] for row in order],
        panel.signals[order][:, columns],
        panel.churned[order],
        [panel.declared[column] for column in columns],
    )
    assert calibrate(shuffled, TERMS) == calibrate(panel, TERMS)
    assert calibrate(panel, Terms(seed=2, draws=50)) != calibrate(panel, TERMS)


def test_monthly_copies_narrow_no_interval() -> None:
    panel = made_up(900, TRUTH, seed=3)
    days = [date(2026, 1, 1) + timedelta(days=30 * month) for month in range(3)]
    copies = panel_of(
        [operator for _ in days for operator in panel.operator_ids],
        [day for day in days for _ in panel.operator_ids],
        np.tile(panel.signals, (3, 1)),
        np.tile(panel.churned, 3),
        panel.declared,
    )
    one, three = _told(panel), _told(copies)
    assert (three.events, three.rows, three.outcome) == (one.events, 2700, one.outcome)
    for single, tripled in zip(one.signals, three.signals, strict=True):
        assert _width(tripled) >= 0.9 * _width(single)
    for gate, again in zip(one.gates, three.gates, strict=True):
        assert again.low == pytest.approx(gate.low, abs=0.1 * abs(gate.gain))


def _width(signal: SignalResult) -> float:
    assert signal.share is not None
    assert signal.share.low is not None
    assert signal.share.high is not None
    return signal.share.high - signal.share.low


def _suspected(panel: Panel) -> dict[str, str]:
    return {alarm.signal: alarm.why for alarm in alarms(panel, (), ())}


def _planted(noise: float, *, rows: int = 900, name: str = "planted") -> Panel:
    """A panel with a copy of the label, a share of which is turned round."""
    panel = made_up(rows, TRUTH, seed=3)
    flipped = np.random.default_rng(1).random(rows) < noise
    return _with(panel, name, (panel.churned ^ flipped).astype(np.float64))


@pytest.mark.parametrize("upside_down", [False, True])
def test_what_repeats_the_label_is_named_and_dropped_unasked(*, upside_down: bool) -> None:
    panel = made_up(900, TRUTH, seed=3)
    told = _told(_with(panel, "planted", (panel.churned ^ upside_down).astype(np.float64)))
    (alarm,) = told.alarms
    assert (alarm.signal, alarm.decision, alarm.decided_by) == ("planted", "dropped", "guard")
    assert "AUC of 1.00" in alarm.why
    assert alarm.effect is not None
    if not upside_down:
        assert alarm.effect.auc_with == pytest.approx(1.0, abs=0.01)
    honest = _told(panel)
    assert honest.fitted is not None
    assert honest.fitted.auc is not None
    assert alarm.effect.auc_without == pytest.approx(honest.fitted.auc.value, abs=1e-6)
    assert told.signals == honest.signals
    assert (told.outcome, told.reason) == (honest.outcome, honest.reason)


def test_a_suspected_leak_counts_but_nothing_is_adopted_until_a_person_decides() -> None:
    panel = _planted(0.06, rows=1300)
    assert panel.churned_accounts > 100
    told = _told(panel, replace(TERMS, confirmed=True))  # another word than the one that was asked for
    (alarm,) = told.alarms
    assert (told.outcome, alarm.decision, alarm.decided_by) == ("proposed", "open", "nobody")
    assert "AUC of 0.9" in alarm.why
    assert told.reason.endswith("so a person has to say --keep planted or --drop planted")
    assert "planted" in {signal.name for signal in told.signals}
    effect = alarm.effect
    assert effect is not None
    assert effect.auc_with is not None
    assert effect.auc_without is not None
    assert effect.log_loss_with is not None
    assert effect.log_loss_without is not None
    assert effect.auc_with > effect.auc_without + 0.1
    assert effect.log_loss_with < effect.log_loss_without - 0.05
    assert told.fitted is not None
    assert told.fitted.auc is not None
    assert told.fitted.auc.value == pytest.approx(effect.auc_with, abs=0.002)

    kept, dropped = _told(panel, replace(TERMS, keep=("planted",))), _told(panel, replace(TERMS, drop=("planted",)))
    assert [(one.outcome, one.alarms[0].decision, one.alarms[0].decided_by) for one in (kept, dropped)] == [
        ("adopted", "kept", "person"),
        ("adopted", "dropped", "person"),
    ]
    assert kept.alarms[0].effect == effect
    assert "planted" not in {signal.name for signal in dropped.signals}
    assert dropped.signals == _told(panel.only([name for name in panel.names if name != "planted"])).signals


def test_an_open_alarm_and_a_confirmation_are_both_asked_for() -> None:
    told = _told(_planted(0.06))
    assert (told.step, told.outcome) == ("proposal", "proposed")
    assert told.reason.endswith("--keep planted or --drop planted, and to confirm it")
    settled = replace(TERMS, keep=("planted",))
    assert _told(_planted(0.06), settled).reason.endswith("a person has to confirm it")
    assert _told(_planted(0.06), replace(settled, confirmed=True)).outcome == "adopted"


def test_a_person_goes_before_the_guard_and_may_drop_what_nobody_suspects() -> None:
    panel = _planted(0.0, rows=1300)
    told = _told(panel, replace(TERMS, keep=("planted",), drop=("old_tickets",)))
    assert {alarm.signal: (alarm.why != "", alarm.decision, alarm.decided_by) for alarm in told.alarms} == {
        "old_tickets": (False, "dropped", "person"),
        "planted": (True, "kept", "person"),
    }
    assert {"planted", "old_tickets"} & {signal.name for signal in told.signals} == {"planted"}
    several = _told(_with(_planted(0.06, rows=1300), "status", np.zeros(1300)))
    assert "planted, status may know the churn" in several.reason


def test_with_too_little_churn_for_a_fit_the_effect_is_that_on_the_experts_score() -> None:
    for rows, probable in ((450, True), (150, False)):
        told = _told(_planted(0.2, rows=rows, name="churn_status"))
        (alarm,) = told.alarms
        assert (told.outcome, alarm.decision) == ("refused", "open")
        assert ("--keep churn_status or --drop churn_status" in told.reason) is probable
        assert alarm.effect is not None
        assert alarm.effect.auc_with is not None
        assert alarm.effect.auc_without is not None
        assert alarm.effect.auc_with > alarm.effect.auc_without
        assert (alarm.effect.log_loss_with is not None) is probable


@pytest.mark.parametrize(
    ("keep", "drop", "says"),
    [(("nobody",), (), "no signal 'nobody'"), ((), ("nobody",), "no signal 'nobody'"), (("usage_fell",), ("usage_fell",), "both kept and dropped"), ((), tuple(s.name for s in EXPERT), "none is left")],
)  # fmt: skip
def test_what_cannot_be_kept_or_dropped_is_refused(keep: tuple[str, ...], drop: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        _told(made_up(300, TRUTH, seed=1), replace(TERMS, keep=keep, drop=drop))
    assert ("bad_rating, downgraded, failed_payments" in refused.value.hint) is ("nobody" in says)


def test_a_leak_that_fires_seldom_is_found_by_its_churn() -> None:
    panel = made_up(900, TRUTH, seed=3)
    seldom = panel.churned & (np.random.default_rng(1).random(900) < 0.3)
    assert "churn where it fires" in _suspected(_with(panel, "seldom", seldom.astype(np.float64)))["seldom"]
    assert _suspected(panel) == {}


def test_where_nearly_all_leave_high_churn_is_no_leak() -> None:
    assert _suspected(made_up(900, {"usage_fell": 0.5}, seed=1, base=0.72)) == {}


@pytest.mark.parametrize(
    "name", ["churned_before", "days_to_churn", "ChurnDate", "status", "subscription_status", "cancel_reason", "cancellation date", "cancelled", "subscription_canceled", "terminated_at", "ended_at", "closed_lost_reason", "lifecyclestage", "invoices_after_notice"]
)  # fmt: skip
def test_names_of_what_is_known_only_afterwards_are_suspected(name: str) -> None:
    panel = made_up(60, {}, seed=1, base=0.3)
    assert name in _suspected(_with(panel, name, np.random.default_rng(1).random(60).round(1)))


@pytest.mark.parametrize(
    "name", ["late_payments", "cancellation_mentioned", "pending_cancellation", "trips_cancelled", "status_page_visits", "days_since_login", "lost_drivers", "weekend_trips", "P1"]
)  # fmt: skip
def test_names_of_honest_signals_are_not(name: str) -> None:
    assert not DENIED.search(name)


def test_when_every_signal_leaks_nothing_is_left() -> None:
    panel = made_up(300, TRUTH, seed=1)
    only = Panel(
        panel.operator_ids, panel.as_of, panel.churned[:, None].astype(np.float64), panel.churned, (EXPERT[0],)
    )
    with pytest.raises(UsageError, match="none is left"):
        calibrate(only, TERMS)


def test_forward_in_time_has_an_embargo_and_needs_dates() -> None:
    panel = made_up(900, TRUTH, seed=3)
    with pytest.raises(UsageError, match="do not reach for a split forward in time"):
        calibrate(panel, replace(TERMS, split="forward"))
    quarters = [date(2025, 1, 1) + timedelta(days=91 * (row % 5)) for row in range(900)]
    spread = panel_of(panel.operator_ids, quarters, panel.signals, panel.churned, panel.declared)
    told = _told(spread, replace(TERMS, split="forward"))
    assert (told.split, told.embargo_days, told.dates) == ("forward", 90, 5)
    assert told.fitted is not None
    assert told.fitted.rows < 900  # the first quarter is never judged
