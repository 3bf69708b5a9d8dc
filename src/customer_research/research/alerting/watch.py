"""A snapshot's metrics as alert rules need them: their SQL run over its files, and the figures behind what holds."""

# ruff: noqa: S608 - names in these texts are ours (columns of the catalogue, checked rules); values are parameters
from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

from customer_research.domain.catalogue import ACCOUNT_TABLE, METRICS
from customer_research.domain.evidence import ANSWERS, Figure
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.engine import Engine
from customer_research.health.alerts.rule_states import NOTHING_WATCHED, WatchRows, watch_sql
from customer_research.health.alerts.rules import AlertRule
from customer_research.health.findings import FindingRule, findings_sql
from customer_research.research.engine_choice import reader
from customer_research.research.portfolio.snapshots import FILES, figure
from customer_research.settings import Settings

_TABLES: Mapping[str, tuple[str, ...]] = {metric.name: metric.tables for metric in METRICS.values()}


class Watch:
    """The metrics of one snapshot; of one whose files are gone nothing is watched."""

    def __init__(self, snapshot: Snapshot, engine: Engine | None) -> None:
        self._snapshot = snapshot
        self._engine = engine

    def watched(self, rules: Sequence[AlertRule], findings: Sequence[FindingRule]) -> WatchRows:
        """What the rules' conditions and the correlation rules say of every operator."""
        engine = self._engine
        if engine is None:
            return NOTHING_WATCHED
        unknown: dict[str | None, set[str]] = defaultdict(set)
        for batch in engine.batches("SELECT operator_id, table_name, reason FROM gaps WHERE as_of = $as_of", self._at):
            for row in batch:
                if row["reason"] not in ANSWERS:
                    unknown[row["operator_id"]].add(row["table_name"])
        return WatchRows(
            states=_by_operator(engine, watch_sql(rules)),
            findings=_by_operator(engine, findings_sql(findings)),
            tables=_TABLES,
            unknown=frozenset(unknown.pop(None, ())),
            unknown_of={operator: frozenset(tables) for operator, tables in unknown.items() if operator is not None},
        )

    def figures(self, operator_ids: Collection[str], metrics: Sequence[str]) -> dict[str, dict[str, Figure]]:
        """These operators' metrics with their receipts."""
        engine = self._engine
        if engine is None or not operator_ids or not metrics:
            return {}
        engine.create("asked", {"operator_id": "VARCHAR"}, [{"operator_id": one} for one in operator_ids])
        listed = ", ".join(f"a.{name}" for name in ("operator_id", *metrics))
        rows = engine.run(
            f"SELECT {listed} FROM {ACCOUNT_TABLE} AS a INNER JOIN asked AS q ON q.operator_id = a.operator_id"
        )
        return {
            row["operator_id"]: {name: figure(self._snapshot, METRICS[name], row[name]) for name in metrics}
            for row in rows
        }

    def owners(self) -> tuple[tuple[str, str], ...] | None:
        """The account owners, HubSpot id and name (an older snapshot knows no ids); None where nothing is watched."""
        if self._engine is None:
            return None
        sql = f"SELECT DISTINCT owner_id, owner_name FROM {ACCOUNT_TABLE} WHERE NOT owner_name IS NULL ORDER BY owner_name, owner_id"
        return tuple((row["owner_id"] or "", row["owner_name"]) for row in self._engine.run(sql))

    @property
    def _at(self) -> dict[str, Any]:
        return {"as_of": self._snapshot.as_of}


@contextmanager
def watching(settings: Settings, snapshot: Snapshot) -> Iterator[Watch]:
    """The metrics of a snapshot of the settings' lake, for as long as they are looked at.

    Raises:
        EngineError: a file is damaged.
    """
    folder = settings.lake_folder / snapshot.place
    if not _is_there(folder):
        yield Watch(snapshot, None)
        return
    with reader(settings, folder) as engine:
        for name in ("accounts", "gaps"):
            engine.attach(name, [folder / f"{name}.parquet"], {"as_of": "TIMESTAMP", **FILES[name]})
        instant = f"{snapshot.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        engine.bind(ACCOUNT_TABLE, f"SELECT * FROM accounts WHERE as_of = CAST('{instant}' AS TIMESTAMP)")
        yield Watch(snapshot, engine)


def _is_there(folder: Path) -> bool:
    return all((folder / f"{name}.parquet").is_file() for name in ("accounts", "gaps"))


def _by_operator(engine: Engine, sql: str) -> dict[str, Mapping[str, Any]]:
    return {row["operator_id"]: row for batch in engine.batches(sql) for row in batch}
