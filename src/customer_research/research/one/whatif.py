"""What if: one operator's figures with some of them assumed, judged by the same SQL and scorecard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Evidence, Fact, Figure, Gap, Receipt
from customer_research.domain.report import Report
from customer_research.errors import UsageError
from customer_research.health.whatif import Assumption, changed_lines, read_value
from customer_research.reports.inquiries.whatif_report import ASSUMPTION, REPORT, Supposition
from customer_research.reports.kind import STREAMS
from customer_research.research.one.figures import WIDE_METRICS, Measurement
from customer_research.research.one.judge import card_named, judge, metrics_needed
from customer_research.research.one.why import metric_named
from customer_research.research.receipts import kept_receipt

if TYPE_CHECKING:
    from customer_research.research.one.operators import Operators

DERIVED = tuple(metric.name for metric in WIDE_METRICS if metric.subject == "derived")


def read_assumptions(texts: Sequence[str]) -> tuple[Assumption, ...]:
    """Assumptions from `metric=value` texts.

    Raises:
        UsageError: one is not of that form, names no metric (the nearest are told), or has no value of its unit.
    """
    found: dict[str, Assumption] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value.strip():
            raise UsageError(f"{text[:60]!r} is no assumption.", hint="Write metric=value, such as reservations_30d=0.")
        metric = metric_named(name.strip())
        if metric.name in found:
            raise UsageError(f"{metric.name} is assumed twice.", hint="Give each metric one value.")
        found[metric.name] = read_value(metric.name, metric.unit, value, signed=metric.sign != "plain")
    if not found:
        raise UsageError("Nothing is assumed.", hint="Add metric=value, such as reservations_30d=0.")
    return tuple(found.values())


async def whatif(
    operators: Operators, term: str, assumed: Sequence[Assumption], *, scorecard: str | None = None
) -> Report:
    """The operator's score beside the one under the assumptions (see `Research.whatif`)."""
    card = scorecard or operators.settings.scorecard
    account, measurement = await operators.measured(term, listings=STREAMS, scorecard=card)
    supposed = WhatIf(measurement, assumed, account)
    scores, findings = judge(supposed, card)
    after = replace(account, figures=supposed.figures, scores=scores, findings=findings)
    return REPORT.build(_supposition(account, after, supposed, card))


def assumption(text: str, made_at: datetime) -> Receipt:
    """The receipt of something assumed: it says what, and that nobody was asked."""
    made = kept_receipt(
        ASSUMPTION, (text,), source=ASSUMPTION, stream="whatif", query=text, fetched_at=made_at, place="memory", rows=0
    )
    return replace(made, requests=0)


class WhatIf:
    """An operator's figures under assumptions, in the wide table and as figures.

    What was assumed rests on the assumption beside the receipts of the real figure; a derived metric is recomputed, and
    stands as it was when the assumptions do not move it.
    """

    def __init__(self, measurement: Measurement, assumed: Sequence[Assumption], account: Account) -> None:
        self._measurement = measurement
        self._as_of = account.as_of
        self.assumed = tuple(one.metric for one in assumed)
        self.receipts = tuple(assumption(f"{one.metric} = {one.text}", account.generated_at) for one in assumed)
        self.figures: dict[str, Figure] = dict(measurement.figures)
        for one, receipt in zip(assumed, self.receipts, strict=True):
            self.figures[one.metric] = self._figure(one.metric, one.value, (receipt,))
        self.followed = self._follow({one.metric: one.value for one in assumed})

    def _follow(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Recompute the derived metrics and put the row in its place; gives those that are moved."""
        real = self._measurement.wide_row()
        before = self._measurement.suppose(real)
        row = {**real, **values}
        after = self._measurement.suppose(row)
        moved = tuple(name for name in DERIVED if name not in values and before[name] != after[name])
        for name in moved:
            row[name] = after[name]
            self.figures[name] = self._figure(name, after[name], self.receipts)
        self._measurement.suppose(row)
        return moved

    def _figure(self, name: str, value: Any, receipts: tuple[Receipt, ...]) -> Figure:
        if value is None:
            return Gap(ASSUMPTION, "none_found", "Assumed to be unknown.", "", name)
        real = self._measurement.figures[name]
        basis = (*real.basis, *receipts) if isinstance(real, Fact) else receipts
        return Fact(value, METRICS[name].unit, basis, self._as_of, name)

    def run(self, sql: str) -> list[dict[str, Any]]:
        """Run a query over the supposed row."""
        return self._measurement.run(sql)

    def evidence(self, metric_name: str) -> Evidence:
        """The records behind a figure; behind an assumed or moved one stand the assumptions."""
        if metric_name not in (*self.assumed, *self.followed):
            return self._measurement.evidence(metric_name)
        rows = tuple((receipt.query,) for receipt in self.receipts)
        return Evidence((ASSUMPTION,), rows, len(rows), self.receipts)


def _supposition(before: Account, after: Account, supposed: WhatIf, scorecard: str) -> Supposition:
    assert before.score is not None
    assert after.score is not None
    left = _left(supposed, scorecard)
    named = (*supposed.assumed, *supposed.followed, *left)
    return Supposition(
        before=before,
        after=after,
        receipts=supposed.receipts,
        labels={name: METRICS[name].label for name in named},
        assumed=supposed.assumed,
        followed=supposed.followed,
        left=left,
        lines=changed_lines(before.score, after.score),
    )


def _left(supposed: WhatIf, scorecard: str) -> tuple[str, ...]:
    """What the scorecard reads and is made of the same tables as an assumed figure, but was not assumed with it."""
    behind = {METRICS[name].tables for name in supposed.assumed}
    touched = {*supposed.assumed, *supposed.followed}
    needed = metrics_needed(card_named(scorecard))
    return tuple(name for name in needed if name not in touched and METRICS[name].tables in behind)
