"""`portfolio` and `churn-risk` over the whole sandbox: the ones expected on top, the right people left out, figures proven."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from customer_research.documents.formats import json_, markdown, render, terminal
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.money import stated
from customer_research.domain.report import Report, Table, Text
from customer_research.domain.snapshot import SNAPSHOTS, Snapshot
from customer_research.errors import UsageError
from customer_research.research.alerting import alerts
from customer_research.research.portfolio import newest
from customer_research.research.portfolio.requests import Selection
from customer_research.research.portfolio.snapshot_view import freshness_of
from customer_research.research.portfolio.snapshots import snapshots_of
from customer_research.research.usecases import Actor, Runner
from customer_research.research.usecases.kinds import OF_EVERYBODY
from customer_research.settings import LakeSettings, Settings, StoreSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RANKS = ("critical", "at_risk", "monitor", "insufficient", "healthy")


def scenario(number: int) -> str:
    return f"00000000-5ce0-11f0-a000-{number:012d}"


PER_EURO = {"USD": 108, "CAD": 150, "EUR": 100, "GBP": 85, "JPY": 165}
"""The sandbox's rates in minor units."""


def in_usd(spelt: str) -> int | None:
    """What amounts by currency come to in cents at the sandbox's rates; None: not known, or no rate is set."""
    amounts = stated(spelt)
    if not amounts or any(money.currency not in PER_EURO for money in amounts):
        return None
    return round(sum(money.minor * 108 / PER_EURO[money.currency] for money in amounts))


def lines(text: str) -> dict[str, dict[str, str]]:
    return {row["operator_id"]: row for row in csv.DictReader(io.StringIO(text))}


def table(report: Report, section: str) -> Table:
    (found,) = [
        block for one in report.sections if one.id == section for block in one.blocks if isinstance(block, Table)
    ]
    return found


@pytest.fixture(scope="module")
def everybody(portfolio_settings: Settings) -> dict[str, dict[str, str]]:
    return lines(newest.portfolio_csv(portfolio_settings, Selection(limit=0), now=NOW)[0])


@pytest.fixture(scope="module")
def at_risk(portfolio_settings: Settings) -> dict[str, dict[str, str]]:
    return lines(newest.risk_csv(portfolio_settings, Selection(limit=0), now=NOW)[0])


def test_those_who_left_or_never_began_are_left_out_unless_asked_for(
    everybody: dict[str, dict[str, str]], portfolio_settings: Settings
) -> None:
    assert {row["status"].split()[0] for row in everybody.values()} == {"active", "onboarding", "no"}
    left = lines(newest.portfolio_csv(portfolio_settings, Selection(statuses=("churned",), limit=0), now=NOW)[0])
    assert left
    assert not left.keys() & everybody.keys()
    assert all(row["status"].startswith("churned") for row in left.values())


def test_the_worst_come_first_and_every_line_says_why(portfolio_settings: Settings) -> None:
    report = newest.portfolio_report(portfolio_settings, Selection(limit=40), now=NOW)
    shown = table(report, "attention")
    assert (len(shown.rows), shown.headers[-1]) == (40, "Why")
    health = [row[shown.headers.index("Health")] for row in shown.rows]
    bands = [str(cell.value).split(" ", 1)[1] for cell in health if isinstance(cell, Fact)]
    assert set(bands[:5]) <= {"Critical", "At Risk"}
    assert all(isinstance(cell, Fact | Text) for row in shown.rows for cell in row)
    assert all(cell.basis for row in shown.rows for cell in row if isinstance(cell, Fact))


def test_filters_leave_whom_they_say(everybody: dict[str, dict[str, str]], portfolio_settings: Settings) -> None:
    def found(wanted: Selection) -> dict[str, dict[str, str]]:
        return lines(newest.portfolio_csv(portfolio_settings, wanted, now=NOW, sort="mrr")[0])

    rich = found(Selection(segments=("Enterprise",), min_mrr=500, limit=0))
    assert rich.keys() == {
        one
        for one, row in everybody.items()
        if row["segment"] == "Enterprise" and (in_usd(row["mrr_by_currency"]) or 0) >= 50_000
    }
    amounts = [in_usd(row["mrr_by_currency"]) or 0 for row in rich.values()]
    assert amounts == sorted(amounts, reverse=True)
    assert scenario(2) in found(Selection(findings=("R1",), limit=0))
    assert list(found(Selection(search="SILVERMEAD", limit=0))) == [scenario(2)]
    assert found(Selection(search="100%_", limit=0)).keys() == {
        one for one, row in everybody.items() if "100%_" in row["name"].lower()
    }
    with pytest.raises(UsageError, match="no finding R99"):
        found(Selection(findings=("R99",)))


def test_everybodys_mrr_is_told_in_its_own_currency(
    everybody: dict[str, dict[str, str]], portfolio_settings: Settings
) -> None:
    told = {money.currency for row in everybody.values() for money in stated(row["mrr_by_currency"])}
    assert told >= {"USD", "CAD", "JPY"}
    report = newest.portfolio_report(portfolio_settings, Selection(limit=0), now=NOW, sort="mrr")
    shown = table(report, "attention")
    cells = [row[shown.headers.index("MRR")] for row in shown.rows]
    assert len(cells) == len(everybody)
    assert {cell.value for cell in cells if isinstance(cell, Fact)} >= {
        stated(row["mrr_by_currency"]) for row in everybody.values() if "CAD" in row["mrr_by_currency"]
    }
    assert not [cell for cell in cells if isinstance(cell, Text) and cell.text != "not known"]
    (groups,) = [one for one in report.sections if one.id == "groups"]
    sums = [
        cell.value
        for block in groups.blocks
        if isinstance(block, Table)
        for row in block.rows
        if isinstance(cell := row[block.headers.index("MRR")], Fact)
    ]
    assert any(len(amounts) > 1 for amounts in sums)
    assert report.headline is not None
    assert " together $" in report.headline.text.replace("(", " ")


def test_a_snapshot_of_a_version_that_kept_no_mrr_by_currency_knows_what_is_in_usd_and_says_of_how_many(
    everybody: dict[str, dict[str, str]], portfolio_settings: Settings, tmp_path: Path
) -> None:
    ((folder, _), *_) = snapshots_of(portfolio_settings.lake_folder)
    old = tmp_path / SNAPSHOTS / folder.name
    shutil.copytree(folder, old)
    with duckdb.connect() as database:
        kept = f"SELECT * EXCLUDE (mrr_by_currency) FROM read_parquet('{folder / 'accounts.parquet'}')"
        database.execute(f"COPY ({kept}) TO '{old / 'accounts.parquet'}'")
    store = StoreSettings(url=SecretStr(f"sqlite:///{tmp_path / 'store.db'}"))
    settings = portfolio_settings.model_copy(update={"lake": LakeSettings(folder=tmp_path), "store": store})  # type: ignore[call-arg]
    wanted = Selection(limit=0)
    found = lines(newest.portfolio_csv(settings, wanted, now=NOW, sort="mrr")[0])
    assert found.keys() == everybody.keys()
    report = newest.portfolio_report(settings, wanted, now=NOW, sort="mrr")
    shown = table(report, "attention")
    cells = dict(zip(found, (row[shown.headers.index("MRR")] for row in shown.rows), strict=True))
    abroad = [
        one
        for one, row in everybody.items()
        if (in_usd(row["mrr_by_currency"]) or 0) and "USD" not in row["mrr_by_currency"]
    ]
    assert abroad
    assert {cells[one] for one in abroad} == {Text("not known", "unknown")}
    known = [bool(row["mrr_usd_minor"]) for row in found.values()]
    assert known == sorted(known, reverse=True)
    assert report.headline is not None
    assert "known of" in report.headline.text


def test_disagreements_name_the_scenarios_made_for_them(portfolio_settings: Settings) -> None:
    shown = table(newest.portfolio_report(portfolio_settings, Selection(), now=NOW), "disagreements")
    titles = {str(row[0].text) for row in shown.rows if isinstance(row[0], Text)}
    assert titles >= {
        "Usage falls, the plan runs on",
        "Usage is well, money is not",
        "Cards are disputed and tickets are open",
        "Usage falls and nobody talks",
        "A quiet month, but booked ahead",
        "They pay and have never used it",
        "Sources disagree on churn",
    }


def test_silent_churn_outranks_a_failed_card_and_a_season_is_no_risk(at_risk: dict[str, dict[str, str]]) -> None:
    silent, failed_card = at_risk[scenario(2)], at_risk.get(scenario(4), {"risk": "0"})
    assert int(silent["risk"]) > int(failed_card["risk"])
    assert int(silent["risk"]) >= 40
    assert scenario(22) not in at_risk  # the wedding season comes back (S22)
    assert scenario(36) not in at_risk  # booked ahead (S36)
    assert int(at_risk[scenario(3)]["risk"]) >= 40
    losses = [in_usd(row["expected_loss_by_currency"]) or 0 for row in at_risk.values()]
    assert all(loss >= after - 1 for loss, after in pairwise(losses))  # each is rounded once, the order by none


def test_who_slips_without_a_word_stands_in_a_ranking_of_its_own(
    at_risk: dict[str, dict[str, str]], portfolio_settings: Settings
) -> None:
    report = newest.risk_report(portfolio_settings, Selection(limit=1), now=NOW)
    shown = table(report, "slipping")
    names = [row[0].text for row in shown.rows if isinstance(row[0], Text)]
    assert at_risk[scenario(2)]["name"] in names[:10]  # S02, silent churn (synthetic 8)
    assert at_risk[scenario(3)]["name"] not in names  # no ride in 60 days: gone already
    risks = [int(cell.value) for row in shown.rows if isinstance(cell := row[shown.headers.index("Risk")], Fact)]
    assert risks == sorted(risks, reverse=True)
    assert len(risks) == len(names)


def test_the_ranking_goes_by_risk_alone_when_asked(portfolio_settings: Settings) -> None:
    ranked = lines(newest.risk_csv(portfolio_settings, Selection(limit=0), now=NOW, sort="risk")[0])
    assert [int(row["risk"]) for row in ranked.values()] == sorted(
        (int(row["risk"]) for row in ranked.values()), reverse=True
    )
    titles = {
        sort: [one.title for one in newest.risk_report(portfolio_settings, Selection(), now=NOW, sort=sort).sections]
        for sort in ("loss", "risk")
    }
    assert "Ranked by expected loss" in titles["loss"]
    assert "Ranked by risk" in titles["risk"]


def test_churn_risk_keeps_the_churned_apart_and_calls_nothing_a_probability(portfolio_settings: Settings) -> None:
    report = newest.risk_report(portfolio_settings, Selection(limit=10), now=NOW)
    text = markdown.render(report)
    assert "it is not a probability" in text
    ids = {section.id for section in report.sections}
    assert {"summary", "ranked", "signs", "churned"} <= ids
    assert terminal.render(report, color=False)
    assert json.loads(json_.render(report))["kind"] == "churn_risk"


def test_a_choice_holds_for_those_who_left_as_well_and_they_are_never_ranked(portfolio_settings: Settings) -> None:
    def left(wanted: Selection) -> list[str]:
        report = newest.risk_report(portfolio_settings, wanted, now=NOW)
        blocks = [block for one in report.sections if one.id == "churned" for block in one.blocks]
        return [
            str(row[0].text) for one in blocks if isinstance(one, Table) for row in one.rows if isinstance(row[0], Text)
        ]

    everybody = left(Selection())
    assert len(everybody) > 1
    assert left(Selection(search=everybody[0])) == everybody[:1]
    assert left(Selection(search="nobody is called this")) == []
    for status in ("churned", "never_started"):
        with pytest.raises(UsageError, match="have no churn risk"):
            newest.risk_csv(portfolio_settings, Selection(statuses=("active", status)), now=NOW)


def test_a_source_that_gave_nothing_did_not_answer_in_full() -> None:
    receipt = Receipt("r", "lago", "invoices", "GET /invoices", NOW, 1, "d")
    bare, optional = Gap("notion", "not_configured", "No token."), Gap("lago", "not_configured", "No such table.")
    snapshot = Snapshot(
        id="s",
        kind="scored",
        as_of=NOW,
        taken_at=NOW,
        scorecard="canonical",
        version="1",
        digest="d",
        tables="t",
        engine="duckdb",
        operators=1,
        place="",
        receipts=(receipt,),
        gaps=(bare, optional),
    )
    states = {one.source: (one.state, one.gaps) for one in freshness_of(snapshot)}
    assert states == {"lago": ("ok", ()), "notion": ("missing", (bare,))}


def test_without_a_snapshot_the_next_step_is_named(portfolio_settings: Settings, tmp_path) -> None:  # type: ignore[no-untyped-def]
    bare = portfolio_settings.model_copy(update={"lake": LakeSettings(folder=tmp_path)})  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="no snapshot") as told:
        newest.portfolio_report(bare, Selection(), now=NOW)
    assert "portfolio score" in told.value.hint


def test_no_list_names_a_command_in_its_documents(portfolio_settings: Settings, tmp_path: Path) -> None:
    own = shutil.copy(portfolio_settings.store_url.removeprefix("sqlite:///"), tmp_path)
    settings = portfolio_settings.model_copy(update={"store": StoreSettings(url=SecretStr(f"sqlite:///{own}"))})
    alerts.checked(settings, now=NOW)

    async def made() -> dict[str, Report]:
        async with Runner(settings) as runner:
            actor = Actor("reader", "tests")
            asked = {name: await runner.use("report", {"kind": name}, actor) for name in OF_EVERYBODY}
        return {name: answer.body for name, answer in asked.items() if isinstance(answer.body, Report)}

    reports = asyncio.run(made())
    assert reports.keys() == set(OF_EVERYBODY)
    for name, report in reports.items():
        old = replace(report, generated_at=report.generated_at + timedelta(days=30))
        for style in ("markdown", "html", "slack"):
            told = render(old, style).decode("utf-8", errors="replace")
            assert not re.search(
                r"`(customer-research|portfolio score|sync|alerts (?:check|show|rules))\b|\s--[a-z]+[ `.)]", told
            ), (name, style)
