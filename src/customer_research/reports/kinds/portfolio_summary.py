"""Portfolio summary: the whole portfolio for those who answer for it, on a page or two."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.portfolio import Moves, Overview
from customer_research.domain.report import Block, Missing, Prose, Report, Text
from customer_research.domain.words import counted, value_words
from customer_research.reports import pictures
from customer_research.reports.build import Kind, bullets, figure, section, sections
from customer_research.reports.kinds.churn_risk import category_cells, expected_loss, risk_told
from customer_research.reports.kinds.moving import money_at_risk, money_table, movers_table, summed, uncompared
from customer_research.reports.kinds.portfolio import (
    brief,
    disagreements_table,
    gap_warnings,
    headline,
    nobody,
    number,
    table,
)

MOVERS, RISKS, ISSUES = 5, 5, 5
DRAWN = 200
"""How many operators the picture has at most."""


def build(found: Overview) -> Report:
    """The summary of a portfolio."""
    portfolio = found.portfolio
    return Report(
        kind="portfolio-summary",
        title="Portfolio summary",
        operator_id="",
        operator_name="",
        generated_at=portfolio.generated_at,
        as_of=portfolio.snapshot.as_of,
        sections=sections(
            section("In short", nobody(portfolio) or bullets(_short(found)), id="summary"),
            section("How the operators stand", pictures.by_band(portfolio), id="bands"),
            section("Money", *money_table(portfolio), id="money"),
            *(section(title, block, id=name) for title, block, name in _movers(found)),
            section("Top risks", _risks(found), id="risks"),
            section("Where figures disagree", *_disagree(found), id="disagreements"),
        ),
        freshness=portfolio.freshness,
        warnings=tuple(gap_warnings(portfolio)),
        headline=headline(portfolio),
    )


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


def _movers(found: Overview) -> Iterator[tuple[str, Block, str]]:
    moves = found.moves
    if isinstance(moves, Gap):
        yield "Movers in a month", Missing("Movers", moves), "movers"
        return
    for title, movers, none, name in (
        ("Fell most in a month", moves.worse, "Nobody got worse by ten points or a band.", "worse"),
        ("Rose most in a month", moves.better, "Nobody got better by ten points or a band.", "better"),
    ):
        yield title, movers_table(found, moves, movers, MOVERS, none, rose=name == "better"), name


def _risks(found: Overview) -> Block:
    risks = found.risks
    accounts = risks.portfolio.accounts[:RISKS]
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
                Text(account.name or account.operator_id),
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
    "Portfolio summary for executives",
    frozenset(),
    build,
    about="everybody",
    answers="How does the whole portfolio stand, what moved in a month, which risks and how much money?",
    charts=(pictures.BANDS, pictures.QUADRANT),
    parts=(
        "In short",
        "How the operators stand",
        "Money",
        "Fell most in a month",
        "Rose most in a month",
        "Top risks",
        "Where figures disagree",
    ),
)
