"""Taking one figure apart, and sending its requests again to compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from customer_research.domain.catalogue import METRICS, SUBJECTS, Metric
from customer_research.domain.evidence import Evidence, Fact, Figure, Gap
from customer_research.domain.explanation import Explanation, Replay
from customer_research.domain.words import nearest
from customer_research.errors import UsageError
from customer_research.health.scorecard import Rule, Scorecard
from customer_research.metrics.queries import EVIDENCE, derived_sql, subject_sql
from customer_research.record_tables import TABLES
from customer_research.reports.inquiries.reason import ScorePart
from customer_research.research.one.dossier import BOUND_TABLES

SCORE = "health_score"
"""What the score itself is asked for by."""


def metric_named(name: str) -> Metric:
    """The metric of that name.

    Raises:
        UsageError: naming the nearest metrics.
    """
    metric = METRICS.get(name)
    if metric is None:
        raise _unknown("metric", name, METRICS, "`customer-research metrics` lists them all.")
    return metric


def part_named(name: str, card: Scorecard) -> ScorePart | None:
    """What of a scorecard is called so: the score, a dimension, a rule; None where it is a metric's name.

    Raises:
        UsageError: naming the nearest metrics, dimensions and rules.
    """
    if name in METRICS:
        return None
    parts = {SCORE: ScorePart(SCORE)} | {one.name: ScorePart(one.name) for one in card.dimensions}
    parts |= {rule.id: _judged(rule) for rule in card.rules}
    found = {part.lower(): judged for part, judged in parts.items()}.get(name.strip().lower())
    if found is None:
        listed = f"`customer-research metrics` and `rules` list them; dimensions: {', '.join(d.name for d in card.dimensions)}."
        raise _unknown("metric, dimension or rule", name, (*METRICS, *parts), listed)
    return found


def _unknown(what: str, name: str, known: Iterable[str], listed: str) -> UsageError:
    close = nearest(name, known)
    return UsageError(
        f"There is no {what} {name[:60]!r}.", hint=f"Did you mean {', '.join(close)}?" if close else listed
    )


def _judged(rule: Rule) -> ScorePart:
    points = f"{rule.points:+d} points" + (f" each ({rule.per})" if rule.per else "")
    return ScorePart(
        rule.id,
        is_rule=True,
        points=points,
        conditions=tuple(case.when.sql for case in rule.cases),
        metrics=rule.metrics,
    )


def needed_tables(metric: Metric) -> frozenset[str]:
    """The canonical tables to fetch for one metric (a derived one needs all, since it reads other metrics)."""
    if metric.subject == "derived":
        return frozenset(TABLES)
    wanted = set(metric.tables) | set(EVIDENCE.get(metric.evidence, ()))
    if "ticket" in wanted:
        wanted.add("contact")  # whose names are masked in the titles of tickets
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
