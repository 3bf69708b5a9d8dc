"""G2's reviews of our product, as its API v2 (JSON:API) gives them to the account that owns the product.

No order of a list is documented, and nothing tells what was deleted: a pull since an instant brings what changed, and only one of all
reviews shows which are gone. The next page is asked for by its cursor alone; an address that an answer names is never followed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Unpack
from urllib.parse import parse_qsl, urlsplit

from customer_research.connect.http import Doubles, Vendor, segment
from customer_research.connect.paging import Page, followed
from customer_research.connect.reading import SURELY, each, unread_gap
from customer_research.connect.request_log import RequestLog
from customer_research.connect.session import VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.domain import values
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.review import Review, Reviewed, web_address
from customer_research.domain.values import UnreadableError
from customer_research.domain.words import instant_text
from customer_research.errors import ConfigError, SchemaChanged, Truncated, Unavailable
from customer_research.reviews.settings import G2Settings

NAME, STREAM = "g2", "reviews"
PLACE = "G2"
"""Where its reviews are said to be written."""

PAGE_SIZE = 250
"""The most that one page gives."""

PAGES_A_STRETCH = 4
"""Pages that share one deadline and one receipt."""

BEST = 5.0
BLOCKED = (
    "Wait a minute and run it again: whoever asks G2 more than 100 times a second, together with all others behind the same "
    "address, gets no answer for 60 s."
)

Record = Mapping[str, Any]


def message(body: Any) -> str:
    """G2's own words in an error body: the first of its errors."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first.get("detail") or first.get("title") or "") if isinstance(first, Mapping) else ""


VENDOR = Vendor(NAME, PLACE, message=message)


@dataclass(slots=True)
class Pulled:
    """What a pull brought: reviews, the numbers of those that are not public any more, and the receipts.

    `whole` says that these are all there are; `unread` that some could not be read.
    """

    reviews: list[Review] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    whole: bool = False
    unread: Gap | None = None


class G2(VendorSession[G2Settings]):
    """An open connection to one G2 account.

    Raises:
        ConfigError: no token or product, or an address that is none.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(G2Settings)
        super().__init__(VENDOR, own, settings, clock, **doubles)
        if not own.product.strip():
            raise ConfigError.missing("g2.product", "Set it to your product's id at G2.")
        self._path = f"/products/{segment(own.product.strip())}/reviews"

    async def ask(self) -> int:
        """How many reviews one small page has: that the token may read them.

        Raises:
            SourceError: it may not, or G2 does not answer.
        """
        log = self.log("doctor")
        answer = await self.http.read(self._path, log, params={"page[size]": 1})
        return len(self.http.results(answer, log, "data"))

    async def reviews(self, since: datetime | None) -> Pulled:
        """The reviews that changed after an instant, or all.

        Raises:
            SourceError: G2 did not give all of them: then none is to be taken for gone.
            SchemaChanged: none of them can be read.
        """
        pulled = Pulled()
        after = None if since is None else instant_text(since, "seconds")

        async def page(cursor: str | None, log: RequestLog) -> Page:
            place = dict(parse_qsl(cursor)) if cursor else {}
            asked = {"page[size]": PAGE_SIZE, "include": "user", "filter[updated_at_gt]": after, **place}
            answer = await self.http.read(self._path, log, params=asked)
            found = self.http.results(answer, log, "data")
            return Page(_joined(found, answer.get("included")), _cursor(answer))

        unread: list[tuple[Record, SchemaChanged]] = []
        read = 0
        try:
            async for stretch in followed(self.http, STREAM, page, pages=PAGES_A_STRETCH):
                if not stretch.whole:
                    hint = "Run it again; if it stays so, report it to G2."
                    raise self.http.error(Truncated, "G2's list of reviews repeats itself.", STREAM, hint)
                receipt = stretch.log.receipt(stretch.records)
                told = each(stretch.records, partial(self._read, receipt), surely=sys.maxsize)
                pulled.receipts.append(receipt)
                pulled.reviews += [one for one, public in told.rows if public]
                pulled.gone += [one.number for one, public in told.rows if not public]
                read += len(told.rows)
                unread += told.unread
        except Unavailable as error:
            hint = error.hint if error.never_sent else BLOCKED  # who is shut out is heard, and not answered
            raise self.http.error(Unavailable, error.message, STREAM, hint) from None
        if unread and not read and len(unread) >= SURELY:
            raise unread[0][1]
        if unread:
            pulled.unread = unread_gap(unread[0][1], len(unread), title=PLACE, what="review")
        pulled.whole = since is None and not unread
        return pulled

    def _read(self, receipt: Receipt, record: Record) -> tuple[tuple[Review, bool], ...]:
        """A review, and whether it is public.

        Raises:
            SchemaChanged: a promised field is absent, or cannot be read.
        """
        told = record.get("attributes")
        number = values.text(record.get("id"))
        if not isinstance(told, Mapping) or number is None:
            raise self._changed("a review without id or attributes")
        try:
            written = values.instant(told.get("submitted_at") or told.get("published_at"))
            rating = values.number(told.get("star_rating"))
        except UnreadableError as error:
            raise self._changed(str(error)) from None
        if written is None or "star_rating" not in told:
            raise self._changed("a review without star_rating or submitted_at")
        firm = record.get("firm") or {}
        made = Review(
            about="us",
            place=PLACE,
            number=number,
            firm=Reviewed(
                domain=_word(firm, "company_domain", "domain"),
                company=_word(firm, "company_name", "company"),
            ),
            rating=None if rating is None else float(rating),
            best=BEST,
            title=_word(told, "title"),
            words="\n".join(_said(told.get("answers"))),
            url=web_address(_word(told, "url")),
            written_on=written.date(),
            licence=self.own.licence,
            fetched_at=receipt.fetched_at,
            receipt=receipt.id,
        )
        return ((made, told.get("is_public") is not False),)

    def _changed(self, what: str) -> SchemaChanged:
        hint = "A field is gone or has changed at G2: update customer-research, or report it."
        return self.http.error(SchemaChanged, f"G2 sent {what}.", STREAM, hint)


def _joined(found: Sequence[Record], included: Any) -> list[Record]:
    """The reviews, each with what the answer says beside them of its reviewer's firm (`firm`); reviewers' names are not taken."""
    beside = included if isinstance(included, list) else []
    users = {str(one.get("id")): one.get("attributes") for one in beside if isinstance(one, Mapping)}
    joined: list[Record] = []
    for one in found:
        relations = one.get("relationships")
        user = relations.get("user") if isinstance(relations, Mapping) else None
        linked = user.get("data") if isinstance(user, Mapping) else None
        firm = users.get(str(linked.get("id"))) if isinstance(linked, Mapping) else None
        joined.append({**one, "firm": firm if isinstance(firm, Mapping) else {}})
    return joined


def _cursor(answer: Record) -> str | None:
    """Where the next page begins, of the address that the answer names: its parameters of pages and nothing else."""
    links = answer.get("links")
    following = links.get("next") if isinstance(links, Mapping) else None
    if isinstance(following, Mapping):  # JSON:API allows an object with `href`
        following = following.get("href")
    if not isinstance(following, str) or not following:
        return None
    place = [(name, value) for name, value in parse_qsl(urlsplit(following).query) if name.startswith("page[")]
    return "&".join(f"{segment(name)}={segment(value)}" for name, value in place) or None


def _word(told: Record, *names: str) -> str:
    """The first of these fields that says something."""
    found = (values.text(told.get(name)) for name in names if isinstance(told.get(name), str))
    return next((one for one in found if one), "")


def _said(answers: Any) -> Iterator[str]:
    """The texts among the answers to G2's questions, which have no fixed form, in their order."""
    if isinstance(answers, str):
        if answers.strip():
            yield answers.strip()
    elif isinstance(answers, Mapping):
        inner = answers["value"] if "value" in answers else list(answers.values())
        yield from _said(inner)
    elif isinstance(answers, list):
        for one in answers:
            yield from _said(one)
