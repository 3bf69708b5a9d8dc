"""What people decided of matches, applied to what sources give: the same for one operator as it is fetched and for the lake."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from customer_research.domain.account import Records
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.match import MatchDecision, Ruling, decided
from customer_research.errors import StoreError
from customer_research.record_tables import MATCHED
from customer_research.research.receipts import kept_receipt
from customer_research.settings import Settings

SOURCE = "matches"
"""The source of what people decided, in receipts and gaps."""


@dataclass(frozen=True, slots=True)
class MatchDecisions:
    """Decisions, those that were taken back among them, and the store that keeps them."""

    made: tuple[MatchDecision, ...] = ()
    place: str = ""

    def of(self, table: str) -> tuple[MatchDecision, ...]:
        """Those about a table's records."""
        return tuple(one for one in self.made if one.table == table)

    def ruled(self, table: str) -> dict[str, Ruling]:
        """What was decided of one operator's records of a table, by their ids."""
        return {one.record_id: one.ruling for one in self.of(table)}

    def newest(self, table: str) -> datetime | None:
        """When the last of them was made, or taken back."""
        return max((one.decided_at for one in self.of(table)), default=None)

    def receipts(self, table: str) -> tuple[Receipt, ...]:
        """The proof of those that stand; none where none does."""
        standing = [one for one in self.of(table) if one.ruling != "open"]
        if not standing:
            return ()
        return (
            kept_receipt(
                SOURCE,
                tuple(map(repr, standing)),
                source=SOURCE,
                stream=table,
                query=f"the decisions on matches of {table} records",
                fetched_at=max(one.decided_at for one in standing),
                place=self.place,
            ),
        )


def decisions(settings: Settings, operator_id: str | None = None, until: datetime | None = None) -> MatchDecisions:
    """The decisions about one operator or all, made until an instant; none where no store has been made.

    Raises:
        StoreError: the store cannot be read.
    """
    from customer_research.store.database import is_there, open_store  # noqa: PLC0415 - most operators have no match to decide

    if not is_there(settings.store_url):
        return MatchDecisions()
    from customer_research.store.matches import MatchBook  # noqa: PLC0415 - as above

    with open_store(settings.store_url) as store:
        made = MatchBook(store).decisions(operator_id)
        return MatchDecisions(tuple(one for one in made if until is None or one.decided_at <= until), store.place)


def unread(error: StoreError) -> Gap:
    """The gap of what depends on decisions that cannot be read."""
    return Gap(SOURCE, "unavailable", error.message.rstrip("."), error.hint)


def as_decided(settings: Settings, operator_id: str, until: datetime, records: Records) -> Records:
    """An operator's records of one of the tables of `MATCHED` as people left them until an instant.

    Where their decisions cannot be read, a table with a probable match is not known: one that was confirmed must not seem less.
    """
    try:
        known = decisions(settings, operator_id, until)
    except StoreError as error:
        if records.gap is not None or all(row["is_certain"] for row in records.rows):
            return records
        return replace(records, gap=unread(error))
    rows = decided(records.rows, MATCHED[records.table], known.of(records.table))
    return replace(records, rows=tuple(rows), receipts=(*records.receipts, *known.receipts(records.table)))
