"""What a score means for those scored: bands and what became of them, who moves, and how many alerts a threshold gives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from customer_research.domain.calibration import BandCuts, BandMove, Mover, ObservedChurn
from customer_research.health.calibration.bands import BANDS, band_codes, band_names
from customer_research.health.calibration.evaluation import (
    ChurnRows,
    alert_loads,
    bins_for,
    churn_by_group,
    quantile_bins,
    separated,
    thresholds_of,
)
from customer_research.health.calibration.panel import Floats, Integers, Panel


def consequences(
    tested: Panel,
    scores: Floats,
    *,
    before: Integers,
    after: Integers | None,
    panel_of_all: Panel,
    cuts: BandCuts,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """The fields `bands`, `separate`, `observed`, `alert_loads`, `moved` and `movers` of a calibration.

    `scores` are those to judge, of the rows `tested`; `before` and `after` the expert's and the fitted whole scores of all rows
    (`after` None: nobody moves). Bands are cut as they ship, the expert's as they were.
    """
    churn = ChurnRows(tested.churned, tested.accounts)
    codes = band_codes(scores, cuts.after)
    moved, movers = ((), ()) if after is None else _moved(panel_of_all, before, after, cuts)
    return {
        "bands": churn_by_group(codes, BANDS, churn, draws=draws, seed=seed),
        "separate": separated(codes, BANDS, churn, draws=draws, seed=seed),
        "observed": _observed(scores, churn, draws, seed),
        "alert_loads": alert_loads(
            scores.astype(np.int64),
            churn,
            len(set(tested.instants)),
            thresholds_of(scores, cuts.after),
            draws=draws,
            seed=seed,
        ),
        "moved": moved,
        "movers": movers,
    }


def _observed(scores: Floats, churn: ChurnRows, draws: int, seed: int) -> tuple[ObservedChurn, ...]:
    bins = quantile_bins(scores, bins_for(churn.churned_accounts))
    groups = churn_by_group(bins, [""] * (int(bins.max()) + 1), churn, draws=draws, seed=seed)
    return tuple(
        ObservedChurn(
            int(scores[bins == number].min()),
            int(scores[bins == number].max()),
            group.rows,
            group.accounts,
            group.churned,
            group.churned_accounts,
            group.rate,
        )
        for number, group in enumerate(groups)
        if group.rate is not None
    )


def _moved(
    panel: Panel, before: Integers, after: Integers, cuts: BandCuts
) -> tuple[tuple[BandMove, ...], tuple[Mover, ...]]:
    """The bands of each operator at its latest as-of, before and after; the movers with the largest change first."""
    latest = {operator: row for row, operator in enumerate(panel.operator_ids)}  # rows are in order of time
    old, new = band_names(before, cuts.before), band_names(after, cuts.after)
    instants = panel.instants
    counted = Counter((old[row], new[row]) for row in latest.values())
    order = {band: place for place, band in enumerate(BANDS)}
    moved = sorted(counted.items(), key=lambda entry: (order[entry[0][0]], order[entry[0][1]]))
    movers = [
        Mover(operator, instants[row], int(before[row]), int(after[row]), old[row], new[row])
        for operator, row in latest.items()
        if old[row] != new[row]
    ]
    movers.sort(key=lambda mover: (mover.score_after - mover.score_before, mover.operator_id))
    return tuple(BandMove(*pair, count) for pair, count in moved), tuple(movers)
