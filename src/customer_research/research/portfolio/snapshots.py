"""A scored portfolio on disk: what its files are, reading them back, and the receipts behind each of their figures.

A snapshot is one folder with `snapshot.json` and a Parquet file for each of `FILES`; every file has the columns `as_of`
and `operator_id`. It appears whole or not at all (`research.portfolio.score`).
"""

# ruff: noqa: S608 - names in these texts are ours
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from customer_research import private
from customer_research.domain.catalogue import Metric
from customer_research.domain.evidence import Fact, Figure, Gap, Receipt
from customer_research.domain.health import Band
from customer_research.domain.snapshot import DESCRIPTION, SCORING, SNAPSHOTS, Reading, Snapshot
from customer_research.engines import open_engine
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.health.assembly import status_of
from customer_research.health.scoring import RESULT_COLUMNS
from customer_research.metrics.queries import account_columns

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILES: Mapping[str, Mapping[str, str]] = {
    "scores": {"operator_id": "VARCHAR", "status": "VARCHAR", **RESULT_COLUMNS},
    "contributions": {
        "operator_id": "VARCHAR",
        "rule": "VARCHAR",
        "dimension": "VARCHAR",
        "case_number": "BIGINT",
        "points": "BIGINT",
    },
    "dimensions": {
        "operator_id": "VARCHAR",
        "dimension": "VARCHAR",
        "weight": "BIGINT",
        "base": "BIGINT",
        "raw": "BIGINT",
        "score": "BIGINT",
    },
    "gates": {"operator_id": "VARCHAR", "gate": "VARCHAR", "cap": "VARCHAR"},
    "findings": {"operator_id": "VARCHAR", "rule": "VARCHAR", "case_number": "BIGINT"},
    "gaps": {
        "operator_id": "VARCHAR",
        "table_name": "VARCHAR",
        "source": "VARCHAR",
        "reason": "VARCHAR",
        "detail": "VARCHAR",
        "next_step": "VARCHAR",
    },
    "accounts": {"name": "VARCHAR", **account_columns()},
}
"""A snapshot's files, each with its columns (name → DuckDB type) beside `as_of`.

accounts: a line an operator, its name and every metric of operator grain (null: unknown or none); scores: the row of the
scorecard's query (`health.scoring`), of which the columns that every scorecard has are listed here; contributions: a line
for each rule that fired, and for each that could not be judged (points null) in a dimension that is known; dimensions: a
line an operator and dimension, the weight in thousandths; gates and findings: those that hold; gaps: which canonical table
is unknown of whom (operator_id null: of everybody).
"""

PORTFOLIO = SCORING

_READ_MB = 1000
_SIGN = "="
"""Stands between name and value; neither names nor values have it."""


@cache
def _adapter() -> TypeAdapter[Snapshot]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - start-up time

    return TypeAdapter(Snapshot)


def write_description(folder: Path, snapshot: Snapshot) -> None:
    """Write a snapshot's description into its folder."""
    private.write(folder / DESCRIPTION, _adapter().dump_json(snapshot, indent=1))


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot whose files lie in *folder*.

    Raises:
        UsageError: there is none, or its description is damaged.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - start-up time

    again = "Run `customer-research portfolio score` again."
    try:
        return _adapter().validate_json((folder / DESCRIPTION).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"There is no snapshot in {folder}.", hint=again) from None
    except OSError as error:
        raise UsageError(f"The snapshot {folder} cannot be read: {error.strerror}.", hint="Check it.") from None
    except ValidationError:
        raise UsageError(f"The description of the snapshot {folder} is damaged.", hint=again) from None


def snapshots_of(lake: Path) -> Iterator[tuple[Path, Snapshot]]:
    """The snapshots of a lake's folder, the newest first: by the instant they speak of, then by when they were taken.

    Raises:
        UsageError: as `read_snapshot`.
    """
    folders = (path.parent for path in (lake / SNAPSHOTS).glob(f"[!.]*/{DESCRIPTION}"))
    found = [(folder, read_snapshot(folder)) for folder in folders]
    yield from sorted(found, key=lambda pair: (pair[1].as_of, pair[1].taken_at, pair[1].id), reverse=True)


def readings(folder: Path, snapshot: Snapshot, files: Engine | None = None) -> Iterator[Reading]:
    """Each operator's line in the snapshot whose files lie in *folder*, by operator id.

    Args:
        folder: the snapshot's own folder.
        snapshot: its description.
        files: a DuckDB that reads them; by default one is opened.

    `unknown` holds the tables unknown of this operator alone; those unknown of everybody are `snapshot.gaps`.

    Raises:
        EngineError: when a file is gone or damaged.
    """
    with _opened(folder) if files is None else nullcontext(_attached(files, folder)) as engine:
        for batch in engine.batches(_READINGS):
            for row in batch:
                yield _reading(snapshot, row)


def accounts(folder: Path) -> Iterator[dict[str, Any]]:
    """The metric rows of the snapshot whose files lie in *folder*, by operator id.

    Raises:
        EngineError: when a file is gone or damaged.
    """
    with _opened(folder, "accounts") as engine:
        for batch in engine.batches(f"SELECT {', '.join(FILES['accounts'])} FROM accounts ORDER BY operator_id"):
            yield from batch


def _opened(folder: Path, *names: str) -> Engine:
    """A DuckDB over a snapshot's files, wherever it was scored."""
    engine = open_engine("duckdb", memory_mb=_READ_MB, reach=(folder,))
    try:
        return _attached(engine, folder, *names)
    except BaseException:
        engine.close()
        raise


def _attached(engine: Engine, folder: Path, *names: str) -> Engine:
    for name in names or FILES:
        engine.attach(name, [folder / f"{name}.parquet"], {"as_of": "TIMESTAMP", **FILES[name]})
    return engine


def _joined(table: str, name: str, value: str, where: str = "NOT operator_id IS NULL") -> str:
    """An operator's lines of a file as one text."""
    told = f"{name} || '{_SIGN}' || COALESCE(CAST({value} AS VARCHAR), '')"
    return (
        f"SELECT operator_id, STRING_AGG({told}, ' ' ORDER BY {name}) AS listed FROM {table} WHERE {where} "
        "GROUP BY operator_id"
    )


_PARTS: Mapping[str, str] = {
    "dimensions": _joined("dimensions", "dimension", "score"),
    "contributions": _joined("contributions", "rule", "points"),
    "gates": _joined("gates", "gate", "cap"),
    "findings": _joined("findings", "rule", "case_number"),
    "gaps": _joined("gaps", "table_name", "reason"),
}

_READINGS = f"""
SELECT s.operator_id, a.name, s.status, s.score, s.score_high, s.coverage, s.band_before_gates, s.band,
    {", ".join(f"l_{part}.listed AS {part}" for part in _PARTS)}
FROM scores AS s
INNER JOIN accounts AS a ON a.operator_id = s.operator_id
{" ".join(f"LEFT JOIN ({sql}) AS l_{part} ON l_{part}.operator_id = s.operator_id" for part, sql in _PARTS.items())}
ORDER BY s.operator_id
"""


def _reading(snapshot: Snapshot, row: Mapping[str, Any]) -> Reading:
    return Reading(
        snapshot=snapshot.id,
        operator_id=row["operator_id"],
        name=row["name"],
        as_of=snapshot.as_of,
        status=status_of(row["status"]),
        score=row["score"],
        highest=None if row["score_high"] == row["score"] else row["score_high"],
        band=cast("Band", row["band"]),
        band_before_gates=cast("Band", row["band_before_gates"]),
        coverage=float(row["coverage"]),
        dimensions=_points(row["dimensions"]),
        contributions=_points(row["contributions"]),
        gates=tuple(_pairs(row["gates"])),
        findings=tuple(sorted(_pairs(row["findings"]), key=lambda rule: int(rule[1:]))),
        unknown=tuple(_pairs(row["gaps"])),
    )


def _pairs(listed: str | None) -> dict[str, str]:
    parted = (pair.partition(_SIGN) for pair in (listed or "").split())
    return {name: value for name, _, value in parted}


def _points(listed: str | None) -> dict[str, int | None]:
    return {name: int(value) if value else None for name, value in _pairs(listed).items()}


# --- proof -------------------------------------------------------------------------------------------------------------


def figure(snapshot: Snapshot, metric: Metric, value: Any) -> Figure:
    """A metric's value in a snapshot, with the receipts of the tables it was computed from and that of the computation.

    A value of None is a gap without a cause (`none_found`); that a table is unknown, the snapshot's gaps tell.
    """
    if value is None:
        return Gap(PORTFOLIO, "none_found", "There is no record to compute it from.", metric=metric.name)
    return Fact(value, metric.unit, basis_of(snapshot, metric.tables), snapshot.as_of, metric.name)


def basis_of(snapshot: Snapshot, tables: Sequence[str]) -> tuple[Receipt, ...]:
    """The receipts of canonical tables in a snapshot, each once, and last that of the scoring."""
    scoring = snapshot.scoring
    read = dict(scoring.parameters)
    ids = dict.fromkeys(one for table in tables for one in read.get(table_parameter(table), "").split())
    known = {receipt.id: receipt for receipt in snapshot.receipts}
    return (*(known[one] for one in ids), scoring)


def table_parameter(table: str) -> str:
    """The parameter of the scoring's receipt that lists the receipts of a canonical table."""
    return f"table {table}"


def pulled_parameter(source: str) -> str:
    """The parameter of the scoring's receipt that says when a source was last pulled (see `TableSet.pulled`)."""
    return f"pulled {source}"
