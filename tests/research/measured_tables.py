"""Made-up tables and what each table's times are."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from portfolio_cases import Gaps, Row, Tables, written

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.tables import TableSet
from customer_research.engines.duckdb import DuckDB
from customer_research.errors import UsageError
from customer_research.research.portfolio.measurement import measure

DRAWN = settings(
    max_examples=4, phases=(Phase.generate,), database=None, suppress_health_check=list(HealthCheck), deadline=None
)


WIDE = f"SELECT * FROM {ACCOUNT_TABLE} ORDER BY operator_id"


def wide(engine: DuckDB, tables: Tables, gaps: Gaps, moment: datetime) -> list[Row]:
    """The wide table; no rows when nobody is known yet."""
    with tempfile.TemporaryDirectory() as folder:
        told = written(Path(folder), tables, gaps)
        try:
            measure(engine, told, moment)
        except UsageError:
            return []
        return engine.run(WIDE)


def read_at(instant: datetime, tables: TableSet) -> TableSet:
    """The tables as if they had been read at an instant."""
    return replace(tables, files={name: replace(file, since=instant) for name, file in tables.files.items()})
