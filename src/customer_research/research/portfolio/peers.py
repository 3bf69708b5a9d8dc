"""Groups of similar operators in a snapshot: the middle of what they use, for reviews of one of them."""

# ruff: noqa: S608 - names in these texts are ours
from __future__ import annotations

from pathlib import Path

from customer_research.domain.peers import COMPARED, LIKENESSES, Likeness, Middle, PeerGroup, PeerGroups
from customer_research.domain.records import literal
from customer_research.domain.snapshot import Snapshot
from customer_research.engines.engine import Engine
from customer_research.research.engine_choice import reader
from customer_research.research.one.peer_groups import keep_groups
from customer_research.research.portfolio.snapshots import FILES
from customer_research.settings import Settings


def keep_peers(settings: Settings, folder: Path, snapshot: Snapshot) -> None:
    """Work out the groups of the snapshot whose files lie in *folder*, and keep them beside the lake.

    Raises:
        EngineError: a file is gone or damaged.
        OSError: they cannot be written.
    """
    with reader(settings, folder) as engine:
        for name in ("accounts", "scores"):
            engine.attach(name, [folder / f"{name}.parquet"], {"as_of": "TIMESTAMP", **FILES[name]})
        ours = " AND ".join(("TRUE", *map(_is_no_test, settings.test_operators)))
        groups = tuple(group for likeness in LIKENESSES for group in _groups(engine, likeness, ours))
    keep_groups(settings.lake_folder, PeerGroups(snapshot.as_of, groups, snapshot.scoring))


def _is_no_test(named: str) -> str:
    """That an operator is none of the tests that a setting names: by its id, or by its beginning with a * behind."""
    if named.endswith("*"):
        return f"NOT STARTS_WITH(a.operator_id, {literal(named[:-1])})"
    return f"a.operator_id <> {literal(named)}"


def _groups(engine: Engine, likeness: Likeness, ours: str) -> list[PeerGroup]:
    told = ", ".join(f"MEDIAN(a.{name}) AS {name}, COUNT(a.{name}) AS known_{name}" for name in COMPARED)
    rows = engine.run(
        f"SELECT a.{likeness} AS name, {told} FROM accounts AS a INNER JOIN scores AS s ON s.operator_id = a.operator_id "
        f"WHERE s.status = 'active' AND a.{likeness} IS NOT NULL AND {ours} GROUP BY a.{likeness} ORDER BY a.{likeness}"
    )
    return [
        PeerGroup(
            likeness,
            str(row["name"]),
            tuple(
                Middle(name, float(row[name]), int(row[f"known_{name}"])) for name in COMPARED if row[name] is not None
            ),
        )
        for row in rows
    ]
