"""A scorecard of one's own with another number in a rule: it counts, its sentence says it, and it is another scorecard."""

from __future__ import annotations

from pathlib import Path

import pytest
from scored_accounts import NAMES, account, evidence, figures, run, scorecard

from customer_research.errors import ConfigError
from customer_research.health.assembly import assemble
from customer_research.health.scorecard import Scorecard, load_scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.surfaces.cli.group import run as command

TERM = 7
"""The payment term of the quiet account, days."""


def with_days(folder: Path, days: str, shipped: str) -> Path:
    """The shipped file with other days for P5, as the guide says."""
    path = folder / "ours.toml"
    text = shipped.replace('name = "canonical"', 'name = "ours"').replace(
        "net_payment_term + 7", f"net_payment_term + {days}"
    )
    path.write_text(text.replace("(7 days more", f"({days} days more"), encoding="utf-8")
    return path


@pytest.fixture
def shipped(capsys: pytest.CaptureFixture[str]) -> str:
    assert command(["rules", "--toml"]) == 0
    return capsys.readouterr().out


def lines(card: Scorecard, late: float) -> dict[str, str]:
    """What is said under a scorecard of a payer who is so many days late: rule → sentence."""
    row = account(avg_days_to_pay=TERM + late) | {"operator_id": "one"}
    (result,) = run(scoring_sql(card), [row])
    return {line.rule: line.because for line in assemble(card, result, figures(row), evidence).contributions}


@pytest.mark.parametrize("days", [0, 14, 90])
def test_p5_counts_from_the_days_that_its_scorecard_says(days: int, shipped: str, tmp_path: Path) -> None:
    card = load_scorecard(with_days(tmp_path, str(days), shipped), NAMES)
    assert (card.name, card.version) == ("ours", scorecard().version)
    assert card.digest != scorecard().digest
    assert "P5" not in lines(card, days - 0.1)
    assert f"({days} days more are let pass)" in lines(card, days)["P5"]
    assert ("P5" in lines(scorecard(), days)) is (days >= 7)


def test_the_printed_file_is_the_scorecard_itself(shipped: str, tmp_path: Path) -> None:
    path = tmp_path / "same.toml"
    path.write_text(shipped, encoding="utf-8")
    assert load_scorecard(path, NAMES).digest == scorecard().digest


@pytest.mark.parametrize("days", ["soon", ""])
def test_what_is_no_number_is_refused_with_its_place(days: str, shipped: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ours\.toml") as found:
        load_scorecard(with_days(tmp_path, days, shipped), NAMES)
    assert "P5" in found.value.message or "pays_late" in found.value.message
