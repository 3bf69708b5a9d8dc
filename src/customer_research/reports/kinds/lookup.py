"""Lookup: who answers to a term."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from customer_research.documents.present import source_title
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.identity import Candidate, LookupAnswer, Match
from customer_research.domain.report import (
    Block,
    Cell,
    FigureLine,
    Figures,
    Freshness,
    Missing,
    Personal,
    Prose,
    Report,
    Section,
    Table,
    Text,
)
from customer_research.errors import RenderError
from customer_research.reports import judgement
from customer_research.reports.build import Kind, bullets, proven_prose, section, sections, stated
from customer_research.reports.standing import STANDINGS

_LONGEST_TERM = 120
_KINDS = {
    "operator_id": "operator id",
    "legacy_id": "old-style number",
    "stripe_account": "Stripe account",
    "hubspot_id": "HubSpot id",
    "email": "e-mail address",
    "domain": "web domain",
    "phone": "phone number",
    "name": "company or contact name",
    "confirmation": "trip confirmation number",
    "charge": "charge id",
    "invoice": "invoice number",
    "ticket": "ticket number",
}


TABLES = frozenset({"csm", "subscription", "coupon", "customer", "invoice", "reservation", "company"})
"""What the standing of the operator found is measured from."""

_STANDING = ("status", "plan", "mrr")


def build_lookup(
    answer: LookupAnswer,
    receipts: tuple[Receipt, ...],
    gaps: tuple[Gap, ...],
    now: datetime,
    standing: Account | None = None,
) -> Report:
    """The answer to a lookup.

    `receipts` are those of the directory and finders that were searched, `gaps` the sources that could not be; a lookup
    that reached nothing is a report of its gaps. `standing` is the one operator found, measured over `TABLES`: its status,
    plan and MRR are those of every report; those of the others are what the CSM view holds.

    Raises:
        RenderError: neither receipts nor gaps, so that nothing proves that anything was searched.
    """
    if not receipts and (answer.matches or not gaps):
        raise RenderError(
            "A lookup's answer has no receipt.", hint="Pass the receipts of the directory that was searched."
        )
    best = answer.best.candidate if answer.best else None
    return Report(
        kind="lookup",
        title="Lookup",
        operator_id=best.operator_id if best else "",
        operator_name=best.name if best else "",
        generated_at=now,
        as_of=now,
        sections=sections(*_sections(answer, receipts, gaps, now, standing)),
        freshness=tuple(_freshness(receipts, gaps, standing)),
        warnings=tuple(proven_prose(hint, receipts, now, "watch") for hint in answer.hints),
        headline=_headline(answer, receipts, now),
    )


def _sections(
    answer: LookupAnswer,
    receipts: tuple[Receipt, ...],
    gaps: tuple[Gap, ...],
    as_of: datetime,
    standing: Account | None,
) -> Iterator[Section | None]:
    if receipts:
        yield _question(answer, receipts, as_of)
        yield _best(answer, receipts, as_of, standing)
        yield _matches(answer, receipts, as_of, standing)
    yield section("Not searched", *(Missing(source_title(gap.source), gap) for gap in gaps), id="gaps")
    yield _nothing(answer)


def _freshness(receipts: tuple[Receipt, ...], gaps: tuple[Gap, ...], standing: Account | None) -> Iterator[Freshness]:
    failed = {gap.source for gap in gaps}
    asked = {receipt.source: receipt.fetched_at for receipt in receipts}
    for source, fetched_at in asked.items():
        yield Freshness(source, "partial" if source in failed else "ok", fetched_at, None, _of(gaps, source))
    for source in sorted(failed - asked.keys()):
        yield Freshness(source, "missing", None, None, _of(gaps, source))
    for item in standing.freshness if standing is not None else ():
        if item.source not in failed | asked.keys():
            yield item


def _of(gaps: tuple[Gap, ...], source: str) -> tuple[Gap, ...]:
    return tuple(gap for gap in gaps if gap.source == source)


def _headline(answer: LookupAnswer, receipts: tuple[Receipt, ...], as_of: datetime) -> Prose:
    if not receipts:
        return Prose("The lookup reached no source that could tell.", (), "unknown")
    total = Fact(answer.total, "count", receipts, as_of, metric="matches")
    if answer.best is not None:
        guess = judgement.guess_words(answer.best)
        return Prose(f"Found: {answer.best.candidate.name}. {guess}".strip(), (total,), "watch" if guess else "good")
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


def _best(
    answer: LookupAnswer, receipts: tuple[Receipt, ...], as_of: datetime, standing: Account | None
) -> Section | None:
    if answer.best is None:
        return None
    found, candidate = answer.best, answer.best.candidate
    own, why = _proofs(found, receipts)
    figures = Figures(
        (
            FigureLine("Operator", Fact(candidate.name, "text", own, as_of)),
            FigureLine("Operator id", Fact(candidate.operator_id, "text", own, as_of)),
            FigureLine("Found by", Fact(found.because, "text", why, as_of)),
            FigureLine("Confidence", Fact(found.confidence, "ratio", why, as_of)),
            *(_standing(standing) if standing is not None else ()),
        )
    )
    return section("Best match", figures, id="best")


def _standing(account: Account) -> Iterator[FigureLine]:
    for name in (*_STANDING, "owner"):
        yield FigureLine(STANDINGS[name].label, STANDINGS[name].figure(account))


def _matches(
    answer: LookupAnswer, receipts: tuple[Receipt, ...], as_of: datetime, standing: Account | None
) -> Section | None:
    if not answer.matches:
        return None
    headers = ("#", "Company", "City", "Operator id", "E-mail", "Plan", "MRR", "Status", "Why")
    best = answer.best
    rows = tuple(
        _row(number, match, receipts, as_of, standing if match is best else None)
        for number, match in enumerate(answer.matches, 1)
    )
    viewed = len(rows) > 1 or standing is None
    caption = "Matches, best first" + (f"; plan, MRR and status {_VIEWED}" if viewed else "")
    align = ("right", "left", "left", "left", "left", "left", "right", "left", "left")
    words = ("Operator id",)
    block: Block = Table(headers, rows, receipts, caption, answer.total, align, words)  # type: ignore[arg-type]
    return section("Matches", block, id="matches")


def _proofs(match: Match, receipts: tuple[Receipt, ...]) -> tuple[tuple[Receipt, ...], tuple[Receipt, ...]]:
    """What the candidate's fields rest on, and what tells that the term is its; all that was searched where none is named."""
    own = tuple(receipt for receipt in receipts if receipt.id in match.candidate.proof) or receipts
    return own, tuple(receipt for receipt in receipts if receipt.id in match.proof) or own


_VIEWED = "by the CSM view"


def _row(
    number: int, match: Match, receipts: tuple[Receipt, ...], as_of: datetime, standing: Account | None
) -> tuple[Cell, ...]:
    candidate = match.candidate
    own, why = _proofs(match, receipts)
    unknown = Text("not recorded", "unknown")
    email: Cell = Fact(Personal(candidate.email, "email"), "text", own, as_of) if candidate.email else unknown
    status, plan, mrr = _viewed(candidate, own, as_of)
    if standing is not None:
        status, plan, mrr = (_brief(STANDINGS[name].figure(standing)) for name in _STANDING)
    return (
        Text(str(number)),
        stated(candidate.name, own, as_of),
        stated(candidate.city, own, as_of) if candidate.city else unknown,
        Text(candidate.operator_id),
        email,
        plan,
        mrr,
        status,
        stated(match.because, why, as_of),
    )


def _viewed(candidate: Candidate, own: tuple[Receipt, ...], as_of: datetime) -> tuple[Cell, Cell, Cell]:
    """Status, plan and MRR as the CSM view has them."""
    unknown = Text("not recorded", "unknown")
    mrr: Cell = Fact(candidate.mrr_minor, "usd_minor", own, as_of) if candidate.mrr_minor is not None else unknown
    plan = candidate.plan_name or candidate.plan_code or ""
    status = "churned" if candidate.churned else candidate.status or ""
    return (
        stated(status, own, as_of, "watch" if candidate.churned else "neutral") if status else unknown,
        stated(plan, own, as_of) if plan else Text("no plan recorded", "unknown"),
        mrr,
    )


def _brief(found: Figure) -> Cell:
    return replace(found, note="") if isinstance(found, Fact) else found


def _nothing(answer: LookupAnswer) -> Section | None:
    reasons = bullets(Prose(reason) for reason in answer.reasons)
    steps = bullets((Prose(step) for step in answer.next_steps), ordered=True)
    if reasons is None and steps is None:
        return None
    lead = Prose("Why that may be:") if reasons else None
    then = Prose("What to do next:") if steps else None
    return section("What now", lead, reasons, then, steps, id="next")


KIND = Kind(
    "lookup",
    "Lookup",
    frozenset({"csm"}),
    build_lookup,
    about="term",
    answers="Which operator is meant?",
    parts=("Question", "Best match", "Matches", "Not searched", "What now"),
)
