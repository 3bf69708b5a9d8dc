"""Whose a record is, where that was found by what it says: what people decided of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Ruling = Literal["confirmed", "refused", "open"]
"""What is decided of a match; open: an earlier decision was taken back, and it stands as it was found."""

CONFIRMED = "confirmed"
"""The path (`matched_by`) of a probable match that somebody confirmed."""


@dataclass(frozen=True, slots=True)
class MatchDecision:
    """What somebody decided of a match: that a record is the operator's, that it is not, or that it is open again.

    `table` is the canonical table of the record, `record_id` its key there.
    """

    table: str
    record_id: str
    operator_id: str
    ruling: Ruling
    who: str
    decided_at: datetime
    note: str = ""


def decided(rows: Iterable[Mapping[str, Any]], key: str, decisions: Sequence[MatchDecision]) -> list[dict[str, Any]]:
    """Rows of a table as far as people left them: without refused ones, and certain where a probable one was confirmed.

    Args:
        rows: with `operator_id`, `matched_by` and `is_certain`.
        key: the column that names a record.
        decisions: those of this table.
    """
    ruled = {(one.record_id, one.operator_id): one.ruling for one in decisions}
    kept = []
    for row in rows:
        ruling = ruled.get((row[key], row["operator_id"]))
        if ruling == "confirmed" and not row["is_certain"]:
            kept.append({**row, "matched_by": CONFIRMED, "is_certain": True})
        elif ruling != "refused":
            kept.append(dict(row))
    return kept


def decided_sql(sql: str, key: str, decisions: str) -> str:
    """`decided` as a query over another one's rows; `decisions` is a table of record_id, operator_id and ruling."""
    probable = f"d.ruling = '{CONFIRMED}' AND NOT COALESCE(u.is_certain, FALSE)"
    return f"""
SELECT u.* REPLACE (
    CASE WHEN {probable} THEN '{CONFIRMED}' ELSE u.matched_by END AS matched_by,
    CASE WHEN {probable} THEN TRUE ELSE u.is_certain END AS is_certain
)
FROM ({sql}) AS u
LEFT JOIN {decisions} AS d ON d.record_id = u.{key} AND d.operator_id = u.operator_id
WHERE d.ruling IS DISTINCT FROM 'refused'
"""  # noqa: S608 - names of our own
