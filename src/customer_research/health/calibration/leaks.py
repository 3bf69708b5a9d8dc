"""Leak guards: which signals look as if they knew the churn that they should foresee.

By name (churn events and statuses, reasons and dates of cancellation), and by what they tell: one signal alone with an AUC
above .85, or churn above 70 % where it fires (and at least twice the base rate). The highest honest AUC of one signal seen on
five public tables was .796; a planted copy of the label, with noise, had .941. But an honest signal may be that good: 86 % of
the customers of a public table leave where a high bill meets no voice mail. So a suspicion is for a person to settle (`alarms`);
only what repeats the label, alone with an AUC of .95 or more, is dropped unasked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from customer_research.domain.words import share_words
from customer_research.health.calibration.evaluation import RiskOrder
from customer_research.health.calibration.panel import Flags, Floats, Panel

REPEATS_AUC = 0.95
ALARM_AUC = 0.85
ALARM_CHURN = 0.70
_LIFT = 2.0
_FIRES = 0.5
_FEWEST_ACCOUNTS = 10

_EVENT = r"cancel(?:led|ed|lation|s)?"
DENIED = re.compile(
    r"(?:^|_)churn"  # churned, churn_date, churn_status, days_to_churn
    r"|(?:^|_)(?:status|lifecycle_?stage|(?:closed_?)?lost(?:_?reason)?)$"  # columns that are updated in place
    rf"|^(?:(?:is|was|has|account|customer|subscription|contract|plan)_)?{_EVENT}$"  # not: trips cancelled
    rf"|(?:^|_){_EVENT}_(?:reason|date|day|at|on|status|event|kind|type|code)"
    r"|(?:^|_)(?:terminat\w*|offboard\w*|deactivat\w*|left_(?:at|on|date)|end(?:ed|ing)?_(?:at|on|date))(?:_|$)"
    r"|(?:^|_)(?:invoices?|usage|charges?)_after_notice",
    re.IGNORECASE,
)
"""Names of what is known only with the churn, or afterwards."""


@dataclass(frozen=True, slots=True)
class SingleSignal:
    """What one signal tells by itself: its AUC (None: rows of one kind), rows in which it fires, and their churn."""

    auc: float | None
    fires: int
    accounts: int
    churn_where_fires: float | None

    @property
    def repeats_the_label(self) -> bool:
        """Whether it tells the answer itself, be it upside down."""
        return self.auc is not None and max(self.auc, 1 - self.auc) >= REPEATS_AUC


def alone(panel: Panel, column: int) -> SingleSignal:
    """One signal by itself; it fires at severity above a half."""
    values, churned = panel.signals[:, column], panel.churned
    fires: Flags = values > _FIRES
    auc = RiskOrder(values, churned).auc(np.ones(len(panel)))
    return SingleSignal(
        float(auc) if np.isfinite(auc) else None,
        int(fires.sum()),
        len(np.unique(panel.accounts[fires])),
        float(churned[fires].mean()) if fires.any() else None,
    )


def suspicion(name: str, found: SingleSignal, base: float) -> str:
    """Why a signal looks like a leak, in words; empty when it does not. `base` is the churn rate of all rows."""
    return "; ".join(_reasons(name, found, base))


def _reasons(name: str, found: SingleSignal, base: float) -> Iterator[str]:
    spelt = re.sub(r"[^0-9A-Za-z]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_")
    if DENIED.search(spelt):
        yield "its name says that it is known only with the churn or after it"
    if found.auc is not None and max(found.auc, 1 - found.auc) > ALARM_AUC:
        yield f"alone it has an AUC of {max(found.auc, 1 - found.auc):.2f} (above {ALARM_AUC})"
    rate = found.churn_where_fires
    if rate is not None and found.accounts >= _FEWEST_ACCOUNTS and rate > ALARM_CHURN and rate > _LIFT * base:
        yield f"{share_words(rate)} churn where it fires (above {share_words(ALARM_CHURN)})"


def constant(values: Floats) -> bool:
    """Whether a signal never varies, and so tells nothing."""
    return bool(np.ptp(values) == 0) if len(values) else True
