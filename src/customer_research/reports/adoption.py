"""How much of the platform is used: shares beside their goals, and beside the middle of similar operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.peers import COMPARED, Likeness
from customer_research.domain.ranges import goal
from customer_research.domain.report import Block, Chart, Mark, Prose
from customer_research.domain.words import value_words

GOALS = "Shares now, and their goals"
PEERS = "Shares beside the middle of similar operators"

NAMES = {
    "driver_app_rate": "Trips driven with the driver app",
    "setup_completion": "Set-up done",
    "collection_rate_90d": "Trip value collected",
    "charge_success_rate": "Card charges that succeed",
}
_ALIKE: dict[Likeness, str] = {"size_tier": "operators of a similar size", "segment": "operators on a similar plan"}
_FEWEST = 2
"""A single share is no picture."""

_NEAR = 0.02
"""A share that differs by less is about the same."""

_Pair = tuple[str, Fact[Any], Fact[Any]]


def goals(account: Account) -> Chart | None:
    """Each known share beside its goal; None where fewer than two are known."""
    found = [(name, fact, _goal(name, fact)) for name in COMPARED if (fact := account.fact(name)) is not None]
    if len(found) < _FEWEST:
        return None
    open_ = [(name, fact, aim) for name, fact, aim in found if not goal(name).holds(fact.value)]
    text = f"{len(found) - len(open_)} of {len(found)} goals are reached."
    if open_:
        told = "; ".join(f"{_lower(name)} {value_words(fact)} (goal {value_words(aim)})" for name, fact, aim in open_)
        text = f"{text[:-1]}; open: {told}."
    return _beside(GOALS, text, found, "Now", "Goal")


def _goal(name: str, fact: Fact[Any]) -> Fact[Any]:
    return Fact(goal(name).limit, "ratio", fact.basis, fact.as_of)


def against_peers(account: Account) -> Iterator[Block]:
    """Each share beside the middle of similar operators; nothing where fewer than ten others stand behind every one of them."""
    peers = account.peers
    if isinstance(peers, Gap):
        return
    found = [
        (name, fact, peers.middles[name])
        for name in COMPARED
        if name in peers.middles and (fact := account.fact(name)) is not None
    ]
    if len(found) < _FEWEST:
        return
    fewest = min(peers.operators[name] for name, _, _ in found) - 1
    middles = tuple(middle for _, _, middle in found)
    yield Prose(
        f"Similar: {fewest:,} or more other {_ALIKE[peers.likeness]}, none of them named; shown is their middle.",
        middles,
    )
    yield _beside(PEERS, _standing(found), found, "This operator", "Similar operators")


def _standing(found: Sequence[_Pair]) -> str:
    """In how many of the measures the operator is ahead, level, behind."""
    ahead = sum(fact.value - middle.value > _NEAR for _, fact, middle in found)
    level = sum(abs(fact.value - middle.value) <= _NEAR for _, fact, middle in found)
    counts = (("ahead of", ahead), ("level with", level), ("behind", len(found) - ahead - level))
    told = [(words, number) for words, number in counts if number]
    (first, number), *rest = told
    more = "".join(f", {words.split()[0]} in {number}" for words, number in rest)
    return f"{first[0].upper()}{first[1:]} similar operators in {number} of {len(found)} measures{more}."


def _beside(title: str, text: str, found: Sequence[_Pair], own: str, other: str) -> Chart:
    marks = [
        Mark(NAMES[name], figure, series, label=label)
        for name, fact, beside in found
        for figure, series, label in ((fact, own, own.lower()), (beside, other, other.lower()))
    ]
    facts = tuple(fact for _, *pair in found for fact in pair)
    return Chart("dimensions", title, Prose(text, facts), tuple(marks), "Measure", "Share")


def _lower(name: str) -> str:
    words = NAMES[name]
    return f"{words[0].lower()}{words[1:]}"
