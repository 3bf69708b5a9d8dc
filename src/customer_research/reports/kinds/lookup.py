"""Lookup: who answers to a term."""

from __future__ import annotations

from datetime import datetime

from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.identity import Candidate, LookupAnswer, Match
from customer_research.domain.report import (
    Block,
    Cell,
    FigureLine,
    Figures,
    Freshness,
    Personal,
    Prose,
    Report,
    Section,
    Table,
    Text,
)
from customer_research.errors import RenderError
from customer_research.reports.build import Kind, bullets, section, sections

_LONGEST_TERM = 120
_KINDS = {
    "operator_id": "operator id",
    "legacy_id": "old-style number",
    "stripe_account": "Stripe account",
    "hubspot_id": "HubSpot id",
    "email": "e-mail address",
    "domain": "web domain",
    "phone": "phone number",
    "name": "company name",
    "confirmation": "trip confirmation number",
    "charge": "charge id",
}


def build(
    answer: LookupAnswer,
    *,
    as_of: datetime,
    generated_at: datetime,
    receipts: tuple[Receipt, ...],
    freshness: tuple[Freshness, ...] = (),
) -> Report:
    """The answer to a lookup; `receipts` are those of the directory (and finders) that were searched.

    Raises:
        RenderError: nothing proves that anything was searched.
    """
    if not receipts:
        raise RenderError(
            "A lookup's answer has no receipt.", hint="Pass the receipts of the directory that was searched."
        )
    best = answer.best.candidate if answer.best else None
    return Report(
        kind="lookup",
        title="Lookup",
        operator_id=best.operator_id if best else "",
        operator_name=best.name if best else "",
        generated_at=generated_at,
        as_of=as_of,
        sections=sections(
            _question(answer, receipts, as_of),
            _best(answer, receipts, as_of),
            _matches(answer, receipts, as_of),
            _nothing(answer),
        ),
        freshness=freshness,
        warnings=tuple(Prose(hint, (), "watch") for hint in answer.hints),
        headline=_headline(answer, receipts, as_of),
    )


def _headline(answer: LookupAnswer, receipts: tuple[Receipt, ...], as_of: datetime) -> Prose:
    total = Fact(answer.total, "count", receipts, as_of, metric="matches")
    if answer.best is not None:
        return Prose(f"Found: {answer.best.candidate.name}.", (total,), "good")
    if answer.ambiguous:
        return Prose(f"Ambiguous: {answer.total} operators match. Choose one by its operator id.", (total,), "watch")
    return Prose("No operator answers to this term.", (total,), "bad")


def _question(answer: LookupAnswer, receipts: tuple[Receipt, ...], as_of: datetime) -> Section | None:
    cut = len(answer.term) > _LONGEST_TERM
    term = f"{answer.term[:_LONGEST_TERM]}… ({len(answer.term)} characters)" if cut else answer.term
    readings = "; ".join(_KINDS[reading.kind] for reading in answer.interpretations) or "nothing known"
    figures = Figures(
        (
            FigureLine("Term", Fact(term, "text", receipts, as_of)),
            FigureLine("Read as", Fact(readings, "text", receipts, as_of)),
            FigureLine("Operators that match", Fact(answer.total, "count", receipts, as_of, metric="matches")),
        )
    )
    remarks = bullets(Prose(reading.remark) for reading in answer.interpretations if reading.remark)
    return section("Question", figures, remarks, id="question")


def _best(answer: LookupAnswer, receipts: tuple[Receipt, ...], as_of: datetime) -> Section | None:
    if answer.best is None:
        return None
    found, candidate = answer.best, answer.best.candidate
    figures = Figures(
        (
            FigureLine("Operator", Fact(candidate.name, "text", receipts, as_of)),
            FigureLine("Operator id", Fact(candidate.operator_id, "text", receipts, as_of)),
            FigureLine("Found by", Fact(found.because, "text", receipts, as_of)),
            FigureLine("Sureness", Fact(found.confidence, "ratio", receipts, as_of)),
        )
    )
    return section("Best match", figures, id="best")


def _matches(answer: LookupAnswer, receipts: tuple[Receipt, ...], as_of: datetime) -> Section | None:
    if not answer.matches:
        return None
    headers = ("#", "Company", "City", "Operator id", "E-mail", "Plan", "MRR", "Status", "Why")
    rows = tuple(_row(number, match, receipts, as_of) for number, match in enumerate(answer.matches, 1))
    align = ("right", "left", "left", "left", "left", "left", "right", "left", "left")
    block: Block = Table(headers, rows, receipts, "Matches, best first", answer.total, align)  # type: ignore[arg-type]
    return section("Matches", block, id="matches")


def _row(number: int, match: Match, receipts: tuple[Receipt, ...], as_of: datetime) -> tuple[Cell, ...]:
    candidate = match.candidate
    unknown = Text("not recorded", "unknown")
    email: Cell = Personal(candidate.email, "email") if candidate.email else unknown
    mrr: Cell = Fact(candidate.mrr_minor, "usd_minor", receipts, as_of) if candidate.mrr_minor is not None else unknown
    return (
        Text(str(number)),
        Text(candidate.name),
        Text(candidate.city) if candidate.city else unknown,
        Text(candidate.operator_id),
        email,
        Text(candidate.plan_name or candidate.plan_code or "no plan recorded"),
        mrr,
        Text(_status(candidate), "watch" if candidate.churned else "neutral"),
        Text(match.because),
    )


def _status(candidate: Candidate) -> str:
    if candidate.churned:
        return "churned"
    return candidate.status or "not recorded"


def _nothing(answer: LookupAnswer) -> Section | None:
    reasons = bullets(Prose(reason) for reason in answer.reasons)
    steps = bullets((Prose(step) for step in answer.next_steps), ordered=True)
    if reasons is None and steps is None:
        return None
    lead = Prose("Why that may be:") if reasons else None
    then = Prose("What to do next:") if steps else None
    return section("What now", lead, reasons, then, steps, id="next")


KIND = Kind("lookup", "Lookup", frozenset({"csm"}), build)
