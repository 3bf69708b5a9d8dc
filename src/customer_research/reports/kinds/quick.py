"""One line about an operator."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.report import FigureLine
from customer_research.reports import judgement
from customer_research.reports.figure_lines import figures
from customer_research.reports.kind import Kind, section
from customer_research.reports.record_rows import records
from customer_research.reports.standing_figures import flag, health


def _health(account: Account) -> FigureLine:
    return FigureLine("health", health(account), judgement.band_tone(account.score) if account.score else "unknown")


def _flag(account: Account) -> FigureLine:
    return FigureLine("flag", flag(account))


def _guess(account: Account) -> Iterator[FigureLine]:
    """How the operator was found, where that is a guess: on one line there is no other place to say so."""
    words = judgement.guess_words(account.match)
    receipts = records(account, "csm").receipts
    if words and receipts:
        found = Fact(words.rstrip("."), "text", receipts, account.as_of, metric="match")
        yield FigureLine("found", found, "watch")


KIND = Kind(
    "quick",
    "Quick profile",
    judgement.head,
    (
        section(
            "line",
            "",
            figures(
                """
                segment: segment
                base_plan_name: plan
                mrr: MRR
                """,
                _health,
                """
                reservations_30d: trips 30 d
                usage_trend: trend
                outstanding: outstanding
                open_tickets: open tickets
                """,
                _flag,
                _guess,
            ),
        ),
    ),
    answers="How does the operator stand, in one line?",
    place=90,
)
