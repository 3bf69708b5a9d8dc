"""What people decided of matches, applied to what sources give: the same for one operator as it is fetched and for the lake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from customer_research.connect.source import Batch
from customer_research.domain.evidence import Gap
from customer_research.domain.match import MatchDecision, decided
from customer_research.errors import StoreError
from customer_research.record_tables import MATCHED
from customer_research.settings import Settings

SOURCE = "matches"
"""The source of what people decided, in gaps."""


def decisions(settings: Settings, operator_id: str | None = None) -> Mapping[str, Sequence[MatchDecision]]:
    """The decisions by table, of one operator or of all; none where no store has been made.

    Raises:
        StoreError: the store cannot be read.
    """
    from customer_research.store.database import is_there, open_store  # noqa: PLC0415 - most operators have no match to decide

    found: dict[str, list[MatchDecision]] = defaultdict(list)
    if is_there(settings.store_url):
        from customer_research.store.matches import MatchBook  # noqa: PLC0415 - as above

        with open_store(settings.store_url) as store:
            for one in MatchBook(store).decisions(operator_id):
                found[one.table].append(one)
    return found


def has_matches(batch: Batch) -> bool:
    """Whether a batch has rows whose operator was found by what they say."""
    return any(batch.tables.get(table) for table in MATCHED)


def with_decisions(settings: Settings, operator_id: str, batch: Batch) -> Batch:
    """The batch as people left it.

    Where their decisions cannot be read, a table with a probable match is not known: one that was confirmed must not seem less.
    """
    rows = {table: batch.tables[table] for table in MATCHED if batch.tables.get(table)}
    try:
        made = decisions(settings, operator_id)
    except StoreError as error:
        unsure = [table for table, found in rows.items() if not all(row["is_certain"] for row in found)]
        gap = Gap(SOURCE, "unavailable", error.message.rstrip("."), error.hint)
        return replace(batch, gaps={**dict.fromkeys(unsure, gap), **batch.gaps})
    changed = {table: decided(found, MATCHED[table], made[table]) for table, found in rows.items() if table in made}
    return replace(batch, tables={**batch.tables, **changed})
