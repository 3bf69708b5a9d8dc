"""`calibrate` and `calibrate predict` from end to end: files in, a scorecard out, exit codes, and nothing half written."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomlkit
from scored_accounts import account, score
from signal_files import EXPERT, made_up, write_csv, write_points

from customer_research.errors import ConfigError, UsageError
from customer_research.health.calibration.card_file import card_score
from customer_research.health.calibration.panel import Signal, panel_of
from customer_research.health.scorecard import declaration_of, load_scorecard
from customer_research.research.one.judge import METRIC_NAMES
from customer_research.research.past.calibration.on_files import write_new
from customer_research.surfaces.cli import EXIT_CODES
from customer_research.surfaces.cli.group import run

TRUTH = {"usage_fell": 1.5, "bad_rating": 1.5, "downgraded": 1.0}
RULES = (
    Signal("P2", "payment", 15),
    Signal("P7", "payment", 20),
    Signal("E1", "engagement", 20),
    Signal("E3", "engagement", 15),
    Signal("S4", "support", 20),
    Signal("G5", "growth", 20),
)
RULE_TRUTH = {"E3": 1.5, "S4": 1.5, "P2": 0.3}


@dataclass
class Run:
    """One call of the command line in a folder."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    said: str = ""
    printed: str = ""
    arguments: Sequence[str] = field(default_factory=tuple)

    def __call__(self, *arguments: str) -> int:
        code = run([str(self.folder / a[1:]) if a.startswith("@") else a for a in arguments])
        self.printed, self.said = self.capsys.readouterr()
        return code

    def calibrate(self, *more: str, output: str = "@card.toml", seed: int = 1) -> int:
        given = ("--signals", "@s.csv", "--points", "@p.json", "--output", output, "--seed", str(seed), "--draws", "50")
        return self("calibrate", *given, *more)


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line in a folder of its own, with no settings of the machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("CUSTOMER_RESEARCH_CLOCK", "2026-11-25T12:00:00Z")
    return Run(tmp_path, capsys)


def _give(folder: Path, rows: int, effects: dict[str, float], *, seed: int = 3, declared: Any = EXPERT) -> None:
    write_csv(folder / "s.csv", made_up(rows, effects, seed=seed, declared=declared))
    write_points(folder / "p.json", declared)


def _result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    return found


def test_adopted_is_written_told_and_used(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 2400, TRUTH)
    assert call.calibrate("--result", "@r.json", "--report", "@report.md") == 0
    assert "Adopted: fitted on" in call.said
    result = _result(tmp_path)
    assert (result["schema"], result["outcome"], result["exit_code"]) == (
        "customer-research/calibration/1",
        "adopted",
        0,
    )
    assert result["scorecard"]["written"] is True
    assert all(gate["passed"] for gate in result["gates"])
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    for words in ("Gates of adoption", "Predicted and observed", "By band", "Movers", "Alerts by threshold", "differs from the expert"):  # fmt: skip
        assert words in report

    assert (
        call("calibrate", "predict", "--scorecard", "@card.toml", "--signals", "@s.csv", "--output", "@pred.csv") == 0
    )
    with (tmp_path / "pred.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["operator_id", "as_of", "score", "band", "p_churn"]
    assert len(rows) == 2400
    card = load_scorecard(tmp_path / "card.toml", METRIC_NAMES, any_kind=True)
    assert card.version == result["scorecard"]["version"]
    assert card.churn is not None
    assert card.churn.state == "adopted"
    for row in rows[:50]:
        assert row["band"] == card.band(int(row["score"]))
        assert float(row["p_churn"]) == pytest.approx(card.churn.curve.probability(int(row["score"])), abs=1e-6)
    churned = sum(line["churned_rows"] for line in [result])
    assert sum(float(row["p_churn"]) for row in rows) == pytest.approx(churned, rel=0.1)
    near = card.churn.of_score(100)
    assert near is not None
    assert near.highest == max(line.highest for line in card.churn.observed)


def test_shuffled_rows_give_the_same_bytes(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 900, TRUTH)
    assert call.calibrate("--result", "@r.json", "--confirm") == 0
    first, told = (tmp_path / "card.toml").read_bytes(), _result(tmp_path)
    lines = (tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "s.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", encoding="utf-8")
    assert call.calibrate("--result", "@r.json", "--confirm", output="@again.toml") == 0
    assert {**_result(tmp_path), "scorecard": 0} == {**told, "scorecard": 0}
    assert (tmp_path / "again.toml").read_bytes() == first
    assert call.calibrate("--confirm", output="@other.toml", seed=2) == 0
    assert (tmp_path / "other.toml").read_bytes() != first


def test_a_scorecard_is_never_written_over(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 2400, TRUTH)
    (tmp_path / "card.toml").write_text("mine", encoding="utf-8")
    assert call.calibrate("--result", "@r.json") == 2
    assert "exists, and no scorecard is written over" in call.said
    assert (tmp_path / "card.toml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "r.json").exists()
    with pytest.raises(UsageError, match="no scorecard is written over"):
        write_new(tmp_path / "card.toml", "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.toml", "p.json", "s.csv"]


@pytest.mark.parametrize("exists", [True, False])
def test_ten_churned_accounts_are_refused(call: Run, tmp_path: Path, *, exists: bool) -> None:
    panel = made_up(200, TRUTH, seed=1)
    kept = [not left or sum(panel.churned[: row + 1]) <= 10 for row, left in enumerate(panel.churned)]
    write_csv(tmp_path / "s.csv", panel.where(np.array(kept)))
    write_points(tmp_path / "p.json")
    if exists:
        (tmp_path / "card.toml").write_text("mine", encoding="utf-8")
    assert call.calibrate("--result", "@r.json", "--full") == 11
    assert "Refused: not enough churn: 10 of 20 churned accounts" in call.said
    assert "Counts" not in call.printed
    assert "By band" in call.printed
    assert (tmp_path / "card.toml").exists() is exists
    if exists:
        assert (tmp_path / "card.toml").read_text(encoding="utf-8") == "mine"
    assert _result(tmp_path)["scorecard"]["written"] is False


def test_some_churn_writes_the_experts_points_with_a_probability(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 450, TRUTH)
    assert call.calibrate() == 11
    assert "of 65 churned accounts" in call.said
    card = load_scorecard(tmp_path / "card.toml", METRIC_NAMES, any_kind=True)
    assert card.churn is not None
    assert card.churn.state == "expert"
    assert card_score(card).signals == tuple(sorted(EXPERT, key=lambda signal: signal.name))
    before = (tmp_path / "card.toml").read_bytes()
    assert call.calibrate() == 11
    assert "is as it was" in call.said
    assert (tmp_path / "card.toml").read_bytes() == before


def test_a_proposal_waits_for_a_person(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 900, TRUTH)
    assert call.calibrate() == 10
    assert "Proposed: fitted on" in call.said
    card = load_scorecard(tmp_path / "card.toml", METRIC_NAMES, any_kind=True)
    assert card.churn is not None
    assert card.churn.state == "proposed"
    assert card.probability(50) is None
    assert call.calibrate("--confirm", output="@adopted.toml") == 0
    assert load_scorecard(tmp_path / "adopted.toml", METRIC_NAMES, any_kind=True).probability(50) is not None
    assert {0, 10, 11} <= set(EXIT_CODES)


def test_rules_of_a_scorecard_make_a_scorecard_of_rules(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 3000, RULE_TRUTH, declared=RULES)
    assert call.calibrate("--result", "@r.json") == 0
    assert _result(tmp_path)["base"] == "canonical"
    card, base = load_scorecard(tmp_path / "card.toml", METRIC_NAMES), load_scorecard("canonical", METRIC_NAMES)
    assert card.name == "canonical_calibrated"
    assert card.one_number is base.one_number is True
    assert [rule.id for rule in card.rules] == [rule.id for rule in base.rules]
    assert [(one.name, one.base) for one in card.dimensions] == [(one.name, one.base) for one in base.dimensions]
    points = {signal.name: signal.points for signal in card.signals}
    for rule, was in zip(card.rules, base.rules, strict=True):
        assert rule.points == (-points[rule.id] if rule.id in points else was.points)
    assert card.churn is not None
    assert "P1" in card.churn.uncalibrated
    assert card.probability(50) is None  # other rules count in the product's score
    quiet, failed = account(), account(invoices_failed_90d=1, nps_latest=3)
    for row, fired in ((quiet, set()), (failed, {"P2", "S4"})):
        scored = score(row, card)
        signals = [[1.0 if signal.name in fired else 0.0 for signal in card.signals]]
        parts = card_score(card).parts(np.array(signals))
        found = {dimension.name: dimension for dimension in scored.dimensions}
        for name in ("payment", "support"):
            others = sum(c.points for c in found[name].contributions if c.rule not in points)
            assert found[name].score == min(100, parts[name][0] + others)
        assert {c.rule for c in scored.contributions if c.rule in points} == fired
    assert len(declaration_of(tmp_path / "card.toml")[0].splitlines()) > 300


def test_signals_that_are_no_rules_of_the_base_are_refused(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 900, TRUTH)
    assert call.calibrate("--base", "canonical") == 2
    assert "bad_rating, downgraded, failed_payments" in call.said
    assert call.calibrate("--base", "nothing") == 5


def test_a_scorecard_of_signals_scores_no_operators(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 900, TRUTH)
    call.calibrate()
    with pytest.raises(ConfigError, match="scores the signals of a table"):
        load_scorecard(tmp_path / "card.toml", METRIC_NAMES)
    _give(tmp_path, 900, RULE_TRUTH, declared=RULES)
    assert call.calibrate(output="@proposal.toml") == 10
    with pytest.raises(ConfigError, match="is proposed, not adopted"):
        load_scorecard(tmp_path / "proposal.toml", METRIC_NAMES)


def test_without_a_calibration_there_is_no_probability(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 900, TRUTH)
    call.calibrate()
    document = tomlkit.parse((tmp_path / "card.toml").read_text(encoding="utf-8"))
    del document["calibration"]
    for name in document["dimensions"]:
        document["dimensions"][name]["weight"] = 0.25
    (tmp_path / "plain.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
    assert call("calibrate", "predict", "--scorecard", "@plain.toml", "--signals", "@s.csv", "--output", "-") == 0
    assert call.printed.splitlines()[1].endswith(",")
    assert "No probability: the scorecard calibrated was never calibrated on churn." in call.said


def test_bad_input_is_one_report_and_nothing_is_written(call: Run, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "operator_id,as_of,usage_fell,churned\na,2026-13-01,1.5,2\na,2026-13-01,x,0\n", "utf-8"
    )
    write_points(tmp_path / "p.json")
    assert call.calibrate("--result", "@r.json", "--report", "@report.md") == 2
    assert call.said.startswith("Error: s.csv and p.json: 14 faults; nothing was written.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.json", "s.csv"]
    assert call("calibrate", "--signals", "@s.csv") == 2
    assert "needs --output CARD.toml, and --signals FILE.csv with --points POINTS.json or neither" in call.said


def test_a_scorecard_whose_calibration_is_broken_is_refused(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 450, TRUTH)
    call.calibrate()
    text = (tmp_path / "card.toml").read_text(encoding="utf-8")
    for old, new in (('state = "expert"', 'state = "other"'), ("slope = ", "slope = -"), ('dimension = "growth"', 'dimension = "moods"'), ("lowest = ", "lowest = 1")):  # fmt: skip
        (tmp_path / "broken.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(ConfigError):
            load_scorecard(tmp_path / "broken.toml", METRIC_NAMES, any_kind=True)


def test_the_scorecard_of_the_guide_is_what_its_table_gives(call: Run, tmp_path: Path) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "guides" / "calibration"
    given = ("--signals", str(guide / "signals.csv"), "--points", str(guide / "points.json"))
    assert call("calibrate", *given, "--output", "@card.toml", "--seed", "1", "--confirm") == 0
    assert (tmp_path / "card.toml").read_text(encoding="utf-8") == (guide / "card.toml").read_text(encoding="utf-8")


def test_a_suspected_leak_is_settled_by_a_person_and_stands_in_the_file(call: Run, tmp_path: Path) -> None:
    panel = made_up(1300, TRUTH, seed=3)
    noise = np.random.default_rng(1).random(1300) < 0.06
    leak = Signal("planted", "support", 20)
    signals = np.column_stack((panel.signals, (panel.churned ^ noise).astype(np.float64)))
    whole = panel_of(panel.operator_ids, panel.as_of, signals, panel.churned, (*panel.declared, leak))
    write_csv(tmp_path / "s.csv", whole)
    write_points(tmp_path / "p.json", whole.declared)

    assert call.calibrate("--confirm", "--result", "@r.json", "--report", "@report.md", output="@open.toml") == 10
    assert "so a person has to say --keep planted or --drop planted." in call.said
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "planted may know the churn that it should foresee" in report
    assert "open: it counts" in report
    (alarm,) = _result(tmp_path)["alarms"]
    assert (alarm["signal"], alarm["decision"], alarm["decided_by"]) == ("planted", "open", "nobody")
    assert alarm["effect"]["auc_with"] > alarm["effect"]["auc_without"] + 0.1
    assert alarm["effect"]["log_loss_with"] < alarm["effect"]["log_loss_without"]

    assert call.calibrate("--keep", "planted", output="@kept.toml") == 0
    assert call.calibrate("--drop", "planted", "--drop", "no_usage", "--result", "@r.json", output="@dropped.toml") == 0
    assert [name for name, _ in _result(tmp_path)["excluded"]] == ["no_usage", "planted"]
    found, versions = {}, set()
    for name in ("open", "kept", "dropped"):
        card = load_scorecard(tmp_path / f"{name}.toml", METRIC_NAMES, any_kind=True)
        assert card.churn is not None
        document = tomlkit.parse((tmp_path / f"{name}.toml").read_text(encoding="utf-8")).unwrap()
        alarms = {line["signal"]: line for line in document["calibration"]["alarms"]}
        assert alarms["planted"]["auc_with"] > 0.9
        said = {signal: (line["decision"], line["decided_by"]) for signal, line in alarms.items()}
        found[name] = (str(card.churn.state), said, "planted" in {signal.name for signal in card.signals})
        versions.add(card.version)
    assert list(found.values()) == [
        ("proposed", {"planted": ("open", "nobody")}, True),
        ("adopted", {"planted": ("kept", "person")}, True),
        ("adopted", {"no_usage": ("dropped", "person"), "planted": ("dropped", "person")}, False),
    ]
    assert len(versions) == 3  # another word, another scorecard

    assert call.calibrate("--drop", "plant", output="@never.toml") == 2
    assert "There is no signal 'plant' to keep or drop." in call.said
    assert "The signals are bad_rating, downgraded, failed_payments" in call.said
    assert not (tmp_path / "never.toml").exists()


def test_an_experts_card_waits_while_a_leak_is_suspected(call: Run, tmp_path: Path) -> None:
    declared = (*EXPERT, Signal("churn_status", "support", 20))
    write_csv(tmp_path / "s.csv", made_up(450, TRUTH, seed=3, declared=declared))
    write_points(tmp_path / "p.json", declared)
    states = {}
    for name, more in (("open", ()), ("kept", ("--keep", "churn_status")), ("dropped", ("--drop", "churn_status"))):
        assert call.calibrate(*more, output=f"@{name}.toml") == 11
        card = load_scorecard(tmp_path / f"{name}.toml", METRIC_NAMES, any_kind=True)
        assert card.churn is not None
        states[name] = (card.churn.state, card.probability(50) is None)
    assert states == {"open": ("proposed", True), "kept": ("expert", False), "dropped": ("expert", False)}


def test_the_bands_of_the_file_follow_the_fit_and_those_of_a_dimension_stay(call: Run, tmp_path: Path) -> None:
    _give(tmp_path, 3000, RULE_TRUTH, declared=RULES)
    assert call.calibrate("--result", "@r.json") == 0
    card, base = load_scorecard(tmp_path / "card.toml", METRIC_NAMES), load_scorecard("canonical", METRIC_NAMES)
    cuts = _result(tmp_path)["cuts"]
    assert tuple(cuts["before"]) == base.cuts
    assert card.cuts == tuple(cuts["after"]) != base.cuts
    assert card.dimension_cuts == base.cuts
    between = next(score for score in range(101) if card.band(score) != card.dimension_band(score))
    assert card.dimension_band(between) == base.band(between)
