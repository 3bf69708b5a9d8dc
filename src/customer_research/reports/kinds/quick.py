"""Quick profile: one line."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.report import FigureLine, Figures, Report, Section
from customer_research.reports import judgement
from customer_research.reports.build import STREAMS, Kind, line, records
from customer_research.reports.frame import frame
from customer_research.reports.standing import flag, health


def build(account: Account) -> Report:
    """The one-line profile of an account."""
    score = account.score
    tone = judgement.band_tone(score) if score else "unknown"
    found = (
        line(account, "segment", "segment"),
        line(account, "plan", "base_plan_name"),
        line(account, "MRR", "mrr"),
        FigureLine("health", health(account), tone),
        line(account, "trips 30 d", "reservations_30d"),
        line(account, "trend", "usage_trend"),
        line(account, "outstanding", "outstanding"),
        line(account, "open tickets", "open_tickets"),
        FigureLine("flag", flag(account)),
        *_guess(account),
    )
    return frame(account, "quick", "Quick profile", (Section("", (Figures(found),), "line"),))


def _guess(account: Account) -> Iterator[FigureLine]:
    """How the operator was found, where that is a guess: on one line there is no other place to say so."""
    words = judgement.guess_words(account.match)
    receipts = records(account, "csm").receipts
    if words and receipts:
        found = Fact(words.rstrip("."), "text", receipts, account.as_of, metric="match")
        yield FigureLine("found", found, "watch")


KIND = Kind("quick", "Quick profile", STREAMS, build, answers="How does the operator stand, in one line?")
