"""The kinds of reports that are made of a portfolio, of the store, or under assumptions: named for the registry."""

from __future__ import annotations

from customer_research.reports import pictures
from customer_research.reports.build import Kind
from customer_research.reports.kinds import alerts, churn_risk, history, missing, portfolio

KINDS_OF_MANY = (
    Kind(
        "portfolio",
        "Portfolio",
        frozenset(),
        portfolio.build,
        about="everybody",
        answers="Who needs attention today, and why?",
        parts=("Who needs attention", "Where figures disagree", "How everybody stands"),
        charts=(pictures.BANDS,),
    ),
    Kind(
        "portfolio-churn-risk",
        "Churn risk of the portfolio",
        frozenset(),
        churn_risk.build,
        about="everybody",
        answers="Who may leave, ranked by what would be lost?",
        parts=(
            "Summary",
            "Insights",
            "Ranked by expected loss",
            "Where figures disagree",
            "Signs, account by account",
            "Churned within 90 days",
        ),
        charts=(churn_risk.BY_LEVEL,),
    ),
    Kind(
        "alerts",
        "Open alerts",
        frozenset(),
        alerts.build_open,
        about="everybody",
        answers="What needs attention now, the most urgent first?",
        parts=("Sources", "Operators", "What to do"),
    ),
)
HISTORY = Kind(
    "history",
    "Score history",
    frozenset(),
    history.build,
    answers="How did the score move, and what moved it?",
    parts=("Trend", "Score over time", "What moved it in 30 days", "What moved it since it had another band"),
    charts=(pictures.SCORE_HISTORY,),
)
MISSING = Kind(
    "missing",
    "Missing information",
    frozenset(),
    missing.build,
    answers="Which unknown figure would move the score most, and between which bounds?",
    parts=("Unknown figures", "By cause"),
)
