"""CSV of accounts: a portfolio's operators, a line each, for spreadsheets (a report as CSV is in `csv_`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping

from customer_research.documents.formats.csv_ import cell, plain
from customer_research.domain.account import Account
from customer_research.domain.evidence import Figure


def render(accounts: Iterable[Account], columns: Mapping[str, Callable[[Account], Figure]]) -> str:
    """A header and a line an account: operator id, name, then the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("operator_id", "name", *columns))
    for account in accounts:
        figures = (cell(find(account)) for find in columns.values())
        writer.writerow((account.operator_id, plain(account.name), *figures))
    return out.getvalue()
