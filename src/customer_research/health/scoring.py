"""The score as SQL over `account_metrics`: one statement for one operator or a million, points and clamping included.

Columns of the statement, one row per operator: `case_<rule>` (number of the case that fired, 0 when none did, null when it
cannot be told), `points_<rule>`, and per dimension `raw_<dimension>` (base and points) and `score_<dimension>` (held within
0..100; null when unknown), `gate_<name>`, then `score`, `coverage`, `band_before_gates` and `band`.
"""

# ruff: noqa: S608 - every name in these texts is checked when the scorecard is loaded; nothing comes from outside
from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlglot

from customer_research.domain.health import BAND_ORDER, Band
from customer_research.health.conditions import DIALECT
from customer_research.health.rules import case_sql
from customer_research.health.scorecard import PERMILLE, DimensionRule, Rule, Scorecard

ACCOUNT_TABLE = "account_metrics"
_RANK: Mapping[Band, int] = {band: rank for rank, band in enumerate(BAND_ORDER)}


def scoring_sql(scorecard: Scorecard) -> dict[str, str]:
    """The queries of a scorecard, in DuckDB's dialect, kept to what other dialects can say.

    `scores`: one row per operator with everything (see the module); for portfolios also long forms of it:
    `contributions` (operator_id, rule, dimension, case_number, points; points null for a rule that could not be judged),
    `dimensions` (operator_id, dimension, weight, base, raw, score) and `gates` (operator_id, gate, cap).
    """
    stages = _stages(scorecard)
    return {
        "scores": _query(stages, f"SELECT {', '.join(_columns(scorecard))} FROM banded"),
        "contributions": _query(stages, _union(map(_contribution, scorecard.rules))),
        "dimensions": _query(stages, _union(map(_dimension, scorecard.dimensions))),
        "gates": _query(stages, _union(_gates(scorecard))),
    }


def _query(stages: Mapping[str, str], select: str) -> str:
    text = "WITH " + ", ".join(f"{name} AS ({body})" for name, body in stages.items()) + " " + select
    return sqlglot.parse_one(text, read=DIALECT).sql(dialect=DIALECT, pretty=True)


def _union(selects: Iterable[str]) -> str:
    return " UNION ALL ".join(selects)


def _stages(scorecard: Scorecard) -> dict[str, str]:
    """The common table expressions, each building on the one before."""
    rules, dimensions = scorecard.rules, scorecard.dimensions
    return {
        "looked_at": _select(
            ACCOUNT_TABLE,
            *(f"{case_sql(rule.cases, not_for=rule.not_for)} AS found_{rule.key}" for rule in rules),
            *(f"{case_sql([gate.case], not_for=gate.not_for)} = 1 AS gate_{gate.name}" for gate in scorecard.gates),
        ),
        "settled": _select("looked_at", *(f"{_settled(rule, rules)} AS case_{rule.key}" for rule in rules)),
        "pointed": _select("settled", *(f"{_points(rule)} AS points_{rule.key}" for rule in rules)),
        "summed": _select("pointed", *(f"{_raw(d, scorecard)} AS raw_{d.name}" for d in dimensions)),
        "held": _select("summed", *(f"{_held(d)} AS score_{d.name}" for d in dimensions)),
        "weighed": _select(
            "held",
            " + ".join(f"CASE WHEN score_{d.name} IS NULL THEN 0 ELSE {d.weight} END" for d in dimensions)
            + " AS present",
            " + ".join(f"COALESCE(score_{d.name}, 0) * {d.weight}" for d in dimensions) + " AS weighted",
        ),
        "scored": _select(
            "weighed",
            # half up, in integers: floor((2 x weighted + present) / (2 x present))
            f"CASE WHEN present >= {scorecard.minimum_coverage} "
            "THEN CAST(FLOOR(CAST(2 * weighted + present AS DOUBLE) / (2 * present)) AS BIGINT) END AS score",
            f"CAST(present AS DOUBLE) / {PERMILLE} AS coverage",
        ),
        "ranked": _select("scored", f"{_rank_of_score(scorecard)} AS own_rank", f"{_cap_rank(scorecard)} AS cap_rank"),
        "banded": _select(
            "ranked",
            f"{_band_of('own_rank')} AS band_before_gates",
            f"{_band_of('GREATEST(own_rank, cap_rank)')} AS band",
        ),
    }


def _select(source: str, *columns: str) -> str:
    return f"SELECT *, {', '.join(columns)} FROM {source}"


def _settled(rule: Rule, rules: Iterable[Rule]) -> str:
    """The case that fired once the rules that exclude this one have had their say."""
    if not rule.unless:
        return f"found_{rule.key}"
    by_id = {other.id: other for other in rules}
    excluded = " OR ".join(_fires(by_id[other], by_id) for other in rule.unless)
    return f"CASE WHEN {excluded} THEN 0 ELSE found_{rule.key} END"


def _fires(rule: Rule, by_id: Mapping[str, Rule]) -> str:
    fires = f"COALESCE(found_{rule.key}, 0) >= 1"
    if not rule.unless:
        return f"({fires})"
    excluded = " OR ".join(_fires(by_id[other], by_id) for other in rule.unless)
    return f"({fires} AND NOT ({excluded}))"


def _points(rule: Rule) -> str:
    points = f"{rule.points} * {rule.per}" if rule.per else str(rule.points)
    if rule.cap:
        points = f"LEAST({points}, {rule.cap})" if rule.points > 0 else f"GREATEST({points}, {-rule.cap})"
    return f"CASE WHEN case_{rule.key} >= 1 THEN {points} ELSE 0 END"


def _raw(dimension: DimensionRule, scorecard: Scorecard) -> str:
    return " + ".join([str(dimension.base), *(f"points_{rule.key}" for rule in scorecard.rules_of(dimension.name))])


def _held(dimension: DimensionRule) -> str:
    known = " OR ".join(f"NOT {metric} IS NULL" for metric in dimension.known_by)
    return f"CASE WHEN {known} THEN LEAST(100, GREATEST(0, raw_{dimension.name})) END"


def _rank_of_score(scorecard: Scorecard) -> str:
    healthy, monitor, at_risk = scorecard.cuts
    return (
        f"CASE WHEN score IS NULL THEN {_RANK['insufficient']} WHEN score >= {healthy} THEN {_RANK['healthy']} "
        f"WHEN score >= {monitor} THEN {_RANK['monitor']} WHEN score >= {at_risk} THEN {_RANK['at_risk']} "
        f"ELSE {_RANK['critical']} END"
    )


def _cap_rank(scorecard: Scorecard) -> str:
    """The rank of the lowest cap that applies: of gates, and of dimensions in their own critical band."""
    caps = [f"CASE WHEN gate_{gate.name} THEN {_RANK[gate.cap]} ELSE 0 END" for gate in scorecard.gates]
    if scorecard.critical_cap is not None:
        rank, cut = _RANK[scorecard.critical_cap], scorecard.cuts[2]
        caps += [f"CASE WHEN score_{d.name} < {cut} THEN {rank} ELSE 0 END" for d in scorecard.dimensions]
    return f"GREATEST({', '.join(['0', *caps])})" if caps else "0"


def _band_of(rank: str) -> str:
    branches = " ".join(f"WHEN {number} THEN '{band}'" for band, number in _RANK.items())
    return f"CASE {rank} {branches} END"


def _columns(scorecard: Scorecard) -> list[str]:
    return [
        "operator_id",
        "status",
        *(f"{kind}_{rule.key}" for rule in scorecard.rules for kind in ("case", "points")),
        *(f"{kind}_{dimension.name}" for dimension in scorecard.dimensions for kind in ("raw", "score")),
        *(f"gate_{gate.name}" for gate in scorecard.gates),
        "score",
        "coverage",
        "band_before_gates",
        "band",
    ]


def _contribution(rule: Rule) -> str:
    return (
        f"SELECT operator_id, '{rule.id}' AS rule, '{rule.dimension}' AS dimension, case_{rule.key} AS case_number, "
        f"CASE WHEN NOT case_{rule.key} IS NULL THEN points_{rule.key} END AS points FROM banded "
        f"WHERE NOT score_{rule.dimension} IS NULL AND (case_{rule.key} >= 1 OR case_{rule.key} IS NULL)"
    )


def _dimension(dimension: DimensionRule) -> str:
    return (
        f"SELECT operator_id, '{dimension.name}' AS dimension, {dimension.weight} AS weight, {dimension.base} AS base, "
        f"raw_{dimension.name} AS raw, score_{dimension.name} AS score FROM banded"
    )


def _gates(scorecard: Scorecard) -> list[str]:
    gates = [
        f"SELECT operator_id, '{gate.name}' AS gate, '{gate.cap}' AS cap FROM banded WHERE gate_{gate.name}"
        for gate in scorecard.gates
    ]
    if scorecard.critical_cap is not None:
        gates += [
            f"SELECT operator_id, '{d.name}_critical' AS gate, '{scorecard.critical_cap}' AS cap FROM banded "
            f"WHERE score_{d.name} < {scorecard.cuts[2]}"
            for d in scorecard.dimensions
        ]
    return gates or ["SELECT operator_id, '' AS gate, '' AS cap FROM banded WHERE FALSE"]
