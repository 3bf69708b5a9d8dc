"""What became of accounts on a lake: outcomes that people record, and how often the score was right."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from backtest_cases import ago
from leavers import called, lake_of_leavers, plain, without


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lake_of_leavers(tmp_path_factory.mktemp("backtest-cli"))


def test_how_often_the_score_was_right_stands_beside_the_band(config: Path) -> None:
    shutil.rmtree(config.parent / "lake" / "track_record", ignore_errors=True)
    unknown = "How often the score was right here is not known"
    assert called(config, "portfolio", "score", "--no-track")[0] in {0, 3}
    assert unknown in plain(called(config, "portfolio", "--full")[1])
    _, _, err = called(config, "portfolio", "score")
    told = re.search(r"Nobody stood At Risk or Critical on \d+ earlier dates; of all \S+ left within 90 days", err)
    assert told, err
    for report in ("portfolio", "digest"):
        assert told[0] in plain(called(config, report, "--format", "markdown")[1]).replace("\\", ""), report
    assert "once a month" not in called(config, "portfolio", "score")[2]  # the month is the same
    document = json.loads(called(config, "portfolio", "--json")[1])
    (shown,) = [one for one in document["sections"] if one["id"] == "track"]
    proofs = {one["id"]: one["source"] for one in document["receipts"]}
    assert {proofs[ref] for cell in shown["blocks"][1]["rows"][0][1:] for ref in cell["receipts"]} == {"backtest"}


def test_a_past_that_tells_too_little_says_so_and_the_snapshot_stands(config: Path) -> None:
    few = without(config, "left-0*")
    folder = config.parent / "lake" / "track_record"
    shutil.rmtree(folder, ignore_errors=True)
    code, _, err = called(few, "portfolio", "score")
    assert code in {0, 3}
    assert "not enough churn yet (16 of 20 accounts that left)" in err
    (kept,) = folder.glob("*.json")
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_text("{}", encoding="utf-8")  # as another version of the program might have left it
    assert "not enough churn yet" in called(few, "portfolio", "score")[2]
    kept.unlink()
    everybody = without(config, "*")
    code, _, err = called(everybody, "portfolio", "score")
    assert code in {0, 3}
    assert "stays unknown: Nobody is left to try a scorecard on: " in err
    assert list(folder.glob("*")) == []


def test_outcomes_are_recorded_listed_and_taken_back(config: Path) -> None:
    code, out, _ = called(
        config, "outcome", "done", "stays-01", "--kind", "call", "--on", f"{ago(150):%Y-%m-%d}", "--as", "Kim"
    )
    assert code == 0
    called(
        config,
        "outcome",
        "churn",
        "left-03",
        "--reason",
        "competitor",
        "--competitor",
        "Quill",
        "--lost-mrr",
        "199",
        "--as",
        "Kim",
    )
    listed = json.loads(called(config, "outcome", "list", "--json")[1])
    assert {"left-03", "stays-01"} <= {cell["text"] for cell in _texts(listed)}
    assert "competitor, Quill" in {cell["text"] for cell in _texts(listed)}
    text = " ".join(called(config, "backtest", "--full")[1].split())
    assert "1 intervention recorded" in text
    assert "looks like a false alarm" in text
    assert "Competitor 1" in text
    assert "No reason recorded 25" in text
    record = re.findall(r"Recorded (\w{12})", out)[0]
    assert called(config, "outcome", "retract", record[:5])[0] == 0
    assert "No intervention has been recorded" in called(config, "outcome", "list", "stays-01")[1]
    assert called(config, "outcome", "done", "nobody-at-all", "--kind", "call")[0] == 4
    assert called(config, "outcome", "done", "stays-01", "--kind", "call", "--on", "2099-01-01")[0] == 2
    assert called(config, "outcome", "done", "stays-01", "--kind", "dinner")[0] == 2


def _texts(report: Any) -> list[dict[str, Any]]:
    rows = [row for section in report["sections"] for block in section["blocks"] for row in block.get("rows", [])]
    return [cell for row in rows for cell in row if "text" in cell]
