"""`backtest`, `thresholds`, `drift`, `outcome` and `calibrate` on a lake: exit codes, what is written, and what is refused."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import tomlkit
from backtest_cases import BEGAN, ago, bookings, subscription, tables_of
from made_up_lake import fill, settings_file, settings_in
from scored_accounts import account, score

from customer_research.domain.account import Account
from customer_research.health.scorecard import load_scorecard
from customer_research.reports.standing_figures import observed_churn
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.surfaces.cli.group import run

LEAVERS, STAYERS = 26, 34


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of operators of whom 26 left, most of them after a month and a half without a booking."""
    folder = tmp_path_factory.mktemp("backtest-cli")
    path = settings_file(folder)
    leaving = {f"left-{number:02d}": ago(100 + 12 * number) for number in range(LEAVERS)}
    subscriptions = [subscription(one, ended=at) for one, at in leaving.items()]
    subscriptions += [subscription(f"stays-{number:02d}") for number in range(STAYERS)]
    tables = tables_of(subscriptions)
    quiet = {one: at for place, (one, at) in enumerate(leaving.items()) if place % 4}
    tables["reservation"] = [row for row in tables["reservation"] if row["operator_id"] not in quiet] + [
        row for one, at in quiet.items() for row in bookings(one, until=at - (ago(0) - ago(45)))
    ]
    tables["company"] = [
        {"operator_id": row["operator_id"], "company_id": f"c-{row['operator_id']}", "owner_id": f"owner-{place % 2}", "created_at": BEGAN}
        for place, row in enumerate(subscriptions)
    ]  # fmt: skip
    fill(settings_in(folder).lake_folder, tables)
    return path


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


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """A small calibration world as options."""
    folder = tmp_path_factory.mktemp("signals") / "calib"
    assert run(["sandbox", "calib", "--operators", "400", "--seed", "5", "--output", str(folder)]) == 0
    return ("--signals", str(folder / "signals.csv"), "--points", str(folder / "points.json"))


def called(config: Path, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["--config", str(config), *arguments])
    assert "Traceback" not in err.getvalue()
    assert "Unexpected" not in err.getvalue()
    return code, out.getvalue(), err.getvalue()


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


def blind_card(folder: Path) -> Path:
    """A scorecard that takes stopping for a bonus."""
    text = tomlkit.parse(_declaration("canonical"))
    for rule in text["rules"]:
        if rule["dimension"] == "engagement":
            rule["points"] = abs(rule["points"])
    text["gates"] = tomlkit.aot()
    path = folder / "blind.toml"
    path.write_text(tomlkit.dumps(text), encoding="utf-8")
    return path


def test_the_gate_has_exit_codes_of_its_own(config: Path, tmp_path: Path) -> None:
    assert called(config, "backtest", "--gate", "canonical", "canonical")[0] == 0
    blind = blind_card(tmp_path)
    code, out, _ = called(config, "backtest", "--gate", "canonical", str(blind))
    assert code == 12
    assert "The new scorecard is worse" in out
    few = called(config, "backtest", "--gate", "canonical", "guide", "--since", f"{ago(260):%Y-%m-%d}")
    assert few[0] == 13
    assert "Too little churn to tell" in few[1]
    assert called(config, "backtest", "--gate", "canonical")[0] == 2
    assert called(config, "backtest", "canonical", "guide", "retention")[0] == 2


def _declaration(name: str) -> str:
    from customer_research.health.scorecard import declaration_of

    return declaration_of(name)[0]


def test_two_scorecards_of_signals_are_compared_on_the_same_rows(
    config: Path, signals: tuple[str, ...], tmp_path: Path
) -> None:
    code, out, _ = called(config, "backtest", *signals)
    assert code == 0
    assert "no churn has a date in this table" in out
    fitted = tmp_path / "fitted.toml"
    done = called(config, "calibrate", *signals, "--output", str(fitted), "--draws", "50", "--confirm")
    assert done[0] in {0, 10, 11}
    code, out, _ = called(config, "backtest", "--gate", "expert", str(fitted), *signals)
    assert code in {0, 13}
    assert "Difference" in out
    assert "flatters it" in " ".join(out.split())
    later = called(config, "backtest", *signals, "--since", "2026-06-01")[1]
    assert "looked at on 3 dates" in " ".join(later.replace("│", " ").split())
    code, _, err = called(config, "backtest", *signals, "--since", "2026-10-01")
    assert (code, "no date that was asked for" in err) == (2, True)
    code, _, err = called(config, "backtest", str(fitted))
    assert code == 2
    assert "scores the signals of a table" in err
    assert called(config, "backtest", "--signals", signals[1])[0] == 2


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


def test_no_threshold_where_the_score_is_not_shown_to_tell_who_leaves(config: Path, tmp_path: Path) -> None:
    blind, new = blind_card(tmp_path), tmp_path / "new.toml"
    code, out, _ = called(config, "thresholds", str(blind), "--capacity", "1", "--output", str(new))
    assert (code, new.exists()) == (11, False)
    assert "is not shown to predict who leaves on your data (AUC" in _plain(out)
    few = without(config, "left-0*")
    code, out, _ = called(few, "thresholds", "--capacity", "1", "--output", str(new))
    assert (code, new.exists()) == (11, False)
    assert "not enough churn yet (16 of 20 accounts that left)" in _plain(out)


def test_how_often_the_score_was_right_stands_beside_the_band(config: Path) -> None:
    shutil.rmtree(config.parent / "lake" / "track_record", ignore_errors=True)
    unknown = "How often the score was right here is not known"
    assert called(config, "portfolio", "score", "--no-track")[0] in {0, 3}
    assert unknown in _plain(called(config, "portfolio")[1])
    _, _, err = called(config, "portfolio", "score")
    told = re.search(r"Nobody stood At Risk or Critical on \d+ earlier dates; of all \S+ left within 90 days", err)
    assert told, err
    for report in ("portfolio", "digest"):
        assert told[0] in _plain(called(config, report, "--format", "markdown")[1]).replace("\\", ""), report
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


def test_tests_and_demonstrations_are_left_out_of_a_backtest_by_name(config: Path) -> None:
    out = _plain(called(without(config, "left-0*", "stays-00"), "backtest")[1])
    assert "16 accounts churned of 49" in out
    assert "the setting test_operators names the account as a test" in out


def without(config: Path, *tests: str) -> Path:
    """The settings with these operators as tests."""
    path = config.with_name("without.toml")
    path.write_text(f"test_operators = {json.dumps(tests)}\n{config.read_text(encoding='utf-8')}", encoding="utf-8")
    return path


def _plain(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


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
    text = " ".join(called(config, "backtest")[1].split())
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


# --- the default scorecard -------------------------------------------------------------------------------------------

QUARTERS = ("--every", "quarter")  # fewer dates, the same verdicts


@pytest.fixture
def own(config: Path, tmp_path: Path) -> Path:
    """The settings of the lake in a file of its own, with remarks of a person."""
    path = tmp_path / "own.toml"
    path.write_text(
        f"# mine\nscorecard = 'canonical'  # as ever\n\n{config.read_text(encoding='utf-8')}# end\n", "utf-8"
    )
    path.chmod(0o600)
    return path


def test_a_worse_scorecard_is_no_default_and_who_would_move_is_told(own: Path, tmp_path: Path) -> None:
    before = own.read_bytes()
    assert called(own, "portfolio", "score", "--no-track")[0] in {0, 3}
    strict = blind_card(tmp_path)
    strict.write_text(strict.read_text(encoding="utf-8").replace("healthy = 80", "healthy = 100"), encoding="utf-8")
    code, out, _ = called(own, "scorecard", "use", str(strict), "--json", *QUARTERS)
    told = json.loads(out)
    assert (code, told["exit_code"], told["gate"]["verdict"], told["written"]) == (12, 12, "worse", None)
    assert told["gate"]["why"].startswith("The new scorecard is worse: AUC")
    moves = told["moves"]
    assert moves["operators"] == sum(count for _, _, count in moves["bands"]) > STAYERS
    assert moves["moved"] == sum(count for old, new, count in moves["bands"] if old != new) > 0
    assert own.read_bytes() == before


def test_what_the_gate_lets_pass_becomes_the_default(own: Path, tmp_path: Path) -> None:
    alike = tmp_path / "alike.toml"
    alike.write_text(_declaration("canonical").replace('version = "2"', 'version = "2b"'), encoding="utf-8")
    code, out, err = called(own, "scorecard", "use", str(alike), *QUARTERS)
    assert code == 0
    assert "Default scorecard: canonical 2 to canonical 2b (alike.toml)." in out
    assert "no worse than the old one" in out
    assert f"Written: scorecard in {own.resolve()}" in err
    assert f'scorecard = "{alike}"  # as ever' in own.read_text(encoding="utf-8")
    written = own.read_bytes()
    assert called(own, "scorecard", "use", str(alike))[:2] == (0, "canonical 2b (alike.toml) is the default already.\n")
    assert own.stat().st_mode & 0o777 == 0o600
    code, out, err = called(own, "scorecard", "use", "guide", "--since", f"{ago(260):%Y-%m-%d}")
    assert code == 13
    assert "Too little churn to tell" in out
    assert "Nothing was written. --anyway makes it the default all the same." in err
    assert own.read_bytes() == written


def test_what_can_be_no_default_is_refused_in_a_sentence(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own.read_bytes()
    guide = Path(__file__).resolve().parents[2] / "docs" / "guides" / "calibration" / "card.toml"
    proposed = tmp_path / "proposed.toml"
    proposed.write_text(_declaration("canonical") + PROPOSED, encoding="utf-8")
    for name, says in (
        ("nothing", "There is no scorecard 'nothing'."),
        (str(tmp_path / "gone.toml"), "cannot be read"),
        (str(guide), "scores the signals of a table, not operators"),
        (str(proposed), "is proposed, not adopted"),
    ):
        code, _, err = called(own, "scorecard", "use", name, "--anyway")
        assert (code, says in err) == (5, True), name
    monkeypatch.setenv("CUSTOMER_RESEARCH_SCORECARD", "guide")
    code, _, err = called(own, "scorecard", "use", "retention", "--anyway")
    assert (code, "CUSTOMER_RESEARCH_SCORECARD goes before the settings file" in err) == (5, True)
    assert own.read_bytes() == before


def test_without_a_lake_only_somebody_who_insists_changes_the_default(tmp_path: Path) -> None:
    settings = settings_file(tmp_path)
    before = settings.read_text(encoding="utf-8")
    assert called(settings, "scorecard", "use", "guide")[0] == 2
    code, out, err = called(settings, "scorecard", "use", "guide", "--anyway", "--dry-run")
    assert code == 0
    assert "The new scorecard was not tried against the old one: " in out
    assert "Who would change band is not known. There is no snapshot yet" in out
    assert "Nothing was written." in err
    assert settings.read_text(encoding="utf-8") == before
    assert called(settings, "scorecard", "use", "guide", "--anyway")[0] == 0
    assert settings.read_text(encoding="utf-8") == f'scorecard = "guide"\n{before}'


PROPOSED = """
[calibration]
state = "proposed"
intercept = -2.0
slope = 0.05
window_days = 90
events = 70
accounts = 700
rows = 700
first_as_of = "2026-01-01"
last_as_of = "2026-06-01"
observed = []
"""
