"""What people recorded of accounts: what was done to keep them, and why they left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.outcome import Outcome
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Table, Text
from customer_research.reports.blocks import stated
from customer_research.reports.kind import Head, Outline, section

BIAS = (
    "What was done about an account changes what became of it: one that was called and stayed looks like a false alarm, and a "
    "rule that makes people call looks weaker than it is."
)
"""How interventions bias the labels that a score is judged by."""

_CHURN_HEADERS = ("Day", "Operator", "Reason", "Kind", "MRR lost", "May return", "Note", "By", "Id")
_DONE_HEADERS = ("Day", "Operator", "What", "Note", "By", "Id")


@dataclass(frozen=True, slots=True)
class OutcomeList:
    """The records of one operator (or of all, the id is empty then), and the receipt of what the store gave."""

    operator_id: str
    name: str
    records: tuple[Outcome, ...]
    receipt: Receipt
    now: datetime

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
        FigureLine("Churn recorded", _fact(found, len(churn))),
        FigureLine("Interventions", _fact(found, len(done))),
    ]
    lines += [FigureLine(f"Left for {_words(reason)}", _fact(found, count)) for reason, count in reasons.most_common()]
    return Figures(tuple(lines))


def _fact(found: OutcomeList, count: int) -> Fact[int]:
    return Fact(count, "count", (found.receipt,), found.now)


def _churn(found: OutcomeList) -> Iterator[Block]:
    if churn := found.of("churn"):
        yield Table(_CHURN_HEADERS, tuple(_churn_row(found, one) for one in churn), (found.receipt,))
    else:
        yield Prose("No churn has been recorded. Billing tells who left; only people know why.")


def _churn_row(found: OutcomeList, one: Outcome) -> tuple[Cell, ...]:
    lost: Cell = Text("not recorded", "unknown")
    if one.lost_minor is not None:
        lost = Fact(one.lost_minor, "usd_minor", (found.receipt,), found.now)
    returns = {None: "not recorded", True: "yes", False: "no"}[one.returns]
    return (
        Fact(one.on, "date", (found.receipt,), found.now),
        _said(found, one.name),
        _said(found, ", ".join(filter(None, (_words(one.what), _words(one.secondary), one.competitor)))),
        _said(found, _words(one.churn_kind)),
        lost,
        Text(returns, "unknown") if one.returns is None else _said(found, returns),
        _said(found, one.note),
        _said(found, one.who),
        _said(found, one.id),
    )


def _done(found: OutcomeList) -> Iterator[Block]:
    if done := found.of("intervention"):
        rows = tuple(
            (
                Fact(one.on, "date", (found.receipt,), found.now),
                *(_said(found, words) for words in (one.name, _words(one.what), one.note, one.who, one.id)),
            )
            for one in done
        )
        yield Table(_DONE_HEADERS, rows, (found.receipt,))
        yield Prose(BIAS)
    else:
        yield Prose("No intervention has been recorded.")


def _said(found: OutcomeList, words: str) -> Cell:
    return stated(words, (found.receipt,), found.now)


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
