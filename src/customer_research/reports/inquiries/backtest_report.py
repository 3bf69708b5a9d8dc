"""Scorecards on past dates: how well each told who left, by band and by alert threshold, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from customer_research.domain.backtest import CardTrial, Difference, Exclusion, Gate, Load
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.report import (
    Block,
    Cell,
    FigureLine,
    Figures,
    Freshness,
    Prose,
    Report,
    Table,
    Text,
    Tone,
)
from customer_research.domain.words import counted, unit_words
from customer_research.reports.blocks import Proof, grid
from customer_research.reports.churn_by_band import SOURCE, band_table, estimate
from customer_research.reports.inquiries.outcomes_report import BIAS
from customer_research.reports.kind import Head, Outline, SectionPlan, section

_MEASURES: tuple[tuple[str, str, str], ...] = (
    ("auc", "AUC (0.5: by chance)", "estimate"),
    ("average_precision", "PR-AUC", "estimate"),
    ("brier", "Brier score", "estimate"),
    ("slope", "Calibration slope (1 is right)", "estimate"),
    ("ece", "Calibration error (ECE)", "estimate"),
)
_TOP = "Lift of the riskiest tenth"
_LOAD_CAPTION = (
    "Alerts at a score of so many points or fewer; standing: operators at a date; by manager: new a week for each"
)
_VERDICTS: dict[str, tuple[str, Tone]] = {
    "pass": ("Gate passed.", "good"),
    "worse": ("Gate failed.", "bad"),
    "too_little": ("Gate failed.", "watch"),
}


@dataclass(frozen=True, slots=True)
class TrialGround:
    """What scorecards were tried on.

    `every` and `counting` are empty, and `place` names the file, for a table of signals; `managers` is 0 where unknown.
    `receipts` prove the rows, `basis` the figures computed from them (its parameters name the tables' receipts).
    """

    rows: int
    churned_rows: int
    accounts: int
    churned_accounts: int
    dates: tuple[datetime, ...]
    every: str
    counting: str
    known_until: datetime
    dropped: tuple[Exclusion, ...]
    remarks: tuple[str, ...]
    managers: int
    place: str
    receipts: tuple[Receipt, ...]
    basis: tuple[Receipt, ...]
    freshness: tuple[Freshness, ...]

    @property
    def proof(self) -> Proof:
        """What was computed of the rows."""
        return Proof(self.basis, self.known_until)

    def head(self, now: datetime, headline: Prose, title: str) -> Head:
        """The head of a report on what was tried on it."""
        return Head(now, self.known_until, self.freshness, headline, title=title)


@dataclass(frozen=True, slots=True)
class Interventions:
    """Interventions that were recorded, the rows whose window holds one, and churned rows among these and among others."""

    records: int
    rows: int
    accounts: int
    churned: int
    others: int
    others_churned: int


@dataclass(frozen=True, slots=True)
class ChurnReasons:
    """What people recorded of why accounts left, beside billing's truth, which alone is counted.

    `reasons` of the accounts that churned in a window, the most frequent first; `untold` churned accounts without a reason;
    `not_by_billing` accounts recorded as gone of which no row's window holds a churn; `other_kind` whose recorded kind
    (voluntary, non-payment) is not billing's.
    """

    reasons: tuple[tuple[str, int], ...]
    untold: int
    not_by_billing: int
    other_kind: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """A backtest of one scorecard or two; `recorded` proves what people recorded."""

    trials: tuple[CardTrial, ...]
    difference: Difference | None
    gate: Gate | None
    ground: TrialGround
    intervened: Interventions | None
    why: ChurnReasons | None
    recorded: Receipt
    now: datetime


def load_table(loads: Sequence[Load], receipts: tuple[Receipt, ...], as_of: datetime) -> Table | None:
    """What alerting at each threshold would have meant."""
    each = any(load.a_week_each is not None for load in loads)
    rows = (_load_row(load, receipts, as_of, each=each) for load in loads)
    return grid(
        f">Score to | >Standing | >New a week | {'>By manager | ' if each else ''}>Precision | >Recall",
        rows,
        receipts,
        _LOAD_CAPTION,
    )


def _load_row(load: Load, receipts: tuple[Receipt, ...], as_of: datetime, *, each: bool) -> tuple[Cell, ...]:
    def told(value: Estimate | None, unit: str, why: str) -> Figure:
        return estimate(value, unit, receipts, as_of, why)

    by_manager = (told(load.a_week_each, "estimate_number", "there is one date only"),) if each else ()
    return (
        Text(f"{load.threshold}"),
        Fact(load.standing, "number", receipts, as_of),
        told(load.a_week, "estimate_number", "there is one date only"),
        *by_manager,
        told(load.precision, "estimate_ratio", "nobody stands there"),
        told(load.recall, "estimate_ratio", "nobody churned"),
    )


def merged_words(merged: Sequence[Sequence[str]]) -> str:
    """Which bands have the same churn as far as anybody can tell; empty when each separates from the next."""
    joint = [" and ".join(BAND_LABELS.get(name, name) for name in names) for names in merged if len(names) > 1]
    if not joint:
        return ""
    return f"Churn does not separate {'; '.join(joint)} (95% confidence): read them as one."


def _named(trial: CardTrial) -> str:
    return f"{trial.name} {trial.version}"


class _Maker:
    """Makes the sections of one backtest."""

    def __init__(self, found: Backtest) -> None:
        self._found, self._ground, self._proof = found, found.ground, found.ground.proof
        self._receipts, self._as_of = self._proof.receipts, self._proof.as_of

    def head(self) -> Head:
        title = f"Backtest of {' and '.join(_named(trial) for trial in self._found.trials)}"
        return self._ground.head(self._found.now, self._headline(), title)

    def _headline(self) -> Prose:
        ground = self._ground
        parts = []
        facts: list[Fact[Any]] = []
        for trial in self._found.trials:
            auc = trial.evaluation.auc
            if auc is None:
                parts.append(f"{_named(trial)} cannot be judged")
            else:
                fact = self._estimate(auc, "estimate")
                parts.append(f"{_named(trial)} told who would leave within 90 days with an AUC of {_interval(auc)}")
                facts += [fact] if isinstance(fact, Fact) else []
        text = (
            f"{'; '.join(parts)}: {counted(ground.churned_accounts, 'account')} churned of {ground.accounts:,}, looked at on "
            f"{counted(len(ground.dates), 'date')}."
        )
        return Prose(text, (*facts, self._proof.fact(ground.churned_accounts), self._proof.fact(ground.accounts)))

    def gate(self) -> Iterator[Block | None]:
        found = self._found.gate
        if found is None:
            return
        words, tone = _VERDICTS[found.verdict]
        facts = (self._proof.fact(found.difference.churned_accounts), self._proof.fact(found.difference.rows))
        yield Prose(f"{words} {found.why}", facts, tone)

    def ground(self) -> Iterator[Block | None]:
        ground = self._ground
        lines = [
            FigureLine("Rows (an account at a date)", Fact(ground.rows, "count", ground.receipts, self._as_of)),
            FigureLine("Accounts", self._proof.fact(ground.accounts)),
            FigureLine("Churned accounts", self._proof.fact(ground.churned_accounts)),
            FigureLine("Rows whose 90 days held a churn", self._share()),
            FigureLine("Dates", self._proof.fact(len(ground.dates))),
        ]
        if ground.dates:
            first, last = self._proof.facts("date", ground.dates[0].date(), ground.dates[-1].date())
            lines += [FigureLine("First date", first), FigureLine("Last date", last)]
        yield Figures(tuple(lines))
        yield Prose(self._meaning())
        rows = ((self._proof.fact(one.rows), Text(one.words)) for one in ground.dropped)
        yield grid(">Rows left out | !Because", rows, self._receipts)
        for remark in ground.remarks:
            yield Prose(remark)

    def _share(self) -> Figure:
        if not self._ground.rows:
            return self._gap("there are no rows")
        return self._proof.fact(self._ground.churned_rows / self._ground.rows, "ratio")

    def _meaning(self) -> str:
        ground = self._ground
        if ground.place:
            return f"Rows and churn are those of {ground.place}; an interval is of 95%, by bootstrap over accounts."
        what = "leaving by choice" if ground.counting == "voluntary" else "leaving by choice or for not paying"
        return (
            f"A row is an account with an active base subscription at a date ({ground.every}ly); churn is {what} within 90 days "
            "after, by billing's own subscriptions; intervals are of 95%, by bootstrap over accounts."
        )

    def measures(self) -> Iterator[Block | None]:
        found = self._found
        headers = (
            "Measure",
            *(_named(trial) for trial in found.trials),
            *(("Difference",) if found.difference else ()),
        )
        rows = [self._measure(name, label, unit) for name, label, unit in _MEASURES]
        rows.append((Text(_TOP), *(self._top(trial) for trial in found.trials), *self._nothing()))
        yield Table(headers, tuple(rows), self._receipts)
        for trial in found.trials:
            if trial.unknown:
                yield Prose(
                    f"{_named(trial)}: {counted(trial.unknown, 'row')} without a score count nowhere.",
                    (self._proof.fact(trial.unknown),),
                )
            source = trial.probability or "none: too little churn for one"
            yield Prose(f"{_named(trial)}: probabilities are from {source}.")
        if found.difference is not None:
            same = f"{found.difference.same_band:,} of {found.difference.rows:,} rows are in the same band under both."
            yield Prose(same, self._proof.facts("count", found.difference.same_band, found.difference.rows))

    def _measure(self, name: str, label: str, unit: str) -> tuple[Cell, ...]:
        cells = [self._estimate(getattr(trial.evaluation, name), unit) for trial in self._found.trials]
        if not hasattr(self._found.difference, name):
            return (Text(label), *cells, *self._nothing())
        return (Text(label), *cells, self._estimate(getattr(self._found.difference, name), unit))

    def _nothing(self) -> tuple[Cell, ...]:
        return (Text("-", "unknown"),) if self._found.difference is not None else ()

    def _top(self, trial: CardTrial) -> Cell:
        deciles = trial.evaluation.deciles
        return self._estimate(deciles[0].lift if deciles else None, "estimate_number")

    def card(self, trial: CardTrial) -> Iterator[Block | None]:
        yield band_table(trial.bands, self._receipts, self._as_of)
        if words := merged_words(trial.merged):
            yield Prose(words, (), "watch")
        yield load_table(trial.loads, self._receipts, self._as_of)
        if not self._ground.managers:
            yield Prose(
                "How many that is for each account manager is not known.", step="--managers tells how many there are."
            )
        yield Figures(tuple(self._lead(trial)))

    def _lead(self, trial: CardTrial) -> Iterator[FigureLine]:
        lead = trial.lead
        if lead is None:
            yield FigureLine("Time before churn", Gap(SOURCE, "none_found", "no churn has a date in this table"))
            return
        at = f"at {lead.threshold} or below up to the churn"
        yield FigureLine(f"Churned accounts {at}", self._estimate(lead.share, "estimate_ratio"))
        why = "no churned account was alerted up to its churn"
        yield FigureLine(
            f"Days {at}, median",
            self._estimate(lead.median_days, "estimate_days", why) if lead.alerted else self._gap(why),
        )

    def left_out(self) -> Iterator[Block | None]:
        for trial in self._found.trials:
            rows = tuple(
                (Text(out.rule), Text(out.dimension), Text(out.overwritten), Text("wholly" if out.whole else "in part"))
                for out in trial.left_out
            )
            if rows:
                yield Prose(
                    f"{_named(trial)}: these rules rest on values that are overwritten without a history, so that no backtest "
                    "of them is possible; they count as not fired. Snapshots taken at the time know them."
                )
                yield grid("Rule | !Dimension | !What is overwritten | !Left out", rows)

    def why(self) -> Iterator[Block | None]:
        found = self._found.why
        if found is None:
            return
        lines = [*((reason.replace("_", " ").capitalize(), count) for reason, count in found.reasons)]
        lines += [("No reason recorded", found.untold)]
        if found.not_by_billing:
            lines += [("Recorded as gone, not by billing on these dates", found.not_by_billing)]
        if found.other_kind:
            lines += [("Recorded as of another kind than billing tells", found.other_kind)]
        receipts = (*self._receipts, self._found.recorded)
        yield Figures(tuple(FigureLine(label, Fact(count, "count", receipts, self._as_of)) for label, count in lines))
        yield Prose("Reasons are people's; who left and when is billing's, and only that is counted above.")

    def interventions(self) -> Iterator[Block | None]:
        found = self._found.intervened
        if found is None:
            recording = "`customer-research outcome done` records what was done."
            yield Prose(f"{BIAS} None was recorded, so that nobody can tell how much.", step=recording)
            return
        facts = [
            Fact(found.records, "count", (self._found.recorded,), self._as_of),
            *(self._proof.fact(number) for number in (found.rows, found.accounts, found.churned)),
        ]
        yield Prose(
            f"{counted(found.records, 'intervention')} recorded; {counted(found.rows, 'row')} of "
            f"{counted(found.accounts, 'account')} had one within their 90 days, and {found.churned:,} of these churned "
            f"(of the other {found.others:,} rows {found.others_churned:,} did). {BIAS}",
            (*facts, self._proof.fact(found.others), self._proof.fact(found.others_churned)),
        )

    def _estimate(self, value: Estimate | None, unit: str, why: str = "too little churn to tell") -> Figure:
        return estimate(value, unit, self._receipts, self._as_of, why)

    def _gap(self, why: str) -> Gap:
        return Gap(SOURCE, "none_found", why)


def _interval(value: Estimate) -> str:
    told = unit_words(value.value, "measure")
    if value.low is None or value.high is None:
        return told
    return f"{told} [{unit_words(value.low, 'measure')} to {unit_words(value.high, 'measure')}]"


def _card(trial: CardTrial) -> SectionPlan[_Maker]:
    name = f"card-{trial.name}".replace("_", "-")
    return section(name, f"Bands and alerts: {_named(trial)}", lambda maker: maker.card(trial))


def build(found: Backtest) -> Report:
    """The backtest as a report."""
    return Outline(
        "backtest",
        "Backtest",
        _Maker.head,
        (
            section("gate", "Gate", _Maker.gate),
            section("ground", "Tried on", _Maker.ground),
            section("measures", "Measures", _Maker.measures),
            *map(_card, found.trials),
            section("left-out", "Left out", _Maker.left_out),
            section("why", "Why they left", _Maker.why),
            section("interventions", "Interventions", _Maker.interventions),
        ),
    ).build(_Maker(found))
