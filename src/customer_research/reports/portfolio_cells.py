"""Of many operators at once: figures over the snapshot, tables of operators and of groups, and the head above them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from customer_research.documents.present import source_title
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, merge_basis
from customer_research.domain.health import AT_RISK_BANDS, BAND_LABELS, UNTOLD_BANDS
from customer_research.domain.money import Amounts, totals
from customer_research.domain.report import Block, Cell, Prose, Table, Text, Tone
from customer_research.domain.tables import STALE_AFTER
from customer_research.domain.words import counted, value_words
from customer_research.reports.blocks import NOT_KNOWN, SCORE_AGAIN, stated
from customer_research.reports.conversion import converted
from customer_research.reports.kind import Head

if TYPE_CHECKING:
    from customer_research.domain.account import Account
    from customer_research.domain.portfolio import Group, Portfolio


def portfolio_head(found: Portfolio, headline: Prose, warnings: Iterable[Prose] = ()) -> Head:
    """The head of a report on a portfolio: what is unknown of everybody is warned of."""
    return Head(found.generated_at, found.snapshot.as_of, found.freshness, headline, (*gap_warnings(found), *warnings))


def nobody(found: Portfolio) -> Prose | None:
    """That nobody matches the filter (or is there at all), and how many there are without it; None where somebody does.

    Of nobody nothing is well: whoever sees an empty list must not take it for good news.
    """
    if found.chosen.matching:
        return None
    if found.chosen.words:
        text = f"No operator matches the filter ({found.chosen.words}); without it there are {found.chosen.of:,} in the snapshot."
    else:
        text = f"There is nobody to look at: of {counted(found.chosen.of, 'operator')} in the snapshot none is a customer now."
    return Prose(text, (number(found, found.chosen.of, "count"),), "unknown")


def number(found: Portfolio, value: float, unit: str) -> Fact[float]:
    """A figure computed over the snapshot, with its receipt."""
    return Fact(value, unit, (found.receipt,), found.snapshot.as_of)


def group_table(
    found: Portfolio, rows: Sequence[Group], of: str, caption: str, average: str = "Average score"
) -> Table | None:
    """Groups with their number, MRR and average."""
    if not rows:
        return None
    of_all = sum(row.operators for row in rows)
    headers = (of, "Operators", "Share", "MRR", "MRR unknown", average)
    return table(found, headers, [_group_row(found, group, of_all) for group in rows], caption)


def _group_row(found: Portfolio, group: Group, of: int) -> tuple[Cell, ...]:
    nobody = Text("nobody has one", "unknown")
    average: Cell = nobody if group.average is None else number(found, round(group.average, 1), "number")
    share = number(found, group.operators / of if of else 0.0, "ratio")
    return (Text(group.name), number(found, group.operators, "count"), share, *mrr_cells(found, group), average)


def mrr_cells(found: Portfolio, group: Group) -> tuple[Cell, Cell]:
    """The group's MRR, each currency on its own, and of how many of it the MRR is not known."""
    known = group.mrr_unknown < group.operators or not group.operators
    return mrr_fact(found, [group]) if known else NOT_KNOWN, number(found, group.mrr_unknown, "count")


_NONE = Text("none", "unknown")


def mrr_fact(found: Portfolio, groups: Iterable[Group]) -> Fact[Amounts]:
    """What is known of the MRR of groups that share nobody, each currency on its own, never added over them."""
    sums = totals(money for group in groups for money in group.mrr)
    return Fact(sums, "money", (found.receipt,), found.snapshot.as_of, "mrr")


def mrr_words(found: Portfolio, groups: Sequence[Group]) -> tuple[str, tuple[Fact[Any], ...]]:
    """The MRR of groups that share nobody, in words with its facts: of how many it is known, never zero for an unknown one.

    Several currencies stand side by side; their total is told where a rate is set for each.
    """
    of, unknown = (sum(getattr(group, name) for group in groups) for name in ("operators", "mrr_unknown"))
    if of and unknown == of:
        return "MRR not known", ()
    mrr = mrr_fact(found, groups)
    known = [f"known of {of - unknown} of {of}"] if unknown else []
    facts: list[Fact[Any]] = [mrr]
    if len(mrr.value) > 1:
        total = converted(mrr, found.rates, found.snapshot.as_of)
        if isinstance(total, Fact):
            facts.append(total)
            known.insert(0, f"together {value_words(replace(total, note=''))}")
    more = f" ({'; '.join(known)})" if known else ""
    told = f"{value_words(mrr)} of MRR a month" if mrr.value else "no MRR"
    return f"{told}{more}", tuple(facts)


def operator_cell(account: Account) -> Text:
    """The operator's name."""
    return Text(account.name or account.operator_id, operator=account.operator_id)


def mrr_cell(found: Figure) -> Cell:
    """An operator's MRR in its own currencies; one that is not known is not none."""
    return NOT_KNOWN if isinstance(found, Gap) and found.reason in ANSWERS else brief(found)


def mrr_said(found: Figure) -> str:
    """An operator's MRR as part of a sentence; one that is not known is not none."""
    if isinstance(found, Gap):
        return "MRR not known"
    return f"{value_words(found)} of MRR a month" if found.value else "no MRR"


def brief(found: Figure) -> Cell:
    """A figure for a narrow cell, without its note; a gap that is an answer is told as none, a hole stays what it is."""
    if isinstance(found, Gap):
        return _NONE if found.reason in ANSWERS else found
    return replace(found, note="")


def table(
    found: Portfolio,
    headers: Sequence[str],
    rows: Sequence[tuple[Cell, ...]],
    caption: str,
    total: int | None = None,
    *,
    words: tuple[str, ...] = (),
    under: str = "",
) -> Table:
    """Rows of many operators, their receipts told once above them; figures stand to the right; `words` and `under` as in `Table`."""
    facts = [cell for row in rows for cell in row if isinstance(cell, Fact)]
    return Table(
        tuple(headers),
        tuple(rows),
        merge_basis([number(found, len(rows), "count"), *facts]),
        caption,
        total,
        tuple("right" if any(_is_number(row[at]) for row in rows) else "left" for at in range(len(headers))),
        words,
        under,
    )


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, Fact) and cell.unit not in {"text", "date"}


def headline(found: Portfolio) -> Prose:
    """How many operators are At Risk or Critical, with how much MRR."""
    none = nobody(found)
    if none is not None:
        return none
    counts = {group.name: group for group in found.bands}
    critical, at_risk = (counts.get(band) for band in ("critical", "at_risk"))
    worst = [group for group in (critical, at_risk) if group is not None]
    parts = [f"{group.operators} {BAND_LABELS[group.name]}" for group in worst]
    money, facts = mrr_words(found, worst)
    total = number(found, found.chosen.matching, "count")
    chosen = f" ({found.chosen.words})" if found.chosen.words else ""
    if found.chosen.matching and untold(found) == found.chosen.matching:
        words = (
            f"{counted(found.chosen.matching, 'operator')}{chosen}: too little is known of any to tell how it stands."
        )
        return Prose(words, (total,), "unknown")
    open_ = untold(found)
    standing = (
        f"{' and '.join(parts)}, with {money}"
        if parts
        else f"nobody{' known to be' if open_ else ''} At Risk or Critical"
    )
    rest = f"; the band of {open_:,} is not settled" if open_ else ""
    facts = (*facts, *((number(found, open_, "count"),) if open_ else ()))
    tone = _tone(worst, untold=bool(open_))
    return Prose(f"{counted(found.chosen.matching, 'operator')}{chosen}: {standing}{rest}.", (total, *facts), tone)


def untold(found: Portfolio) -> int:
    """Of how many operators it cannot be told in which band they stand."""
    return sum(group.operators for group in found.bands if group.name in UNTOLD_BANDS)


def _tone(worst: Sequence[Group], *, untold: bool) -> Tone:
    if any(group.name in AT_RISK_BANDS and group.operators for group in worst):
        return "bad"
    return "unknown" if untold else "good"


def gap_warnings(found: Portfolio) -> Iterator[Prose]:
    """Tables that are unknown of everybody: the coverage of every score is lower for it; and an old snapshot."""
    for gap in found.snapshot.gaps:
        yield Prose(f"Unknown of every operator ({source_title(gap.source)}): {gap.detail}", (), "watch")
    if found.no_history is not None:
        yield Prose(f"What changed in 30 days is not known: {found.no_history.detail}", (), "watch")
    age = found.generated_at - found.snapshot.as_of
    if age > STALE_AFTER:
        words = f"The newest snapshot is {age // timedelta(days=1)} days old."
        yield Prose(words, (), "watch", SCORE_AGAIN)


def disagreements_table(found: Portfolio, most: int | None = None) -> Block:
    """Where money, usage and support do not tell the same story (correlation rules); the first *most*."""
    if not found.disagreements:
        return Prose(
            "Money, usage and support tell the same story wherever they are known.", (number(found, 0, "count"),)
        )
    headers = ("What they say", "Operators", "MRR", "MRR unknown", "For example")
    rows = [
        (
            Text(group.name),
            number(found, group.operators, "count"),
            *mrr_cells(found, group),
            stated(", ".join(group.examples), (found.receipt,), found.snapshot.as_of, theirs=True),
        )
        for group in found.disagreements[:most]
    ]
    return table(found, headers, rows, "", len(found.disagreements))
