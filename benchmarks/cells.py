"""Wide tables compared cell by cell."""

from __future__ import annotations

from typing import Any


def compared(database: Any, one: str, other: str, *keys: str) -> tuple[int, int]:
    """How many cells of two wide tables were compared and how many differ; ratios and means are equal within 1e-9.

    Args:
        database: a DuckDB connection.
        one: what stands in FROM for the one table.
        other: as `one`, for the other.
        keys: the columns beside `operator_id` by which rows belong together.
    """
    from customer_research.metrics.queries import account_columns  # noqa: PLC0415 - slow to import

    columns = {name: kind for name, kind in account_columns().items() if name != "operator_id"}
    unlike = " + ".join(
        f"CAST(NOT (COALESCE(ABS(m.{name} - s.{name}) <= 1e-9 * GREATEST(ABS(m.{name}), 1), FALSE) "
        f"OR (m.{name} IS NULL AND s.{name} IS NULL)) AS INT)"
        if kind == "DOUBLE"
        else f"CAST(m.{name} IS DISTINCT FROM s.{name} AS INT)"
        for name, kind in columns.items()
    )
    joined = " AND ".join(f"m.{key} = s.{key}" for key in ("operator_id", *keys))
    alone = "m.operator_id IS NULL OR s.operator_id IS NULL"
    ((count, unequal),) = database.execute(
        f"""
        SELECT COUNT(*) * {len(columns)}, COALESCE(SUM(CASE WHEN {alone} THEN {len(columns)} ELSE {unlike} END), 0)
        FROM (FROM {one}) AS m FULL JOIN (FROM {other}) AS s ON {joined}
        """
    ).fetchall()
    return int(count), int(unequal)
