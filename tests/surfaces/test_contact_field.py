"""One field of a contact without the rest: told to whom may have it, and noted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runs import SILENT_CHURN, changed, command
from mcp_calls import call, rows

from customer_research.research.usecases import RIGHTS, Actor
from customer_research.settings import load_settings

PHONE, OTHER, ADDRESS = "+1 312 555-0102", "+1 312 555-0103", "celia.corvane@"


@pytest.fixture
def config(config_path: Path, tmp_path: Path) -> Path:
    """The settings with a store of their own."""
    return changed(config_path, tmp_path, {"store": {"url": f"sqlite:///{tmp_path / 'own.db'}"}})


def noted(config: Path) -> list[tuple[str, str]]:
    """What was asked for, and by which way."""
    told = json.loads(command("audit", "list", "--json", config=config).out)
    tables = [block for part in told["sections"] for block in part["blocks"] if block["type"] == "table"]
    if not tables:
        return []
    (table,) = tables
    by, what = table["headers"].index("By"), table["headers"].index("Asked for")
    return [(row[by]["text"], row[what]["text"]) for row in table["rows"]]


def test_one_field_is_told_the_rest_is_masked_and_it_is_noted(config: Path) -> None:
    plain = command("lookup", SILENT_CHURN, "--json", config=config)
    phones = command("lookup", SILENT_CHURN, "--field", "phone", "--json", config=config)
    names = command("lookup", SILENT_CHURN, "--field", "name", config=config)

    assert (phones.code, phones.err) == (0, "")
    assert PHONE not in plain.out
    assert PHONE in phones.out
    assert OTHER in phones.out
    assert not [word for word in (ADDRESS, "Corvane", "office@") if word in phones.out]
    assert "Celia Corvane" in names.out
    assert "555-0102" not in names.out
    assert noted(config) == [("cli", "lookup name"), ("cli", "lookup phone")]


def test_agents_ask_for_it_with_a_report_too(config: Path) -> None:
    settings = load_settings(config)
    found = call(settings, "operator_find", term=SILENT_CHURN, field="phone")
    report = call(settings, "operator_report", operator=SILENT_CHURN, field="email", sections=["topics"])

    assert PHONE in json.dumps(rows(found, "asked"))
    assert ADDRESS in json.dumps(report["quoted"])
    assert PHONE not in json.dumps(report)
    assert {one["part"] for one in report["statements"]} >= {"asked"}
    assert noted(config) == [("stdio", "lookup email"), ("stdio", "lookup phone")]


def test_who_may_not_see_personal_data_is_refused(config: Path) -> None:
    settings, actor = load_settings(config), Actor("bo", "http", RIGHTS | {"finance"})
    refused = call(settings, "operator_find", term=SILENT_CHURN, field="phone", actor=actor, failed=True)
    assert "personal" in refused["hint"]
    assert call(settings, "operator_find", term=SILENT_CHURN, actor=actor)["status"] == "ok"


def test_what_cannot_be_noted_is_not_told(config_path: Path, tmp_path: Path) -> None:
    nowhere = changed(config_path, tmp_path, {"store": {"url": f"sqlite:///{tmp_path / 'absent' / 'x' / 'own.db'}"}})
    (tmp_path / "absent").write_text("a file", encoding="utf-8")
    done = command("lookup", SILENT_CHURN, "--field", "phone", config=nowhere)
    assert done.code == 7
    assert PHONE not in done.out + done.err


def test_of_several_operators_nobodys_is_told(config: Path) -> None:
    done = command("lookup", "Limousine", "--field", "phone", config=config)
    assert done.code == 4
    assert "What was asked for" not in done.out
    assert noted(config) == []
