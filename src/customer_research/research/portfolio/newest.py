"""The newest snapshot of the lake, looked at: the use cases behind `portfolio` and `churn-risk`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from customer_research.documents.formats import accounts_csv
from customer_research.domain.evidence import Gap
from customer_research.domain.portfolio import Overview, Portfolio, Risks, Week
from customer_research.domain.report import Report
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.engine import Engine, open_engine
from customer_research.errors import StoreError, UsageError
from customer_research.health.history import SOURCE
from customer_research.reports import risk
from customer_research.reports.kinds import digest, portfolio_churn_risk, portfolio_summary
from customer_research.reports.kinds import portfolio as portfolio_kind
from customer_research.reports.standing_figures import PORTFOLIO_COLUMNS
from customer_research.research.exchange import rates_around
from customer_research.research.one.judge import card_named
from customer_research.research.one.track_record import track_of
from customer_research.research.portfolio import selection
from customer_research.research.portfolio.history import changes
from customer_research.research.portfolio.moves import done, moves
from customer_research.research.portfolio.selection import Selection
from customer_research.research.portfolio.snapshots import snapshots_of
from customer_research.settings import Settings

WEEK, MONTH = 7, 30
"""How many days a digest and a summary look back."""


def portfolio_report(settings: Settings, wanted: Selection, *, now: datetime) -> Report:
    """Who needs attention, and why.

    Raises:
        UsageError: there is no snapshot yet, or what is wanted does not exist.
    """
    return portfolio_kind.KIND.build(_portfolio(settings, wanted, now))


def portfolio_csv(settings: Settings, wanted: Selection, *, now: datetime) -> tuple[str, tuple[Gap, ...]]:
    """The operators wanted as CSV, a line each, and what is unknown of everybody; see `portfolio_report`."""
    found = _portfolio(settings, wanted, now)
    columns = {**PORTFOLIO_COLUMNS, "change_30d": lambda account: portfolio_kind.change_of(found, account)}
    return accounts_csv.render(found.accounts, columns), _lacking(found)


def risk_report(settings: Settings, wanted: Selection, *, now: datetime) -> Report:
    """Who may leave, ranked by what would be lost; see `portfolio_report`."""
    return portfolio_churn_risk.KIND.build(_risks(settings, wanted, now))


def risk_csv(settings: Settings, wanted: Selection, *, now: datetime) -> tuple[str, tuple[Gap, ...]]:
    """The operators at risk as CSV, a line each; see `portfolio_csv`."""
    found = _risks(settings, wanted, now)
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
    with _newest(settings) as (engine, folder, snapshot):
        week = moves(settings, snapshot, WEEK)
        found = _looked(settings, (engine, folder, snapshot), Selection(most=digest.ISSUES), now)
        acts = done(settings, snapshot, WEEK)
        ids = [
            *digest.moved_ids(week),
            *(account.operator_id for account in found.accounts),
            *digest.critical_ids(acts),
        ]
        told = selection.told_of(engine, folder, snapshot, ids, settings=settings, now=now)
    return digest.KIND.build(Week(found, week, acts, told))


def summary_report(settings: Settings, *, now: datetime) -> Report:
    """The whole portfolio for those who answer for it; see `portfolio_report`.

    Raises:
        StoreError: the score history cannot be read.
    """
    with _newest(settings) as (engine, folder, snapshot):
        month = moves(settings, snapshot, MONTH)
        found = _looked(settings, (engine, folder, snapshot), Selection(sort="mrr", most=portfolio_summary.DRAWN), now)
        told = selection.told_of(
            engine, folder, snapshot, portfolio_summary.moved_ids(month), settings=settings, now=now
        )
        given = _given(settings, now, snapshot)
        risks = selection.risks(engine, folder, snapshot, Selection(most=portfolio_summary.RISKS), now=now, **given)
    return portfolio_summary.KIND.build(Overview(found, risks, month, told, found.accounts))


def _portfolio(settings: Settings, wanted: Selection, now: datetime) -> Portfolio:
    with _newest(settings) as (engine, folder, snapshot):
        found = _looked(settings, (engine, folder, snapshot), wanted, now)
    ids = [account.operator_id for account in found.accounts]
    try:
        return selection.with_changes(found, changes(settings.store_url, snapshot, ids))
    except StoreError as error:  # only the change needs the store: everything else stands in the snapshot
        return selection.without_history(found, Gap(SOURCE, "unavailable", error.message, error.hint))


def _looked(settings: Settings, newest: tuple[Engine, Path, Snapshot], wanted: Selection, now: datetime) -> Portfolio:
    """The operators wanted of a snapshot, with how often its scorecard was right on the lake's past."""
    found = selection.portfolio(*newest, wanted, now=now, **_given(settings, now, newest[2]))
    return replace(found, track=track_of(settings.lake_folder, newest[2].digest))


def _risks(settings: Settings, wanted: Selection, now: datetime) -> Risks:
    with _newest(settings) as (engine, folder, snapshot):
        return selection.risks(engine, folder, snapshot, wanted, now=now, **_given(settings, now, snapshot))


def _given(settings: Settings, now: datetime, snapshot: Snapshot) -> dict[str, Any]:
    """What the settings give to a look at a snapshot: links, the playbook, and the exchange rates of its day."""
    rates = rates_around(settings, now, snapshot.as_of)
    return {"links": settings.links, "playbook": settings.playbook, "rates": rates}


@contextmanager
def _newest(settings: Settings) -> Iterator[tuple[Engine, Path, Snapshot]]:
    """An engine over the newest snapshot's files: DuckDB, wherever the snapshot was scored.

    One under the settings' scorecard is taken before a newer one under another, which was asked for once.
    """
    every = list(snapshots_of(settings.lake_folder))
    digest = card_named(settings.scorecard).digest
    found = next((one for one in every if one[1].digest == digest), every[0] if every else None)
    if found is None:
        raise UsageError(
            "There is no snapshot of the portfolio yet.",
            hint="Run `customer-research sync` and `customer-research portfolio score` first.",
        )
    folder, snapshot = found
    parts = settings.engine
    with open_engine("duckdb", memory_mb=parts.memory_mb, threads=parts.threads, reach=(folder,)) as engine:
        yield engine, folder, snapshot
