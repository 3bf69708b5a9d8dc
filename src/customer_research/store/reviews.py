"""Reviews in the store: what was imported or fetched, each with its licence and receipt, and operators' places at Google.

Of Google there is the id of a place and nothing else. What is forgotten is overwritten, not only taken out of the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Column, Date, Double, String, Table, Text

from customer_research.domain.delivery import OVER
from customer_research.domain.evidence import Receipt
from customer_research.domain.review import REVIEW, About, PlaceOfOperator, Review, Reviewed, holdable, place_key
from customer_research.store.database import insert_new
from customer_research.store.matches import match_decision
from customer_research.store.outbox import outbox
from customer_research.store.schema import METADATA, Compact, Instant

if TYPE_CHECKING:
    from customer_research.store.database import Store

review = Table(
    "review",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("about", String(8), nullable=False),
    Column("place", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("operator_id", Text, nullable=False, index=True),
    Column("matched_by", String(24), nullable=False),
    Column("firm", Compact, nullable=False),
    Column("rating", Double),
    Column("best", Double, nullable=False),
    Column("title", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("written_on", Date, nullable=False),
    Column("licence", Text, nullable=False),
    Column("fetched_at", Instant, nullable=False),
    Column("receipt", String(64), nullable=False),
    comment="What somebody wrote in public: about us, or about an operator; empty operator_id: nobody knows whose it is.",
)

review_receipt = Table(
    "review_receipt",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("about", String(8), primary_key=True),
    Column("place", Text, primary_key=True),
    Column("content", Compact, nullable=False),
    comment="The requests and files that brought reviews.",
)

review_pull = Table(
    "review_pull",
    METADATA,
    Column("place", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("whole_at", Instant, nullable=False),
    comment="When reviews of a product were last asked for, and when all of them.",
)

operator_place = Table(
    "operator_place",
    METADATA,
    Column("operator_id", Text, primary_key=True),
    Column("place_id", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("confirmed_at", Instant, nullable=False),
    comment="An operator's place at Google, as somebody confirmed it.",
)


@dataclass(frozen=True, slots=True)
class PullMark:
    """How far a place was read: since when changes are to be asked for, and when everything was last read."""

    since: datetime
    whole_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of reviews that came: new ones, changed ones, such as were there already, and taken away."""

    new: int
    changed: int
    same: int
    gone: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many reviews were forgotten, and of how many messages what they said; `waiting` messages are not sent yet and kept theirs."""

    reviews: int
    messages: int = 0
    waiting: int = 0


_COLUMNS = tuple(column.name for column in review.columns)
_WITHOUT = ("alert", "alert_note", "digest", "notice")
"""Kinds of messages that never tell of a review."""

_OWN = frozenset({"operator_id", "matched_by", "fetched_at", "receipt"})
"""What differs from one reading of a review to the next though it says the same."""


class ReviewBook:
    """The reviews of a store. Every method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(
        self,
        reviews: Sequence[Review],
        receipts: Iterable[Receipt],
        *,
        gone: Iterable[str] = (),
        mark: tuple[str, str, PullMark] | None = None,
    ) -> Kept:
        """Keep reviews in place of what they were before.

        Args:
            reviews: what came.
            receipts: what brought them.
            gone: ids of reviews that are no more.
            mark: place and product, and how far they were read.
        """
        with self._store.begin() as connection:
            before = {row["id"]: row for row in connection.execute(sa.select(review)).mappings()}
            rows = {one.id: _row(one) for one in reviews}
            lost = {one for one in gone if one in before} - rows.keys()
            for row in rows.values():
                connection.execute(insert_new(connection, review, row))
            for key in lost:
                connection.execute(sa.delete(review).where(review.c.id == key))
            for receipt in receipts:
                for about, place in {(one.about, one.place) for one in reviews if one.receipt == receipt.id}:
                    named = {"id": receipt.id, "about": about, "place": holdable(place)}
                    connection.execute(insert_new(connection, review_receipt, {**named, "content": _plain(receipt)}))
            if mark is not None:
                where, product, found = mark
                values = {"place": where, "product": product, "since": found.since, "whole_at": found.whole_at}
                connection.execute(insert_new(connection, review_pull, values))
            _drop_unused(connection)
            known = [key for key in rows if key in before]
            same = sum(_says(rows[key]) == _says(before[key]) for key in known)
            return Kept(len(rows) - len(known), len(known) - same, same, len(lost))

    def brought_by(self, source: str) -> frozenset[str]:
        """The ids of the reviews that a source's requests brought: what came from a file is none of them."""
        with self._store.read() as connection:
            receipts = connection.execute(sa.select(review_receipt.c.id, review_receipt.c.content))
            own = {key for key, content in receipts if content["source"] == source}
            return frozenset(
                key for key, proof in connection.execute(sa.select(review.c.id, review.c.receipt)) if proof in own
            )

    def reviews(self, *, about: About | None = None, place: str | None = None) -> tuple[Review, ...]:
        """All reviews, or those about one of the two or of one place, the newest first."""
        query = sa.select(review).order_by(review.c.written_on.desc(), review.c.id.desc())
        if about is not None:
            query = query.where(review.c.about == about)
        with self._store.read() as connection:
            found = tuple(_review(row) for row in connection.execute(query).mappings())
        return found if place is None else tuple(one for one in found if place_key(one.place) == place_key(place))

    def of_operator(self, operator_id: str, also: Iterable[str] = ()) -> tuple[Review, ...]:
        """The reviews that were matched to an operator, and those of these ids, the newest first."""
        own = sa.or_(review.c.operator_id == operator_id, review.c.id.in_(tuple(also)))
        query = sa.select(review).where(own).order_by(review.c.written_on.desc(), review.c.id.desc())
        with self._store.read() as connection:
            return tuple(_review(row) for row in connection.execute(query).mappings())

    def receipts(self, ids: Iterable[str]) -> tuple[Receipt, ...]:
        """The receipts of these ids."""
        query = sa.select(review_receipt).where(review_receipt.c.id.in_(tuple(ids))).order_by(review_receipt.c.id)
        with self._store.read() as connection:
            found = {row["id"]: _receipt(row["content"]) for row in connection.execute(query).mappings()}
        return tuple(found.values())

    def rematch(self, matched: Mapping[str, tuple[str, str]]) -> None:
        """Say whose reviews are: of each id the operator and the way."""
        with self._store.begin() as connection:
            for key, (operator_id, way) in matched.items():
                found = sa.update(review).where(review.c.id == key)
                connection.execute(found.values(operator_id=operator_id, matched_by=way))

    def mark(self, place: str, product: str) -> PullMark | None:
        """How far a place was read; None: it never was."""
        of = review_pull.c
        query = sa.select(review_pull).where(of.place == place, of.product == product)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else PullMark(row["since"], row["whole_at"])

    def forget(self, place: str) -> Forgotten:
        """Take everything of a place out of the store, so that no byte of it is left in its file.

        A brief that was sent may tell of a review: with them it is forgotten what briefs and reports said that are over.
        """
        wanted = place_key(place)
        with self._store.begin() as connection:
            names = {
                row[0]
                for table in (review, review_receipt, review_pull)
                for row in connection.execute(sa.select(table.c.place).distinct())
                if place_key(row[0]) == wanted
            }
            ids = sa.select(review.c.id).where(review.c.place.in_(names))
            of = match_decision.c
            connection.execute(sa.delete(match_decision).where(of.table == REVIEW, of.record_id.in_(ids)))
            count = 0
            for table in (review, review_receipt, review_pull):
                done = connection.execute(sa.delete(table).where(table.c.place.in_(names)))
                count += done.rowcount if table is review else 0
            may_quote = outbox.c.kind.not_in(_WITHOUT)
            over = (may_quote, outbox.c.state.in_(sorted(OVER)), outbox.c.content.is_not(None))
            said = sa.update(outbox).where(*over).values(content=sa.null())
            messages = connection.execute(said).rowcount if count else 0
            unsent = sa.select(sa.func.count()).where(may_quote, outbox.c.state.not_in(sorted(OVER)))
            waiting = connection.execute(unsent).scalar_one() if count else 0
        self._store.compact([table.name for table in (review, review_receipt, review_pull, match_decision, outbox)])
        return Forgotten(count, messages, waiting)

    # -- operators' places at Google ------------------------------------------------------------------------------------

    def confirm_place(self, found: PlaceOfOperator) -> None:
        """Keep the id of an operator's place."""
        values = {name: holdable(one) if isinstance(one, str) else one for name, one in asdict(found).items()}
        with self._store.begin() as connection:
            connection.execute(insert_new(connection, operator_place, values))

    def place(self, operator_id: str) -> PlaceOfOperator | None:
        """An operator's place; None: nobody confirmed one."""
        query = sa.select(operator_place).where(operator_place.c.operator_id == operator_id)
        with self._store.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else PlaceOfOperator(**row)

    def forget_place(self, operator_id: str | None = None) -> int:
        """Take the id of an operator's place out of the store, or everybody's; how many there were."""
        query = sa.delete(operator_place)
        if operator_id is not None:
            query = query.where(operator_place.c.operator_id == operator_id)
        with self._store.begin() as connection:
            count = connection.execute(query).rowcount
        self._store.compact([operator_place.name])
        return count


def _drop_unused(connection: sa.Connection) -> None:
    """Forget receipts that no review rests on any more."""
    used = sa.select(review.c.receipt).distinct()
    connection.execute(sa.delete(review_receipt).where(review_receipt.c.id.not_in(used)))


def _row(one: Review) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in _COLUMNS if name != "firm"}
    row = {name: holdable(value) if isinstance(value, str) else value for name, value in told.items()}
    return {**row, "firm": {name: holdable(value) for name, value in asdict(one.firm).items() if value}}


def _says(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _COLUMNS if name not in _OWN}


def _review(row: Mapping[Any, Any]) -> Review:
    values = {name: row[name] for name in _COLUMNS if name not in {"id", "firm"}}
    return Review(**values, firm=Reviewed(**row["firm"]))


def _plain(receipt: Receipt) -> dict[str, Any]:
    return {**asdict(receipt), "fetched_at": receipt.fetched_at.isoformat()}


def _receipt(content: Mapping[str, Any]) -> Receipt:
    at, pairs = datetime.fromisoformat(content["fetched_at"]), content["parameters"]
    return Receipt(**{**content, "fetched_at": at, "parameters": tuple((name, value) for name, value in pairs)})
