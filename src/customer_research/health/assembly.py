"""From a row of the scoring query and the account's figures to a `HealthScore` with sentences, facts and evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast, get_args

from customer_research.domain.evidence import ANSWERS, Evidence, Fact, Figure, Gap, GapReason, Receipt, merge_basis
from customer_research.domain.health import (
    Band,
    Contribution,
    Dimension,
    Gate,
    HealthScore,
    Lever,
    ObservedLike,
    Status,
    UnjudgedGate,
    UnjudgedRule,
)
from customer_research.domain.vocabularies import CLAMP
from customer_research.errors import EngineError
from customer_research.health.rules import Case, metrics_of
from customer_research.health.scorecard import PERMILLE, DimensionRule, Rule, Scorecard
from customer_research.health.scoring import levers
from customer_research.health.sentences import filled

EvidenceOf = Callable[[str], Evidence]
"""The records behind a metric, by the metric's name."""

_WORST_FIRST: Sequence[GapReason] = (
    "unavailable",
    "denied",
    "not_permitted",
    "truncated",
    "stale",
    "not_configured",
    "past",
    "not_comparable",
    "not_applicable",
    "none_found",
)


def assemble(
    scorecard: Scorecard, row: Mapping[str, Any], figures: Mapping[str, Figure], evidence: EvidenceOf
) -> HealthScore:
    """The health score of one operator.

    `row` is its row of `scoring_sql(scorecard)`; `figures` the account's figures by metric, of the same instant;
    `evidence` is called once for each line that fired.

    Raises:
        EngineError: when a rule fired on a metric that the figures call a gap: row and figures are not of one account.
    """
    teller = _Assembly(scorecard, row, figures, evidence)
    dimensions = tuple(teller.dimension(dimension) for dimension in scorecard.dimensions)
    score = row["score"]
    return HealthScore(
        score=None if score is None else int(score),
        band=cast("Band", row["band"]),
        status=status_of(row["status"]),
        coverage=float(row["coverage"]),
        dimensions=dimensions,
        gates=tuple(teller.gates(dimensions)),
        gaps=_gaps(dimensions),
        scorecard=scorecard.name,
        version="+".join((scorecard.version, *scorecard.options)),
        digest=scorecard.digest,
        unjudged_gates=tuple(teller.unjudged_gates(dimensions)),
        observed=_observed(scorecard, None if row["uncapped"] is None else int(row["uncapped"])),
        uncapped=None if row["uncapped"] == score else int(row["uncapped"]),
        highest=None if row["score_high"] == score else int(row["score_high"]),
    )


def levers_of(scorecard: Scorecard, rows: Iterable[Mapping[str, Any]], score: HealthScore) -> tuple[Lever, ...]:
    """What each lever of an operator moves, of the rows of `levers_sql(scorecard)`, in the scorecard's order.

    A sign that holds and counts for nothing in the score, since another excludes it, is none.
    """
    every = levers(scorecard)
    order = tuple(every)
    counting = {*(line.rule for line in score.contributions), *(gate.name for gate in score.gates)}

    def lever(row: Mapping[str, Any]) -> Lever:
        score, high = row["score"], row["score_high"]
        return Lever(
            every[row["lever"]],
            None if score is None else int(score),
            None if high == score else int(high),
            cast("Band", row["band"]),
        )

    counted = (row for row in rows if counting.intersection(every[row["lever"]]))
    return tuple(map(lever, sorted(counted, key=lambda row: order.index(row["lever"]))))


def _observed(card: Scorecard, score: int | None) -> ObservedLike | None:
    """What became of those with such a score before gates; None where the scorecard's calibration allows no probability."""
    probability = card.probability(score)
    churn = card.churn
    line = None if churn is None or score is None else churn.of_score(score)
    if probability is None or churn is None or line is None:
        return None
    receipt = Receipt(
        id=f"calibration-{card.digest[:12]}",
        source="scorecard",
        stream="calibration",
        query=f"churn of {churn.accounts} accounts within {churn.window_days} days of dates to {churn.last_as_of}",
        fetched_at=datetime.fromisoformat(churn.last_as_of).replace(tzinfo=UTC),
        rows=churn.rows,
        digest=card.digest,
        place=f"{card.name} {card.version}",
    )
    return ObservedLike(
        lowest=line.lowest,
        highest=line.highest,
        rows=line.rows,
        accounts=line.accounts,
        churned_accounts=line.churned_accounts,
        rate=line.rate.value,
        low=line.rate.low,
        high=line.rate.high,
        probability=probability,
        window_days=churn.window_days,
        receipt=receipt,
    )


def status_of(value: str | None) -> Status:
    """The operator's status; `unknown` where its subscriptions are not known, never one that says more."""
    return cast("Status", value) if value in get_args(Status) else "unknown"


def _gaps(dimensions: Iterable[Dimension]) -> tuple[Gap, ...]:
    """Dimensions that are unknown, and sources that kept rules from being judged, each once."""
    gaps: dict[tuple[str, str, str], Gap] = {}
    for dimension in dimensions:
        if dimension.gap is not None:
            gaps[dimension.name, "", ""] = dimension.gap
        for missing in dimension.unevaluated:
            if missing.gap.reason not in ANSWERS:
                gaps.setdefault(("", missing.gap.source, missing.gap.reason), missing.gap)
    return tuple(gaps.values())


class _Assembly:
    """Words one operator's score."""

    def __init__(
        self, scorecard: Scorecard, row: Mapping[str, Any], figures: Mapping[str, Figure], evidence: EvidenceOf
    ) -> None:
        self._scorecard = scorecard
        self._row = row
        self._figures = figures
        self._evidence = evidence

    def dimension(self, declared: DimensionRule) -> Dimension:
        rules = self._scorecard.rules_of(declared.name)
        value = self._row[f"score_{declared.name}"]
        score = None if value is None else int(value)
        unevaluated = tuple(self._unevaluated(rule) for rule in rules if self._row[f"case_{rule.key}"] is None)
        lines = [] if score is None else [self._contribution(rule) for rule in rules if self._row[f"case_{rule.key}"]]
        high = self._row[f"high_{declared.name}"]
        known = max(0, min(100, int(self._row[f"raw_{declared.name}"])))  # what the lines come to, before what is open
        if score is not None and known != self._row[f"raw_{declared.name}"]:
            lines.append(self._clamp(declared, known, lines))
        band = self._scorecard.dimension_band(score)
        if score is not None and band != self._scorecard.dimension_band(int(high)):
            band = "unsettled"
        return Dimension(
            name=declared.name,
            weight=declared.weight / PERMILLE,
            base=declared.base,
            score=score,
            band=band,
            contributions=tuple(lines),
            unevaluated=unevaluated,
            gap=self._worst_gap((*declared.needs, *declared.known_by)) if score is None else None,
            highest=None if high == score else int(high),
        )

    def gates(self, dimensions: Sequence[Dimension]) -> Iterable[Gate]:
        for gate in self._scorecard.gates:
            if number := self._row[f"gate_{gate.name}"]:
                case = gate.cases[int(number) - 1]
                yield Gate(gate.name, gate.cap, filled(case.because, self._figures), self._fact(case))
        cap = self._scorecard.critical_cap
        for declared, dimension in zip(self._scorecard.dimensions, dimensions, strict=True):
            critical = dimension.name in self._scorecard.critical_dimensions and dimension.band == "critical"
            if cap is not None and dimension.score is not None and critical:
                because = f"{declared.title} is in its own Critical band ({dimension.score} of 100)."
                yield Gate(
                    f"{dimension.name}_critical", cap, because, _points_fact(dimension.score, dimension.contributions)
                )

    def unjudged_gates(self, dimensions: Sequence[Dimension]) -> Iterable[UnjudgedGate]:
        """The gates, and the dimensions' own, that cannot be told because a source is missing."""
        for gate in self._scorecard.gates:
            gap = self._worst_gap(metrics_of(gate.cases))
            if self._row[f"gate_{gate.name}"] is None and gap.reason not in ANSWERS:
                yield UnjudgedGate(gate.name, gate.cap, gap)
        cap = self._scorecard.critical_cap
        for dimension in dimensions:
            unknown = dimension.gap is not None and dimension.gap.reason not in ANSWERS
            if cap is not None and unknown and dimension.name in self._scorecard.critical_dimensions:
                assert dimension.gap is not None
                yield UnjudgedGate(f"{dimension.name}_critical", cap, dimension.gap)

    def _contribution(self, rule: Rule) -> Contribution:
        case = rule.cases[int(self._row[f"case_{rule.key}"]) - 1]
        return Contribution(
            rule=rule.id,
            dimension=rule.dimension,
            points=int(self._row[f"points_{rule.key}"]),
            because=filled(case.because, self._figures),
            fact=self._fact(case),
            evidence=self._evidence(case.evidence),
            window=rule.window,
            category=rule.category,
        )

    def _fact(self, case: Case) -> Fact[Any]:
        figure = self._figures.get(case.fact)
        if not isinstance(figure, Fact):
            raise EngineError(
                f"A rule fired on {case.fact}, which the account's figures call unknown.",
                hint="Score the metrics row that the figures were made from.",
            )
        return figure

    def _clamp(self, declared: DimensionRule, score: int, lines: Sequence[Contribution]) -> Contribution:
        raw = int(self._row[f"raw_{declared.name}"])
        bound = "more than 100" if raw > score else "less than 0"
        return Contribution(
            rule=CLAMP,
            dimension=declared.name,
            points=score - raw,
            because=f"The lines come to {raw}; a dimension has never {bound}.",
            fact=_points_fact(raw, lines),
            evidence=Evidence(
                ("rule", "points"),
                tuple((line.rule, line.points) for line in lines),
                len(lines),
                merge_basis(line.fact for line in lines),
            ),
        )

    def _unevaluated(self, rule: Rule) -> UnjudgedRule:
        return UnjudgedRule(rule.id, rule.dimension, self._worst_gap(rule.metrics))

    def _worst_gap(self, metrics: Sequence[str]) -> Gap:
        """The gravest of the metrics' gaps as it is: what has one cause keeps one wording, and reports can tell it once."""
        gaps = [gap for gap in map(self._figures.get, metrics) if isinstance(gap, Gap)]
        if not gaps:
            return Gap("metrics", "none_found", f"There is no value of {', '.join(metrics)}.")
        return min(gaps, key=lambda gap: _WORST_FIRST.index(gap.reason))


def _points_fact(points: int, lines: Sequence[Contribution]) -> Fact[int]:
    """A fact of points, resting on what the lines rest on."""
    facts = [line.fact for line in lines]
    return Fact(points, "points", merge_basis(facts), max(fact.as_of for fact in facts), metric="points")
