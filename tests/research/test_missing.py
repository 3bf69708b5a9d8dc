"""`missing` through the sandbox: the bounds hold what the score turns out to be, widest first, with the step to take."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.report import Report, Table, Text
from customer_research.surfaces.cli.group import run
from customer_research_sandbox.serve import Sandbox

S02, S04, S39 = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in ("02", "04", "39"))
VENDORS = {"lago": "Lago", "hubspot": "HubSpot", "metabase": "Warehouse", "notion": "Notion"}


def _table(report: Report, section: str) -> list[dict[str, Any]]:
    tables = [b for s in report.sections if s.id == section for b in s.blocks if isinstance(b, Table)]
    return [dict(zip(table.headers, row, strict=True)) for table in tables for row in table.rows]


def _named(report: Report, metric: str) -> dict[str, Any]:
    return next(row for row in _table(report, "figures") if f"({metric})" in row["Figure"].text)


def _headline_bounds(report: Report) -> tuple[int, int]:
    assert report.headline is not None
    *_, lower, upper = (fact.value for fact in report.headline.facts)
    return lower, upper


@pytest.mark.parametrize(("vendor", "scenario"), list(itertools.product(VENDORS, ("S02", "S05", "S20", "S34", "S39"))))
def test_the_true_score_lies_within_the_bounds(
    vendor: str, scenario: str, clean_sandbox: Sandbox, research: Any, scenario_accounts: Mapping[str, Account]
) -> None:
    account = scenario_accounts[scenario]
    assert account.score is not None
    truth = account.score.score
    assert truth is not None
    clean_sandbox.set_faults(f"{vendor}:auth")

    report = research(lambda opened: opened.missing(account.operator_id))

    lower, upper = _headline_bounds(report)
    assert lower <= truth <= upper
    causes = {row["Cause"].text.partition(")")[0]: row for row in _table(report, "causes")}
    cause = causes[f"access refused ({VENDORS[vendor]}"]
    assert cause["Next step"].text
    for row in _table(report, "figures"):
        if isinstance(row["From"], Fact):
            assert lower <= row["From"].value <= row["To"].value <= upper


def test_the_bounds_are_those_that_whatif_reaches(clean_sandbox: Sandbox, research: Any) -> None:
    async def work(opened: Any) -> tuple[Report, list[int]]:
        report = await opened.missing(S04)
        scores = []
        for answer in (0, 7, 10):
            supposed = await opened.whatif(S04, [f"nps_latest={answer}"])
            scores.append(supposed.headline.facts[1].value)
        return report, scores

    report, scores = research(work)

    row = _named(report, "nps_latest")
    assert (row["From"].value, row["To"].value) == (min(scores), max(scores)) == (69, 73)
    assert row["Apart"].value == 4
    assert row["Rules and caps left open"].text == "S4, S6"


def test_the_widest_comes_first_and_what_weighs_nothing_is_named(clean_sandbox: Sandbox, research: Any) -> None:
    clean_sandbox.set_faults("lago:auth")

    report = research(lambda opened: opened.missing(S02))

    widths = [row["Apart"].value for row in _table(report, "figures") if isinstance(row["Apart"], Fact)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0
    assert all(isinstance(row["Figure"], Text) for row in _table(report, "figures"))
    texts = [getattr(block, "text", "") for s in report.sections for block in s.blocks]
    assert any("by themselves without weight: " in text for text in texts)
    assert report.partial


def test_a_bound_is_no_fact_of_the_operator(clean_sandbox: Sandbox, config_path: Path, capsys: Any) -> None:
    assert run(["--config", str(config_path), "missing", S04, "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assumptions = {r["id"] for r in told["receipts"] if r["source"] == "assumption"}
    tables = [b for s in told["sections"] for b in s["blocks"] if b["type"] == "table"]
    cells = [cell for table in tables for row in table["rows"] for cell in row if cell.get("metric")]
    assert cells
    assert all(set(cell["receipts"]) & assumptions for cell in cells)
    assert all(cell["metric"].startswith("hypothetical_") for cell in cells)


def test_another_scorecard_asks_for_other_figures(clean_sandbox: Sandbox, research: Any) -> None:
    clean_sandbox.set_faults("notion:auth")

    report = research(lambda opened: opened.missing(S02, scorecard="billing_guide"))

    assert "open_tickets" not in " ".join(row["Figure"].text for row in _table(report, "figures"))


def test_the_next_account_is_untouched(clean_sandbox: Sandbox, research: Any) -> None:
    async def work(opened: Any) -> tuple[Any, Any]:
        before = await opened.account(S39)
        await opened.missing(S02)
        return before, await opened.account(S39)

    before, after = research(work)

    assert after.score.score == before.score.score
    assert [(c.rule, c.points) for c in after.score.contributions] == [
        (c.rule, c.points) for c in before.score.contributions
    ]


def test_the_command_has_its_exit_codes(clean_sandbox: Sandbox, config_path: Path, capsys: Any) -> None:
    call = ["--config", str(config_path), "missing"]
    assert run([*call, "Copperline"]) == 0
    assert "Health 73 of 100; were all known that is missing, between 69 and 73." in capsys.readouterr().out
    assert run([*call, "Silvermead"]) == 0  # capped at 79 whatever the unknown would say
    assert "Health 79 of 100, whatever is missing." in capsys.readouterr().out
    assert run([*call, "Summit"]) == 4
    clean_sandbox.set_faults("notion:auth")
    assert run([*call, S02]) == 3
    assert "Next step" in capsys.readouterr().out
