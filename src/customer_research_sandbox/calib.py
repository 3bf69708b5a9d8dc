"""The `calib` world as a table of signals: what a house would know of each paying operator at each month's end, and who left.

The mechanism of leaving is the simulation's `HAZARD` (decision 13). The signals are its covariates
turned so that 1 is the worse side, and six decoys without any effect. An operator decides at a month's end by what that month
was, and gives notice in the days after. Churn is that notice: the wait of annual
payers for their renewal is left out, and so is whoever comes back. The truth (hazard, frailty, reason, true effects) is written apart, for tests and curious people; nothing of the product
reads it.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from customer_research_sandbox.months import month_edges
from customer_research_sandbox.population import draw_profile
from customer_research_sandbox.simulation import HAZARD, Simulation
from customer_research_sandbox.state import Month, OperatorLife

WINDOW = timedelta(days=90)
"""A row is churned when the notice comes within this time after it."""

HISTORY_MONTHS = 3
"""Months before the first row: the fall of usage is told against the three months before."""

_SMALLNESS = {"SMB": 1.0, "Mid-Market": 0.45, "Enterprise": 0.0}
"""How small the plan is; in these steps the logit of the base rates rises evenly."""


@dataclass(frozen=True, slots=True)
class CalibSignal:
    """A column of the table: the expert's view of it, its true effect on the monthly logit, and how it is read."""

    name: str
    dimension: str
    points: int
    effect: float
    of: Callable[[OperatorLife, Month], float]


def _covariate(name: str) -> Callable[[OperatorLife, Month], float]:
    return lambda _life, month: month.covariates[name]


def _not(name: str) -> Callable[[OperatorLife, Month], float]:
    return lambda _life, month: 1.0 - month.covariates[name]


def _decoy(name: str, largest: float, least: float = 0.0) -> Callable[[OperatorLife, Month], float]:
    """A decoy's value between the least and the largest, as a share of the way: spread over [0, 1] as the signals are."""
    return lambda _life, month: min(1.0, max(0.0, (month.decoys[name] - least) / (largest - least)))


SIGNALS: tuple[CalibSignal, ...] = (
    CalibSignal("invoice_failed", "payment", 15, HAZARD["fail"], _covariate("fail")),
    CalibSignal("invoice_overdue", "payment", 10, HAZARD["over"], _covariate("over")),
    CalibSignal("dispute_opened", "payment", 20, HAZARD["disp"], _covariate("disp")),
    CalibSignal("card_declines", "payment", 10, 0.0, _decoy("decline_rate", 0.12)),
    CalibSignal("usage_drop", "engagement", 15, HAZARD["drop"], _covariate("drop")),
    CalibSignal("usage_zero", "engagement", 50, HAZARD["zero"], _covariate("zero")),
    CalibSignal("not_growing", "engagement", 10, -HAZARD["grow"], _not("grow")),
    CalibSignal("little_driver_app", "engagement", 5, -HAZARD["app"], _not("app")),
    CalibSignal("farm_outs", "engagement", 5, 0.0, _decoy("farm_rate", 0.22, 0.03)),
    CalibSignal("ticket_waiting", "support", 10, HAZARD["tick"], _covariate("tick")),
    CalibSignal("champion_left", "support", 20, HAZARD["champ"], _covariate("champ")),
    CalibSignal("feature_requests", "support", 10, 0.0, _decoy("feature_requests", 1.0)),
    CalibSignal("setup_low", "growth", 15, HAZARD["setup"], _covariate("setup")),
    CalibSignal("newcomer", "growth", 10, HAZARD["ten_new"], _covariate("ten_new")),
    CalibSignal("under_two_years", "growth", 5, -HAZARD["ten_old"], _not("ten_old")),
    CalibSignal("small_plan", "growth", 10, 1.26, lambda life, _month: _SMALLNESS[life.operator.segment]),
    CalibSignal("fleet_size", "growth", 5, 0.0, _decoy("vehicles", 20.0)),
    CalibSignal("name_length", "growth", 5, 0.0, _decoy("name_length", 32.0, 17.0)),
    CalibSignal("signup_late_in_week", "growth", 5, 0.0, _decoy("signup_weekday", 6.0)),
)
"""The columns: thirteen of the true mechanism, and the six decoys (effect 0)."""

DECOYS = tuple(signal.name for signal in SIGNALS if signal.effect == 0)


@dataclass(frozen=True, slots=True)
class CalibWritten:
    """What was written: the files, the rows, the operators in them, and how many of these left."""

    signals: Path
    points: Path
    truth: Path
    rows: int
    operators: int
    churned: int


def lives(seed: int, operators: int, months: int, as_of: datetime) -> Iterable[OperatorLife]:
    """Each paying operator's life: monthly figures and billing only, no trips."""
    edges = month_edges(as_of, months)
    for index in range(operators):
        profile = draw_profile(seed, index, as_of, months)
        if profile.operator.segment in _SMALLNESS:
            yield Simulation(seed, profile, edges, rows=False).run().life


def rows_of(life: OperatorLife, first: datetime, last: datetime) -> list[tuple[Month, bool]]:
    """The months of an operator that become rows, each with whether it gave notice in the window after its end.

    From `first` on; none after its first notice, and none whose window is not over by `last`.
    """
    decided = next((month.end for month in life.months if month.churned), None)
    known = [month for month in life.months if month.hazard is not None and month.end >= first]
    inside = [month for month in known if month.end + WINDOW <= last and (decided is None or month.end <= decided)]
    return [(month, decided is not None and decided < month.end + WINDOW) for month in inside]


def write_calib(folder: Path, *, seed: int, operators: int, months: int, as_of: datetime) -> CalibWritten:
    """Write `signals.csv` and `points.json` (what `calibrate --signals --points` takes), and the truth below `truth/`.

    The folder appears whole or not at all. Same arguments, same bytes.

    Raises:
        FileExistsError: the folder is there and is not empty.
        OSError: it cannot be written to.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{os.getpid()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        (draft / "truth").mkdir(parents=True)
        written = _write(draft, folder, lives(seed, operators, months, as_of), month_edges(as_of, months))
        if folder.exists():
            folder.rmdir()
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return written


def _write(draft: Path, folder: Path, told: Iterable[OperatorLife], edges: list[datetime]) -> CalibWritten:
    first, last = edges[HISTORY_MONTHS + 1], edges[-1]
    rows, accounts, churned = 0, 0, 0
    with (
        (draft / "signals.csv").open("w", encoding="utf-8", newline="") as signals,
        (draft / "truth" / "months.csv").open("w", encoding="utf-8", newline="") as months,
    ):
        table, truth = csv.writer(signals, lineterminator="\n"), csv.writer(months, lineterminator="\n")
        table.writerow(("operator_id", "as_of", *(signal.name for signal in SIGNALS), "churned"))
        truth.writerow(("operator_id", "as_of", "segment", "frailty", "hazard", "gave_notice", "reason", "involuntary"))
        for life in told:
            own = rows_of(life, first, last)
            for month, left in own:
                key = (life.operator.operator_id, f"{month.end:%Y-%m-%d}")
                table.writerow((*key, *(f"{signal.of(life, month):.6g}" for signal in SIGNALS), int(left)))
            truth.writerows(_truth(life, month) for month in life.months if month.hazard is not None)
            rows += len(own)
            accounts += bool(own)
            churned += any(left for _, left in own)
    _write_json(
        draft / "points.json", [{"signal": s.name, "dimension": s.dimension, "points": s.points} for s in SIGNALS]
    )
    _write_json(draft / "truth" / "effects.json", {signal.name: signal.effect for signal in SIGNALS})
    return CalibWritten(folder / "signals.csv", folder / "points.json", folder / "truth", rows, accounts, churned)


def _truth(life: OperatorLife, month: Month) -> tuple[object, ...]:
    traits = (life.operator.segment, f"{life.frailty:.6g}", f"{month.hazard:.6g}")
    outcome = (int(month.churned), month.reason or "", int(month.involuntary))
    return (life.operator.operator_id, f"{month.end:%Y-%m-%d}", *traits, *outcome)


def _write_json(path: Path, content: list[dict[str, object]] | Mapping[str, float]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
