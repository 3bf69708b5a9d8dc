"""What people recorded of accounts: what was done to keep them, and why they left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.outcome import Outcome
from customer_research.domain.report import Block, Cell, FigureLine, Figures, Prose, Report, Table, Text
from customer_research.reports.build import section, sections, stated

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


def build_outcomes(told: OutcomeList) -> Report:
    """The records as a report, the newest first."""
    records = tuple(reversed(told.records))
    churn = [one for one in records if one.kind == "churn"]
    done = [one for one in records if one.kind == "intervention"]
    return Report(
        kind="outcomes",
        title=f"Recorded outcomes: {told.name}" if told.name else "Recorded outcomes",
        operator_id=told.operator_id,
        operator_name=told.name,
        generated_at=told.now,
        as_of=told.now,
        sections=sections(
            section("Counts", _counts(told, churn, done), id="counts"),
            section("Churn", *_churn(told, churn), id="churn"),
            section("Interventions", *_done(told, done), id="interventions"),
        ),
        freshness=(),
    )


def _counts(told: OutcomeList, churn: Sequence[Outcome], done: Sequence[Outcome]) -> Block:
    reasons = Counter(one.what for one in churn)
    lines = [FigureLine("Churn recorded", _fact(told, len(churn))), FigureLine("Interventions", _fact(told, len(done)))]
    lines += [FigureLine(f"Left for {_words(reason)}", _fact(told, count)) for reason, count in reasons.most_common()]
    return Figures(tuple(lines))


def _fact(told: OutcomeList, count: int) -> Fact[int]:
    return Fact(count, "count", (told.receipt,), told.now)


def _churn(told: OutcomeList, churn: Sequence[Outcome]) -> Iterator[Block]:
    if churn:
        yield Table(_CHURN_HEADERS, tuple(_churn_row(told, one) for one in churn), (told.receipt,))
    else:
        yield Prose("No churn has been recorded. Billing tells who left; only people know why.")


def _churn_row(told: OutcomeList, one: Outcome) -> tuple[Cell, ...]:
    lost: Cell = Text("not told", "unknown")
    if one.lost_minor is not None:
        lost = Fact(one.lost_minor, "usd_minor", (told.receipt,), told.now)
    returns = {None: "not told", True: "yes", False: "no"}[one.returns]
    return (
        Fact(one.on, "date", (told.receipt,), told.now),
        _said(told, one.name),
        _said(told, ", ".join(filter(None, (_words(one.what), _words(one.secondary), one.competitor)))),
        _said(told, _words(one.churn_kind)),
        lost,
        Text(returns, "unknown") if one.returns is None else _said(told, returns),
        _said(told, one.note),
        _said(told, one.who),
        _said(told, one.id),
    )


def _done(told: OutcomeList, done: Sequence[Outcome]) -> Iterator[Block]:
    if done:
        rows = tuple(
            (
                Fact(one.on, "date", (told.receipt,), told.now),
                *(_said(told, words) for words in (one.name, _words(one.what), one.note, one.who, one.id)),
            )
            for one in done
        )
        yield Table(_DONE_HEADERS, rows, (told.receipt,))
        yield Prose(BIAS)
    else:
        yield Prose("No intervention has been recorded.")


def _said(told: OutcomeList, words: str) -> Cell:
    return stated(words, (told.receipt,), told.now)


def _words(key: str) -> str:
    return key.replace("_", " ")
