"""Renewals: what ends, renews or bills next, by day and money."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from customer_research.domain.book import BILLING_DAYS, RENEWAL_WINDOWS, Renewals
from customer_research.domain.evidence import Fact, merge_basis
from customer_research.domain.line import Line
from customer_research.domain.money import Amounts, totals
from customer_research.domain.report import Block, Cell, Prose, Tone
from customer_research.domain.words import counted, value_words
from customer_research.reports import lines
from customer_research.reports.blocks import bullets
from customer_research.reports.kind import Head, Kind, section
from customer_research.reports.lines import list_table, old_figures, owner_words

MOST = 10
"""How many operators of each list are shown."""

_WINDOWS = ", ".join(f"{segment} {days}" for segment, days in RENEWAL_WINDOWS.items())


def _within(found: Renewals) -> str:
    if found.until is not None:
        return f" until {found.until:%Y-%m-%d}"
    if found.days is not None:
        return f" within {found.days} days"
    return f" (days before, by segment: {_WINDOWS})"


def _asked(found: Renewals) -> str:
    """How far ahead is looked, where somebody said so: what is set to end is shown whenever it ends otherwise."""
    return "" if found.days is None else _within(found)


def _headline(found: Renewals) -> Prose:
    told = [
        _summed(found, found.ends, "set to end"),
        _summed(found, found.renews, "to renew"),
    ]
    words = " and ".join(words for words, _ in told)
    operators = counted(found.operators, "operator")
    open_ = max(found.unknown["ends_on"], found.unknown["renews_on"])
    tone: Tone = "bad" if found.ends else "unknown" if open_ else "watch" if found.renews else "good"
    rest = f" Of {open_} it is not known: a source is silent." if open_ else ""
    when = f"Until {found.until:%Y-%m-%d}, the end of the quarter, of" if found.until is not None else "Of"
    return Prose(f"{when} {operators} {words}.{rest}", tuple(fact for _, facts in told for fact in facts), tone)


def _summed(found: Renewals, some: Sequence[Line], what: str) -> tuple[str, tuple[Fact[Any], ...]]:
    """How many they are, with how much MRR, each currency on its own; of how many it is not known."""
    count = Fact(len(some), "count", (found.receipt,), found.snapshot.as_of)
    if not some:
        return f"none {'is' if what != 'to renew' else 'has'} {what}", (count,)
    verb = ("is" if len(some) == 1 else "are") if what != "to renew" else ("has" if len(some) == 1 else "have")
    money = _mrr(found, some)
    unknown = sum(line.mrr is None for line in some)
    rest = f" (of {unknown} not known)" if unknown else ""
    worth = f", with {value_words(money)} of MRR a month{rest}" if money is not None else f", with MRR not known{rest}"
    return f"{len(some)} {verb} {what}{worth}", (count, *((money,) if money is not None else ()))


def _mrr(found: Renewals, some: Sequence[Line]) -> Fact[Amounts] | None:
    known = [cell for line in some if isinstance(cell := lines.mrr(line, found.snapshot.as_of), Fact)]
    if not known:
        return None
    sums = totals(money for line in some for money in line.mrr or ())
    return Fact(tuple(money for money in sums if money.minor), "money", merge_basis(known), found.snapshot.as_of, "mrr")


def _rows(found: Renewals, some: Sequence[Line], day: str, tone: Tone) -> Iterator[Block]:
    as_of = found.snapshot.as_of
    if not some:
        if found.unknown[day]:
            yield Prose("None is known.", (), "unknown")
        else:
            yield Prose("None.", (Fact(0, "count", (found.receipt,), as_of),))
        return
    rows: list[tuple[Cell, ...]] = [
        (
            lines.operator(line),
            lines.fact(line, day, getattr(line, day), "date", as_of, tone=tone),
            lines.mrr(line, as_of),
            lines.health(line, as_of),
            lines.fact(line, "owner", line.owner, "text", as_of),
        )
        for line in some[:MOST]
    ]
    headers = ("Operator", "Day", "MRR", "Health", "Account owner")
    yield list_table(headers, rows, len(some), (found.receipt,), right=("MRR",))


def _list(day: str, tone: Tone) -> Callable[[Renewals], Iterator[Block]]:
    """The rows of those that have this day."""
    chosen = {"ends_on": "ends", "renews_on": "renews", "bills_on": "bills"}[day]
    return lambda found: _rows(found, getattr(found, chosen), day, tone)


KIND = Kind(
    "renewals",
    "Renewals",
    lambda found: Head(
        found.generated_at,
        found.snapshot.as_of,
        found.freshness,
        _headline(found),
        title=f"Renewals: {owner_words(found)}",
    ),
    (
        section("ends", "Set to end", _list("ends_on", "bad"), titled=lambda found: f"Set to end{_asked(found)}"),
        section("renews", "Renew", _list("renews_on", "watch"), titled=lambda found: f"Renew{_within(found)}"),
        section(
            "bills",
            f"Billed within {BILLING_DAYS} days",
            _list("bills_on", "neutral"),
            titled=lambda found: (
                f"Billed{_within(found) if found.days is not None else f' within {BILLING_DAYS} days'}"
            ),
        ),
        section("old", "Old figures", lambda found: bullets(old_figures(found))),
    ),
    answers="What ends, renews or bills next, when, and with how much MRR?",
    place=126,
    about="everybody",
    use_case="renewals",
    needs=frozenset(),
)
