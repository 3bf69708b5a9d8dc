"""The history of one operator: found by any identifier, read from the store, put into words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from customer_research.domain.account import Account
from customer_research.domain.evidence import Receipt
from customer_research.domain.history import SHOWN, OperatorHistory, Past, Trend
from customer_research.domain.identity import Candidate, Match
from customer_research.domain.report import Report
from customer_research.domain.snapshot import DESCRIPTION, Snapshot
from customer_research.errors import (
    AmbiguousOperator,
    ConfigError,
    EngineError,
    OperatorNotFound,
    SourceError,
    UsageError,
)
from customer_research.health.findings import load_findings
from customer_research.health.history import SOURCE, one_each, trend
from customer_research.health.scorecard import Scorecard
from customer_research.reports.kinds.history import KIND
from customer_research.research import lake_directory
from customer_research.research.engine_choice import reader
from customer_research.research.one.judge import METRIC_NAMES, card_named
from customer_research.research.one.resolve import not_one, operator_id_of
from customer_research.research.portfolio.history import kept_card
from customer_research.research.portfolio.snapshot_view import SnapshotView, freshness_of
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.database import open_to_read
from customer_research.store.history import History

if TYPE_CHECKING:
    from customer_research.research.one.operators import Operators

_NEAREST = 10


async def history_report(
    operators: Operators, term: str, *, scorecard: str | None = None, shown: int = SHOWN
) -> Report:
    """How the score of the one operator that the term names moved, and what moved it.

    Without *scorecard* that of the settings is told of, or else that of the newest reading.

    Raises:
        UsageError: there is no history yet, or none under that scorecard.
        OperatorNotFound, AmbiguousOperator: as for every report; the names of the newest snapshot are searched where the
            sources cannot be asked.
        ConfigError: no such scorecard, or a wrong setting.
        StoreError: the store cannot be read.
    """
    settings = operators.settings
    with open_to_read(settings.store_url) as store:
        history = History(store)
        latest = history.latest()
        if latest is None:
            raise no_history()
        operator_id, remark = await _operator(operators, history, latest, term)
        past = one_each(history.series(operator_id))
        if not past:
            raise OperatorNotFound(
                f"The score history has no reading of the operator {operator_id}.",
                hint="It has those who were known when the portfolio was scored.",
            )
        now = _newest(past, settings, scorecard)
        card = kept_card(history, now.snapshot.digest)
    found = _told(operators, past, now, card, remark)
    return KIND.build(replace(found, shown=shown))


def no_history() -> UsageError:
    """What to say where nothing was ever scored."""
    return UsageError(
        "There is no score history yet.",
        hint="Run `customer-research portfolio score`, or `customer-research history backfill` for the past two years.",
    )


def _newest(past: Sequence[Past], settings: Settings, scorecard: str | None) -> Past:
    """The newest reading under the scorecard asked for; under that of the settings, where there is one."""
    digest = card_named(scorecard or settings.scorecard).digest
    same = [one for one in past if one.snapshot.digest == digest]
    if same:
        return same[-1]
    if scorecard is None:
        return past[-1]
    known = dict.fromkeys(f"{one.snapshot.scorecard} {one.snapshot.version}" for one in past)
    raise UsageError(
        f"The history has no reading under the scorecard {scorecard} as it is now.",
        hint=f"It has readings under: {', '.join(known)}.",
    )


# -- who ---------------------------------------------------------------------------------------------------------------


async def _operator(operators: Operators, history: History, latest: Snapshot, term: str) -> tuple[str, str]:
    """The operator's id, and how it was found where that was not by the sources."""
    known = operator_id_of(term)
    if known is None and history.series(term.strip()):
        known = term.strip()  # canonical tables from elsewhere have ids of their own form
    if known is not None:
        return known, ""
    try:
        return await operators.identify(term), ""
    except AmbiguousOperator:
        raise
    except (OperatorNotFound, ConfigError, SourceError) as error:
        match = _by_name(history, latest, term) or _in_the_lake(operators.settings, term)
        if match is None:
            raise
        asked = (
            "The sources know nobody of that name"
            if isinstance(error, OperatorNotFound)
            else "The sources could not be asked"
        )
        found = f"by name in the snapshot of {latest.as_of:%Y-%m-%d}" if match.how == "name" else "in the lake"
        return match.operator_id, f"{asked}: found {found}."


def _in_the_lake(settings: Settings, term: str) -> Match | None:
    """The one operator whose record in the lake the term names: an invoice, a ticket, a contact.

    Raises:
        AmbiguousOperator: several have one.
    """
    try:
        answer = lake_directory.search(settings, term)
    except UsageError:
        return None
    if answer.best is None and answer.total > 1:
        raise not_one(answer)
    return answer.best


def _by_name(history: History, latest: Snapshot, term: str) -> Match | None:
    """The one operator of the newest snapshot of that name, or whose name contains the term.

    Raises:
        AmbiguousOperator: several are.
    """
    wanted = " ".join(term.casefold().split())
    names = history.operators(latest.id)
    folded = {operator_id: " ".join(name.casefold().split()) for operator_id, name in names.items()}
    same = [operator_id for operator_id, name in folded.items() if name == wanted]
    chosen = sorted(same or [operator_id for operator_id, name in folded.items() if wanted and wanted in name])
    matches = [Match(Candidate(one, names[one]), "name", "Its name in the newest snapshot.", 1.0) for one in chosen]
    if len(matches) > 1:
        raise AmbiguousOperator(
            f"{len(matches)} operators of the newest snapshot answer to {term[:80]!r}.",
            candidates=tuple(matches[:_NEAREST]),
            hint="Give the operator id of the one you mean.",
        )
    return matches[0] if matches else None


# -- what --------------------------------------------------------------------------------------------------------------


def _told(operators: Operators, past: tuple[Past, ...], now: Past, card: Scorecard, remark: str) -> OperatorHistory:
    moved, operator_id = trend(past, now, card), now.reading.operator_id
    settings, generated_at = operators.settings, operators.now()
    return OperatorHistory(
        operator_id=operator_id,
        name=now.reading.name,
        generated_at=generated_at,
        past=past,
        now=now,
        trend=moved,
        receipt=_receipt(operator_id, past, generated_at),
        accounts=dict(_accounts(settings, operator_id, _compared(now, moved), card, generated_at)),
        conditions={rule.id: " or ".join(case.when.sql for case in rule.cases) for rule in card.rules},
        titles={dimension.name: dimension.title for dimension in card.dimensions},
        findings={rule.id: rule.title for rule in load_findings(METRIC_NAMES)},
        freshness=freshness_of(now.snapshot),
        remark=remark,
    )


def _compared(now: Past, moved: Trend) -> Mapping[str, Snapshot]:
    """The snapshots whose figures say why something moved."""
    movements = [movement for movement in (moved.since_30_days, moved.since_band) if movement is not None]
    return {past.snapshot.id: past.snapshot for past in (now, *(movement.then for movement in movements))}


def _accounts(
    settings: Settings, operator_id: str, snapshots: Mapping[str, Snapshot], card: Scorecard, now: datetime
) -> Iterator[tuple[str, Account]]:
    """The operator's account in each of these snapshots whose files are still there and whole."""
    for snapshot_id, snapshot in snapshots.items():
        folder = place_of(settings, snapshot)
        if not (folder / DESCRIPTION).is_file():
            continue
        with suppress(EngineError), reader(settings, folder) as engine:
            (account,) = SnapshotView(settings, engine, folder, snapshot, now).accounts([operator_id], card)
            yield snapshot_id, account


def place_of(settings: Settings, snapshot: Snapshot) -> Path:
    """The folder of a snapshot's files in the lake."""
    return settings.lake_folder / snapshot.place


def _receipt(operator_id: str, past: Iterable[Past], now: datetime) -> Receipt:
    """The proof of what the store gave: the readings, and the snapshots that they stand in."""
    return kept_receipt(
        "history",
        [f"{one.snapshot.id} {one.snapshot.digest} {one.reading!r}" for one in past],
        source=SOURCE,
        stream="readings",
        query=f"score history of operator {operator_id}, all snapshots",
        fetched_at=now,
        place="store",
    )
