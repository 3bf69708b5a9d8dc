"""Who needs attention and why, where figures disagree, and how everybody stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.health import BAND_LABELS, STATUS_LABELS
from customer_research.domain.portfolio import Portfolio
from customer_research.domain.report import Block, Cell, Prose, Text
from customer_research.reports import pictures
from customer_research.reports.figure_lines import figure
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
from customer_research.reports.standing_figures import flag, health
from customer_research.reports.track_words import by_band
from customer_research.reports.urgency_words import urgency_cell


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
    if not found.accounts:
        yield nobody(found) or Prose("The snapshot has no operator to show.")
        return
    columns = _columns(found)
    rows = [tuple(column(account) for column in columns.values()) for account in found.accounts]
    yield table(found, tuple(columns), rows, "", found.chosen.matching)


def _columns(found: Portfolio) -> dict[str, Callable[[Account], Cell]]:
    """Header → cell; the change of the score only when somebody's is known, or should be."""
    columns: dict[str, Callable[[Account], Cell]] = {
        "Operator": lambda account: Text(account.name or account.operator_id),
        "Segment": lambda account: brief(figure(account, "segment")),
        "MRR": mrr_cell,
        "Health": lambda account: brief(health(account)),
    }
    if found.no_history is not None or any(isinstance(change, Fact) for change in found.changes.values()):
        columns["30 days"] = lambda account: brief(change_of(found, account))
    columns["Act"] = urgency_cell
    columns["Why"] = lambda account: brief(why(account))
    return columns


def why(account: Account) -> Figure:
    """Why to act, else what stands out most."""
    found = account.urgency
    if found is None or found.level == "watch":
        return flag(account)
    return Fact(found.because, "text", merge_basis(found.facts), account.as_of, metric="flag")


def change_of(found: Portfolio, account: Account) -> Figure:
    """By how many points the operator's score changed in 30 days."""
    return found.changes.get(account.operator_id, found.no_history or NO_HISTORY)


NO_HISTORY = Gap(
    "score history", "none_found", "no score of 30 days ago", "Run `customer-research history backfill` once."
)


KIND = Kind(
    "portfolio",
    "Portfolio",
    lambda found: portfolio_head(found, headline(found)),
    (
        section("attention", "Who needs attention", _lines),
        section("disagreements", "Where figures disagree", _somebody(disagreements_table)),
        section("groups", "How everybody stands", _somebody(_groups)),
        section("track", "How often it was right", _somebody(lambda found: by_band(found.track))),
    ),
    answers="Who needs attention today, and why?",
    place=160,
    about="everybody",
    use_case="portfolio",
    needs=frozenset(),
    charts=(pictures.BANDS,),
)
