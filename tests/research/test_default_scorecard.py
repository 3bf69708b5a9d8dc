"""`backtest --gate` and the scorecard that may become the default: exit codes, what is told, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from backtest_cases import ago
from leavers import STAYERS, blind_card, called, declaration_text, lake_of_leavers
from made_up_lake import settings_file


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lake_of_leavers(tmp_path_factory.mktemp("backtest-cli"))


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
    alike.write_text(declaration_text("canonical").replace('version = "2"', 'version = "2b"'), encoding="utf-8")
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
    proposed.write_text(declaration_text("canonical") + PROPOSED, encoding="utf-8")
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
