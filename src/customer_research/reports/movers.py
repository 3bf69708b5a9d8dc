"""Tables of operators that moved between two snapshots, and of money by currency: for the digest and the summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.health import AT_RISK_BANDS, BAND_LABELS, standing_label
from customer_research.domain.money import Amounts, Money
from customer_research.domain.report import Block, Cell, Prose, Text
from customer_research.domain.words import counted
from customer_research.reports.portfolio_cells import brief, mrr_cell, mrr_fact, number, table
from customer_research.reports.tones import BAND_TONES

if TYPE_CHECKING:
    from customer_research.domain.line import Line
    from customer_research.domain.portfolio import Group, Mover, Moves, Overview, Portfolio, Week


def movers_table(
    found: Week | Overview, moves: Moves, movers: Sequence[Mover], most: int, none: str, *, rose: bool = False
) -> Block:
    """Operators with their score then and now, and what speaks against them; *none* says that there is nobody."""
    portfolio = found.portfolio
    if not movers:
        none = f"Of those who can be compared, {none[0].lower()}{none[1:]}" if moves.uncompared else none
        return Prose(none, (number(portfolio, 0, "count"),))
    rows = [_row(portfolio, moves, mover, found.lines.get(mover.operator_id)) for mover in movers[:most]]
    headers = ("Operator", "MRR", "Then", "Now", "Change", "To watch" if rose else "Why")
    return table(portfolio, headers, rows, "", len(movers))


def uncompared(moves: Moves) -> Prose | None:
    """Of how many no change can be told, and why; None where of everybody it can."""
    if not moves.uncompared:
        return None
    count = Fact(moves.uncompared, "count", (moves.receipt,), moves.then.as_of)
    day = f"{moves.then.as_of:%Y-%m-%d}"
    why = f"not the same was known of them on {day}"
    if moves.then.kind == "backfill" and moves.then.untold:
        why = f"{day} was scored later, from less than is known now"
    return Prose(f"{counted(moves.uncompared, 'operator')} cannot be compared: {why}.", (count,), "unknown")


def _row(found: Portfolio, moves: Moves, mover: Mover, line: Line | None) -> tuple[Cell, ...]:
    proof = (moves.receipt, found.receipt)
    unknown = Text("not known", "unknown")
    then: Cell = Text("not there", "unknown")
    if mover.then is not None:
        then = Fact(mover.then, "points", proof, moves.then.as_of, "health_score")
    now: Cell = unknown
    if mover.now is not None:
        words = f"{mover.now} {standing_label(mover.band, mover.status)}"
        now = Fact(words, "text", proof, found.snapshot.as_of, "health_score")
    change: Cell = unknown
    if mover.points is not None:
        change = Fact(mover.points, "points", proof, found.snapshot.as_of, "score_change")
    return (
        Text(mover.name or mover.operator_id, BAND_TONES[mover.band], operator=mover.operator_id),
        mrr_cell(line.figure("mrr", found.snapshot.as_of)) if line else unknown,
        then,
        now,
        change,
        brief(line.figure("flag", found.snapshot.as_of)) if line else unknown,
    )


def money_at_risk(found: Portfolio) -> Fact[Amounts] | Gap:
    """The MRR of operators At Risk or Critical, by currency."""
    return summed(found, [group for group in found.bands if group.name in AT_RISK_BANDS])


def summed(found: Portfolio, groups: Sequence[Group]) -> Fact[Amounts] | Gap:
    """The MRR of groups that share nobody, by currency, never added over them; of how many it is known, where not of all."""
    of, unknown = (sum(getattr(group, name) for group in groups) for name in ("operators", "mrr_unknown"))
    if of and unknown == of:
        return Gap(found.receipt.source, "none_found", "the MRR of none of them is known", metric="mrr")
    note = f"known of {of - unknown} of {counted(of, 'operator')}" if unknown else ""
    return replace(mrr_fact(found, groups), note=note)


def money_table(found: Portfolio) -> Iterator[Block]:
    """The MRR by segment and currency, and how much of it is at risk; then of how many it is not known."""
    rows: list[tuple[Cell, ...]] = []
    for segment, currency in sorted({(one.segment, one.currency) for one in found.amounts}):
        own = [one for one in found.amounts if (one.segment, one.currency) == (segment, currency)]
        whole, part = (sum(one.minor for one in own if one.band in bands) for bands in (BAND_LABELS, AT_RISK_BANDS))
        rows.append(
            (
                Text(segment),
                Text(currency),
                _money(found, currency, whole),
                _money(found, currency, part),
                number(found, part / whole if whole else 0.0, "ratio"),
            )
        )
    unknown = sum(group.mrr_unknown for group in found.bands)
    if rows:
        headers = ("Segment", "Currency", "MRR", "At risk", "Share")
        yield table(found, headers, rows, "MRR by segment and currency", words=("Currency",))
    elif not unknown:
        yield Prose("Nobody pays a subscription.", (number(found, 0, "count"),))
    if unknown:
        text = f"The MRR of {counted(unknown, 'operator')} is not known and in no sum."
        yield Prose(text, (number(found, unknown, "count"),), "watch")


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
