"""Choosing among everybody of a snapshot: filters, orders, groups and sums over how operators stand, wherever that is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from customer_research.domain.health import PRESENT, Band
from customer_research.domain.money import Amounts, totals
from customer_research.domain.portfolio import Amount, Group, Portfolio, Scope, Sort
from customer_research.research.portfolio.owners import People, fitting_owners

if TYPE_CHECKING:
    from customer_research.domain.line import Line, Need, Standing
    from customer_research.domain.rates import Rates
    from customer_research.domain.report import Freshness
    from customer_research.domain.snapshot import Snapshot
    from customer_research.research.portfolio.requests import Selection

_EXAMPLES = 3
_NOT_KNOWN = "not known"


def _by_worth(one: Standing) -> tuple[bool, int]:
    """The largest MRR first; what is not known last."""
    return one.worth is None, -(one.worth or 0)


def _by_score(one: Standing) -> tuple[bool, int]:
    """The least score first; before it who has none."""
    return one.score is not None, one.score or 0


_ORDERS: Mapping[Sort, Callable[[Standing], tuple[Any, ...]]] = {
    "attention": lambda one: (-one.attention, *_by_worth(one), *_by_score(one), one.operator_id),
    "score": lambda one: (*_by_score(one), *_by_worth(one), one.operator_id),
    "mrr": lambda one: (*_by_worth(one), one.operator_id),
    "name": lambda one: (one.name.lower(), one.operator_id),
    "trend": lambda one: (one.trend is None, one.trend or 0, *_by_worth(one), one.operator_id),
}


def choose(everybody: Sequence[Standing], selection: Selection, sort: Sort = "attention") -> tuple[list[Standing], str]:
    """Who is chosen, in the order asked for; and the choice in words.

    Raises:
        UsageError: nobody's owner is called so.
    """
    asked = selection.owner.strip()
    owners = fitting_owners(asked, sorted({one.owner for one in everybody if one.owner})) if asked else ()
    chosen = [one for one in everybody if _takes(selection, owners, one)]
    untold, least = 0, selection.least_minor
    if least is not None:
        untold = sum(one.usd is None for one in chosen)
        chosen = [one for one in chosen if one.usd is not None and one.usd >= least]
    return sorted(chosen, key=_ORDERS[sort]), selection.words(owners, untold)


def _takes(selection: Selection, owners: Collection[str], one: Standing) -> bool:
    """Whether an operator is chosen, whatever it pays."""
    return (
        one.status in (selection.statuses or PRESENT)
        and (not selection.bands or one.band in selection.bands)
        and (not selection.segments or one.segment in selection.segments)
        and (not owners or one.owner in owners)
        and (not selection.rules or not set(selection.rules).isdisjoint(one.findings))
        and selection.text.lower() in " ".join(one.name.split()).lower()
    )


class Listing(Protocol):
    """A snapshot as lists read it."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot."""

    @property
    def now(self) -> datetime:
        """The instant at which it is looked at."""

    @property
    def freshness(self) -> tuple[Freshness, ...]:
        """How the sources answered."""

    @property
    def rates(self) -> Rates | None:
        """The exchange rates of its day."""

    def everybody(self) -> Sequence[Standing]:
        """How everybody in it stands, customers or not."""

    def lines(self, operator_ids: Collection[str]) -> Mapping[str, Line]:
        """The lines of these operators by id, in the order given; who is not in it is left out."""

    def needs(self, operator_ids: Collection[str]) -> Mapping[str, Need]:
        """How soon these operators need somebody, by id; who is not in it is left out."""

    def people(self) -> People:
        """The account owners, by name."""

    def owned(self, people: People) -> frozenset[str]:
        """The operators of these account owners, customers or not."""


class OneBook:
    """A snapshot as lists read it, of some operators alone (see `Listing`)."""

    def __init__(self, listing: Listing, operator_ids: frozenset[str]) -> None:
        self._listing, self._ids = listing, operator_ids
        self.snapshot, self.now = listing.snapshot, listing.now
        self.freshness, self.rates = listing.freshness, listing.rates

    def everybody(self) -> Sequence[Standing]:
        """How they stand, customers or not."""
        return tuple(one for one in self._listing.everybody() if one.operator_id in self._ids)

    def lines(self, operator_ids: Collection[str]) -> Mapping[str, Line]:
        """The lines of these operators by id, in the order given; another's are left out."""
        return self._listing.lines([one for one in operator_ids if one in self._ids])

    def needs(self, operator_ids: Collection[str]) -> Mapping[str, Need]:
        """How soon these operators need somebody, by id; another's are left out."""
        return self._listing.needs([one for one in operator_ids if one in self._ids])

    def people(self) -> People:
        """The account owners of all, by name."""
        return self._listing.people()

    def owned(self, people: People) -> frozenset[str]:
        """Those of these operators that these account owners have."""
        return self._listing.owned(people) & self._ids


def portfolio(listing: Listing, selection: Selection, sort: Sort = "attention", *, lines: bool = True) -> Portfolio:
    """The operators selected of a snapshot, in an order, and sums over them; without `lines`, the sums alone.

    Raises:
        UsageError: nobody's owner is called so.
    """
    everybody = listing.everybody()
    chosen, words = choose(everybody, selection, sort)
    return Portfolio(
        snapshot=listing.snapshot,
        generated_at=listing.now,
        lines=tuple(listing.lines([one.operator_id for one in chosen[: selection.most if lines else 0]]).values()),
        chosen=Scope(words, len(chosen), len(everybody)),
        receipt=listing.snapshot.scoring,
        freshness=listing.freshness,
        bands=groups((one.band, one.mrr, _banded(one)) for one in chosen),
        segments=groups((one.segment or _NOT_KNOWN, one.mrr, _banded(one)) for one in chosen),
        statuses=groups((one.status, one.mrr, _banded(one)) for one in chosen),
        amounts=tuple(_amounts(chosen)),
        disagreements=tuple(_disagreements(chosen)),
        rates=listing.rates,
    )


def _banded(one: Standing) -> int | None:
    """What is averaged: the scores of those who stand in the bands."""
    return one.score if one.band != "outside" else None


def summed(amounts: Sequence[Amounts | None]) -> tuple[Amounts, int]:
    """The MRR of operators, each currency on its own, and of how many it is not known."""
    known = totals(money for held in amounts for money in held or ())
    return tuple(money for money in known if money.minor), sum(held is None for held in amounts)


def groups(members: Iterable[tuple[str, Amounts | None, float | None]]) -> tuple[Group, ...]:
    """Operators by name of their group, each with MRR and what is averaged; the largest group first, then by name."""
    found: dict[str, list[tuple[Amounts | None, float | None]]] = defaultdict(list)
    for name, mrr, value in members:
        found[name].append((mrr, value))
    made = (Group(name, len(of), *summed([mrr for mrr, _ in of]), _mean(of)) for name, of in found.items())
    return tuple(sorted(made, key=lambda group: (-group.operators, group.name)))


def _mean(of: Sequence[tuple[Any, float | None]]) -> float | None:
    known = [value for _, value in of if value is not None]
    return sum(known) / len(known) if known else None


def _amounts(chosen: Iterable[Standing]) -> Iterator[Amount]:
    """The MRR by band, segment and currency."""
    found: dict[tuple[Band, str], list[Amounts | None]] = defaultdict(list)
    for one in chosen:
        found[one.band, one.segment or _NOT_KNOWN].append(one.mrr)
    for (band, segment), amounts in sorted(found.items()):
        yield from (Amount(band, segment, money.currency, money.minor) for money in summed(amounts)[0])


_DISAGREEMENTS: Sequence[tuple[str, frozenset[str]]] = (
    ("Usage falls, the plan runs on", frozenset({"R1", "R2"})),
    ("Usage falls and nobody talks", frozenset({"R9"})),
    ("Usage is well, money is not", frozenset({"R3"})),
    ("Usage and money both fall", frozenset({"R5"})),
    ("Usage is well, support is not", frozenset({"R10"})),
    ("Cards are disputed and tickets are open", frozenset({"R6"})),
    ("They pay and have never used it", frozenset({"R17"})),
    ("Payments are late as the renewal comes", frozenset({"R12"})),
    ("A quiet month, but booked ahead", frozenset({"R15"})),
    ("Sources disagree on churn", frozenset({"R18"})),
)
"""What findings say when money, usage and support are laid side by side."""


def _disagreements(chosen: Sequence[Standing]) -> Iterator[Group]:
    for title, rules in _DISAGREEMENTS:
        of = sorted((one for one in chosen if not rules.isdisjoint(one.findings)), key=_ORDERS["mrr"])
        if of:
            mrr = summed([one.mrr for one in of])
            yield Group(title, len(of), *mrr, examples=tuple(one.name for one in of[:_EXAMPLES]))
