"""One figure taken apart: what `why` shows."""

from __future__ import annotations

from dataclasses import dataclass

from customer_research.domain.evidence import Evidence, Fact, Figure


@dataclass(frozen=True, slots=True)
class Replay:
    """The same requests sent again: the figure they gave, and what differs (empty: nothing)."""

    figure: Figure
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the replay gave the same value from the same records."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Explanation:
    """A metric of one operator: value or gap, its definition, its query, and the records behind it.

    `sql` is the metric's query over canonical tables (one dialect, written once); the requests as sent are in the
    figure's receipts. `evidence_note` says when the records could not be listed. `people` are persons whom texts may name.
    """

    operator_id: str
    operator_name: str
    metric: str
    label: str
    formula: str
    healthy: str
    tables: tuple[str, ...]
    sql: str
    figure: Figure
    evidence: Evidence
    evidence_note: str = ""
    personal_columns: frozenset[str] = frozenset()
    replayed: Replay | None = None
    people: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the metric has a value."""
        return isinstance(self.figure, Fact)
