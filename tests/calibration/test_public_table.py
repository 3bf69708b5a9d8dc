"""A public table whose strongest honest signal looks like a leak is fitted as well as logistic regression is with it."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.churn_tables import STRONGEST, mlc_strongest
from sklearn.linear_model import LogisticRegression

from customer_research.health.calibration.evaluation import RiskOrder
from customer_research.health.calibration.procedure import Terms, calibrate
from customer_research.health.calibration.validation import account_folds


def test_the_strongest_signal_counts_and_the_fit_is_as_good_as_logistic_regression() -> None:
    panel = mlc_strongest()
    told = calibrate(panel, Terms(seed=0, draws=50, keep=(STRONGEST.name,))).told
    (alarm,) = told.alarms
    assert (alarm.signal, alarm.decision, told.outcome) == (STRONGEST.name, "kept", "adopted")
    assert alarm.why == "86.2% churn where it fires (above 70%)"
    assert alarm.auc == pytest.approx(0.707, abs=0.001)

    predicted = np.full(len(panel), np.nan)
    for fold in account_folds(panel, seed=0, repeats=1)[0]:
        free = LogisticRegression(max_iter=1000).fit(panel.signals[fold.train], panel.churned[fold.train])
        predicted[fold.test] = free.predict_proba(panel.signals[fold.test])[:, 1]
    theirs = RiskOrder(predicted, panel.churned).auc(np.ones(len(panel)))
    assert told.fitted is not None
    assert told.fitted.auc is not None
    assert theirs > 0.91
    assert told.fitted.auc.value > theirs - 0.005
    assert alarm.effect is not None
    assert alarm.effect.auc_without is not None
    assert alarm.effect.auc_without < 0.8  # what dropping it would cost
