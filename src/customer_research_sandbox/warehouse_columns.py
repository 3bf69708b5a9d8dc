"""Columns of the warehouse's tables with their Snowflake types, in order."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

_SHORT = {
    "T": "VARCHAR",
    "I": "NUMBER(38,0)",
    "N": "NUMBER(18,2)",
    "F": "FLOAT",
    "B": "BOOLEAN",
    "D": "DATE",
    "TS": "TIMESTAMP_NTZ",
}


def _columns(text: str) -> Mapping[str, str]:
    """Parse lines of `TYPE: NAME NAME …`."""
    columns: dict[str, str] = {}
    for line in text.strip().splitlines():
        kind, names = line.split(":")
        columns |= dict.fromkeys(names.split(), _SHORT[kind.strip()])
    return columns


_DECLARED = tomllib.loads((Path(__file__).parent / "warehouse_columns.toml").read_text(encoding="utf-8"))
COLUMNS: Mapping[str, Mapping[str, str]] = {table: _columns(text) for table, text in _DECLARED.items()}
"""Table → its columns with their types."""
