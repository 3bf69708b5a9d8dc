"""Calibrating on anybody's table: signals and points from files, a new scorecard, and predictions by one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from customer_research import private
from customer_research.errors import UsageError
from customer_research.health.calibration.card_file import Origin, card_score, card_text
from customer_research.health.calibration.ladder import PROPOSAL_AT
from customer_research.health.calibration.panel import WEIGHTS, Panel
from customer_research.health.calibration.panel_file import PanelFile, read_panel, read_signals
from customer_research.health.calibration.procedure import CalibrationResult, Progress, Terms, calibrate
from customer_research.health.scorecard import PERMILLE, Scorecard, declaration_of, read_scorecard
from customer_research.reports.inquiries.calibration_report import CalibrationRun
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.research.past.backtest.signals import any_card
from customer_research.research.past.requests import CalibrationTerms
from customer_research.research.receipts import file_receipt, text_digest

_DEFAULT_BASE = "canonical"
_DECIMALS = 6
COLUMNS = ("operator_id", "as_of", "score", "band", "p_churn")


def calibrate_files(
    signals: Path, points: Path, terms: CalibrationTerms, clock: Callable[[], datetime], progress: Progress
) -> CalibrationRun:
    """Calibrate on a table of signals and the expert's points; see `run_on`.

    Where no base is named, the signals' names tell whether it is the default scorecard.

    Raises:
        TablesRefused: everything that is wrong in the two files.
        UsageError: the output exists or cannot be written; no signal is left; signals are not the base's rules.
        ConfigError: the base is no scorecard.
    """
    card = read_scorecard(*declaration_of(terms.base), METRIC_NAMES) if terms.base else None
    given, card = _read(signals, points, card)
    declaration = None if card is None else declaration_of(terms.base or _DEFAULT_BASE)[0]
    run = run_on(given.panel, terms, card, declaration, clock, progress=progress, left_out=given.left_out)
    origin, now = origin_of(given.panel), run.generated_at
    read = (
        file_receipt(signals, len(given.panel), origin.signals, now),
        file_receipt(points, len(given.panel.declared), origin.points, now),
    )
    return replace(run, receipts=read)


def run_on(
    panel: Panel,
    terms: CalibrationTerms,
    card: Scorecard | None,
    declaration: str | None,
    clock: Callable[[], datetime],
    *,
    progress: Progress,
    left_out: tuple[str, ...],
    shape: Callable[[str, CalibrationResult], str] = lambda text, _calibrated: text,
) -> CalibrationRun:
    """Calibrate on a panel, and write the new scorecard where the ladder and the gates allow one.

    A file is never written over: where one of that name stands, a calibration that may adopt is not begun, and one that can
    only give the expert's points a probability leaves it alone. `shape` gives the text that is written, of the whole one.

    Raises:
        UsageError: the output exists or cannot be written, or no signal is left.
    """
    output = terms.check()
    exists = output.exists()
    if exists and panel.churned_accounts >= PROPOSAL_AT:
        raise UsageError(
            f"{output} exists, and no scorecard is written over.",
            hint="Give the new version a name of its own: --output NAME.toml",
        )
    calibrated = calibrate(panel, _terms(terms, card), left_out=left_out, progress=progress)
    origin = origin_of(panel)
    written = None
    if calibrated.told.curve is not None and not exists:
        write_card(output, shape(card_text(calibrated, origin, declaration), calibrated))
        written = output
    return CalibrationRun(calibrated.told, (), clock(), origin.version(calibrated.told), written, left_alone=exists)


def _read(signals: Path, points: Path, base: Scorecard | None) -> tuple[PanelFile, Scorecard | None]:
    """The panel, and the scorecard whose rules its signals are: the one named, or the default where all names say so."""
    dimensions = tuple(WEIGHTS) if base is None else tuple(dimension.name for dimension in base.dimensions)
    given = read_panel(signals, points, dimensions)
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


def _strangers(given: PanelFile, card: Scorecard) -> list[str]:
    """Signals that are no rules of the scorecard, or of another dimension there."""
    rules = {(rule.id.lower(), rule.dimension) for rule in card.rules}
    return [signal.name for signal in given.panel.declared if (signal.name.lower(), signal.dimension) not in rules]


def _terms(asked: CalibrationTerms, base: Scorecard | None) -> Terms:
    terms = Terms(asked.seed, asked.split, asked.draws, asked.confirm, keep=asked.keep, drop=asked.drop)
    if base is None:
        return terms
    return replace(
        terms,
        weights={dimension.name: dimension.weight / PERMILLE for dimension in base.dimensions},
        bases={dimension.name: dimension.base for dimension in base.dimensions},
        cuts=base.cuts,
        base=base.name,
    )


def write_card(target: Path, text: str) -> None:
    """Write a new scorecard, which must be one: better found here than by its first user.

    Raises:
        ConfigError: it has a fault.
        UsageError: as `write_new`.
    """
    read_scorecard(text, f"the new scorecard {target.name}", METRIC_NAMES, any_kind=True)
    write_new(target, text)


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
    lines = (repr((operator, as_of.isoformat(), *severities, churned)) for operator, as_of, severities, churned in rows)
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
    card = any_card(scorecard)
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
