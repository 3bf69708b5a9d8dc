"""The reviews that the store keeps of one operator, as its account has them: those that are its own, and those that probably are.

They move no figure, score, finding or advice. What somebody decided of a match counts as everywhere; where nothing is kept, the
account is as it would be without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from customer_research.domain.account import Account, Records
from customer_research.domain.evidence import Gap
from customer_research.domain.match import CONFIRMED, PROBABLE, MatchDecision
from customer_research.domain.review import REVIEW, Review
from customer_research.errors import StoreError
from customer_research.settings import Settings

if TYPE_CHECKING:
    from customer_research.store.database import Store

SOURCE = "reviews"


def with_reviews(account: Account, settings: Settings) -> Account:
    """The account with its reviews, or with the gap that stands for them; as it is where none is kept.

    Raises:
        ConfigError: the setting `store.url` is wrong.
    """
    from customer_research.store.database import is_there, open_store  # noqa: PLC0415 - most stores keep no reviews

    if not is_there(settings.store_url):
        return account
    try:
        with open_store(settings.store_url) as store:
            found = _records(store, account)
    except StoreError as error:
        found = Records(REVIEW, (), (), Gap(SOURCE, "unavailable", error.message.rstrip("."), error.hint))
    return account if found is None else replace(account, records={**account.records, REVIEW: found})


def _records(store: Store, account: Account) -> Records | None:
    from customer_research.store.reviews import ReviewBook  # noqa: PLC0415 - start-up time

    shown = [one for one in of_operator(store, account.operator_id, account.as_of) if one.confidence >= PROBABLE]
    if not shown:
        return None
    receipts = ReviewBook(store).receipts({one.receipt for one in shown})
    return Records(REVIEW, tuple(map(_row, shown)), receipts)


def _row(one: Review) -> dict[str, Any]:
    return {
        "review_id": one.id,
        "about": one.about,
        "place": one.place,
        "written_on": one.written_on,
        "rating": one.rating,
        "best": one.best,
        "title": one.title,
        "words": one.words,
        "url": one.url,
        "licence": one.licence,
        "matched_by": one.matched_by,
        "confidence": one.confidence,
        "is_certain": one.is_certain,
        "fetch_id": one.receipt,
    }


def of_operator(store: Store, operator_id: str, until: datetime) -> tuple[Review, ...]:
    """An operator's reviews that were written and read until an instant, as people decided of them, the newest first."""
    from customer_research.store.matches import MatchBook  # noqa: PLC0415 - start-up time
    from customer_research.store.reviews import ReviewBook  # noqa: PLC0415 - start-up time

    made = [one for one in MatchBook(store).decisions() if one.table == REVIEW and one.decided_at <= until]
    confirmed = [one.record_id for one in made if one.ruling == "confirmed" and one.operator_id == operator_id]
    found = ReviewBook(store).of_operator(operator_id, confirmed)
    known = (one for one in found if one.written_on <= until.date() and one.fetched_at <= until)
    return tuple(one for one in as_decided(known, made) if one.operator_id == operator_id)


def as_decided(reviews: Iterable[Review], made: Sequence[MatchDecision]) -> Iterator[Review]:
    """Reviews with the operators that people confirmed, and without those that they refused: such are nobody's again."""
    confirmed = {one.record_id: one.operator_id for one in made if one.ruling == "confirmed"}
    refused = {(one.record_id, one.operator_id) for one in made if one.ruling == "refused"}
    for one in reviews:
        owner = confirmed.get(one.id)
        if owner is not None:
            yield replace(one, operator_id=owner, matched_by=CONFIRMED)
        elif (one.id, one.operator_id) in refused:
            yield replace(one, operator_id="", matched_by="")
        else:
            yield one
