"""Quick profile: one line."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.report import FigureLine, Figures, Prose, Report, Section
from customer_research.reports import judgement
from customer_research.reports.build import STREAMS, Kind, line, records
from customer_research.reports.frame import frame


def build(account: Account) -> Report:
    """The one-line profile of an account."""
    score = account.score
    tone = judgement.band_tone(score) if score else "unknown"
    found = (
        line(account, "segment", "segment"),
        line(account, "plan", "base_plan_name"),
        line(account, "MRR", "mrr"),
        FigureLine("health", _health(account), tone),
        line(account, "trips 30 d", "reservations_30d"),
        line(account, "trend", "usage_trend"),
        line(account, "outstanding", "outstanding"),
        line(account, "open tickets", "open_tickets"),
        FigureLine("flag", _flag(account)),
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


def _health(account: Account) -> Figure:
    score = account.score
    found = judgement.score_figure(account, score)
    if score is None or isinstance(found, Gap):
        return found
    text = f"{found.value} {judgement.band_label(score)}"
    return Fact(text, "text", found.basis, account.as_of, metric="health_score")


def _flag(account: Account) -> Figure:
    """The top flag: churn or status first, then a gate, then the gravest risk, then a disagreement."""
    status = account.fact("status")
    if status is not None and status.value != "active":
        words = judgement.churned_words(account) or judgement.status_words(account)
        return Fact(words, "text", status.basis, account.as_of, metric="flag")
    gates = account.score.gates if account.score else ()
    if gates:
        return Fact(gates[0].because, "text", gates[0].fact.basis, account.as_of, metric="flag")
    risks = judgement.risks(account, 1)
    if risks and risks[0].facts:
        return _flag_of(risks[0], account)
    conflicts = judgement.disagreements(account)
    if conflicts and conflicts[0].tone == "watch":
        return _flag_of(conflicts[0], account)
    found = judgement.score_figure(account, account.score)
    if isinstance(found, Gap):
        return Gap("health", "unavailable", "too little is known to tell", found.next_step, "flag")
    return Fact("no risk in the figures known", "text", found.basis, account.as_of, metric="flag")


def _flag_of(prose: Prose, account: Account) -> Figure:
    return Fact(prose.text, "text", merge_basis(prose.facts), account.as_of, metric="flag")


KIND = Kind("quick", "Quick profile", STREAMS, build)
