"""The first page of a site: today's, with the table of all operators that were written together and what their pages lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from customer_research.documents.site import OPERATORS
from customer_research.domain.book import Book
from customer_research.domain.line import Line
from customer_research.domain.report import Prose, Report, Section, Text
from customer_research.domain.words import counted
from customer_research.reports import lines
from customer_research.reports.movers import first

NAMED = 5
"""How many operators a warning names; the table names all."""


def with_operators(
    today: Report, book: Book, every: Sequence[Line], unmade: Mapping[str, str], lacking: Mapping[str, str]
) -> Report:
    """A book's page of today with all its operators.

    Args:
        today: the page.
        book: what it is of.
        every: the book's operators.
        unmade: operator id → why it has no page.
        lacking: operator id → what its pages lack.
    """
    named = sorted(every, key=lambda line: (line.name.casefold(), line.operator_id))
    as_of, headers = book.snapshot.as_of, ("Operator", "Health", "MRR", "Account owner", "Not in its pages")
    rows = [
        (
            replace(lines.operator(line), link=""),
            lines.health(line, as_of),
            lines.mrr(line, as_of),
            lines.fact(line, "owner", line.owner, "text", as_of),
            _note(line.operator_id, unmade, lacking),
        )
        for line in named
    ]
    columns = len(headers) if unmade or lacking else len(headers) - 1
    shown = [row[:columns] for row in rows]
    table = lines.list_table(headers[:columns], shown, len(rows), (book.receipt,), right=("MRR",))
    warnings = (_warning(named, unmade, "no page"), _warning(named, lacking, "pages that lack something"))
    return replace(
        today,
        sections=(*today.sections, Section("All operators", (table,), OPERATORS)),
        warnings=(*today.warnings, *(warning for warning in warnings if warning is not None)),
    )


def _note(operator_id: str, unmade: Mapping[str, str], lacking: Mapping[str, str]) -> Text:
    words = f"No page: {unmade[operator_id]}" if operator_id in unmade else lacking.get(operator_id, "")
    return Text(words, "unknown" if words else "neutral")


def _warning(named: Sequence[Line], why: Mapping[str, str], what: str) -> Prose | None:
    """Of whom something is missing, and why."""
    some = [line for line in named if line.operator_id in why]
    if not some:
        return None
    names = first([line.name for line in some], NAMED)
    reasons = first(sorted({why[line.operator_id].rstrip(".") for line in some}), NAMED)
    verb = "has" if len(some) == 1 else "have"
    return Prose(f"{counted(len(some), 'operator')} of {len(named)} {verb} {what}: {names}. {reasons}.", (), "bad")
