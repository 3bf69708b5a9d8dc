"""The panel: what was known of each operator at each as-of, and whether it churned within the window after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
from numpy.typing import NDArray

WEIGHTS: dict[str, float] = {"payment": 0.40, "engagement": 0.25, "support": 0.20, "growth": 0.15}
"""The expert's weights of the dimensions; those that no signal belongs to get none, the others share theirs."""

WINDOW_DAYS = 90
"""A row is churned when the operator's first churn lies in (as_of, as_of + 90 days]."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal: its dimension, and the expert's points, which it takes of the dimension's 100 at severity 1."""

    name: str
    dimension: str
    points: float


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Rows of operator and as-of in canonical order (`panel_of`), with k signals in [0, 1] and the label.

    `signals` is (n, k), its columns in the order of `declared`; `churned` is (n,). One operator may have many rows; what is
    counted as evidence are *distinct churned accounts*, for overlapping windows repeat one churn.
    """

    operator_ids: tuple[str, ...]
    as_of: tuple[date | datetime, ...]
    signals: Floats
    churned: Flags
    declared: tuple[Signal, ...]

    def __len__(self) -> int:
        return len(self.operator_ids)

    @property
    def names(self) -> tuple[str, ...]:
        """The signals' names, in the order of the columns."""
        return tuple(signal.name for signal in self.declared)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that have a signal, in the order of `WEIGHTS`, then any others as declared."""
        present = dict.fromkeys(signal.dimension for signal in self.declared)
        return (*(name for name in WEIGHTS if name in present), *(name for name in present if name not in WEIGHTS))

    @property
    def accounts(self) -> Integers:
        """(n,) the number of each row's account: 0, 1, … in the order of the operators' ids."""
        return np.unique(np.asarray(self.operator_ids, dtype=object).astype(str), return_inverse=True)[1].astype(
            np.int64
        )

    @property
    def account_count(self) -> int:
        """How many accounts there are."""
        return len(set(self.operator_ids))

    @property
    def churned_accounts(self) -> int:
        """How many distinct accounts churned in one of their windows: the number of events."""
        return len({self.operator_ids[row] for row in np.flatnonzero(self.churned)})

    @property
    def stayed_accounts(self) -> int:
        """How many distinct accounts have a row in which they did not churn."""
        return len({self.operator_ids[row] for row in np.flatnonzero(~self.churned)})

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The as-of of each row as an instant (a day means its midnight, UTC)."""
        return tuple(map(instant_of, self.as_of))

    def where(self, mask: Flags) -> Panel:
        """The rows for which the mask (n,) is true."""
        rows = np.flatnonzero(mask)
        return Panel(
            tuple(self.operator_ids[row] for row in rows),
            tuple(self.as_of[row] for row in rows),
            self.signals[rows],
            self.churned[rows],
            self.declared,
        )

    def only(self, names: Sequence[str]) -> Panel:
        """The same rows with only the named signals, in the order they stand here."""
        kept = [column for column, signal in enumerate(self.declared) if signal.name in set(names)]
        declared = tuple(self.declared[column] for column in kept)
        return Panel(self.operator_ids, self.as_of, self.signals[:, kept], self.churned, declared)


def panel_of(
    operator_ids: Sequence[str],
    as_of: Sequence[date | datetime],
    signals: Floats,
    churned: Flags,
    declared: Sequence[Signal],
) -> Panel:
    """A panel in canonical order: rows by operator and as-of, columns by name; so shuffled input gives the same panel."""
    rows = sorted(range(len(operator_ids)), key=lambda row: (operator_ids[row], instant_of(as_of[row])))
    columns = sorted(range(len(declared)), key=lambda column: declared[column].name)
    return Panel(
        tuple(operator_ids[row] for row in rows),
        tuple(as_of[row] for row in rows),
        np.ascontiguousarray(np.asarray(signals, dtype=np.float64)[rows][:, columns]),
        np.asarray(churned, dtype=np.bool_)[rows],
        tuple(declared[column] for column in columns),
    )


def instant_of(moment: date | datetime) -> datetime:
    """A day as its midnight, an instant as it is; both in UTC."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, time(), UTC)


def dimension_weights(declared: Sequence[Signal], weights: dict[str, float] | None = None) -> dict[str, float]:
    """The expert's weight of each dimension that has a signal; they add up to 1.

    `weights` are those of another scorecard than the default; only their ratios count.
    """
    given = WEIGHTS if weights is None else weights
    present = {signal.dimension for signal in declared}
    total = math.fsum(weight for name, weight in given.items() if name in present)
    return {name: weight / total for name, weight in given.items() if name in present}
