"""Calibration: what churn says about a scorecard's points, how sure that is, and what would change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from customer_research.domain.calibration import (
    Calibration,
    Estimate,
    Evaluation,
    GroupChurn,
    LeakAlarm,
    Mover,
    SignalResult,
    Verdict,
)
from customer_research.domain.evidence import Fact, Receipt
from customer_research.domain.health import BAND_LABELS
from customer_research.domain.report import (
    Block,
    Bullets,
    Cell,
    Chart,
    FigureLine,
    Figures,
    Mark,
    Prose,
    Report,
    Table,
    Text,
    Tone,
)
from customer_research.domain.words import counted, share_words, unit_words
from customer_research.reports.blocks import Proof
from customer_research.reports.kind import Head, Outline, section
from customer_research.reports.tones import BAND_TONES

_MOVERS_SHOWN = 20
_TITLES = {
    "adopted": "Adopted",
    "proposed": "Proposed, not adopted",
    "refused": "Refused",
}
_TONES: dict[str, Tone] = {"adopted": "good", "proposed": "watch", "refused": "watch"}
_VERDICTS: dict[Verdict, tuple[str, Tone]] = {
    "differs": ("differs from the expert", "neutral"),
    "not_distinguishable": ("not distinguishable from the expert", "neutral"),
    "pinned": ("sign conflict: held at zero", "watch"),
    "never_varies": ("never varies here: says nothing", "unknown"),
    "not_fitted": ("not fitted", "unknown"),
}
_MEASURES = (
    ("auc", "AUC (chance that one who churns ranks as riskier)"),
    ("average_precision", "Average precision (PR-AUC)"),
    ("log_loss", "Log-loss"),
    ("brier", "Brier score"),
    ("slope", "Calibration slope (1 is right)"),
    ("intercept", "Calibration intercept (0 is right)"),
    ("ece", "Expected calibration error"),
)
_UNKNOWN = Text("not known", "unknown")
_NEVER = Text("never fires", "unknown")
_INTERVAL = "95% interval"
_GROUP_HEADERS = ("Rows", "Accounts", "Churned accounts", "Churn", _INTERVAL, "Lift", _INTERVAL)
_EFFECTS = ("auc_with", "auc_without", "log_loss_with", "log_loss_without")
_DECISIONS = {
    ("open", "nobody"): "open: it counts",
    ("kept", "person"): "kept by a person",
    ("dropped", "person"): "dropped by a person",
    ("dropped", "guard"): "dropped: repeats the label",
}


@dataclass(frozen=True, slots=True)
class CalibrationRun:
    """A calibration that was carried out: what was found, with the receipts of the input, and what was written (None: nothing).

    `version` is that of the scorecard that it stands for; `left_alone` says that a file of that name was there, and stayed.
    """

    told: Calibration
    receipts: tuple[Receipt, ...]
    generated_at: datetime
    version: str
    written: Path | None = None
    left_alone: bool = False


class _Writer:
    """Writes one calibration."""

    def __init__(self, found: CalibrationRun) -> None:
        self._found, self._told = found, found.told
        self._proof = Proof(found.receipts, found.told.last_as_of)

    def head(self) -> Head:
        return Head(
            self._found.generated_at, self._told.last_as_of, headline=self._headline(), warnings=self._warnings()
        )

    # --- figures -----------------------------------------------------------------------------------------------------

    def _known(self, value: float | None, unit: str, instead: Text = _UNKNOWN) -> Cell:
        return instead if value is None else self._proof.fact(value, unit)

    def _estimate(self, found: Estimate | None, unit: str = "measure") -> tuple[Cell, Cell]:
        """An estimate and its interval."""
        value = self._known(None if found is None else found.value, unit)
        if found is None or found.low is None or found.high is None:
            return value, _UNKNOWN
        return value, self._proof.fact(f"{_words(found.low, unit)} to {_words(found.high, unit)}", "text")

    def _table(
        self, headers: Sequence[str], rows: Iterable[tuple[Cell, ...]], caption: str = "", total: int = 0
    ) -> Table:
        """A table whose words, which are the calibration's, rest on what all its figures rest on."""
        told = tuple((row[0], *map(self._proven, row[1:])) for row in rows)
        right = (any(_is_number(row[at]) for row in told) for at in range(len(headers)))
        align = tuple("right" if is_right else "left" for is_right in right)
        whole = total if total > len(told) else None
        return Table(tuple(headers), told, self._found.receipts, caption, whole, align)  # type: ignore[arg-type]

    def _proven(self, cell: Cell) -> Cell:
        told = isinstance(cell, Text) and cell.tone != "unknown"
        return self._proof.stated(cell.text, cell.tone) if told and isinstance(cell, Text) else cell

    # --- head --------------------------------------------------------------------------------------------------------

    def _headline(self) -> Prose:
        told = self._told
        facts = (self._proof.fact(told.events, "count"),)
        return Prose(f"{_TITLES[told.outcome]}: {told.reason}.", facts, _TONES[told.outcome])

    def _warnings(self) -> Iterator[Prose]:
        told = self._told
        yield from map(self._alarm, told.alarms)
        for signal in told.signals:
            if signal.verdict == "pinned":
                yield Prose(
                    f"Sign conflict: beside the other signals, churn is not higher where {signal.name} fires; it is held "
                    "at zero.",
                    (),
                    "watch",
                )
        if told.outcome == "proposed":
            asked = "--keep or --drop" if told.undecided else "--confirm"
            yield Prose("A person has to look at this and decide.", (), "watch", f"Calibrate again with {asked}.")
        if told.curve is not None and told.curve.slope == 0:
            yield Prose(
                "The score does not tell who leaves: its probability is the base rate for everybody.", (), "watch"
            )

    def evidence(self) -> Figures:
        told = self._told
        needed = f"the next step of the ladder needs {told.needed}" if told.needed else "the ladder's last step"
        judged = "later dates" if told.embargo_days is not None else "other accounts"
        lines: tuple[tuple[str, object, str, str], ...] = (
            ("Churned accounts", told.events, "count", needed),
            ("Accounts", told.accounts, "count", ""),
            ("Rows", told.rows, "count", ""),
            ("Rows whose window holds a churn", told.churned_rows, "count", ""),
            ("Base rate", told.churned_rows / told.rows, "ratio", ""),
            ("First as-of", told.first_as_of.date(), "date", ""),
            ("Last as-of", told.last_as_of.date(), "date", ""),
            ("As-of dates", told.dates, "count", ""),
            ("Window after each", told.window_days, "days", ""),
            ("Judged on", f"{judged} than it was fitted to", "text", ""),
            ("Embargo between", told.embargo_days, "days", ""),
            ("Freedom from the expert (tau)", told.tau, "measure", "0: the expert's points; 2: nearly free"),
            ("Refits for intervals", told.draws, "count", ""),
            ("Seed", told.seed, "number", ""),
            ("Scorecard that was calibrated", told.base or None, "text", ""),
            ("Version", self._found.version, "text", ""),
        )
        known = (
            (label, self._proof.fact(value, unit, note=note)) for label, value, unit, note in lines if value is not None
        )
        return Figures(tuple(FigureLine(label, fact) for label, fact in known))

    # --- quality -----------------------------------------------------------------------------------------------------

    def quality(self) -> Iterator[Block]:
        told = self._told
        judged = [(title, found) for title, found in (("Expert", told.expert), ("Fitted", told.fitted)) if found]
        headers = ("Measure", *(word for title, _ in judged for word in (title, _INTERVAL)))
        yield self._table(
            headers,
            (
                (Text(label), *(cell for _, found in judged for cell in self._estimate(getattr(found, name))))
                for name, label in _MEASURES
            ),
        )
        if told.base_log_loss is not None:
            base = self._proof.fact(told.base_log_loss, "measure")
            yield Figures((FigureLine("Log-loss of the base rate alone", base),))
        if told.gates:
            yield self._gates()
        if told.unrounded_auc is not None and told.shipped_auc is not None:
            yield Prose(
                f"Rounding to whole points and clipping: AUC {told.unrounded_auc:.4f} before, {told.shipped_auc:.4f} as it "
                "ships (on all rows).",
                self._proof.facts("measure", told.unrounded_auc, told.shipped_auc),
            )

    def _gates(self) -> Table:
        return self._table(
            ("Gate", "Confidence", "Log-loss saved a row", "At least", "Outcome"),
            (
                (
                    Text(f"Better than the {gate.name}"),
                    self._proof.fact(gate.confidence, "ratio"),
                    *self._proof.facts("precise", gate.gain, gate.low),
                    Text("passed", "good") if gate.passed else Text("not passed", "bad"),
                )
                for gate in self._told.gates
            ),
            "Gates of adoption, out of fold",
        )

    # --- leaks -------------------------------------------------------------------------------------------------------

    def leaks(self) -> Iterator[Block]:
        if not self._told.alarms:
            return
        yield self._table(
            ("Signal", "AUC alone", "Churn there", "AUC with", "Without", "Log-loss with", "Without", "Decision"),
            map(self._leak, self._told.alarms),
            "Signals that may know the churn that they should foresee; the score out of fold with each and without it",
        )
        yield Prose(
            "A leak is known only with the churn or after it: then what it adds is no foresight. An honest signal may be as "
            "strong; who knows where its values come from can tell."
        )

    def _leak(self, alarm: LeakAlarm) -> tuple[Cell, ...]:
        return (
            Text(alarm.signal),
            self._known(alarm.auc, "measure"),
            self._known(alarm.churn_where_fires, "ratio", _NEVER),
            *(self._known(getattr(alarm.effect, part, None), "measure") for part in _EFFECTS),
            Text(_DECISIONS[alarm.decision, alarm.decided_by], "watch" if alarm.decision == "open" else "neutral"),
        )

    def _alarm(self, alarm: LeakAlarm) -> Prose:
        """An alarm, what was decided, and what the signal does."""
        may = f"{alarm.signal} may know the churn that it should foresee: {alarm.why}." if alarm.why else ""
        said = {
            "open": "It counts until a person decides.",
            "kept": "A person has said to keep it.",
            "dropped": "It repeats the label, so it is left out."
            if alarm.decided_by == "guard"
            else f"A person has said to drop {'it' if may else alarm.signal}.",
        }[alarm.decision]
        effect, measured = alarm.effect, ""
        facts: tuple[Fact[object], ...] = ()
        if effect is not None and effect.auc_with is not None and effect.auc_without is not None:
            measured = f"With it the score has an AUC of {effect.auc_with:.3f}, without it {effect.auc_without:.3f}."
            facts = self._proof.facts("measure", effect.auc_with, effect.auc_without)
        is_open = alarm.decision == "open"
        step = f"Calibrate again with --keep {alarm.signal} or --drop {alarm.signal}." if is_open else ""
        tone: Tone = "watch" if alarm.decision == "kept" else "bad"
        return Prose(" ".join(filter(None, (may, said, measured))), facts, tone, step)

    # --- points ------------------------------------------------------------------------------------------------------

    def points(self) -> Iterator[Block]:
        told = self._told
        if told.fitted is None and any(signal.points is not None for signal in told.signals):
            yield Prose("The expert's points stay. What churn alone would move them to is shown for comparison.")
        yield self._table(
            ("Dimension", "Weight, expert", "Fitted", _INTERVAL),
            (
                (Text(one.name), self._proof.fact(one.expert_weight, "ratio"), *self._estimate(one.weight, "ratio"))
                for one in told.dimensions
            ),
            "Weights",
        )
        signals = sorted(told.signals, key=lambda one: (one.dimension, -_size(one), one.name))
        yield self._table(
            ("Signal", "Dimension", "Points, expert", "Fitted", _INTERVAL, "Against the expert"),
            map(self._signal, signals),
            "Points",
        )
        yield self._table(
            ("Signal", "Share, expert", "Share, fitted", _INTERVAL, "Fires in rows", "Churn there", "AUC alone"),
            map(self._share, signals),
            "What each signal takes of the whole score, and what it tells alone",
        )

    def _signal(self, one: SignalResult) -> tuple[Cell, ...]:
        return (
            Text(one.name),
            Text(one.dimension),
            self._proof.fact(one.expert_points, "number"),
            self._known(one.points, "number"),
            self._estimate(one.estimate, "number")[1],
            Text(*_VERDICTS[one.verdict]),
        )

    def _share(self, one: SignalResult) -> tuple[Cell, ...]:
        return (
            Text(one.name),
            self._proof.fact(one.expert_share, "ratio"),
            *self._estimate(one.share, "ratio"),
            self._proof.fact(one.fires),
            self._known(one.churn_where_fires, "ratio", _NEVER),
            self._known(one.auc, "measure"),
        )

    # --- probabilities and bands -------------------------------------------------------------------------------------

    def _judged(self) -> Evaluation:
        """The evaluation of the score that ships."""
        told = self._told
        return told.expert if told.fitted is None or told.outcome == "refused" else told.fitted

    def reliability(self) -> Iterator[Block]:
        lines = self._judged().reliability
        if not lines:
            yield Prose(f"No probability is given: {self._told.reason}.", (), "unknown")
            return
        yield self._table(
            ("Rows", "Churned", "Predicted", "Observed", _INTERVAL),
            (
                (
                    *self._proof.facts("count", line.rows, line.churned),
                    self._proof.fact(line.predicted, "ratio"),
                    *self._estimate(line.observed, "ratio"),
                )
                for line in lines
            ),
        )
        facts = tuple(self._proof.fact(line.observed.value, "ratio") for line in lines)
        worst = max(abs(line.predicted - line.observed.value) for line in lines)
        yield Chart(
            form="quadrant",
            title="Predicted and observed churn",
            says=Prose(
                f"Rows in {len(lines)} bins by predicted churn; predicted and observed differ by {share_words(worst)} at most.",
                facts,
            ),
            marks=tuple(
                Mark(self._proof.fact(line.predicted, "ratio"), fact, label=f"bin {number}")
                for number, (line, fact) in enumerate(zip(lines, facts, strict=True), start=1)
            ),
            axis="Predicted",
            height="Observed",
        )

    def bands(self) -> Iterator[Block]:
        told = self._told
        bands = (self._group(line, _band(line.name), BAND_TONES.get(line.name, "neutral")) for line in told.bands)
        yield self._table(("Band", *_GROUP_HEADERS), bands, "By band")
        yield self._by_band()
        names = [" and ".join(map(_band, merged)) for merged in told.separate]
        if len(names) == 1:
            yield Prose("On this evidence the bands do not separate: churn does not tell them apart.", (), "watch")
        elif any(len(merged) > 1 for merged in told.separate):
            yield Prose(f"Only these tell churn apart: {'; '.join(names)}.", (), "watch")
        else:
            yield Prose("Each band has more churn than the one above it, with 95% confidence.", (), "good")
        yield self._cuts()
        if told.may_set_cutoffs:
            yield Prose(
                "There is enough churn to make one band of those that do not separate.",
                step="`customer-research thresholds` does.",
            )
        tenths = (self._group(line, line.name) for line in self._judged().deciles)
        words = "By tenth of the rows, the riskiest first (equal scores share one)"
        yield self._table(("Tenth", *_GROUP_HEADERS), tenths, words)

    def _cuts(self) -> Prose:
        cuts = self._told.cuts
        if cuts.stay:
            words = f"The bands begin at {_cut_words(cuts.after)} as before (Healthy / Monitor / At Risk): {cuts.stay}."
            return Prose(words, self._proof.facts("count", *cuts.after))
        words = (
            f"The bands move with the score: Healthy / Monitor / At Risk from {_cut_words(cuts.before)} to "
            f"{_cut_words(cuts.after)}. Monitor begins where churn within {self._told.window_days} days is as likely as in "
            f"the mean ({share_words(cuts.base_rate)}), At Risk where it is twice as likely, Critical four times."
        )
        return Prose(words, (*self._proof.facts("count", *cuts.after), self._proof.fact(cuts.base_rate, "ratio")))

    def _by_band(self) -> Chart:
        known = [(line.name, line.rate.value) for line in self._told.bands if line.rate is not None]
        facts = self._proof.facts("ratio", *(rate for _, rate in known))
        words = ", ".join(f"{share_words(rate)} in {_band(name)}" for name, rate in known)
        return Chart(
            form="bands",
            title="Churn by band",
            says=Prose(f"Rows whose window holds a churn: {words}.", facts),
            marks=tuple(
                Mark(_band(name), fact, tone=BAND_TONES.get(name, "neutral"))
                for (name, _), fact in zip(known, facts, strict=True)
            ),
            height="Churn",
        )

    def _group(self, line: GroupChurn, name: str, tone: Tone = "neutral") -> tuple[Cell, ...]:
        return (
            Text(name, tone),
            *self._proof.facts("count", line.rows, line.accounts, line.churned_accounts),
            *self._estimate(line.rate, "ratio"),
            *self._estimate(line.lift, "number"),
        )

    # --- consequences ------------------------------------------------------------------------------------------------

    def movers(self) -> Iterator[Block]:
        told = self._told
        if not told.moved:
            yield Prose("Nobody: the points stay as they are.")
            return
        yield self._table(
            ("Expert", "Fitted", "Operators"),
            ((Text(_band(one.before)), Text(_band(one.after)), self._proof.fact(one.operators)) for one in told.moved),
            "Bands at each operator's latest as-of",
        )
        if told.movers:
            yield self._table(
                ("Operator", "As of", "Score, expert", "Score, fitted", "Band, expert", "Band, fitted"),
                map(self._mover, told.movers[:_MOVERS_SHOWN]),
                "Movers, the furthest down first",
                len(told.movers),
            )

    def _mover(self, one: Mover) -> tuple[Cell, ...]:
        return (
            Text(one.operator_id),
            self._proof.fact(one.as_of.date(), "date"),
            *self._proof.facts("count", one.score_before, one.score_after),
            *(Text(_band(band), BAND_TONES[band]) for band in (one.band_before, one.band_after)),
        )

    def alerts(self) -> Iterator[Block]:
        yield self._table(
            ("Score up to", "Rows", "Operators a date", "Precision", _INTERVAL, "Recall", _INTERVAL),
            (
                (
                    *self._proof.facts("count", line.threshold, line.rows),
                    self._proof.fact(line.operators_a_date, "number"),
                    *self._estimate(line.precision, "ratio"),
                    *self._estimate(line.recall, "ratio"),
                )
                for line in self._told.alert_loads
            ),
        )
        yield Prose(
            "Precision: the share of alerted rows whose window held a churn. Recall: the share of churned accounts that were "
            "alerted in such a window."
        )

    def left_out(self) -> Block:
        told = self._told
        items = [
            Prose(f"{one.signal}: {_DECISIONS[one.decision, one.decided_by]}{one.why and f', {one.why}'}.", (), "bad")
            for one in told.dropped
        ]
        items += [Prose(f"{name}: the points do not name it.") for name in told.left_out]
        return Bullets(tuple(items)) if items else Prose(f"Nothing: {counted(len(told.signals), 'signal')} are used.")


def _band(name: str) -> str:
    return BAND_LABELS.get(name, name)


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, Fact) and cell.unit != "text"


def _cut_words(cuts: tuple[int, int, int]) -> str:
    return " / ".join(map(str, cuts))


def _size(one: SignalResult) -> float:
    return abs(one.expert_share if one.share is None else one.share.value)


def _words(value: float, unit: str) -> str:
    """A bound of an interval in the words of its unit."""
    if unit == "number":
        return f"{value:.1f}"  # beside an estimate, whose decimal stands even when it is 0
    return unit_words(value, "ratio" if unit == "ratio" else "measure")


_OUTLINE = Outline(
    "calibration",
    "Calibration of the health score",
    _Writer.head,
    (
        section("evidence", "Evidence", _Writer.evidence),
        section("quality", "How well it tells who leaves", _Writer.quality),
        section("leaks", "Suspected leaks", _Writer.leaks),
        section("points", "Points and weights", _Writer.points),
        section("reliability", "Predicted and observed", _Writer.reliability),
        section("bands", "Bands", _Writer.bands),
        section("movers", "Who would move", _Writer.movers),
        section("alerts", "Alerts by threshold", _Writer.alerts),
        section("left_out", "Left out", _Writer.left_out),
    ),
)


def build(found: CalibrationRun) -> Report:
    """The calibration as a report."""
    return _OUTLINE.build(_Writer(found))
