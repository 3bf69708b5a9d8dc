"""The score as SQL over `account_metrics`: one statement for one operator or a million, points and clamping included.

Columns of the statement, one row per operator: `case_<rule>` (number of the case that fired, 0 when none did, null when it
cannot be told), `points_<rule>`, and per dimension `raw_<dimension>` (base and points) and `score_<dimension>` (held within
0..100; null when unknown), `gate_<name>` (as the cases), then `score`, `coverage`, `band_before_gates` and `band`.

Where evidence counts (`Scorecard.by_evidence`), a rule is open when it cannot be told because a source is silent (the wide
table's column `silent`). Open deductions are taken for the least that a dimension and the score can be (`score_<dimension>`,
`score`), open bonuses for the most (`high_<dimension>`, `score_high`); an unknown dimension lies between. The band is that of
both, else `unsettled`; `outside` for a status that has no band. `uncapped` is the least score before gates.
"""

# ruff: noqa: S608 - every name in these texts is checked when the scorecard is loaded; nothing comes from outside
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from customer_research.domain.catalogue import ACCOUNT_TABLE, SILENT
from customer_research.domain.health import BAND_ORDER, Band
from customer_research.health.rules import case_sql, metrics_of
from customer_research.health.scorecard import PERMILLE, DimensionRule, Rule, Scorecard

_EASED = "held_"
"""Before the names of what was judged, where rows are made as if one sign were not there."""

_RANK: Mapping[Band, int] = {band: rank for rank, band in enumerate(BAND_ORDER)}


def scoring_sql(scorecard: Scorecard, table: str = ACCOUNT_TABLE, untold: Collection[str] = frozenset()) -> str:
    """One row per operator with everything (see the module), of a table like `account_metrics`; it keeps to what other dialects say.

    `untold` are metrics that are not judged at a past date: a rule over one, unless it can be told without, is no evidence, and
    a dimension that is known by such alone is known where one of its other rules has something to judge.
    """
    stages = _stages(_known_then(scorecard, untold), table, untold)
    parts = ",\n".join(f"{name} AS ({body})" for name, body in stages.items())
    return f"WITH {parts}\nSELECT {', '.join(score_columns(scorecard))} FROM banded"


def long_sql(scorecard: Scorecard, scores: str) -> dict[str, str]:
    """The long forms of a table of `scoring_sql` rows.

    `contributions` (operator_id, rule, dimension, case_number, points; points null for a rule that could not be judged),
    `dimensions` (operator_id, dimension, weight, base, raw, score) and `gates` (operator_id, gate, cap).
    """
    lines = [_contribution(rule) for rule in scorecard.rules]
    dimensions = [_dimension(dimension) for dimension in scorecard.dimensions]
    fired = "NOT dimension IS NULL AND (case_number >= 1 OR case_number IS NULL)"
    return {
        "contributions": _unpivoted(scores, "rule", lines, fired),
        "dimensions": _unpivoted(scores, "dimension", dimensions, "TRUE"),
        "gates": _unpivoted(scores, "gate", _gates(scorecard), "NOT cap IS NULL"),
    }


def levers_sql(scorecard: Scorecard) -> str:
    """The rows of `scoring_sql` once for each lever that holds (see `levers`): as if its signs were not there.

    Columns: `operator_id`, `lever`, `score`, `score_high`, `band`. What else the signs keep from counting (`Rule.unless`) counts then.
    """
    stages = _stages(scorecard, ACCOUNT_TABLE, frozenset(), _EASED)
    parts = ",\n".join(f"{name} AS ({body})" for name, body in stages.items())
    return f"WITH {parts}\nSELECT operator_id, lever, score, score_high, band FROM banded"


def levers(scorecard: Scorecard) -> dict[str, tuple[str, ...]]:
    """What can be put right at once, by name: a gate with the deductions that rest on the same figure, each other deduction.

    The signs of a lever are rule ids and gate names.
    """
    deductions = {rule.id: {case.fact for case in rule.cases} for rule in scorecard.rules if rule.points < 0}
    found: dict[str, tuple[str, ...]] = {}
    for gate in scorecard.gates:
        facts = {case.fact for case in gate.cases}
        same = [name for name, theirs in deductions.items() if theirs & facts]
        found[gate.name] = (gate.name, *same)
        for name in same:
            del deductions[name]
    return {**{name: (name,) for name in deductions}, **found}


def _eased(scorecard: Scorecard) -> str:
    """A row for each lever that holds: all that was judged, but for its signs."""
    columns = {rule.id: f"found_{rule.key}" for rule in scorecard.rules}
    columns |= {gate.name: f"gate_{gate.name}" for gate in scorecard.gates}
    by_sign = {sign: name for name, signs in levers(scorecard).items() for sign in signs}
    names = " UNION ALL ".join(f"SELECT '{name}' AS lever" for name in levers(scorecard))
    holds = " OR ".join(f"(lever = '{name}' AND {_EASED}{columns[sign]} >= 1)" for sign, name in by_sign.items())
    eased = [
        f"CASE WHEN lever = '{by_sign[sign]}' THEN 0 ELSE {_EASED}{column} END AS {column}"
        if sign in by_sign
        else f"{_EASED}{column} AS {column}"
        for sign, column in columns.items()
    ]
    return f"SELECT *, {', '.join(eased)} FROM looked_at CROSS JOIN ({names}) AS named WHERE {holds}"


def _stages(scorecard: Scorecard, table: str, untold: Collection[str], eased: str = "") -> dict[str, str]:
    """The common table expressions, each building on the one before."""
    rules, dimensions = scorecard.rules, scorecard.dimensions
    return {
        "looked_at": _looked_at(scorecard, table, eased),
        **({"eased": _eased(scorecard)} if eased else {}),
        "settled": _select(
            "eased" if eased else "looked_at", *(f"{_settled(rule, scorecard)} AS case_{rule.key}" for rule in rules)
        ),
        "pointed": _select(
            "settled",
            *(f"{_points(rule)} AS points_{rule.key}" for rule in rules),
            *(f"{_open(rule, scorecard)} AS open_{rule.key}" for rule in rules),
        ),
        "summed": _select(
            "pointed",
            *(f"{_raw(d, scorecard)} AS raw_{d.name}" for d in dimensions),
            *(f"{_raw(d, scorecard)}{_of_open(d, scorecard, -1)} AS least_{d.name}" for d in dimensions),
            *(f"{_raw(d, scorecard)}{_of_open(d, scorecard, 1)} AS most_{d.name}" for d in dimensions),
            *(f"{_evidence(d, scorecard, untold)} AS evidence_{d.name}" for d in dimensions),
        ),
        "held": _select(
            "summed",
            *(f"{_held(f'known_{d.name}', f'least_{d.name}')} AS score_{d.name}" for d in dimensions),
            *(f"{_held(f'known_{d.name}', f'most_{d.name}')} AS high_{d.name}" for d in dimensions),
            *(f"{_held(_counts(d), f'least_{d.name}')} AS low_end_{d.name}" for d in dimensions),
            *(f"{_held(_counts(d), f'most_{d.name}')} AS high_end_{d.name}" for d in dimensions),
        ),
        "weighed": _select(
            "held",
            " + ".join(f"CASE WHEN low_end_{d.name} IS NULL THEN 0 ELSE {d.weight} END" for d in dimensions)
            + " AS present",
            " + ".join(f"COALESCE(low_end_{d.name}, 0) * {d.weight}" for d in dimensions) + " AS weighted",
            " + ".join(f"COALESCE(high_end_{d.name}, 0) * {d.weight}" for d in dimensions) + " AS weighted_high",
            " + ".join(f"evidence_{d.name}" for d in dimensions) + " AS proved",
        ),
        "scored": _select(
            "weighed",
            f"{_mean('weighted', scorecard)} AS uncapped",
            f"{_mean('weighted_high', scorecard)} AS uncapped_high",
            f"CAST(proved AS DOUBLE) / {PERMILLE} AS coverage",
        ),
        "ranked": _select(
            "scored",
            f"{_rank_of_score(scorecard, 'uncapped')} AS own_rank",
            f"{_rank_of_score(scorecard, 'uncapped_high')} AS high_rank",
            f"{_cap_rank(scorecard, 'low_end')} AS cap_rank",
            f"{_cap_rank(scorecard, 'high_end')} AS cap_rank_high",
        ),
        "banded": _select(
            "ranked",
            f"{_capped('uncapped', 'cap_rank', scorecard)} AS score",
            f"{_capped('uncapped_high', 'cap_rank_high', scorecard)} AS score_high",
            f"{_band_of('own_rank')} AS band_before_gates",
            f"CASE {_outside(scorecard)}WHEN GREATEST(own_rank, cap_rank) = GREATEST(high_rank, cap_rank_high) "
            f"THEN {_band_of('GREATEST(own_rank, cap_rank)')} ELSE 'unsettled' END AS band",
        ),
    }


def _outside(scorecard: Scorecard) -> str:
    statuses = ", ".join(f"'{status}'" for status in scorecard.outside)
    return f"WHEN status IN ({statuses}) THEN 'outside' " if statuses else ""


def _mean(weighted: str, scorecard: Scorecard) -> str:
    """The weighted mean, half up, in integers: floor((2 x weighted + present) / (2 x present))."""
    return (
        f"CASE WHEN proved >= {scorecard.minimum_coverage} "
        f"THEN CAST(FLOOR(CAST(2 * {weighted} + present AS DOUBLE) / (2 * present)) AS BIGINT) END"
    )


def _looked_at(scorecard: Scorecard, table: str, eased: str = "") -> str:
    """The first stage: every condition judged; of the metrics only those that later stages multiply by are kept."""
    kept = dict.fromkeys(("operator_id", "status", *(rule.per for rule in scorecard.rules if rule.per)))
    columns = [
        *kept,
        *(f"{_known(dimension)} AS known_{dimension.name}" for dimension in scorecard.dimensions),
        *(f"{_unheard((*d.known_by, *d.needs), scorecard)} AS unheard_{d.name}" for d in scorecard.dimensions),
        *(f"{_unheard((*r.metrics, r.per), scorecard)} AS unheard_{r.key}" for r in scorecard.rules),
        *(f"{_unheard(metrics_of(g.cases), scorecard)} AS unheard_gate_{g.name}" for g in scorecard.gates),
        *(f"{case_sql(rule.cases, not_for=rule.not_for)} AS {eased}found_{rule.key}" for rule in scorecard.rules),
        *(f"{case_sql(gate.cases, not_for=gate.not_for)} AS {eased}gate_{gate.name}" for gate in scorecard.gates),
    ]
    return f"SELECT {', '.join(columns)} FROM {table}"


def _select(source: str, *columns: str) -> str:
    return f"SELECT *, {', '.join(columns)} FROM {source}"


def _unheard(metrics: Iterable[str], scorecard: Scorecard) -> str:
    """Whether one of the metrics is unknown because its source is silent."""
    return unheard_sql(name for name in metrics if name) if scorecard.by_evidence else "FALSE"


def unheard_sql(metrics: Iterable[str]) -> str:
    """SQL over the wide table: whether one of these metrics is unknown because its source is silent."""
    silent = " OR ".join(f"({name} IS NULL AND {SILENT} LIKE '% {name} %')" for name in metrics) or "FALSE"
    return f"CASE WHEN {silent} THEN TRUE ELSE FALSE END"


def _settled(rule: Rule, scorecard: Scorecard) -> str:
    """The case that fired once the rules that exclude this one have had their say; null while one of these is open."""
    if not rule.unless:
        return f"found_{rule.key}"
    by_id = {other.id: other for other in scorecard.rules}
    excluded = " OR ".join(_fires(by_id[other], by_id) for other in rule.unless)
    waits = (
        f"WHEN found_{rule.key} >= 1 AND ({_excluder_open(rule, by_id)}) THEN NULL " if scorecard.by_evidence else ""
    )
    return f"CASE WHEN {excluded} THEN 0 {waits}ELSE found_{rule.key} END"


def _excluder_open(rule: Rule, by_id: Mapping[str, Rule]) -> str:
    others = [by_id[other].key for other in rule.unless]
    return " OR ".join(f"(found_{key} IS NULL AND unheard_{key})" for key in others)


def _open(rule: Rule, scorecard: Scorecard) -> str:
    """1 where a silent source keeps the rule from being judged, else 0."""
    if not scorecard.by_evidence:
        return "0"
    by_id = {other.id: other for other in scorecard.rules}
    unheard = " OR ".join([f"unheard_{rule.key}", *([_excluder_open(rule, by_id)] if rule.unless else [])])
    return f"CASE WHEN case_{rule.key} IS NULL AND ({unheard}) THEN 1 ELSE 0 END"


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


def _of_open(dimension: DimensionRule, scorecard: Scorecard, sign: int) -> str:
    """What the dimension's open rules may take (-1) or give (1), as terms of a sum."""
    if not scorecard.by_evidence:
        return ""
    rules = (rule for rule in scorecard.rules_of(dimension.name) if rule.points * sign > 0)
    return "".join(f" + {rule.most} * open_{rule.key}" for rule in rules)


def _evidence(dimension: DimensionRule, scorecard: Scorecard, untold: Collection[str]) -> str:
    """The dimension's weight by the share of its rules' points that were judged, in thousandths; 0 while it is unknown."""
    weight = str(dimension.weight)
    counting = [rule for rule in scorecard.rules_of(dimension.name) if rule.points]
    if scorecard.by_evidence and counting:
        judged = " + ".join(f"{abs(rule.points)} * {_judged(rule, untold)}" for rule in counting)
        whole = sum(abs(rule.points) for rule in counting)
        weight = f"CAST(FLOOR(CAST({dimension.weight} * ({judged}) AS DOUBLE) / {whole}) AS BIGINT)"
    return f"CASE WHEN known_{dimension.name} THEN {weight} ELSE 0 END"


def _judged(rule: Rule, untold: Collection[str]) -> str:
    """1 where a rule was judged, else 0."""
    if set(untold).intersection((*rule.metrics, rule.per)):
        return f"CASE WHEN case_{rule.key} IS NULL THEN 0 ELSE 1 - open_{rule.key} END"
    return f"(1 - open_{rule.key})"


def _known_then(scorecard: Scorecard, untold: Collection[str]) -> Scorecard:
    """The scorecard with each dimension known by what can be told of a past date."""

    def known_by(dimension: DimensionRule) -> tuple[str, ...]:
        if not set(dimension.known_by) <= set(untold):
            return dimension.known_by
        judged = (rule for rule in scorecard.rules_of(dimension.name) if rule.points)
        return tuple(name for rule in judged if not set(untold).intersection(rule.metrics) for name in rule.metrics)

    if not untold:
        return scorecard
    return replace(scorecard, dimensions=tuple(replace(one, known_by=known_by(one)) for one in scorecard.dimensions))


def _known(dimension: DimensionRule) -> str:
    known = " OR ".join(f"NOT {metric} IS NULL" for metric in dimension.known_by) or "FALSE"
    needed = "".join(f" AND NOT {metric} IS NULL" for metric in dimension.needs)
    return f"({known}){needed}"


def _counts(dimension: DimensionRule) -> str:
    """Whether a dimension has a part in the score: what a silent source hides has one, what is not there has none."""
    return f"(known_{dimension.name} OR unheard_{dimension.name})"


def _held(when: str, points: str) -> str:
    return f"CASE WHEN {when} THEN LEAST(100, GREATEST(0, {points})) END"


def _rank_of_score(scorecard: Scorecard, score: str) -> str:
    healthy, monitor, at_risk = scorecard.cuts
    return (
        f"CASE WHEN {score} IS NULL THEN {_RANK['insufficient']} WHEN {score} >= {healthy} THEN {_RANK['healthy']} "
        f"WHEN {score} >= {monitor} THEN {_RANK['monitor']} WHEN {score} >= {at_risk} THEN {_RANK['at_risk']} "
        f"ELSE {_RANK['critical']} END"
    )


def _cap_rank(scorecard: Scorecard, end: str) -> str:
    """The rank of the lowest cap that applies: of gates, and of dimensions in their own critical band.

    At the low end a gate that a silent source keeps from being judged holds.
    """
    opened = " OR (gate_{0} IS NULL AND unheard_gate_{0})" if end == "low_end" else ""
    caps = [
        f"CASE WHEN gate_{gate.name} >= 1{opened.format(gate.name)} THEN {_RANK[gate.cap]} ELSE 0 END"
        for gate in scorecard.gates
    ]
    if scorecard.critical_cap is not None:
        rank, cut = _RANK[scorecard.critical_cap], scorecard.dimension_cuts[2]
        caps += [f"CASE WHEN {end}_{name} < {cut} THEN {rank} ELSE 0 END" for name in scorecard.critical_dimensions]
    return f"GREATEST({', '.join(['0', *caps])})" if caps else "0"


def _capped(score: str, rank: str, scorecard: Scorecard) -> str:
    """A score held at the top of the band that caps it, where score and band are one."""
    if not scorecard.one_number:
        return score
    tops = {_RANK[band]: max(0, scorecard.cuts[_RANK[band] - 1] - 1) for band in ("monitor", "at_risk", "critical")}
    branches = " ".join(f"WHEN {number} THEN LEAST({score}, {top})" for number, top in tops.items())
    return f"CASE WHEN {score} IS NULL THEN NULL ELSE CASE {rank} {branches} ELSE {score} END END"


def _band_of(rank: str) -> str:
    branches = " ".join(f"WHEN {number} THEN '{band}'" for band, number in _RANK.items())
    return f"CASE {rank} {branches} END"


RESULT_COLUMNS: Mapping[str, str] = {
    "uncapped": "BIGINT",
    "score": "BIGINT",
    "score_high": "BIGINT",
    "coverage": "DOUBLE",
    "band_before_gates": "VARCHAR",
    "band": "VARCHAR",
}
"""The columns of the rows that every scorecard has, behind its own: name → SQL type."""


def score_columns(scorecard: Scorecard) -> dict[str, str]:
    """The columns of the rows, in order: name → SQL type."""
    return {
        "operator_id": "VARCHAR",
        "status": "VARCHAR",
        **{f"{kind}_{rule.key}": "BIGINT" for rule in scorecard.rules for kind in ("case", "points")},
        **{f"{kind}_{d.name}": "BIGINT" for d in scorecard.dimensions for kind in ("raw", "score", "high")},
        **{f"gate_{gate.name}": "BIGINT" for gate in scorecard.gates},
        **RESULT_COLUMNS,
    }


def _unpivoted(scores: str, key: str, entries: Sequence[Mapping[str, str]], where: str) -> str:
    """One row per operator and entry: an entry gives SQL for each column; `key` is a constant that tells entries apart."""
    names = " UNION ALL ".join(f"SELECT {entry[key]} AS {key}" for entry in entries)
    columns = [
        f"CASE named.{key} "
        + " ".join(f"WHEN {entry[key]} THEN {entry[column]}" for entry in entries)
        + f" END AS {column}"
        for column in entries[0]
        if column != key
    ]
    long = f"SELECT operator_id, named.{key}, {', '.join(columns)} FROM {scores} CROSS JOIN ({names}) AS named"
    return f"SELECT * FROM ({long}) AS long WHERE {where}"


def _contribution(rule: Rule) -> dict[str, str]:
    known = f"score_{rule.dimension} IS NULL"
    return {
        "rule": f"'{rule.id}'",
        "dimension": f"CASE WHEN NOT {known} THEN '{rule.dimension}' END",
        "case_number": f"case_{rule.key}",
        "points": f"CASE WHEN NOT case_{rule.key} IS NULL THEN points_{rule.key} END",
    }


def _dimension(dimension: DimensionRule) -> dict[str, str]:
    return {
        "dimension": f"'{dimension.name}'",
        "weight": str(dimension.weight),
        "base": str(dimension.base),
        "raw": f"raw_{dimension.name}",
        "score": f"score_{dimension.name}",
    }


def _gates(scorecard: Scorecard) -> list[dict[str, str]]:
    gates = [
        {"gate": f"'{gate.name}'", "cap": f"CASE WHEN gate_{gate.name} >= 1 THEN '{gate.cap}' END"}
        for gate in scorecard.gates
    ]
    for name in scorecard.critical_dimensions:
        critical = f"high_{name} < {scorecard.dimension_cuts[2]}"
        gates.append({"gate": f"'{name}_critical'", "cap": f"CASE WHEN {critical} THEN '{scorecard.critical_cap}' END"})
    return gates or [{"gate": "'none'", "cap": "CAST(NULL AS VARCHAR)"}]
