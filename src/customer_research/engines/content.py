"""The digest of a table's content: equal for equal rows, whatever their order or the files they lie in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from customer_research.domain.records import quoted
from customer_research.engines.duckdb import DuckDB, Memory
from customer_research.engines.engine import Engine
from customer_research.errors import EngineError


def content_digest(engine: Engine, table: str, columns: Sequence[str]) -> str:
    """SHA-256 (hex) of the rows that a table has in these columns; a row that is there twice counts twice.

    Each row becomes a JSON text and that a 128-bit number; the numbers' two halves are summed, so that neither the order of
    the rows nor the memory matters, and the sums are hashed with the number of rows and the columns' names. It tells
    changes apart; it is no proof against somebody who seeks rows of an equal sum.

    Args:
        engine: a DuckDB (other engines write numbers and instants in other words).
        table: the name of a table there, or a query in parentheses.
        columns: the columns that count, in any order; give canonical columns without `fetch_id`.

    Raises:
        EngineError: for another engine, or when the table or a column is not there.
    """
    if not isinstance(engine, DuckDB | Memory):
        raise EngineError("Content is digested in DuckDB.", hint="Attach the table's files to a DuckDB engine.")
    counted = sorted(columns)
    source = table if table.startswith("(") else quoted(table)
    (sums,) = engine.run(_SUMS.format(row=", ".join(map(quoted, counted)), source=source))
    content = json.dumps([counted, sums["rows"], str(sums["upper"]), str(sums["lower"])])
    return hashlib.sha256(content.encode()).hexdigest()


_SUMS = """
SELECT COUNT(*) AS rows, SUM(CAST(h >> 64 AS HUGEINT)) AS upper, SUM(CAST(h & 18446744073709551615 AS HUGEINT)) AS lower
FROM (SELECT MD5_NUMBER(CAST(TO_JSON(ROW({row})) AS VARCHAR)) AS h FROM {source})
"""
