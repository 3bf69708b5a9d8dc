"""The report on a calibration: every figure with its receipts, each outcome in words, in every format."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from customer_research.documents.formats import FORMATS, render, terminal
from customer_research.domain.calibration import Calibration, Estimate, LeakAlarm, LeakEffect
from customer_research.domain.evidence import Receipt
from customer_research.domain.report import Chart, Report, Table
from customer_research.health.calibration.panel import Signal, panel_of
from customer_research.health.calibration.procedure import Terms, calibrate
from customer_research.reports.inquiries.calibration_report import CalibrationRun, build

MADE = datetime(2026, 11, 25, tzinfo=UTC)
RECEIPT = Receipt("abc", "file", "signals.csv", "all rows of signals.csv", MADE, 800, "0" * 64)


@cache
def _found() -> Calibration:
    """A calibration of two signals, of which the expert has the lesser one as the greater."""
    import numpy as np

    rng = np.random.default_rng(2)
    signals = (rng.random((800, 2)) < 0.3).astype(np.float64)
    churned = rng.random(800) < 1 / (1 + np.exp(2.8 - 2.0 * signals[:, 1]))
    declared = (Signal("late", "payment", 60), Signal("silent", "support", 30))
    ids = [f"op-{number:03d}" for number in range(800)]
    panel = panel_of(ids, [datetime(2026, 1, 1, tzinfo=UTC)] * 800, signals, churned, declared)
    return calibrate(panel, Terms(seed=1, draws=50), left_out=("note<b>",)).told


def _report(told: Calibration) -> Report:
    return build(CalibrationRun(told, (RECEIPT,), MADE, "2026-01-01.x"))


def _words(told: Calibration) -> str:
    return render(_report(told), "markdown").decode()


def test_an_adopted_calibration_shows_what_it_rests_on() -> None:
    told = _found()
    assert told.outcome in {"adopted", "proposed"}
    text = _words(replace(told, outcome="adopted", reason="fitted on many"))
    for words in ("Adopted: fitted on many.", "Churned accounts", "Gates of adoption", "late", "silent", "Movers", "95% interval"):  # fmt: skip
        assert words in text
    assert "note\\<b\\>: the points do not name it." in text
    report = _report(told)
    tables = [block for section in report.sections for block in section.blocks if isinstance(block, Table)]
    assert all(table.basis == (RECEIPT,) for table in tables)
    assert [block.form for section in report.sections for block in section.blocks if isinstance(block, Chart)] == [
        "quadrant",
        "bands",
    ]


def test_a_refusal_says_so_and_shows_no_probability() -> None:
    evaluation = replace(
        _found().expert, brier=None, log_loss=None, slope=None, intercept=None, ece=None, reliability=()
    )
    told = replace(_found(), outcome="refused", reason="not enough churn: 10 of 20", expert=evaluation, fitted=None, curve=None, gates=(), moved=(), movers=(), tau=None)  # fmt: skip
    text = _words(told)
    assert "Refused: not enough churn: 10 of 20." in text
    assert "No probability is given: not enough churn: 10 of 20." in text
    assert "Nobody: the points stay as they are." in text
    assert "Gates of adoption" not in text


def test_leaks_conflicts_and_doubts_are_warned_of() -> None:
    signal = replace(_found().signals[0], verdict="pinned", points=0.0, estimate=Estimate(0.0))
    curve = _found().curve
    assert curve is not None
    effect = LeakEffect(0.916, 0.86, 0.25, 0.31)
    told = replace(
        _found(),
        outcome="proposed",
        alarms=(
            LeakAlarm("planted", "alone it has an AUC of 0.99", 0.99, 90, 0.97, "dropped", "guard", effect),
            LeakAlarm("strong", "86% churn where it fires", 0.7, 90, 0.86, "open", "nobody", effect),
            LeakAlarm(
                "honest", "its name says so", None, 0, None, "kept", "person", LeakEffect(None, None, None, None)
            ),
            LeakAlarm("old", "", 0.5, 90, 0.1, "dropped", "person"),
        ),
        signals=(signal, *_found().signals[1:]),
        curve=replace(curve, slope=0.0),
        split="forward",
        embargo_days=90,
        separate=(("healthy", "monitor", "at_risk", "critical"),),
    )
    text = _words(told)
    for words in ("planted may know the churn that it should foresee: alone it has an AUC of 0.99. It repeats the label, so it is left out. With it the score has an AUC of 0.916, without it 0.860.", "open: it counts", "A person has said to keep it.", "A person has said to drop old.", "planted: dropped: repeats the label, alone", "old: dropped by a person.", "Sign conflict", "sign conflict: held at zero", "base rate for everybody", "Embargo between: 90 days", "the bands do not separate"):  # fmt: skip
        assert words in text
    typed = " ".join(terminal.render(_report(told), width=400).split())
    for step in ("Calibrate again with --keep strong or --drop strong.", "Calibrate again with --keep or --drop."):
        assert step in typed
        assert step not in text


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_it_is_drawn_in_every_format(name: str) -> None:
    assert len(render(_report(_found()), name)) > 1000


def test_its_json_has_every_figure_with_its_receipts() -> None:
    document = json.loads(render(_report(_found()), "json"))
    assert document["kind"] == "calibration"
    assert [receipt["id"] for receipt in document["receipts"]] == ["abc"]
