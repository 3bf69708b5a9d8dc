"""Running SQL somewhere else: the protocol that the warehouse source is given, whatever carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from customer_research.domain.evidence import Receipt

Parameter = str | int | float | datetime
"""A bound value; a `datetime` is UTC-aware and becomes a TIMESTAMP in UTC."""


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """Rows with lower-case column names, and the receipt of the request."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    receipt: Receipt


class SqlRunner(Protocol):
    """Carries a query to the warehouse, through Metabase's API or Snowflake's own.

    `sql` is written in DuckDB's dialect with named parameters `$name`; the runner transpiles it, binds the parameters as
    parameters (never as text) and raises `SourceError` when it fails or the answer is cut (`Truncated`). `whole` asks for
    a transport without a row cap.
    """

    async def run(
        self, sql: str, parameters: Mapping[str, Parameter], *, stream: str, whole: bool = False
    ) -> SqlAnswer:
        """Run one query."""
