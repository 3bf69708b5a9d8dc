"""The kinds of reports that are made of a portfolio, of the store, or under assumptions: named for the registry."""

from __future__ import annotations

from customer_research.reports import pictures
from customer_research.reports.build import Kind
from customer_research.reports.kinds import alerts, churn_risk, history, portfolio

KINDS_OF_MANY = (
    Kind(
        "portfolio",
        "Portfolio",
        frozenset(),
        portfolio.build,
        about="everybody",
        answers="Who needs attention today, and why?",
        charts=(pictures.BANDS,),
    ),
    Kind(
        "portfolio-churn-risk",
        "Churn risk of the portfolio",
        frozenset(),
        churn_risk.build,
        about="everybody",
        answers="Who may leave, ranked by what would be lost?",
        charts=(churn_risk.BY_LEVEL,),
    ),
    Kind(
        "alerts",
        "Open alerts",
        frozenset(),
        alerts.build_open,
        about="everybody",
        answers="What needs attention now, the worst first?",
    ),
)
HISTORY = Kind(
    "history",
    "Score history",
    frozenset(),
    history.build,
    answers="How did the score move, and what moved it?",
    charts=(pictures.SCORE_HISTORY,),
)
