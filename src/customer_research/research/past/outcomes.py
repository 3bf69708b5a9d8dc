"""The use cases behind `outcome`: recording what was done about an account and why it left, and listing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from customer_research.domain.evidence import Receipt
from customer_research.domain.outcome import Outcome
from customer_research.domain.report import Report
from customer_research.errors import UsageError
from customer_research.reports.inquiries.outcomes_report import REPORT, OutcomeList
from customer_research.research.one.resolve import of_lake
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings
from customer_research.store.database import open_store, open_to_read
from customer_research.store.outcomes import OutcomeBook

SOURCE = "outcomes"
"""The source of the receipts of what people recorded."""

_MAX_NOTE = 2000


def record(settings: Settings, term: str, given: Outcome) -> Outcome:
    """Keep what somebody records of the operator that the term names. Billing stays the truth on whether one left.

    Raises:
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several.
        UsageError: the day lies in the future, the note is too long, or the lake is empty.
        StoreError: the store cannot be written to.
    """
    found = of_lake(settings, term)
    if given.on > given.recorded_at.date():
        raise UsageError(f"{given.on} lies in the future.", hint="Record what has happened.")
    note, competitor = _short(given.note, "The note"), _short(given.competitor, "The competitor's name")
    kept = replace(given, operator_id=found.operator_id, name=found.name, note=note, competitor=competitor)
    with open_store(settings.store_url) as store:
        return OutcomeBook(store).add(kept)


def retract(settings: Settings, record_id: str, *, note: str, who: str, now: datetime) -> Outcome:
    """Take a record back; it stays in the store, and does not count any more.

    Raises:
        UsageError: no such record.
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        return OutcomeBook(store).retract(record_id, who=who, note=_short(note, "The note"), now=now)


def recorded(settings: Settings) -> tuple[tuple[Outcome, ...], Receipt]:
    """All records that count, and the proof of what the store gave.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_to_read(settings.store_url) as store:
        found = OutcomeBook(store).records()
        return found, store_receipt(found, store.place)


def outcomes_report(settings: Settings, term: str | None, *, now: datetime) -> Report:
    """The records of one operator, or of all.

    Raises:
        OperatorNotFound, AmbiguousOperator: the lake knows no such operator, or several.
        StoreError: the store cannot be read.
    """
    whom = None if term is None else of_lake(settings, term)
    with open_to_read(settings.store_url) as store:
        found = OutcomeBook(store).records(None if whom is None else whom.operator_id)
        receipt = store_receipt(found, store.place)
    name = "" if whom is None else whom.name
    operator_id = "" if whom is None else whom.operator_id
    return REPORT.build(OutcomeList(operator_id, name, found, receipt, now))


def store_receipt(records: Sequence[Outcome], place: str) -> Receipt:
    """The proof of what the store gave."""
    latest = max((one.recorded_at for one in records), default=None)
    return kept_receipt(
        SOURCE,
        tuple(map(repr, records)),
        source=SOURCE,
        stream="outcome",
        query="the records that count",
        fetched_at=latest or _EPOCH,
        place=place,
    )


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _short(text: str, what: str) -> str:
    short = text.strip()
    if len(short) > _MAX_NOTE:
        raise UsageError(f"{what} has {len(short):,} characters; {_MAX_NOTE:,} are kept at most.")
    return short
