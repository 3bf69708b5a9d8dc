"""Whose a record is, where that was found by what it says: what people decided of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

Ruling = Literal["confirmed", "refused", "open"]
"""What is decided of a match; open: an earlier decision was taken back, and it stands as it was found."""

CONFIRMED = "confirmed"
"""The path (`matched_by`) of a probable match that somebody confirmed."""

CERTAIN = 0.9
"""The confidence from which on a record is surely the operator's; only such records take points."""

PROBABLE = 0.7
"""The confidence from which on a record is shown as probably the operator's; below, it is a candidate for somebody's decision."""

CONFIDENCE: Mapping[str, float] = MappingProxyType(
    {
        "operator_id": 1.0,
        "stripe_account": 1.0,
        "csm": 1.0,
        "property": 1.0,
        "company": 1.0,
        CONFIRMED: 0.95,
        "external_id": 0.95,
        "tag": 0.95,
        "contact": 0.9,
        "email": 0.9,
        "domain": 0.9,
        "usdot": 0.85,
        "registry_number": 0.85,
        "title": 0.75,
        "text": 0.7,
        "name_and_postcode": 0.7,
        "name_and_phone": 0.7,
        "name_and_city": 0.5,
        "name": 0.5,
    }
)
"""How a record was matched (`matched_by`) → how sure that is at best, 0 to 1: an order that the team decided, no measured share.

Ids that we gave to the vendor are sure; a company's own domain or a member's verified address nearly so; what a name says is not.
"""


def confidence(matched_by: str, *, is_certain: bool) -> float:
    """How sure a match is, 0 to 1; a way that is sure by itself is only probable where several operators may be meant.

    Raises:
        KeyError: no such way.
    """
    best = CONFIDENCE[matched_by]
    return best if is_certain or best < CERTAIN else PROBABLE


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
