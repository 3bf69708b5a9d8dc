"""What people recorded of accounts: what was done to keep them, and why they left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.evidence import Receipt
from customer_research.domain.outcome import Outcome
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Text
from customer_research.reports.blocks import Proof, grid
from customer_research.reports.kind import Head, Outline, section

BIAS = (
    "What was done about an account changes what became of it: one that was called and stayed looks like a false alarm, and a "
    "rule that makes people call looks weaker than it is."
)
"""How interventions bias the labels that a score is judged by."""


@dataclass(frozen=True, slots=True)
class OutcomeList:
    """The records of one operator (or of all, the id is empty then), and the receipt of what the store gave."""

    operator_id: str
    name: str
    records: tuple[Outcome, ...]
    receipt: Receipt
    now: datetime

    @property
    def proof(self) -> Proof:
        """What the records rest on."""
        return Proof((self.receipt,), self.now)

    def of(self, kind: str) -> tuple[Outcome, ...]:
        """Those of one kind, the newest first."""
        return tuple(one for one in reversed(self.records) if one.kind == kind)


def _head(found: OutcomeList) -> Head:
    title = f"Recorded outcomes: {found.name}" if found.name else ""
    return Head(found.now, found.now, operator_id=found.operator_id, operator_name=found.name, title=title)


def _counts(found: OutcomeList) -> Block:
    churn, done = found.of("churn"), found.of("intervention")
    reasons = Counter(one.what for one in churn)
    lines = [
        FigureLine("Churn recorded", found.proof.fact(len(churn))),
        FigureLine("Interventions", found.proof.fact(len(done))),
    ]
    lines += [
        FigureLine(f"Left for {_words(reason)}", found.proof.fact(count)) for reason, count in reasons.most_common()
    ]
    return Figures(tuple(lines))


def _churn(found: OutcomeList) -> Block:
    listed = grid(
        "Day | Operator | Reason | Kind | MRR lost | May return | Note | By | Id",
        (_churn_row(found, one) for one in found.of("churn")),
        (found.receipt,),
    )
    return listed or Prose("No churn has been recorded. Billing tells who left; only people know why.")


def _churn_row(found: OutcomeList, one: Outcome) -> tuple[Cell, ...]:
    lost: Cell = Text("not recorded", "unknown")
    if one.lost_minor is not None:
        lost = found.proof.fact(one.lost_minor, "usd_minor")
    returns = {None: "not recorded", True: "yes", False: "no"}[one.returns]
    return (
        found.proof.fact(one.on, "date"),
        found.proof.stated(one.name, theirs=True),
        found.proof.stated(", ".join(filter(None, (_words(one.what), _words(one.secondary), one.competitor)))),
        found.proof.stated(_words(one.churn_kind)),
        lost,
        Text(returns, "unknown") if one.returns is None else found.proof.stated(returns),
        found.proof.stated(one.note, theirs=True),
        found.proof.stated(one.who, theirs=True),
        found.proof.stated(one.id),
    )


def _done(found: OutcomeList) -> Iterator[Block]:
    rows = (
        (
            found.proof.fact(one.on, "date"),
            *map(found.proof.stated, (one.name, _words(one.what), one.note, one.who, one.id)),
        )
        for one in found.of("intervention")
    )
    listed = grid("Day | Operator | What | Note | By | Id", rows, (found.receipt,))
    if listed is None:
        yield Prose("No intervention has been recorded.")
    else:
        yield listed
        yield Prose(BIAS)


def _words(key: str) -> str:
    return key.replace("_", " ")


REPORT = Outline(
    "outcomes",
    "Recorded outcomes",
    _head,
    (
        section("counts", "Counts", _counts),
        section("churn", "Churn", _churn),
        section("interventions", "Interventions", _done),
    ),
)
