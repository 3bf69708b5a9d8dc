"""How soon somebody is needed, with one source silent: never later than with it without saying so, in every report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from scored_demo import without

from customer_research.documents.formats import markdown
from customer_research.domain.account import Account
from customer_research.domain.alert import Alert, Episode, Grounds, Observation
from customer_research.domain.evidence import Gap
from customer_research.domain.portfolio import Portfolio, Week
from customer_research.domain.report import Report
from customer_research.domain.urgency import LEVELS
from customer_research.engines.duckdb import DuckDB
from customer_research.engines.engine import Room
from customer_research.reports.kinds import KINDS, digest
from customer_research.reports.kinds import alerts as alerts_kind
from customer_research.research.off import lake_tables
from customer_research.research.portfolio.book_lines import FileListing
from customer_research.research.portfolio.listing import portfolio
from customer_research.research.portfolio.requests import Selection
from customer_research.research.portfolio.score import score
from customer_research.research.portfolio.selection import told_of
from customer_research.research.portfolio.snapshot_view import SnapshotView, view_of
from customer_research.research.portfolio.snapshots import snapshots_of
from customer_research.settings import Settings
from customer_research_sandbox.serve import Sandbox

SOURCES = {"lago": "lago", "hubspot": "hubspot", "metabase": "warehouse", "notion": "notion"}
"""What a fault of the sandbox is called, and the source that is then silent."""
LIVE = ("00000000-5ce0-11f0-a000-000000000001", "00000000-5ce0-11f0-a000-000000000002")
NO_HISTORY = Gap("score history", "none_found", "there is no score history yet")


Seen = tuple[Portfolio, Mapping[str, Account]]
"""The list of everybody, and their accounts by id."""


@pytest.fixture(scope="module")
def whole(portfolio_settings: Settings) -> Seen:
    folder, snapshot = next(snapshots_of(portfolio_settings.lake_folder))
    with view_of(portfolio_settings, folder, snapshot, snapshot.as_of) as view:
        return seen(view)


def seen(view: SnapshotView) -> Seen:
    found = portfolio(FileListing(view), Selection(limit=0))
    return found, told_of(view, [line.operator_id for line in found.lines])


def silent(settings: Settings, source: str, folder: Path) -> Seen:
    """The portfolio as it is scored when a source has never answered."""
    now = settings.clock
    assert now is not None
    with DuckDB(Room(reach=(settings.lake_folder, folder))) as engine:
        snapshot = score(
            engine,
            without(lake_tables(settings), source),
            now,
            "canonical",
            folder=folder,
            clock=lambda: now,
        )
    with view_of(settings, folder / snapshot.id, snapshot, now) as view:
        return seen(view)


def later_unsaid(account: Account, true: Account) -> bool:
    """Whether somebody is said to be needed later than with all sources, and not that it may be sooner."""
    found, known = account.urgency, true.urgency
    assert found is not None
    assert known is not None
    return LEVELS.index(found.level) > LEVELS.index(known.level) and not found.open


def words(report: Report) -> str:
    return markdown.render(report, show_personal=False)


@pytest.mark.parametrize("source", SOURCES.values())
def test_of_everybody_and_in_every_list(source: str, whole: Seen, portfolio_settings: Settings, tmp_path: Path) -> None:
    found, accounts = silent(portfolio_settings, source, tmp_path)
    _, known = whole
    both = [account for one, account in accounts.items() if one in known]
    assert len(both) > 300
    assert [one.name for one in both if later_unsaid(one, known[one.operator_id])] == []
    hidden = [one for one in both if one.urgency and one.urgency.open and one.urgency.level == "watch"]
    open_ = [one for one in both if one.urgency and one.urgency.open and one.urgency.level != "watch"]
    assert open_
    for account in (*hidden[:3], *open_[:3]):
        _told(account, "not known" if account in hidden[:3] else "or sooner")
    _in_alerts_and_digest(found, [*hidden[:3], *open_[:3]])


def _told(account: Account, sooner: str) -> None:
    for kind in ("profile", "brief", "health"):
        text = words(KINDS[kind].report(account))
        assert sooner in text, kind
        assert "nothing to do now" not in text, kind


def _in_alerts_and_digest(found: Portfolio, chosen: list[Account]) -> None:
    ids = {one.operator_id for one in chosen}
    lines = {line.operator_id: line for line in found.lines if line.operator_id in ids}
    basis = alerts_kind.AlertBasis(found.generated_at, found.snapshot.as_of, (found.receipt,), (), {}, lines)
    seen, told = Observation(found.snapshot.as_of, found.snapshot.id), Grounds("It holds.")
    raised = [Alert((Episode("x", one, line.name, 1, "X", "low", told, seen, seen),)) for one, line in lines.items()]
    listed = words(alerts_kind.KIND.build(alerts_kind.OpenAlerts(basis, tuple(raised), most=None)))
    single = [words(alerts_kind.ONE.build(alerts_kind.OneAlert(basis, alert.oldest, (), {}, ()))) for alert in raised]
    for text in (listed, *single):
        assert "nothing to do now" not in text
        assert "or sooner" in text or "not known" in text
    week = digest.KIND.build(Week(found, NO_HISTORY, NO_HISTORY, lines))
    assert "or sooner" in words(week) or not any(one.advice for one in chosen)


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("fault", SOURCES)
def test_live(fault: str, clean_sandbox: Sandbox, research: Any) -> None:
    async def asked(opened: Any) -> Mapping[str, Account]:
        return {one: await opened.account(one) for one in LIVE}

    known = research(asked)
    clean_sandbox.set_faults(f"{fault}:down")
    for one, account in research(asked).items():
        assert not later_unsaid(account, known[one])
        assert account.urgency.open
        _told(account, "not known" if account.urgency.level == "watch" else "or sooner")
