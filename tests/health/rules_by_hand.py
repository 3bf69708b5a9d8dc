"""The scorecard `canonical` 2 written again by hand, from the documentation alone.

Nothing of the product is imported here. The sources are `docs/reference/rules.md` (rules, gates, how a score is made),
`docs/reference/metrics.md` (what a metric is) and the decisions 8 and 9. Whoever changes a rule changes it here, too, from the
text that the change left in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Truth = bool | None
"""True, false, or not to be told."""


class Told:
    """Something true, false or not to be told, joined as the conditions in the documentation are."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth

    def __and__(self, other: Told) -> Told:
        if self.truth is False or other.truth is False:
            return Told(False)
        return Told(None if self.truth is None or other.truth is None else True)

    def __or__(self, other: Told) -> Told:
        if self.truth or other.truth:
            return Told(True)
        return Told(None if self.truth is None or other.truth is None else False)

    def __invert__(self) -> Told:
        return Told(None if self.truth is None else not self.truth)


class Number:
    """A figure that may be unknown: what is reckoned or compared with an unknown one is unknown."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def _with(self, other: object, work: Callable[[Any, Any], Any]) -> Any:
        right = other.value if isinstance(other, Number) else other
        return None if self.value is None or right is None else work(self.value, right)

    def __sub__(self, other: object) -> Number:
        return Number(self._with(other, lambda a, b: a - b))

    def __add__(self, other: object) -> Number:
        return Number(self._with(other, lambda a, b: a + b))

    def __mul__(self, other: object) -> Number:
        return Number(self._with(other, lambda a, b: a * b))

    def __lt__(self, other: object) -> Told:
        return Told(self._with(other, lambda a, b: a < b))

    def __le__(self, other: object) -> Told:
        return Told(self._with(other, lambda a, b: a <= b))

    def __gt__(self, other: object) -> Told:
        return Told(self._with(other, lambda a, b: a > b))

    def __ge__(self, other: object) -> Told:
        return Told(self._with(other, lambda a, b: a >= b))

    def equals(self, other: object) -> Told:
        return Told(self._with(other, lambda a, b: a == b))

    @property
    def known(self) -> Told:
        return Told(self.value is not None)

    @property
    def holds(self) -> Told:
        """What a yes-or-no figure says."""
        return Told(self.value)


class Metrics:
    """An operator's figures by name; `asked` are those that a condition named."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Number:
        self.asked.add(name)
        return Number(self.values[name])


Condition = Callable[[Metrics], Told]


@dataclass(frozen=True)
class Rule:
    """One rule: each of its rows says when it holds; `each` names the figure that multiplies its points."""

    name: str
    dimension: str
    points: int
    rows: tuple[Condition, ...]
    each: str | None = None
    beside: tuple[str, ...] = ()
    """Rules beside which this one does not count."""
    of: tuple[str, ...] = ()
    """Statuses of which it is not asked."""


def _more_than_chance(before: Number, now: Number) -> Told:
    """Counts that moved by two standard errors, from a base of at least 10."""
    moved = before - now
    return (before >= 10) & (moved * moved >= (before + now) * 4)


def fell(m: Metrics) -> Told:
    before, now = m.reservations_prev_30d, m.reservations_30d
    return _more_than_chance(before, now) & ((before - now) * 4 >= before) & (m.usage_trend <= -0.25)


def rose(m: Metrics) -> Told:
    before, now = m.reservations_prev_30d, m.reservations_30d
    return _more_than_chance(before, now) & ((now - before) * 5 >= before) & (m.usage_trend >= 0.2)


def _quarter(m: Metrics) -> Told:
    return _more_than_chance(m.reservations_prev_90d, m.reservations_90d)


def _quarter_fell(m: Metrics) -> Told:
    last_year = ~m.trend_90d_year.known | (m.reservations_90d_year_ago < 20) | (m.trend_90d_year <= -0.15)
    return _quarter(m) & (m.trend_90d <= -0.15) & last_year


def _worst(m: Metrics, rate: Number, below: float) -> Told:
    return (rate < below) & (rate <= m.payment_success_worst)


def _no_bill_and_no_charge(m: Metrics) -> Told:
    since = m.days_since_last_invoice
    beyond = m.active_subscriptions.equals(0) | (since > m.billing_interval_days + 30)
    return (since > 90) & beyond & m.charge_attempts_90d.equals(0)


ENDS: tuple[Condition, ...] = (
    lambda m: m.pending_cancellation.holds & (m.days_to_end < 0) & m.subscription_ends_on.known,
    lambda m: m.pending_cancellation.holds & m.subscription_ends_on.known,
    lambda m: m.pending_cancellation.holds,
)
YOUNG = ("onboarding",)
FALLS = ("E1", "E2", "E3")

RULES = (
    Rule("P1", "payment", -10, (lambda m: m.overdue_not_failed >= 1,), each="overdue_not_failed"),
    Rule("P2", "payment", -15, (lambda m: m.invoices_failed_90d >= 1,), each="invoices_failed_90d"),
    Rule("P3", "payment", -15, (
        lambda m: (m.failure_streak >= 3) & (m.charge_attempts_90d < 100),
        lambda m: (m.failure_streak >= 5) & (m.charge_attempts_90d >= 100),
    )),
    Rule("P3n", "payment", 0, (lambda m: (m.charge_attempts_90d < 20) & (m.charges_failed_90d >= 1),), beside=("P3",)),
    Rule("P4", "payment", -10, (
        lambda m: (m.invoices_due >= 3) & _worst(m, m.invoice_success_rate, 0.95),
        lambda m: (m.charge_attempts_90d >= 20) & _worst(m, m.charge_success_rate, 0.95),
    )),
    Rule("P4b", "payment", -25, (
        lambda m: (m.invoices_due >= 3) & _worst(m, m.invoice_success_rate, 0.8),
        lambda m: (m.charge_attempts_90d >= 20) & _worst(m, m.charge_success_rate, 0.8),
    )),
    Rule("P5", "payment", -10, (lambda m: (m.invoices_paid >= 3) & (m.avg_days_to_pay >= m.net_payment_term + 7),)),
    Rule("P6", "payment", -20, (
        _no_bill_and_no_charge,
        lambda m: m.invoices_finalized.equals(0) & (m.days_since_last_charge > 90),
    )),
    Rule("P7", "payment", -20, (lambda m: m.active_disputes >= 1,)),
    Rule("P8", "payment", -10, (
        lambda m: m.highest_risk_charges_90d >= 3,
        lambda m: (m.charge_attempts_90d >= 20) & (m.high_risk_charges_90d >= 3) & (m.high_risk_share >= 0.01),
        lambda m: (m.charge_attempts_90d >= 3) & (m.avg_risk_score > 50),
    )),
    Rule("E1", "engagement", -20, (
        lambda m: m.reservations_30d.equals(0) & m.reservations_ever.equals(0),
        lambda m: m.reservations_30d.equals(0) & m.reservations_prev_30d.equals(0),
        lambda m: m.reservations_30d.equals(0),
    ), of=YOUNG),
    Rule("E2", "engagement", -30, (lambda m: m.reservations_60d.equals(0),), of=YOUNG),
    Rule("E3", "engagement", -15, (lambda m: fell(m) & m.seasonal_factor_30d.known, fell), beside=("E1",), of=YOUNG),
    Rule("E4", "engagement", -10, (lambda m: (m.completed_90d >= 5) & (m.collection_rate_90d < 0.8),)),
    Rule("E5", "engagement", 10, (lambda m: rose(m) & m.seasonal_factor_30d.known, rose), beside=FALLS),
    Rule("E6", "engagement", 10, (lambda m: (m.completed_90d >= 5) & (m.collection_rate_90d > 0.95),), beside=FALLS),
    Rule("E7", "engagement", 5, (lambda m: (m.driver_trips_90d >= 1) & (m.driver_app_rate > 0.5),), beside=FALLS),
    Rule("S1", "support", -10, (lambda m: m.open_tickets_over_7d >= 1,), each="open_tickets_over_7d"),
    Rule("S2", "support", -20, (lambda m: m.open_tickets_over_30d >= 1,), each="open_tickets_over_30d"),
    Rule("S3", "support", -15, (lambda m: m.high_priority_open >= 1,), each="high_priority_open"),
    Rule("S4", "support", -20, (lambda m: m.nps_latest <= 6, lambda m: m.csat_latest < 3)),
    Rule("S5", "support", 5, (lambda m: (m.resolved_90d >= 1) & (m.median_resolution_days <= 7),)),
    Rule("S6", "support", 10, (lambda m: m.nps_latest >= 9, lambda m: m.csat_latest >= 4), beside=("S4",)),
    Rule("G1", "growth", 20, (lambda m: m.upgraded_180d.holds,)),
    Rule("G2", "growth", 15, (lambda m: _quarter(m) & (m.trend_90d >= 0.15),)),
    Rule("G3", "growth", 10, (lambda m: m.members_added_90d >= 1, lambda m: m.drivers_added_90d >= 1)),
    Rule("G4", "growth", 15, (lambda m: m.expansion_deals_open >= 1,)),
    Rule("G5", "growth", -20, (lambda m: m.downgraded_180d.holds,)),
    Rule("G6", "growth", -15, (_quarter_fell,), beside=("E1", "E3"), of=YOUNG),
    Rule("G7", "growth", -30, (*ENDS, lambda m: m.cancellation_mentioned.holds)),
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A dimension: its weight in thousandths, where it starts, the metrics of which one must be known, and the one that must be."""

    weight: int
    base: int
    by: tuple[str, ...]
    and_by: tuple[str, ...] = ()


PARTS = {
    "payment": Part(400, 100, ("days_since_last_invoice", "days_since_last_charge"), ("invoices_finalized",)),
    "engagement": Part(250, 100, ("reservations_30d",)),
    "support": Part(200, 100, ("open_tickets",)),
    "growth": Part(150, 50, ("reservations_90d", "upgraded_180d", "members_added_90d", "expansion_deals_open")),
}
CAPPING = ("payment", "engagement", "support")
"""Dimensions that cap the score where they are below 40."""
BANDS = (("healthy", 80), ("monitor", 60), ("at_risk", 40), ("critical", 0))
OUTSIDE = ("onboarding", "churned", "never_started", "no_subscription")
TOPS = {"monitor": 79, "at_risk": 59}


def _booked_ahead(m: Metrics) -> Told:
    """Rides ahead that match the month before: a season."""
    return (m.future_trips_30d >= 5) & (m.future_trips_30d * 4 >= m.reservations_prev_30d * 3)


@dataclass(frozen=True)
class Gate:
    cap: str
    rows: tuple[Condition, ...]
    of: tuple[str, ...] = ()


NO_USE = ("onboarding", "churned", "never_started")
GATES = {
    "active_dispute": Gate("at_risk", (lambda m: m.active_disputes >= 1,)),
    "pending_cancellation": Gate("at_risk", ENDS),
    "charge_success": Gate("at_risk", (lambda m: (m.charge_attempts_90d >= 20) & (m.charge_success_rate < 0.8),)),
    "usage_stopped": Gate("at_risk", (lambda m: m.reservations_60d.equals(0) & ~_booked_ahead(m),), NO_USE),
    "usage_falling": Gate("monitor", (
        lambda m: m.reservations_30d.equals(0) & (m.reservations_prev_30d > 0) & ~_booked_ahead(m),
        lambda m: fell(m) & m.seasonal_factor_30d.known & ~_booked_ahead(m),
        lambda m: fell(m) & ~_booked_ahead(m),
    ), NO_USE),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """What a rule came to: the number of the row that holds, 0 where none counts, None where it is not judged; its points.

    `open`: it is not judged for a silent source; `names` are the metrics of its rows.
    """

    row: int | None
    points: int = 0
    open: bool = False
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Judgement:
    """Of dimensions, uncapped points and score the least that they can be; `high` and `highest` are the most."""

    lines: Mapping[str, Line]
    dimensions: Mapping[str, int | None]
    high: Mapping[str, int | None]
    gates: Mapping[str, int | None]
    coverage: float
    uncapped: int | None
    score: int | None
    highest: int | None
    band: str


@dataclass(frozen=True)
class Asked:
    """What a question came to: the row that holds (see `Line`), and whether one of its unknown metrics is of a silent source."""

    row: int | None
    unheard: bool
    names: frozenset[str]

    @property
    def open(self) -> bool:
        return self.row is None and self.unheard


class Case:
    """One operator: its metrics, and the metrics of sources that are silent."""

    def __init__(self, values: Mapping[str, Any], silent: Collection[str]) -> None:
        self.values = values
        self.silent = silent

    def unheard(self, names: Iterable[str]) -> bool:
        return any(self.values[name] is None and name in self.silent for name in names)

    def ask(self, rows: Iterable[Condition], of: Collection[str], *more: str) -> Asked:
        """The first row that holds; None where none does and one cannot be told."""
        m = Metrics(self.values)
        truths = [row(m).truth for row in rows]
        if self.values["status"] in of:
            row: int | None = 0
        elif True in truths:
            row = truths.index(True) + 1
        else:
            row = None if None in truths else 0
        return Asked(row, self.unheard((*m.asked, *more)), frozenset(m.asked))

    def lines(self) -> dict[str, Line]:
        asked = {rule.name: self.ask(rule.rows, rule.of, *filter(None, [rule.each])) for rule in RULES}
        rules = {rule.name: rule for rule in RULES}

        def counts(name: str) -> bool:
            return bool(asked[name].row) and not any(counts(other) for other in rules[name].beside)

        lines = {}
        for rule in RULES:
            row, waits = asked[rule.name].row, any(asked[other].open for other in rule.beside)
            if any(counts(other) for other in rule.beside):
                row = 0
            elif row and waits:
                row = None
            times = self.values[rule.each] if rule.each else 1
            opened = row is None and (asked[rule.name].unheard or waits)
            lines[rule.name] = Line(row, rule.points * times if row else 0, opened, asked[rule.name].names)
        return lines

    def known(self, by: Iterable[str], and_by: Iterable[str]) -> bool:
        told = {name for name, value in self.values.items() if value is not None}
        return bool(told.intersection(by)) and told.issuperset(and_by)


def most(rule: Rule) -> int:
    """The most that an open rule takes or gives: with "each" all of its dimension, whatever others give."""
    return rule.points * (1000 if rule.each else 1)


def band_of(score: int | None) -> str:
    return "insufficient" if score is None else next(band for band, least in BANDS if score >= least)


def judge(values: Mapping[str, Any], silent: Collection[str] = (), past: Collection[str] = ()) -> Judgement:
    """What the documentation makes of these metrics; None is unknown.

    `silent` are metrics whose source is; `past` those that are not judged at a past date.
    """
    case = Case(values, silent)
    lines = case.lines()
    ends: dict[str, tuple[int, int]] = {}
    known: set[str] = set()
    proved = 0
    for name, part in PARTS.items():
        rules = [rule for rule in RULES if rule.dimension == name]
        firm = part.base + sum(lines[rule.name].points for rule in rules)
        opened = [most(rule) for rule in rules if lines[rule.name].open]
        low, high = firm + sum(p for p in opened if p < 0), firm + sum(p for p in opened if p > 0)
        by = part.by
        if set(by).issubset(past):
            by = tuple(
                n for r in rules if r.points and not lines[r.name].names & set(past) for n in lines[r.name].names
            )
        if case.known(by, part.and_by):
            known.add(name)
            missing = {n for n, line in lines.items() if line.open or (line.row is None and line.names & set(past))}
            judged = sum(abs(rule.points) for rule in rules if rule.name not in missing)
            proved += part.weight * judged // sum(abs(rule.points) for rule in rules)
        if name in known or case.unheard((*by, *part.and_by)):
            ends[name] = max(0, min(100, low)), max(0, min(100, high))
    asked = {name: case.ask(gate.rows, gate.of) for name, gate in GATES.items()}
    scored = proved >= 500
    whole = sum(PARTS[name].weight for name in ends)

    def mean(end: int) -> int | None:
        sums = sum(PARTS[name].weight * both[end] for name, both in ends.items())
        return (2 * sums + whole) // (2 * whole) if scored else None

    def capped(end: int) -> int | None:
        holding = [gate.cap for name, gate in GATES.items() if asked[name].row or (end == 0 and asked[name].open)]
        holding += ["at_risk" for name in CAPPING if name in ends and ends[name][end] < 40]
        score = mean(end)
        return None if score is None else min([score, *(TOPS[cap] for cap in holding)])

    score, highest = capped(0), capped(1)
    band = band_of(score) if band_of(score) == band_of(highest) else "unsettled"
    shown = {name: ends[name] if name in known else (None, None) for name in PARTS}
    return Judgement(
        lines=lines,
        dimensions={name: both[0] for name, both in shown.items()},
        high={name: both[1] for name, both in shown.items()},
        gates={name: answer.row for name, answer in asked.items()},
        coverage=proved / 1000,
        uncapped=mean(0),
        score=score,
        highest=highest,
        band="outside" if values["status"] in OUTSIDE else band,
    )
