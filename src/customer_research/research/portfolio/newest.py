"""The newest snapshot of the lake, looked at: the use cases behind `portfolio` and `churn-risk`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from customer_research.documents.formats import accounts_csv
from customer_research.domain.evidence import Gap
from customer_research.domain.portfolio import Overview, Portfolio, Risks, RiskSort, Sort, Week
from customer_research.domain.report import Freshness, Report
from customer_research.errors import StoreError, UsageError
from customer_research.health.history import SOURCE
from customer_research.reports import risk
from customer_research.reports.kinds import digest, portfolio_churn_risk, portfolio_summary
from customer_research.reports.kinds import portfolio as portfolio_kind
from customer_research.reports.standing_figures import PORTFOLIO_COLUMNS
from customer_research.research.one.judge import card_named
from customer_research.research.one.track_record import track_of
from customer_research.research.portfolio import selection
from customer_research.research.portfolio.choice import Selection
from customer_research.research.portfolio.history import changes
from customer_research.research.portfolio.moves import done, moves
from customer_research.research.portfolio.selection import told_of
from customer_research.research.portfolio.snapshot_view import SnapshotView, view_of
from customer_research.research.portfolio.snapshots import snapshots_of
from customer_research.settings import Settings

WEEK, MONTH = 7, 30
"""How many days a digest and a summary look back."""


def portfolio_report(settings: Settings, chosen: Selection, *, now: datetime, sort: Sort = "attention") -> Report:
    """Who needs attention, and why.

    Raises:
        UsageError: there is no snapshot yet, or what is wanted does not exist.
    """
    return portfolio_kind.KIND.build(_portfolio(settings, chosen, now, sort))


def portfolio_csv(
    settings: Settings, chosen: Selection, *, now: datetime, sort: Sort = "attention"
) -> tuple[str, tuple[Gap, ...]]:
    """The operators wanted as CSV, a line each, and what is unknown of everybody; see `portfolio_report`."""
    found = _portfolio(settings, chosen, now, sort)
    columns = {**PORTFOLIO_COLUMNS, "change_30d": lambda account: portfolio_kind.change_of(found, account)}
    return accounts_csv.render(found.accounts, columns), _lacking(found)


def risk_report(settings: Settings, chosen: Selection, *, now: datetime, sort: RiskSort = "loss") -> Report:
    """Who may leave, ranked by what would be lost; see `portfolio_report`."""
    return portfolio_churn_risk.KIND.build(_risks(settings, chosen, now, sort))


def risk_csv(
    settings: Settings, chosen: Selection, *, now: datetime, sort: RiskSort = "loss"
) -> tuple[str, tuple[Gap, ...]]:
    """The operators at risk as CSV, a line each; see `portfolio_csv`."""
    found = _risks(settings, chosen, now, sort)
    columns = {
        "risk": lambda account: risk.risk_figure(account, found.retention[account.operator_id]),
        "expected_loss_usd_minor": lambda account: risk.expected_loss_in(
            "USD", account, found.retention[account.operator_id]
        ),
        "expected_loss_by_currency": lambda account: risk.expected_loss_spelt(
            account, found.retention[account.operator_id]
        ),
        **PORTFOLIO_COLUMNS,
    }
    return accounts_csv.render(found.portfolio.accounts, columns), _lacking(found.portfolio)


def _lacking(found: Portfolio) -> tuple[Gap, ...]:
    """What makes the reports of a portfolio partial."""
    return tuple(gap for source in found.freshness if source.state != "ok" for gap in source.gaps)


def digest_report(settings: Settings, *, now: datetime) -> Report:
    """The week up to the newest snapshot; see `portfolio_report`.

    Raises:
        StoreError: the score history or the alerts cannot be read.
    """
    with newest_view(settings, now) as view:
        week, acts = moves(settings, view.snapshot, WEEK), done(settings, view.snapshot, WEEK)
        found = _looked(view, Selection(limit=digest.ISSUES))
        ids = (account.operator_id for account in found.accounts)
        told = told_of(view, [*digest.moved_ids(week), *ids, *digest.critical_ids(acts)])
    return digest.KIND.build(Week(found, week, acts, told))


def summary_report(settings: Settings, *, now: datetime) -> Report:
    """The whole portfolio for those who answer for it; see `portfolio_report`.

    Raises:
        StoreError: the score history cannot be read.
    """
    with newest_view(settings, now) as view:
        month = moves(settings, view.snapshot, MONTH)
        found = _looked(view, Selection(limit=portfolio_summary.DRAWN), "mrr")
        told = told_of(view, portfolio_summary.moved_ids(month))
        risks = selection.risks(view, Selection(limit=portfolio_summary.RISKS))
    return portfolio_summary.KIND.build(Overview(found, risks, month, told, found.accounts))


def _portfolio(settings: Settings, chosen: Selection, now: datetime, sort: Sort = "attention") -> Portfolio:
    with newest_view(settings, now) as view:
        found = _looked(view, chosen, sort)
    ids = [account.operator_id for account in found.accounts]
    try:
        return replace(found, changes=changes(settings.store_url, found.snapshot, ids))
    except StoreError as error:  # only the change needs the store: everything else stands in the snapshot
        gap = Gap(SOURCE, "unavailable", error.message, error.hint)
        missing = Freshness(gap.source, "missing", None, None, (gap,))
        return replace(found, no_history=gap, freshness=(*found.freshness, missing))


def _looked(view: SnapshotView, chosen: Selection, sort: Sort = "attention") -> Portfolio:
    """The operators selected of a snapshot, with how often its scorecard was right on the lake's past."""
    track = track_of(view.settings.lake_folder, view.snapshot.digest)
    return replace(selection.portfolio(view, chosen, sort), track=track)


def _risks(settings: Settings, chosen: Selection, now: datetime, sort: RiskSort = "loss") -> Risks:
    with newest_view(settings, now) as view:
        return selection.risks(view, chosen, sort)


@contextmanager
def newest_view(settings: Settings, now: datetime) -> Iterator[SnapshotView]:
    """The newest snapshot, looked at with DuckDB, wherever it was scored.

    One under the settings' scorecard is taken before a newer one under another, which was asked for once.

    Raises:
        UsageError: there is no snapshot yet.
    """
    every = list(snapshots_of(settings.lake_folder))
    digest = card_named(settings.scorecard).digest
    found = next((one for one in every if one[1].digest == digest), every[0] if every else None)
    if found is None:
        raise UsageError(
            "There is no snapshot of the portfolio yet.",
            hint="Run `customer-research sync` and `customer-research portfolio score` first.",
        )
    with view_of(settings, *found, now) as view:
        yield view
