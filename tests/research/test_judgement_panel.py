"""The shipped scorecard on the demo's past, by what was known on each day: it ranks, and the bands mean what they say."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from benchmarks.judgement import LIFTS, at_risk, lifts, panel, with_candidates, written

from customer_research.domain.health import BAND_ORDER
from customer_research.health.backtest.trial import try_card
from customer_research.research.past.backtest.trials import rows_of, tried_of
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

LEAST_AUC, LEAST_PRECISION = 0.66, 0.20
"""What the default scorecard has to reach on the demo; logistic regression on the true causes reaches 0.65 there."""


def test_who_stands_worse_leaves_more_often(sandbox: Sandbox, portfolio_settings: Settings, tmp_path: Path) -> None:
    past = panel(
        portfolio_settings, sandbox.dataset.truth, tmp_path, cards=("canonical", str(with_candidates(tmp_path)))
    )
    rows, said = rows_of(past), tried_of(past.cards[0])
    trial = try_card(rows, said)
    assert trial.evaluation.auc is not None
    assert trial.evaluation.auc.value >= LEAST_AUC
    precision, _, _ = at_risk(rows, said)
    assert precision is not None
    assert precision.value >= LEAST_PRECISION
    banded = [group for group in trial.bands if group.name != "outside"]
    rates = [group.rate.value for group in banded if group.rate is not None]
    assert len(rates) == len(banded) >= 3
    assert all(better < worse for better, worse in itertools.pairwise(rates))
    assert not any(one.startswith("00000000-5ce0") for one in past.operator_ids)
    cuts = dict(zip(BAND_ORDER, (*said.cuts, 0), strict=False))
    scores, bands = np.array(said.scores), np.array(said.bands)
    assert all((scores[bands == band] >= least).all() for band, least in cuts.items())
    assert written(lifts(past)) == LIFTS.read_text(encoding="utf-8")  # what the reference tells of each rule
