"""A snapshot's operators as accounts: the figures of their rows with receipts, judged under a scorecard."""

# ruff: noqa: S608 - names in these texts are ours; ids are parameters
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS, Metric
from customer_research.domain.evidence import ANSWERS, Evidence, Fact, Figure, Gap, Receipt
from customer_research.domain.money import Amounts, Money, stated
from customer_research.domain.rates import Rates
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import Snapshot
from customer_research.domain.tables import STALE_AFTER
from customer_research.engines.engine import Engine
from customer_research.errors import NothingYet
from customer_research.health.scorecard import Scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.record_tables import TABLES
from customer_research.research.engine_choice import reader
from customer_research.research.exchange import rates_around
from customer_research.research.gaps import nothing_of
from customer_research.research.one.freshness import by_source, line_of
from customer_research.research.one.judge import advised, card_named, judge_by
from customer_research.research.portfolio.snapshots import FILES, PORTFOLIO, basis_of, pulled_parameter, snapshots_of
from customer_research.settings import Settings

_ACCOUNTS = f"SELECT * FROM {ACCOUNT_TABLE}"
NOT_KEPT = "amounts per currency are not kept in a snapshot"
NO_MRR = "the snapshot does not tell the MRR in the currency of its subscriptions"


@dataclass(frozen=True)
class SnapshotView:
    """A snapshot that is looked at: its files in *folder*, which the engine has as `accounts`, `scores`, `findings` and `gaps`.

    `settings` give the links and the playbook of accounts, `rates` the exchange rates of the snapshot's day (None: none are
    used), `now` the instant at which they are made.
    """

    settings: Settings
    engine: Engine
    folder: Path
    snapshot: Snapshot
    now: datetime
    rates: Rates | None = None

    def __post_init__(self) -> None:
        for name in ("accounts", "scores", "findings", "gaps"):
            self.engine.attach(name, [self.folder / f"{name}.parquet"], {"as_of": "TIMESTAMP", **FILES[name]})

    @cached_property
    def freshness(self) -> tuple[Freshness, ...]:
        """How fresh each source was when the snapshot was taken."""
        return freshness_of(self.snapshot)

    @cached_property
    def _bases(self) -> dict[str, tuple[Receipt, ...]]:
        """The receipts of each metric, whoever's it is."""
        return {metric.name: basis_of(self.snapshot, metric.tables) for metric in METRICS.values()}

    def accounts(
        self, operator_ids: Sequence[str], card: Scorecard, also: Sequence[Scorecard] = ()
    ) -> tuple[Account, ...]:
        """These operators' accounts, in the order given, judged under a scorecard (and those in `also`); evidence is not kept.

        Raises:
            ConfigError: a fault in the playbook.
        """
        if not operator_ids:
            return ()
        self.engine.create("asked", {"operator_id": "VARCHAR"}, [{"operator_id": one} for one in operator_ids])
        self.engine.keep(
            ACCOUNT_TABLE, "SELECT a.* FROM accounts AS a INNER JOIN asked AS q ON q.operator_id = a.operator_id"
        )
        rows = _Rows(self.engine)
        gaps, untold = _gaps(self.engine), self.snapshot.untold
        cards = [(one, scoring_sql(one, untold=untold)) for one in (card, *also)]
        # of an alert or an earlier snapshot somebody may be remembered who is not in this one
        there = [one for one in operator_ids if one in rows.of(_ACCOUNTS)]
        return tuple(self._account(one, rows, cards, gaps.get(one, {})) for one in there)

    def _account(
        self, operator_id: str, rows: _Rows, cards: Sequence[tuple[Scorecard, str]], gaps: Mapping[str, Gap]
    ) -> Account:
        told = rows.of(_ACCOUNTS)[operator_id]
        row = _OperatorRow(operator_id, _figures(self.snapshot, told, gaps, self._bases), rows)
        scores, findings = judge_by(row, cards)
        account = Account(
            operator_id=operator_id,
            name=str(told["name"] or operator_id),
            as_of=self.snapshot.as_of,
            generated_at=self.now,
            match=None,
            figures=row.figures,
            records={},
            freshness=self.freshness,
            scores=scores,
            findings=findings,
            links=self.settings.links,
            rates=self.rates,
        )
        return advised(row, account, self.settings.playbook)


@contextmanager
def view_of(settings: Settings, folder: Path, snapshot: Snapshot, now: datetime) -> Iterator[SnapshotView]:
    """A look at a snapshot with DuckDB, wherever it was scored, and the exchange rates of its day.

    Raises:
        ConfigError: the rates that the settings name cannot be read.
        EngineError: a file of it is damaged.
    """
    rates = rates_around(settings, now, snapshot.as_of)
    with reader(settings, folder, settings.lake_folder) as engine:
        yield SnapshotView(settings, engine, folder, snapshot, now, rates)


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
        raise NothingYet(
            "There is no snapshot of the portfolio yet.",
            hint="Run `customer-research sync` and `customer-research portfolio score` first.",
        )
    with view_of(settings, *found, now) as view:
        yield view


class _Rows:
    """What queries give of every operator asked for; each is run once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._found: dict[str, dict[str, dict[str, Any]]] = {}

    def of(self, sql: str) -> dict[str, dict[str, Any]]:
        """A query's rows by operator."""
        if sql not in self._found:
            self._found[sql] = {str(row["operator_id"]): row for row in self._engine.run(sql)}
        return self._found[sql]


@dataclass(frozen=True, slots=True)
class _OperatorRow:
    """One operator's row of a snapshot, to be judged."""

    operator_id: str
    figures: Mapping[str, Figure]
    rows: _Rows

    def run(self, sql: str) -> list[dict[str, Any]]:
        """The operator's row of a query."""
        return [self.rows.of(sql)[self.operator_id]]

    def evidence(self, metric_name: str) -> Evidence:
        """The figure itself, since the records behind it stay in the lake."""
        found = self.figures[metric_name]
        if isinstance(found, Gap):
            return Evidence((), (), 0)
        return Evidence((metric_name,), ((found.value,),), 1, found.basis)


def _gaps(engine: Engine) -> dict[str, dict[str, Gap]]:
    """Operator → table → the gap that stands for it, of the operators asked about."""
    told = "u.table_name, u.source, u.reason, u.detail, u.next_step"
    rows = engine.run(
        f"SELECT q.operator_id, 0 AS own, {told} FROM asked AS q CROSS JOIN gaps AS u WHERE u.operator_id IS NULL UNION ALL "
        f"SELECT q.operator_id, 1 AS own, {told} FROM asked AS q INNER JOIN gaps AS u ON u.operator_id = q.operator_id "
        "ORDER BY own"  # an operator's own gap says more
    )
    found: dict[str, dict[str, Gap]] = {}
    for row in rows:
        gap = Gap(row["source"], row["reason"], row["detail"], row["next_step"] or "")
        found.setdefault(str(row["operator_id"]), {})[row["table_name"]] = gap
    return found


def _figures(
    snapshot: Snapshot, row: Mapping[str, Any], gaps: Mapping[str, Gap], bases: Mapping[str, tuple[Receipt, ...]]
) -> dict[str, Figure]:
    """Every metric of a row; `bases` are the receipts of each."""
    found: dict[str, Figure] = {}
    for metric in METRICS.values():
        value = mrr_of(row) if metric.name == "mrr" else row.get(metric.name)
        found[metric.name] = (
            Fact(value, metric.unit, bases[metric.name], snapshot.as_of, metric.name)
            if value is not None
            else _gap(snapshot, metric, row, gaps)
        )
    return found


def _gap(snapshot: Snapshot, metric: Metric, row: Mapping[str, Any], gaps: Mapping[str, Gap]) -> Gap:
    """Why a metric is not known."""
    if metric.unit == "money" and metric.name != "mrr":
        return Gap(PORTFOLIO, "not_applicable", NOT_KEPT, metric=metric.name)
    missing = next((gaps[table] for table in metric.tables if table in gaps), None)
    if missing is None and metric.name in snapshot.untold:
        missing = _untold(snapshot, metric)
    if missing is not None:
        return replace(missing, metric=metric.name)
    if metric.name == "mrr" and row.get("active_subscriptions") is not None:
        return Gap(PORTFOLIO, "none_found", NO_MRR, "Run `customer-research portfolio score`.", metric.name)
    return nothing_of(metric, PORTFOLIO, row)


def _untold(snapshot: Snapshot, metric: Metric) -> Gap:
    """The gap of a metric that nobody can tell of the snapshot's date any more."""
    told = {gap.source: gap for gap in snapshot.gaps if gap.reason == "past"}
    own = (told[TABLES[table].home] for table in metric.tables if TABLES[table].home in told)
    return (
        next(own, None) or next(iter(told.values()), None) or Gap(PORTFOLIO, "past", "It is not known for this date.")
    )


def mrr_of(row: Mapping[str, Any]) -> Amounts | None:
    """The MRR by currency of a row of the wide table, as the live path has it; None: not known.

    A snapshot of an older version knows only what is all in USD.
    """
    if row.get("mrr_by_currency"):
        return stated(row["mrr_by_currency"])
    if row.get("active_subscriptions") == 0:
        return ()
    return None if row.get("mrr_usd") is None else (Money("USD", int(row["mrr_usd"])),)


def freshness_of(snapshot: Snapshot) -> tuple[Freshness, ...]:
    """How fresh each source was when the snapshot was taken, by the receipts of its tables; see `research.one.freshness`."""
    lines = []
    receipts = [one for one in snapshot.receipts if one.source != PORTFOLIO]
    for source, instants, gaps in by_source(receipts, snapshot.gaps):
        pulled = snapshot.told(pulled_parameter(source))  # what a pull found unchanged keeps its older receipt
        fetched = datetime.fromisoformat(pulled) if pulled else max(instants, default=None)
        answers = ANSWERS | {"not_configured"} if instants else ANSWERS  # a table that one does not have is no outage
        missing = tuple(gap for gap in gaps if gap.reason not in {*answers, "past"})
        told = any(gap.reason == "stale" for gap in missing)
        old = fetched is not None and snapshot.as_of - fetched > STALE_AFTER and not told
        warning = "Pulled more than 48 hours before the snapshot's date." if old else ""
        lines.append(line_of(source, missing, fetched, known=bool(instants), warning=warning))
    return tuple(lines)
