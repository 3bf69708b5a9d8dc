"""Taking one figure apart, and sending its requests again to compare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from customer_research.domain.catalogue import METRICS, SUBJECTS, Metric
from customer_research.domain.evidence import Evidence, Fact, Figure, Gap
from customer_research.domain.explanation import Explanation, Replay
from customer_research.domain.health import BAND_LABELS, Band
from customer_research.domain.words import nearest
from customer_research.errors import UsageError
from customer_research.health.findings import FindingRule
from customer_research.health.rules import Case, metrics_of
from customer_research.health.scorecard import Scorecard
from customer_research.metrics.queries import EVIDENCE, derived_sql, subject_sql
from customer_research.record_tables import TABLES
from customer_research.reports.inquiries.reason import ScorePart
from customer_research.research.one.dossier import BOUND_TABLES

SCORE = "health_score"
"""What the score itself is asked for by; `score` means it, too."""

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_LISTED = (
    "`customer-research metrics` lists the figures, `rules` the rules and caps; `score` is the health score, and its dimensions "
    "are {}."
)


def metric_named(name: str) -> Metric:
    """The metric of that name, or of that label.

    Raises:
        UsageError: naming the nearest metrics.
    """
    metric = METRICS.get(name) or _by_label().get(_plain(name))
    if metric is None:
        raise _unknown("figure", name, METRICS, "`customer-research metrics` lists them all.")
    return metric


def part_named(name: str, card: Scorecard, findings: Sequence[FindingRule] = ()) -> ScorePart | None:
    """What of a scorecard is called so: the score, a dimension, a rule, a cap, a finding; None where it is a metric's name.

    Raises:
        UsageError: naming what is called nearly so.
    """
    if name in METRICS:
        return None
    parts = _parts(card, findings)
    found = parts.get(_plain(name))
    if found is None and _plain(name) not in _by_label():
        listed = _LISTED.format(", ".join(dimension.name for dimension in card.dimensions))
        raise _unknown("figure, rule, cap, dimension or finding", name, (*METRICS, *parts), listed)
    return found


def _plain(name: str) -> str:
    """A name as it is compared: `Open_Dispute` is `open dispute`."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()


@cache
def _by_label() -> Mapping[str, Metric]:
    return {_plain(metric.label): metric for metric in METRICS.values()}


def _parts(card: Scorecard, findings: Sequence[FindingRule]) -> dict[str, ScorePart]:
    """By its plain name whatever may be asked about."""
    score = ScorePart(SCORE, "Health score")
    found = {"score": score, _plain(SCORE): score}
    for finding in findings:
        effect = f"It is a {finding.kind} of priority {finding.priority}"
        part = _over(finding.cases, ScorePart(finding.id, f"{finding.title} ({finding.id})", "finding", effect))
        found[_plain(finding.title)] = found[_plain(finding.id)] = part
    for gate in card.gates:
        found[_plain(gate.name)] = _over(gate.cases, _cap(gate.name, gate.cap, gate.reason))
    for dimension in card.dimensions:
        found[_plain(dimension.name)] = ScorePart(dimension.name, dimension.title, "dimension")
    for name in card.critical_dimensions if card.critical_cap is not None else ():
        cap = _cap(f"{name}_critical", card.critical_cap or "at_risk", card.critical_reason)
        found[_plain(cap.name)] = cap
    for rule in card.rules:
        each = f" for each ({METRICS[rule.per].label})" if rule.per else ""
        effect = f"It gives {rule.points:+d} points{each}"
        found[_plain(rule.id)] = _over(rule.cases, ScorePart(rule.id, f"Rule {rule.id}", "rule", effect))
    return found


def _cap(name: str, cap: Band, reason: str) -> ScorePart:
    title = name.replace("_", " ").capitalize()
    return ScorePart(name, title, "cap", f"It holds the band at {BAND_LABELS[cap]} or below", reason=reason)


def _over(cases: Sequence[Case], part: ScorePart) -> ScorePart:
    told = tuple((_general(case.because), case.when.text) for case in cases)
    return replace(part, cases=told, metrics=metrics_of(cases))


def _general(template: str) -> str:
    """A sentence of a rule without its figures, such as `… invoices are overdue`."""
    return _PLACEHOLDER.sub(lambda hit: f"… {hit[1].rsplit('|', 1)[-1]}" if "|" in hit[1] else "…", template)


def _unknown(what: str, name: str, known: Iterable[str], listed: str) -> UsageError:
    close = nearest(name.strip().lower(), known)
    return UsageError(
        f"There is no {what} called {name.strip()[:60]!r}.",
        hint=f"Did you mean {' or '.join(close)}?" if close else listed,
    )


def needed_tables(metric: Metric) -> frozenset[str]:
    """The canonical tables to fetch for one metric (a derived one needs all, since it reads other metrics)."""
    if metric.subject == "derived":
        return frozenset(TABLES)
    wanted = set(metric.tables) | set(EVIDENCE.get(metric.evidence, ()))
    if wanted & set(BOUND_TABLES):
        wanted |= set(SUBJECTS[metric.subject].tables)
    return frozenset(wanted)


def warehouse_evidence(metric: Metric) -> bool:
    """Whether the records behind a metric lie in the warehouse (and must be asked for there)."""
    return any(table in BOUND_TABLES for table in EVIDENCE.get(metric.evidence, ()))


def explain(
    *,
    operator_id: str,
    name: str,
    metric: Metric,
    figure: Figure,
    evidence: Evidence,
    note: str = "",
    people: tuple[str, ...] = (),
) -> Explanation:
    """Put a figure, its definition and its records together."""
    sql = derived_sql() if metric.subject == "derived" else subject_sql(metric.subject)
    read = EVIDENCE.get(metric.evidence, ())
    personal = {column.name for name in read for column in TABLES[name].columns if column.personal}
    return Explanation(
        operator_id=operator_id,
        operator_name=name,
        metric=metric.name,
        label=metric.label,
        formula=metric.formula,
        healthy=metric.healthy,
        tables=metric.tables or SUBJECTS[metric.subject].tables,
        sql=sql.strip(),
        figure=figure,
        evidence=evidence,
        evidence_note=note,
        personal_columns=frozenset(personal),
        people=people,
    )


def compare(first: Figure, second: Figure) -> Replay:
    """What differs between a figure and its replay: the value, and which records changed."""
    return Replay(second, tuple(_differences(first, second)))


def _differences(first: Figure, second: Figure) -> Iterator[str]:
    if isinstance(first, Gap) or isinstance(second, Gap):
        if type(first) is not type(second):
            yield "One of the two is a gap, the other a value."
        elif isinstance(first, Gap) and isinstance(second, Gap) and first.reason != second.reason:
            yield f"The gap's reason was {first.reason} and is now {second.reason}."
        return
    if first.value != second.value:
        yield f"The value was {first.value!r} and is now {second.value!r}."
    yield from _changed_records(first, second)


def _changed_records(first: Fact[object], second: Fact[object]) -> Iterator[str]:
    """A receipt's id covers its query and the digest of its records, so equal ids mean equal records."""
    known = {receipt.id for receipt in first.basis}
    before = {(receipt.source, receipt.stream, receipt.query): receipt for receipt in first.basis}
    for receipt in second.basis:
        if receipt.id in known:
            continue
        place = f"{receipt.source} {receipt.stream}"
        old = before.get((receipt.source, receipt.stream, receipt.query))
        if old is None:
            yield f"{place}: asked another question than before."
        else:
            yield f"{place}: {old.rows} records before, {receipt.rows} now, with other content."
