"""Bands by churn: where Monitor, At Risk and Critical begin on a score that gives a probability."""

from __future__ import annotations

import numpy as np

from customer_research.domain.health import BAND_ORDER
from customer_research.health.calibration.panel import Floats, Integers
from customer_research.health.calibration.validation import probabilities

BANDS: tuple[str, ...] = BAND_ORDER[:4]
MULTIPLES = (1.0, 2.0, 4.0)
"""Monitor begins where churn is as likely as on average, At Risk at twice, Critical at four times the base rate."""

SCORES = np.arange(101)


def cuts_by_churn(curve: tuple[float, float], base: float) -> tuple[int, int, int]:
    """The least scores of healthy, monitor and at risk, where the probability falls below the multiples of the base rate.

    A multiple of 1 or more is never reached: then the band below that cut-off is empty.
    """
    p = probabilities(SCORES, curve)
    healthy, monitor, at_risk = (int(SCORES[p < min(multiple * base, 1.0)].min(initial=100)) for multiple in MULTIPLES)
    return healthy, monitor, at_risk


def band_codes(scores: Floats | Integers, cuts: tuple[int, int, int]) -> Integers:
    """(n,) the place of each score's band in `BANDS`."""
    below: Integers = np.sum(np.asarray(scores)[:, None] < np.array(cuts), axis=1).astype(np.int64)
    return below


def band_names(scores: Floats | Integers, cuts: tuple[int, int, int]) -> list[str]:
    """The band of each score."""
    return [BANDS[code] for code in band_codes(scores, cuts)]
