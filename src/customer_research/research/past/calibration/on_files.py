"""Calibrating on anybody's table: signals and points from files, a new scorecard, and predictions by one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from customer_research import private
from customer_research.domain.calibration import Calibration
from customer_research.domain.evidence import Receipt
from customer_research.errors import UsageError
from customer_research.health.calibration.calibrating import DRAWS, Progress, Split, Terms, calibrate
from customer_research.health.calibration.card_file import Origin, card_score, card_text
from customer_research.health.calibration.ladder import PROPOSAL_AT
from customer_research.health.calibration.panel import WEIGHTS, Panel
from customer_research.health.calibration.reading import Given, read_panel, read_signals
from customer_research.health.scorecard import PERMILLE, Scorecard, declaration_of, read_scorecard
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.research.receipts import file_receipt, text_digest

_DEFAULT_BASE = "canonical"
_DECIMALS = 6
COLUMNS = ("operator_id", "as_of", "score", "band", "p_churn")


@dataclass(frozen=True, slots=True)
class Request:
    """What to calibrate: the table of signals, the expert's points, where the new scorecard goes, and how.

    `base` is the scorecard whose rules the signals are; empty: told from their names, else none.
    """

    signals: Path
    points: Path
    output: Path
    seed: int
    split: Split = "accounts"
    draws: int = DRAWS
    confirmed: bool = False
    base: str = ""
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CalibrationRun:
    """A calibration that was carried out: what was found, what was written (None: nothing), and the receipts of the input.

    `left_alone` says that a file of that name was there, and stayed as it was.
    """

    told: Calibration
    version: str
    written: Path | None
    left_alone: bool
    receipts: tuple[Receipt, ...]
    generated_at: datetime


def calibrate_files(
    request: Request, clock: Callable[[], datetime], progress: Progress = lambda _s, _d, _a: None
) -> CalibrationRun:
    """Calibrate on the files, and write the new scorecard where the ladder and the gates allow one.

    A file is never written over: where one of that name stands, a calibration that may adopt is not begun, and one that can
    only give the expert's points a probability leaves it alone.

    Raises:
        TablesRefused: everything that is wrong in the two files.
        UsageError: the output exists or cannot be written; no signal is left; signals are not the base's rules.
        ConfigError: the base is no scorecard.
    """
    base = _base(request)
    given, base = _read(request, base)
    exists = request.output.exists()
    if exists and given.panel.churned_accounts >= PROPOSAL_AT:
        raise UsageError(
            f"{request.output} exists, and no scorecard is written over.",
            hint="Give the new version a name of its own: --output NAME.toml",
        )
    calibrated = calibrate(given.panel, _terms(request, base), left_out=given.left_out, progress=progress)
    origin = origin_of(given.panel)
    written = None
    if calibrated.told.curve is not None and not exists:
        declaration = None if base is None else declaration_of(request.base or _DEFAULT_BASE)[0]
        text = card_text(calibrated, origin, declaration)
        _check(text, request.output)
        write_new(request.output, text)
        written = request.output
    now = clock()
    return CalibrationRun(
        told=calibrated.told,
        version=origin.version(calibrated.told),
        written=written,
        left_alone=exists,
        receipts=(
            file_receipt(request.signals, len(given.panel), origin.signals, now),
            file_receipt(request.points, len(given.panel.declared), origin.points, now),
        ),
        generated_at=now,
    )


def _base(request: Request) -> Scorecard | None:
    """The scorecard that was named; none when none was."""
    return read_scorecard(*declaration_of(request.base), METRIC_NAMES) if request.base else None


def _read(request: Request, base: Scorecard | None) -> tuple[Given, Scorecard | None]:
    """The panel, and the scorecard whose rules its signals are: the one named, or the default where all names say so."""
    dimensions = tuple(WEIGHTS) if base is None else tuple(dimension.name for dimension in base.dimensions)
    given = read_panel(request.signals, request.points, dimensions)
    if base is None:
        default = read_scorecard(*declaration_of(_DEFAULT_BASE), METRIC_NAMES)
        base = None if _strangers(given, default) else default
    elif strangers := _strangers(given, base):
        known = ", ".join(rule.id for rule in base.rules)
        raise UsageError(
            f"{', '.join(strangers)}: no rule of the scorecard {base.name} in that dimension.",
            hint=f"Its rules: {known}.",
        )
    return given, base


def _strangers(given: Given, card: Scorecard) -> list[str]:
    """Signals that are no rules of the scorecard, or of another dimension there."""
    rules = {(rule.id.lower(), rule.dimension) for rule in card.rules}
    return [signal.name for signal in given.panel.declared if (signal.name.lower(), signal.dimension) not in rules]


def _terms(request: Request, base: Scorecard | None) -> Terms:
    terms = Terms(
        seed=request.seed,
        split=request.split,
        draws=request.draws,
        confirmed=request.confirmed,
        keep=request.keep,
        drop=request.drop,
    )
    if base is None:
        return terms
    return replace(
        terms,
        weights={dimension.name: dimension.weight / PERMILLE for dimension in base.dimensions},
        bases={dimension.name: dimension.base for dimension in base.dimensions},
        cuts=base.cuts,
        base=base.name,
    )


def _check(text: str, output: Path) -> None:
    """What is to be written must be a scorecard: better found here than by its first user."""
    read_scorecard(text, f"the new scorecard {output.name}", METRIC_NAMES, any_kind=True)


def write_new(target: Path, text: str) -> None:
    """Write a file that must not be there yet, whole or not at all.

    Raises:
        UsageError: it is there, or cannot be written.
    """
    try:
        private.write_new(target, text.encode())
    except FileExistsError:
        raise UsageError(f"{target} exists, and no scorecard is written over.", hint="Give another name.") from None
    except OSError as error:
        raise UsageError(f"Cannot write {target}: {error.strerror}.", hint="Give another file.") from None


def origin_of(panel: Panel) -> Origin:
    """The digests of what a panel says, whatever the order of its rows and columns was."""
    rows = zip(panel.operator_ids, panel.instants, panel.signals.tolist(), panel.churned.tolist(), strict=True)
    lines = (
        repr((operator, moment.isoformat(), *severities, churned)) for operator, moment, severities, churned in rows
    )
    points = repr([(signal.name, signal.dimension, signal.points) for signal in panel.declared])
    return Origin(text_digest("\n".join(lines)), text_digest(points))


# --- predictions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions as CSV (`COLUMNS`), how many rows, and why they have no probability (empty: they have one)."""

    text: str
    rows: int
    without: str


def predict_file(scorecard: str, signals: Path) -> Predictions:
    """Score, band and probability of churn for each row of a table of signals, in its order.

    The score is made of the signals alone. There is no probability for a scorecard that was never calibrated.

    Raises:
        TablesRefused: everything that is wrong in the table.
        ConfigError: the scorecard is none.
    """
    card = read_scorecard(*declaration_of(scorecard), METRIC_NAMES, any_kind=True)
    score = card_score(card)
    panel = read_signals(signals, score.signals)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for operator, as_of, whole in zip(
        panel.operator_ids, panel.as_of, score.scores(panel.signals).tolist(), strict=True
    ):
        p = "" if card.churn is None else f"{card.churn.curve.probability(whole):.{_DECIMALS}f}"
        writer.writerow((operator, as_of.isoformat().replace("+00:00", "Z"), whole, card.band(whole), p))
    without = "" if card.churn is not None else f"the scorecard {card.name} was never calibrated on churn"
    return Predictions(out.getvalue(), len(panel), without)
