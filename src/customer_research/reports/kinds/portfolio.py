"""Who needs attention and why, where figures disagree, and how everybody stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from customer_research.domain.evidence import Fact, Figure, Gap
from customer_research.domain.health import BAND_LABELS, STATUS_LABELS
from customer_research.domain.line import WEEKS, Line
from customer_research.domain.portfolio import Portfolio
from customer_research.domain.report import Block, Cell, Prose, Text
from customer_research.reports import lines, pictures
from customer_research.reports.kind import Kind, Shown, section
from customer_research.reports.portfolio_cells import (
    brief,
    disagreements_table,
    group_table,
    headline,
    mrr_cell,
    nobody,
    portfolio_head,
    table,
)
from customer_research.reports.track_words import by_band


def _somebody(show: Callable[[Portfolio], Shown]) -> Callable[[Portfolio], Shown]:
    """What is shown where the filter fits somebody."""
    return lambda found: None if nobody(found) else show(found)


def _groups(found: Portfolio) -> Iterator[Block | None]:
    """How everybody stands: by band, segment and status."""
    order = list(BAND_LABELS)
    bands = sorted(found.bands, key=lambda group: order.index(group.name))
    yield pictures.by_band(found)
    yield group_table(found, [replace(g, name=BAND_LABELS[g.name]) for g in bands], "Band", "By band")
    yield group_table(found, found.segments, "Segment", "By segment")
    statuses = [replace(g, name=STATUS_LABELS.get(g.name, g.name)) for g in found.statuses]
    yield group_table(found, statuses, "Status", "By status")


def _lines(found: Portfolio) -> Iterator[Block]:
    if not found.lines:
        yield nobody(found) or Prose("The snapshot has no operator to show.")
        return
    columns = _columns(found)
    rows = [tuple(column(line) for column in columns.values()) for line in found.lines]
    yield table(found, tuple(columns), rows, "", found.chosen.matching, under="Why")


def _columns(found: Portfolio) -> dict[str, Callable[[Line], Cell]]:
    """Header → cell; the change of the score only when somebody's is known, or should be."""
    as_of = found.snapshot.as_of
    columns: dict[str, Callable[[Line], Cell]] = {
        "Operator": lambda line: Text(line.name, operator=line.operator_id),
        "Segment": lambda line: brief(line.figure("segment", as_of)),
        "MRR": lambda line: mrr_cell(line.figure("mrr", as_of)),
        "Health": lambda line: brief(line.figure("health", as_of)),
    }
    if found.no_history is not None or any(isinstance(change, Fact) for change in found.changes.values()):
        columns["30 days"] = lambda line: brief(change_of(found, line.operator_id))
    columns["Act"] = lambda line: lines.urgency(line, as_of)
    columns["Why"] = lambda line: brief(_why(line, as_of))
    return columns


def _weeks(found: Portfolio) -> Iterator[Block | None]:
    drawn = lines.weeks_table(found.lines, found.history, found.snapshot.as_of, found.receipt)
    yield drawn
    yield lines.weeks_note(found.lines) if drawn else None


def _why(line: Line, as_of: datetime) -> Figure:
    """Why to act, else what stands out most."""
    return line.figure("flag" if line.level == "watch" else "because", as_of)


def change_of(found: Portfolio, operator_id: str) -> Figure:
    """By how many points the operator's score changed in 30 days."""
    return found.changes.get(operator_id, found.no_history or NO_HISTORY)


NO_HISTORY = Gap(
    "score history", "none_found", "no score of 30 days ago", "Run `customer-research history backfill` once."
)


KIND = Kind(
    "portfolio",
    "Portfolio",
    lambda found: portfolio_head(found, headline(found)),
    (
        section("attention", "Who needs attention", _lines, weight=3),
        section("disagreements", "Where figures disagree", _somebody(disagreements_table), weight=1),
        section("groups", "How everybody stands", _somebody(_groups)),
        section("track", "How often it was right", _somebody(lambda found: by_band(found.track)), weight=1),
        section("weeks", f"Health in {WEEKS} weeks", _weeks, weight=0),
    ),
    answers="Who needs attention today, and why?",
    place=160,
    about="everybody",
    use_case="portfolio",
    needs=frozenset(),
    charts=(pictures.BANDS,),
)
