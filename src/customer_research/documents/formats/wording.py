"""Sentences that documents share: the title, captions, gaps, receipts and the numbers of notes, before any escaping."""

from __future__ import annotations

from collections.abc import Iterable

from customer_research.documents.present import GAP_WORDS, Hole, Presenter, gap_words, source_title
from customer_research.domain.evidence import ANSWERS, Fact, Gap, Receipt, merge_basis
from customer_research.domain.report import Chart, Table
from customer_research.domain.words import counted, instant_words

LONGEST_QUERY = 400
_PAIR = 2


def title_words(presenter: Presenter) -> str:
    """The operator's name and what the document is about."""
    name, title = presenter.text(presenter.report.operator_name), presenter.text(presenter.report.title)
    return f"{name}: {title}" if name else title


def caption_beside(table: Table) -> str:
    """How much of a table is shown where it is not all: `(12 of 300 shown)`."""
    cut = table.total is not None and table.total > len(table.rows)
    return f"({len(table.rows)} of {table.total} shown)" if cut else ""


def receipts_of_chart(chart: Chart) -> tuple[Receipt, ...]:
    """What the marks of a chart rest on."""
    figures = [figure for mark in chart.marks for figure in (mark.figure, mark.at) if isinstance(figure, Fact)]
    return merge_basis(figures)


def next_words(gap: Gap) -> str:
    """What to do about a gap, after the sentence that names it; empty where it is an answer."""
    return "" if gap.reason in ANSWERS or not gap.next_step else f". {gap.next_step}"


def hole_words(presenter: Presenter, hole: Hole) -> str:
    """A gap, all that is missing because of it, and the next step."""
    concerns = f" Missing: {'; '.join(hole.concerns)}." if hole.concerns else ""
    step = f" Next: {presenter.text(hole.gap.next_step)}" if hole.gap.next_step else ""
    return f"{presenter.text(gap_words(hole.gap)).rstrip('.')}.{concerns}{step}"


def receipt_words(presenter: Presenter, receipt: Receipt) -> tuple[str, str]:
    """A receipt in a line, and its requests (cut, when they are long)."""
    parts = [
        f"{source_title(receipt.source)} {presenter.text(receipt.stream)}",
        counted(receipt.rows, "row"),
        counted(receipt.requests, "request"),
        instant_words(receipt.fetched_at),
        *([GAP_WORDS["truncated"]] if receipt.truncated else []),
        f"receipt {presenter.text(receipt.id)}",
    ]
    query = presenter.query(receipt)
    if len(query) > LONGEST_QUERY:
        query = f"{query[:LONGEST_QUERY]}… ({len(query)} characters; the JSON report has all)"
    return " · ".join(parts), query


def note_runs(notes: Iterable[int]) -> list[tuple[int, str]]:
    """Numbers of notes, runs of three and more shortened: each with the first number and its words (`(3, "3-5")`)."""
    runs: list[list[int]] = []
    for number in notes:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    found: list[tuple[int, str]] = []
    for run in runs:
        if len(run) > _PAIR:
            found.append((run[0], f"{run[0]}-{run[-1]}"))
        else:
            found += [(number, str(number)) for number in run]
    return found
