"""Answers of the CSM view as canonical rows, and what the view lacks."""

from __future__ import annotations

from customer_research.connect.source import Batch
from customer_research.connect.sql import SqlAnswer
from customer_research.errors import SchemaChanged
from customer_research.sources.warehouse import normalise
from customer_research.sources.warehouse.gaps import columns_gone


def csm_batch(answer: SqlAnswer) -> Batch:
    """The canonical `csm` rows of an answer that has every row of each of its operators, and what the view lacks.

    Raises:
        SchemaChanged: when a column is gone without which operators cannot be told apart.
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
    rows = normalise.csm_rows(answer.rows, answer.receipt.id)
    needed = gone - normalise.DISPLAY_ONLY
    gaps = {"csm": columns_gone("csm", "csm", needed)} if needed else {}
    return Batch({"csm": rows}, (answer.receipt,), gaps)


__all__ = ["csm_batch"]
