"""Anybody's table of signals (CSV) and the expert's points (JSON): read whole, checked whole, every fault in one report.

The CSV is UTF-8 with a header: `operator_id`, `as_of` (a day, or an instant; one without a zone is UTC), `churned` (0/1,
true/false, yes/no), and one column for each signal of the points, in [0, 1]. Optional: `observed_at`, or `SIGNAL_observed_at`,
when the values of the row (of that signal) became known: later than `as_of` is refused. Other columns are left out, and named.
The JSON is a list of `{"signal": ..., "dimension": ..., "points": ...}`.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from customer_research.domain.faults import TableFault
from customer_research.domain.parsing import day, instant, json_value
from customer_research.domain.words import shortened
from customer_research.errors import TablesRefused
from customer_research.health.calibration.panel import WEIGHTS, Floats, Panel, Signal, instant_of, panel_of

OPERATOR, AS_OF, CHURNED, OBSERVED = "operator_id", "as_of", "churned", "observed_at"
_YES, _NO = frozenset({"1", "true", "yes", "t", "y", "1.0"}), frozenset({"0", "false", "no", "f", "n", "0.0"})
_LONGEST = 40
_HIGHEST_POINTS = 1000.0


@dataclass(frozen=True, slots=True)
class PanelFile:
    """What was read: the panel, and the columns that no signal was declared for and that were left out."""

    panel: Panel
    left_out: tuple[str, ...]


@dataclass(slots=True)
class _Faults:
    """Everything wrong so far; faults of rows are counted by column and kind."""

    file: str
    whole: list[TableFault] = field(default_factory=list)
    rows: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def add(self, what: str, column: str = "", file: str = "") -> None:
        self.whole.append(TableFault(file or self.file, what, column))

    def row(self, number: int, column: str, what: str, example: str) -> None:
        found = self.rows.setdefault((column, what), [0, number, example])
        found[0] += 1

    def all(self) -> tuple[TableFault, ...]:
        counted = [
            TableFault(self.file, what, column, count, first, self.file, shortened(example, _LONGEST))
            for (column, what), (count, first, example) in self.rows.items()
        ]
        return (*self.whole, *counted)


def read_panel(signals: Path, points: Path, dimensions: Sequence[str] = tuple(WEIGHTS)) -> PanelFile:
    """The panel that a CSV of signals and a JSON of the expert's points give; `dimensions` are those that may be named.

    Raises:
        TablesRefused: everything that is wrong in the two files (`faults`).
    """
    faults = _Faults(signals.name)
    declared = _declared(points, dimensions, faults)
    reader = _RowReader(signals, declared, faults, labelled=True)
    read = reader.rows(points)
    moments = [row[1] for row in read if row[1] is not None]
    churned = np.array([row[3] for row in read], dtype=np.bool_)
    return PanelFile(
        panel_of([row[0] for row in read], moments, _severities(read, declared), churned, declared), reader.left_out
    )


def read_signals(signals: Path, declared: Sequence[Signal]) -> Panel:
    """The rows to predict for: as `read_panel` reads them, but the label may be absent or empty (then not churned).

    Raises:
        TablesRefused: everything that is wrong in the file.
    """
    read = _RowReader(signals, declared, _Faults(signals.name), labelled=False).rows(None)
    moments = tuple(row[1] for row in read if row[1] is not None)
    churned = np.zeros(len(read), dtype=np.bool_)
    return Panel(tuple(row[0] for row in read), moments, _severities(read, declared), churned, tuple(declared))


def _severities(read: Sequence[_Row], declared: Sequence[Signal]) -> Floats:
    return np.array([row[2] for row in read], dtype=np.float64).reshape(len(read), len(declared))


def _refusal(signals: Path, points: Path | None, faults: _Faults) -> TablesRefused:
    found = faults.all()
    many = "1 fault" if len(found) == 1 else f"{len(found)} faults"
    files = signals.name if points is None else f"{signals.name} and {points.name}"
    lines = "".join(f"\n  {fault}" for fault in found)
    return TablesRefused(
        f"{files}: {many}; nothing was written.",
        faults=found,
        hint=f"Correct them and try again; `customer-research calibrate --help` says what the files hold.{lines}",
    )


# --- the expert's points ---------------------------------------------------------------------------------------------


def _declared(path: Path, dimensions: Sequence[str], faults: _Faults) -> tuple[Signal, ...]:
    """The declared signals; what is wrong goes to the faults."""
    try:
        entries = json_value(path.read_text(encoding="utf-8"))
    except OSError as error:
        faults.add(f"cannot be read ({error.strerror})", file=path.name)
        return ()
    except ValueError:
        faults.add("is not JSON in UTF-8", file=path.name)
        return ()
    if not isinstance(entries, list) or not entries:
        faults.add('is not a list of {"signal", "dimension", "points"}', file=path.name)
        return ()
    found: dict[str, Signal] = {}
    for number, entry in enumerate(entries, start=1):
        signal = _entry(entry, number, dimensions, path.name, faults)
        if signal is None:
            continue
        if signal.name in found:
            faults.add(f"entry {number} declares {signal.name!r} again", file=path.name)
        found[signal.name] = signal
    return tuple(found.values())


def _entry(entry: Any, number: int, dimensions: Sequence[str], file: str, faults: _Faults) -> Signal | None:
    """One entry's signal; none when it is wrong."""
    place = f"entry {number}"
    if not isinstance(entry, Mapping) or set(entry) != {"signal", "dimension", "points"}:
        faults.add(f'{place} must have "signal", "dimension" and "points", and nothing else', file=file)
        return None
    name, dimension, points = entry["signal"], entry["dimension"], entry["points"]
    wrong = []
    if not isinstance(name, str) or not name.strip():
        wrong.append(f"{place} names no signal" + (f": dimension {dimension!r} has none" if dimension else ""))
    elif name in {OPERATOR, AS_OF, CHURNED, OBSERVED}:
        wrong.append(f"{place}: {name!r} is no signal")
    if dimension not in dimensions:
        wrong.append(f"{place}: dimension {shortened(str(dimension), _LONGEST)!r} is none of {', '.join(dimensions)}")
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points <= _HIGHEST_POINTS:
        wrong.append(f"{place}: points must be a number above 0, not {shortened(str(points), _LONGEST)!r}")
    for what in wrong:
        faults.add(what, file=file)
    return None if wrong else Signal(name, dimension, float(points))


# --- the table -------------------------------------------------------------------------------------------------------


def _rows(path: Path, faults: _Faults) -> tuple[list[str] | None, list[tuple[int, list[str]]]]:
    """The header and the numbered rows; no header when there is nothing to read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        faults.add(f"cannot be read ({error.strerror})")
        return None, []
    except UnicodeDecodeError:
        faults.add("is not text in UTF-8")
        return None, []
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        faults.add(f"is not CSV ({error})")
        return None, []
    if not lines:
        faults.add("is empty")
        return None, []
    if len(lines) == 1:
        faults.add("has a header but no rows")
    return [cell.strip() for cell in lines[0]], list(enumerate(lines[1:], start=1))


def _check_header(header: Sequence[str], declared: Sequence[Signal], faults: _Faults, *, labelled: bool = True) -> None:
    for name in dict.fromkeys(header):
        if name and header.count(name) > 1:
            faults.add("the column stands there more than once", name)
    for name in (OPERATOR, AS_OF, *((CHURNED,) if labelled else ())):
        if name not in header:
            faults.add("the column is missing", name)
    absent = [signal for signal in declared if signal.name not in header]
    for signal in absent:
        faults.add(f"the column of this signal ({signal.dimension}) is missing", signal.name)
    for dimension in dict.fromkeys(signal.dimension for signal in absent):
        if all(signal in absent for signal in declared if signal.dimension == dimension):
            faults.add(f"no signal of the dimension {dimension} is there")


_Row = tuple[str, date | datetime | None, list[float], bool]
"""Operator, as-of, signals and label of one row."""


class _RowReader:
    """Reads the rows of a file; keeps the keys seen and the labels found."""

    def __init__(self, file: Path, declared: Sequence[Signal], faults: _Faults, *, labelled: bool) -> None:
        self._file = file
        self._faults = faults
        self._labelled = labelled
        header, self._read = _rows(file, faults)
        if header is not None:
            _check_header(header, declared, faults, labelled=labelled)
        self._at = {name: place for place, name in enumerate(header or ())}
        self._width = len(header or ())
        self._signals = [signal.name for signal in declared]
        self._keys: dict[tuple[str, datetime], int] = {}
        self._days: dict[str, date | datetime | None] = {}
        self._labels: set[bool] = set()
        observed = {f"{name}_{OBSERVED}" for name in self._signals} | {OBSERVED}
        self._observed = [name for name in header or () if name in observed]
        used = {OPERATOR, AS_OF, CHURNED, *self._signals, *observed}
        self.left_out = tuple(name for name in header or () if name not in used)

    def rows(self, points: Path | None) -> list[_Row]:
        """All rows; `points` is the other file that was read.

        Raises:
            TablesRefused: everything that is wrong in the two files.
        """
        read = [self.row(number, cells) for number, cells in self._read]
        if read and self._labelled and len(self._labels) == 1:
            what = "every row is churned" if True in self._labels else "no row is churned"
            self._faults.add(f"{what}: there must be rows of both kinds", CHURNED)
        if self._faults.whole or self._faults.rows:
            raise _refusal(self._file, points, self._faults)
        return read

    def row(self, number: int, cells: Sequence[str]) -> _Row:
        """One row; what is wrong goes to the faults."""
        if len(cells) != self._width:
            self._faults.row(
                number, "", f"has another number of cells than the header's {self._width}", str(len(cells))
            )
            cells = [*cells, *[""] * self._width][: self._width]
        operator = self._cell(cells, OPERATOR)
        if OPERATOR in self._at and not operator:
            self._faults.row(number, OPERATOR, "is empty", "")
        as_of = self._moment(number, cells, AS_OF)
        if operator and as_of is not None:
            self._check_key(number, operator, instant_of(as_of))
            self._check_observed(number, cells, instant_of(as_of))
        return operator, as_of, list(self._severities(number, cells)), self._label(number, cells)

    def _cell(self, cells: Sequence[str], name: str) -> str:
        return cells[self._at[name]].strip() if name in self._at else ""

    def _check_key(self, number: int, operator: str, moment: datetime) -> None:
        first = self._keys.setdefault((operator, moment), number)
        if first != number:
            example = f"{operator}, {moment:%Y-%m-%d} (also row {first})"
            self._faults.row(number, f"{OPERATOR}, {AS_OF}", "is there more than once", example)

    def _check_observed(self, number: int, cells: Sequence[str], moment: datetime) -> None:
        for name in self._observed:
            seen = self._moment(number, cells, name, needed=False)
            if seen is not None and instant_of(seen) > moment:
                example = f"{self._cell(cells, name)}, as of {self._cell(cells, AS_OF)}"
                self._faults.row(number, name, "is later than as_of (a value from the future)", example)

    def _moment(self, number: int, cells: Sequence[str], name: str, *, needed: bool = True) -> date | datetime | None:
        text = self._cell(cells, name)
        if text not in self._days:
            self._days[text] = _moment(text)
        if self._days[text] is None and name in self._at and (needed or text):
            self._faults.row(number, name, "is not a date (2026-11-01) or an instant (2026-11-01T06:00:00Z)", text)
        return self._days[text]

    def _severities(self, number: int, cells: Sequence[str]) -> Iterator[float]:
        for name in self._signals:
            text = self._cell(cells, name)
            value = _number(text)
            if value is None and name in self._at:
                what = "is empty" if not text else "is not a number"
                self._faults.row(number, name, what, text)
            elif value is not None and not 0 <= value <= 1:
                self._faults.row(number, name, "is outside [0, 1]", text)
            yield 0.0 if value is None else value

    def _label(self, number: int, cells: Sequence[str]) -> bool:
        text = self._cell(cells, CHURNED).lower()
        if not self._labelled or CHURNED not in self._at:
            return False
        if text not in _YES | _NO:
            self._faults.row(number, CHURNED, "is neither 1 nor 0", text)
        else:
            self._labels.add(text in _YES)
        return text in _YES


def _number(text: str) -> float | None:
    """A finite number; none when the text is not one (NaN is not)."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _moment(text: str) -> date | datetime | None:
    """A day or an instant; none when the text is neither."""
    try:
        return day(text)
    except ValueError:
        pass
    try:
        return instant(text)
    except ValueError:
        return None
