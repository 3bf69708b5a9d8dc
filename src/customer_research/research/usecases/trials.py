"""Use cases that try a scorecard on churn that happened: backtest, thresholds, drift, calibrate, the default scorecard."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_research.research.past.requests import CalibrationTerms, DriftTerms, ThresholdTerms, TrialTerms, signals
from customer_research.research.request import Request, argument, option, part, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import EXIT_CODES, Answer, State, Text, lines, of_report, written

if TYPE_CHECKING:
    from customer_research.domain.backtest import Gate
    from customer_research.research.past.default_card import Proposal
    from customer_research.research.usecases.runner import Call


@request
class Backtest(Request):
    """How well CARD (one or two scorecards; default: setting scorecard) told on past dates who would leave within 90 days: AUC, PR-AUC,
    Brier, calibration, lift, churn by band, alerts by threshold, time before churn; two are compared on the same rows.

    It measures every active account of the lake each month, as it was known then. Rules over values that are overwritten without a
    date (a ticket's status, the CSM view's columns) are left out and named, unless the lake had been synced by every date. With --signals FILE.csv --points POINTS.json it reads
    a table of signals instead, and CARD is a scorecard that `calibrate` wrote, or `expert` for the points themselves.

    With --gate OLD NEW: exit code 0 when NEW is no worse than OLD, 12 when it is worse, 13 when there is too little churn to tell.
    """

    cards: tuple[str, ...] = argument("One or two scorecards.", (), metavar="[CARD] [CARD]", or_file=True)
    gate: bool = option("Whether the second scorecard may replace the first: see exit codes.", False)
    thresholds: tuple[int, ...] = option("Tell of this one, too.", (), flags=("--threshold",), ge=0, le=100)
    alert_at: int | None = option(
        "Threshold of the time before churn; default: At Risk's highest score.", None, ge=0, le=100
    )
    ground: TrialTerms = part(TrialTerms)

    def answer(self, call: Call) -> Answer:
        found = rooms.trials.backtest(
            call.settings,
            self.cards,
            self.ground,
            call.clock,
            thresholds=self.thresholds,
            alert_at=self.alert_at,
            gating=self.gate,
        )
        report, state = rooms.backtest_report.build(found), _verdict(found.gate)
        return of_report(report) if state == "done" else Answer(report, state)


def _verdict(gate: Gate | None) -> State:
    if gate is None or gate.verdict == "pass":
        return "done"
    return gate.verdict


@request
class Thresholds(ThresholdTerms, Request):
    """Where CARD (default: setting scorecard) should alert, by what happened: with --capacity, the highest score that raises at most
    so many new alerts a week; with --cost and --save-rate, the highest score at which p x save rate x value > cost of a contact.

    It tells churn by band, and which bands do not separate; from 300 churned accounts on the cut-offs are tied to churn, and bands
    that do not separate become one. --output writes a new version of the scorecard, --alerts a file for the setting alerts.rules.

    Where the score is not shown to tell who leaves (under 20 accounts left, or the interval of its AUC holds 0.5) nothing is chosen
    and nothing written: exit code 11.
    """

    def answer(self, call: Call) -> Answer:
        done = rooms.thresholds.choose_thresholds(call.settings, self, call.clock)
        report, beside = rooms.thresholds_report.REPORT.build(done), tuple(f"Written: {path}" for path in done.written)
        return Answer(report, "refused", beside=beside) if done.refused else of_report(report, *beside)


@request
class Drift(DriftTerms, Request):
    """Whether CARD's calibration still holds: for each date after it, observed over expected churn with its Poisson interval (outside
    0.7 to 1.4: refit the intercept), and how far the scores have shifted (PSI above 0.2).

    --output writes a new version of the scorecard with the intercept that these dates ask for. Exit code 14: to be refitted.
    """

    def answer(self, call: Call) -> Answer:
        done = rooms.drift.check(call.settings, self, call.clock)
        report, beside = (
            rooms.drift_report.REPORT.build(done),
            () if done.written is None else (f"Written: {done.written}",),
        )
        return Answer(report, "drifted", beside=beside) if done.found.refit else of_report(report, *beside)


@request
class Calibrate(CalibrationTerms, Request):
    """Calibrate on files or on the lake."""

    ABOUT = """\
Fit the points of a scorecard to real churn, no further than the churn goes; writes a new scorecard.

\b
--signals  CSV: operator_id, as_of, the signals in [0, 1], churned (1: left within 90 days after as_of).
           observed_at or SIGNAL_observed_at, where given, must not be later than as_of.
--points   JSON: a list of {"signal", "dimension", "points"}, the expert's points of 100 at severity 1.
           Dimensions: payment 40, engagement 25, support 20, growth 15; those absent get no weight.

Without --signals the rules of --base (default: setting scorecard) are the signals, on every active account of the lake (or of
--tables DIR) at past dates, and billing's subscriptions say who churned. Rules over values that are overwritten without a
date are not tried, unless the lake had been synced by every date: while the new scorecard keeps them it gives no probability; --only-tried leaves them out of it.

What distinct churned accounts allow: below 20 counts by band; from 20 the expert's points with a probability; from 65 fitted
points are proposed (--confirm adopts them); from 100 they are adopted. Fitted points must be better, out of fold, than the
base rate (95 %) and than the expert's points (90 %). Fitted points move the bands: Monitor begins where churn is as likely as in
the mean, At Risk at twice, Critical at four times that. A file that is there is never written over.

A signal that may know the churn that it should foresee raises an alarm: the report tells why, and what the score is with it and
without it. Until a person says --keep SIGNAL or --drop SIGNAL it counts, and nothing is adopted. Only one that repeats the label
(AUC alone .95 or more) is dropped unasked.

Exit code: 0 adopted; 10 proposed, for a person to decide; 11 refused, the expert's points stay; 2 the input is wrong, and nothing is written.
"""
    OUTPUT_AFTER = "result"

    def answer(self, call: Call) -> Answer:
        done = rooms.on_lake.calibrated(call.settings, self, call.clock, call.progress)
        told, document = done.told, rooms.calibration_json.result_json(done)
        beside = [*written(self.result, document.encode()), f"{told.outcome.capitalize()}: {told.reason}."]
        if done.written is not None:
            beside.append(f"Written: {done.written}")
            if told.outcome == "adopted" and told.base:
                beside.append(f"To make it the default: customer-research scorecard use {done.written}")
        elif done.left_alone:
            beside.append(f"{self.output} is as it was.")
        report = rooms.calibration_report.build(done)
        return Answer(report, "done" if told.outcome == "adopted" else told.outcome, beside=tuple(beside))


@request
class Predict(Request):
    """Score, band and probability of churn within 90 days for each row of a table: operator_id, as_of, score, band, p_churn.

    The table has operator_id, as_of, and a column for each signal of the scorecard; others are left out. p_churn is empty where
    the scorecard was never calibrated.
    """

    scorecard: str = option("A scorecard that `calibrate` wrote.", metavar="CARD.toml")
    signals: Path = signals("The table of signals.", ...)
    output: Path = option(
        "Where the predictions go; - is standard output.", flags=("--output", "-o"), file="new or -", metavar="PRED.csv"
    )

    def answer(self, call: Call) -> Answer:
        found = rooms.on_files.predict_file(self.scorecard, self.signals)
        beside = (f"No probability: {found.without}.",) if found.without else ()
        if self.output == Path("-"):
            return Answer(Text((found.text,)), beside=beside)
        return Answer(Text(()), beside=(*written(self.output, found.text.encode()), *beside))


@request
class UseCard(Request):
    """Make NAME (a shipped scorecard, or a file such as `calibrate` writes) the default: the setting scorecard in the settings file.

    It asks the gate of `backtest --gate` with the default as the old one, and tells how many operators change band, as of the
    lake's newest snapshot. Nothing is written when the gate does not pass, unless --anyway is given. Of the settings file only this
    one setting changes; comments stay. A scorecard that was calibrated is tried fairly with --since, after its last date.

    Exit code: 0 it is the default; 12 it is worse; 13 there is too little churn to tell; 5 there is no such scorecard, or it scores
    no operators, or nobody has confirmed it; 2 the call is wrong, or there is nothing to ask the gate on.
    """

    OUTPUT_AFTER = "dry_run"
    DOCUMENT = "JSON."

    name: str = argument("A shipped scorecard, or a file.", or_file=True)
    anyway: bool = option("Whatever the gate says, or where it cannot be asked.", False)
    dry_run: bool = option("Tell it all and write nothing.", False)
    ground: TrialTerms = part(TrialTerms)

    def answer(self, call: Call) -> Answer:
        default_card = rooms.default_card
        found = default_card.propose(call.settings, self.name, self.ground, call.clock, anyway=self.anyway)
        state: State = "done" if self.anyway else _verdict(found.gate)
        adopted = state == "done" and not (self.dry_run or found.same)
        file = default_card.adopt(call.config, found) if adopted else None
        if file is not None:
            beside: tuple[str, ...] = (f"Written: scorecard in {file}",)
        elif found.same:
            beside = ()
        else:
            why = "" if self.dry_run else " --anyway makes it the default all the same."
            beside = (f"Nothing was written.{why}",)
        document = _document(found, state, None if file is None else str(file))
        return lines(*default_card.words(found), state=state, document=document, beside=beside)


def _document(found: Proposal, state: State, file: str | None) -> dict[str, Any]:
    told = asdict(found)
    gate, moves = told.pop("gate"), told.pop("moves")
    if moves is not None:
        moves["as_of"] = moves["as_of"].isoformat()
        moves["moved"] = found.moves.moved if found.moves is not None else 0
    return {
        **told,
        "gate": gate and {key: gate[key] for key in ("verdict", "why")},
        "moves": moves,
        "exit_code": EXIT_CODES[state],
        "written": file,
    }
