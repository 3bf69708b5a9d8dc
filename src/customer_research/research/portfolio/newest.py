"""The newest snapshot of the lake, looked at: the use cases behind `portfolio`, `churn-risk` and `digest`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from customer_research.domain.evidence import Gap
from customer_research.domain.portfolio import Overview, Portfolio, Risks, RiskSort, Sort, Week
from customer_research.domain.report import Freshness, Report
from customer_research.errors import StoreError, UsageError
from customer_research.health.history import SOURCE
from customer_research.research.one.track_record import track_of
from customer_research.research.portfolio.listing import Listing, OneBook, choose, portfolio
from customer_research.research.portfolio.moves import changes, done, history_receipt, moves
from customer_research.research.portfolio.owners import people_called
from customer_research.research.portfolio.ready import newest_listing
from customer_research.research.portfolio.requests import Selection
from customer_research.settings import Settings
from customer_research.store.database import place_of

WEEK, MONTH = 7, 30
"""How many days a digest and a summary look back."""


def portfolio_report(settings: Settings, chosen: Selection, *, now: datetime, sort: Sort = "attention") -> Report:
    """Who needs attention, and why.

    Raises:
        UsageError: there is no snapshot yet, or what is wanted does not exist.
    """
    from customer_research.reports.kinds.portfolio import KIND  # noqa: PLC0415 - start-up time

    return KIND.build(_portfolio(settings, chosen, now, sort))


def portfolio_csv(
    settings: Settings, chosen: Selection, *, now: datetime, sort: Sort = "attention"
) -> tuple[str, tuple[Gap, ...]]:
    """The operators wanted as CSV, a line each, and what is unknown of everybody; see `portfolio_report`."""
    from customer_research.documents.formats import accounts_csv  # noqa: PLC0415 - start-up time
    from customer_research.reports.kinds.portfolio import change_of  # noqa: PLC0415 - start-up time
    from customer_research.reports.standing_figures import PORTFOLIO_COLUMNS  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.selection import told_of  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.snapshot_view import newest_view  # noqa: PLC0415 - start-up time

    found = _portfolio(settings, chosen, now, sort)
    with newest_view(settings, now) as view:
        accounts = told_of(view, [line.operator_id for line in found.lines])
    columns = {**PORTFOLIO_COLUMNS, "change_30d": lambda account: change_of(found, account.operator_id)}
    return accounts_csv.render(tuple(accounts.values()), columns), _lacking(found)


def risk_report(settings: Settings, chosen: Selection, *, now: datetime, sort: RiskSort = "loss") -> Report:
    """Who may leave, ranked by what would be lost; see `portfolio_report`."""
    from customer_research.reports.kinds.portfolio_churn_risk import KIND  # noqa: PLC0415 - start-up time

    return KIND.build(_risks(settings, chosen, now, sort))


def risk_csv(
    settings: Settings, chosen: Selection, *, now: datetime, sort: RiskSort = "loss"
) -> tuple[str, tuple[Gap, ...]]:
    """The operators at risk as CSV, a line each; see `portfolio_csv`."""
    from customer_research.documents.formats import accounts_csv  # noqa: PLC0415 - start-up time
    from customer_research.reports import risk  # noqa: PLC0415 - start-up time
    from customer_research.reports.standing_figures import PORTFOLIO_COLUMNS  # noqa: PLC0415 - start-up time

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
    return accounts_csv.render(found.accounts, columns), _lacking(found.portfolio)


def _lacking(found: Portfolio) -> tuple[Gap, ...]:
    """What makes the reports of a portfolio partial."""
    return tuple(gap for source in found.freshness if source.state != "ok" for gap in source.gaps)


def digest_report(settings: Settings, *, now: datetime, owner: str = "", short: bool = False) -> Report:
    """The week up to the newest snapshot, of the operators of an owner (HubSpot's id, a name, a part of one; empty: of all).

    `short` is the form for a message: those who moved with the most money, with one reason and one thing to do each.

    Raises:
        UsageError: as `portfolio_report`, or there is no such owner.
        StoreError: the score history or the alerts cannot be read.
    """
    from customer_research.reports.inquiries import digest_message  # noqa: PLC0415 - start-up time
    from customer_research.reports.kinds import digest  # noqa: PLC0415 - start-up time

    with newest_listing(settings, now) as whole:
        people = people_called(owner.strip(), whole.people()) if owner.strip() else None
        ids = None if people is None else whole.owned(people)
        listing = whole if ids is None else OneBook(whole, ids)
        week, acts = moves(settings, listing.snapshot, WEEK, ids), done(settings, listing.snapshot, WEEK, ids)
        found = _looked(settings, listing, Selection(limit=digest.ISSUES))
        shown = (line.operator_id for line in found.lines)
        moved = digest_message.moved_ids(week) if short else digest.moved_ids(week)
        told = listing.lines([*moved, *shown, *digest.critical_ids(acts)])
    owners = tuple(dict.fromkeys(name for _, name in people or ()))
    made = Week(found, week, acts, told, owners)
    return digest_message.REPORT.build(made) if short else digest.KIND.build(made)


def summary_report(settings: Settings, *, now: datetime) -> Report:
    """The whole portfolio for those who answer for it; see `portfolio_report`.

    Raises:
        StoreError: the score history cannot be read.
    """
    from customer_research.reports.kinds import portfolio_summary  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio import selection  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.book_lines import FileListing  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.snapshot_view import newest_view  # noqa: PLC0415 - start-up time

    with newest_view(settings, now) as view:
        listing = FileListing(view)
        month = moves(settings, view.snapshot, MONTH)
        found = _looked(settings, listing, Selection(limit=1))
        told = listing.lines(portfolio_summary.moved_ids(month))
        risks = selection.risks(listing, Selection(limit=portfolio_summary.RISKS))
        chosen, _ = choose(listing.everybody(), Selection(), "mrr")
        drawn = selection.told_of(view, [one.operator_id for one in chosen[: portfolio_summary.DRAWN]])
    return portfolio_summary.KIND.build(Overview(found, risks, month, told, tuple(drawn.values())))


def _portfolio(settings: Settings, chosen: Selection, now: datetime, sort: Sort = "attention") -> Portfolio:
    if chosen.rules:
        _require_findings(chosen)
    with newest_listing(settings, now) as listing:
        found = _looked(settings, listing, chosen, sort)
    ids = [line.operator_id for line in found.lines]
    try:
        return replace(found, changes=changes(settings.store_url, found.snapshot, ids))
    except StoreError as error:  # only the change needs the store: everything else stands in the snapshot
        gap = Gap(SOURCE, "unavailable", error.message, error.hint)
        missing = Freshness(gap.source, "missing", None, None, (gap,))
        return replace(found, no_history=gap, freshness=(*found.freshness, missing))


def _looked(settings: Settings, listing: Listing, chosen: Selection, sort: Sort = "attention") -> Portfolio:
    """The operators selected of a snapshot, with how often its scorecard was right on the lake's past."""
    track = track_of(settings.lake_folder, listing.snapshot.digest)
    found = portfolio(listing, chosen, sort)
    history = history_receipt(listing.snapshot, found.lines, place_of(settings.store_url))
    return replace(found, track=track, history=history)


def _risks(settings: Settings, chosen: Selection, now: datetime, sort: RiskSort = "loss") -> Risks:
    from customer_research.research.portfolio import selection  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.book_lines import FileListing  # noqa: PLC0415 - start-up time
    from customer_research.research.portfolio.snapshot_view import newest_view  # noqa: PLC0415 - start-up time

    if chosen.rules:
        _require_findings(chosen)
    with newest_view(settings, now) as view:
        return selection.risks(FileListing(view), chosen, sort)


def _require_findings(chosen: Selection) -> None:
    """Refuse a finding that does not exist: nobody has it, and an empty list would say that all is well."""
    from customer_research.health.findings import load_findings  # noqa: PLC0415 - start-up time
    from customer_research.research.one.judge import METRIC_NAMES  # noqa: PLC0415 - start-up time

    known = [rule.id for rule in load_findings(METRIC_NAMES)]
    unknown = [name for name in chosen.rules if name not in known]
    if unknown:
        raise UsageError(f"There is no finding {unknown[0]}.", hint=f"Known: {', '.join(known)}.")
