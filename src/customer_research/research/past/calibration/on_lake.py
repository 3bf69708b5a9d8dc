"""Calibrating a scorecard on the lake's own past: its rules are the signals, billing says who churned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import tomlkit

from customer_research.connect.source import Clock
from customer_research.health.calibration.panel import Integers, Panel, Signal, panel_of
from customer_research.health.calibration.procedure import CalibrationResult, Progress
from customer_research.health.scorecard import Rule, declaration_of
from customer_research.reports.inquiries.calibration_report import CalibrationRun
from customer_research.research.past.backtest.lookback import CardScores, Lookback
from customer_research.research.past.backtest.trials import tread
from customer_research.research.past.calibration.on_files import calibrate_files, run_on
from customer_research.research.past.requests import CalibrationTerms, TrialTerms
from customer_research.settings import Settings


def calibrated(settings: Settings, terms: CalibrationTerms, clock: Clock, progress: Progress) -> CalibrationRun:
    """Calibrate on a table of signals, or on every active account at past dates of the lake; see `on_files.run_on`.

    On the lake `only_tried` leaves the rules that no past date can judge, or that were dropped as leaks, out of the new
    scorecard: only then does its probability hold for the scores that the product gives.

    Raises:
        UsageError: the lake cannot tell a past, the output exists or cannot be written, or no signal is left.
        TablesRefused: what is wrong in the files.
        ConfigError: no such scorecard.
        EngineError: a query failed.
    """
    terms.check()
    if terms.signals is not None and terms.points is not None:
        return calibrate_files(terms.signals, terms.points, terms, clock, progress)
    name = terms.base or settings.scorecard
    progress("Measuring the past", 0, 1)
    ground = TrialTerms(tables=terms.tables, every=terms.every, counting=terms.counting)
    tried = tread(settings, (name,), ground, clock)
    past = tried.past
    assert past is not None  # the ground is tables, never a file of signals
    said = past.cards[0]
    left_out = tuple(out.rule for out in said.left_out if out.whole)

    def shape(text: str, calibrated: CalibrationResult) -> str:
        gone = (*left_out, *(alarm.signal for alarm in calibrated.told.dropped))
        return without_rules(text, gone) if terms.only_tried else text

    run = run_on(
        panel_of_card(past, said), terms, said.card, declaration_of(name)[0], clock,
        progress=progress, left_out=left_out, shape=shape,
    )  # fmt: skip
    return replace(run, receipts=tried.shown.receipts)


def panel_of_card(past: Lookback, said: CardScores) -> Panel:
    """The rows with the scorecard's rules as signals: what each took of the score, as a share of the most that it can take.

    A bonus has points below 0. A rule that counts (`per`) without a cap takes at most what it took in these rows. A note (a
    rule of 0 points) is no signal.
    """
    places = [place for place, rule in enumerate(said.rules) if rule.points]
    rules, points = [said.rules[place] for place in places], said.points[:, places]
    most = [_most(rule, points[:, place]) for place, rule in enumerate(rules)]
    signals = [
        Signal(rule.id, rule.dimension, float(taken if rule.points < 0 else -taken))
        for rule, taken in zip(rules, most, strict=True)
    ]
    severities = np.clip(np.abs(points) / np.array(most, dtype=np.float64), 0.0, 1.0)
    return panel_of(past.operator_ids, past.as_of, severities, past.churned, signals)


def _most(rule: Rule, points: Integers) -> int:
    if not rule.per:
        return abs(rule.points)
    return rule.cap or max(abs(rule.points), int(np.abs(points).max(initial=0)))


def without_rules(text: str, rules: Collection[str]) -> str:
    """A scorecard's declaration without some of its rules, and without what refers to them."""
    document = tomlkit.parse(text)
    gone = {rule.lower() for rule in rules}
    kept = tomlkit.aot()
    for rule in document["rules"]:
        if str(rule["id"]).lower() in gone:
            continue
        if "unless" in rule:
            rule["unless"] = [other for other in rule["unless"] if str(other).lower() not in gone]
        kept.append(rule)
    document["rules"] = kept
    calibration = document["calibration"]
    calibration.pop("uncalibrated_rules", None)
    return tomlkit.dumps(document)
