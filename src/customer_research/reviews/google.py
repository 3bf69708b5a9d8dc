"""What passengers wrote about an operator at Google, while somebody looks: Places API (New), one place by its id.

Google's terms let nobody keep it: what comes back is shown and forgotten. It is made into no row, receipt or report, so that it
reaches no store, lake, snapshot, log or export.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from customer_research.connect.answers import json_message
from customer_research.connect.http import Doubles, Http, Vendor, segment
from customer_research.connect.request_log import RequestLog
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Clock
from customer_research.connect.tokens import opened
from customer_research.domain import values
from customer_research.domain.values import UnreadableError
from customer_research.errors import BadAnswer, ConfigError, Denied, NotThere
from customer_research.reviews.settings import GooglePlacesSettings

NAME, STREAM = "google_places", "live"
TITLE = "Google Places"

MASK = "id,displayName,googleMapsUri,movedPlaceId,reviews"
"""What is asked for, and so what is paid: nothing beyond what is shown."""

MASK_OF_ID = "id"
"""What `doctor` asks for: Google charges nothing for the id alone."""

KNOWN_PLACE = "ChIJN1t_tDeuEmsRUsoyG83frY4"
"""A place of Google's own documentation, which `doctor` asks for."""


def code(body: Any) -> str:
    """Google's own name of a failure: the reason where it tells one (API_KEY_INVALID), else the status (NOT_FOUND)."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return ""
    details = error.get("details")
    told = [one.get("reason") for one in details if isinstance(one, Mapping)] if isinstance(details, list) else []
    return str(next(filter(None, told), None) or error.get("status") or "")


VENDOR = Vendor(NAME, TITLE, message=json_message, code=code)


@dataclass(frozen=True, slots=True)
class Shown:
    """One review as Google wants it shown: with its author, and where to find both."""

    author: str
    author_link: str
    rating: str
    when: str
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place as Google knows it now; `moved_to` is its id where it has another one than was asked for."""

    name: str
    link: str
    reviews: tuple[Shown, ...]
    moved_to: str = ""


class GooglePlaces:
    """An open connection to Google Places.

    Raises:
        ConfigError: no key, or an address that is none.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, mask: str = MASK, **doubles: Unpack[Doubles]) -> None:
        own = settings.of(GooglePlacesSettings)
        if not own.secret:
            hint = "Set it to an API key that may use Places API (New)."
            raise ConfigError.missing("google_places.api_key", hint)
        headers = {**own.headers, "X-Goog-FieldMask": mask}
        self.http: Http = opened(VENDOR, own, own.url, own.secret, settings, clock, headers=headers, **doubles)

    async def close(self) -> None:
        """Release sockets."""
        await self.http.close()

    async def ask(self) -> str:
        """The id of a place of Google's own: that the key may ask for places.

        Raises:
            SourceError: it may not, or Google does not answer.
        """
        return str((await self._read(KNOWN_PLACE, self.http.log("doctor"))).get("id") or "")

    async def _read(self, place_id: str, log: RequestLog) -> Mapping[str, Any]:
        """What Google tells of a place.

        Raises:
            Denied: the key is none: Google says so as of any wrong request.
            SourceError: as `Http.read`.
        """
        try:
            return await self.http.read(f"/places/{segment(place_id)}", log)
        except BadAnswer as error:
            if error.code != "API_KEY_INVALID":
                raise
            hint = "Check google_places.api_key."
            raise self.http.error(Denied, f"{TITLE} says that the key is none.", log.stream, hint) from None

    async def look(self, place_id: str) -> Place:
        """A place with up to five reviews.

        Raises:
            NotThere: Google has no place of this id any more.
            SourceError: Google did not answer, or not as documented.
        """
        log = self.http.log(STREAM)
        try:
            told = await self._read(place_id, log)
        except (NotThere, BadAnswer) as error:
            raise self._unknown(error, place_id, log) from None
        reviews = told.get("reviews", [])
        if not isinstance(reviews, list) or not all(isinstance(one, Mapping) for one in reviews):
            hint = "The answer has changed at Google: update customer-research, or report it."
            raise self.http.error(BadAnswer, f"{TITLE} sent reviews that are no list.", STREAM, hint)
        now = str(told.get("movedPlaceId") or told.get("id") or place_id)
        return Place(
            name=_text(told.get("displayName")),
            link=_plain(told.get("googleMapsUri")),
            reviews=tuple(_shown(one) for one in reviews),
            moved_to=now if now != place_id else "",
        )

    def _unknown(self, error: NotThere | BadAnswer, place_id: str, log: RequestLog) -> NotThere | BadAnswer:
        """What Google's refusal of an id means, where it is one."""
        said = {
            "NOT_FOUND": "knows no place of the id {} any more: it has moved or closed",
            "INVALID_ARGUMENT": "says that {} is no place id",
        }.get(error.code)
        if said is None:
            return error
        hint = "Find the place's id of today, and confirm it: `customer-research reviews place OPERATOR PLACE_ID`."
        return self.http.error(NotThere, f"{TITLE} {said.format(place_id[:80])}.", log.stream, hint)


def _shown(review: Mapping[str, Any]) -> Shown:
    author = review.get("authorAttribution")
    by: Mapping[str, Any] = author if isinstance(author, Mapping) else {}
    return Shown(
        author=_plain(by.get("displayName")),
        author_link=_plain(by.get("uri")),
        rating=_rating(review.get("rating")),
        when=_plain(review.get("relativePublishTimeDescription")) or _plain(review.get("publishTime"))[:10],
        words=_text(review.get("text")) or _text(review.get("originalText")),
        link=_plain(review.get("googleMapsUri")),
    )


def _rating(value: Any) -> str:
    try:
        found = values.number(value)
    except UnreadableError:
        found = None
    return "without stars" if found is None else f"{found.normalize():f} of 5"


def _text(localised: Any) -> str:
    return _plain(localised.get("text")) if isinstance(localised, Mapping) else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""
