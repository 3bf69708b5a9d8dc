"""Calibrating a scorecard on the lake's own past: its rules are the signals, billing says who churned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tomlkit

from customer_research.connect.source import Clock
from customer_research.errors import UsageError
from customer_research.health.calibration.calibrating import DRAWS, Progress, Split, Terms, calibrate
from customer_research.health.calibration.card_file import card_text
from customer_research.health.calibration.ladder import PROPOSAL_AT
from customer_research.health.calibration.panel import Integers, Panel, Signal, panel_of
from customer_research.health.scorecard import PERMILLE, Rule, Scorecard, declaration_of, read_scorecard
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.research.past.backtest.lookback import CardScores, Lookback
from customer_research.research.past.backtest.trials import TrialOrder, tread
from customer_research.research.past.calibration.on_files import CalibrationRun, origin_of, write_new
from customer_research.settings import Settings


@dataclass(frozen=True, slots=True)
class LakeRequest:
    """What to calibrate on the lake (or on the tables of `ground`), and how; see `files.Request`.

    `only_tried` leaves the rules that no past date can judge, or that were dropped as leaks, out of the new scorecard: only then
    does its probability hold for the scores that the product gives.
    """

    base: str
    output: Path
    seed: int
    ground: TrialOrder
    split: Split = "accounts"
    draws: int = DRAWS
    confirmed: bool = False
    only_tried: bool = False
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


def calibrate_lake(
    settings: Settings, request: LakeRequest, clock: Clock, progress: Progress = lambda _s, _d, _a: None
) -> CalibrationRun:
    """Calibrate on every active account at past dates, and write the new scorecard where ladder and gates allow one.

    Raises:
        UsageError: the lake cannot tell a past, the output exists or cannot be written, or no signal is left.
        ConfigError: no such scorecard.
        EngineError: a query failed.
    """
    name = request.base or settings.scorecard
    progress("Measuring the past", 0, 1)
    ground = tread(settings, replace(request.ground, cards=(name,)), clock)
    past = ground.past
    assert past is not None  # the ground is tables, never a file of signals
    said = past.cards[0]
    panel = panel_of_card(past, said)
    exists = request.output.exists()
    if exists and panel.churned_accounts >= PROPOSAL_AT:
        raise UsageError(
            f"{request.output} exists, and no scorecard is written over.",
            hint="Give the new version a name of its own: --output NAME.toml",
        )
    left_out = tuple(out.rule for out in said.left_out if out.whole)
    calibrated = calibrate(panel, _terms(request, said.card), left_out=left_out, progress=progress)
    declaration = declaration_of(name)[0]
    origin = origin_of(panel)
    written = None
    if calibrated.told.curve is not None and not exists:
        text = card_text(calibrated, origin, declaration)
        gone = (*left_out, *(alarm.signal for alarm in calibrated.told.dropped))
        text = without_rules(text, gone) if request.only_tried else text
        read_scorecard(text, f"the new scorecard {request.output.name}", METRIC_NAMES, any_kind=True)
        write_new(request.output, text)
        written = request.output
    return CalibrationRun(
        told=calibrated.told,
        version=origin.version(calibrated.told),
        written=written,
        left_alone=exists,
        receipts=ground.receipts,
        generated_at=clock(),
    )


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


def _terms(request: LakeRequest, card: Scorecard) -> Terms:
    return Terms(
        seed=request.seed,
        split=request.split,
        draws=request.draws,
        confirmed=request.confirmed,
        weights={dimension.name: dimension.weight / PERMILLE for dimension in card.dimensions},
        bases={dimension.name: dimension.base for dimension in card.dimensions},
        cuts=card.cuts,
        base=card.name,
        keep=request.keep,
        drop=request.drop,
    )


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
