"""What somebody wrote in public: operators about our product, or passengers about an operator. The two are never counted together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from customer_research.domain.match import CERTAIN, CONFIDENCE

About = Literal["us", "operator"]
"""Whom a review is about: `us`, written by an operator about our product; `operator`, written by its passengers."""

ABOUT: tuple[About, ...] = get_args(About)

_WEB = re.compile(r"https?://[^\s\"'<>`\\^{|}]{1,2000}", re.IGNORECASE)

REVIEW = "review"
"""What the records are called: where an account holds them, and where somebody decides whose one is."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Whom a place says that a review is of: the reviewer's firm where it is about us, else the firm that was reviewed."""

    operator_id: str = ""
    stripe_account: str = ""
    domain: str = ""
    company: str = ""
    city: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it is kept.

    `place` is where it was written (G2, Capterra); `number` the place's own name of it. `rating` is of `best` (None: without one).
    `operator_id` is whose it is, found by `matched_by` (a way of `domain.match.CONFIDENCE`); empty where nobody is known.
    `licence` says under which contract it may be kept, `receipt` which request or file brought it.
    """

    about: About
    place: str
    number: str
    firm: Reviewed
    rating: float | None
    best: float
    title: str
    words: str
    url: str
    written_on: date
    licence: str
    fetched_at: datetime
    receipt: str
    operator_id: str = ""
    matched_by: str = ""

    @property
    def id(self) -> str:
        """What we call it: the same whenever it is read."""
        return review_id(self.about, self.place, self.number)

    @property
    def confidence(self) -> float:
        """How surely it is the operator's, 0 to 1; 0 where nobody is known."""
        return CONFIDENCE[self.matched_by] if self.matched_by else 0.0

    @property
    def is_certain(self) -> bool:
        """Whether it is surely the operator's."""
        return self.confidence >= CERTAIN


def review_id(about: About, place: str, number: str) -> str:
    """What a review is called here: digits that are made of where it was written and its name there."""
    named = f"{about}\x1f{place_key(holdable(place))}\x1f{holdable(number)}"
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def holdable(text: str) -> str:
    """A text that any database holds: without the sign of number 0, and without halves of characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def place_key(place: str) -> str:
    """A place's name as it is compared: in any case, with any blanks."""
    return " ".join(place.split()).casefold()


def is_google(place: str) -> bool:
    """Whether a place is Google's, whose reviews may not be kept."""
    return place_key(place).startswith("google")


def of_about(reviews: Iterable[Review], about: About) -> tuple[Review, ...]:
    """The reviews about one of the two, the newest first."""
    found = (one for one in reviews if one.about == about)
    return tuple(sorted(found, key=lambda one: (one.written_on, one.id), reverse=True))


@dataclass(frozen=True, slots=True)
class PlaceOfOperator:
    """An operator's place at Google, as somebody confirmed it."""

    operator_id: str
    place_id: str
    who: str
    confirmed_at: datetime


def web_address(text: str) -> str:
    """A web address as it may be shown as a link; empty where it is none."""
    return text.strip() if _WEB.fullmatch(text.strip()) else ""
