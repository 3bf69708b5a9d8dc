"""`calibrate` on a lake, and what its scorecard is then used for: chances, thresholds, drift."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import tomlkit
from backtest_cases import ago
from leavers import called, lake_of_leavers
from scored_accounts import account, score

from customer_research.domain.account import Account
from customer_research.health.scorecard import load_scorecard
from customer_research.reports.standing_figures import observed_churn
from customer_research.research.one.judge import METRIC_NAMES


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lake_of_leavers(tmp_path_factory.mktemp("backtest-cli"))


@pytest.fixture(scope="module")
def card(config: Path) -> Path:
    """The canonical scorecard with a probability, of the rules that the past can judge.

    Everybody in whom E1 fires leaves, for so the world was made: a person has to say that it is no leak.
    """
    path, waits = config.parent / "card.toml", config.parent / "waits.toml"
    code, _, err = called(config, "calibrate", "--output", str(waits), "--only-tried", "--draws", "50")
    assert code == 11
    assert "26 of 65 churned accounts" in err
    assert "so a person has to say --keep E1 or --drop E1" in err
    code, _, err = called(config, "portfolio", "score", "--scorecard", str(waits))
    assert (code, "is proposed, not adopted" in err) == (5, True)
    assert called(config, "calibrate", "--output", str(path), "--only-tried", "--keep", "E1", "--draws", "50")[0] == 11
    return path


def test_the_lake_calibrates_as_far_as_its_churn_goes(config: Path, card: Path) -> None:
    made = load_scorecard(card, METRIC_NAMES)
    assert made.churn is not None
    assert (made.churn.state, made.churn.events) == ("expert", 26)
    assert made.probability(60) is not None
    assert "S1" not in {rule.id for rule in made.rules}
    whole = card.with_name("whole.toml")
    assert called(config, "calibrate", "--output", str(whole), "--drop", "E1", "--draws", "50")[0] == 11
    kept = load_scorecard(whole, METRIC_NAMES)
    assert kept.churn is not None
    assert {"S1", "E1"} <= set(kept.churn.uncalibrated)
    assert kept.probability(60) is None
    without = card.with_name("without.toml")
    dropping = ("--only-tried", "--drop", "E1", "--draws", "50")
    assert called(config, "calibrate", "--output", str(without), *dropping)[0] == 11
    dropped = load_scorecard(without, METRIC_NAMES)
    assert "E1" not in {rule.id for rule in dropped.rules}  # what is left out of the fit counts nowhere
    assert dropped.probability(60) is not None
    assert called(config, "calibrate")[0] == 2
    assert called(config, "drift", str(whole))[0] == 2


def test_a_gate_holds_the_score_and_the_probability_is_that_of_the_points(card: Path) -> None:
    made = load_scorecard(card, METRIC_NAMES)
    disputed = score(account(active_disputes=1), made)
    assert (disputed.band, disputed.score) == ("at_risk", made.cuts[1] - 1)
    assert disputed.uncapped is not None
    assert disputed.observed is not None
    assert disputed.observed.probability == made.probability(disputed.uncapped) != made.probability(disputed.score)
    told = observed_churn(cast("Account", SimpleNamespace(score=disputed, as_of=ago(0))))
    assert told is not None
    assert re.match(
        r"Operators with (scores of \d+ to|a score of) \d+ before a cap churned .* gives that score ", told.text
    )


def test_a_score_is_explained_by_churn_only_where_there_is_a_probability(config: Path, card: Path) -> None:
    chosen = config.with_name("calibrated.toml")
    chosen.write_text(f"scorecard = '{card}'\n{config.read_text(encoding='utf-8')}", encoding="utf-8")
    assert called(chosen, "portfolio", "score")[0] == 0
    said = " ".join(called(chosen, "churn-risk", "--limit", "0", "--format", "markdown")[1].split())
    shown = re.findall(
        r"Operators with (?:scores of \d+ to \d+|a score of \d+) churned \S+ \\\[\S+ to \S+\\\] in 90 days \(n = ", said
    )
    assert shown or "No operator is at risk" in said


def test_thresholds_by_capacity_and_cost(config: Path, card: Path, tmp_path: Path) -> None:
    new, rules = tmp_path / "new.toml", tmp_path / "rules.toml"
    code, out, err = called(
        config, "thresholds", str(card), "--capacity", "1", "--output", str(new), "--alerts", str(rules)
    )
    assert code == 0
    assert "Alert at a score of" in out
    assert "26 of 300 churned accounts" in " ".join(out.split())
    assert err.count("Written:") == 2
    made = load_scorecard(new, METRIC_NAMES)
    assert made.alerting is not None
    assert made.alerting.chosen_by == "capacity"
    assert made.version.startswith(load_scorecard(card, METRIC_NAMES).version)
    assert made.digest != load_scorecard(card, METRIC_NAMES).digest
    code, listed, _ = called(config, "alerts", "rules", "--rules", str(rules))
    assert f"raised at {made.alerting.at} or less" in listed
    assert called(config, "thresholds", str(card), "--capacity", "1", "--output", str(new))[0] == 2
    code, out, _ = called(config, "thresholds", str(card), "--cost", "30", "--save-rate", "0.2", "--value", "2000")
    assert code == 0
    assert "7.5%" in out  # 30 / (0.2 x 2000)
    for wrong in ((), ("--capacity", "1", "--cost", "2"), ("--cost", "20")):
        assert called(config, "thresholds", str(card), *wrong)[0] == 2


def test_drift_is_checked_after_the_calibration(config: Path, card: Path, tmp_path: Path) -> None:
    code, out, _ = called(config, "drift", str(card))
    assert code in {0, 14}
    assert "these are its own dates" in " ".join(out.split())
    document = tomlkit.parse(card.read_text(encoding="utf-8"))
    document["calibration"]["last_as_of"] = f"{ago(250):%Y-%m-%d}"
    low = float(document["calibration"]["intercept"]) - 20.0  # it foretells far less churn than came
    document["calibration"]["intercept"] = low
    stale, refitted = tmp_path / "stale.toml", tmp_path / "refitted.toml"
    stale.write_text(tomlkit.dumps(document), encoding="utf-8")
    code, out, _ = called(config, "drift", str(stale), "--output", str(refitted))
    assert code == 14
    assert "refit the intercept" in " ".join(out.split())
    made = load_scorecard(refitted, METRIC_NAMES)
    assert made.churn is not None
    assert made.churn.curve.intercept > low
    assert called(config, "drift", "canonical")[0] == 2
