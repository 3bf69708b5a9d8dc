"""Use cases that try a scorecard on churn that happened: backtest, thresholds, drift, calibrate, the default scorecard."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, argument, option, part, request
from customer_research.research.usecases.answer import EXIT_CODES, Answer, State, Text, lines, of_report, written

if TYPE_CHECKING:
    from customer_research.domain.backtest import Gate
    from customer_research.research.past.backtest.trials import TrialOrder
    from customer_research.research.past.default_card import Proposal
    from customer_research.research.usecases.runner import Call

Every = Literal["month", "quarter"]
Counting = Literal["voluntary", "any"]
NEW_CARD = "The new scorecard; must not be there yet."


def _tables() -> Any:
    return option("Canonical tables in a folder, instead of the lake's.", None, file="folder", metavar="DIR")


def _every(text: str = "How far the dates lie apart.") -> Any:
    return option(text, "month")


def _counting() -> Any:
    return option("Leaving by choice alone, or for not paying, too.", "voluntary", flags=("--churn",))


def _signals(text: str, default: Any = None) -> Any:
    return option(text, default, file="file", metavar="FILE.csv")


@request
class Ground:
    """On what a scorecard is tried: which tables or signals, at which dates, and which churn counts."""

    tables: Path | None = _tables()
    signals: Path | None = _signals("A table of signals, instead of any tables.")
    points: Path | None = option(
        "The signals of that table, with expert points.", None, file="file", metavar="POINTS.json"
    )
    every: Every = _every()
    counting: Counting = _counting()
    since: str | None = options.instant("No date before this one.")
    until: str | None = options.instant("Churn is told up to then; default: billing's last pull.")
    managers: int | None = option("Account managers; default: the owners HubSpot names.", None, ge=1)
    seed: int = option("Seed of folds and bootstrap.", 0)

    def asked(self, **more: Any) -> TrialOrder:
        """The ground as the trials take it."""
        from customer_research.research.past.backtest.trials import TrialOrder
        from customer_research.research.portfolio.take import instant

        same = ("tables", "signals", "points", "every", "counting", "managers", "seed")
        return TrialOrder(
            **{name: getattr(self, name) for name in same},
            since=None if self.since is None else instant(self.since),
            until=None if self.until is None else instant(self.until),
            **more,
        )


@request
class Backtest(Request):
    """Try scorecards on past dates."""

    ABOUT = """\
How well CARD (one or two scorecards; default: setting scorecard) told on past dates who would leave within 90 days: AUC, PR-AUC,
Brier, calibration, lift, churn by band, alerts by threshold, time before churn; two are compared on the same rows.

It measures every active account of the lake each month, as it was known then. Rules over values that are overwritten without a
date (a ticket's status, the CSM view's columns) are left out and named, unless the lake had been synced by every date. With --signals FILE.csv --points POINTS.json it reads
a table of signals instead, and CARD is a scorecard that `calibrate` wrote, or `expert` for the points themselves.

With --gate OLD NEW: exit code 0 when NEW is no worse than OLD, 12 when it is worse, 13 when there is too little churn to tell.
"""

    cards: tuple[str, ...] = argument("One or two scorecards.", (), metavar="[CARD] [CARD]")
    gate: bool = option("Whether the second scorecard may replace the first: see exit codes.", False)
    thresholds: tuple[int, ...] = option("Tell of this one, too.", (), flags=("--threshold",), ge=0, le=100)
    alert_at: int | None = option(
        "Threshold of the time before churn; default: At Risk's highest score.", None, ge=0, le=100
    )
    ground: Ground = part(Ground)

    def answer(self, call: Call) -> Answer:
        from customer_research.research.past.backtest import trials as desk

        ground = self.ground.asked(cards=self.cards, thresholds=self.thresholds, alert_at=self.alert_at)
        report, decided = desk.backtest_report(call.settings, ground, call.clock, gating=self.gate)
        state = _verdict(decided)
        return of_report(report) if state == "done" else Answer(report, state)


def _verdict(gate: Gate | None) -> State:
    if gate is None or gate.verdict == "pass":
        return "done"
    return gate.verdict


@request
class Thresholds(Request):
    """Choose where to alert."""

    ABOUT = """\
Where CARD (default: setting scorecard) should alert, by what happened: with --capacity, the highest score that raises at most
so many new alerts a week; with --cost and --save-rate, the highest score at which p x save rate x value > cost of a contact.

It tells churn by band, and which bands do not separate; from 300 churned accounts on the cut-offs are tied to churn, and bands
that do not separate become one. --output writes a new version of the scorecard, --alerts a file for the setting alerts.rules.

Where the score is not shown to tell who leaves (under 20 accounts left, or the interval of its AUC holds 0.5) nothing is chosen
and nothing written: exit code 11.
"""

    card: str = argument("A scorecard.", "")
    capacity: float | None = option("New alerts a week that people can take.", None, gt=0)
    cost: float | None = option("What a contact costs.", None, metavar="USD", gt=0)
    save_rate: float | None = option("Share of contacted accounts that stay for it.", None, gt=0, le=1)
    value: float | None = option(
        "What a kept account is worth; default: its list price of a year, in the middle.", None, metavar="USD", gt=0
    )
    output: Path | None = option(NEW_CARD, None, file="new", metavar="CARD.toml")
    alerts: Path | None = option(
        "Alert rules with the threshold; must not be there yet.", None, file="new", metavar="RULES.toml"
    )
    ground: Ground = part(Ground)

    def answer(self, call: Call) -> Answer:
        from customer_research.research.past.calibration.thresholds import ThresholdOrder, choose_thresholds

        wanted = ThresholdOrder(
            card=self.card,
            ground=self.ground.asked(),
            capacity=self.capacity,
            cost_minor=None if self.cost is None else round(self.cost * 100),
            save_rate=self.save_rate,
            value_minor=None if self.value is None else round(self.value * 100),
            output=self.output,
            alerts=self.alerts,
        )
        done = choose_thresholds(call.settings, wanted, call.clock)
        beside = tuple(f"Written: {path}" for path in done.files)
        return Answer(done.report, "refused", beside=beside) if done.refused else of_report(done.report, *beside)


@request
class Drift(Request):
    """Check a calibration."""

    ABOUT = """\
Whether CARD's calibration still holds: for each date after it, observed over expected churn with its Poisson interval (outside
0.7 to 1.4: refit the intercept), and how far the scores have shifted (PSI above 0.2).

--output writes a new version of the scorecard with the intercept that these dates ask for. Exit code 14: to be refitted.
"""

    card: str = argument("A scorecard.", "")
    output: Path | None = option(NEW_CARD, None, file="new", metavar="CARD.toml")
    ground: Ground = part(Ground)

    def answer(self, call: Call) -> Answer:
        from customer_research.research.past.calibration.drift import check

        done = check(call.settings, self.card, self.ground.asked(), self.output, call.clock)
        beside = () if done.written is None else (f"Written: {done.written}",)
        return Answer(done.report, "drifted", beside=beside) if done.found.refit else of_report(done.report, *beside)


@request
class Calibrate(Request):
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

    signals: Path | None = _signals("The table of signals and churn.")
    points: Path | None = option("The expert's points.", None, file="file", metavar="POINTS.json")
    output: Path | None = option(
        "The new scorecard; must not be there yet.", None, flags=("--output", "-o"), file="new", metavar="CARD.toml"
    )
    seed: int = option("The same seed, the same result.", 0, ge=0, le=2**31 - 1)
    result: Path | None = option("Every figure as JSON.", None, file="new", metavar="RESULT.json")
    confirm: bool = option("Adopt what would only be proposed: a person has looked at the report.", False)
    keep: tuple[str, ...] = option(
        "A suspected leak that is none: a person has looked. Repeatable.", (), metavar="SIGNAL"
    )
    drop: tuple[str, ...] = option("A signal to leave out, suspected or not. Repeatable.", (), metavar="SIGNAL")
    base: str = option("The scorecard whose rules the signals are.", "", metavar="SCORECARD")
    split: Literal["accounts", "forward"] = option(
        "Judge on other accounts, or on later dates (90 days between).", "accounts"
    )
    only_tried: bool = option("Leave the rules that the past cannot judge out of the new scorecard.", False)
    tables: Path | None = _tables()
    every: Every = _every("How far dates lie apart.")
    counting: Counting = _counting()
    draws: int = option("Refits for the intervals.", 200, ge=50, le=10_000)

    def answer(self, call: Call) -> Answer:
        from customer_research.reports.inquiries.calibration_report import CalibrationReport, build
        from customer_research.research.past.calibration.result_json import result_json

        if self.output is None or (self.signals is None) != (self.points is None):
            raise UsageError(
                "Calibrating needs --output CARD.toml, and --signals FILE.csv with --points POINTS.json or neither.",
                hint="See `customer-research calibrate --help`.",
            )
        if self.signals is not None and (self.tables is not None or self.only_tried):
            raise UsageError("--tables and --only-tried are of a lake's past, and --signals is a table of its own.")
        done = _calibrated(call, self, self.output)
        told = done.told
        beside = [*written(self.result, result_json(done).encode()), f"{told.outcome.capitalize()}: {told.reason}."]
        if done.written is not None:
            beside.append(f"Written: {done.written}")
            if told.outcome == "adopted" and told.base:
                beside.append(f"To make it the default: customer-research scorecard use {done.written}")
        elif done.left_alone:
            beside.append(f"{self.output} is as it was.")
        report = build(CalibrationReport(told, done.receipts, done.generated_at, done.version))
        return Answer(report, "done" if told.outcome == "adopted" else told.outcome, beside=tuple(beside))


def _calibrated(call: Call, asked: Calibrate, output: Path) -> Any:
    from customer_research.health.calibration.procedure import Terms
    from customer_research.research.past.backtest.trials import TrialOrder
    from customer_research.research.past.calibration.on_files import CalibrationOrder, calibrate_files
    from customer_research.research.past.calibration.on_lake import calibrate_lake

    terms = Terms(asked.seed, asked.split, asked.draws, asked.confirm, keep=asked.keep, drop=asked.drop)
    order = CalibrationOrder(output, terms, asked.base)
    if asked.signals is not None and asked.points is not None:
        return calibrate_files(asked.signals, asked.points, order, call.clock, call.progress)
    ground = TrialOrder(tables=asked.tables, every=asked.every, counting=asked.counting)
    return calibrate_lake(call.settings, order, ground, call.clock, call.progress, only_tried=asked.only_tried)


@request
class Predict(Request):
    """Predict by a scorecard."""

    ABOUT = """\
Score, band and probability of churn within 90 days for each row of a table: operator_id, as_of, score, band, p_churn.

The table has operator_id, as_of, and a column for each signal of the scorecard; others are left out. p_churn is empty where
the scorecard was never calibrated.
"""

    scorecard: str = option("A scorecard that `calibrate` wrote.", metavar="CARD.toml")
    signals: Path = _signals("The table of signals.", ...)
    output: Path = option(
        "Where the predictions go; - is standard output.", flags=("--output", "-o"), file="new or -", metavar="PRED.csv"
    )

    def answer(self, call: Call) -> Answer:
        from customer_research.research.past.calibration.on_files import predict_file

        found = predict_file(self.scorecard, self.signals)
        beside = (f"No probability: {found.without}.",) if found.without else ()
        if self.output == Path("-"):
            return Answer(Text((found.text,)), beside=beside)
        return Answer(Text(()), beside=(*written(self.output, found.text.encode()), *beside))


@request
class UseCard(Request):
    """Make a scorecard the default."""

    ABOUT = """\
Make NAME (a shipped scorecard, or a file such as `calibrate` writes) the default: the setting scorecard in the settings file.

It asks the gate of `backtest --gate` with the default as the old one, and tells how many operators change band, as of the
lake's newest snapshot. Nothing is written when the gate does not pass, unless --anyway is given. Of the settings file only this
one setting changes; comments stay. A scorecard that was calibrated is tried fairly with --since, after its last date.

Exit code: 0 it is the default; 12 it is worse; 13 there is too little churn to tell; 5 there is no such scorecard, or it scores
no operators, or nobody has confirmed it; 2 the call is wrong, or there is nothing to ask the gate on.
"""
    OUTPUT_AFTER = "dry_run"
    DOCUMENT = "JSON."

    name: str = argument("A shipped scorecard, or a file.")
    anyway: bool = option("Whatever the gate says, or where it cannot be asked.", False)
    dry_run: bool = option("Tell it all and write nothing.", False)
    ground: Ground = part(Ground)

    def answer(self, call: Call) -> Answer:
        from customer_research.research.past import default_card

        found = default_card.propose(call.settings, self.name, self.ground.asked(), call.clock, anyway=self.anyway)
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
        return lines(*default_card.told(found), state=state, document=document, beside=beside)


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
