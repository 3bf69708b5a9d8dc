"""Tables of operators that moved between two snapshots, and of money by currency: for the digest and the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.health import BAND_LABELS, PRESENT
from customer_research.domain.money import Amounts, Money, totals
from customer_research.domain.portfolio import Amount, Mover, Moves, Overview, Portfolio, Week
from customer_research.domain.report import Block, Cell, Missing, Prose, Text
from customer_research.reports.kinds.portfolio import brief, mrr_cell, number, table
from customer_research.reports.standing import flag
from customer_research.reports.tones import BAND_TONES

AT_RISK = frozenset({"at_risk", "critical"})


def movers_table(
    found: Week | Overview, moves: Moves, movers: Sequence[Mover], most: int, none: str, *, rose: bool = False
) -> Block:
    """Operators with their score then and now, and what speaks against them; *none* says that there is nobody."""
    portfolio = found.portfolio
    if not movers:
        return Prose(none, (number(portfolio, 0, "count"),))
    rows = [_row(portfolio, moves, mover, found.accounts.get(mover.operator_id)) for mover in movers[:most]]
    headers = ("Operator", "MRR", "Then", "Now", "Change", "To watch" if rose else "Why")
    return table(portfolio, headers, rows, "", len(movers))


def _row(found: Portfolio, moves: Moves, mover: Mover, account: Account | None) -> tuple[Cell, ...]:
    proof = (moves.receipt, found.receipt)
    unknown = Text("not known", "unknown")
    then: Cell = Text("not there", "unknown")
    if mover.then is not None:
        then = Fact(mover.then, "points", proof, moves.then.as_of, "health_score")
    now: Cell = unknown
    if mover.now is not None:
        words = f"{mover.now} {BAND_LABELS[mover.band]}"
        now = Fact(words, "text", proof, found.snapshot.as_of, "health_score")
    change: Cell = unknown
    if mover.points is not None:
        change = Fact(mover.points, "points", proof, found.snapshot.as_of, "score_change")
    return (
        Text(mover.name or mover.operator_id, BAND_TONES[mover.band]),
        mrr_cell(account) if account else unknown,
        then,
        now,
        change,
        brief(flag(account)) if account else unknown,
    )


def money_at_risk(found: Portfolio, amounts: tuple[Amount, ...] | Gap) -> Fact[Amounts] | Gap:
    """The MRR of operators At Risk or Critical, by currency."""
    return summed(found, amounts, lambda one: one.status in PRESENT and one.band in AT_RISK)


def summed(
    found: Portfolio, amounts: tuple[Amount, ...] | Gap, wanted: Callable[[Amount], bool]
) -> Fact[Amounts] | Gap:
    """The MRR of those wanted, by currency, never added over them."""
    if isinstance(amounts, Gap):
        return amounts
    sums = totals(Money(one.currency, one.minor) for one in amounts if wanted(one))
    return Fact(sums, "money", (found.receipt,), found.snapshot.as_of, "mrr")


def money_table(found: Portfolio, amounts: tuple[Amount, ...] | Gap) -> Block:
    """The MRR by segment and currency, and how much of it is at risk."""
    if isinstance(amounts, Gap):
        return Missing("MRR by currency", amounts)
    present = [one for one in amounts if one.status in PRESENT]
    keys = sorted({(one.segment, one.currency) for one in present})
    rows: list[tuple[Cell, ...]] = []
    for segment, currency in keys:
        own = [one for one in present if (one.segment, one.currency) == (segment, currency)]
        at_risk = [one for one in own if one.band in AT_RISK]
        whole, part = (sum(one.minor for one in these) for these in (own, at_risk))
        rows.append(
            (
                Text(segment),
                Text(currency),
                _money(found, currency, whole),
                _money(found, currency, part),
                number(found, part / whole if whole else 0.0, "ratio"),
            )
        )
    if not rows:
        return Prose("Nobody pays a subscription.", (number(found, 0, "count"),))
    return table(
        found,
        ("Segment", "Currency", "MRR", "At risk", "Share"),
        rows,
        "MRR by segment and currency",
        words=("Currency",),
    )


def _money(found: Portfolio, currency: str, minor: int) -> Fact[Amounts]:
    return Fact((Money(currency, minor),), "money", (found.receipt,), found.snapshot.as_of)


def proofs(*receipts: Receipt) -> tuple[Receipt, ...]:
    """Receipts, each once."""
    return tuple({receipt.id: receipt for receipt in receipts}.values())


def first(names: Iterable[str], most: int) -> str:
    """A few names, and how many more."""
    listed = list(names)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
