"""The panel and its files: canonical order, events, and every fault of bad input in one report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from signal_files import EXPERT, made_up, write_csv, write_points

from customer_research.errors import TablesRefused
from customer_research.health.calibration.panel import Signal, dimension_weights
from customer_research.health.calibration.panel_file import read_panel, read_signals

GOOD = "operator_id,as_of,late,slow,churned\na,2026-01-01,0,0.5,0\nb,2026-01-01,1,0,1\n"
POINTS = '[{"signal": "late", "dimension": "payment", "points": 30}, {"signal": "slow", "dimension": "support", "points": 10}]'


def _faults(folder: Path, table: str | None = GOOD, points: str | None = POINTS) -> list[str]:
    signals, expert = folder / "signals.csv", folder / "points.json"
    if table is not None:
        signals.write_text(table, encoding="utf-8")
    if points is not None:
        expert.write_text(points, encoding="utf-8")
    with pytest.raises(TablesRefused) as refused:
        read_panel(signals, expert)
    assert refused.value.exit_code == 2
    assert all(str(fault) in refused.value.hint for fault in refused.value.faults)
    return [str(fault) for fault in refused.value.faults]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    panel = made_up(60, {"usage_fell": 2.0}, seed=1)
    given = read_panel(write_csv(tmp_path / "s.csv", panel, {"note": ["x"] * 60}), write_points(tmp_path / "p.json"))
    assert given.left_out == ("note",)
    assert given.panel.operator_ids == panel.operator_ids
    assert given.panel.declared == panel.declared
    assert np.array_equal(given.panel.signals, panel.signals)
    assert np.array_equal(given.panel.churned, panel.churned)


def test_shuffled_rows_and_columns_give_the_same_panel(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    (tmp_path / "c.csv").write_text(
        "churned,slow,late,as_of,operator_id\n1,0,1,2026-01-01,b\n0,.5,0,2026-01-01,a\n", encoding="utf-8"
    )
    (tmp_path / "p.json").write_text(POINTS, encoding="utf-8")
    first, *others = (read_panel(tmp_path / f"{name}.csv", tmp_path / "p.json").panel for name in "abc")
    for other in others:
        assert (other.operator_ids, other.as_of, other.declared) == (first.operator_ids, first.as_of, first.declared)
        assert np.array_equal(other.signals, first.signals)
        assert np.array_equal(other.churned, first.churned)


def test_events_are_distinct_churned_accounts(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "operator_id,as_of,late,slow,churned\n"
        "a,2026-01-01,0,0,1\na,2026-02-01,0,0,1\nb,2026-01-01,0,0,0\nc,2026-01-01T06:00:00Z,0,0,yes\n",
        encoding="utf-8",
    )
    (tmp_path / "p.json").write_text(POINTS, encoding="utf-8")
    panel = read_panel(tmp_path / "s.csv", tmp_path / "p.json").panel
    assert (len(panel), panel.account_count, panel.churned_accounts) == (4, 3, 2)
    assert panel.accounts.tolist() == [0, 0, 1, 2]
    assert panel.where(panel.churned).churned_accounts == 2
    assert panel.only(["slow"]).names == ("slow",)


def test_every_fault_stands_in_one_report(tmp_path: Path) -> None:
    told = _faults(
        tmp_path,
        "operator_id,as_of,late,slow,churned\n"
        "a,2026-01-01,0,1.5,0\na,2026-01-01,nan,0,1\n,someday,,x,maybe\nd,2026-01-01,-0.1,0,0\ne,2026-01-02,1\n",
        '[{"signal": "late", "dimension": "payment", "points": 30},'
        ' {"signal": "slow", "dimension": "moods", "points": -3}, {"signal": "late", "dimension": "payment", "points": 1},'
        ' {"signal": "gone", "dimension": "growth", "points": 5}, {"dimension": "support"}]',
    )
    assert told == [
        "points.json: entry 2: dimension 'moods' is none of payment, engagement, support, growth.",
        "points.json: entry 2: points must be a number above 0, not '-3'.",
        "points.json: entry 3 declares 'late' again.",
        'points.json: entry 5 must have "signal", "dimension" and "points", and nothing else.',
        "signals.csv.gone: the column of this signal (growth) is missing.",
        "signals.csv: no signal of the dimension growth is there.",
        "signals.csv.operator_id, as_of: is there more than once: 1 row (first: row 2 of signals.csv), e.g. 'a, 2026-01-01 (also row 1)'.",
        "signals.csv.late: is not a number: 1 row (first: row 2 of signals.csv), e.g. 'nan'.",
        "signals.csv.operator_id: is empty: 1 row (first: row 3 of signals.csv).",
        "signals.csv.as_of: is not a date (2026-11-01) or an instant (2026-11-01T06:00:00Z): 1 row (first: row 3 of signals.csv), e.g. 'someday'.",
        "signals.csv.late: is empty: 1 row (first: row 3 of signals.csv).",
        "signals.csv.churned: is neither 1 nor 0: 2 rows (first: row 3 of signals.csv), e.g. 'maybe'.",
        "signals.csv.late: is outside [0, 1]: 1 row (first: row 4 of signals.csv), e.g. '-0.1'.",
        "signals.csv: has another number of cells than the header's 5: 1 row (first: row 5 of signals.csv), e.g. '3'.",
    ]


@pytest.mark.parametrize(
    ("table", "points", "says"),
    [
        ("", POINTS, "signals.csv: is empty."),
        (None, POINTS, "signals.csv: cannot be read (No such file or directory)."),
        ("operator_id,as_of,late,slow,churned\n", POINTS, "signals.csv: has a header but no rows."),
        ("a,b\n1,2\n", POINTS, "signals.csv.operator_id: the column is missing."),
        (GOOD.replace("late", "slow"), POINTS, "signals.csv.slow: the column stands there more than once."),
        (GOOD.replace(",1\n", ",0\n"), POINTS, "signals.csv.churned: no row is churned: there must be rows of both kinds."),
        (GOOD.replace(",0\n", ",1\n"), POINTS, "signals.csv.churned: every row is churned: there must be rows of both kinds."),
        (GOOD.replace("0.5", "1.01"), POINTS, "signals.csv.slow: is outside [0, 1]: 1 row (first: row 1 of signals.csv), e.g. '1.01'."),
        (GOOD.replace("0.5", "inf"), POINTS, "signals.csv.slow: is not a number: 1 row (first: row 1 of signals.csv), e.g. 'inf'."),
        (GOOD, None, "points.json: cannot be read (No such file or directory)."),
        (GOOD, "{", "points.json: is not JSON in UTF-8."),
        (GOOD, "[]", 'points.json: is not a list of {"signal", "dimension", "points"}.'),
        (GOOD, '[{"signal": "", "dimension": "growth", "points": 1}]', "points.json: entry 1 names no signal: dimension 'growth' has none."),
        (GOOD, '[{"signal": "churned", "dimension": "growth", "points": 1}]', "points.json: entry 1: 'churned' is no signal."),
        (GOOD, '[{"signal": "late", "dimension": "payment", "points": true}]', "points.json: entry 1: points must be a number above 0, not 'True'."),
    ],
)  # fmt: skip
def test_bad_input_is_told(tmp_path: Path, table: str | None, points: str | None, says: str) -> None:
    assert says in _faults(tmp_path, table, points)


@pytest.mark.parametrize("column", ["observed_at", "slow_observed_at"])
def test_a_value_from_the_future_is_refused_with_its_row(tmp_path: Path, column: str) -> None:
    table = f"operator_id,as_of,late,slow,churned,{column}\na,2026-01-01,0,0,0,2026-01-01\nb,2026-01-01,0,0,1,\nc,2026-01-01,0,0,1,2026-01-02\n"
    assert _faults(tmp_path, table) == [
        f"signals.csv.{column}: is later than as_of (a value from the future): 1 row (first: row 3 of signals.csv), e.g. '2026-01-02, as of 2026-01-01'."
    ]


def test_to_predict_no_label_is_needed(tmp_path: Path) -> None:
    table = tmp_path / "s.csv"
    table.write_text("operator_id,as_of,late\nb,2026-01-01,1\na,2026-01-01,0\n", encoding="utf-8")
    panel = read_signals(table, (Signal("late", "payment", 30),))
    assert panel.operator_ids == ("b", "a")
    table.write_text("operator_id,as_of\nb,x\n", encoding="utf-8")
    with pytest.raises(TablesRefused, match=r"^s\.csv: 3 faults; nothing was written\.$"):
        read_signals(table, (Signal("late", "payment", 30),))


def test_dimensions_that_are_absent_get_no_weight() -> None:
    weights = dimension_weights([signal for signal in EXPERT if signal.dimension in {"payment", "support"}])
    assert weights == pytest.approx({"payment": 2 / 3, "support": 1 / 3})


def test_points_may_be_fractions(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "p.json").write_text(json.dumps([{"signal": "late", "dimension": "growth", "points": 2.5}]), "utf-8")
    given = read_panel(tmp_path / "s.csv", tmp_path / "p.json")
    assert given.panel.declared == (Signal("late", "growth", 2.5),)
    assert given.left_out == ("slow",)
