"""A snapshot's operators as accounts: the figures of their rows with receipts, judged under a scorecard."""

# ruff: noqa: S608 - names in these texts are ours; ids are parameters
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from customer_research.domain.account import NO_HISTORY, Account
from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS, Metric
from customer_research.domain.evidence import ANSWERS, Evidence, Figure, Gap
from customer_research.domain.money import Amounts, Money, stated
from customer_research.domain.rates import Rates
from customer_research.domain.report import Freshness
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.engine import Engine
from customer_research.health.assembly import assemble
from customer_research.health.findings import assemble_findings, findings_sql, load_findings
from customer_research.health.playbook import Known, advise
from customer_research.health.scorecard import Scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.health.urgency import Standing, urgency
from customer_research.record_tables import TABLES
from customer_research.research.gaps import nothing_of
from customer_research.research.one.freshness import STALE_AFTER
from customer_research.research.one.judge import METRIC_NAMES, playbook_of, urgency_causes
from customer_research.research.portfolio.snapshots import FILES, PORTFOLIO, figure, pulled_parameter

NOT_KEPT = "amounts per currency are not kept in a snapshot"
NO_MRR = "the snapshot does not tell the MRR in the currency of its subscriptions"


class Files:
    """A snapshot's files on an engine: the tables `accounts`, `scores`, `findings` and `gaps` (see `snapshots.FILES`)."""

    def __init__(self, engine: Engine, folder: Path, snapshot: Snapshot) -> None:
        self.engine = engine
        self.snapshot = snapshot
        for name in ("accounts", "scores", "findings", "gaps"):
            engine.attach(name, [folder / f"{name}.parquet"], {"as_of": "TIMESTAMP", **FILES[name]})


def accounts_of(
    files: Files,
    operator_ids: Sequence[str],
    card: Scorecard,
    *,
    now: datetime,
    links: Mapping[str, str],
    playbook: Path | None = None,
    also: Sequence[Scorecard] = (),
    rates: Rates | None = None,
) -> tuple[Account, ...]:
    """These operators' accounts, in the order given, judged under a scorecard (and those in `also`); evidence is not kept.

    Raises:
        ConfigError: a fault in the playbook (None: the shipped one).
    """
    if not operator_ids:
        return ()
    engine = files.engine
    engine.create("asked", {"operator_id": "VARCHAR"}, [{"operator_id": one} for one in operator_ids])
    engine.keep(ACCOUNT_TABLE, "SELECT a.* FROM accounts AS a INNER JOIN asked AS q ON q.operator_id = a.operator_id")
    rules = load_findings(METRIC_NAMES)
    rows = _by_operator(engine.run(f"SELECT * FROM {ACCOUNT_TABLE}"))
    cards = (card, *also)
    untold = files.snapshot.untold
    rated = [_by_operator(engine.run(scoring_sql(one, untold=untold)["scores"])) for one in cards]
    held = _by_operator(engine.run(findings_sql(rules)))
    book = playbook_of(playbook)
    plays = _by_operator(engine.run(book.sql))
    causes, caused = urgency_causes()
    due = _by_operator(engine.run(caused))
    gaps = _gaps(files)
    fresh = freshness_of(files.snapshot)
    accounts = []
    for operator_id in operator_ids:
        if operator_id not in rows:  # somebody else remembers it, an alert or an earlier snapshot
            continue
        figures = _figures(files.snapshot, rows[operator_id], gaps.get(operator_id, {}))
        scores = tuple(
            assemble(one, found[operator_id], figures, _Kept(figures)) for one, found in zip(cards, rated, strict=True)
        )
        findings = assemble_findings(rules, held[operator_id], figures)
        accounts.append(
            Account(
                operator_id=operator_id,
                name=str(rows[operator_id]["name"] or operator_id),
                as_of=files.snapshot.as_of,
                generated_at=now,
                match=None,
                figures=figures,
                records={},
                freshness=fresh,
                scores=scores,
                findings=findings,
                links=links,
                rates=rates,
                advice=advise(book, Known(plays[operator_id], figures, scores[0], findings, NO_HISTORY)),
                urgency=urgency(causes, Standing(due[operator_id], figures, scores[0], findings, files.snapshot.as_of)),
            )
        )
    return tuple(accounts)


class _Kept:
    """The evidence of a snapshot: the figure itself, since the records behind it stay in the lake."""

    def __init__(self, figures: Mapping[str, Figure]) -> None:
        self._figures = figures

    def __call__(self, metric: str) -> Evidence:
        found = self._figures[metric]
        if isinstance(found, Gap):
            return Evidence((), (), 0)
        return Evidence((metric,), ((found.value,),), 1, found.basis)


def _by_operator(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(row["operator_id"]): row for row in rows}


def _gaps(files: Files) -> dict[str, dict[str, Gap]]:
    """Operator → table → the gap that stands for it, of the operators asked about."""
    rows = files.engine.run(
        "SELECT u.* FROM gaps AS u WHERE u.operator_id IS NULL OR u.operator_id IN (SELECT operator_id FROM asked)"
    )
    asked = [str(row["operator_id"]) for row in files.engine.run("SELECT operator_id FROM asked")]
    found: dict[str, dict[str, Gap]] = {}
    for row in sorted(rows, key=lambda row: row["operator_id"] is not None):  # an operator's own gap says more
        gap = Gap(row["source"], row["reason"], row["detail"], row["next_step"] or "")
        for operator_id in asked if row["operator_id"] is None else [row["operator_id"]]:
            found.setdefault(operator_id, {})[row["table_name"]] = gap
    return found


def _figures(snapshot: Snapshot, row: Mapping[str, Any], gaps: Mapping[str, Gap]) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for metric in METRICS.values():
        value = row.get(metric.name)
        missing = next((gaps[table] for table in metric.tables if table in gaps), None)
        if missing is None and metric.name in snapshot.untold:
            missing = _untold(snapshot, metric)
        if metric.name == "mrr":
            figures[metric.name] = _mrr(snapshot, metric, row, missing)
        elif metric.unit == "money":
            figures[metric.name] = Gap("portfolio", "not_applicable", NOT_KEPT, metric=metric.name)
        elif value is None and missing is not None:
            figures[metric.name] = Gap(missing.source, missing.reason, missing.detail, missing.next_step, metric.name)
        elif value is None:
            figures[metric.name] = nothing_of(metric.name, PORTFOLIO, row)
        else:
            figures[metric.name] = figure(snapshot, metric, value)
    return figures


def _untold(snapshot: Snapshot, metric: Metric) -> Gap:
    """The gap of a metric that nobody can tell of the snapshot's date any more."""
    told = {gap.source: gap for gap in snapshot.gaps if gap.reason == "past"}
    own = (told[TABLES[table].home] for table in metric.tables if TABLES[table].home in told)
    return next(own, None) or next(iter(told.values()), None) or Gap(PORTFOLIO, "past", "It is not told of this date.")


def _mrr(snapshot: Snapshot, metric: Metric, row: Mapping[str, Any], missing: Gap | None) -> Figure:
    amounts = mrr_of(row)
    if amounts is not None:
        return figure(snapshot, metric, amounts)
    if missing is not None:
        return Gap(missing.source, missing.reason, missing.detail, missing.next_step, metric.name)
    if row.get("active_subscriptions") is None:
        return nothing_of(metric.name, PORTFOLIO, row)
    return Gap(PORTFOLIO, "none_found", NO_MRR, "Run `customer-research portfolio score`.", metric.name)


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
    gaps = {gap.source: [g for g in snapshot.gaps if g.source == gap.source] for gap in snapshot.gaps}
    sources = dict.fromkeys([*(r.source for r in snapshot.receipts if r.source != "portfolio"), *gaps])
    for source in sources:
        instants = [receipt.fetched_at for receipt in snapshot.receipts if receipt.source == source]
        pulled = snapshot.told(pulled_parameter(source))  # what a pull found unchanged keeps its older receipt
        fetched = datetime.fromisoformat(pulled) if pulled else max(instants, default=None)
        answers = ANSWERS | {"not_configured"} if instants else ANSWERS  # a table that one does not have is no outage
        missing = tuple(gap for gap in gaps.get(source, []) if gap.reason not in {*answers, "past"})
        told = any(gap.reason == "stale" for gap in missing)
        old = fetched is not None and snapshot.as_of - fetched > STALE_AFTER and not told
        lines.append(
            Freshness(
                source=source,
                state="ok" if not missing else "partial" if instants else "missing",
                fetched_at=fetched,
                latest_record_at=None,
                gaps=missing,
                warning="Pulled more than 48 hours before the snapshot's date." if old else "",
            )
        )
    return tuple(lines)


__all__ = ["Files", "accounts_of", "freshness_of"]
