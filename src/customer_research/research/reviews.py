"""The use cases behind `reviews`: take them from files and from G2, list them, and look at an operator's place at Google.

Reviews about us and about operators are never counted together, and none takes points. Of Google nothing is kept but a place's id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from customer_research.connect.source import Clock
from customer_research.domain.evidence import Gap
from customer_research.domain.records import tables
from customer_research.domain.review import (
    REVIEW,
    About,
    PlaceOfOperator,
    Review,
    Reviewed,
    is_google,
    review_id,
    web_address,
)
from customer_research.errors import UsageError
from customer_research.lake import Lake
from customer_research.research import firm_owners
from customer_research.research.engine_choice import scratch
from customer_research.research.firm_owners import Firm, Firms
from customer_research.research.kept_reviews import as_decided
from customer_research.research.lake_directory import listed
from customer_research.research.one.resolve import of_lake
from customer_research.research.sync.given_rows import read_rows
from customer_research.reviews.g2 import G2, NAME, PLACE
from customer_research.reviews.google import GooglePlaces, Place
from customer_research.settings import Settings
from customer_research.store.database import open_store, open_to_read
from customer_research.store.matches import MatchBook
from customer_research.store.reviews import Forgotten, Kept, PullMark, ReviewBook

OVERLAP = timedelta(days=1)
"""How far a pull of what changed reaches back behind the last one: clocks differ."""

_FEW = 2
"""Where all reviews were asked for and fewer than a half came, that may be a fault: none is taken for gone."""

_BEST, _LONGEST_PLACE, _LONGEST_LICENCE, _LONGEST_ID = 5.0, 60, 300, 300

FILE = tables(
    "file",
    """
    reviews [review_id] one row per review
        review_id text what the place calls it, or another name that stays the same
        written_on date when it was written
        rating number stars; empty: without
        best number of how many; empty: 5
        title text its title
        words text what it says
        url text its page
        operator_id text the operator, where you know it
        stripe_account text the firm's Stripe account
        domain text the firm's web domain: about us, the reviewer's; about an operator, its own
        company text the firm's name
        city text the firm's city
        phone text * the firm's telephone number
    """,
)["reviews"]
"""What a file of reviews may hold. Reviewers' names are none of it."""


NOTHING = Kept(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an import or a pull.

    `matched` and `probable` reviews are surely and perhaps an operator's; of the `unknown` nobody knows whose they are. `unread` is
    why some of G2's could not be read, `whole` whether all of G2's were asked for; `missing` is how many are kept where G2 told of so
    few that none was taken for gone (0: it did not).
    """

    place: str
    about: About
    kept: Kept = NOTHING
    matched: int = 0
    probable: int = 0
    unknown: int = 0
    unread: Gap | None = None
    whole: bool = True
    missing: int = 0


def take_file(settings: Settings, path: Path, about: About, now: datetime, *, place: str, licence: str) -> Taken:
    """Keep the reviews of a file, in place of those of the same place and name.

    Raises:
        UsageError: the file, the place or the licence is none; the place is Google's, whose reviews may not be kept.
        TablesRefused: everything that is wrong in the file; nothing of it was taken.
        StoreError: the store cannot be written to.
    """
    where, under = (" ".join(text.split()) for text in (place, licence))
    if not where or len(where) > _LONGEST_PLACE:
        raise UsageError(f"A place has 1 to {_LONGEST_PLACE} characters.", hint="Give it as --place Capterra.")
    if not under or len(under) > _LONGEST_LICENCE:
        hint = "Say with --licence under which contract or permission they may be kept."
        raise UsageError(f"A licence has 1 to {_LONGEST_LICENCE} characters.", hint=hint)
    if is_google(where):
        hint = "`customer-research reviews live OPERATOR` shows them while you look, and keeps nothing."
        raise UsageError("Google's terms let nobody keep its reviews: they cannot be imported.", hint=hint)
    given = read_rows(path, FILE, settings, now)
    shared = {"about": about, "licence": under, "fetched_at": now, "receipt": given.receipt.id}
    with open_store(settings.store_url) as store:
        book = ReviewBook(store)
        known = next((one.place for one in book.reviews(about=about, place=where)), where)
        firms = Firms(firm_owners.of_lake(settings))
        reviews = matched([_given(row, {**shared, "place": known}) for row in given.rows], firms)
        return _taken(book, reviews, book.keep(reviews, (given.receipt,)), firms, Taken(known, about))


def _given(row: Mapping[str, Any], shared: Mapping[str, Any]) -> Review:
    """A row as a review; `shared` is what all of the file have.

    Raises:
        UsageError: it has no day, or more stars than there are.
    """
    number, rating, best = str(row["review_id"]), row["rating"], row["best"] or _BEST
    if row["written_on"] is None:
        raise UsageError(f"The review {number[:40]} has no written_on.", hint="Say when it was written: 2026-11-01.")
    if rating is not None and not 0 <= rating <= best:
        raise UsageError(
            f"The review {number[:40]} has {rating:g} of {best:g} stars.", hint="Say with `best` of how many."
        )
    return Review(
        **shared,
        number=number,
        firm=Reviewed(**{name: str(row[name] or "") for name in Reviewed.__slots__}),
        rating=rating,
        best=best,
        title=str(row["title"] or ""),
        words=str(row["words"] or ""),
        url=web_address(str(row["url"] or "")),
        written_on=row["written_on"],
    )


async def fetch(settings: Settings, clock: Clock, *, whole: bool = False) -> Taken:
    """Ask G2 for the reviews of our product that changed, and from time to time for all: only so it shows which are gone.

    Raises:
        ConfigError: G2 is not set up.
        SourceError: G2 did not give all that was asked for; nothing of it was kept.
        StoreError: the store cannot be used.
    """
    connection = G2(settings, clock)
    try:
        own, began = connection.own, clock()
        with open_store(settings.store_url) as store:
            book = ReviewBook(store)
            mark = book.mark(PLACE, own.product)
            due = mark is None or began - mark.whole_at >= timedelta(days=own.whole_days)
            since = None if mark is None or whole or due else mark.since - OVERLAP
            pulled = await connection.reviews(since)
            firms = Firms(firm_owners.of_lake(settings))
            reviews = matched(pulled.reviews, firms)
            there = book.brought_by(NAME)
            doubted = pulled.whole and not whole and len(reviews) * _FEW < len(there)
            all_came = pulled.whole and not doubted
            gone = {review_id("us", PLACE, number) for number in pulled.gone} | (there if all_came else frozenset())
            ended = PullMark(began, began if all_came or mark is None else mark.whole_at)
            kept = book.keep(
                reviews,
                pulled.receipts,
                gone=gone,
                mark=(PLACE, own.product, ended),
            )
            done = Taken(PLACE, "us", unread=pulled.unread, whole=since is None, missing=len(there) if doubted else 0)
            return _taken(book, reviews, kept, firms, done)
    finally:
        await connection.close()


def matched(reviews: Sequence[Review], firms: Firms) -> list[Review]:
    """The reviews, each with the operator that is known by what is told of the firm."""
    return [_of_firm(one, firms) for one in reviews]


def _of_firm(one: Review, firms: Firms) -> Review:
    told = one.firm
    found = firms.match(Firm(told.operator_id, told.stripe_account, told.domain, told.company, told.city, told.phone))
    owner, way = found or ("", "")
    return replace(one, operator_id=owner, matched_by=way)


def _taken(book: ReviewBook, reviews: Sequence[Review], kept: Kept, firms: Firms, done: Taken) -> Taken:
    """What is to be told; such as nobody was known of before are looked up again with them."""
    here = {one.id for one in reviews}
    waiting = [one for one in book.reviews() if not one.operator_id and one.id not in here]
    found = {one.id: (one.operator_id, one.matched_by) for one in matched(waiting, firms) if one.operator_id}
    book.rematch(found)
    sure = sum(one.is_certain for one in reviews)
    unknown = sum(not one.operator_id for one in reviews)
    return replace(done, kept=kept, matched=sure, probable=len(reviews) - sure - unknown, unknown=unknown)


@dataclass(frozen=True, slots=True)
class ListedReview:
    """A review with the name of the operator whose it is; both empty where nobody is known."""

    review: Review
    name: str


def kept(
    settings: Settings, term: str | None, about: About | None, now: datetime, *, unmatched: bool = False
) -> tuple[ListedReview, ...]:
    """The reviews that are kept, the newest first: of one operator or of all, about one of the two or both, or those of nobody.

    Raises:
        OperatorNotFound, AmbiguousOperator, UsageError: the lake knows no such operator, several, or none at all.
        StoreError: the store cannot be read.
    """
    wanted = None if term is None else of_lake(settings, term).operator_id
    with open_to_read(settings.store_url) as store:
        made = [one for one in MatchBook(store).decisions() if one.table == REVIEW and one.decided_at <= now]
        found = as_decided(ReviewBook(store).reviews(about=about), made)
        shown = [one for one in found if wanted in {None, one.operator_id} and not (unmatched and one.operator_id)]
    names = _names(settings) if any(one.operator_id for one in shown) else {}
    return tuple(ListedReview(one, names.get(one.operator_id, one.operator_id)) for one in shown)


def _names(settings: Settings) -> Mapping[str, str]:
    with scratch(settings) as engine:
        return {one.operator_id: one.name for one in listed(engine, Lake(settings.lake_folder).tables())}


def forget(settings: Settings, place: str) -> tuple[Forgotten, int]:
    """Forget everything of a place, so that no byte of it is left in the store; what, and how many ids of places.

    Raises:
        StoreBusy: another program reads the store, so that bytes are left.
        StoreError: the store cannot be written to.
    """
    with open_store(settings.store_url) as store:
        book = ReviewBook(store)
        ids = book.forget_place() if is_google(place) else 0
        return book.forget(place), ids


# -- Google ------------------------------------------------------------------------------------------------------------


def confirm_place(settings: Settings, term: str, place_id: str, *, who: str, now: datetime) -> tuple[str, str, str]:
    """Keep the id of an operator's place at Google, or forget it (empty); the operator's name, the id, and the id before.

    Raises:
        OperatorNotFound, AmbiguousOperator, UsageError: the lake knows no such operator, several, or it is no id.
        StoreError: the store cannot be written to.
    """
    operator, plain = of_lake(settings, term), place_id.strip().removeprefix("places/")
    if len(plain) > _LONGEST_ID or not all(sign.isascii() and (sign.isalnum() or sign in "-_=") for sign in plain):
        hint = "Google's place ids look like ChIJN1t_tDeuEmsRUsoyG83frY4."
        raise UsageError(f"{plain[:60]!r} is no place id.", hint=hint)
    with open_store(settings.store_url) as store:
        book = ReviewBook(store)
        before = book.place(operator.operator_id)
        if plain:
            book.confirm_place(PlaceOfOperator(operator.operator_id, plain, who, now))
        else:
            book.forget_place(operator.operator_id)
    return operator.name or operator.operator_id, plain, before.place_id if before is not None else ""


async def look(settings: Settings, clock: Clock, term: str) -> tuple[str, Place]:
    """An operator's place at Google with what passengers wrote there, for showing alone; and the operator's name.

    Raises:
        UsageError: nobody confirmed a place; as `confirm_place`.
        ConfigError: Google Places is not set up.
        NotThere: Google has no such place any more.
        SourceError: Google did not answer.
    """
    operator = of_lake(settings, term)
    with open_to_read(settings.store_url) as store:
        place = ReviewBook(store).place(operator.operator_id)
    if place is None:
        hint = "Find its place id, and confirm it: `customer-research reviews place OPERATOR PLACE_ID`."
        raise UsageError(f"Nobody has confirmed {operator.name[:80]}'s place at Google.", hint=hint)
    google = GooglePlaces(settings, clock)
    try:
        return operator.name or operator.operator_id, await google.look(place.place_id)
    finally:
        await google.close()
