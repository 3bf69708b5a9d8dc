"""The lines of a snapshot, made when it is scored: what each operator shows in lists, put into words once."""

# ruff: noqa: S608 - names in these texts are ours; values are instants
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_research.domain.account import Account
from customer_research.domain.book import READY_MOST, Line, PlannedMeeting
from customer_research.domain.evidence import ANSWERS, Fact, Figure, Gap, merge_basis
from customer_research.domain.health import PRESENT
from customer_research.domain.snapshot import Snapshot
from customer_research.lake import Lake
from customer_research.metrics.pinned import instant_sql
from customer_research.reports.standing_figures import health
from customer_research.research.engine_choice import reader
from customer_research.research.exchange import rates_around
from customer_research.research.one.judge import card_named
from customer_research.research.portfolio.history import keep_in
from customer_research.research.portfolio.measurement import put
from customer_research.research.portfolio.mrr import MrrByOperator
from customer_research.research.portfolio.snapshot_view import SnapshotView
from customer_research.research.portfolio.snapshots import readings
from customer_research.settings import Settings
from customer_research.store.books import write
from customer_research.store.database import Store
from customer_research.store.history import History

if TYPE_CHECKING:
    from sqlalchemy import Connection

PLANNED_DAYS = 60
"""How many days ahead the meetings are kept."""

_CHUNK = 500
_PRESENT = ", ".join(f"'{status}'" for status in PRESENT)


@contextmanager
def making(settings: Settings, folder: Path, snapshot: Snapshot, now: datetime) -> Iterator[Making]:
    """What a snapshot whose files lie in *folder* gives to its lines; the lines are made as they are read."""
    with reader(settings, folder, settings.lake_folder) as engine:
        yield Making(SnapshotView(settings, engine, folder, snapshot, now, rates_around(settings, now, snapshot.as_of)))


class Making:
    """The lines of one snapshot: how many operators are `present`, the `meetings` planned, and `lines` one by one."""

    def __init__(self, view: SnapshotView) -> None:
        self._view, self._settings, self._engine, self._snapshot = view, view.settings, view.engine, view.snapshot
        self.freshness = view.freshness
        MrrByOperator(self._engine, self._snapshot, view.rates)
        rows = self._engine.run(
            "SELECT s.operator_id, a.name, w.worth FROM scores AS s "
            "INNER JOIN accounts AS a ON a.operator_id = s.operator_id "
            "INNER JOIN worths AS w ON w.operator_id = s.operator_id "
            f"WHERE COALESCE(s.status, 'unknown') IN ({_PRESENT}) "
            "ORDER BY w.worth DESC NULLS LAST, s.operator_id"
        )
        self._worths = {str(row["operator_id"]): row["worth"] for row in rows}
        self._names = {str(row["operator_id"]): str(row["name"] or row["operator_id"]) for row in rows}
        self._companies: Mapping[str, str] = {}
        self.present = len(rows)
        self.meetings = self._planned()

    @property
    def lines(self) -> Iterator[Line]:
        """A line each of the operators present, those with the most MRR first, at most `READY_MOST`."""
        card = card_named(self._snapshot.scorecard)
        ids = list(self._worths)[:READY_MOST]
        for at in range(0, len(ids), _CHUNK):
            yield from map(self._line, self._view.accounts(ids[at : at + _CHUNK], card))

    def _line(self, account: Account) -> Line:
        score, urgency, one = account.score, account.urgency, account.operator_id
        assert score is not None, "an account of a snapshot is judged"
        assert urgency is not None, "and so is how soon it needs somebody"
        told = {part: account.figures[metric] for part, metric in _METRICS.items()}
        advice = next((item for item in account.advice if item.area != "growth"), None)
        facts: dict[str, Sequence[Figure]] = {
            **{part: (figure,) for part, figure in told.items()},
            "health": (health(account),),
            "urgency": urgency.facts,
            "act": advice.facts if advice is not None else (),
        }
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
            health=_value(health(account)) or "",
            mrr=_value(told["mrr"]),
            worth=self._worths[one],
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
            unknown=tuple(part for part, figure in told.items() if _is_silent(figure)),
            basis={part: merge_basis(known) for part, of in facts.items() if (known := _known(of))},
        )

    def _planned(self) -> tuple[PlannedMeeting, ...] | None:
        """The meetings that HubSpot had for coming instants when it was last read (None: it did not tell); and whose company is whose."""
        tables = Lake(self._settings.lake_folder).tables().at(self._snapshot.as_of, self._settings.lake.patience)
        proofs = {receipt.id: receipt for receipt in self._snapshot.receipts}
        if "company" in tables.files:
            put(self._engine, "company", "company", tables)
            rows = self._engine.run(
                "SELECT operator_id, MIN(company_id) AS company_id FROM company GROUP BY operator_id"
            )
            self._companies = {str(row["operator_id"]): str(row["company_id"]) for row in rows}
        if "engagement" not in tables.files:
            return None
        put(self._engine, "engagement", "engagement", tables)
        until = self._snapshot.as_of + timedelta(days=PLANNED_DAYS)
        rows = self._engine.run(
            "SELECT operator_id, title, occurred_at, fetch_id FROM engagement WHERE type = 'meeting' "
            f"AND occurred_at >= {instant_sql(self._snapshot.as_of)} AND occurred_at < {instant_sql(until)} "
            "ORDER BY occurred_at, engagement_id"
        )
        return tuple(
            PlannedMeeting(one, self._names[one], str(row["title"] or ""), row["occurred_at"], proof)
            for row in rows
            if (one := str(row["operator_id"])) in self._names
            and (proof := proofs.get(str(row["fetch_id"]))) is not None
        )


_METRICS = {
    "owner": "owner_name",
    "segment": "segment",
    "mrr": "mrr",
    "ends_on": "subscription_ends_on",
    "renews_on": "renewal_date",
    "bills_on": "next_bill_date",
    "trend": "usage_trend",
}
"""The parts of a line that are a metric's value."""


def _is_silent(figure: Figure) -> bool:
    """Whether a source that did not answer leaves it open; that there is none is an answer."""
    return isinstance(figure, Gap) and figure.reason not in ANSWERS


def _known(figures: Sequence[Figure]) -> list[Fact[Any]]:
    return [figure for figure in figures if isinstance(figure, Fact)]


def _value(figure: Figure) -> Any:
    return figure.value if isinstance(figure, Fact) else None


def keep(store: Store, settings: Settings, folder: Path, snapshot: Snapshot, now: datetime) -> None:
    """Keep a snapshot, whose files lie in *folder*, in the history, and its lines with it in one transaction.

    Raises:
        ConfigError, StoreError, EngineError: as `portfolio.history.keep_in`.
    """
    history = History(store)
    with making(settings, folder, snapshot, now) as lines:

        def ready(connection: Connection, number: int) -> None:
            write(
                connection,
                number,
                snapshot,
                present=lines.present,
                meetings=lines.meetings,
                freshness=lines.freshness,
                lines=lines.lines,
            )

        if not keep_in(history, snapshot, readings(folder, snapshot), ready):
            history.add(snapshot, ready)
