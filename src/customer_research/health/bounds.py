"""What the unknown could do to a score: every rule that cannot be judged fires or does not, through the scoring SQL itself.

The scorecard is compiled with a column per rule and gate that decides its verdict where it is not null. One row per
question, bound and combination of verdicts goes through that SQL; the least and the greatest score are the bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import Any

from customer_research.domain.health import BAND_ORDER, Bounds
from customer_research.health.conditions import Condition
from customer_research.health.rules import Case
from customer_research.health.scorecard import GateRule, Rule, Scorecard
from customer_research.health.scoring import scoring_sql

BOUNDS_TABLE = "account_verdicts"
"""The table of rows to be scored: the metrics that the scorecard names, and the columns of `verdict_columns`."""

EXTREMES: Mapping[str, tuple[Any, Any]] = MappingProxyType(
    {
        "count": (0, 1000),
        "points": (0, 100),
        "usd_minor": (0, 10**9),
        "ratio": (-1.0, 10.0),
        "days": (0.0, 10_000.0),
        "number": (0.0, 1000.0),
        "boolean": (False, True),
    }
)
"""Unit → the values a metric takes once it is known: they multiply points, make a dimension known, and decide conditions
that ask whether it is null. All other conditions are decided by the verdict columns."""


@dataclass(frozen=True, slots=True)
class Question:
    """A set of unknown metrics that would become known together."""

    name: str
    metrics: tuple[str, ...]


def verdict_columns(card: Scorecard) -> tuple[str, ...]:
    """The columns that decide verdicts: 1 fires, 0 does not, null leaves it to the figures."""
    return (*(_column(rule) for rule in card.rules), *(_column(gate) for gate in card.gates))


def bounds_sql(card: Scorecard) -> str:
    """The scoring query over `BOUNDS_TABLE`, whose verdict columns come before the conditions."""
    rules = tuple(replace(rule, cases=_decided(rule.cases, _column(rule))) for rule in card.rules)
    gates = tuple(replace(gate, cases=_decided(gate.cases, _column(gate))) for gate in card.gates)
    return scoring_sql(replace(card, rules=rules, gates=gates), BOUNDS_TABLE)


def _column(part: Rule | GateRule) -> str:
    return f"verdict_{part.key}" if isinstance(part, Rule) else f"verdict_gate_{part.name}"


def _decided(cases: Sequence[Case], column: str) -> tuple[Case, ...]:
    return tuple(
        replace(
            case,
            when=Condition(
                f"CASE WHEN {column} = 1 THEN TRUE WHEN {column} = 0 THEN FALSE ELSE ({case.when.sql}) END",
                case.when.metrics,
            ),
        )
        for case in cases
    )


class Unknowns:
    """The questions about one operator, as rows to be scored.

    Args:
        card: the scorecard.
        row: the operator's row of the wide table.
        scored: its row of the scorecard's own query, which tells what cannot be judged (null cases).
        units: metric → unit.
    """

    def __init__(
        self, card: Scorecard, row: Mapping[str, Any], scored: Mapping[str, Any], units: Mapping[str, str]
    ) -> None:
        self._card = card
        self._row = row
        self._scored = scored
        self._units = units
        self._excluding = {other.lower() for rule in card.rules for other in rule.unless}

    def rows(self, question: Question) -> list[dict[str, Any]]:
        """The rows whose scores bound the answer; `operator_id` tells which is which."""
        return [
            {**self._row, **known, **verdicts, "operator_id": f"{question.name}/{number}"}
            for number, (known, verdicts) in enumerate(
                product(self._known(question.metrics), self._verdicts(self._open(question.metrics)))
            )
        ]

    def bounds(self, question: Question, scored: Sequence[Mapping[str, Any]]) -> Bounds:
        """The bounds that the scored rows of a question give."""
        known = [row for row in scored if row["score"] is not None]
        lows, highs = ([int(row[end]) for row in known] for end in ("score", "score_high"))
        bands = sorted({row["band"] for row in (known or scored)}, key=BAND_ORDER.index)
        return Bounds(
            lower=min(lows, default=None),
            upper=max(highs, default=None),
            lower_band=bands[-1],
            upper_band=bands[0],
            rules=tuple(part.id if isinstance(part, Rule) else part.name for part in self._open(question.metrics)),
        )

    def _open(self, metrics: Collection[str]) -> tuple[Rule | GateRule, ...]:
        """The rules and gates that cannot be judged now and name one of the metrics."""
        rules = (r for r in self._card.rules if self._scored[f"case_{r.key}"] is None and _names(r, metrics))
        gates = (g for g in self._card.gates if self._scored[f"gate_{g.name}"] is None and _names(g, metrics))
        return (*rules, *gates)

    def _known(self, metrics: Collection[str]) -> Iterator[dict[str, Any]]:
        for end in (0, 1):
            yield {name: EXTREMES[self._units[name]][end] for name in metrics if self._units[name] in EXTREMES}

    def _verdicts(self, parts: Sequence[Rule | GateRule]) -> list[dict[str, int]]:
        """Every verdict that may bound the score.

        Rules that exclude others are tried both ways; given those, each other rule bounds the score by itself.
        """
        tried = [part for part in parts if isinstance(part, Rule) and part.key in self._excluding]
        return [
            {_column(part): _fires(part, worst=worst) for part in parts}
            | {_column(part): fires for part, fires in zip(tried, choice, strict=True)}
            for choice in product((0, 1), repeat=len(tried))
            for worst in (True, False)
        ]


def _names(part: Rule | GateRule, metrics: Collection[str]) -> bool:
    named = {name for case in part.cases for name in case.when.metrics}
    return bool(named & set(metrics)) or (isinstance(part, Rule) and part.per in metrics)


def _fires(part: Rule | GateRule, *, worst: bool) -> int:
    """Whether a rule or gate fires in the worst or the best case."""
    takes = isinstance(part, GateRule) or part.points < 0
    return int(takes == worst)
