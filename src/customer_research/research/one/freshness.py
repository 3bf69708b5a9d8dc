"""How each source answered: when, how fresh, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from customer_research.connect.source import Source
from customer_research.connect.sql import SqlAnswer
from customer_research.domain.account import Records
from customer_research.domain.evidence import ANSWERS, Gap, Receipt
from customer_research.domain.report import Freshness
from customer_research.domain.tables import STALE_AFTER
from customer_research.record_tables import TABLES, is_off
from customer_research.research.one.dossier import Dossier

SourceState = Literal["ok", "partial", "missing"]


def freshness(dossier: Dossier, sources: Iterable[Source]) -> tuple[Freshness, ...]:
    """One line a source that was asked: its state, the time of its answer, its gaps."""
    return tuple(found for source in sources if (found := _of(dossier, source.name)) is not None)


def _of(dossier: Dossier, source: str) -> Freshness | None:
    records = [r for name, r in dossier.records.items() if TABLES[name].home == source]
    offers = (offer.records for offer in dossier.offered.values() if offer.source == source)
    records += [
        offer for offer in offers if offer.gap is None or not is_off(offer.gap)
    ]  # else nobody asked it for these
    answers = list(dossier.answers.values()) if source == "warehouse" else []
    listings = list(dossier.listings.values()) if source == "warehouse" else []
    if not records and not answers:
        return None
    gaps = list(_gaps(records + listings, answers, dossier if source == "warehouse" else None))
    receipts = [*_receipts(records + listings, answers)]
    known = any(r.known for r in records) or any(isinstance(answer, SqlAnswer) for answer in answers)
    fetched = max((receipt.fetched_at for receipt in receipts), default=None)
    warning = _warning(fetched, dossier.as_of)
    return line_of(source, tuple(dict.fromkeys(gaps)), fetched, known=known and bool(receipts), warning=warning)


def line_of(
    source: str, gaps: tuple[Gap, ...], fetched_at: datetime | None, *, known: bool, warning: str = ""
) -> Freshness:
    """The line of a source whose gaps are these; `known`: it answered to something."""
    state: SourceState = "ok" if not gaps else "partial" if known else "missing"
    return Freshness(source, state, fetched_at, None, gaps, warning)


def by_source(
    receipts: Sequence[Receipt], gaps: Sequence[Gap]
) -> Iterator[tuple[str, list[datetime], tuple[Gap, ...]]]:
    """Each source, when its receipts were fetched, and its gaps."""
    for source in dict.fromkeys([one.source for one in receipts] + [one.source for one in gaps]):
        fetched = [one.fetched_at for one in receipts if one.source == source]
        yield source, fetched, tuple(one for one in gaps if one.source == source)


def _gaps(records: list[Records], answers: list[SqlAnswer | Gap], warehouse: Dossier | None) -> Iterable[Gap]:
    stated = [r.gap for r in records if r.gap is not None]
    stated += [answer for answer in answers if isinstance(answer, Gap)]
    if warehouse is not None:
        # An optional table that this deployment does not have is told with its figures; the source is not partial for it.
        stated += [gap for gap in warehouse.bound_gaps.values() if gap.reason != "not_configured"]
    return (gap for gap in stated if gap.reason not in ANSWERS)


def _receipts(records: list[Records], answers: list[SqlAnswer | Gap]) -> Iterable[Receipt]:
    for record in records:
        yield from record.receipts
    for answer in answers:
        if isinstance(answer, SqlAnswer):
            yield answer.receipt


def _warning(fetched: datetime | None, as_of: datetime) -> str:
    if fetched is None or as_of - fetched <= STALE_AFTER:
        return ""
    hours = int((as_of - fetched).total_seconds() // 3600)
    return f"Read {hours} hours before the report's date."
