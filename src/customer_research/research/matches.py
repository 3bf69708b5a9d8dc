"""The use cases behind `matches`: records that are perhaps an operator's, and what people decide of them."""

# ruff: noqa: S608 - names of tables and columns are ours; values are parameters
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from customer_research.domain.firm import FIRM
from customer_research.domain.identity import Candidate
from customer_research.domain.match import CERTAIN, MatchDecision, Ruling, confidence
from customer_research.domain.review import REVIEW, Review
from customer_research.domain.tables import TableSet
from customer_research.engines.engine import Engine
from customer_research.errors import UsageError
from customer_research.lake import Lake
from customer_research.record_tables import MATCHED, TABLES
from customer_research.research.company_matches import COMPANY, company_matches, company_named
from customer_research.research.engine_choice import scratch
from customer_research.research.firm_facts import title_of
from customer_research.research.kept_reviews import as_decided
from customer_research.research.lake_directory import attached, listed
from customer_research.research.one.resolve import of_lake
from customer_research.research.portfolio.books import looking
from customer_research.research.portfolio.owners import people_called
from customer_research.settings import Settings
from customer_research.store.beginnings import Beginnings
from customer_research.store.books import Books
from customer_research.store.database import open_store, open_to_read
from customer_research.store.firms import FirmBook, FirmRecord
from customer_research.store.matches import MatchBook
from customer_research.store.reviews import ReviewBook

_TITLES = ("title", "subject")
"""Columns that say what a record is about."""

_MAX_NOTE = 2000
_BEGINNINGS = Beginnings("match", 4, "`customer-research matches list` shows the records.", "record")


@dataclass(frozen=True, slots=True)
class RecordMatch:
    """A record that is an operator's, or perhaps is.

    `title` is the vendor's text. `decision` is what somebody decided of it, None where nobody did.
    """

    table: str
    record_id: str
    operator_id: str
    name: str
    title: str
    matched_by: str
    is_certain: bool
    created_at: datetime | None
    decision: MatchDecision | None = None

    @property
    def confidence(self) -> float | None:
        """How sure it is, 0 to 1, by the way it was found; None: the lake has the record no more."""
        return confidence(self.matched_by, is_certain=self.is_certain) if self.matched_by else None


def waiting(settings: Settings, term: str | None, owner: str | None, now: datetime) -> tuple[RecordMatch, ...]:
    """The probable matches that nobody decided, of one operator, of an account owner's book or of all, the newest first.

    Raises:
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several.
        UsageError: the lake is empty; no owner is called so, or there is no snapshot that tells whose operators are whose.
        StoreError: the store cannot be read.
    """
    found = _found(settings, _wanted(settings, term, owner, now))
    return tuple(one for one in found if not one.is_certain and one.decision is None)


def decided(settings: Settings, term: str | None, owner: str | None, now: datetime) -> tuple[RecordMatch, ...]:
    """The matches that somebody decided, the newest decision first; one whose record the lake has no more, too.

    Raises:
        OperatorNotFound, AmbiguousOperator, UsageError, StoreError: as `waiting`.
    """
    found = _found(settings, _wanted(settings, term, owner, now))
    made = [(one.decision.decided_at, one) for one in found if one.decision is not None]
    return tuple(one for _, one in sorted(made, key=lambda pair: pair[0], reverse=True))


def decide(
    settings: Settings, term: str, record: str, ruling: Ruling, *, who: str, now: datetime, note: str = ""
) -> RecordMatch:
    """Keep what somebody decides of a match; the match as it stood.

    `record` is the record's id, or its beginning.

    Raises:
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several.
        UsageError: no such match; it is sure already, or there is no decision to take back; the note is too long.
        StoreError: the store cannot be written to.
    """
    if len(note) > _MAX_NOTE:
        raise UsageError(f"The note has {len(note):,} characters; {_MAX_NOTE:,} are kept at most.")
    operator = of_lake(settings, term)
    text = _BEGINNINGS.read(record.replace("-", ""))
    own = [*_found(settings, frozenset({operator.operator_id})), *_of_nobody(settings, operator)]
    named = [one for one in own if _plain(one.record_id) == text] or list(_company(settings, operator, text))
    match = _BEGINNINGS.only(named or [one for one in own if _plain(one.record_id).startswith(text)], text)
    if ruling == "open" and match.decision is None:
        raise UsageError(f"Nobody decided whether {match.record_id} is {match.name[:80]}'s.")
    if ruling == "confirmed" and match.is_certain and match.decision is None:
        raise UsageError(f"{match.record_id} is {match.name[:80]}'s for sure already: by {match.matched_by}.")
    made = MatchDecision(match.table, match.record_id, match.operator_id, ruling, who, now, " ".join(note.split()))
    with open_store(settings.store_url) as store:
        MatchBook(store).decide(made)
    return match


def _of_nobody(settings: Settings, operator: Candidate) -> Iterator[RecordMatch]:
    """The reviews of which nobody is known: whoever knows may say that they are an operator's."""
    with open_to_read(settings.store_url) as store:
        made = MatchBook(store).decisions()
        told = {(one.record_id, one.operator_id) for one in made if one.ruling != "open"}
        for one in as_decided(ReviewBook(store).reviews(), [one for one in made if one.table == REVIEW]):
            if not one.operator_id and (one.id, operator.operator_id) not in told:
                yield _of_review(one, operator.operator_id, operator.name)


def _company(settings: Settings, operator: Candidate, company_id: str) -> Iterator[RecordMatch]:
    """The HubSpot company of this very id, which nothing links to the operator: whoever knows may say that it is its."""
    with scratch(settings) as engine:
        row = company_named(settings, engine, company_id)
    if row is not None:
        told = {**row, "operator_id": operator.operator_id, "matched_by": "", "is_certain": False}
        yield _of_row(COMPANY, told, {operator.operator_id: operator.name}, {})


def _of_review(one: Review, operator_id: str, name: str, decision: MatchDecision | None = None) -> RecordMatch:
    day = datetime.combine(one.written_on, time(), UTC)
    return RecordMatch(
        REVIEW, one.id, operator_id, name, one.title or one.words, one.matched_by, one.is_certain, day, decision
    )


def _of_firm(one: FirmRecord, name: str, decision: MatchDecision | None) -> RecordMatch:
    best = confidence(one.matched_by, is_certain=not one.is_shared)
    title = f"{title_of(one.provider)}, {one.provider_id}"
    return RecordMatch(
        FIRM, one.record_id, one.operator_id, name, title, one.matched_by, best >= CERTAIN, one.fetched_at, decision
    )


def _plain(record_id: str) -> str:
    return record_id.replace("-", "").lower()


def _wanted(settings: Settings, term: str | None, owner: str | None, now: datetime) -> frozenset[str] | None:
    """Whose matches are asked for; None: everybody's."""
    if term is not None:
        return frozenset({of_lake(settings, term).operator_id})
    if owner is None:
        return None
    with looking(settings, now) as (store, ready):
        books = Books(store)
        return books.owned(ready, people_called(owner, books.people(ready)))


def _found(settings: Settings, wanted: frozenset[str] | None) -> Sequence[RecordMatch]:
    """The matches of the lake with what was decided of them, and the decisions of which the lake has no match any more."""
    with open_to_read(settings.store_url) as store:
        told = [one for one in MatchBook(store).decisions() if one.ruling != "open"]
        reviews = {one.id: one for one in ReviewBook(store).reviews()}
        firms = FirmBook(store).records()
    made = {
        (one.table, one.record_id, one.operator_id): one for one in told if wanted is None or one.operator_id in wanted
    }
    tables = Lake(settings.lake_folder).tables()
    with scratch(settings) as engine:
        names = {one.operator_id: one.name for one in listed(engine, tables)}
        found = list(_of_lake(settings, engine, tables, names, wanted=wanted, made=made))
    for one in reviews.values():
        owner = one.operator_id
        if owner and (wanted is None or owner in wanted):
            found.append(_of_review(one, owner, names.get(owner, owner), made.get((REVIEW, one.id, owner))))
    for firm in firms:
        owner = firm.operator_id
        if wanted is None or owner in wanted:
            found.append(_of_firm(firm, names.get(owner, owner), made.get((FIRM, firm.record_id, owner))))
    there = {(one.table, one.record_id, one.operator_id) for one in found}
    for key, decision in made.items():
        if key in there:
            continue
        owner = decision.operator_id
        name = names.get(owner, owner)
        if decision.table == REVIEW and decision.record_id in reviews:  # nobody was known of it, or another
            found.append(_of_review(reviews[decision.record_id], owner, name, decision))
        else:
            found.append(RecordMatch(*key, name, "", "", is_certain=False, created_at=None, decision=decision))
    return found


def _of_lake(
    settings: Settings,
    engine: Engine,
    tables: TableSet,
    names: Mapping[str, str],
    *,
    wanted: frozenset[str] | None,
    made: Mapping[tuple[str, str, str], MatchDecision],
) -> Iterator[RecordMatch]:
    for table, key in MATCHED.items():
        if not attached(engine, tables, table):
            continue
        title = next(name for name in _TITLES if name in TABLES[table].column_names)
        rows = engine.run(
            f"""
            SELECT operator_id, {key} AS record_id, {title} AS title, matched_by, is_certain, created_at FROM {table}
            WHERE $wanted IS NULL OR LIST_CONTAINS($wanted, operator_id)
            ORDER BY created_at DESC NULLS LAST, record_id, operator_id
            """,
            {"wanted": None if wanted is None else sorted(wanted)},
        )
        yield from (_of_row(table, row, names, made) for row in rows)
    for row in company_matches(settings, engine, tables):
        if wanted is None or row["operator_id"] in wanted:
            yield _of_row(COMPANY, row, names, made)


def _of_row(
    table: str, row: Mapping[str, Any], names: Mapping[str, str], made: Mapping[tuple[str, str, str], MatchDecision]
) -> RecordMatch:
    owner, record = str(row["operator_id"]), str(row["record_id"])
    return RecordMatch(
        table,
        record,
        owner,
        names.get(owner, owner),
        str(row["title"] or ""),
        str(row["matched_by"] or ""),
        is_certain=bool(row["is_certain"]),
        created_at=row["created_at"],
        decision=made.get((table, record, owner)),
    )
