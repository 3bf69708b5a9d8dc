"""Scorecards of signals on anybody's table: the ground that `backtest --signals` treads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

from customer_research.domain.backtest import OverwrittenRule
from customer_research.domain.evidence import Receipt
from customer_research.errors import UsageError
from customer_research.health.backtest.trial import PanelScores, Rows
from customer_research.health.calibration.card_file import card_score
from customer_research.health.calibration.panel import WEIGHTS, Integers, Panel, dimension_weights
from customer_research.health.calibration.panel_file import read_panel
from customer_research.health.calibration.points import PointScore, expert_score
from customer_research.health.calibration.validation import probabilities
from customer_research.health.scorecard import Scorecard, declaration_of, read_scorecard
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.research.receipts import file_receipt

EXPERT = "expert"
"""The scorecard that the points file itself is: 40/25/20/15 over its points."""

CUTS = (80, 60, 40)
OWN = "the scorecard's own calibration"
_DAY = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class SignalTable:
    """What a table of signals and the scorecards say: the rows, each scorecard's say, and the receipts of the files."""

    rows: Rows
    tried: tuple[PanelScores, ...]
    cards: tuple[Scorecard | None, ...]
    left_out: tuple[str, ...]
    receipts: tuple[Receipt, ...]


def given_signals(
    signals: Path, points: Path | None, cards: Sequence[str], *, managers: int, now: datetime
) -> SignalTable:
    """Read the table and let each scorecard score it; `expert` is the points file itself.

    Raises:
        TablesRefused: everything that is wrong in the two files.
        UsageError: there is no points file, or a scorecard needs a signal that the table has not.
        ConfigError: no such scorecard, or a fault in it.
    """
    if points is None:
        raise UsageError(
            "--signals needs --points, the list of the table's signals.", hint="Give --points POINTS.json."
        )
    found = [None if name == EXPERT else any_card(name) for name in cards]
    dimensions = dict.fromkeys([*WEIGHTS, *(one.name for card in found if card is not None for one in card.dimensions)])
    given = read_panel(signals, points, tuple(dimensions))
    panel = given.panel
    tried = tuple(_tried(panel, card) for card in found)
    return SignalTable(
        rows=Rows(panel, None, _step_days(panel), managers),
        tried=tried,
        cards=tuple(found),
        left_out=given.left_out,
        receipts=(_receipt(signals, len(panel), now), _receipt(points, len(panel.declared), now)),
    )


def any_card(name: str) -> Scorecard:
    """A scorecard by name or file, be it one that nobody has confirmed, or one of signals alone.

    Raises:
        ConfigError: no such scorecard, or a fault in it.
    """
    return read_scorecard(*declaration_of(name), METRIC_NAMES, any_kind=True)


def _tried(panel: Panel, card: Scorecard | None) -> PanelScores:
    if card is None:
        return _said(panel, expert_score(panel.declared, dimension_weights(panel.declared)), card)
    score = card_score(card)
    if lacking := [signal.name for signal in score.signals if signal.name not in panel.names]:
        raise UsageError(
            f"The scorecard {card.name} needs signals that the table has not: {', '.join(lacking[:10])}.",
            hint="Give the table it was calibrated on, or one with the same signals, and list them in --points.",
        )
    return _said(panel, score, card)


def _said(panel: Panel, score: PointScore, card: Scorecard | None) -> PanelScores:
    columns = [panel.names.index(signal.name) for signal in score.signals]
    scores = score.scores(panel.signals[:, columns])
    cuts = CUTS if card is None else card.cuts
    churn = None if card is None else card.churn
    curve = None if churn is None else (churn.curve.intercept, churn.curve.slope)
    return card_say(card, scores, tuple(_band(int(whole), cuts) for whole in scores), curve, uncapped=scores)


def card_say(
    card: Scorecard | None,
    scores: Integers,
    bands: tuple[str, ...],
    curve: tuple[float, float] | None,
    *,
    uncapped: Integers,
    left_out: tuple[OverwrittenRule, ...] = (),
) -> PanelScores:
    """A scorecard's say on rows (None: the points file's); its own probabilities, off the scores before gates, with a curve."""
    return PanelScores(
        name=EXPERT if card is None else card.name,
        version="points" if card is None else card.version,
        digest="" if card is None else card.digest,
        cuts=CUTS if card is None else card.cuts,
        scores=scores,
        bands=bands,
        probability=None if curve is None else probabilities(uncapped, curve),
        probability_from="" if curve is None else OWN,
        curve=curve,
        left_out=left_out,
    )


def _band(score: int, cuts: tuple[int, int, int]) -> str:
    named = zip(("healthy", "monitor", "at_risk"), cuts, strict=True)
    return next((band for band, cut in named if score >= cut), "critical")


def _step_days(panel: Panel) -> float:
    """How far the dates lie apart, in the middle; 0 where there is only one."""
    dates = sorted(set(panel.instants))
    return (
        float(median((later - earlier).total_seconds() / _DAY for earlier, later in pairwise(dates)))
        if dates[1:]
        else 0.0
    )


def _receipt(path: Path, rows: int, now: datetime) -> Receipt:
    return file_receipt(path, rows, hashlib.sha256(path.read_bytes()).hexdigest(), now)
