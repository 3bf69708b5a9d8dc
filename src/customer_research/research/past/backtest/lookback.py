"""Every active account at past dates under some scorecards, as it could be known then, and what became of it.

All dates of which the same tables tell are measured in one pass (`metrics.over_time`). A date before the tables were read is told
by what has a date (`metrics.past`): metrics that rest on overwritten values are unknown, and the rules over them are left out at
every date, by name. What an account did within ninety days after is told by billing (`research.past.backtest.churn`).
"""

# ruff: noqa: S608 - names in these texts are ours
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_research.domain.backtest import Exclusion, OverwrittenRule
from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.tables import STALE_AFTER, TableSet
from customer_research.domain.words import counted, share_words
from customer_research.engines.engine import Engine
from customer_research.errors import OutOfMemoryError, UsageError
from customer_research.health.scorecard import Rule, Scorecard
from customer_research.health.scoring import scoring_sql
from customer_research.metrics.over_time import CALENDAR, stages
from customer_research.metrics.past import unjudged
from customer_research.metrics.pinned import instant_sql
from customer_research.metrics.queries import account_columns
from customer_research.metrics.wide import Reconstruction
from customer_research.research.past.backtest.churn import ACTIVE, CHURNS, find_churn
from customer_research.research.past.requests import Counting, Every, TrialTerms
from customer_research.research.portfolio.measurement import attach, first_known, rebuildable_of, reconstruction_of
from customer_research.research.portfolio.snapshots import table_parameter
from customer_research.research.receipts import text_digest

WINDOW = timedelta(days=90)

HISTORY = timedelta(days=180)
"""The longest window of a rule: no date is looked at whose window begins before the tables do."""

STEPS = {"month": timedelta(days=30), "quarter": timedelta(days=90)}

_ACTIVITY = ("subscription", "invoice", "reservation", "charge")
_ROWS, _METRICS = "past_row", "past_metrics"

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CardScores:
    """What a scorecard says of the n rows: scores (-1: unknown) and bands.

    `uncapped` are the scores before gates, off which a calibration reads its probability; `points` (n, k) are those of each of
    its k usable rules; `gates` (n, g) which of its g gates hold.
    """

    card: Scorecard
    scores: Integers
    uncapped: Integers
    bands: tuple[str, ...]
    points: Integers
    rules: tuple[Rule, ...]
    left_out: tuple[OverwrittenRule, ...]
    gates: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Lookback:
    """The n rows (account and date, by operator and date) with what became of each, and the scorecards over them.

    `churned_at` is the first churn after the date, whenever it was (None: none yet); `churned` whether it lies in the window,
    which is over where `closed`.
    `monthly_minor` is the list price a month of the running base subscription in USD cents (-1: another currency).
    """

    operator_ids: tuple[str, ...]
    as_of: tuple[datetime, ...]
    churned: NDArray[np.bool_]
    churned_at: tuple[datetime | None, ...]
    kinds: tuple[str, ...]
    monthly_minor: Integers
    cards: tuple[CardScores, ...]
    instants: tuple[datetime, ...]
    every: Every
    counting: Counting
    known_until: datetime
    dropped: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    gaps: tuple[Gap, ...]
    receipts: tuple[Receipt, ...]
    closed: NDArray[np.bool_]
    managers: int = 0

    def __len__(self) -> int:
        return len(self.operator_ids)


def look_back(
    engine: Engine,
    tables: TableSet,
    cards: Sequence[Scorecard],
    terms: TrialTerms,
    until: datetime,
    *,
    open_too: bool = False,
    patience: timedelta = STALE_AFTER,
    tests: Collection[str] = (),
) -> Lookback:
    """Measure every active account at even steps back from `until`, and score it under each of the cards.

    Args:
        engine: where it runs; its tables are left behind.
        tables: the canonical tables.
        cards: the scorecards.
        terms: how far the dates lie apart, since when, and which churn is counted.
        until: the instant up to which the tables tell of churn.
        open_too: keep the rows whose windows are not over yet.
        patience: how old tables may be at a date (`TableSet.at`). Tables of which it is not known when they were read were so
            at `until`.
        tests: operators whose leaving proves nothing (setting `test_operators`): ids, or beginnings with a * behind.

    Raises:
        UsageError: the tables have no subscriptions, or begin less than half a year and a window before `until`; or no row
            can be used.
        EngineError: a table's file cannot be read, or a query failed.
    """
    attach(engine, tables, until)
    _refuse_without_billing(tables)
    find_churn(engine)
    first, step, (since, _) = _first_date(engine, tables), STEPS[terms.every], terms.dates
    begins = first if since is None else max(first, since)
    instants = [until - number * step for number in range(_steps(begins, until, step) + 1)]
    instants = sorted(as_of for as_of in instants if as_of >= begins)
    if not any(as_of + WINDOW <= until for as_of in instants):
        raise UsageError(
            f"The tables begin too late for a backtest: the first date with half a year before it is "
            f"{first:%Y-%m-%d}, and its ninety days are not over by {until:%Y-%m-%d}.",
            hint="Pull an earlier past (`customer-research sync --full`), or wait.",
        )
    payments = "invoice" in rebuildable_of(tables)
    warnings, managers = tuple(_warnings(engine, payments=payments)), _managers(engine)
    lost = _measure(engine, _read_at(tables, until), instants, patience)
    _mark(engine, until, lost)
    rows = engine.run(f"SELECT * FROM {_ROWS} ORDER BY operator_id, t")
    kept, dropped = _kept(rows, terms.counting, tests, open_too=open_too)
    if not kept:
        raise UsageError(
            "Nobody is left to try a scorecard on: "
            + (
                "; ".join(f"of {counted(one.rows, 'row')} {one.words}" for one in dropped)
                or "no account was active then"
            )
            + ".",
            hint="Ask for other dates, or look at the setting test_operators.",
        )
    places = {row["number"]: place for place, row in enumerate(kept)}
    return Lookback(
        operator_ids=tuple(row["operator_id"] for row in kept),
        as_of=tuple(_utc(row["t"]) for row in kept),
        churned=np.array([bool(row["in_window"]) for row in kept], dtype=np.bool_),
        churned_at=tuple(None if row["churned_at"] is None else _utc(row["churned_at"]) for row in kept),
        kinds=tuple(row["kind"] or "" for row in kept),
        monthly_minor=np.array(
            [-1 if row["monthly_minor"] is None else row["monthly_minor"] for row in kept], np.int64
        ),
        cards=tuple(_card_past(engine, card, places, lost) for card in cards),
        instants=tuple(as_of for as_of in instants if open_too or as_of + WINDOW <= until),
        every=terms.every,
        counting=terms.counting,
        known_until=until,
        dropped=dropped,
        warnings=warnings,
        gaps=tuple(gap for name, gap in tables.gaps.items() if name != "gap"),
        receipts=(*tables.receipts, _receipt(tables, cards, instants, rows, until)),
        closed=np.array([bool(row["closed"]) for row in kept], dtype=np.bool_),
        managers=managers,
    )


# --- dates -------------------------------------------------------------------------------------------------------------


def _refuse_without_billing(tables: TableSet) -> None:
    if "subscription" not in tables.files or not tables.files["subscription"].rows:
        raise UsageError(
            f"The tables in {tables.place} have no subscriptions, so nobody knows who churned.",
            hint="Sync Lago (`customer-research sync lago`), or add the table `subscription`.",
        )


def _first_date(engine: Engine, tables: TableSet) -> datetime:
    """Half a year after the latest beginning of the tables that rules count over."""
    return max(map(_utc, first_known(engine, tables, _ACTIVITY))) + HISTORY


def _steps(begins: datetime, until: datetime, step: timedelta) -> int:
    return max(0, (until - begins) // step)


# --- measuring -----------------------------------------------------------------------------------------------------------


def _read_at(tables: TableSet, until: datetime) -> TableSet:
    """The tables, each with the instant at which it was read."""
    files = {name: file if file.since else replace(file, since=until) for name, file in tables.files.items()}
    return replace(tables, files=files)


def _measure(engine: Engine, tables: TableSet, instants: Sequence[datetime], patience: timedelta) -> Mapping[str, str]:
    """Leave `account_metrics` of all instants (column `t`), and give the metrics that cannot be told of each of them."""
    lost: dict[str, str] = {}
    made: list[str] = []
    for known, some in _told_alike(tables, instants, patience):
        attach(engine, known, max(some))
        past = reconstruction_of(known)
        lost |= unjudged(known.rewound, past.rebuilt)
        _pass(engine, some, past, made)
    _tell(engine, instants)
    engine.keep(ACCOUNT_TABLE, " UNION ALL ".join(f"SELECT * FROM {name}" for name in made))
    engine.drop(*made)
    return lost


def _pass(engine: Engine, instants: Sequence[datetime], past: Reconstruction, made: list[str]) -> None:
    """Keep the wide table of some instants under a name of its own, in several passes where the memory is too small for one."""
    steps = stages(instants, recursion=engine.recursion, past=past)
    _tell(engine, instants)
    name = f"{ACCOUNT_TABLE}_{len(made)}"
    try:
        for stage in steps:
            engine.keep(stage.name, stage.sql)
        engine.keep(name, f"SELECT * FROM {ACCOUNT_TABLE}")
    except OutOfMemoryError:
        engine.drop(*(stage.name for stage in steps))
        if len(instants) == 1:
            raise
        half = len(instants) // 2
        _pass(engine, instants[:half], past, made)
        _pass(engine, instants[half:], past, made)
    else:
        made.append(name)
        engine.drop(*(stage.name for stage in steps))


def _told_alike(
    tables: TableSet, instants: Sequence[datetime], patience: timedelta
) -> Iterator[tuple[TableSet, list[datetime]]]:
    """The instants by the tables that tell of them."""
    found: list[tuple[TableSet, list[datetime]]] = []
    for as_of in instants:
        known = tables.at(as_of, patience)
        if found and found[-1][0] == known:
            found[-1][1].append(as_of)
        else:
            found.append((known, [as_of]))
    yield from found


def _tell(engine: Engine, instants: Sequence[datetime]) -> None:
    engine.create(CALENDAR, {"t": "TIMESTAMP"}, [{"t": as_of} for as_of in instants])


def _mark(engine: Engine, until: datetime, lost: Mapping[str, str]) -> None:
    """Leave the rows with what became of each, and their metrics with those that nobody can tell taken out."""
    ends, days = instant_sql(until), WINDOW.days
    engine.keep(
        _ROWS,
        f"""
        WITH standing AS (
            SELECT c.t, a.operator_id, MAX(CASE WHEN a.currency = 'USD' THEN a.monthly_minor END) AS monthly_minor
            FROM {CALENDAR} AS c
            INNER JOIN {ACTIVE} AS a ON a.begins_at < c.t AND (a.ends_at IS NULL OR a.ends_at > c.t)
            GROUP BY c.t, a.operator_id
        ),
        next_churn AS (
            SELECT s.t, s.operator_id, MIN(h.churned_at) AS churned_at
            FROM standing AS s
            INNER JOIN {CHURNS} AS h ON h.operator_id = s.operator_id AND (h.churned_at > s.t OR h.churned_at IS NULL)
            WHERE h.churned_at <= {ends} OR h.churned_at IS NULL
            GROUP BY s.t, s.operator_id
        ),
        unclear AS (
            SELECT operator_id, MAX(CASE WHEN churned_at IS NULL THEN 1 ELSE 0 END) AS undated
            FROM {CHURNS}
            WHERE kind = 'unclear'
            GROUP BY operator_id
        )
        SELECT
            ROW_NUMBER() OVER (ORDER BY s.operator_id, s.t) AS number,
            s.operator_id,
            s.t,
            s.monthly_minor,
            n.churned_at,
            h.kind,
            COALESCE(n.churned_at <= s.t + INTERVAL {days} DAY, FALSE) AS in_window,
            s.t + INTERVAL {days} DAY <= {ends} AS closed,
            COALESCE(u.undated, 0) = 1 AS undated,
            NOT a.operator_id IS NULL AS measured
        FROM standing AS s
        LEFT JOIN next_churn AS n ON n.operator_id = s.operator_id AND n.t = s.t
        LEFT JOIN {CHURNS} AS h ON h.operator_id = n.operator_id AND h.churned_at = n.churned_at
        LEFT JOIN unclear AS u ON u.operator_id = s.operator_id
        LEFT JOIN {ACCOUNT_TABLE} AS a ON a.operator_id = s.operator_id AND a.t = s.t
        """,
    )
    columns = account_columns()
    listed = ", ".join(
        f"CAST(NULL AS {kind}) AS {name}" if name in lost else f"a.{name}"
        for name, kind in columns.items()
        if name != "operator_id"
    )
    engine.keep(
        _METRICS,
        f"""
        SELECT CAST(r.number AS VARCHAR) AS operator_id, {listed}
        FROM {_ROWS} AS r
        INNER JOIN {ACCOUNT_TABLE} AS a ON a.operator_id = r.operator_id AND a.t = r.t
        """,
    )


def _kept(
    rows: Sequence[Mapping[str, Any]], counting: Counting, tests: Collection[str], *, open_too: bool
) -> tuple[list[Mapping[str, Any]], tuple[Exclusion, ...]]:
    """The rows that a backtest can use, and how many were dropped for which reason."""
    kept, counts = [], dict.fromkeys(_REASONS, 0)
    for row in rows:
        why = "test" if _is_test(row["operator_id"], tests) else _why_not(row, counting)
        if why == "open" and open_too and row["measured"]:
            why = None
        if why is None:
            kept.append(row)
        else:
            counts[why] += 1
    return kept, tuple(Exclusion(why, counts[why], words) for why, words in _REASONS.items() if counts[why])


_REASONS = {
    "test": "the setting test_operators names the account as a test",
    "open": "their ninety days are not over yet",
    "unmeasured": "the sources tell nothing of the account, so that no score can be made",
    "unclear": "billing does not tell when, or whether, the relation ended",
    "non_payment": "the account left because it did not pay, which is kept apart from leaving by choice",
}


def _is_test(operator_id: str, tests: Collection[str]) -> bool:
    return any(operator_id.startswith(one[:-1]) if one.endswith("*") else operator_id == one for one in tests)


def _why_not(row: Mapping[str, Any], counting: Counting) -> str | None:
    if not row["closed"]:
        return "open"
    if not row["measured"]:
        return "unmeasured"
    if row["undated"] or (row["in_window"] and row["kind"] == "unclear"):
        return "unclear"
    if row["in_window"] and row["kind"] == "non_payment" and counting == "voluntary":
        return "non_payment"
    return None


# --- scorecards ------------------------------------------------------------------------------------------------------------


def _card_past(engine: Engine, card: Scorecard, places: Mapping[int, int], lost: Mapping[str, str]) -> CardScores:
    usable, left_out = split_rules(card, lost)
    columns = ["operator_id", "score", "uncapped", "band", *(f"points_{rule.key}" for rule in usable)]
    columns += [f"gate_{gate.name}" for gate in card.gates]
    scores, uncapped = (np.full(len(places), -1, dtype=np.int64) for _ in range(2))
    bands = ["insufficient"] * len(places)
    points = np.zeros((len(places), len(usable)), dtype=np.int64)
    gates = np.zeros((len(places), len(card.gates)), dtype=np.bool_)
    sql = f"SELECT {', '.join(columns)} FROM ({scoring_sql(card, _METRICS, lost)}) AS scored"
    for batch in engine.batches(sql):
        for row in batch:
            place = places.get(int(row["operator_id"]))
            if place is None:
                continue
            for held, name in ((scores, "score"), (uncapped, "uncapped")):
                held[place] = -1 if row["score"] is None else int(row[name])
            bands[place] = row["band"]
            points[place] = [int(row[f"points_{rule.key}"] or 0) for rule in usable]
            gates[place] = [bool(row[f"gate_{gate.name}"]) for gate in card.gates]
    return CardScores(card, scores, uncapped, tuple(bands), points, usable, left_out, gates)


def split_rules(card: Scorecard, lost: Mapping[str, str]) -> tuple[tuple[Rule, ...], tuple[OverwrittenRule, ...]]:
    """The rules that can be judged in the past, and those that cannot (wholly, or in some of their cases) with what is lost."""
    usable, left = [], []
    for rule in card.rules:
        judged = [case for case in rule.cases if not set(case.when.metrics) & set(lost)]
        if not judged or rule.per in lost:
            left.append(OverwrittenRule(rule.id, rule.dimension, _lost(rule, lost), whole=True))
            continue
        if len(judged) < len(rule.cases):
            left.append(OverwrittenRule(rule.id, rule.dimension, _lost(rule, lost), whole=False))
        usable.append(rule)
    return tuple(usable), tuple(left)


def _lost(rule: Rule, lost: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(lost[name] for name in (*rule.metrics, rule.per) if name in lost))


# --- what is said beside -----------------------------------------------------------------------------------------------------


def _warnings(engine: Engine, *, payments: bool) -> Iterator[str]:
    """How far the statuses that payments tell agree with billing's own of today."""
    if not payments:
        yield "There are no payments: what invoices were at a past date cannot be told, and the rules over them are left out."
        return
    (row,) = engine.run(
        """
        SELECT COUNT(*) AS invoices,
            SUM(CASE WHEN (i.payment_status = 'succeeded') = (NOT p.invoice_id IS NULL) THEN 1 ELSE 0 END) AS agree
        FROM invoice AS i
        LEFT JOIN (SELECT DISTINCT operator_id, invoice_id FROM payment WHERE status = 'succeeded') AS p
            ON p.operator_id = i.operator_id AND p.invoice_id = i.invoice_id
        WHERE i.status = 'finalized' AND i.total_minor > 0
        """
    )
    if row["invoices"]:
        share = row["agree"] / row["invoices"]
        yield (
            f"Invoices stand as their payments tell at each date; of {row['invoices']:,} finalised ones "
            f"{share_words(share)} are today as their payments say."
        )


def _managers(engine: Engine) -> int:
    """How many account owners the HubSpot companies name; 0: none is known."""
    (row,) = engine.run("SELECT COUNT(DISTINCT owner_id) AS owners FROM company")
    return int(row["owners"] or 0)


def _receipt(
    tables: TableSet, cards: Sequence[Scorecard], instants: Sequence[datetime], rows: Sequence[Any], until: datetime
) -> Receipt:
    """The proof of the computation: over which tables, dates and scorecards, and the digest of the rows it gave."""
    told = "\n".join(f"{row['operator_id']} {row['t']} {row['churned_at']} {row['kind']}" for row in rows)
    digest = text_digest(told)
    query = (
        f"every active account at {len(instants)} dates from {instants[0]:%Y-%m-%d} to {instants[-1]:%Y-%m-%d}; "
        f"churn by billing's subscriptions until {until:%Y-%m-%d}"
    )
    known = "|".join((query, tables.digest, *(card.digest for card in cards), digest))
    return Receipt(
        id=text_digest(known)[:16],
        source="backtest",
        stream="panel",
        query=query,
        fetched_at=until,
        rows=len(rows),
        digest=digest,
        place="memory",
        parameters=(
            ("tables", f"sha256:{tables.digest}"),
            *(
                (table_parameter(name), " ".join(one.id for one in file.receipts))
                for name, file in tables.files.items()
            ),
            *(("scorecard", f"{card.name} {card.version} sha256:{card.digest}") for card in cards),
        ),
    )


def _utc(as_of: datetime) -> datetime:
    return as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of.astimezone(UTC)
