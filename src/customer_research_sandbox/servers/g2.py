"""G2's API v2 (JSON:API): the reviews of one product, by cursor, for the token of the account that subscribes to it.

Written from G2's documentation and from others' clients of it. More than 100 requests in a second shut an address out for 60 s: no
429 says so, answers just do not come.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.scenarios.reviews import AT_G2, scenario_id
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.limits import Clock, RollingWindow
from customer_research_sandbox.servers.wire import Vendor, answer, bearer, fault_of, made_up_id, whole_number

TOKEN = "sandbox-g2-token"  # noqa: S105  (the sandbox's own, opens nothing)
PRODUCT = "5a9db0c5-0000-5000-8000-0000000000f2"
LIMIT, BLOCK_SECONDS = 100, 60.0
PAGE, PAGE_MOST = 25, 250


class G2Server(Vendor):
    """One product's reviews; what tests change in `reviews` and `users` is served at once.

    `reviews` are JSON:API resources with `updated_at` beside (never told); `users` their reviewers, by id.
    """

    source = "g2"

    def __init__(self, companies: Sequence[Row], as_of: datetime, controls: Controls, clock: Clock) -> None:
        super().__init__(controls)
        self.users: dict[str, Row] = {}
        self.reviews: list[Row] = list(_written(companies, as_of, self.users))
        self._clock = clock
        self._window = RollingWindow(LIMIT, 1.0, clock)
        self._blocked_until = 0.0

    def routes(self) -> Sequence[BaseRoute]:
        """The reviews of a product."""
        return [Route("/api/v2/products/{product}/reviews", self._reviews)]

    def authorised(self, request: Request) -> bool:
        """The sandbox's token."""
        return bearer(request, TOKEN)

    def error(self, status: int, message: str = "") -> Response:
        """JSON:API's errors."""
        words = {401: "Invalid token", 404: "Not found", 429: "Too many requests", 500: "Internal server error"}
        return answer({"errors": [{"status": str(status), "title": words.get(status, message)}]}, status)

    def admit(self, request: Request) -> tuple[Response | None, Mapping[str, str]]:  # noqa: ARG002  (one window for all)
        """Count the request; who asks too often is not told."""
        if not self._window.take().allowed:
            self._blocked_until = self._clock() + BLOCK_SECONDS
        return None, {}

    async def _reviews(self, request: Request) -> Response:
        if (left := self._blocked_until - self._clock()) > 0:
            await asyncio.sleep(left)
        if request.path_params["product"] != PRODUCT:
            return self.error(403, "You do not have access to that resource")
        query = request.query_params
        since = query.get("filter[updated_at_gt]")
        found = [one for one in self.reviews if since is None or one["updated_at"] > datetime.fromisoformat(since)]
        size = max(1, min(whole_number(query.get("page[size]"), PAGE), PAGE_MOST))
        begin = _place(query.get("page[after]"))
        page = found[begin : begin + size]
        links = {}
        if begin + size < len(found):
            after = f"page%5Bafter%5D={_mark(begin + size)}&page%5Bsize%5D={size}"
            links = {"next": f"{request.url.replace(query='')}?{after}"}
        told = [_shown(one, without=fault_of(request) == "schema") for one in page]
        body: dict[str, Any] = {"data": told, "links": links}
        if query.get("include") == "user":
            ids = [one["relationships"]["user"]["data"]["id"] for one in page if one["relationships"]["user"]["data"]]
            body["included"] = [self.users[one] for one in dict.fromkeys(ids)]
        return answer(body)


def _shown(review: Row, *, without: bool) -> Row:
    told = {name: value for name, value in review.items() if name != "updated_at"}
    if without:
        told["attributes"] = {key: value for key, value in told["attributes"].items() if key != "star_rating"}
    return told


def _mark(place: int) -> str:
    return base64.urlsafe_b64encode(f"at:{place}".encode()).decode().rstrip("=")


def _place(mark: str | None) -> int:
    if not mark:
        return 0
    return int(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)).decode().removeprefix("at:"))


def _written(companies: Sequence[Row], as_of: datetime, users: dict[str, Row]) -> Sequence[Row]:
    known = {one["properties"].get("moovs_operator_id"): one["properties"] for one in companies}
    made = []
    for number, one in enumerate(AT_G2):
        firm = known.get(scenario_id(one.scenario))
        if firm is None:
            continue
        at = as_of - timedelta(days=one.days)
        user = made_up_id("g2 user", number) if one.named else None
        if user is not None:
            users[user] = {
                "id": user,
                "type": "users",
                "attributes": {"company_name": firm["name"], "company_domain": firm["domain"]},
            }
        number_there = made_up_id("g2 review", number)
        made.append(review(number_there, at, one.title, one.answers, stars=one.stars, user=user, public=one.public))
    return made


def review(
    number: str,
    at: datetime,
    title: str,
    answers: Mapping[str, str],
    *,
    stars: float,
    user: str | None,
    public: bool = True,
) -> Row:
    """A review as G2 has it."""
    return {
        "id": number,
        "type": "reviews",
        "updated_at": at,
        "attributes": {
            "title": title,
            "star_rating": stars,
            "answers": {key: {"text": f"What do you {key}?", "value": value} for key, value in answers.items()},
            "submitted_at": at.isoformat(),
            "published_at": at.isoformat(),
            "product_name": "Moovs",
            "is_public": public,
            "url": f"https://www.g2.com/survey_responses/{number}",
        },
        "relationships": {"user": {"data": {"id": user, "type": "users"} if user is not None else None}},
    }
