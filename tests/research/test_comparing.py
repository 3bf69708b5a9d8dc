"""`compare` through the sandbox over HTTP: the same figures as single reports, aligned, and honest about what is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from customer_research.domain.evidence import Fact
from customer_research.domain.report import Bullets, Report, Table, Text
from customer_research.errors import OperatorNotFound, UsageError
from customer_research.surfaces.cli.group import run
from customer_research_sandbox.serve import Sandbox

S01, S02, S05, S13, S39 = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in ("01", "02", "05", "13", "39"))


def _tables(report: Report) -> dict[str, Table]:
    return {b.caption or b.headers[0]: b for s in report.sections for b in s.blocks if isinstance(b, Table)}


def _cells(report: Report) -> dict[str, tuple[Any, ...]]:
    """Figure label → the cells of the operators."""
    found = _tables(report)
    rows = [
        row for caption in ("Where they differ", "The same for all") if caption in found for row in found[caption].rows
    ]
    return {row[0].text: row[1:] for row in rows if isinstance(row[0], Text)}


def _texts(report: Report, caption: str, column: int) -> list[str]:
    cells = [row[column] for row in _tables(report)[caption].rows]
    return [cell.text if isinstance(cell, Text) else getattr(cell, "value", "") for cell in cells]


def _insights(report: Report) -> list[str]:
    section = next(s for s in report.sections if s.id == "findings")
    return [item.text for block in section.blocks if isinstance(block, Bullets) for item in block.items]


def test_the_figures_are_those_of_the_single_reports(clean_sandbox: Sandbox, research: Any) -> None:
    terms = (S02, "Dockyard Twin Limousine", S13)

    async def work(opened: Any) -> tuple[Report, list[Any]]:
        return await opened.compare(terms), [await opened.account(term) for term in terms]

    report, accounts = research(work)
    cells = _cells(report)

    assert report.headline is not None
    assert report.headline.text == "3 operators: Silvermead Livery, Dockyard Twin Limousine and Borderlake Car Service."
    assert {account.as_of for account in accounts} == {report.as_of}
    for label, metric in (
        ("MRR", "mrr"),
        ("Reservations, 30 days", "reservations_30d"),
        ("Open tickets", "open_tickets"),
    ):
        assert [cell.value for cell in cells[label]] == [account.figures[metric].value for account in accounts]
        assert all(cell.basis for cell in cells[label])
    assert [cell.value for cell in cells["Health score"]] == [79, 87, 93]
    assert [cell.value for cell in cells["Band"]] == [
        "Monitor (89 points, capped at 79 by: usage falling)",
        "Healthy",
        "Healthy",
    ]
    assert not report.partial


def test_the_differences_that_matter_come_first_and_currencies_stay_apart(
    clean_sandbox: Sandbox, research: Any
) -> None:
    report = research(lambda opened: opened.compare((S02, S13)))

    insights = _insights(report)
    assert insights[0].startswith("Health: lowest Silvermead Livery with 79 of 100 (Monitor); highest Borderlake")
    assert insights[1].startswith("Engagement sets them apart most: 85 at Silvermead Livery")
    assert "MRR: Silvermead Livery $199.00, Borderlake Car Service CA$269.00." in insights  # at the sandbox's rates
    assert "Bookings fall: Silvermead Livery (-66.7%)." in insights
    labels = _texts(report, "Where they differ", 0)
    assert labels[:3] == ["Band", "Health score", "Engagement score"]
    assert "Support score" not in labels
    assert "Status" in _texts(report, "The same for all", 0)
    assert _texts(report, "Actions", 0) == ["high", "medium", "medium", "low"]
    assert _texts(report, "Actions", 1)[0] == "Silvermead Livery"


def test_the_unknown_is_shown_as_unknown_and_never_ranked(clean_sandbox: Sandbox, research: Any) -> None:
    clean_sandbox.set_faults("lago:down")

    report = research(lambda opened: opened.compare((S02, S13)))

    cells = _cells(report)
    assert not any(isinstance(cell, Fact) for cell in (*cells["MRR"], *cells["Overdue invoices"]))
    assert not [text for text in _insights(report) if text.startswith(("MRR", "Invoices"))]
    assert report.partial
    assert {item.source for item in report.freshness if item.state != "ok"} == {"lago"}


def test_all_operators_of_one_source_failure_are_named_once(clean_sandbox: Sandbox, research: Any) -> None:
    clean_sandbox.set_faults("notion:auth")

    report = research(lambda opened: opened.compare((S01, S02, S05)))

    notion = next(item for item in report.freshness if item.source == "notion")
    assert notion.state == "missing"
    assert len(notion.gaps) == 1
    assert "Brightwater Anchor Chauffeurs" in notion.warning


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ((S02,), "2 to 10"),
        ((S02,) * 11, "2 to 10"),
        ((S02, "Silvermead Livery"), "are the same operator"),
        ((S02, "%"), "only wildcard signs"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_in_a_sentence(
    terms: tuple[str, ...], says: str, clean_sandbox: Sandbox, research: Any
) -> None:
    with pytest.raises(UsageError, match=says):
        research(lambda opened: opened.compare(terms))


def test_an_id_that_nobody_knows_is_not_found(clean_sandbox: Sandbox, research: Any) -> None:
    with pytest.raises(OperatorNotFound, match="No operator answers to '99999999"):
        research(lambda opened: opened.compare((S02, "99999999-5ce0-11f0-a000-000000000002")))


def test_the_vendors_limits_hold_for_ten(clean_sandbox: Sandbox, research: Any) -> None:
    terms = [f"00000000-5ce0-11f0-a000-0000000000{number:02}" for number in range(1, 11)]

    report = research(lambda opened: opened.compare(terms))

    assert len(_cells(report)["Health score"]) == 10
    assert [request for request in clean_sandbox.request_log if request.status == 429] == []
    assert not report.partial


# --- the command -------------------------------------------------------------------------------------------------------


def test_the_command_writes_every_format(
    clean_sandbox: Sandbox, config_path: Path, tmp_path: Path, capsys: Any
) -> None:
    call = ["--config", str(config_path), "compare", S02, S39]

    assert run([*call, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "comparison"
    assert told["partial"] is False
    assert run([*call, "--output", str(tmp_path / "c.md")]) == 0
    assert (tmp_path / "c.md").read_text().startswith("# Comparison\n")
    assert run(call) == 0
    assert "Where they differ" in capsys.readouterr().out


def test_one_that_is_ambiguous_ends_with_4_and_its_candidates(
    clean_sandbox: Sandbox, config_path: Path, capsys: Any
) -> None:
    code = run(["--config", str(config_path), "compare", S02, "Summit"])

    captured = capsys.readouterr()
    assert code == 4
    assert captured.out == ""
    assert captured.err.startswith("Error: 3 operators answer to 'Summit'.")
    assert captured.err.count("Summit Ridge Limousine") == 1


def test_a_source_that_is_missing_ends_with_3(clean_sandbox: Sandbox, config_path: Path, capsys: Any) -> None:
    clean_sandbox.set_faults("hubspot:auth")

    assert run(["--config", str(config_path), "compare", S02, S39]) == 3
    assert "not in full for Silvermead Livery and Deadbolt Vista Cars" in " ".join(capsys.readouterr().out.split())
