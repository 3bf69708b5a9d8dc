"""What became of operators by the band they stood in: one table for backtests, thresholds and the score's own record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.report import Table, Text
from customer_research.reports.blocks import Proof, grid

if TYPE_CHECKING:
    from customer_research.domain.calibration import Estimate, GroupChurn

SOURCE = "backtest"
_EMPTY = "no row is in this band"


def estimate(value: Estimate | None, unit: str, receipts: tuple[Receipt, ...], as_of: datetime, why: str) -> Figure:
    """An estimate as a figure; one that cannot be told is a gap with the reason."""
    if value is None:
        return Gap(SOURCE, "none_found", why)
    return Fact(value, unit, receipts, as_of)


def band_table(
    groups: Sequence[GroupChurn], receipts: tuple[Receipt, ...], as_of: datetime, caption: str = ""
) -> Table | None:
    """Churn by band, the best band first."""
    rows = (
        (
            Text(BAND_LABELS.get(group.name, group.name)),
            *Proof(receipts, as_of).facts("count", group.rows, group.accounts, group.churned_accounts),
            estimate(group.rate, "estimate_ratio", receipts, as_of, _EMPTY),
            estimate(group.lift, "estimate_number", receipts, as_of, _EMPTY),
        )
        for group in groups
    )
    declared = "Band | >Rows | >Accounts | >Churned accounts | >Churn in 90 days | >Lift"
    return grid(declared, rows, receipts, caption)
