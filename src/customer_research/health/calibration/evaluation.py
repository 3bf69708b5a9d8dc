"""How well risks and probabilities tell churn: measures, groups and alert loads, each with a bootstrap by account.

A risk ranks (higher is worse; 100 less the score does), a probability says how likely a churn within the window is. Rows of
one account are never taken apart: every interval resamples whole accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from customer_research.domain.calibration import AlertLoad, Estimate, Evaluation, GroupChurn, Reliability
from customer_research.health.calibration.logistic import intercept_of, line_of, log_odds, losses
from customer_research.health.calibration.panel import Flags, Floats, Integers

DRAWS = 500
_TAILS = (2.5, 97.5)
_MANY_EVENTS = 200
_FEW_BINS, _MANY_BINS = 5, 10
_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
_ENOUGH = 0.9
"""The share of the draws that must give a figure for its interval to be told."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What one scorecard says of n rows: `risk` (n,), and `probability` (n,) where it gives one."""

    risk: Floats
    probability: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ChurnRows:
    """What became of n rows: `churned` (n,), and `accounts` (n,), numbered from 0."""

    churned: Flags
    accounts: Integers

    def where(self, mask: Flags) -> ChurnRows:
        """The rows for which the mask holds, their accounts numbered anew."""
        return ChurnRows(self.churned[mask], np.unique(self.accounts[mask], return_inverse=True)[1].astype(np.int64))

    @property
    def churned_accounts(self) -> int:
        """Distinct accounts with a churned row."""
        return len(np.unique(self.accounts[self.churned]))

    @property
    def account_count(self) -> int:
        """Distinct accounts."""
        return len(np.unique(self.accounts))


def resampled(accounts: int, draws: int, seed: int) -> Iterator[Floats]:
    """For each draw how often each account is in it (accounts drawn with replacement)."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(rng.integers(0, accounts, accounts), minlength=accounts).astype(np.float64)


def weighed(counts: Floats, of_accounts: Floats) -> Floats:
    """The sum over accounts of each column (accounts, m), account i counted `counts[i]` times.

    Not `@`: where numpy was loaded with many threads, they cost more than a sum of this size.
    """
    total: Floats = np.einsum("i,ij->j", counts, of_accounts)
    return total


def estimates(
    statistic: Callable[[Floats], Floats], accounts: int, *, draws: int = DRAWS, seed: int = 0
) -> list[Estimate | None]:
    """Figures with their intervals: `statistic` gives them (NaN: cannot be told) for how often each account counts."""
    values = statistic(np.ones(accounts))
    told = np.array([statistic(counts) for counts in resampled(accounts, draws, seed)]).reshape(draws, len(values))
    return [_estimate(float(value), told[:, place]) for place, value in enumerate(values)]


def _estimate(value: float, draws: Floats) -> Estimate | None:
    if not np.isfinite(value):
        return None
    known = draws[np.isfinite(draws)]
    if not len(draws) or len(known) < _ENOUGH * len(draws):
        return Estimate(value)
    low, high = np.percentile(known, _TAILS)
    return Estimate(value, float(low), float(high))


# --- measures --------------------------------------------------------------------------------------------------------


class RiskOrder:
    """Ranks of n risks, worst first, ready to be weighed again and again."""

    def __init__(self, risk: Floats, churned: Flags) -> None:
        distinct, self.codes = np.unique(-risk, return_inverse=True)
        self._levels = len(distinct)
        self._churned = churned

    def auc(self, weights: Floats) -> float:
        """The chance that a churned row ranks above another one; ties count half."""
        return auc_of(*self._counts(weights))

    def _counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weights of churned and of other rows at each level of risk, the highest first."""
        yes: Floats = np.bincount(self.codes, weights * self._churned, self._levels).astype(np.float64)
        everyone: Floats = np.bincount(self.codes, weights, self._levels).astype(np.float64)
        return yes, everyone - yes


def auc_of(yes: Floats, no: Floats) -> float:
    """The AUC of weights of churned and of other rows at each level of risk, the highest first."""
    pairs = yes.sum() * no.sum()
    return float(yes @ (no.sum() - np.cumsum(no) + no / 2) / pairs) if pairs > 0 else float("nan")


def average_precision_of(yes: Floats, no: Floats) -> float:
    """The mean precision at each churned row, going down the ranking level by level."""
    if yes.sum() <= 0:
        return float("nan")
    seen = np.cumsum(yes + no)
    precision = np.divide(np.cumsum(yes), seen, out=np.zeros_like(seen), where=seen > 0)
    return float(yes @ precision / yes.sum())


def quantile_bins(values: Floats, bins: int) -> Integers:
    """(n,) the number of each value's quantile bin from 0; equal values share a bin, so there may be fewer bins."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    codes = np.searchsorted(edges, values, side="left")
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def thresholds_of(scores: Floats | Integers, cuts: tuple[int, int, int]) -> list[int]:
    """The scores at which alerting is looked at: the highest ones of the bands, and those that hold certain shares of the rows."""
    shares = [int(np.quantile(scores, share, method="lower")) for share in _SHARES] if len(scores) else []
    return sorted({*shares, *(cut - 1 for cut in cuts if cut > 0)})


def bins_for(churned_accounts: int) -> int:
    """How many quantile bins the evidence bears."""
    return _FEW_BINS if churned_accounts < _MANY_EVENTS else _MANY_BINS


class Measures:
    """The measures of one scorecard on rows with known churn, for any weighing of the accounts.

    Rows of equal risk and probability are put together first: whole scores have few levels, however many rows there are.
    """

    NAMES = ("auc", "average_precision", "brier", "log_loss", "slope", "intercept", "ece")

    def __init__(self, scored: Prediction, churn: ChurnRows) -> None:
        self.scored, self.churn = scored, churn
        p = scored.probability
        told = np.zeros(len(scored.risk)) if p is None else p
        levels, self._codes = np.unique(np.column_stack((-scored.risk, told)), axis=0, return_inverse=True)
        self._codes = self._codes.reshape(-1)
        self._risks = np.unique(levels[:, 0], return_inverse=True)[1]
        self.bins = None if p is None else quantile_bins(p, bins_for(churn.churned_accounts))
        self._p = levels[:, 1]
        self._odds = log_odds(self._p)
        self._lost = losses(self._p, np.ones_like(self._p)), losses(self._p, np.zeros_like(self._p))
        self._level_bins = np.zeros(len(levels), dtype=np.int64)
        if self.bins is not None:
            self._level_bins[self._codes] = self.bins

    def __call__(self, counts: Floats) -> Floats:
        """(7,) the measures in the order of `NAMES` when account i counts `counts[i]` times; NaN: cannot be told."""
        weights = counts[self.churn.accounts]
        size = len(self._p)
        yes: Floats = np.bincount(self._codes, weights * self.churn.churned, size).astype(np.float64)
        no: Floats = np.bincount(self._codes, weights, size).astype(np.float64) - yes
        left: Floats = np.bincount(self._risks, yes).astype(np.float64)
        stayed: Floats = np.bincount(self._risks, no).astype(np.float64)
        ranked = auc_of(left, stayed), average_precision_of(left, stayed)
        return np.array([*ranked, *self._of_probabilities(yes, no)])

    def _of_probabilities(self, yes: Floats, no: Floats) -> list[float]:
        everyone, p = yes + no, self._p
        total = float(everyone.sum())
        if self.bins is None or total <= 0:
            return [float("nan")] * 5
        share = np.divide(yes, everyone, out=np.zeros_like(yes), where=everyone > 0)
        varies = float(np.ptp(self._odds)) > 1e-9  # noqa: PLR2004 - binary dust
        gaps = np.bincount(self._level_bins, yes - everyone * p)
        return [
            float(yes @ (1 - p) ** 2 + no @ p**2) / total,
            float(yes @ self._lost[0] + no @ self._lost[1]) / total,
            line_of(self._odds, share, everyone)[1] if varies else float("nan"),
            intercept_of(self._odds, share, everyone),
            float(np.abs(gaps).sum()) / total,
        ]


def evaluate(scored: Prediction, churn: ChurnRows, *, draws: int = DRAWS, seed: int = 0) -> Evaluation:
    """All measures with their intervals, the reliability table, and churn by decile of risk (the riskiest first)."""
    measures = Measures(scored, churn)
    count = int(churn.accounts.max()) + 1 if len(churn.accounts) else 0
    found = dict(zip(Measures.NAMES, estimates(measures, count, draws=draws, seed=seed), strict=True))
    deciles = quantile_bins(-scored.risk, 10)
    names = [f"{number + 1}" for number in range(int(deciles.max()) + 1)]
    return Evaluation(
        rows=len(churn.churned),
        accounts=churn.account_count,
        churned=int(churn.churned.sum()),
        churned_accounts=churn.churned_accounts,
        **found,
        reliability=() if measures.bins is None else _reliability(measures, draws, seed),
        deciles=churn_by_group(deciles, names, churn, draws=draws, seed=seed),
    )


def _reliability(measures: Measures, draws: int, seed: int) -> tuple[Reliability, ...]:
    p, bins, churn = measures.scored.probability, measures.bins, measures.churn
    if p is None or bins is None:
        return ()
    groups = churn_by_group(bins, [""] * (int(bins.max()) + 1), churn, draws=draws, seed=seed)
    return tuple(
        Reliability(
            group.rows,
            group.churned,
            float(p[bins == number].min()),
            float(p[bins == number].max()),
            float(p[bins == number].mean()),
            group.rate,
        )
        for number, group in enumerate(groups)
        if group.rate is not None
    )


# --- groups ----------------------------------------------------------------------------------------------------------


def churn_by_group(
    codes: Integers, names: Sequence[str], churn: ChurnRows, *, draws: int = DRAWS, seed: int = 0
) -> tuple[GroupChurn, ...]:
    """What became of each group: `codes` (n,) are places in `names`."""
    tally = _Tally(codes, len(names), churn)
    found = estimates(lambda counts: np.concatenate(tally.rates(counts)), tally.accounts, draws=draws, seed=seed)
    return tuple(
        GroupChurn(
            name=name,
            rows=int((codes == number).sum()),
            accounts=len(np.unique(churn.accounts[codes == number])),
            churned=int(churn.churned[codes == number].sum()),
            churned_accounts=len(np.unique(churn.accounts[(codes == number) & churn.churned])),
            rate=found[number],
            lift=found[len(names) + number],
        )
        for number, name in enumerate(names)
    )


class _Tally:
    """Rows and churned rows of each account in each group."""

    def __init__(self, codes: Integers, groups: int, churn: ChurnRows) -> None:
        self.accounts = int(churn.accounts.max()) + 1 if len(codes) else 0
        cells, shape = churn.accounts * groups + codes, (self.accounts, groups)
        self._rows = np.bincount(cells, minlength=self.accounts * groups).reshape(shape).astype(np.float64)
        churned = np.bincount(cells[churn.churned], minlength=self.accounts * groups)
        self._churned = churned.reshape(shape).astype(np.float64)

    def rates(self, counts: Floats) -> tuple[Floats, Floats]:
        """The churn rate of each group, and its lift over all rows; NaN where there is nothing to divide by."""
        rows, churned = weighed(counts, self._rows), weighed(counts, self._churned)
        rates = np.divide(churned, rows, out=np.full_like(rows, np.nan), where=rows > 0)
        overall = churned.sum() / rows.sum() if rows.sum() else 0.0
        return rates, rates / overall if overall > 0 else np.full_like(rates, np.nan)


def separated(
    codes: Integers, names: Sequence[str], churn: ChurnRows, *, draws: int = DRAWS, seed: int = 0
) -> tuple[tuple[str, ...], ...]:
    """Groups (best first) merged until each has a higher churn rate than the one before, with 95 % confidence.

    The neighbours that separate worst are merged first; a group without rows is merged with its neighbour.
    """
    merged = [[number] for number in range(len(names))]
    while len(merged) > 1:
        place = {number: group for group, numbers in enumerate(merged) for number in numbers}
        tally = _Tally(np.array([place[int(code)] for code in codes], dtype=np.int64), len(merged), churn)
        steps = estimates(
            lambda counts, tally=tally: np.diff(tally.rates(counts)[0]),  # type: ignore[misc]
            tally.accounts,
            draws=draws,
            seed=seed,
        )
        leasts = [-np.inf if step is None or step.low is None else step.low for step in steps]
        weakest = int(np.argmin(leasts))
        if leasts[weakest] > 0:
            break
        merged[weakest : weakest + 2] = [merged[weakest] + merged[weakest + 1]]
    return tuple(tuple(names[number] for number in numbers) for numbers in merged)


def alert_loads(
    scores: Integers, churn: ChurnRows, dates: int, thresholds: Sequence[int], *, draws: int = DRAWS, seed: int = 0
) -> tuple[AlertLoad, ...]:
    """What alerting at `score <= threshold` means for each threshold; `dates` is the number of distinct as-ofs.

    Precision is the share of alerted rows whose window held a churn; recall the share of churned accounts of which a churned
    row was alerted.
    """
    count = int(churn.accounts.max()) + 1 if len(scores) else 0
    churned = churn.churned
    events = np.unique(churn.accounts[churned])
    alerted = [scores <= threshold for threshold in thresholds]
    rows = _by_account(churn.accounts, alerted, count)
    right = _by_account(churn.accounts, [mask & churned for mask in alerted], count)
    caught = (right > 0).astype(np.float64)

    def shares(counts: Floats) -> Floats:
        whole = weighed(counts, rows)
        precision = np.divide(weighed(counts, right), whole, out=np.full_like(whole, np.nan), where=whole > 0)
        lost = float(counts[events].sum())
        recall = weighed(counts, caught) / lost if lost > 0 else np.full_like(whole, np.nan)
        return np.concatenate((precision, recall))

    found = estimates(shares, count, draws=draws, seed=seed)
    return tuple(
        AlertLoad(
            threshold,
            int(alerted[place].sum()),
            int(alerted[place].sum()) / max(dates, 1),
            found[place],
            found[len(thresholds) + place],
        )
        for place, threshold in enumerate(thresholds)
    )


def _by_account(accounts: Integers, masks: Sequence[Flags], count: int) -> Floats:
    """(accounts, masks) how many rows of each account each mask holds."""
    return np.column_stack([np.bincount(accounts[mask], minlength=count) for mask in masks]).astype(np.float64)
