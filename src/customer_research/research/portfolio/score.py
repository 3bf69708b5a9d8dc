"""Scoring all operators: one snapshot of everybody at one instant under one scorecard, written in one step."""

# ruff: noqa: S608 - names in these texts are ours
from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

from customer_research import private
from customer_research.connect.source import Clock
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.snapshot import NOT_JUDGED, STALE, Snapshot, SnapshotKind
from customer_research.domain.tables import TableSet
from customer_research.engines import open_engine
from customer_research.engines.content import content_digest
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.health.findings import findings_sql, load_findings
from customer_research.health.scorecard import Scorecard
from customer_research.health.scoring import long_sql, score_columns, scoring_sql
from customer_research.metrics.queries import account_columns
from customer_research.metrics.wide import KNOWN_OPERATORS, stages
from customer_research.record_tables import is_off
from customer_research.research.one.judge import METRIC_NAMES, card_named
from customer_research.research.portfolio.measurement import measure, reconstruction_of, unjudged_gaps
from customer_research.research.portfolio.snapshots import (
    FILES,
    PORTFOLIO,
    pulled_parameter,
    read_snapshot,
    table_parameter,
    write_description,
)
from customer_research.research.receipts import text_digest

SCORES = "account_scores"
"""The table on the engine that holds the rows of the scorecard's query."""

HELD = "account_findings"
"""The table on the engine that holds the rows of the findings' query."""

Measure = Callable[[Engine, TableSet, datetime], None]

_ORDER: Mapping[str, tuple[str, ...]] = {
    "accounts": ("operator_id",),
    "scores": ("operator_id",),
    "contributions": ("operator_id", "rule"),
    "dimensions": ("operator_id", "dimension"),
    "gates": ("operator_id", "gate"),
    "findings": ("operator_id", "rule"),
    "gaps": ("operator_id NULLS FIRST", "table_name"),
}
_DAY = 86_400
_DIGEST_MB = 1000


def score(
    engine: Engine,
    tables: TableSet,
    as_of: datetime,
    scorecard: str,
    *,
    folder: Path,
    clock: Clock,
    kind: SnapshotKind = "scored",
    again: bool = False,
    measuring: Measure = measure,
    files: Engine | None = None,
) -> Snapshot:
    """Measure and score every operator, and write it all below *folder*, into a folder named by the snapshot's id.

    A snapshot that is there already is given back as it is, unless it was made by other queries than today's.

    Args:
        engine: where it runs; its tables are left behind.
        tables: the canonical tables.
        as_of: the instant that is spoken of, with a time zone.
        scorecard: a shipped one's name, or a TOML file.
        folder: where snapshots lie; made when it is not there. The engine must be able to write there.
        clock: tells when the snapshot was taken.
        kind: why it was taken.
        again: compute it even when it is there already.
        measuring: what leaves the wide table and the operators' names on the engine; it does as `measure` does.
        files: a DuckDB that reads what was written; by default one is opened.

    Raises:
        ConfigError: no such scorecard, or a fault in it; nothing was read then.
        UsageError: the tables have no rows, or none known before *as_of*; or the folder cannot be written to.
        EngineError: a table's file cannot be read, or a query failed.
    """
    card = card_named(scorecard)
    instant = as_of.astimezone(UTC)
    work = _Scoring(engine, tables, instant, card, scorecard)
    there = folder / work.id
    if not again and (known := _known(there)) is not None and _proves(known, work.query):
        return known
    measuring(engine, tables, instant)
    try:
        with private.draft_folder(folder, work.id) as draft:
            with _reader(draft) if files is None else nullcontext(files) as reader:
                snapshot = work.write(draft, reader, there=f"{folder.name}/{work.id}", kind=kind, taken_at=clock())
            _put(draft, there)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return snapshot


def text_line(name: str, sql: str) -> str:
    """The line of the scoring's receipt that says by which query a table was made."""
    return f"{name} sha256:{text_digest(sql)}"


def _known(folder: Path) -> Snapshot | None:
    """The snapshot that lies there whole; a damaged one is made anew."""
    with suppress(UsageError):
        return read_snapshot(folder)
    return None


def _proves(snapshot: Snapshot, query: str) -> bool:
    """Whether a snapshot was made by these queries."""
    return any(receipt.source == PORTFOLIO and receipt.query == query for receipt in snapshot.receipts)


class _Scoring:
    """One question: everybody at one instant under one scorecard, from tables of one content."""

    def __init__(self, engine: Engine, tables: TableSet, as_of: datetime, card: Scorecard, named: str) -> None:
        self._engine = engine
        self._tables = tables
        self._as_of = as_of
        self._card = card
        self._named = named
        self._findings = load_findings(METRIC_NAMES)
        self._past = reconstruction_of(tables)
        self.id = text_digest(f"{as_of.isoformat()}|{card.digest}|{tables.digest}")[:16]
        self.query = self._texts()

    def _texts(self) -> str:
        """The queries by name and digest, a line each: what they say is the program's own text."""
        texts = {stage.name: stage.sql for stage in stages(past=self._past)}
        texts |= {SCORES: self._scoring, HELD: findings_sql(self._findings)}
        return "\n".join(text_line(name, sql) for name, sql in texts.items())

    @property
    def _scoring(self) -> str:
        """The scorecard's query."""
        return scoring_sql(self._card, untold=self._past.unjudged)

    def write(self, draft: Path, files: Engine, *, there: str, kind: SnapshotKind, taken_at: datetime) -> Snapshot:
        """Score what was measured into *draft*, which *files* reads back and which will lie at *there*."""
        self._engine.keep(SCORES, self._scoring)
        self._engine.keep(HELD, findings_sql(self._findings))
        counts = {
            name: self._engine.export(sql, draft / f"{name}.parquet", {"as_of": self._as_of})
            for name, sql in self._files().items()
        }
        self._engine.drop(SCORES, HELD)
        snapshot = Snapshot(
            id=self.id,
            kind=kind,
            as_of=self._as_of,
            taken_at=taken_at,
            scorecard=self._named,
            version=self._card.version,
            digest=self._card.digest,
            tables=self._tables.digest,
            engine=type(self._engine).__name__.lower(),
            operators=counts["scores"],
            place=there,
            receipts=(
                *self._tables.receipts,
                self._receipt(files, draft / "scores.parquet", counts["scores"], taken_at),
            ),
            gaps=self._gaps(),
        )
        write_description(draft, snapshot)
        return snapshot

    def _files(self) -> Mapping[str, str]:
        """Each file's query."""
        long = long_sql(self._card, SCORES)
        metrics = ", ".join(f"a.{name}" for name in account_columns() if name != "operator_id")
        held = "\nUNION ALL\n".join(
            f"SELECT operator_id, '{rule.id}' AS rule, case_{rule.id.lower()} AS case_number FROM {HELD} "
            f"WHERE case_{rule.id.lower()} >= 1"
            for rule in self._findings
        )
        unknown = "SELECT operator_id, table_name, source, reason, detail, next_step FROM gap"
        named = (
            f"SELECT k.operator_id, k.name, {metrics} FROM {ACCOUNT_TABLE} AS a "
            f"INNER JOIN {KNOWN_OPERATORS} AS k ON k.operator_id = a.operator_id"
        )
        queries = {"accounts": named, "scores": f"SELECT * FROM {SCORES}", **long, "findings": held, "gaps": unknown}
        columns = {**FILES, "scores": score_columns(self._card)}
        return {name: _typed(queries[name], columns[name], *_ORDER[name]) for name in FILES}

    def _gaps(self) -> tuple[Gap, ...]:
        """What is unknown of everybody."""
        rows = self._engine.run(
            "SELECT table_name, source, reason, detail, next_step FROM gap WHERE operator_id IS NULL ORDER BY table_name"
        )
        told = [Gap(row["source"], row["reason"], row["detail"] or "", row["next_step"] or "") for row in rows]
        stated = [gap for gap in told if not is_off(gap)]
        listed = [self._tables.gaps["operator"]] if "operator" in self._tables.gaps else []
        return tuple(dict.fromkeys((*listed, *stated, *unjudged_gaps(self._tables))))

    def _receipt(self, files: Engine, scores: Path, rows: int, taken_at: datetime) -> Receipt:
        """The proof of the scoring: its queries, what they read, and the digest of the scores."""
        columns = score_columns(self._card)
        files.attach("scores", [scores], columns)
        digest = content_digest(files, "scores", tuple(columns))
        read = {table_parameter(name): file for name, file in self._tables.files.items()}
        return Receipt(
            id=text_digest(f"{self.id}\x1f{self.query}\x1f{digest}")[:16],
            source=PORTFOLIO,
            stream="score",
            query=self.query,
            fetched_at=taken_at,
            rows=rows,
            digest=digest,
            place=type(self._engine).__name__,
            parameters=(
                ("as_of", self._as_of.isoformat()),
                ("scorecard", f"{self._card.name} {self._card.version} sha256:{self._card.digest}"),
                ("tables", f"sha256:{self._tables.digest}"),
                *((name, " ".join(receipt.id for receipt in file.receipts)) for name, file in read.items()),
                *((pulled_parameter(source), at.isoformat()) for source, at in self._tables.pulled.items()),
                *(((STALE, " ".join(self._tables.stale)),) if self._tables.stale else ()),
                *(((NOT_JUDGED, " ".join(sorted(self._past.unjudged))),) if self._past.unjudged else ()),
            ),
        )


def _reader(folder: Path) -> Engine:
    return open_engine("duckdb", memory_mb=_DIGEST_MB, reach=(folder,))


def _typed(sql: str, columns: Mapping[str, str], *order: str) -> str:
    """A file's query: the instant, and exactly these columns, whatever types the engine's arithmetic has."""
    listed = ", ".join(f"CAST(f.{name} AS {kind}) AS {name}" for name, kind in columns.items())
    return f"SELECT CAST($as_of AS TIMESTAMP) AS as_of, {listed} FROM ({sql}) AS f ORDER BY {', '.join(order)}"


# --- one step ----------------------------------------------------------------------------------------------------------


def _put(draft: Path, there: Path) -> None:
    """Give the finished folder its name; one that has it already goes first."""
    if there.exists():
        old = draft.with_name(f"{draft.name}.old.part")
        there.replace(old)
        draft.replace(there)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draft.replace(there)


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"Snapshots cannot be written to {folder}: {error.strerror}.", hint="Make room, or set lake.folder."
    )
