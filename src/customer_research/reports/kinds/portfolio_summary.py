"""The whole portfolio for those who answer for it, on a page or two."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.portfolio import Moves, Overview
from customer_research.domain.report import Absence, Block, Prose
from customer_research.domain.words import counted, value_words
from customer_research.reports import pictures
from customer_research.reports.blocks import bullets
from customer_research.reports.figure_lines import figure
from customer_research.reports.kind import Kind, section
from customer_research.reports.movers import money_at_risk, money_table, movers_table, summed, uncompared
from customer_research.reports.portfolio_cells import (
    brief,
    disagreements_table,
    headline,
    nobody,
    number,
    operator_cell,
    portfolio_head,
    table,
)
from customer_research.reports.risk import category_cells, expected_loss, risk_told

MOVERS, RISKS, ISSUES = 5, 5, 5
DRAWN = 200
"""How many operators the picture has at most."""


def _short(found: Overview) -> Iterator[Prose]:
    portfolio = found.portfolio
    whole, risk = summed(portfolio, portfolio.bands), money_at_risk(portfolio)
    if isinstance(whole, Fact) and isinstance(risk, Fact):
        part = f"; {value_words(risk)} of it is with operators At Risk or Critical" if risk.value else ""
        known = f" ({whole.note})" if whole.note else ""
        yield Prose(f"MRR: {value_words(whole)} a month{known}{part}.", (whole, risk), "watch" if part else "good")
    healthy = sum(group.operators for group in portfolio.bands if group.name == "healthy")
    of = sum(group.operators for group in portfolio.bands)
    count, base = number(portfolio, healthy, "count"), number(portfolio, of, "count")
    yield Prose(f"{healthy} of {counted(of, 'operator')} are Healthy.", (count, base))
    moves = found.moves
    if isinstance(moves, Gap):
        yield Prose(f"What changed in a month is not known: {moves.detail}.", (), "unknown")
    else:
        fact = Fact(len(moves.new_at_risk), "count", (moves.receipt,), portfolio.snapshot.as_of)
        text = (
            f"In a month {counted(len(moves.new_at_risk), 'operator')} fell to At Risk or Critical, {len(moves.worse)} got "
            f"worse, {len(moves.better)} better, {len(moves.left)} left, {len(moves.came)} came."
        )
        open_ = uncompared(moves)
        if open_ is not None:
            yield Prose(f"{text} {open_.text}", (fact, *open_.facts), "unknown")
        else:
            yield Prose(text, (fact,), "watch" if moves.new_at_risk or moves.left else "neutral")
    many = sum(level.operators for level in found.risks.levels)
    fact_many = number(portfolio, many, "count")
    high = next((level.operators for level in found.risks.levels if level.name == "High"), 0)
    yield Prose(
        f"{counted(many, 'operator')} at risk of leaving by the signs known, {high} of them high.",
        (fact_many,),
        "bad" if high else "watch" if many else "good",
    )


def _unknown_moves(found: Overview) -> Absence | None:
    return Absence("Movers", found.moves) if isinstance(found.moves, Gap) else None


def _fell(found: Overview) -> Block | None:
    if isinstance(found.moves, Gap):
        return None
    none = "Nobody got worse by ten points or a band."
    return movers_table(found, found.moves, found.moves.worse, MOVERS, none)


def _rose(found: Overview) -> Block | None:
    if isinstance(found.moves, Gap):
        return None
    none = "Nobody got better by ten points or a band."
    return movers_table(found, found.moves, found.moves.better, MOVERS, none, rose=True)


def _risks(found: Overview) -> Block:
    risks = found.risks
    accounts = risks.accounts[:RISKS]
    none = nobody(found.portfolio)
    if none is not None:
        return none
    if not accounts:
        return Prose("No operator is at risk by the signs known.", (number(found.portfolio, 0, "count"),), "good")
    rows = []
    for account in accounts:
        retention = risks.retention[account.operator_id]
        rows.append(
            (
                operator_cell(account),
                brief(figure(account, "segment")),
                brief(risk_told(account, retention)),
                brief(expected_loss(account, retention)),
                *category_cells(account, retention),
            )
        )
    headers = ("Operator", "Segment", "Risk", "Expected loss", "Category", "Act")
    many = sum(level.operators for level in risks.levels)
    return table(found.portfolio, headers, rows, "", many)


def _disagree(found: Overview) -> Iterator[Block | None]:
    yield pictures.usage_against_payment(found.portfolio, found.drawn)
    yield nobody(found.portfolio) or disagreements_table(found.portfolio, ISSUES)


def moved_ids(moves: Moves | Gap) -> tuple[str, ...]:
    """The operators of whom the summary tells one by one."""
    if isinstance(moves, Gap):
        return ()
    return tuple(mover.operator_id for mover in (*moves.worse[:MOVERS], *moves.better[:MOVERS]))


KIND = Kind(
    "portfolio-summary",
    "Portfolio summary",
    lambda found: portfolio_head(found.portfolio, headline(found.portfolio)),
    (
        section("summary", "In short", lambda found: nobody(found.portfolio) or bullets(_short(found)), weight=3),
        section("bands", "How the operators stand", lambda found: pictures.by_band(found.portfolio)),
        section("money", "Money", lambda found: money_table(found.portfolio)),
        section("movers", "Movers in a month", _unknown_moves, weight=1),
        section("worse", "Fell most in a month", _fell),
        section("better", "Rose most in a month", _rose, weight=1),
        section("risks", "Top risks", _risks, weight=1),
        section("disagreements", "Where figures disagree", _disagree, weight=1),
    ),
    listed="Portfolio summary for executives",
    answers="How does the whole portfolio stand, what moved in a month, which risks and how much money?",
    place=150,
    about="everybody",
    use_case="portfolio-summary",
    needs=frozenset(),
    charts=(pictures.BANDS, pictures.QUADRANT),
)
