"""The metric queries as text: a subject's figures, the records behind a figure, and the listings of reports.

Every query is in DuckDB's dialect, kept to what other dialects can say, names canonical tables only (`record_tables`) and
takes one parameter, `$as_of` (UTC). A `.sql` file begins with `-- uses: a, b`: the relations of `shared/` that stand in
front of it, in order; the rest of the file is the end of that `WITH` clause and the final `SELECT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from customer_research.domain.catalogue import METRICS, SILENT, SUBJECTS, Unit
from customer_research.domain.evidence import ANSWERS
from customer_research.errors import UsageError
from customer_research.metrics.evidence import RECORDS
from customer_research.metrics.shorthand import spelt_out

ANSWERED = (*sorted(ANSWERS), "not_configured", "past")
"""Reasons of gaps for which no source is silent: it answered, nobody set it up, or it is the past that is not told."""

_SQL_TYPES: Mapping[Unit, str] = {
    "count": "BIGINT",
    "usd_minor": "BIGINT",
    "points": "BIGINT",
    "ratio": "DOUBLE",
    "number": "DOUBLE",
    "days": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A detail table of a report about one operator, from canonical tables."""

    name: str
    tables: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The query of this listing; the operator's filter is in the tables' bindings."""
        return _composed("listings", self.name)


def subject_sql(subject: str) -> str:
    """The query of one subject: operator_id, the currency for amounts, then every metric of the subject.

    One row per operator (and currency) that has a row known at `$as_of`; others are absent.

    Raises:
        UsageError: for a subject the catalogue does not have.
    """
    if subject not in SUBJECTS:
        raise UsageError(f"There is no subject {subject!r}.", hint=f"Known: {', '.join(SUBJECTS)}.")
    return _composed("", subject)


def derived_sql() -> str:
    """The query of the derived metrics over `account_metrics`."""
    return subject_sql("derived")


@cache
def evidence_sql(name: str) -> str:
    """The records behind a figure: ids first, `operator_id` last, newest first, not limited.

    Raises:
        UsageError: for a kind of evidence that does not exist.
    """
    records = RECORDS.get(name)
    if records is None:
        raise UsageError(f"There is no evidence {name!r}.", hint=f"Known: {', '.join(RECORDS)}.")
    return with_shared(records.uses, records.sql)


def account_columns() -> dict[str, str]:
    """The columns of the wide table with their SQL types: operator_id, the metrics of operator grain, and `SILENT`."""
    wide = {m.name: _SQL_TYPES[m.unit] for m in METRICS.values() if SUBJECTS[m.subject].grain == "operator"}
    return {"operator_id": "VARCHAR", **wide, SILENT: "VARCHAR"}


@cache
def _composed(folder: str, name: str) -> str:
    """A file's text behind the shared relations that its first line names."""
    first, _, body = _file(folder, name).partition("\n")
    uses = tuple(part.strip() for part in first.removeprefix("-- uses:").split(","))
    return with_shared(uses, body)


def with_shared(uses: tuple[str, ...], body: str) -> str:
    """A query behind relations of `shared/`, in the order in which they build on each other.

    Args:
        uses: the relations' names.
        body: the end of the `WITH` clause, or the `SELECT` itself.
    """
    relations = ",\n".join(f"{name} AS (\n{_indented(_file('shared', name))}\n)" for name in uses)
    lines = body.strip().splitlines()
    code = next(line for line in lines if not line.startswith("--"))
    joint = "\n" if code.startswith("SELECT") else ",\n"
    return f"WITH {relations}{joint}{body.strip()}\n"


def _file(folder: str, name: str) -> str:
    return spelt_out((Path(__file__).parent / folder / f"{name}.sql").read_text(encoding="utf-8"))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.strip().splitlines())


EVIDENCE: Mapping[str, tuple[str, ...]] = MappingProxyType({name: records.tables for name, records in RECORDS.items()})
"""Kind of evidence → the canonical tables it reads."""

_LISTED: Mapping[str, str] = {
    "reservation": "usage_monthly usage_daily usage_types usage_statuses usage_recent usage_companies usage_drivers usage_farmouts",
    "charge": "card_monthly card_failures",
    "dispute": "card_disputes",
    "member": "team",
}

LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {name: Listing(name, (table,)) for table, names in _LISTED.items() for name in names.split()}
)
"""All listings by name; each is about one operator."""
