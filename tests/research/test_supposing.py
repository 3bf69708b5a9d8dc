"""`whatif` through the sandbox: the same scorecard over an edited row, and nobody can take it for a fact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact
from customer_research.domain.report import Report, Table, Text
from customer_research.errors import UsageError
from customer_research.surfaces.cli.group import run
from customer_research_sandbox.serve import Sandbox

S02, S03, S20 = (f"00000000-5ce0-11f0-a000-0000000000{number}" for number in ("02", "03", "20"))


def _cells(report: Report, row: str) -> tuple[Any, ...]:
    rows = [r for s in report.sections for b in s.blocks if isinstance(b, Table) for r in b.rows]
    return next(r[1:] for r in rows if isinstance(r[0], Text) and r[0].text.startswith(row))


def _lines(report: Report) -> dict[str, tuple[Any, Any]]:
    section = next(s for s in report.sections if s.id == "points")
    rows = [r for b in section.blocks if isinstance(b, Table) for r in b.rows]
    return {
        r[0].text: (getattr(r[2], "value", None), getattr(r[3], "value", None)) for r in rows if isinstance(r[0], Text)
    }


def test_the_rules_judge_the_assumed_row(clean_sandbox: Sandbox, research: Any) -> None:
    report = research(
        lambda opened: opened.whatif(S02, ["active_disputes=1", "usage_trend=25%", "reservations_30d=75"])
    )

    # E3 had excused the falling quarter (G6): without it that one counts
    assert _lines(report) == {
        "P7": (None, -20),
        "E3": (-15, None),
        "G6": (None, -15),
    }
    now, then, change = _cells(report, "Payment score")
    assert (now.value, then.value, change.value) == (100, 80, -20)
    now, then, _ = _cells(report, "Band")
    assert (now.value, then.value) == (
        "Monitor (89 points, capped at 79 by: usage falling)",
        "At Risk (82 points, capped at 59 by: active dispute)",
    )


def test_an_operator_assumed_to_be_like_another_scores_like_it(clean_sandbox: Sandbox, research: Any) -> None:
    """Every metric that the scorecard reads is taken from S03 and assumed of S02: the scores are the same."""
    from customer_research.health.whatif import Assumption
    from customer_research.research.one.judge import card_named, judge, metrics_needed
    from customer_research.research.one.whatif import WhatIf

    async def work(opened: Any) -> tuple[Any, Any]:
        other = await opened.account(S03)
        account, measuring = await opened.measured(S02)
        values = {
            name: figure.value if isinstance(figure := other.figures[name], Fact) else None
            for name in ("status", *metrics_needed(card_named("canonical")))
        }
        assumed = [Assumption(name, value, str(value)) for name, value in values.items()]
        (score,), _ = judge(WhatIf(measuring, assumed, account), "canonical")
        return score, other.score

    supposed, real = research(work)

    assert (supposed.score, supposed.band, supposed.coverage) == (real.score, real.band, real.coverage)
    assert [(c.rule, c.points) for c in supposed.contributions] == [(c.rule, c.points) for c in real.contributions]


def test_derived_figures_follow_unless_they_are_set(clean_sandbox: Sandbox, research: Any) -> None:
    gone = ["active_subscriptions=0", "subscription_ended_at=2026-10-20"]

    followed = research(lambda opened: opened.whatif(S02, gone))
    kept = research(lambda opened: opened.whatif(S02, [*gone, "status=active"]))

    assert [cell.value for cell in _cells(followed, "Status")] == ["active", "churned"]
    assert _cells(followed, "Churned on")[1].value.isoformat() == "2026-10-20"
    assert [cell.value for cell in _cells(kept, "Status")] == ["active", "active"]


def test_assuming_what_is_so_changes_nothing_and_nothing_is_left_behind(clean_sandbox: Sandbox, research: Any) -> None:
    async def work(opened: Any) -> tuple[Report, Any, Any]:
        before = await opened.account(S02)
        report = await opened.whatif(S02, ["reservations_30d=20"])
        await opened.whatif(S02, ["reservations_30d=0", "active_disputes=3"])
        return report, before, await opened.account(S02)

    report, before, after = research(work)

    assert _lines(report) == {}
    assert report.headline is not None
    assert "would stay at 79 of 100" in report.headline.text
    assert after.score == before.score
    assert {name: getattr(figure, "value", None) for name, figure in after.figures.items()} == {
        name: getattr(figure, "value", None) for name, figure in before.figures.items()
    }


def test_a_figure_assumed_unknown_is_unknown_not_zero(clean_sandbox: Sandbox, research: Any) -> None:
    report = research(lambda opened: opened.whatif(S02, ["reservations_30d=unknown"]))

    assert not isinstance(_cells(report, "Engagement score")[1], Fact)
    assert _cells(report, "How much is known")[1].value == 0.75
    assert _cells(report, "Reservations, 30 days")[1].text == "unknown (assumed)"


def test_what_is_made_of_the_same_records_is_named(clean_sandbox: Sandbox, research: Any) -> None:
    report = research(lambda opened: opened.whatif(S02, ["reservations_30d=0"]))

    section = next(s for s in report.sections if s.id == "assumptions")
    left = [line.label for block in section.blocks for line in getattr(block, "lines", ())]
    assert any("(reservations_60d)" in label for label in left)
    assert any("(usage_trend)" in label for label in left)
    assert not any("(reservations_30d)" in label for label in left)


def test_nothing_hypothetical_looks_like_a_fact(clean_sandbox: Sandbox, config_path: Path, capsys: Any) -> None:
    assert run(["--config", str(config_path), "whatif", S02, "active_disputes=1", "csat_latest=2", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assumptions = {r["id"]: r for r in told["receipts"] if r["source"] == "assumption"}
    assert {r["query"] for r in assumptions.values()} == {"active_disputes = 1", "csat_latest = 2"}
    assert told["kind"] == "whatif"
    assert told["headline"]["text"].startswith("Hypothetical: ")
    assert "hypothetical" in told["title"]
    tables = [b for s in told["sections"] for b in s["blocks"] if b["type"] == "table" and "If" in b["headers"]]
    assert len(tables) >= 3
    for table in tables:
        for row in table["rows"]:
            then = row[table["headers"].index("If")]
            if "value" in then:
                assert set(then["receipts"]) & set(assumptions), then
                assert then["metric"] not in METRICS


def test_an_unknown_figure_can_be_assumed_and_rests_on_the_assumption_alone(
    clean_sandbox: Sandbox, research: Any
) -> None:
    report = research(lambda opened: opened.whatif(S02, ["nps_latest=3"]))

    now, then = _cells(report, "Latest NPS, 180 days")
    assert not isinstance(now, Fact)
    assert [receipt.source for receipt in then.basis] == ["assumption"]
    assert _lines(report)["S4"] == (None, -20)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["reservation_30d=5"], "Did you mean reservations_30d"),
        (["reservations_30d"], "metric=value"),
        (["reservations_30d="], "metric=value"),
        (["reservations_30d=few"], "a whole number"),
        (["reservations_30d=1", "reservations_30d=2"], "one value"),
        (["mrr=5"], ""),
        ([], "Add metric=value"),
    ],
)
def test_a_wrong_assumption_is_refused_before_anything_is_fetched(
    texts: list[str], says: str, clean_sandbox: Sandbox, research: Any
) -> None:
    with pytest.raises(UsageError) as caught:
        research(lambda opened: opened.whatif(S02, texts))

    assert says in caught.value.hint
    assert clean_sandbox.request_log == []


def test_the_command_has_its_exit_codes(clean_sandbox: Sandbox, config_path: Path, capsys: Any) -> None:
    call = ["--config", str(config_path), "whatif"]
    assert run([*call, "Silvermead", "active_disputes=1"]) == 0
    assert "Hypothetical" in capsys.readouterr().out
    assert run([*call, "Summit", "active_disputes=1"]) == 4
    assert run([*call, S02, "no_such=1"]) == 2
    clean_sandbox.set_faults("notion:auth")
    assert run([*call, S02, "active_disputes=1"]) == 3
