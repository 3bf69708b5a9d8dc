"""Use cases of reviews: take them, list them, look at an operator's place at Google, forget them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from customer_research.documents.masking import mask_text
from customer_research.domain.match import CERTAIN, PROBABLE
from customer_research.domain.review import web_address
from customer_research.domain.words import clean, counted, shortened
from customer_research.errors import UsageError
from customer_research.research import options
from customer_research.research.request import Request, argument, option, request
from customer_research.research.usecases import rooms
from customer_research.research.usecases.answer import Answer, State, Table, Text, lines, unlisted

if TYPE_CHECKING:
    from customer_research.research.reviews import ListedReview, Taken
    from customer_research.research.usecases.runner import Call
    from customer_research.reviews.google import Place, Shown

SCHEMA = "customer-research.reviews/1"
_NAME, _WORDS, _LIVE_WORDS = 20, 30, 600
_ABOUT = {"us": "us", "operator": "the operator"}


@request
class Import(Request):
    """Keep the reviews of FILE (CSV or Parquet): `--about us` written by operators about our product, `--about operator` written by an
    operator's passengers.

    Columns: review_id, written_on; rating, best, title, words, url; and of the firm operator_id, stripe_account, domain, company,
    city, phone: about us the reviewer's, about an operator its own. Reviewers' names are none of it. Everything that is wrong in
    the file is told in one report, and then nothing is taken.

    A review of the same place and review_id takes the place of what it was. No review takes points.
    """

    DOCUMENT = "What became of it as JSON."

    file: Path = argument("The file.", file="file")
    about: Literal["us", "operator"] = option("Whom they are about.")
    place: str = option("Where they were written: Capterra.", metavar="NAME")
    licence: str = option("Under which contract or permission they may be kept: shown beside them.", metavar="TEXT")

    def answer(self, call: Call) -> Answer:
        room = rooms.reviews
        made = {"place": self.place, "licence": self.licence}
        return _taken(room.take_file(call.settings, self.file, self.about, call.clock(), **made))


@request
class Fetch(Request):
    """Ask G2, with your own account's token, for the reviews that operators wrote about our product.

    Since the last time what changed is asked for; every few days (g2.whole_days), and with --whole, all: what is not there any
    more is then forgotten here, too.
    """

    DOCUMENT = "What became of it as JSON."

    whole: bool = option("Ask for all of them.", False)

    async def answer(self, call: Call) -> Answer:
        return _taken(await rooms.reviews.fetch(call.settings, call.clock, whole=self.whole))


def _taken(done: Taken) -> Answer:
    kept = done.kept
    document = {
        "schema": SCHEMA,
        "place": clean(done.place),
        "about": done.about,
        **{name: getattr(kept, name) for name in ("new", "changed", "same", "gone")},
        **{name: getattr(done, name) for name in ("matched", "probable", "unknown", "whole")},
    }
    came = kept.new + kept.changed + kept.same
    said = f"{clean(done.place)}, about {_ABOUT[done.about]}: {counted(came, 'review')} came, {kept.new:,} new, {kept.changed:,} changed"
    gone = f"; {kept.gone:,} gone" if kept.gone else ""
    whose = f"Whose they are: {done.matched:,} sure, {done.probable:,} perhaps, {done.unknown:,} not known."
    hint = ("`customer-research reviews list --unmatched` shows whose are not known.",) if done.unknown else ()
    partial = []
    if done.unread is not None:
        partial.append(f"{done.unread.detail} {done.unread.next_step}")
    if done.missing:
        partial.append(
            f"{done.missing:,} are kept, and fewer than a half of them came: none was taken for gone. If that is so, run "
            "`customer-research reviews fetch --whole`."
        )
    state: State = "partial" if partial else "done"
    return lines(f"{said}{gone}.", whose, *partial, state=state, document=document, beside=hint)


@request
class Listed(Request):
    """The reviews that are kept, the newest first: OPERATOR's, or without it everybody's.

    From 0.9 on a match is sure; from 0.7 on it is shown as probable in reports; below, and where nobody is known, it waits for
    `matches confirm OPERATOR REVIEW`.
    """

    DOCUMENT = "JSON."
    WHOSE = ("operator",)

    operator: str | None = options.operator(None)
    about: Literal["us", "operator"] | None = option(
        "About us, or about operators; default: both, each by itself.", None
    )
    unmatched: bool = option("Those of which nobody is known.", False)
    limit: int = options.limit()

    def answer(self, call: Call) -> Answer:
        if self.operator is not None and self.unmatched:
            raise UsageError("A review of which nobody is known is no operator's.", hint="Leave OPERATOR out.")
        found = rooms.reviews.kept(call.settings, self.operator, self.about, call.clock(), unmatched=self.unmatched)
        document = {"schema": SCHEMA, "reviews": [_document(one) for one in found]}
        if not found:
            return lines("No review is kept.", document=document)
        shown = found[: self.limit or len(found)]
        us = sum(one.review.about == "us" for one in found)
        return Answer(
            Table(
                ("Review", "Operator", "About", "Place", "Written", "Stars", "What it says", "Match"),
                tuple(map(_row, sorted(shown, key=lambda one: one.review.about != "us"))),
                before=(f"{counted(us, 'review')} about us, {len(found) - us:,} about operators:",),
                after=unlisted(len(found) - len(shown)),
            ),
            document=document,
        )


def _row(one: ListedReview) -> tuple[str, ...]:
    told = one.review
    what = ": ".join(filter(None, (clean(told.title), clean(told.words))))
    return (
        told.id[:8],
        shortened(clean(one.name), _NAME) or "not known",
        told.about,
        clean(told.place),
        f"{told.written_on:%Y-%m-%d}",
        "" if told.rating is None else f"{told.rating:g} of {told.best:g}",
        shortened(mask_text(what), _WORDS),
        f"{told.matched_by.replace('_', ' ')} ({told.confidence:g})" if told.matched_by else "",
    )


def _document(one: ListedReview) -> dict[str, Any]:
    told = one.review
    sure = told.confidence >= CERTAIN
    return {
        "id": told.id,
        "operator_id": told.operator_id or None,
        "name": clean(one.name) or None,
        "about": told.about,
        "place": clean(told.place),
        "written_on": told.written_on.isoformat(),
        "rating": told.rating,
        "best": told.best,
        "title": mask_text(clean(told.title)),
        "words": mask_text(clean(told.words)),
        "url": told.url or None,
        "matched_by": told.matched_by or None,
        "confidence": told.confidence,
        "match": "sure" if sure else "probable" if told.confidence >= PROBABLE else "candidate",
        "licence": clean(told.licence),
        "fetched_at": told.fetched_at.isoformat(),
        "receipt": told.receipt,
    }


@request
class ConfirmPlace(Request):
    """Say which place at Google is OPERATOR's: its id alone is kept, and `reviews live` shows what passengers wrote there.

    An id of a place is found with Google's Place ID Finder. --remove forgets it.
    """

    WHOSE = ("operator",)

    operator: str = options.operator()
    place_id: str = argument("Google's id of the place.", "", metavar="[PLACE_ID]")
    remove: bool = option("Forget the place's id.", False)

    def answer(self, call: Call) -> Answer:
        if bool(self.place_id.strip()) is self.remove:
            raise UsageError(
                "Give either the place's id or --remove.", hint="Ids look like ChIJN1t_tDeuEmsRUsoyG83frY4."
            )
        name, place, before = rooms.reviews.confirm_place(
            call.settings, self.operator, self.place_id, who=call.actor.name, now=call.clock()
        )
        was = f" (before: {before})" if before and before != place else ""
        if self.remove:
            return lines(f"{clean(name)}: no place at Google is known any more{was}.")
        return lines(f"{clean(name)}: the place at Google is {clean(place)}{was}.")


@request
class Live(Request):
    """Show up to five reviews that passengers wrote about OPERATOR at Google, as Google chooses them.

    They are asked for now, shown and forgotten: Google's terms let nobody keep them, so there is no JSON, no file and no report of
    it, and it cannot be sent. Each look is charged to your key.
    """

    WHOSE = ("operator",)

    operator: str = options.operator()

    async def answer(self, call: Call) -> Answer:
        name, place = await rooms.reviews.look(call.settings, call.clock, self.operator)
        beside: tuple[str, ...] = ()
        if place.moved_to:
            moved = clean(place.moved_to)
            beside = (
                f"Google has this place under another id now: {moved}.",
                f"If it is the same firm, confirm it: `customer-research reviews place OPERATOR {moved}`.",
            )
        words = _plain if call.settings.show_personal else _masked
        return Answer(Text(tuple(f"{line}\n" for line in _live(clean(name), place, words))), beside=beside)


def _plain(text: str) -> str:
    return clean(text)


def _masked(text: str) -> str:
    return mask_text(clean(text))


def _live(name: str, place: Place, words: Any) -> Iterator[str]:
    yield f"{name} at Google: {clean(place.name) or 'a place without a name'} {web_address(place.link)}".rstrip()
    if not place.reviews:
        yield "No review is there."
    for one in place.reviews:
        yield ""
        yield from _of_google(one, words)
    yield ""
    yield "Source: Google Maps. Shown, not kept; it counts for nothing."


def _of_google(one: Shown, words: Any) -> Iterator[str]:
    """A review with its author, as Google wants it attributed."""
    yield f"{clean(one.rating)}, {clean(one.when) or 'without a date'}, by {clean(one.author) or 'somebody'} {web_address(one.author_link)}".rstrip()
    if one.words:
        yield f"  “{shortened(words(one.words), _LIVE_WORDS)}”"
    if web_address(one.link):
        yield f"  {web_address(one.link)}"


@request
class Forget(Request):
    """Forget everything of PLACE (G2, Capterra, as `reviews list` shows it), as its contract asks at its end: reviews, receipts and
    decisions, to the last byte of the store. `google` forgets the ids of places.

    What briefs and reports said that were sent as messages is forgotten with them. Reports that you wrote to files are yours to delete.
    """

    place: str = argument("The place.")

    def answer(self, call: Call) -> Answer:
        gone, ids = rooms.reviews.forget(call.settings, self.place)
        if not gone.reviews and not ids:
            raise UsageError(
                f"Nothing of {self.place[:60]!r} is kept.", hint="`customer-research reviews list` shows what is."
            )
        told = [counted(gone.reviews, "review")] if gone.reviews else []
        told += [counted(ids, "id of a place", "ids of places")] if ids else []
        said = [f"Forgotten: {' and '.join(told)} of {clean(self.place)}; no byte of it is left in the store."]
        if gone.messages:
            said.append(f"Forgotten is also what was said in {counted(gone.messages, 'message')} that had been sent.")
        if gone.waiting:
            said.append(
                f"{counted(gone.waiting, 'message')} not sent yet may tell of a review: `customer-research outbox list`."
            )
        return lines(*said)
