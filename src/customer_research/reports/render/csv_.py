"""CSV: a portfolio's operators, a line each, for spreadsheets; text that one would run as a formula stays text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from customer_research.domain.account import Account
from customer_research.domain.evidence import Figure, Gap
from customer_research.reports.presentation import clean

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First signs that make a spreadsheet run a cell."""


def plain(text: str) -> str:
    """Text that no spreadsheet runs and no terminal obeys."""
    cleaned = clean(text)
    return f"'{cleaned}" if cleaned.startswith(FORMULA) else cleaned


def cell(found: Figure) -> str:
    """A figure's bare value for programs: instants in ISO 8601, money in minor units, booleans true or false; a gap is empty."""
    if isinstance(found, Gap):
        return ""
    value = found.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | datetime):
        return value.isoformat()
    return plain(value) if isinstance(value, str) else str(value)


def render(accounts: Iterable[Account], columns: Mapping[str, Callable[[Account], Figure]]) -> str:
    """A header and a line an account: operator id, name, then the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("operator_id", "name", *columns))
    for account in accounts:
        figures = (cell(find(account)) for find in columns.values())
        writer.writerow((account.operator_id, plain(account.name), *figures))
    return out.getvalue()
