"""The lines of a snapshot, made of its files when it is scored: what each operator shows in lists, put into words once."""

# ruff: noqa: S608 - names in these texts are ours; values are instants
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_research.domain.account import Account
from customer_research.domain.book import PlannedMeeting
from customer_research.domain.evidence import Fact, Figure, Gap, merge_basis
from customer_research.domain.health import PRESENT
from customer_research.domain.line import PARTS, READY_MOST, Line, Need, Standing, Step
from customer_research.domain.rates import Rates
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import Snapshot
from customer_research.errors import UsageError
from customer_research.lake import Lake
from customer_research.metrics.pinned import instant_sql
from customer_research.reports.recommend import due_words
from customer_research.reports.standing_figures import flag, health
from customer_research.research.portfolio.everybody import card_of, everybody
from customer_research.research.portfolio.history import keep_in
from customer_research.research.portfolio.measurement import put
from customer_research.research.portfolio.owners import People
from customer_research.research.portfolio.ready import made_with
from customer_research.research.portfolio.snapshot_view import SnapshotView, view_of
from customer_research.research.portfolio.snapshots import readings
from customer_research.settings import Settings
from customer_research.store.books import write
from customer_research.store.database import Store
from customer_research.store.history import History
from customer_research.store.weeks import NONE, Weekly

if TYPE_CHECKING:
    from sqlalchemy import Connection

PLANNED_DAYS = 60
"""How many days ahead the meetings are kept."""

_CHUNK = 500


class FileListing:
    """A snapshot as lists read it, made of its files (see `listing.Listing`).

    `past` are the scores of the weeks before it, where the history is at hand.
    """

    def __init__(self, view: SnapshotView, past: Mapping[str, Weekly] | None = None) -> None:
        self.view, self._past = view, past
        self.snapshot: Snapshot = view.snapshot
        self.now: datetime = view.now
        self.freshness: tuple[Freshness, ...] = view.freshness
        self.rates: Rates | None = view.rates
        self._card = card_of(view.snapshot)

    def everybody(self) -> tuple[Standing, ...]:
        """How everybody in it stands, the largest MRR first."""
        return self._everybody

    @cached_property
    def _everybody(self) -> tuple[Standing, ...]:
        return everybody(self.view, self._card)

    def lines(self, operator_ids: Collection[str]) -> Mapping[str, Line]:
        """The lines of these operators by id, in the order given; who is not in it is left out."""
        accounts = self.view.accounts(list(dict.fromkeys(operator_ids)), self._card)
        return {account.operator_id: self._line(account) for account in accounts}

    def needs(self, operator_ids: Collection[str]) -> Mapping[str, Need]:
        """How soon these operators need somebody, by id; who is not in it is left out."""
        return {operator_id: line.need for operator_id, line in self.lines(operator_ids).items()}

    def people(self) -> People:
        """The account owners, by name."""
        sql = "SELECT DISTINCT owner_id, owner_name FROM accounts WHERE NOT owner_name IS NULL ORDER BY owner_name, owner_id"
        return tuple((row["owner_id"] or "", row["owner_name"]) for row in self.view.engine.run(sql))

    def owned(self, people: People) -> frozenset[str]:
        """The operators of these account owners, customers or not."""
        rows = self.view.engine.run("SELECT operator_id, owner_id, owner_name FROM accounts")
        return frozenset(
            row["operator_id"] for row in rows if (row["owner_id"] or "", row["owner_name"] or "") in people
        )

    def present(self) -> int:
        """How many operators are customers."""
        return sum(one.status in PRESENT for one in self._everybody)

    def each(self) -> Iterator[Line]:
        """A line of everybody, customers first, and of these the largest MRR; at most `READY_MOST`."""
        ids = [one.operator_id for one in sorted(self._everybody, key=lambda one: one.status not in PRESENT)]
        for at in range(0, min(len(ids), READY_MOST), _CHUNK):
            yield from self.lines(ids[at : min(at + _CHUNK, READY_MOST)]).values()

    @cached_property
    def _standings(self) -> Mapping[str, Standing]:
        return {one.operator_id: one for one in self._everybody}

    def _line(self, account: Account) -> Line:
        score, urgency, one = account.score, account.urgency, account.operator_id
        assert score is not None, "an account of a snapshot is judged"
        assert urgency is not None, "and so is how soon it needs somebody"
        standing = self._standings[one]
        told: dict[str, Figure] = {part: account.figures[PARTS[part][1]] for part in _METRICS}
        told |= {"health": health(account), "flag": flag(account)}
        advice = next((item for item in account.advice if item.area != "growth"), None)
        basis = {part: figure.basis for part, figure in told.items() if isinstance(figure, Fact)}
        basis |= {"because": merge_basis(urgency.facts), "act": merge_basis(advice.facts if advice else ())}
        return Line(
            operator_id=one,
            name=account.name,
            owner_id=_value(account.figures["owner_id"]) or "",
            owner=_value(told["owner"]) or "",
            segment=_value(told["segment"]) or "",
            status=score.status,
            band=score.band,
            score=score.score,
            highest=score.highest,
            health=_value(told["health"]) or "",
            mrr=_value(told["mrr"]),
            worth=standing.worth,
            level=urgency.level,
            sooner=urgency.open,
            until=urgency.until,
            because=urgency.because,
            act=advice.action if advice is not None else "",
            by=advice.owner if advice is not None else "",
            ends_on=_value(told["ends_on"]),
            renews_on=_value(told["renews_on"]),
            bills_on=_value(told["bills_on"]),
            trend=_value(told["trend"]),
            link=account.link("hubspot_company", self._companies.get(one, "")),
            basis={part: receipts for part, receipts in basis.items() if receipts},
            gaps={part: figure for part, figure in told.items() if isinstance(figure, Gap)},
            flag=_value(told["flag"]) or "",
            step=_step(account),
            attention=standing.attention,
            usd=standing.usd,
            findings=standing.findings,
            weeks=() if self._past is None else self._past.get(one, NONE),
        )

    @cached_property
    def _companies(self) -> Mapping[str, str]:
        """HubSpot's company of each operator, as far as the lake has it."""
        if "hubspot_company" not in self.view.settings.links or not self._put("company"):
            return {}
        sql = "SELECT operator_id, MIN(company_id) AS company_id FROM company GROUP BY operator_id"
        return {str(row["operator_id"]): str(row["company_id"]) for row in self.view.engine.run(sql)}

    def _put(self, table: str) -> bool:
        """Give the engine a table of the lake as it was at the snapshot's instant; whether the lake (still) has it."""
        settings = self.view.settings
        try:
            tables = Lake(settings.lake_folder).tables().at(self.snapshot.as_of, settings.lake.patience)
        except UsageError:
            return False
        if table in tables.files:
            put(self.view.engine, table, table, tables)
        return table in tables.files

    def meetings(self) -> tuple[PlannedMeeting, ...] | None:
        """The meetings with customers that HubSpot had for coming instants when it was last read (None: it did not tell)."""
        if not self._put("engagement"):
            return None
        proofs = {receipt.id: receipt for receipt in self.snapshot.receipts}
        until = self.snapshot.as_of + timedelta(days=PLANNED_DAYS)
        rows = self.view.engine.run(
            "SELECT operator_id, title, occurred_at, fetch_id FROM engagement WHERE type = 'meeting' "
            f"AND occurred_at >= {instant_sql(self.snapshot.as_of)} AND occurred_at < {instant_sql(until)} "
            "ORDER BY occurred_at, engagement_id"
        )
        return tuple(
            PlannedMeeting(one.operator_id, one.name, str(row["title"] or ""), row["occurred_at"], proof)
            for row in rows
            if (one := self._standings.get(str(row["operator_id"]))) is not None
            and one.status in PRESENT
            and (proof := proofs.get(str(row["fetch_id"]))) is not None
        )


_METRICS = ("owner", "segment", "mrr", "ends_on", "renews_on", "bills_on", "trend")
"""The parts of a line that are a metric's value."""


def _value(figure: Figure) -> Any:
    return figure.value if isinstance(figure, Fact) else None


def _step(account: Account) -> Step | None:
    """What is to be done first."""
    if not account.advice:
        return None
    first = account.advice[0]
    return Step(first.action, first.owner, first.because, first.priority, due_words(account, first), first.facts)


def keep(store: Store, settings: Settings, folder: Path, snapshot: Snapshot, now: datetime) -> None:
    """Keep a snapshot, whose files lie in *folder*, in the history, and its lines with it in one transaction.

    Raises:
        ConfigError, StoreError, EngineError: as `portfolio.history.keep_in`.
        UsageError: its scorecard has changed since.
    """
    history = History(store)
    with view_of(settings, folder, snapshot, now) as view:
        listing = FileListing(view)

        def ready(connection: Connection, number: int) -> None:
            write(
                connection,
                number,
                snapshot,
                made_with=made_with(settings),
                present=listing.present(),
                meetings=listing.meetings(),
                freshness=listing.freshness,
                lines=listing.each(),
            )

        if not keep_in(history, snapshot, readings(folder, snapshot), ready):
            history.add(snapshot, ready)
