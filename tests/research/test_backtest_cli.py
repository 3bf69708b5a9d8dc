"""`backtest` on a lake: what is tried, compared and left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from leavers import blind_card, called, lake_of_leavers, plain, without

from customer_research.surfaces.cli.group import run


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lake_of_leavers(tmp_path_factory.mktemp("backtest-cli"))


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """A small calibration world as options."""
    folder = tmp_path_factory.mktemp("signals") / "calib"
    assert run(["sandbox", "calib", "--operators", "400", "--seed", "5", "--output", str(folder)]) == 0
    return ("--signals", str(folder / "signals.csv"), "--points", str(folder / "points.json"))


def figures(report: Any) -> list[dict[str, Any]]:
    """Every figure of a report as JSON."""
    found: list[dict[str, Any]] = []
    for section in report["sections"]:
        for block in section["blocks"]:
            found += [line for line in block.get("figures", []) if "unit" in line]
            found += [cell for row in block.get("rows", []) for cell in row if "unit" in cell]
    return found


def test_a_scorecard_is_tried_on_the_lakes_past(config: Path) -> None:
    code, out, _ = called(config, "backtest", "--json", "--alert-at", "90")
    report = json.loads(out)
    assert code == 0
    assert "26 accounts churned of 60" in report["headline"]["text"]
    told = figures(report)
    assert all(figure["receipts"] for figure in told)
    auc = next(figure["value"] for figure in told if figure["unit"] == "estimate")
    assert auc["value"] > 0.55  # most stopped booking before they left
    assert auc["low"] < auc["value"] < auc["high"]
    panel = next(receipt for receipt in report["receipts"] if receipt["source"] == "backtest")
    assert panel["parameters"]["table subscription"] == "receipt-subscription"
    (days,) = [figure["value"]["value"] for figure in told if figure["unit"] == "estimate_days"]
    assert 0 < days <= 365
    for words in (
        "Left out",
        "a ticket's status",
        "By manager",
        "None was recorded",
        "their ninety days are not over yet",
    ):
        assert words in out, words


def test_two_scorecards_of_signals_are_compared_on_the_same_rows(
    config: Path, signals: tuple[str, ...], tmp_path: Path
) -> None:
    code, out, _ = called(config, "backtest", *signals, "--full")
    assert code == 0
    assert "no churn has a date in this table" in out
    fitted = tmp_path / "fitted.toml"
    done = called(config, "calibrate", *signals, "--output", str(fitted), "--draws", "50", "--confirm")
    assert done[0] in {0, 10, 11}
    code, out, _ = called(config, "backtest", "--gate", "expert", str(fitted), *signals, "--full")
    assert code in {0, 13}
    assert "Difference" in out
    assert "flatters it" in " ".join(out.split())
    later = called(config, "backtest", *signals, "--since", "2026-06-01", "--full")[1]
    assert "looked at on 3 dates" in " ".join(later.replace("│", " ").split())
    code, _, err = called(config, "backtest", *signals, "--since", "2026-10-01")
    assert (code, "no date that was asked for" in err) == (2, True)
    code, _, err = called(config, "backtest", str(fitted))
    assert code == 2
    assert "scores the signals of a table" in err
    assert called(config, "backtest", "--signals", signals[1])[0] == 2


def test_no_threshold_where_the_score_is_not_shown_to_tell_who_leaves(config: Path, tmp_path: Path) -> None:
    blind, new = blind_card(tmp_path), tmp_path / "new.toml"
    code, out, _ = called(config, "thresholds", str(blind), "--capacity", "1", "--output", str(new))
    assert (code, new.exists()) == (11, False)
    assert "is not shown to predict who leaves on your data (AUC" in plain(out)
    few = without(config, "left-0*")
    code, out, _ = called(few, "thresholds", "--capacity", "1", "--output", str(new))
    assert (code, new.exists()) == (11, False)
    assert "not enough churn yet (16 of 20 accounts that left)" in plain(out)


def test_tests_and_demonstrations_are_left_out_of_a_backtest_by_name(config: Path) -> None:
    out = plain(called(without(config, "left-0*", "stays-00"), "backtest")[1])
    assert "16 accounts churned of 49" in out
    assert "the setting test_operators names the account as a test" in out
