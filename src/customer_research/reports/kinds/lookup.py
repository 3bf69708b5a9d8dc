"""Find an operator by any identifier or name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from customer_research.documents.present import source_title
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.identity import Candidate, LookupAnswer, Match
from customer_research.domain.report import (
    Absence,
    Block,
    Cell,
    FigureLine,
    Figures,
    Freshness,
    Personal,
    Prose,
    Statement,
    Table,
    Text,
)
from customer_research.errors import RenderError
from customer_research.reports import judgement
from customer_research.reports.blocks import NOT_RECORDED, Proof, bullets, grid, proven_prose, titled
from customer_research.reports.figure_lines import field_figure, first_known
from customer_research.reports.kind import Head, Kind, section
from customer_research.reports.record_rows import Column, Row, known_rows, proof_of, record_cell, records
from customer_research.reports.standing_figures import STANDINGS

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

Field = Literal["phone", "email", "name"]
"""A contact's field that may be asked for by itself."""

FIELD_TABLES = frozenset({"contact", "customer", "company", "csm"})
"""Where they stand."""

_OWN = {"phone": ("csm.phone", "customer.phone", "company.phone"), "email": ("csm.email", "customer.email"), "name": ()}
_KIND: Mapping[str, Literal["phone", "email", "person"]] = {"phone": "phone", "email": "email", "name": "person"}
_CONTACTS = 3
"""So many contacts are told, the primary one first; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Search:
    """A lookup's answer and what it rests on.

    `receipts` are those of the directory and finders that were searched, `gaps` the sources that could not be; a lookup
    that reached nothing is a report of its gaps. `standing` is the one operator found, measured over `TABLES`: its status,
    plan and MRR are those of every report; those of the others are what the CSM view holds. `withheld` stands for each MRR where
    the reader may not see it. `field` is what was asked for of its contacts: that alone is told unmasked.

    Raises:
        RenderError: neither receipts nor gaps, so that nothing proves that anything was searched.
    """

    answer: LookupAnswer
    receipts: tuple[Receipt, ...]
    gaps: tuple[Gap, ...]
    now: datetime
    standing: Account | None = None
    withheld: Gap | None = None
    field: Field | None = None

    def __post_init__(self) -> None:
        if not self.receipts and (self.answer.matches or not self.gaps):
            raise RenderError(
                "A lookup's answer has no receipt.", hint="Pass the receipts of the directory that was searched."
            )

    @property
    def proof(self) -> Proof:
        """What the search as a whole proves."""
        return Proof(self.receipts, self.now)


def _head(found: Search) -> Head:
    best = found.answer.best.candidate if found.answer.best else None
    return Head(
        found.now,
        found.now,
        tuple(_freshness(found.receipts, found.gaps, found.standing)),
        _headline(found),
        (proven_prose(hint, found.receipts, found.now, "watch") for hint in found.answer.hints),
        best.operator_id if best else "",
        best.name if best else "",
    )


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


def _headline(found: Search) -> Prose:
    answer = found.answer
    if not found.receipts:
        return Prose("The lookup reached no source that could tell.", (), "unknown")
    total = found.proof.fact(answer.total, metric="matches")
    if answer.best is not None:
        guess = judgement.guess_words(answer.best)
        return Prose(f"Found: {answer.best.candidate.name}. {guess}".strip(), (total,), "watch" if guess else "good")
    if answer.total == 1:
        one = answer.matches[0]
        return Prose(f"One operator has a similar name: {one.candidate.name}. {one.because}", (total,), "watch")
    if answer.ambiguous:
        return Prose(f"Ambiguous: {answer.total} operators match. Choose one by its operator id.", (total,), "watch")
    return Prose("No operator answers to this term.", (total,), "bad")


def _question(found: Search) -> Iterator[Block | None]:
    if not found.receipts:
        return
    answer = found.answer
    cut = len(answer.term) > _LONGEST_TERM
    term = f"{answer.term[:_LONGEST_TERM]}… ({len(answer.term)} characters)" if cut else answer.term
    readings = "; ".join(_KINDS[reading.kind] for reading in answer.interpretations) or "nothing known"
    yield Figures(
        (
            FigureLine("Term", found.proof.fact(term, "text")),
            FigureLine("Read as", Statement(readings, "text", found.proof.receipts, found.now)),
            FigureLine("Operators that match", found.proof.fact(answer.total, metric="matches")),
        )
    )
    yield bullets(Prose(reading.remark) for reading in answer.interpretations if reading.remark)


def _best(found: Search) -> Figures | None:
    match = found.answer.best
    if match is None or not found.receipts:
        return None
    own, why = (Proof(receipts, found.now) for receipts in _proofs(match, found.receipts))
    return Figures(
        (
            FigureLine("Operator", own.fact(match.candidate.name, "text")),
            FigureLine("Operator id", own.fact(match.candidate.operator_id, "text")),
            *_reached(match.candidate, own),
            FigureLine("Found by", Statement(match.because, "text", why.receipts, found.now)),
            FigureLine("Confidence", why.fact(match.confidence, "ratio")),
            *(_standing(found.standing) if found.standing is not None else ()),
        )
    )


def _reached(candidate: Candidate, own: Proof) -> Iterator[FigureLine]:
    if candidate.city:
        yield FigureLine("City", own.fact(candidate.city, "text"))
    if candidate.email:
        yield FigureLine("E-mail", own.fact(Personal(candidate.email, "email"), "text"))


def _standing(account: Account) -> Iterator[FigureLine]:
    for name in (*_STANDING, "owner"):
        yield FigureLine(STANDINGS[name].label, STANDINGS[name].figure(account))


def _asked(found: Search) -> Iterator[Block | None]:
    """The one field that was asked for: the operator's own, and that of its contacts, each with the role that it belongs to."""
    account, name = found.standing, found.field
    if account is None or name is None:
        return
    own = first_known(*(field_figure(account, *place.split(".")) for place in _OWN[name])) if _OWN[name] else None
    if isinstance(own, Fact):
        shown = replace(own, value=Personal(str(own.value), _KIND[name], asked=True))
        yield Figures((FigureLine(f"The operator's own {name}", shown),))
    contacts = records(account, "contact")
    if contacts.gap is not None:
        yield Absence(f"The {name} of contacts", contacts.gap)
        return
    rows = sorted(known_rows(account, "contact"), key=lambda row: (bool(row["has_left"]), not row["is_primary"]))
    filled = [row for row in rows if row.get(name)]
    proof = Proof(contacts.receipts, account.as_of)
    if not filled:
        yield proven_prose(f"HubSpot has no {name} of a contact.", contacts.receipts, account.as_of, "unknown")
        return
    cells = [_contact(account, row, name, proof) for row in filled[:_CONTACTS]]
    yield grid(
        f"!Contact | Role | {name.capitalize()} | Left", cells, contacts.receipts, "Contacts in HubSpot", len(filled)
    )


def _contact(account: Account, row: Row, name: Field, proof: Proof) -> tuple[Cell, ...]:
    own = Proof(proof_of(row, proof.receipts), account.as_of)
    return (
        Text("primary" if row["is_primary"] else "contact"),
        record_cell(account, row, Column("job_title", ""), proof.receipts),
        own.fact(Personal(str(row[name]), _KIND[name], asked=True), "text"),
        own.fact(bool(row["has_left"]), "boolean"),
    )


def _matches(found: Search) -> Table | None:
    answer = found.answer
    if not answer.matches or not found.receipts or (answer.best is not None and answer.total == 1):
        return None  # the best match says all of it
    rows = [_row(number, match, found) for number, match in enumerate(answer.matches, 1)]
    viewed = "; plan, MRR and status by the CSM view" if len(rows) > 1 or found.standing is None else ""
    declared = ">#| Company | City | !Operator id | E-mail | Plan | >MRR | Status | Why"
    return grid(declared, rows, found.receipts, f"Matches, best first{viewed}", answer.total, under="E-mail")


def _proofs(match: Match, receipts: tuple[Receipt, ...]) -> tuple[tuple[Receipt, ...], tuple[Receipt, ...]]:
    """What the candidate's fields rest on, and what tells that the term is its; all that was searched where none is named."""
    own = tuple(receipt for receipt in receipts if receipt.id in match.candidate.proof) or receipts
    return own, tuple(receipt for receipt in receipts if receipt.id in match.proof) or own


def _row(number: int, match: Match, found: Search) -> tuple[Cell, ...]:
    candidate = match.candidate
    own, why = (Proof(receipts, found.now) for receipts in _proofs(match, found.receipts))
    status, plan, mrr = _viewed(candidate, own)
    mrr = found.withheld or mrr
    if found.standing is not None and match is found.answer.best:
        status, plan, mrr = (_brief(STANDINGS[name].figure(found.standing)) for name in _STANDING)
    return (
        Text(str(number)),
        own.stated(candidate.name, theirs=True),
        own.stated(candidate.city, theirs=True) if candidate.city else NOT_RECORDED,
        Text(candidate.operator_id, operator=candidate.operator_id),
        own.fact(Personal(candidate.email, "email"), "text") if candidate.email else NOT_RECORDED,
        plan,
        mrr,
        status,
        why.stated(match.because),
    )


def _viewed(candidate: Candidate, own: Proof) -> tuple[Cell, Cell, Cell]:
    """Status, plan and MRR as the CSM view has them."""
    plan = candidate.plan_name or candidate.plan_code or ""
    status = "churned" if candidate.churned else candidate.status or ""
    return (
        own.stated(status, "watch" if candidate.churned else "neutral", theirs=True) if status else NOT_RECORDED,
        own.stated(plan, theirs=True) if plan else Text("no plan recorded", "unknown"),
        NOT_RECORDED if candidate.mrr_minor is None else own.fact(candidate.mrr_minor, "usd_minor"),
    )


def _brief(found: Figure) -> Cell:
    return replace(found, note="") if isinstance(found, Fact) else found


def _nothing(found: Search) -> Iterator[Block]:
    yield from titled("Why that may be", tuple(map(Prose, found.answer.reasons)))
    steps = bullets(map(Prose, found.answer.next_steps), ordered=True)
    if steps is not None:
        yield Prose("What to do next:")
        yield steps


KIND = Kind(
    "lookup",
    "Lookup",
    _head,
    (
        section("question", "Question", _question, weight=0),
        section("asked", "What was asked for", _asked, weight=3),
        section("best", "Best match", _best, weight=3),
        section("matches", "Matches", _matches),
        section("gaps", "Not searched", lambda found: (Absence(source_title(gap.source), gap) for gap in found.gaps)),
        section("next", "What now", _nothing),
    ),
    answers="Which operator is meant?",
    place=100,
    about="term",
    use_case="lookup",
    needs=frozenset({"csm"}),
)
