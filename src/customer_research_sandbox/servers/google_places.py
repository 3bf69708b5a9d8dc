"""Google's Places API (New): one place by its id, as far as the field mask asks for it.

Written from Google's documentation. What it does not have: searches, photos, sessions, prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.scenarios.reviews import AT_GOOGLE, GONE, MOVED, new_place_id, place_id, scenario_id
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.wire import Vendor, answer, fault_of

KEY = "sandbox-google-places-key"
RESTRICTED_KEY = "sandbox-key-without-places"
"""A key of a project that has not enabled the API."""

EXAMPLE = "ChIJN1t_tDeuEmsRUsoyG83frY4"
"""The place of Google's own documentation."""

FIELDS = frozenset({"id", "displayName", "googleMapsUri", "movedPlace", "movedPlaceId", "reviews", "rating", "name"})
MOST = 5


class GooglePlacesServer(Vendor):
    """Places of the scenarios; what tests change in `places` is served at once. `asked` are the field masks."""

    source = "google_places"

    def __init__(self, companies: Sequence[Row], as_of: datetime, controls: Controls) -> None:
        super().__init__(controls)
        self.places: dict[str, Row] = {
            EXAMPLE: {"id": EXAMPLE, "displayName": {"text": "Google Sydney"}, "reviews": []}
        }
        self.asked: list[str] = []
        known = {one["properties"].get("moovs_operator_id"): one["properties"] for one in companies}
        for number in (*AT_GOOGLE, GONE):
            firm = known.get(scenario_id(number))
            if firm is not None and number != GONE:
                self.places[place_id(number)] = _place(number, str(firm["name"]), as_of)

    def routes(self) -> Sequence[BaseRoute]:
        """One place."""
        return [Route("/v1/places/{place}", self._one)]

    def authorised(self, request: Request) -> bool:
        """The sandbox's keys."""
        return request.headers.get("x-goog-api-key") in {KEY, RESTRICTED_KEY}

    def error(self, status: int, message: str = "") -> Response:
        """Google's error model; a key that is none is a 400, as Google has it."""
        if status == 401:
            return _refused(
                400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"
            )
        names = {404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
        return _refused(status, names.get(status, "UNKNOWN"), message or f"Refused ({status}).")

    def refusal(self, request: Request) -> Response | None:
        """A project without the API, and a request without a field mask."""
        if request.headers["x-goog-api-key"] == RESTRICTED_KEY:
            words = "Places API (New) has not been used in project 1 before or it is disabled."
            return _refused(403, "PERMISSION_DENIED", words, "SERVICE_DISABLED")
        mask = request.headers.get("x-goog-fieldmask", "")
        self.asked.append(mask)
        unknown = set(mask.split(",")) - FIELDS
        if not mask:
            return _refused(400, "INVALID_ARGUMENT", "FieldMask is a required parameter.", "FIELD_MASK_REQUIRED")
        if unknown:
            words = f"Request contains an invalid argument: Cannot find matching fields for path '{min(unknown)}'."
            return _refused(400, "INVALID_ARGUMENT", words, "FIELD_MASK_INVALID")
        return None

    def _one(self, request: Request) -> Response:
        asked = request.path_params["place"]
        if not asked.startswith("ChIJ"):
            return _refused(400, "INVALID_ARGUMENT", f"Not a valid Place ID: {asked}")
        found = self.places.get(asked)
        if found is None:
            return _refused(404, "NOT_FOUND", "The Place ID is no longer valid.")
        wanted = request.headers["x-goog-fieldmask"].split(",")
        told = {name: found[name] for name in wanted if name in found}
        if fault_of(request) == "schema" and "reviews" in told:
            told["reviews"] = {"gone": True}
        return answer(told)


def _refused(status: int, name: str, message: str, reason: str = "") -> Response:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    error = {"code": status, "message": message, "status": name, **({"details": details} if details else {})}
    return answer({"error": error}, status)


def _place(number: int, name: str, as_of: datetime) -> Row:
    own = place_id(number) if number != MOVED else new_place_id(number)
    link = f"https://maps.google.com/?cid={number}"
    return {
        "id": own,
        "displayName": {"text": name, "languageCode": "en"},
        "googleMapsUri": link,
        "reviews": [_review(number, at, told, as_of) for at, told in enumerate(AT_GOOGLE[number][:MOST])],
    }


def _review(number: int, at: int, told: tuple[float, str, str, str], as_of: datetime) -> Mapping[str, object]:
    stars, author, when, words = told
    return {
        "name": f"places/{place_id(number)}/reviews/{at}",
        "relativePublishTimeDescription": when,
        "publishTime": (as_of - timedelta(days=14 * (at + 1))).isoformat().replace("+00:00", "Z"),
        "rating": stars,
        "text": {"text": words, "languageCode": "en"},
        "originalText": {"text": words, "languageCode": "en"},
        "authorAttribution": {
            "displayName": author,
            "uri": f"https://www.google.com/maps/contrib/{number}{at}/reviews",
            "photoUri": "https://lh3.googleusercontent.com/a/none",
        },
        "googleMapsUri": f"https://www.google.com/maps/reviews/{number}-{at}",
    }
