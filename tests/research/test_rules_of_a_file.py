"""Alert rules of a file of one's own, held against the scorecards that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_research.errors import ConfigError
from customer_research.research.alerting.rule_check import alert_rules
from customer_research.settings import Settings, load_settings

RULE = """
[[rules]]
id = "X1"
title = "T"
severity = "high"
owner = "somebody"
action = "Act."
reason = "made up"
kind = "dimension"
dimension = "{dimension}"
side = "low"
raise_at = 40
clear_at = 50
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "settings.toml").touch()
    return load_settings(tmp_path / "settings.toml")


def file_of(folder: Path, dimension: str) -> Path:
    file = folder / "rules.toml"
    head = 'version = "1"\nquiet_days = 2\ncool_down_days = 14\nstatuses = ["active"]\n'
    file.write_text(head + RULE.format(dimension=dimension))
    return file


def test_the_shipped_rules_fit_the_shipped_scorecards(settings: Settings) -> None:
    assert len(alert_rules(settings).rules) > 5


@pytest.mark.parametrize("dimension", ["score", "payment", "retention"])
def test_a_dimension_of_any_scorecard_can_be_looked_at(settings: Settings, tmp_path: Path, dimension: str) -> None:
    (rule,) = alert_rules(settings, file_of(tmp_path, dimension)).rules
    assert rule.id == "X1"


def test_a_dimension_that_no_scorecard_has_is_named_with_those_there_are(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="X1 looks at the dimension 'paiment'") as refused:
        alert_rules(settings, file_of(tmp_path, "paiment"))
    assert "payment" in refused.value.hint
    assert "score" in refused.value.hint
