"""Answers of the CSM view as canonical rows, and what the view lacks."""

from __future__ import annotations

from customer_research.connect.source import Batch
from customer_research.connect.sql import SqlAnswer
from customer_research.errors import SchemaChanged
from customer_research.sources.warehouse import normalise
from customer_research.sources.warehouse.gaps import columns_gone, values_unread


def csm_batch(answer: SqlAnswer, *, of_one: bool = False) -> Batch:
    """The canonical `csm` rows of an answer that has every row of each of its operators, and what the view lacks.

    *of_one*: they are one operator's, so that a value that cannot be read is a gap of the table.

    Raises:
        SchemaChanged: when a column is gone without which operators cannot be told apart, or cannot be read.
    """
    gone = normalise.absent_columns(answer.columns)
    if gone & normalise.KEY_COLUMNS:
        named = ", ".join(sorted(gone & normalise.KEY_COLUMNS))
        raise SchemaChanged(
            f"The CSM view has no column {named}.",
            source="warehouse",
            stream="csm",
            hint="Check metabase.csm; `customer-research doctor --online` lists what is gone.",
        )
    unread = normalise.Unread()
    rows = normalise.csm_rows(answer.rows, answer.receipt.id, unread)
    unread.refuse([normalise.vendor_row(row) for row in answer.rows] if unread.sentence else (), "csm")
    needed = gone - normalise.DISPLAY_ONLY
    gaps = {"csm": columns_gone("csm", "csm", needed)} if needed else {}
    if of_one and unread.sentence:
        gaps.setdefault("csm", values_unread("csm", unread.sentence))
    return Batch({"csm": rows}, (answer.receipt,), gaps)


__all__ = ["csm_batch"]
